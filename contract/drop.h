// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why a worker let a packet go. Every packet that is neither transmitted nor punted nor held is
// counted under exactly one of these names, which are the words of API, CLI and metrics.

//      name, word, meaning
#define DROP_LIST(X) \
	X(ETHERNET_SHORT, "ethernet-short", "frame too short for its Ethernet header") \
	X(ETHERNET_TYPE, "ethernet-type", "EtherType that the gateway does not handle") \
	X(ETHERNET_ADDRESS, "ethernet-address", "frame for another Ethernet address") \
	X(VLAN_UNKNOWN, "vlan-unknown", "VLAN tags that no port of the device has") \
	X(ARP_INVALID, "arp-invalid", "malformed or foreign ARP packet") \
	X(ARP_DONE, "arp-done", "ARP packet that has been evaluated") \
	X(ND_INVALID, "nd-invalid", "malformed or foreign neighbour discovery (RFC 4861)") \
	X(ND_DONE, "nd-done", "neighbour discovery that has been evaluated") \
	X(ND_ROUTER, "nd-router", "router discovery: routes come from the config alone") \
	X(ND_REDIRECT, "nd-redirect", "redirect of a router: not followed") \
	X(IP4_INVALID, "ip4-invalid", "IPv4 version, header length or total length is wrong") \
	X(IP4_CHECKSUM, "ip4-checksum", "wrong IPv4 header checksum") \
	X(IP4_SOURCE, "ip4-source", "source address that no host may have") \
	X(IP4_TTL, "ip4-ttl", "time to live exceeded") \
	X(IP4_FRAGMENT, "ip4-fragment", "fragment for the gateway of neither ESP nor UDP") \
	X(FRAGMENT_JOINED, "fragment-joined", \
		"its bytes went into the datagram that it belongs to") \
	X(FRAGMENT_INVALID, "fragment-invalid", "outer fragment of an impossible length or mark") \
	X(FRAGMENT_TINY, "fragment-tiny", \
		"outer fragment that splits the first headers (RFC 1858)") \
	X(FRAGMENT_OVERLAP, "fragment-overlap", \
		"outer fragments that overlap or contradict each other") \
	X(FRAGMENT_DUPLICATE, "fragment-duplicate", "copy of an outer fragment that is there") \
	X(FRAGMENT_LONG, "fragment-long", \
		"outer datagram longer than 65,535 bytes, or than an IKE message may be") \
	X(FRAGMENT_MEMORY, "fragment-memory", \
		"no buffer was free for an outer datagram longer than a packet") \
	X(FRAGMENT_FULL, "fragment-full", "too many outer fragments wait: the oldest goes") \
	X(FRAGMENT_TIMEOUT, "fragment-timeout", "the rest of the outer datagram did not come") \
	X(IP4_PROTOCOL, "ip4-protocol", "protocol for the gateway itself that it does not speak") \
	X(IP6_INVALID, "ip6-invalid", "IPv6 version or payload length is wrong") \
	X(IP6_SOURCE, "ip6-source", "IPv6 source address that no host may have") \
	X(IP6_HOP_LIMIT, "ip6-hop-limit", "IPv6 hop limit exceeded") \
	X(IP6_EXTENSION, "ip6-extension", \
		"IPv6 extension header that is malformed, one too many, or a route through here") \
	X(IP6_FRAGMENT, "ip6-fragment", \
		"IPv6 fragment for the gateway of neither ESP nor UDP alone") \
	X(IP6_PROTOCOL, "ip6-protocol", \
		"IPv6 protocol for the gateway itself that it does not speak") \
	X(UDP_INVALID, "udp-invalid", "UDP header or length is wrong") \
	X(UDP_CHECKSUM, "udp-checksum", "wrong UDP checksum") \
	X(UDP_PORT, "udp-port", "UDP port of the gateway that nothing listens on") \
	X(ICMP_INVALID, "icmp-invalid", "malformed ICMP packet") \
	X(ICMP_TYPE, "icmp-type", "ICMP message that the gateway does not answer") \
	X(ICMP_FOREIGN, "icmp-foreign", \
		"packet too big, they say, but it quotes none of ours or makes no sense") \
	X(ICMP_DONE, "icmp-done", "packet too big: the path MTU of a tunnel follows it") \
	X(ICMP_RATE, "icmp-rate", "more ICMP about packets too big than is evaluated") \
	X(NAT_KEEPALIVE, "nat-keepalive", "NAT keepalive of a peer") \
	X(ESP_SHORT, "esp-short", "ESP packet shorter than its transforms allow") \
	X(ESP_SPI, "esp-spi", "no SA of that SPI") \
	X(ESP_ENCAPSULATION, "esp-encapsulation", "plain ESP on a UDP SA or the reverse") \
	X(ESP_REPLAY, "esp-replay", "sequence number seen before or left of the window") \
	X(ESP_ICV, "esp-icv", "integrity check failed") \
	X(ESP_PADDING, "esp-padding", "padding or pad length is wrong") \
	X(ESP_NEXT_HEADER, "esp-next-header", "next header that the SA's mode does not have") \
	X(ESP_DUMMY, "esp-dummy", "dummy packet of the peer (RFC 4303 section 2.6)") \
	X(ESP_SELECTOR, "esp-selector", "inner packet is not L2TP (RFC 3193 section 4)") \
	X(ESP_SESSION, "esp-session", "tunnel mode, and the session is gone or another peer's") \
	X(ESP_EXHAUSTED, "esp-exhausted", "outbound SA has no sequence number left") \
	X(ESP_NO_SA, "esp-no-sa", "tunnel has no SA to send through") \
	X(L2TP_INVALID, "l2tp-invalid", "malformed L2TP header") \
	X(L2TP_VERSION, "l2tp-version", "L2TP version other than 2") \
	X(L2TP_CLEAR, "l2tp-clear", "L2TP without IPsec where the listener requires it") \
	X(L2TP_TUNNEL, "l2tp-tunnel", "no tunnel of that id") \
	X(L2TP_SESSION, "l2tp-session", "no session of that id in the tunnel") \
	X(L2TP_PEER, "l2tp-peer", "data for a tunnel of another peer") \
	X(L2TP_SEQUENCE, "l2tp-sequence", \
		"data packet older than one that went on, or a copy of one that waits") \
	X(PPP_INVALID, "ppp-invalid", "malformed PPP framing or protocol field") \
	X(PPP_CLOSED, "ppp-closed", "network protocol that is not open in the session") \
	X(PPP_ECHO, "ppp-echo", "malformed or looped LCP echo") \
	X(SUBSCRIBER_SOURCE, "subscriber-source", "source address that is not the subscriber's") \
	X(SUBSCRIBER_INVALID, "subscriber-invalid", "inner packet is malformed") \
	X(ECN_CONGESTION, "ecn-congestion", \
		"congestion on the outer path, and the inner packet cannot say so (RFC 6040)") \
	X(SUBSCRIBER_DESTINATION, "subscriber-destination", \
		"multicast, broadcast, loopback or no destination at all") \
	X(SUBSCRIBER_ISOLATED, "subscriber-isolated", \
		"for another subscriber, and the group of one of the two does not allow it") \
	X(FILTER_UPLINK, "filter-uplink", "denied by the filter of the subscriber's group") \
	X(FILTER_DOWNLINK, "filter-downlink", "denied by the filter of the subscriber's group") \
	X(POLICED_UPLINK, "policed-uplink", "over the rate that the subscriber may send at") \
	X(POLICED_DOWNLINK, "policed-downlink", "over the rate that the subscriber may get") \
	X(SHAPER_FULL, "shaper-full", "too many packets wait for a subscriber's rate") \
	X(SHAPER_CODEL, "shaper-codel", \
		"waited too long for the subscriber's rate: tells its sender to slow down (RFC " \
		"8289)") \
	X(MTU_EXCEEDED, "mtu-exceeded", "too big with DF: ICMP was due") \
	X(FRAGMENT_FAILED, "fragment-failed", "too big and could not be fragmented") \
	X(ROUTE_NONE, "route-none", "no route to the destination") \
	X(ROUTE_SCOPE, "route-scope", \
		"IPv6 multicast, loopback or link-local: no router forwards it") \
	X(ROUTE_LOCAL, "route-local", "for an own address, where nothing takes it") \
	X(ROUTE_LOOP, "route-loop", "would leave on the side that it came from") \
	X(NEIGHBOUR_FULL, "neighbour-full", "too many packets wait for a neighbour's address") \
	X(NEIGHBOUR_LOST, "neighbour-lost", "the neighbour does not answer") \
	X(TX_FULL, "tx-full", "the port's transmit queue is full") \
	X(TX_LINK, "tx-link", "the port's link is down") \
	X(PUNT_FULL, "punt-full", "the ring to the control plane is full") \
	X(PUNT_LONG, "punt-long", "too long for the ring to the control plane") \
	X(PUNT_CLOSED, "punt-closed", "no control plane is there") \
	X(PUNT_RATE, "punt-rate", \
		"more neighbour discovery, DHCPv6 and DHCP of a subscriber than is taken") \
	X(IKE_RUBBISH, "ike-rubbish", \
		"IKE message that is no first one and has no SPI that we gave") \
	X(IKE_FIRST_RATE, "ike-first-rate", \
		"more first IKE messages of strangers than are taken in a second") \
	X(IKE_FIRST_SOURCE, "ike-first-source", \
		"more first IKE messages than one source may send of them") \
	X(IKE_FIRST_FULL, "ike-first-full", \
		"first IKE message of a stranger, and half of the ring to the control plane is " \
		"full") \
	X(IKE_KNOWN_RATE, "ike-known-rate", "more messages of one IKE SA than it needs") \
	X(IKE_KNOWN_FULL, "ike-known-full", \
		"message of an IKE SA, and three quarters of the ring to the control plane are " \
		"full") \
	X(INJECT_INVALID, "inject-invalid", "packet of the control plane that makes no sense") \
	X(INJECT_STALE, "inject-stale", "packet of the control plane for what is gone") \
	X(HANDOVER_FULL, "handover-full", "the ring to the owning worker is full") \
	X(NO_MEMORY, "no-memory", "no packet buffer was free")

#define DROP_ENUM(name, word, meaning) DROP_##name,
enum drop { DROP_LIST(DROP_ENUM) DROP_COUNT };
#undef DROP_ENUM

// The word and the meaning of a reason; "unknown" for a number that is none.
const char *drop_word(unsigned reason);
const char *drop_meaning(unsigned reason);

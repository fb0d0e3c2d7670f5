// SPDX-License-Identifier: Apache-2.0
#pragma once

// The registry of all log events. The words are stable: people build alerts on them.

//      name, word, level, meaning
#define LOG_EVENT_LIST(X) \
	X(CONTROLPLANE_READY, "controlplane-ready", LEVEL_INFO, "serves subscribers from now on") \
	X(CONFIG_WARNING, "config-warning", LEVEL_WARNING, "what the config allows has a price") \
	X(CONTROLPLANE_STOP, "controlplane-stop", LEVEL_INFO, "ends on request") \
	X(CONTROLPLANE_FAILED, "controlplane-failed", LEVEL_ERROR, "cannot start or go on") \
	X(CHANNEL_UP, "channel-up", LEVEL_INFO, "the dataplane handed over its channel") \
	X(CHANNEL_LOST, "channel-lost", LEVEL_ERROR, \
		"the dataplane is gone or broke the contract") \
	X(INSTALL_FAILED, "install-failed", LEVEL_ERROR, "the dataplane refused a command") \
	X(GROUP_REFUSED, "group-refused", LEVEL_ERROR, \
		"the dataplane does not take a group: its subscribers are not served") \
	X(PORT_LINK, "port-link", LEVEL_WARNING, "a port's link went up or down") \
	X(IKE_START, "ike-start", LEVEL_INFO, "a peer asks for an IKE SA") \
	X(IKE_REFUSED, "ike-refused", LEVEL_WARNING, "no IKE SA, with both sides' proposals") \
	X(IKE_LOADED, "ike-loaded", LEVEL_WARNING, \
		"many IKE SAs are half open: strangers have to wait") \
	X(IKE_RELIEVED, "ike-relieved", LEVEL_INFO, "few IKE SAs are half open again") \
	X(IKE_INVALID, "ike-invalid", LEVEL_WARNING, "an IKE message that is malformed or forged") \
	X(PSK_UNUSABLE, "psk-unusable", LEVEL_ERROR, \
		"a pre-shared key is for an identity that makes no sense: it fits nobody") \
	X(IKE_UP, "ike-up", LEVEL_INFO, "IKE SA established") \
	X(IKE_DOWN, "ike-down", LEVEL_INFO, "IKE SA gone, and why") \
	X(IKE_RETRANSMIT, "ike-retransmit", LEVEL_DEBUG, "a message was sent or answered again") \
	X(IKE_DPD, "ike-dpd", LEVEL_DEBUG, "a dead-peer detection exchange") \
	X(CERTIFICATE_ENDS, "certificate-ends", LEVEL_WARNING, \
		"one of our certificates or of our authorities ends soon") \
	X(CERTIFICATE_ENDED, "certificate-ended", LEVEL_ERROR, \
		"one of our certificates or of our authorities has ended") \
	X(CERTIFICATE_READ, "certificate-read", LEVEL_INFO, \
		"the file of a certificate of ours has changed, and the new one is in use") \
	X(CERTIFICATE_KEPT, "certificate-kept", LEVEL_ERROR, \
		"the file of a certificate of ours has changed and cannot be used: the one " \
		"before " \
		"stays in use") \
	X(CERTIFICATE_WEAK, "certificate-weak", LEVEL_WARNING, \
		"a certificate that only ike.policy legacy lets pass") \
	X(REVOCATION_READ, "revocation-read", LEVEL_INFO, "a new CRL is in use") \
	X(REVOCATION_FAILED, "revocation-failed", LEVEL_WARNING, "no CRL or OCSP answer, and why") \
	X(PEER_DEAD, "peer-dead", LEVEL_WARNING, "the peer does not answer any more") \
	X(PEER_MOVED, "peer-moved", LEVEL_INFO, "the peer's address or port changed") \
	X(PEER_UNPROVEN, "peer-unproven", LEVEL_WARNING, \
		"nobody answers where the peer says that it is now: its traffic stays where it " \
		"was") \
	X(ESP_REFUSED, "esp-refused", LEVEL_WARNING, "no ESP SA, with both sides' proposals") \
	X(ESP_UP, "esp-up", LEVEL_INFO, "pair of ESP SAs installed") \
	X(ESP_DOWN, "esp-down", LEVEL_INFO, "pair of ESP SAs removed, and why") \
	X(REKEY_START, "rekey-start", LEVEL_INFO, \
		"we renew an IKE SA or a pair of ESP SAs, and why") \
	X(REKEY_FAILED, "rekey-failed", LEVEL_WARNING, \
		"it could not be renewed; is tried again until it ends") \
	X(REKEY_LEFT, "rekey-left", LEVEL_INFO, \
		"a peer of version 1 does not let us renew its IKE SA, which ends; its ESP SAs " \
		"live " \
		"on as long as it is heard") \
	X(TUNNEL_START, "tunnel-start", LEVEL_INFO, "a peer asks for an L2TP tunnel") \
	X(TUNNEL_REFUSED, "tunnel-refused", LEVEL_WARNING, "no L2TP tunnel, and why") \
	X(TUNNEL_UP, "tunnel-up", LEVEL_INFO, "L2TP tunnel established") \
	X(TUNNEL_DOWN, "tunnel-down", LEVEL_INFO, "L2TP tunnel gone, and why") \
	X(L2TP_INVALID, "l2tp-invalid", LEVEL_WARNING, "a malformed L2TP control message") \
	X(SESSION_START, "session-start", LEVEL_INFO, "a peer asks for an L2TP session") \
	X(SESSION_REFUSED, "session-refused", LEVEL_WARNING, "no L2TP session, and why") \
	X(SESSION_UP, "session-up", LEVEL_INFO, "L2TP session established") \
	X(SESSION_DOWN, "session-down", LEVEL_INFO, "L2TP session gone, and why") \
	X(LCP_UP, "lcp-up", LEVEL_INFO, "LCP opened") \
	X(LCP_REFUSED, "lcp-refused", LEVEL_WARNING, \
		"LCP could not agree, with both sides' wishes") \
	X(PPP_REJECTED, "ppp-rejected", LEVEL_INFO, "a protocol was rejected politely") \
	X(AUTH_OK, "auth-ok", LEVEL_INFO, "the subscriber is who it says") \
	X(AUTH_FAILED, "auth-failed", LEVEL_WARNING, "authentication failed, and why") \
	X(RADIUS_NOT_HONOURED, "radius-not-honoured", LEVEL_WARNING, \
		"an attribute of a RADIUS server that does not hold, and why") \
	X(COA, "coa", LEVEL_INFO, \
		"a CoA-Request or Disconnect-Request was answered; error_cause 0: it was done") \
	X(SPOOL_FAILED, "spool-failed", LEVEL_ERROR, \
		"the file of accounting could not be read or written") \
	X(ACCOUNTING_LOST, "accounting-lost", LEVEL_ERROR, \
		"an accounting report is given up: radius.spool-size is reached") \
	X(ROUTE_REFUSED, "route-refused", LEVEL_WARNING, \
		"a network behind a subscriber that is not routed to it, and why") \
	X(RADIUS_DEAD, "radius-dead", LEVEL_WARNING, \
		"a RADIUS server does not answer: its requests go to others") \
	X(RADIUS_BACK, "radius-back", LEVEL_INFO, "a RADIUS server answers again") \
	X(RADIUS_BAD_REPLY, "radius-bad-reply", LEVEL_WARNING, \
		"replies of a RADIUS server that were dropped, and why") \
	X(RADIUS_CONNECTED, "radius-connected", LEVEL_INFO, \
		"the TLS connection to a RADIUS server is open") \
	X(RADIUS_CONNECTION_LOST, "radius-connection-lost", LEVEL_WARNING, \
		"there is no TLS connection to a RADIUS server, and why") \
	X(RADIUS_SOCKET, "radius-socket", LEVEL_ERROR, \
		"no socket towards a RADIUS server could be opened") \
	X(POOL_EMPTY, "pool-empty", LEVEL_WARNING, "no address is free") \
	X(IPCP_UP, "ipcp-up", LEVEL_INFO, "IPCP opened") \
	X(IPV6CP_UP, "ipv6cp-up", LEVEL_INFO, "IPV6CP opened") \
	X(IP6_IGNORED, "ip6-ignored", LEVEL_DEBUG, \
		"neighbour discovery of a session that is not served, or DHCPv6 that makes no " \
		"sense") \
	X(DHCP_INFORMED, "dhcp-informed", LEVEL_INFO, \
		"a client was told its routes, name servers and domain by DHCP") \
	X(DHCP_IGNORED, "dhcp-ignored", LEVEL_WARNING, \
		"a DHCP or DHCPv6 message of a session that is not answered, and why") \
	X(LEASE_BEGIN, "lease-begin", LEVEL_INFO, \
		"a client has an IPv6 address or a delegated prefix by DHCPv6") \
	X(LEASE_END, "lease-end", LEVEL_INFO, "it has it no more, and why") \
	X(SESSION_PATH_MTU, "session-path-mtu", LEVEL_INFO, \
		"the largest inner packet that gets through both ways, as probes found it") \
	X(TUNNEL_PATH_MTU, "tunnel-path-mtu", LEVEL_INFO, \
		"the largest outer packet to a peer, as a router said, or as it is forgotten") \
	X(SUBSCRIBER_UP, "subscriber-up", LEVEL_INFO, "the subscriber forwards from now on") \
	X(SUBSCRIBER_DOWN, "subscriber-down", LEVEL_INFO, "the subscriber is gone, and why") \
	X(API_FAILED, "api-failed", LEVEL_WARNING, "an API call that was refused")

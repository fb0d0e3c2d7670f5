// SPDX-License-Identifier: Apache-2.0
#pragma once

// The attributes that we know: name, how the value reads, and what it does in a reply. Logs and
// complaints take the names from here, docs/generate the table of docs/radius-attributes.md.

#include "types.h"
#include "wire.h"

enum dictionary_kind {
	DICTIONARY_BYTES = 0,
	DICTIONARY_TEXT,
	DICTIONARY_NUMBER,  // 32 bits
	DICTIONARY_IP4,     // address
	DICTIONARY_IP6,     // address
	DICTIONARY_PREFIX6, // RFC 3162 section 2.3
	DICTIONARY_SECRET,  // is never shown
};

// vendor, type, name, kind, what it does, what of it is refused
#define DICTIONARY_LIST(X) \
	X(0, RADIUS_USER_NAME, "User-Name", TEXT, \
		"the name that accounting reports, instead of the one the peer said", \
		"empty, longer than 253 bytes, with a NUL") \
	X(0, RADIUS_USER_PASSWORD, "User-Password", SECRET, "", "") \
	X(0, RADIUS_CHAP_PASSWORD, "CHAP-Password", SECRET, "", "") \
	X(0, RADIUS_NAS_IP_ADDRESS, "NAS-IP-Address", IP4, "", "") \
	X(0, RADIUS_NAS_PORT, "NAS-Port", NUMBER, "", "") \
	X(0, RADIUS_SERVICE_TYPE, "Service-Type", NUMBER, "Framed: as if it were not there", \
		"any other: the whole Access-Accept is a refusal (RFC 2865 section 5.6)") \
	X(0, RADIUS_FRAMED_PROTOCOL, "Framed-Protocol", NUMBER, "PPP: nothing", "any other") \
	X(0, RADIUS_FRAMED_IP_ADDRESS, "Framed-IP-Address", IP4, \
		"the subscriber's address; 255.255.255.254: one of its pool", \
		"255.255.255.255, what is no address of a host (see the rules)") \
	X(0, RADIUS_FRAMED_IP_NETMASK, "Framed-IP-Netmask", IP4, \
		"shorter than /32: the network around Framed-IP-Address is routed to the " \
		"subscriber", \
		"without Framed-IP-Address; holes in the mask; what a route may not be (see the " \
		"rules)") \
	X(0, RADIUS_FRAMED_ROUTING, "Framed-Routing", NUMBER, "None: nothing", \
		"any other: no routing protocol is spoken") \
	X(0, RADIUS_FILTER_ID, "Filter-Id", TEXT, \
		"by `radius.filter-id`: a filter, a group or a rate; with `.in` of what the " \
		"subscriber sends, with `.out` of what it gets, otherwise both", \
		"a name that the configuration does not have: the whole Access-Accept is a " \
		"refusal; a second one for the same direction") \
	X(0, RADIUS_FRAMED_MTU, "Framed-MTU", NUMBER, "", \
		"always: the MTU follows from `ppp.mtu` and the path") \
	X(0, RADIUS_FRAMED_COMPRESSION, "Framed-Compression", NUMBER, "None: nothing", \
		"any other: headers are not compressed") \
	X(0, RADIUS_REPLY_MESSAGE, "Reply-Message", TEXT, \
		"told to the peer, escaped, 253 bytes of all of them at most", "") \
	X(0, RADIUS_FRAMED_ROUTE, "Framed-Route", TEXT, \
		"`PREFIX [GATEWAY [METRIC]]`: a network behind the subscriber; without a length " \
		"that of its class; the metric means nothing, as there is one way to it", \
		"a gateway other than 0.0.0.0 and the subscriber's address; what a route may not " \
		"be " \
		"(see the rules); more than 32") \
	X(0, RADIUS_STATE, "State", BYTES, \
		"of an Access-Challenge: goes back in the next request, to the same server", "") \
	X(0, RADIUS_CLASS, "Class", BYTES, "goes back in accounting", "empty; more than 8") \
	X(0, RADIUS_VENDOR_SPECIFIC, "Vendor-Specific", BYTES, "", \
		"of a vendor in another form than RFC 2865 section 5.26 recommends, or broken") \
	X(0, RADIUS_SESSION_TIMEOUT, "Session-Timeout", NUMBER, \
		"seconds from the address to the end", "0, more than a year") \
	X(0, RADIUS_IDLE_TIMEOUT, "Idle-Timeout", NUMBER, \
		"seconds without a packet either way to the end", "0, more than a year") \
	X(0, RADIUS_TERMINATION_ACTION, "Termination-Action", NUMBER, "Default: nothing", \
		"RADIUS-Request: a session that is over is not asked about again") \
	X(0, RADIUS_CALLED_STATION_ID, "Called-Station-Id", TEXT, "", "") \
	X(0, RADIUS_CALLING_STATION_ID, "Calling-Station-Id", TEXT, "", "") \
	X(0, RADIUS_NAS_IDENTIFIER, "NAS-Identifier", TEXT, "", "") \
	X(0, RADIUS_PROXY_STATE, "Proxy-State", BYTES, "nothing", "") \
	X(0, RADIUS_ACCT_SESSION_ID, "Acct-Session-Id", TEXT, "", "") \
	X(0, RADIUS_ACCT_MULTI_SESSION_ID, "Acct-Multi-Session-Id", TEXT, "", "") \
	X(0, RADIUS_EVENT_TIMESTAMP, "Event-Timestamp", NUMBER, "", "") \
	X(0, RADIUS_CHAP_CHALLENGE, "CHAP-Challenge", BYTES, "", "") \
	X(0, RADIUS_NAS_PORT_TYPE, "NAS-Port-Type", NUMBER, "", "") \
	X(0, RADIUS_PORT_LIMIT, "Port-Limit", NUMBER, "", \
		"always: links are not bundled, and sessions of a user are the server's to count") \
	X(0, RADIUS_TUNNEL_TYPE, "Tunnel-Type", BYTES, "", \
		"always, as the other attributes of tunnels: sessions end here") \
	X(0, RADIUS_TUNNEL_MEDIUM_TYPE, "Tunnel-Medium-Type", BYTES, "", "always") \
	X(0, RADIUS_TUNNEL_CLIENT_ENDPOINT, "Tunnel-Client-Endpoint", TEXT, "", "always") \
	X(0, RADIUS_TUNNEL_SERVER_ENDPOINT, "Tunnel-Server-Endpoint", TEXT, "", "always") \
	X(0, RADIUS_ACCT_TUNNEL_CONNECTION, "Acct-Tunnel-Connection", TEXT, "", "") \
	X(0, RADIUS_TUNNEL_PASSWORD, "Tunnel-Password", SECRET, "", "always") \
	X(0, RADIUS_CONNECT_INFO, "Connect-Info", TEXT, "", "") \
	X(0, RADIUS_EAP_MESSAGE, "EAP-Message", BYTES, "the EAP packet for the peer", "") \
	X(0, RADIUS_MESSAGE_AUTHENTICATOR, "Message-Authenticator", BYTES, \
		"proves the reply (RFC 3579 section 3.2)", \
		"a wrong one, and two: the whole reply") \
	X(0, RADIUS_TUNNEL_PRIVATE_GROUP_ID, "Tunnel-Private-Group-Id", TEXT, "", "always") \
	X(0, RADIUS_TUNNEL_ASSIGNMENT_ID, "Tunnel-Assignment-Id", TEXT, "", "always") \
	X(0, RADIUS_TUNNEL_PREFERENCE, "Tunnel-Preference", BYTES, "", "always") \
	X(0, RADIUS_ACCT_INTERIM_INTERVAL, "Acct-Interim-Interval", NUMBER, \
		"seconds between interim reports", "less than 60, more than a year") \
	X(0, RADIUS_NAS_PORT_ID, "NAS-Port-Id", TEXT, "", "") \
	X(0, RADIUS_FRAMED_POOL, "Framed-Pool", TEXT, "the pool of its IPv4 address", \
		"one that is not there or has no IPv4") \
	X(0, RADIUS_CHARGEABLE_USER_IDENTITY, "Chargeable-User-Identity", BYTES, "", \
		"always: accounting reports Class and User-Name") \
	X(0, RADIUS_TUNNEL_CLIENT_AUTH_ID, "Tunnel-Client-Auth-Id", TEXT, "", "always") \
	X(0, RADIUS_TUNNEL_SERVER_AUTH_ID, "Tunnel-Server-Auth-Id", TEXT, "", "always") \
	X(0, RADIUS_NAS_IPV6_ADDRESS, "NAS-IPv6-Address", IP6, "", "") \
	X(0, RADIUS_FRAMED_INTERFACE_ID, "Framed-Interface-Id", BYTES, \
		"the interface identifier that IPV6CP gives it", "of another length than 8; 0") \
	X(0, RADIUS_FRAMED_IPV6_PREFIX, "Framed-IPv6-Prefix", PREFIX6, \
		"the prefix of its link, told by router advertisements", \
		"of another length than 64; with bits behind its length; what is no global " \
		"unicast " \
		"(see the rules)") \
	X(0, RADIUS_FRAMED_IPV6_ROUTE, "Framed-IPv6-Route", TEXT, \
		"`PREFIX [GATEWAY [METRIC]]`: a network behind the subscriber", \
		"a gateway other than :: and the subscriber's address; as Framed-Route") \
	X(0, RADIUS_FRAMED_IPV6_POOL, "Framed-IPv6-Pool", TEXT, "the pool of its prefix", \
		"one that is not there or has no prefixes") \
	X(0, RADIUS_EAP_KEY_NAME, "EAP-Key-Name", BYTES, "nothing", "") \
	X(0, RADIUS_DELEGATED_IPV6_PREFIX, "Delegated-IPv6-Prefix", PREFIX6, \
		"the prefix that DHCPv6 delegates to it", \
		"shorter than /16, longer than /64; with bits behind its length; see the rules") \
	X(0, RADIUS_FRAMED_IPV6_ADDRESS, "Framed-IPv6-Address", IP6, \
		"the address that DHCPv6 assigns", "what is no global unicast (see the rules)") \
	X(0, RADIUS_DNS_SERVER_IPV6_ADDRESS, "DNS-Server-IPv6-Address", IP6, \
		"DNS of the subscriber, by router advertisements and DHCPv6; up to 2", \
		"more than 2; what is no address of a server (see the rules)") \
	X(0, RADIUS_DELEGATED_IPV6_PREFIX_POOL, "Delegated-IPv6-Prefix-Pool", TEXT, \
		"the pool of the prefix that DHCPv6 delegates", \
		"one that is not there or delegates nothing") \
	X(0, RADIUS_STATEFUL_IPV6_ADDRESS_POOL, "Stateful-IPv6-Address-Pool", TEXT, \
		"as Framed-IPv6-Pool, which goes before: DHCPv6 assigns an address of the prefix", \
		"one that is not there or has no prefixes") \
	X(VENDOR_CISCO, CISCO_AVPAIR, "Cisco-AVPair", TEXT, \
		"`lcp:interface-config=rate-limit input|output BITS BYTES BYTES conform-action " \
		"transmit exceed-action drop` (input: what the subscriber sends), " \
		"`ip:sub-qos-policy-in=RATE`, `ip:sub-qos-policy-out=RATE`, `ip:addr-pool=`, " \
		"`ip:dns-servers=`, `ip:route=PREFIX [GATEWAY]` or `NETWORK MASK [GATEWAY]`, " \
		"`ip:inacl=FILTER`, `ip:outacl=FILTER`", \
		"any other") \
	X(VENDOR_MICROSOFT, MS_CHAP_ERROR, "MS-CHAP-Error", TEXT, "the number goes to the peer", \
		"") \
	X(VENDOR_MICROSOFT, MS_MPPE_ENCRYPTION_POLICY, "MS-MPPE-Encryption-Policy", NUMBER, \
		"Encryption-Allowed: nothing", \
		"Encryption-Required: MPPE is not spoken; IPsec is") \
	X(VENDOR_MICROSOFT, MS_MPPE_ENCRYPTION_TYPES, "MS-MPPE-Encryption-Types", NUMBER, \
		"nothing", "") \
	X(VENDOR_MICROSOFT, MS_CHAP_DOMAIN, "MS-CHAP-Domain", TEXT, "nothing", "") \
	X(VENDOR_MICROSOFT, MS_CHAP_CHALLENGE, "MS-CHAP-Challenge", BYTES, "", "") \
	X(VENDOR_MICROSOFT, MS_CHAP_MPPE_KEYS, "MS-CHAP-MPPE-Keys", SECRET, "nothing", "") \
	X(VENDOR_MICROSOFT, MS_MPPE_SEND_KEY, "MS-MPPE-Send-Key", SECRET, \
		"half of the key that EAP gives IKEv2", "") \
	X(VENDOR_MICROSOFT, MS_MPPE_RECV_KEY, "MS-MPPE-Recv-Key", SECRET, "the other half", "") \
	X(VENDOR_MICROSOFT, MS_CHAP2_RESPONSE, "MS-CHAP2-Response", SECRET, "", "") \
	X(VENDOR_MICROSOFT, MS_CHAP2_SUCCESS, "MS-CHAP2-Success", TEXT, \
		"proves the server to the peer; without it MS-CHAPv2 is refused", "") \
	X(VENDOR_MICROSOFT, MS_PRIMARY_DNS_SERVER, "MS-Primary-DNS-Server", IP4, \
		"DNS of the subscriber", "what is no address of a server (see the rules)") \
	X(VENDOR_MICROSOFT, MS_SECONDARY_DNS_SERVER, "MS-Secondary-DNS-Server", IP4, \
		"the second one", "the same") \
	X(VENDOR_MICROSOFT, MS_PRIMARY_NBNS_SERVER, "MS-Primary-NBNS-Server", IP4, \
		"WINS of the subscriber", "the same") \
	X(VENDOR_MICROSOFT, MS_SECONDARY_NBNS_SERVER, "MS-Secondary-NBNS-Server", IP4, \
		"the second one", "the same") \
	X(VENDOR_WISPR, WISPR_BANDWIDTH_MAX_UP, "WISPr-Bandwidth-Max-Up", NUMBER, \
		"bit/s that it may send; 0: no limit", "less than 8 kbit/s") \
	X(VENDOR_WISPR, WISPR_BANDWIDTH_MAX_DOWN, "WISPr-Bandwidth-Max-Down", NUMBER, \
		"bit/s that it gets; 0: no limit", "less than 8 kbit/s") \
	X(VENDOR_MIKROTIK, MIKROTIK_GROUP, "Mikrotik-Group", TEXT, "its group", \
		"one that is not there: the whole Access-Accept is a refusal") \
	X(VENDOR_MIKROTIK, MIKROTIK_RATE_LIMIT, "Mikrotik-Rate-Limit", TEXT, \
		"`rx[/tx] [burst[/burst] [threshold[/threshold] [time[/time]]]]` with k, M and " \
		"G: " \
		"rx is what it may send, tx what it gets; priority and least rates mean nothing", \
		"what does not read so; less than 8 kbit/s")

struct dictionary_entry {
	uint32_t vendor;
	uint16_t type;
	uint8_t kind; // enum dictionary_kind
	const char *name;
};

enum { DICTIONARY_NAME = 40, DICTIONARY_VALUE = 256 }; // bytes with the NUL

// NULL when it is not known.
const struct dictionary_entry *dictionary_find(uint32_t vendor, uint16_t type);
// "Framed-IP-Address", or "type 200", "vendor 9 type 250". Returns text.
const char *dictionary_name(uint32_t vendor, uint16_t type, char text[DICTIONARY_NAME]);
// The value as its kind reads, or in hexadecimal digits where it does not; escaped, cut. Secrets
// are
// "(hidden)". Returns text.
const char *dictionary_value(const struct radius_attribute *a, char text[DICTIONARY_VALUE]);

// SPDX-License-Identifier: Apache-2.0
#pragma once

// The one configuration file, as both processes see it. The dataplane uses `dataplane`, `ports`
// and `routes`; the control plane all of it. The schema (keys, units, defaults, bounds) is the
// table in config_schema.c and nowhere else; configs/full.yaml shows every key.
//
// config_load is pure but for reading the file and the secret files that it names. It checks the
// whole file, contradictions between sections included, and reports every error that it finds,
// with line, column and the fix. No error text ever contains a secret.

#include "address.h"
#include "algorithm.h"
#include "limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

// Where the API is when neither the config nor the command line says so.
#define CONFIG_API_SOCKET "/run/culvert/api.sock"

enum {
	CONFIG_TEXT = 256,  // bytes of a path, a secret, a host name with the final NUL
	CONFIG_EAL = 16,    // further EAL arguments
	CONFIG_OFFERS = 64, // algorithms of a list
};

enum port_side {
	SIDE_SUBSCRIBER = 1, // faces clients and LACs
	SIDE_NETWORK = 2,    // faces the routers
};

enum idle {
	IDLE_ADAPTIVE = 0, // sleeps a little when there is nothing to do
	IDLE_POLL = 1,     // burns its core
};

struct config_dataplane {
	char socket[CONFIG_TEXT]; // Unix socket on which the channel is handed over
	uint16_t workers;         // 1 to LIMIT_WORKERS
	uint16_t
		cores[LIMIT_WORKERS]; // CPU of each worker; cores_count 0 = chosen by the dataplane
	uint16_t cores_count;
	uint16_t clerk_core;     // 0xffff = chosen by the dataplane
	uint8_t idle;            // enum idle
	bool hugepages;          // false: ordinary memory (slower)
	uint32_t memory_mib;     // of DPDK memory
	uint32_t packet_buffers; // mbufs in all
	uint32_t sas;            // size of the tables
	uint32_t sessions;
	char eal[CONFIG_EAL][CONFIG_TEXT]; // further EAL arguments, as they are
	uint16_t eal_count;
};

struct config_port {
	char name[LIMIT_NAME];
	uint8_t side;               // enum port_side
	char device[CONFIG_TEXT];   // PCI address, or a vdev: net_af_packet0,iface=eth1
	uint16_t mtu;               // bytes of an IP packet
	uint16_t vlan[LIMIT_VLANS]; // ids, the outermost first; ports of one device differ in them
	uint16_t vlan_count;        // 0 = untagged
	struct {
		struct ip_address address; // own
		struct ip_prefix network;  // on link
	} addresses[LIMIT_PORT_ADDRESSES];
	uint16_t address_count;
};

enum { CONFIG_HOPS = 8 };

struct config_route {
	struct ip_prefix to;
	struct ip_address
		via[CONFIG_HOPS]; // on link of one of the ports; several: each has its share
	uint16_t via_count;
	char port[LIMIT_NAME]; // where a link-local via is, else empty
};

struct config_listener {
	char name[LIMIT_NAME];
	struct ip_address address; // one of a subscriber port's
	bool clear_l2tp;           // `ipsec: optional`: L2TP without IPsec is served as well
	bool remote_access;        // IKEv2 clients without L2TP are served as well
};

// Several may fit one peer: each of them is good, so that keys can be rotated
// (controlplane/ike/psk.h).
struct config_psk {
	struct ip_prefix peer;      // length 0 = any
	char identity[CONFIG_TEXT]; // of the peer's ID payload, as text; empty = any
	char secret[CONFIG_TEXT];
	uint16_t secret_length; // bytes
};

// What we prove to peers who we are with, and peers to us.
struct config_own_certificate {
	char certificate[CONFIG_TEXT]; // path of a PEM file: ours, then those between it and a CA
	char key[CONFIG_TEXT];         // path of a PEM file, of mode 600
	char pkcs12[CONFIG_TEXT];      // path of a PKCS#12 file with all of these, instead
	char password[CONFIG_TEXT];    // of key or pkcs12; empty = none
	uint16_t password_length;
};

struct config_authority {
	char certificate[CONFIG_TEXT]; // path of a PEM file; several in it: each is trusted
	char crl[CONFIG_TEXT];         // path of a PEM or DER file, or http://...; empty: from the
				       // certificates' distribution points
	char ocsp[CONFIG_TEXT];        // http://...; empty: from the certificates' AIA
};

enum revocation {
	REVOCATION_OFF = 0, // not looked at
	REVOCATION_RELAXED, // who is known to be revoked is refused
	REVOCATION_STRICT,  // who is not known to be good is refused
};

enum { CONFIG_OWN = 8, CONFIG_AUTHORITIES = 32 };

struct config_certificates {
	struct config_own_certificate own[CONFIG_OWN];
	uint16_t own_count;
	struct config_authority authorities[CONFIG_AUTHORITIES];
	uint16_t authority_count;
	uint8_t revocation; // enum revocation
	uint32_t refresh_s; // at the latest, when a CRL or an OCSP answer does not say
	uint32_t warn_s;    // before one of ours or a CA's ends
};

// Post-quantum pre-shared keys (RFC 8784).
struct config_ppk {
	char id[CONFIG_TEXT];
	char secret[CONFIG_TEXT];
	uint16_t secret_length;
};

// What may be negotiated when no list says otherwise (config_policy.c).
enum ike_policy {
	POLICY_MODERN = 1,     // nothing that RFC 8247 advises against
	POLICY_NATIVE_CLIENTS, // and what the clients of today's systems cannot do without
	POLICY_LEGACY,         // and what those of yesterday's cannot
};

// The words of ike.encryption and so on. For IKEv1 mapped to what its IANA registries number; the
// AEAD ciphers and x25519 are of IKEv2 alone (RFC 5282, RFC 8031).
enum ike_encryption {
	IKE_AES_CBC_128 = 1,
	IKE_AES_CBC_192,
	IKE_AES_CBC_256,
	IKE_3DES,
	IKE_AES_GCM_128,
	IKE_AES_GCM_256,
	IKE_CHACHA20_POLY1305,
};
enum ike_hash { IKE_MD5 = 1, IKE_SHA1 = 2, IKE_SHA256 = 4, IKE_SHA384 = 5, IKE_SHA512 = 6 };
enum ike_group {
	IKE_MODP_1024 = 2,
	IKE_MODP_1536 = 5,
	IKE_MODP_2048 = 14,
	IKE_MODP_3072 = 15,
	IKE_MODP_4096 = 16,
	IKE_ECP_256 = 19,
	IKE_ECP_384 = 20,
	IKE_ECP_521 = 21,
	IKE_X25519 = 31,
};

struct config_list {
	uint16_t values[CONFIG_OFFERS]; // enums of the list's kind, in order of preference
	uint16_t count;
};

struct config_ike {
	bool version_1, version_2;     // which are answered
	uint8_t policy;                // enum ike_policy
	bool aggressive;               // IKEv1 aggressive mode is answered: it shows a hash of the
				       // pre-shared key to anybody
	char identity[CONFIG_TEXT];    // how we call ourselves in IKEv2; empty: chosen for the peer
	struct config_list encryption; // enum ike_encryption
	struct config_list hash;       // enum ike_hash (also the PRF)
	struct config_list group;      // enum ike_group; legacy ones only when named in `legacy`
	bool legacy_3des;              // from `legacy: [3des, md5, modp-1024, modp-1536]`
	bool legacy_md5;
	bool legacy_modp1024;
	bool legacy_modp1536;
	struct config_list esp_cipher;    // enum esp_cipher
	struct config_list esp_integrity; // enum esp_integrity, for the CBC ciphers
	bool fragmentation;               // of IKE messages (RFC 7383; in IKEv1 by vendor id)
	uint16_t fragment_size;           // bytes of an IP packet with a fragment of ours
	bool mobike;                      // RFC 4555
	bool ppk_required;                // RFC 8784: refuse who has none
	bool esp_extended_sequence;       // agree to ESN when the peer offers it
	uint32_t lifetime_s;              // the longest IKE SA that we agree to
	uint32_t esp_lifetime_s;          // the longest ESP SA that we agree to
	uint32_t esp_lifetime_mib;        // the same in MiB of ESP, each way; 0 = no limit
	uint32_t esp_lifetime_kpackets;   // and in 1,000 packets, each way; 0 = no limit
	uint16_t rekey_at;                // percent of any of these when we renew by ourselves
	uint16_t rekey_jitter;            // up to so many percent earlier, at random
	uint16_t replay_window;           // packets
	uint32_t dpd_delay_ms;            // silence after which we ask (RFC 3706)
	uint32_t dpd_timeout_ms;          // without an answer: dead
	uint32_t retransmit_ms;           // first; doubled each time
	uint16_t retransmit_tries;
	uint32_t half_open_max;    // IKE SAs that are not established
	uint32_t cookies_from;     // half-open ones from which IKEv2 peers must return a cookie
	bool vendor_nat_t_rfc3947; // which vendor ids we send
	bool vendor_nat_t_draft02; // (draft-ietf-ipsec-nat-t-ike-02, with and without newline)
	bool vendor_nat_t_draft03;
	bool vendor_dpd;
	bool vendor_culvert; // our own
};

struct config_l2tp {
	char host_name[LIMIT_NAME * 2]; // AVP 7
	uint16_t window;                // our receive window, messages
	uint32_t hello_ms;              // silence after which we send HELLO
	uint32_t retransmit_ms;         // first; doubled up to retransmit_max_ms
	uint32_t retransmit_max_ms;
	uint16_t retransmit_tries;
	char secret[CONFIG_TEXT]; // tunnel authentication and hidden AVPs; empty = none
	uint16_t secret_length;
	uint32_t sessions_per_tunnel;
};

enum ppp_auth {
	PPP_AUTH_PAP = 1,
	PPP_AUTH_CHAP_MD5 = 2,
	PPP_AUTH_MSCHAPV2 = 3,
	PPP_AUTH_EAP = 4, // RFC 3748
};

struct config_ppp {
	struct config_list auth; // enum ppp_auth, in order of preference
	bool pap_in_clear;       // PAP is asked for without IPsec as well
	uint16_t mru;            // bytes: what we ask for
	uint16_t mtu;            // bytes: the largest inner packet; 0 = what fits
	struct ip_address local; // our address in IPCP
	struct ip_address dns[2];
	struct ip_address wins[2];
	struct ip_address dns6[2]; // in router advertisements (RFC 8106)
	uint32_t restart_ms;       // restart timer (RFC 1661 section 4.6)
	uint16_t max_configure;    // Configure-Requests
	uint16_t max_terminate;
	uint16_t max_failure;      // Configure-Naks before Configure-Reject
	uint32_t echo_interval_ms; // LCP echo; 0 = none
	bool echo_adaptive;        // no echo while packets of the client come in
	uint32_t chap_interval_ms; // CHAP once more after so long; 0 = never (RFC 1994 section 2)
	uint16_t echo_failures;    // unanswered in a row: dead
	uint32_t setup_timeout_ms; // from the first frame to an address
	bool path_mtu_probe;       // look whether the largest packets get through
};

enum {
	CONFIG_PREFIXES = 8, // of each kind in one pool
	CONFIG_PREFIX6 = 64, // bits of the prefix that each client gets
};

struct config_pool {
	char name[LIMIT_NAME];
	struct ip_prefix prefixes[CONFIG_PREFIXES];
	uint16_t prefix_count;
	struct ip_prefix prefixes6[CONFIG_PREFIXES]; // a /64 of them for each client
	uint16_t prefix6_count;                      // 0: no IPv6
	struct ip_prefix delegated[CONFIG_PREFIXES]; // parted for DHCPv6 prefix delegation
	uint16_t delegated_count;                    // 0: nothing is delegated
	uint8_t delegated_length;                    // bits of what each client gets of it
};

// A line of a filter: what contract/messages.h has as struct filter_rule.
struct config_rule {
	uint8_t action;        // enum filter_action
	struct ip_prefix from; // IP_NONE: any
	struct ip_prefix to;
	uint16_t protocol;     // of the IP header, or FILTER_ANY_PROTOCOL
	uint16_t from_port[2]; // first and last; 0 and 65535: any
	uint16_t to_port[2];
};

struct config_filter {
	char name[LIMIT_NAME];
	uint8_t otherwise; // enum filter_action
	struct config_rule *rules;
	uint32_t rule_count;
};

struct config_rate {
	uint32_t kbit;  // 1,000 bits a second of inner IP packets, 0 = no limit
	uint32_t burst; // bytes, 0 = what 100 ms of the rate are
};

struct config_group {
	char name[LIMIT_NAME];
	char filter_uplink[LIMIT_NAME]; // or empty: none
	char filter_downlink[LIMIT_NAME];
	bool subscriber_to_subscriber;
	struct config_rate police_uplink;
	struct config_rate police_downlink;
	struct config_rate shape_downlink;
	char pool[LIMIT_NAME]; // of its users who name none; empty: the first pool
	bool ip4, ip6;         // which of the two its users get
	struct ip_address dns[2], wins[2], dns6[2];   // IP_NONE in the first: those of ppp
	char domain[CONFIG_TEXT];                     // that names are searched in; empty: none
	struct ip_prefix routes[CONFIG_PREFIXES * 4]; // that clients are told by DHCP (RFC 3442)
	uint16_t route_count;
	uint32_t session_timeout_s; // 0 = none
	uint32_t idle_timeout_s;    // without a packet either way; 0 = none
	uint32_t interim_s;         // between interim accounting reports; 0: as radius says
};

struct config_user {
	char name[CONFIG_TEXT];
	char password[CONFIG_TEXT];
	struct ip_address address;                // fixed, or IP_NONE
	struct ip_prefix prefix6;                 // fixed /64, or IP_NONE
	char pool[LIMIT_NAME];                    // or empty: the first pool
	char group[LIMIT_NAME];                   // or empty: the default group
	struct ip_prefix delegated;               // fixed, for DHCPv6 prefix delegation, or IP_NONE
	struct ip_prefix routes[CONFIG_PREFIXES]; // networks behind the client
	uint16_t route_count;
};

// Who is asked who somebody is.
enum auth_source {
	AUTH_USERS = 1, // the users of the config
	AUTH_RADIUS = 2,
};

enum radius_transport { RADIUS_UDP = 0, RADIUS_TLS = 1 };

enum { CONFIG_RADIUS = 16, CONFIG_COA = 32, CONFIG_ATTRIBUTES = 64 };

struct config_radius_server {
	char name[LIMIT_NAME];
	struct ip_address address;
	uint8_t transport;        // enum radius_transport
	uint16_t auth_port;       // 0: it is not asked who somebody is
	uint16_t accounting_port; // 0: it gets no accounting; with TLS the same as auth_port
	char secret[CONFIG_TEXT];
	uint16_t secret_length;     // with TLS "radsec" (RFC 6614 section 2.3) when none is given
	uint32_t timeout_ms;        // before a request is sent again, then doubled
	uint16_t tries;             // requests without an answer before another server is asked
	uint16_t priority;          // the servers of the lowest number that live are asked
	uint16_t weight;            // share of the requests among those of one priority
	bool message_authenticator; // replies without Message-Authenticator are dropped
	bool status_server;         // a dead one is asked by Status-Server (RFC 5997)
	uint16_t source_ports;      // UDP sockets, of 256 requests on the way each
	char tls_name[CONFIG_TEXT]; // in its certificate; empty: its address
	char tls_authorities[CONFIG_TEXT]; // path of a PEM file
	char tls_certificate[CONFIG_TEXT]; // ours, PEM
	char tls_key[CONFIG_TEXT];         // PEM, mode 600
};

// Who may send us CoA-Request and Disconnect-Request (RFC 5176).
struct config_coa_client {
	struct ip_prefix address;
	char secret[CONFIG_TEXT];
	uint16_t secret_length;
};

// What an attribute that is not in our dictionary means: the words of config_radius.c.
enum radius_meaning {
	MEANING_NONE = 0,
	MEANING_GROUP,
	MEANING_POOL,
	MEANING_FILTER_UPLINK,
	MEANING_FILTER_DOWNLINK,
	MEANING_POLICE_UPLINK, // a rate: see radius_unit
	MEANING_POLICE_DOWNLINK,
	MEANING_SHAPE_DOWNLINK,
	MEANING_SESSION_TIMEOUT, // seconds
	MEANING_IDLE_TIMEOUT,
	MEANING_DNS,
	MEANING_DNS6,
	MEANING_ROUTE,
	MEANING_IGNORE, // known, and of no interest: no event
};
// What a rate given as an integer counts; given as text it has a unit, or is in bit/s.
enum radius_unit { UNIT_BIT = 0, UNIT_KBIT, UNIT_MBIT, UNIT_BYTE };

struct config_attribute {
	uint32_t vendor; // SMI Private Enterprise Code; 0: an attribute of RFC 2865's own space
	uint16_t type;   // 1 to 255
	uint8_t meaning; // enum radius_meaning
	uint8_t unit;    // enum radius_unit
	char prefix[64]; // of a text "prefix=value": only those, without it; empty: all of it
};

// What a Filter-Id names (RFC 2865 section 5.11).
enum filter_id { FILTER_ID_FILTER = 0, FILTER_ID_GROUP, FILTER_ID_RATE };

struct config_radius {
	struct config_list auth; // enum auth_source, in the order in which they are asked
	struct config_radius_server servers[CONFIG_RADIUS];
	uint16_t server_count;
	struct ip_address source;         // our address towards the servers, or IP_NONE
	char nas_identifier[CONFIG_TEXT]; // empty: l2tp.host-name
	struct ip_address nas_address;    // NAS-IP-Address or NAS-IPv6-Address; IP_NONE: not sent
	uint32_t patience_ms; // that a user may be waiting for the verdict (a push to a phone)
	uint32_t hold_off_ms; // that a dead server is left alone
	bool accounting;
	uint32_t interim_s; // between interim reports when neither reply nor group says; 0: none
	uint16_t interim_jitter; // percent, at random
	char spool[CONFIG_TEXT]; // folder for accounting that no server takes; empty: in memory
	uint32_t spool_mib;      // what is kept at most
	uint8_t filter_id;       // enum filter_id
	struct config_attribute attributes[CONFIG_ATTRIBUTES];
	uint16_t attribute_count;
	struct ip_address coa; // where CoA and Disconnect are taken; IP_NONE: nowhere
	uint16_t coa_port;
	uint32_t coa_window_s; // how far from now an Event-Timestamp may be; 0: it is not looked at
	struct config_coa_client coa_clients[CONFIG_COA];
	uint16_t coa_client_count;
};

// IKEv2 clients that want an address of us and no L2TP (RFC 7296 section 2.19).
struct config_remote_access {
	bool eap;          // how they may prove who they are; by EAP: any method that RADIUS has
	bool eap_mschapv2; // EAP-MSCHAPv2 of the users of the config
	bool certificate;
	bool psk;
	char pool[LIMIT_NAME];                        // of who is no user by name; empty: the first
	char group[LIMIT_NAME];                       // the same; empty: default-group
	struct ip_prefix routes[CONFIG_PREFIXES * 4]; // what they may reach; none: everything
	uint16_t route_count;
};

struct config_api {
	char socket[CONFIG_TEXT]; // always
	struct ip_address tcp;    // IP_NONE = none; loopback only in this version
	uint16_t tcp_port;
};

enum log_level { LEVEL_ERROR = 0, LEVEL_WARNING, LEVEL_INFO, LEVEL_DEBUG };

struct config {
	struct config_dataplane dataplane;
	struct config_port ports[LIMIT_PORTS];
	uint16_t port_count;
	struct config_route *routes;
	uint32_t route_count;
	struct config_listener listeners[32];
	uint16_t listener_count;
	struct config_psk *psks;
	uint32_t psk_count;
	struct config_ppk *ppks;
	uint32_t ppk_count;
	struct config_ike ike;
	struct config_certificates certificates;
	struct config_remote_access remote_access;
	struct config_radius radius;
	struct config_l2tp l2tp;
	struct config_ppp ppp;
	struct config_pool pools[64];
	uint16_t pool_count;
	struct config_filter filters[LIMIT_FILTERS - 1]; // filter number index + 1
	uint16_t filter_count;
	struct config_group groups[LIMIT_GROUPS - 1]; // group number index + 1
	uint16_t group_count;
	char default_group[LIMIT_NAME]; // of users who name none; empty: no group
	struct config_user *users;
	uint32_t user_count;
	struct config_api api;
	uint8_t log_level;     // enum log_level
	char user[LIMIT_NAME]; // that the control plane becomes; empty = stays
};

// Reads and checks the file. Returns 0 and *out (free it with config_free), or -EINVAL after one
// line "FILE:LINE:COLUMN: what is wrong: what to do" for each error on errors; -errno of the
// file when it cannot be read, with a line as well.
int config_load(const char *path, struct config **out, FILE *errors);
// The same from memory; name is what stands for the file in the lines.
int config_parse(
	const char *text, size_t length, const char *name, struct config **out, FILE *errors);
// What is in order but has a price, in words, for `culvert config check` and the log: warning n,
// from 0 on, or NULL.
const char *config_warning(const struct config *c, unsigned n);
// Wipes the secrets before it frees.
void config_free(struct config *c);

// Numbers of a filter or group by its name, as the dataplane knows it; 0 when there is none, or the
// name is empty.
uint16_t config_filter_number(const struct config *c, const char *name);
uint16_t config_group_number(const struct config *c, const char *name);

// The listener at that address, or NULL.
const struct config_listener *config_listener_at(
	const struct config *c, const struct ip_address *local);

// Words of the enums, as in the file; "?" for a number that is none.
const char *ike_encryption_word(unsigned v);
const char *ike_hash_word(unsigned v);
const char *ike_group_word(unsigned v);
const char *ppp_auth_word(unsigned v);
const char *config_action_word(unsigned v);
// NULL for a protocol that the config has no word for.
const char *config_protocol_word(unsigned v);

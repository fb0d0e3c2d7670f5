// SPDX-License-Identifier: Apache-2.0

// The schema of the configuration file: a line for each key, with type, unit, default, bounds and
// help. Nothing else in the project knows a default. configs/full.yaml shows all of it, and a test
// holds the two together.

#include "config_fields.h"

#include "messages.h"

#include <netinet/in.h>

static const struct config_word auto_core[] = {{"auto", 0xffff}, {0}};
static const struct config_word auto_zero[] = {{"auto", 0}, {0}};
static const struct config_word off_zero[] = {{"off", 0}, {0}};
static const struct config_word any_peer[] = {{"any", IP_V4}, {0}};
static const struct config_word any_version[] = {{"any", IP_NONE}, {0}};
static const struct config_word any_port[] = {{"any", 0}, {0}};
static const struct config_word idle_words[] = {
	{"adaptive", IDLE_ADAPTIVE}, {"poll", IDLE_POLL}, {0}};
static const struct config_word side_words[] = {
	{"subscriber", SIDE_SUBSCRIBER}, {"network", SIDE_NETWORK}, {0}};
static const struct config_word ipsec_words[] = {{"required", false}, {"optional", true}, {0}};
static const struct config_word level_words[] = {{"error", LEVEL_ERROR}, {"warning", LEVEL_WARNING},
	{"info", LEVEL_INFO}, {"debug", LEVEL_DEBUG}, {0}};

const struct config_word ike_encryption_words[] = {{"aes-cbc-128", IKE_AES_CBC_128},
	{"aes-cbc-192", IKE_AES_CBC_192}, {"aes-cbc-256", IKE_AES_CBC_256}, {"3des", IKE_3DES},
	{"aes-gcm-128", IKE_AES_GCM_128}, {"aes-gcm-256", IKE_AES_GCM_256},
	{"chacha20-poly1305", IKE_CHACHA20_POLY1305}, {0}};
const struct config_word ike_hash_words[] = {{"md5", IKE_MD5}, {"sha1", IKE_SHA1},
	{"sha256", IKE_SHA256}, {"sha384", IKE_SHA384}, {"sha512", IKE_SHA512}, {0}};
const struct config_word ike_group_words[] = {{"modp-1024", IKE_MODP_1024},
	{"modp-1536", IKE_MODP_1536}, {"modp-2048", IKE_MODP_2048}, {"modp-3072", IKE_MODP_3072},
	{"modp-4096", IKE_MODP_4096}, {"ecp-256", IKE_ECP_256}, {"ecp-384", IKE_ECP_384},
	{"ecp-521", IKE_ECP_521}, {"x25519", IKE_X25519}, {0}};
const struct config_word ppp_auth_words[] = {{"mschapv2", PPP_AUTH_MSCHAPV2},
	{"chap", PPP_AUTH_CHAP_MD5}, {"pap", PPP_AUTH_PAP}, {"eap", PPP_AUTH_EAP}, {0}};

const struct config_word action_words[] = {{"permit", FILTER_PERMIT}, {"deny", FILTER_DENY}, {0}};
const struct config_word protocol_words[] = {{"any", FILTER_ANY_PROTOCOL}, {"tcp", IPPROTO_TCP},
	{"udp", IPPROTO_UDP}, {"icmp", IPPROTO_ICMP}, {"icmpv6", IPPROTO_ICMPV6},
	{"sctp", IPPROTO_SCTP}, {0}};

// A test holds these against algorithm.c.
static const struct config_word cipher_words[] = {{"aes-gcm-128", ESP_CIPHER_AES_GCM_128},
	{"aes-gcm-256", ESP_CIPHER_AES_GCM_256}, {"aes-cbc-128", ESP_CIPHER_AES_CBC_128},
	{"aes-cbc-192", ESP_CIPHER_AES_CBC_192}, {"aes-cbc-256", ESP_CIPHER_AES_CBC_256},
	{"chacha20-poly1305", ESP_CIPHER_CHACHA20_POLY1305}, {"3des", ESP_CIPHER_3DES}, {0}};
static const struct config_word integrity_words[] = {{"hmac-sha1-96", ESP_INTEGRITY_HMAC_SHA1_96},
	{"hmac-sha256-128", ESP_INTEGRITY_HMAC_SHA256_128},
	{"hmac-sha384-192", ESP_INTEGRITY_HMAC_SHA384_192},
	{"hmac-sha512-256", ESP_INTEGRITY_HMAC_SHA512_256}, {0}};

static const struct config_word legacy_words[] = {
	{"3des", offsetof(struct config_ike, legacy_3des)},
	{"md5", offsetof(struct config_ike, legacy_md5)},
	{"modp-1024", offsetof(struct config_ike, legacy_modp1024)},
	{"modp-1536", offsetof(struct config_ike, legacy_modp1536)}, {0}};
static const struct config_word version_words[] = {
	{"ikev1", offsetof(struct config_ike, version_1)},
	{"ikev2", offsetof(struct config_ike, version_2)}, {0}};
static const struct config_word policy_words[] = {{"modern", POLICY_MODERN},
	{"native-clients", POLICY_NATIVE_CLIENTS}, {"legacy", POLICY_LEGACY}, {0}};
static const struct config_word revocation_words[] = {{"off", REVOCATION_OFF},
	{"relaxed", REVOCATION_RELAXED}, {"strict", REVOCATION_STRICT}, {0}};
static const struct config_word remote_auth_words[] = {
	{"eap", offsetof(struct config_remote_access, eap)},
	{"eap-mschapv2", offsetof(struct config_remote_access, eap_mschapv2)},
	{"certificate", offsetof(struct config_remote_access, certificate)},
	{"psk", offsetof(struct config_remote_access, psk)}, {0}};
static const struct config_word family_words[] = {{"ipv4", offsetof(struct config_group, ip4)},
	{"ipv6", offsetof(struct config_group, ip6)}, {0}};
static const struct config_word vendor_words[] = {
	{"rfc3947", offsetof(struct config_ike, vendor_nat_t_rfc3947)},
	{"natt-02", offsetof(struct config_ike, vendor_nat_t_draft02)},
	{"natt-03", offsetof(struct config_ike, vendor_nat_t_draft03)},
	{"dpd", offsetof(struct config_ike, vendor_dpd)},
	{"culvert", offsetof(struct config_ike, vendor_culvert)}, {0}};

static const struct config_field dataplane_fields[] = {
	{"socket", "/run/culvert/dataplane.sock", .kind = KIND_TEXT,
		FIELD(config_dataplane, socket), .high = SOCKET_PATH,
		.help = "Unix socket on which the control plane finds the dataplane"},
	{"workers", "1", .kind = KIND_INTEGER, FIELD(config_dataplane, workers), .low = 1,
		.high = LIMIT_WORKERS, .help = "threads that move packets"},
	{"cores", .kind = KIND_INTEGER, LIST(config_dataplane, cores, cores_count), .high = 1023,
		.help = "CPU of each worker; left out: chosen by the dataplane"},
	{"clerk-core", "auto", .kind = KIND_INTEGER, FIELD(config_dataplane, clerk_core),
		.high = 1023, .words = auto_core,
		.help = "CPU of the thread that keeps the tables"},
	{"idle", "adaptive", .kind = KIND_WORD, FIELD(config_dataplane, idle), .words = idle_words,
		.help = "adaptive sleeps a little when there is nothing to do, poll never does"},
	{"hugepages", "true", .kind = KIND_BOOL, FIELD(config_dataplane, hugepages),
		.help = "false: ordinary memory, which is slower"},
	{"memory", "512MiB", "512MiB", .kind = KIND_SIZE, FIELD(config_dataplane, memory_mib),
		.scale = MIB, .low = 64, .high = 1 << 20, .help = "memory for packets and tables"},
	{"packet-buffers", "32768", .kind = KIND_INTEGER, FIELD(config_dataplane, packet_buffers),
		.low = 4096, .high = 1 << 24, .help = "packets that the gateway holds at most"},
	{"sas", "16384", .kind = KIND_INTEGER, FIELD(config_dataplane, sas), .low = 64,
		.high = LIMIT_SAS, .help = "pairs of ESP SAs; a rekey needs two for a moment"},
	{"sessions", "16384", .kind = KIND_INTEGER, FIELD(config_dataplane, sessions), .low = 64,
		.high = LIMIT_SESSIONS, .help = "sessions at the same time"},
	{"eal", .kind = KIND_TEXT, LIST(config_dataplane, eal, eal_count),
		.help = "further arguments for DPDK's EAL, as they are"},
	{0}};
static const struct config_section dataplane = {"dataplane", dataplane_fields};

static const struct config_field port_fields[] = {
	{"name", .example = "wan0", .kind = KIND_TEXT, .low = 1, .required = true,
		FIELD(config_port, name), .help = "as API, CLI and log call it"},
	{"side", .example = "subscriber", .kind = KIND_WORD, .required = true,
		FIELD(config_port, side), .words = side_words,
		.help = "subscriber faces clients and LACs, network faces the routers"},
	{"device", .example = "net_af_packet0,iface=eth1", .kind = KIND_TEXT, .required = true,
		FIELD(config_port, device), .help = "PCI address, or a DPDK virtual device"},
	{"mtu", "1500", .kind = KIND_INTEGER, FIELD(config_port, mtu), .low = LIMIT_MTU_MIN,
		.high = LIMIT_MTU_MAX, .help = "bytes of an IP packet"},
	{"vlan", .example = "10", .kind = KIND_INTEGER, LIST(config_port, vlan, vlan_count),
		.single = true, .repeats = true, .low = 1, .high = LIMIT_VLAN_ID,
		.help = "tag, or [outer, inner]; left out: untagged"},
	{"addresses", .example = "[192.0.2.1/24]", .kind = KIND_INTERFACE, .required = true,
		LIST(config_port, addresses, address_count),
		.help = "own addresses, each with the length of its network"},
	{0}};
static const struct config_section ports = {"ports", port_fields};

static const struct config_field route_fields[] = {
	{"to", .example = "0.0.0.0/0", .kind = KIND_PREFIX, .required = true,
		FIELD(config_route, to), .help = "destination, IPv4 or IPv6"},
	{"via", .example = "198.51.100.254", .kind = KIND_ADDRESS, .required = true,
		LIST(config_route, via, via_count), .single = true,
		.help = "router in the network of a port; of several each has its share"},
	{"port", .example = "core", .kind = KIND_TEXT, .low = 1, FIELD(config_route, port),
		.help = "where a link-local router is"},
	{0}};
static const struct config_section routes = {"routes", route_fields};

static const struct config_field listener_fields[] = {
	{"name", .example = "public", .kind = KIND_TEXT, .low = 1, .required = true,
		FIELD(config_listener, name), .help = "as API, CLI and log call it"},
	{"address", .example = "192.0.2.1", .kind = KIND_ADDRESS, .required = true,
		FIELD(config_listener, address),
		.help = "one of a subscriber port's addresses: what clients dial"},
	{"ipsec", "required", .kind = KIND_WORD, FIELD(config_listener, clear_l2tp),
		.words = ipsec_words, .help = "optional: L2TP without IPsec is served as well"},
	{"remote-access", "true", .kind = KIND_BOOL, FIELD(config_listener, remote_access),
		.help = "serve IKEv2 clients without L2TP as well"},
	{0}};
static const struct config_section listeners = {"listeners", listener_fields};

static const struct config_field psk_fields[] = {
	{"peer", .example = "any", .kind = KIND_PREFIX, .required = true, FIELD(config_psk, peer),
		.words = any_peer, .help = "any, an address or a prefix"},
	{"identity", .example = "laptop.example.org", .kind = KIND_TEXT,
		FIELD(config_psk, identity),
		.help = "what the peer calls itself; left out: anything"},
	{"secret", .example = "{file: /etc/culvert/psk}", .kind = KIND_SECRET, .required = true,
		FIELD(config_psk, secret), COUNT(config_psk, secret_length),
		.help = "pre-shared key, as it is or as {file: PATH}"},
	{0}};
static const struct config_section psks = {"ike.psks", psk_fields};

static const struct config_field ppk_fields[] = {
	{"id", .example = "ppk-1", .kind = KIND_TEXT, .required = true, FIELD(config_ppk, id),
		.help = "as the peer calls the key"},
	{"secret", .example = "{file: /etc/culvert/ppk}", .kind = KIND_SECRET, .required = true,
		FIELD(config_ppk, secret), COUNT(config_ppk, secret_length),
		.help = "as it is or as {file: PATH}"},
	{0}};
static const struct config_section ppks = {"ike.ppks", ppk_fields};

static const struct config_field own_fields[] = {
	{"certificate", .example = "/etc/culvert/gateway.pem", .kind = KIND_PATH,
		FIELD(config_own_certificate, certificate),
		.help = "PEM: ours first, then those between it and its CA"},
	{"key", .example = "/etc/culvert/gateway.key", .kind = KIND_PATH,
		FIELD(config_own_certificate, key), .help = "PEM, RSA or EC, of mode 600"},
	{"pkcs12", .example = "/etc/culvert/gateway.p12", .kind = KIND_PATH,
		FIELD(config_own_certificate, pkcs12), .help = "both in one file, of mode 600"},
	{"password", .example = "{file: /etc/culvert/gateway.password}", .kind = KIND_SECRET,
		FIELD(config_own_certificate, password),
		COUNT(config_own_certificate, password_length),
		.help = "of the key or of the PKCS#12 file; left out: none"},
	{0}};
static const struct config_section own = {"certificates.own", own_fields};

static const struct config_field authority_fields[] = {
	{"certificate", .example = "/etc/culvert/ca.pem", .kind = KIND_PATH, .required = true,
		FIELD(config_authority, certificate),
		.help = "PEM; several in it: each is trusted"},
	{"crl", .example = "/etc/culvert/ca.crl", .kind = KIND_PATH, .low = 1,
		FIELD(config_authority, crl),
		.help = "file (PEM or DER) or http://...; left out: what certificates name"},
	{"ocsp", .example = "http://ocsp.example.org", .kind = KIND_TEXT,
		FIELD(config_authority, ocsp),
		.help = "http://...; left out: what certificates name"},
	{0}};
static const struct config_section authorities = {"certificates.authorities", authority_fields};

static const struct config_field certificate_fields[] = {
	{"own", .kind = KIND_SECTION, LIST(config_certificates, own, own_count), .maps = &own,
		.help = "what we show to peers; the first that a peer can check"},
	{"authorities", .kind = KIND_SECTION,
		LIST(config_certificates, authorities, authority_count), .maps = &authorities,
		.help = "who may vouch for peers"},
	{"revocation", "relaxed", .kind = KIND_WORD, FIELD(config_certificates, revocation),
		.words = revocation_words,
		.help = "relaxed: who is known to be revoked is refused; strict: who is not known "
			"to be good; off: not looked at"},
	{"refresh", "1h", "1h", .kind = KIND_DURATION, FIELD(config_certificates, refresh_s),
		.scale = SECOND, .low = 10, .high = 30 * DAY_S,
		.help = "of what is fetched, when it does not say itself"},
	{"warn", "30d", "30d", .kind = KIND_DURATION, FIELD(config_certificates, warn_s),
		.scale = SECOND, .low = 3600, .high = 365 * DAY_S,
		.help = "before a certificate of ours or of a CA ends"},
	{0}};
static const struct config_section certificates = {"certificates", certificate_fields};

static const struct config_field remote_fields[] = {
	{"auth", "eap eap-mschapv2 certificate psk", .kind = KIND_FLAG, .most = 4,
		.words = remote_auth_words, .help = "how clients may prove who they are"},
	{"pool", .example = "default", .kind = KIND_TEXT, .low = 1,
		FIELD(config_remote_access, pool),
		.help = "of who is none of users by name; left out: the first pool"},
	{"group", .example = "home", .kind = KIND_TEXT, .low = 1,
		FIELD(config_remote_access, group), .help = "the same; left out: default-group"},
	{"routes", .kind = KIND_PREFIX, LIST(config_remote_access, routes, route_count),
		.help = "what clients may reach; left out: everything"},
	{0}};
static const struct config_section remote_access = {"remote-access", remote_fields};

static const struct config_field ike_fields[] = {
	{"psks", .kind = KIND_SECTION, .global = true, HEAP(config, psks, psk_count), .most = USERS,
		.maps = &psks, .help = "pre-shared keys by peer"},
	{"versions", "ikev1 ikev2", .kind = KIND_FLAG, .most = 2, .words = version_words,
		.help = "that are answered"},
	{"identity", .example = "vpn.example.org", .kind = KIND_TEXT, FIELD(config_ike, identity),
		.help = "what we call ourselves in IKEv2; left out: what our certificate says, or "
			"our address"},
	{"aggressive", "false", .kind = KIND_BOOL, FIELD(config_ike, aggressive),
		.help = "IKEv1 aggressive mode: whoever asks gets a hash to guess the "
			"pre-shared key from"},
	{"policy", "native-clients", .kind = KIND_WORD, FIELD(config_ike, policy),
		.words = policy_words,
		.help = "what the lists of algorithms hold that are left out"},
	{"encryption", .kind = KIND_WORD, LIST(config_ike, encryption.values, encryption.count),
		.words = ike_encryption_words, .help = "of the IKE SA, in order of preference"},
	{"hash", .kind = KIND_WORD, LIST(config_ike, hash.values, hash.count),
		.words = ike_hash_words, .help = "of the IKE SA, and its pseudo-random function"},
	{"group", "ecp-384 ecp-256 x25519 ecp-521 modp-2048 modp-3072 modp-4096", .kind = KIND_WORD,
		LIST(config_ike, group.values, group.count), .words = ike_group_words,
		.help = "Diffie-Hellman groups, also for PFS"},
	{"legacy", .kind = KIND_FLAG, .most = 4, .words = legacy_words,
		.help = "weak algorithms to allow all the same; each goes to the end of its list"},
	{"esp-cipher", .kind = KIND_WORD, LIST(config_ike, esp_cipher.values, esp_cipher.count),
		.words = cipher_words, .help = "of the ESP SAs"},
	{"esp-integrity", .kind = KIND_WORD,
		LIST(config_ike, esp_integrity.values, esp_integrity.count),
		.words = integrity_words,
		.help = "of the ESP SAs, beside an aes-cbc cipher or 3des"},
	{"esp-extended-sequence", "false", .kind = KIND_BOOL,
		FIELD(config_ike, esp_extended_sequence),
		.help = "64-bit sequence numbers for the ESP SAs of peers that offer them (RFC "
			"4304)"},
	{"fragmentation", "true", .kind = KIND_BOOL, FIELD(config_ike, fragmentation),
		.help = "of IKE messages, with peers that say that they can (RFC 7383; IKEv1: "
			"by vendor id, which we answer with ours)"},
	{"fragment-size", "1280", .kind = KIND_INTEGER, FIELD(config_ike, fragment_size),
		.low = LIMIT_MTU_MIN, .high = 1500,
		.help = "bytes of an IP packet with one fragment of ours"},
	{"mobike", "true", .kind = KIND_BOOL, FIELD(config_ike, mobike),
		.help = "IKEv2 clients may change their address (RFC 4555)"},
	{"ppks", .kind = KIND_SECTION, .global = true, HEAP(config, ppks, ppk_count), .most = USERS,
		.maps = &ppks, .help = "post-quantum pre-shared keys (RFC 8784)"},
	{"ppk-required", "false", .kind = KIND_BOOL, FIELD(config_ike, ppk_required),
		.help = "refuse IKEv2 peers that use none of them"},
	{"lifetime", "24h", "8h", .kind = KIND_DURATION, FIELD(config_ike, lifetime_s),
		.scale = SECOND, .low = 10, .high = 30 * DAY_S, .help = "longest of an IKE SA"},
	{"esp-lifetime", "8h", "1h", .kind = KIND_DURATION, FIELD(config_ike, esp_lifetime_s),
		.scale = SECOND, .low = 10, .high = 30 * DAY_S, .help = "longest of an ESP SA"},
	{"esp-lifetime-size", "off", "64GiB", .kind = KIND_SIZE,
		FIELD(config_ike, esp_lifetime_mib), .scale = MIB, .low = 1, .high = 1 << 30,
		.words = off_zero, .help = "the most that an ESP SA carries, each way"},
	{"esp-lifetime-kpackets", "off", "1000000", .kind = KIND_INTEGER,
		FIELD(config_ike, esp_lifetime_kpackets), .low = 1, .high = 4000000,
		.words = off_zero, .help = "the same in thousands of packets"},
	{"rekey-at", "90", .kind = KIND_INTEGER, FIELD(config_ike, rekey_at), .low = 20, .high = 99,
		.help = "percent of these lifetimes after which we renew by ourselves"},
	{"rekey-jitter", "10", .kind = KIND_INTEGER, FIELD(config_ike, rekey_jitter), .high = 50,
		.help = "up to so many percent earlier, at random"},
	{"replay-window", "1024", .kind = KIND_INTEGER, FIELD(config_ike, replay_window),
		.high = LIMIT_REPLAY_WINDOW,
		.help = "packets: a multiple of 32; 0 takes replays, for benchmarks only"},
	{"dpd-delay", "30s", "30s", .kind = KIND_DURATION, FIELD(config_ike, dpd_delay_ms),
		.scale = 1, .low = SECOND, .high = HOUR_S * SECOND,
		.help = "silence after which the peer is asked (RFC 3706)"},
	{"dpd-timeout", "2m", "2m", .kind = KIND_DURATION, FIELD(config_ike, dpd_timeout_ms),
		.scale = 1, .low = SECOND, .high = DAY_S * SECOND,
		.help = "without an answer for so long: the peer is dead"},
	{"retransmit", "1s", "1s", .kind = KIND_DURATION, FIELD(config_ike, retransmit_ms),
		.scale = 1, .low = 100, .high = MINUTE, .help = "before the first; then doubled"},
	{"retransmit-tries", "5", .kind = KIND_INTEGER, FIELD(config_ike, retransmit_tries),
		.low = 1, .high = 20, .help = "retransmissions of one message"},
	{"half-open-max", "1000", .kind = KIND_INTEGER, FIELD(config_ike, half_open_max), .low = 1,
		.high = LIMIT_SAS, .help = "IKE SAs that are not established yet"},
	{"cookies-from", "100", .kind = KIND_INTEGER, FIELD(config_ike, cookies_from),
		.high = LIMIT_SAS,
		.help = "half-open ones from which IKEv2 peers have to return a cookie"},
	{"vendor-ids", "rfc3947 natt-02 natt-03 dpd culvert", .kind = KIND_FLAG, .most = 5,
		.words = vendor_words, .help = "which vendor ids we send"},
	{0}};
static const struct config_section ike = {"ike", ike_fields};

static const struct config_field l2tp_fields[] = {
	{"host-name", "culvert", .kind = KIND_TEXT, .low = 1, FIELD(config_l2tp, host_name),
		.help = "what we call ourselves (RFC 2661, AVP 7)"},
	{"window", "16", .kind = KIND_INTEGER, FIELD(config_l2tp, window), .low = 1, .high = 1024,
		.help = "control messages that a peer may have on the way"},
	{"hello", "60s", "60s", .kind = KIND_DURATION, FIELD(config_l2tp, hello_ms), .scale = 1,
		.low = SECOND, .high = HOUR_S * SECOND,
		.help = "silence of a tunnel after which we send HELLO"},
	{"retransmit", "1s", "1s", .kind = KIND_DURATION, FIELD(config_l2tp, retransmit_ms),
		.scale = 1, .low = 100, .high = MINUTE, .help = "before the first; then doubled"},
	{"retransmit-max", "8s", "8s", .kind = KIND_DURATION, FIELD(config_l2tp, retransmit_max_ms),
		.scale = 1, .low = 100, .high = 5 * MINUTE,
		.help = "up to this (RFC 2661 section 5.8: at least 8s)"},
	{"retransmit-tries", "5", .kind = KIND_INTEGER, FIELD(config_l2tp, retransmit_tries),
		.low = 1, .high = 20, .help = "then the tunnel is dead"},
	{"secret", .example = "{file: /etc/culvert/tunnel}", .kind = KIND_SECRET,
		FIELD(config_l2tp, secret), COUNT(config_l2tp, secret_length),
		.help = "tunnel authentication and hidden AVPs; left out: none"},
	{"sessions-per-tunnel", "16384", .kind = KIND_INTEGER,
		FIELD(config_l2tp, sessions_per_tunnel), .low = 1, .high = LIMIT_SESSION_ID,
		.help = "that one peer may open in one tunnel"},
	{0}};
static const struct config_section l2tp = {"l2tp", l2tp_fields};

static const struct config_field ppp_fields[] = {
	{"auth", "mschapv2 chap", .kind = KIND_WORD, LIST(config_ppp, auth.values, auth.count),
		.words = ppp_auth_words, .help = "in order of preference"},
	{"pap-in-clear", "false", .kind = KIND_BOOL, FIELD(config_ppp, pap_in_clear),
		.help = "ask for PAP without IPsec as well, where everybody on the way reads the "
			"password"},
	{"mru", "1400", .kind = KIND_INTEGER, FIELD(config_ppp, mru), .low = LIMIT_MTU_MIN,
		.high = LIMIT_MTU_MAX, .help = "bytes: what we ask the client to keep to"},
	{"mtu", "auto", .kind = KIND_INTEGER, FIELD(config_ppp, mtu), .low = LIMIT_MTU_MIN,
		.high = LIMIT_MTU_MAX, .words = auto_zero,
		.help = "bytes of the largest inner packet; auto: what fits the headers"},
	{"local-address", .example = "100.64.0.1", .kind = KIND_ADDRESS, FIELD(config_ppp, local),
		.low = IP_V4,
		.help = "ours in IPCP; left out: the first IPv4 address of the subscriber ports"},
	{"dns", .kind = KIND_ADDRESS, FIXED(config_ppp, dns), .low = IP_V4,
		.help = "name servers that clients are told"},
	{"ipv6-dns", .kind = KIND_ADDRESS, FIXED(config_ppp, dns6), .low = IP_V6,
		.help = "name servers in router advertisements"},
	{"wins", .kind = KIND_ADDRESS, FIXED(config_ppp, wins), .low = IP_V4,
		.help = "WINS servers that clients are told"},
	{"restart", "3s", "3s", .kind = KIND_DURATION, FIELD(config_ppp, restart_ms), .scale = 1,
		.low = 100, .high = MINUTE, .help = "restart timer (RFC 1661 section 4.6)"},
	{"max-configure", "10", .kind = KIND_INTEGER, FIELD(config_ppp, max_configure), .low = 1,
		.high = 100, .help = "Configure-Requests without an answer"},
	{"max-terminate", "2", .kind = KIND_INTEGER, FIELD(config_ppp, max_terminate), .low = 1,
		.high = 100, .help = "Terminate-Requests without an answer"},
	{"max-failure", "5", .kind = KIND_INTEGER, FIELD(config_ppp, max_failure), .low = 1,
		.high = 100, .help = "Configure-Naks before a Configure-Reject"},
	{"echo-interval", "30s", "30s", .kind = KIND_DURATION, FIELD(config_ppp, echo_interval_ms),
		.scale = 1, .low = SECOND, .high = HOUR_S * SECOND, .words = off_zero,
		.help = "LCP echo; off: none"},
	{"echo-adaptive", "true", .kind = KIND_BOOL, FIELD(config_ppp, echo_adaptive),
		.help = "no echo while packets of the client come in"},
	{"chap-interval", "off", "1h", .kind = KIND_DURATION, FIELD(config_ppp, chap_interval_ms),
		.scale = 1, .low = 10 * SECOND, .high = DAY_S * SECOND, .words = off_zero,
		.help = "CHAP once more after so long (RFC 1994); off: never"},
	{"echo-failures", "4", .kind = KIND_INTEGER, FIELD(config_ppp, echo_failures), .low = 1,
		.high = 100, .help = "echoes in a row without an answer: the client is gone"},
	{"setup-timeout", "30s", "30s", .kind = KIND_DURATION, FIELD(config_ppp, setup_timeout_ms),
		.scale = 1, .low = SECOND, .high = 10 * MINUTE,
		.help = "from the first frame to an address"},
	{"path-mtu-probe", "true", .kind = KIND_BOOL, FIELD(config_ppp, path_mtu_probe),
		.help = "look by LCP echoes whether the largest packets get through"},
	{0}};
static const struct config_section ppp = {"ppp", ppp_fields};

static const struct config_field pool_fields[] = {
	{"name", .example = "default", .kind = KIND_TEXT, .low = 1, .required = true,
		FIELD(config_pool, name), .help = "as users, API and CLI call it"},
	{"prefixes", .example = "[100.64.0.0/16]", .kind = KIND_PREFIX,
		LIST(config_pool, prefixes, prefix_count), .low = IP_V4,
		.help = "addresses for clients; own addresses in them are left out; left out: no "
			"IPv4"},
	{"ipv6-prefixes", .kind = KIND_PREFIX, LIST(config_pool, prefixes6, prefix6_count),
		.low = IP_V6, .help = "a /64 of them for each client; left out: no IPv6"},
	{"delegated-prefixes", .kind = KIND_PREFIX, LIST(config_pool, delegated, delegated_count),
		.low = IP_V6, .help = "what clients get delegated by DHCPv6; left out: nothing"},
	{"delegated-length", "56", .kind = KIND_INTEGER, FIELD(config_pool, delegated_length),
		.low = 40, .high = 64, .help = "bits of what each client gets of them"},
	{0}};
static const struct config_section pools = {"pools", pool_fields};

static const struct config_field rule_fields[] = {
	{"action", .example = "permit", .kind = KIND_WORD, .required = true,
		FIELD(config_rule, action), .words = action_words,
		.help = "of the first rule that matches a packet"},
	{"from", "any", .kind = KIND_PREFIX, FIELD(config_rule, from), .words = any_version,
		.help = "source, IPv4 or IPv6"},
	{"to", "any", .kind = KIND_PREFIX, FIELD(config_rule, to), .words = any_version,
		.help = "destination, of the same version"},
	{"protocol", "any", .kind = KIND_INTEGER, FIELD(config_rule, protocol), .high = 255,
		.words = protocol_words, .help = "a word, or the number in the IP header"},
	{"from-port", "any", "1024-65535", .kind = KIND_PORTS, FIELD(config_rule, from_port),
		.words = any_port, .help = "of TCP, UDP and SCTP; not of later fragments"},
	{"to-port", "any", "443", .kind = KIND_PORTS, FIELD(config_rule, to_port),
		.words = any_port, .help = "the same of the destination"},
	{0}};
static const struct config_section rules = {"filters.rules", rule_fields};

static const struct config_field filter_fields[] = {
	{"name", .example = "web", .kind = KIND_TEXT, .low = 1, .required = true,
		FIELD(config_filter, name), .help = "as groups, API and CLI call it"},
	{"otherwise", .example = "deny", .kind = KIND_WORD, .required = true,
		FIELD(config_filter, otherwise), .words = action_words,
		.help = "what holds for a packet that no rule matches"},
	{"rules", .kind = KIND_SECTION, HEAP(config_filter, rules, rule_count),
		.most = LIMIT_FILTER_RULES, .maps = &rules, .help = "the first that matches holds"},
	{0}};
static const struct config_section filters = {"filters", filter_fields};

#define RATE(member) \
	.example = "50Mbit/s", .kind = KIND_RATE, FIELD(config_group, member.kbit), .scale = 1, \
	.low = RATE_LEAST, .high = RATE_MOST
#define BURST(member) \
	.example = "64KiB", .kind = KIND_SIZE, FIELD(config_group, member.burst), .scale = 1, \
	.low = BURST_LEAST, .high = BURST_MOST

static const struct config_field group_fields[] = {
	{"name", .example = "home", .kind = KIND_TEXT, .low = 1, .required = true,
		FIELD(config_group, name), .help = "as users, API and CLI call it"},
	{"filter-uplink", .example = "web", .kind = KIND_TEXT, .low = 1,
		FIELD(config_group, filter_uplink), .help = "what its subscribers may send"},
	{"filter-downlink", .example = "web", .kind = KIND_TEXT, .low = 1,
		FIELD(config_group, filter_downlink), .help = "what its subscribers may get"},
	{"subscriber-to-subscriber", "true", .kind = KIND_BOOL,
		FIELD(config_group, subscriber_to_subscriber),
		.help = "false: nothing goes to or comes from other subscribers"},
	{"police-uplink", RATE(police_uplink),
		.help = "of each subscriber: what is over it is dropped; left out: no limit"},
	{"police-uplink-burst", BURST(police_uplink),
		.help = "that may come at once; left out: 100 ms of the rate"},
	{"police-downlink", RATE(police_downlink), .help = "the same towards the subscriber"},
	{"police-downlink-burst", BURST(police_downlink), .help = "the same"},
	{"shape-downlink", RATE(shape_downlink),
		.help = "of each subscriber: what is over it waits; left out: no limit"},
	{"shape-downlink-burst", BURST(shape_downlink),
		.help = "that may go at once; left out: 10 ms of the rate"},
	{"pool", .example = "default", .kind = KIND_TEXT, .low = 1, FIELD(config_group, pool),
		.help = "of its users who name none; left out: the first pool"},
	{"ip", "ipv4 ipv6", .kind = KIND_FLAG, .most = 2, .words = family_words,
		.help = "which of them its users get"},
	{"dns", .kind = KIND_ADDRESS, FIXED(config_group, dns), .low = IP_V4,
		.help = "left out: those of ppp"},
	{"wins", .kind = KIND_ADDRESS, FIXED(config_group, wins), .low = IP_V4,
		.help = "left out: those of ppp"},
	{"ipv6-dns", .kind = KIND_ADDRESS, FIXED(config_group, dns6), .low = IP_V6,
		.help = "left out: those of ppp"},
	{"domain", .example = "example.org", .kind = KIND_TEXT, .low = 1,
		FIELD(config_group, domain), .help = "that clients search names in (DHCP)"},
	{"routes", .kind = KIND_PREFIX, LIST(config_group, routes, route_count),
		.help = "that clients are told by DHCP; left out: none"},
	{"session-timeout", "off", "12h", .kind = KIND_DURATION,
		FIELD(config_group, session_timeout_s), .scale = SECOND, .low = 10,
		.high = 365 * DAY_S, .words = off_zero, .help = "after which a session ends"},
	{"idle-timeout", "off", "30m", .kind = KIND_DURATION, FIELD(config_group, idle_timeout_s),
		.scale = SECOND, .low = 10, .high = 30 * DAY_S, .words = off_zero,
		.help = "without a packet after which a session ends"},
	{"interim", "auto", "5m", .kind = KIND_DURATION, FIELD(config_group, interim_s),
		.scale = SECOND, .low = 60, .high = DAY_S, .words = auto_zero,
		.help = "between interim accounting reports; auto: as radius says"},
	{0}};
static const struct config_section groups = {"groups", group_fields};

static const struct config_field user_fields[] = {
	{"name", .example = "alice", .kind = KIND_TEXT, .required = true, FIELD(config_user, name),
		.help = "as the client sends it"},
	{"password", .example = "{file: /etc/culvert/alice}", .kind = KIND_SECRET, .required = true,
		FIELD(config_user, password), .help = "as it is or as {file: PATH}"},
	{"address", .example = "100.64.0.7", .kind = KIND_ADDRESS, FIELD(config_user, address),
		.low = IP_V4, .help = "fixed, in a pool or not; left out: from a pool"},
	{"ipv6-prefix", .example = "2001:db8:9::/64", .kind = KIND_PREFIX,
		FIELD(config_user, prefix6), .low = IP_V6,
		.help = "fixed /64, in a pool or not; left out: from the pool"},
	{"pool", .example = "default", .kind = KIND_TEXT, .low = 1, FIELD(config_user, pool),
		.help = "left out: the first pool"},
	{"group", .example = "home", .kind = KIND_TEXT, .low = 1, FIELD(config_user, group),
		.help = "left out: default-group"},
	{"delegated-prefix", .example = "2001:db8:a00::/56", .kind = KIND_PREFIX,
		FIELD(config_user, delegated), .low = IP_V6,
		.help = "fixed, for DHCPv6; left out: from the pool"},
	{"routes", .kind = KIND_PREFIX, LIST(config_user, routes, route_count),
		.help = "networks behind the client"},
	{0}};
static const struct config_section users = {"users", user_fields};

static const struct config_field api_fields[] = {
	{"socket", CONFIG_API_SOCKET, .kind = KIND_TEXT, FIELD(config_api, socket),
		.high = SOCKET_PATH, .help = "Unix socket of the API"},
	{"tcp", .example = "127.0.0.1:8080", .kind = KIND_ENDPOINT, FIELD(config_api, tcp),
		COUNT(config_api, tcp_port), .help = "loopback address and port; left out: none"},
	{0}};
static const struct config_section api = {"api", api_fields};

static const struct config_field log_fields[] = {
	{"level", "info", .kind = KIND_WORD, FIELD(config, log_level), .words = level_words,
		.help = "the least that is written"},
	{0}};
static const struct config_section log_section = {"log", log_fields};

// The section log has no struct of its own: its offset is 0, and its fields are struct config's.
static const struct config_field file_fields[] = {
	{"dataplane", MAP(config, dataplane, dataplane), .help = "the packet process"},
	{"ports", .example = "[{name: wan0, side: subscriber, device: ..., addresses: [...]}]",
		.kind = KIND_SECTION, LIST(config, ports, port_count), .maps = &ports,
		.required = true, .help = "network interfaces"},
	{"routes", .kind = KIND_SECTION, HEAP(config, routes, route_count), .most = USERS,
		.maps = &routes, .help = "beyond the networks of the ports"},
	{"listeners", .example = "[{name: public, address: 192.0.2.1}]", .kind = KIND_SECTION,
		LIST(config, listeners, listener_count), .maps = &listeners, .required = true,
		.help = "where clients are served"},
	{"ike", MAP(config, ike, ike), .help = "IKE and ESP"},
	{"certificates", MAP(config, certificates, certificates),
		.help = "ours, and those of who vouches for peers"},
	{"remote-access", MAP(config, remote_access, remote_access),
		.help = "IKEv2 clients without L2TP"},
	{"radius", MAP(config, radius, config_radius_section),
		.help = "who is asked who a user is, and is told what he used"},
	{"l2tp", MAP(config, l2tp, l2tp), .help = "L2TPv2"},
	{"ppp", MAP(config, ppp, ppp), .help = "PPP"},
	{"pools", .example = "[{name: default, prefixes: [100.64.0.0/16]}]", .kind = KIND_SECTION,
		LIST(config, pools, pool_count), .maps = &pools, .required = true,
		.help = "addresses for clients"},
	{"filters", .kind = KIND_SECTION, LIST(config, filters, filter_count), .maps = &filters,
		.help = "lists of what is permitted and denied, for groups"},
	{"groups", .kind = KIND_SECTION, LIST(config, groups, group_count), .maps = &groups,
		.help = "what holds for the users that are in them"},
	{"default-group", .example = "home", .kind = KIND_TEXT, .low = 1,
		FIELD(config, default_group),
		.help = "of users who name none; left out: they are in no group"},
	{"users", .kind = KIND_SECTION, HEAP(config, users, user_count), .most = USERS,
		.maps = &users, .help = "who may connect"},
	{"api", MAP(config, api, api), .help = "HTTP and JSON"},
	{"log", .kind = KIND_SECTION, .maps = &log_section, .help = "one event, one line"},
	{"user", .example = "culvert", .kind = KIND_TEXT, .low = 1, FIELD(config, user),
		.help = "that the control plane becomes; left out: stays who started it"},
	{0}};
const struct config_section config_file = {"", file_fields};

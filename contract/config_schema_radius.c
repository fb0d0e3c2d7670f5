// SPDX-License-Identifier: Apache-2.0

// The section radius of the schema (config_schema.c).

#include "config_fields.h"

static const struct config_word transport_words[] = {{"udp", RADIUS_UDP}, {"tls", RADIUS_TLS}, {0}};
static const struct config_word source_words[] = {
	{"users", AUTH_USERS}, {"radius", AUTH_RADIUS}, {0}};
static const struct config_word filter_id_words[] = {
	{"filter", FILTER_ID_FILTER}, {"group", FILTER_ID_GROUP}, {"rate", FILTER_ID_RATE}, {0}};
static const struct config_word port_words[] = {{"auto", CONFIG_PORT_AUTO}, {"off", 0}, {0}};
static const struct config_word off_zero[] = {{"off", 0}, {0}};
static const struct config_word required_words[] = {{"required", true}, {"optional", false}, {0}};
static const struct config_word meaning_words[] = {{"group", MEANING_GROUP}, {"pool", MEANING_POOL},
	{"filter-uplink", MEANING_FILTER_UPLINK}, {"filter-downlink", MEANING_FILTER_DOWNLINK},
	{"police-uplink", MEANING_POLICE_UPLINK}, {"police-downlink", MEANING_POLICE_DOWNLINK},
	{"shape-downlink", MEANING_SHAPE_DOWNLINK}, {"session-timeout", MEANING_SESSION_TIMEOUT},
	{"idle-timeout", MEANING_IDLE_TIMEOUT}, {"dns", MEANING_DNS}, {"ipv6-dns", MEANING_DNS6},
	{"route", MEANING_ROUTE}, {"ignore", MEANING_IGNORE}, {0}};
static const struct config_word unit_words[] = {{"bit/s", UNIT_BIT}, {"kbit/s", UNIT_KBIT},
	{"Mbit/s", UNIT_MBIT}, {"byte/s", UNIT_BYTE}, {0}};

static const struct config_field server_fields[] = {
	{"name", .example = "radius-1", .kind = KIND_TEXT, .low = 1, .required = true,
		FIELD(config_radius_server, name), .help = "as API, CLI and log call it"},
	{"address", .example = "192.0.2.53", .kind = KIND_ADDRESS, .required = true,
		FIELD(config_radius_server, address), .help = "IPv4 or IPv6"},
	{"transport", "udp", .kind = KIND_WORD, FIELD(config_radius_server, transport),
		.words = transport_words, .help = "tls: RADIUS over TLS (RFC 6614)"},
	{"port", "auto", "1812", .kind = KIND_INTEGER, FIELD(config_radius_server, auth_port),
		.low = 1, .high = 65534, .words = port_words,
		.help = "of authentication; auto: 1812, with tls 2083; off: it is not asked"},
	{"accounting-port", "auto", "1813", .kind = KIND_INTEGER,
		FIELD(config_radius_server, accounting_port), .low = 1, .high = 65534,
		.words = port_words,
		.help = "auto: 1813, with tls the same as port; off: it gets none"},
	{"secret", .example = "{file: /etc/culvert/radius}", .kind = KIND_SECRET,
		FIELD(config_radius_server, secret), COUNT(config_radius_server, secret_length),
		.help = "as it is or as {file: PATH}; with tls: left out"},
	{"timeout", "2s", "2s", .kind = KIND_DURATION, FIELD(config_radius_server, timeout_ms),
		.scale = 1, .low = 100, .high = MINUTE,
		.help = "before a request is sent again; then doubled, up to 16s"},
	{"tries", "3", .kind = KIND_INTEGER, FIELD(config_radius_server, tries), .low = 1,
		.high = 20, .help = "without an answer, then another server is asked"},
	{"priority", "1", .kind = KIND_INTEGER, FIELD(config_radius_server, priority), .low = 1,
		.high = 1000, .help = "those of the lowest number that live are asked"},
	{"weight", "1", .kind = KIND_INTEGER, FIELD(config_radius_server, weight), .low = 1,
		.high = 1000, .help = "share of the requests among those of one priority"},
	{"message-authenticator", "required", .kind = KIND_WORD,
		FIELD(config_radius_server, message_authenticator), .words = required_words,
		.help = "optional: replies without it are believed (CVE-2024-3596)"},
	{"status-server", "true", .kind = KIND_BOOL, FIELD(config_radius_server, status_server),
		.help = "ask by Status-Server whether it lives (RFC 5997)"},
	{"source-ports", "16", .kind = KIND_INTEGER, FIELD(config_radius_server, source_ports),
		.low = 1, .high = 256, .help = "at most; 256 requests on the way from each"},
	{"tls-name", .example = "radius.example.org", .kind = KIND_TEXT,
		FIELD(config_radius_server, tls_name),
		.help = "in its certificate; left out: its address"},
	{"tls-authorities", .example = "/etc/culvert/radius-ca.pem", .kind = KIND_PATH,
		FIELD(config_radius_server, tls_authorities),
		.help = "PEM: who may vouch for it; required with tls"},
	{"tls-certificate", .example = "/etc/culvert/radius-client.pem", .kind = KIND_PATH,
		FIELD(config_radius_server, tls_certificate), .help = "ours, PEM"},
	{"tls-key", .example = "/etc/culvert/radius-client.key", .kind = KIND_PATH,
		FIELD(config_radius_server, tls_key), .help = "its key, PEM, of mode 600"},
	{0}};
static const struct config_section servers = {"radius.servers", server_fields};

static const struct config_field attribute_fields[] = {
	{"vendor", "0", .kind = KIND_INTEGER, FIELD(config_attribute, vendor), .high = 0xffffff,
		.help = "enterprise number; 0: of RADIUS itself"},
	{"type", .example = "10", .kind = KIND_INTEGER, .required = true,
		FIELD(config_attribute, type), .low = 1, .high = 255,
		.help = "of the attribute, or of the vendor's"},
	{"means", .example = "group", .kind = KIND_WORD, .required = true,
		FIELD(config_attribute, meaning), .words = meaning_words,
		.help = "what becomes of its value"},
	{"unit", "bit/s", .kind = KIND_WORD, FIELD(config_attribute, unit), .words = unit_words,
		.help = "of a rate that has none"},
	{"prefix", .example = "qos:down=", .kind = KIND_TEXT, .high = 63,
		FIELD(config_attribute, prefix),
		.help = "texts that begin so alone, without it; left out: all"},
	{0}};
static const struct config_section attributes = {"radius.attributes", attribute_fields};

static const struct config_field client_fields[] = {
	{"address", .example = "192.0.2.53", .kind = KIND_PREFIX, .required = true,
		FIELD(config_coa_client, address), .help = "an address or a prefix"},
	{"secret", .example = "{file: /etc/culvert/coa}", .kind = KIND_SECRET, .required = true,
		FIELD(config_coa_client, secret), COUNT(config_coa_client, secret_length),
		.help = "as it is or as {file: PATH}"},
	{0}};
static const struct config_section clients = {"radius.coa-clients", client_fields};

static const struct config_field radius_fields[] = {
	{"auth", "users radius", .kind = KIND_WORD, LIST(config_radius, auth.values, auth.count),
		.words = source_words,
		.help = "who is asked who somebody is, one after the other; radius needs servers"},
	{"servers", .kind = KIND_SECTION, LIST(config_radius, servers, server_count),
		.maps = &servers, .help = "RADIUS servers"},
	{"source", .example = "192.0.2.10", .kind = KIND_ADDRESS, FIELD(config_radius, source),
		.help = "our address towards the servers; left out: as the system routes"},
	{"nas-identifier", .example = "culvert-1", .kind = KIND_TEXT,
		FIELD(config_radius, nas_identifier), .help = "left out: l2tp.host-name"},
	{"nas-address", .example = "192.0.2.10", .kind = KIND_ADDRESS,
		FIELD(config_radius, nas_address), .help = "NAS-IP-Address; left out: none"},
	{"patience", "2m", "2m", .kind = KIND_DURATION, FIELD(config_radius, patience_ms),
		.scale = 1, .low = SECOND, .high = 10 * MINUTE,
		.help = "that a user may wait for the verdict, as with a push to a phone"},
	{"hold-off", "30s", "30s", .kind = KIND_DURATION, FIELD(config_radius, hold_off_ms),
		.scale = 1, .low = SECOND, .high = HOUR_S * SECOND,
		.help = "that a dead server is left alone"},
	{"accounting", "true", .kind = KIND_BOOL, FIELD(config_radius, accounting),
		.help = "tell the servers what users use"},
	{"interim", "10m", "10m", .kind = KIND_DURATION, FIELD(config_radius, interim_s),
		.scale = SECOND, .low = 60, .high = DAY_S, .words = off_zero,
		.help = "between interim reports where nobody else says"},
	{"interim-jitter", "10", .kind = KIND_INTEGER, FIELD(config_radius, interim_jitter),
		.high = 50, .help = "up to so many percent earlier, at random"},
	{"spool", .example = "/var/lib/culvert/accounting", .kind = KIND_PATH,
		FIELD(config_radius, spool),
		.help = "folder for accounting that no server takes; left out: in memory alone"},
	{"spool-size", "64MiB", "64MiB", .kind = KIND_SIZE, FIELD(config_radius, spool_mib),
		.scale = MIB, .low = 1, .high = 1 << 20, .help = "what is kept at most"},
	{"filter-id", "filter", .kind = KIND_WORD, FIELD(config_radius, filter_id),
		.words = filter_id_words, .help = "what a Filter-Id names"},
	{"attributes", .kind = KIND_SECTION, LIST(config_radius, attributes, attribute_count),
		.maps = &attributes, .help = "what further attributes of replies mean"},
	{"coa", .example = "0.0.0.0:3799", .kind = KIND_ENDPOINT, FIELD(config_radius, coa),
		COUNT(config_radius, coa_port),
		.help = "where CoA and Disconnect are taken (RFC 5176); left out: nowhere"},
	{"coa-clients", .kind = KIND_SECTION, LIST(config_radius, coa_clients, coa_client_count),
		.maps = &clients, .help = "from whom"},
	{"coa-window", "5m", "5m", .kind = KIND_DURATION, FIELD(config_radius, coa_window_s),
		.scale = SECOND, .low = 10, .high = DAY_S, .words = off_zero,
		.help = "how far from now an Event-Timestamp may be; off: it is not looked at"},
	{0}};
const struct config_section config_radius_section = {"radius", radius_fields};

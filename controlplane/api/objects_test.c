// SPDX-License-Identifier: Apache-2.0

// The JSON of each object, with the modules and the stats segment played by this file.

#include "objects.h"

#include "contract/drop.h"
#include "contract/ids.h"
#include "contract/messages.h"
#include "contract/stats.h"
#include "controlplane/ike/certificates.h"
#include "controlplane/radius/accounting.h"
#include "controlplane/radius/client.h"
#include "controlplane/radius/coa.h"
#include "controlplane/install.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SUBSCRIBERS = 5, SPI = 0x00100003 };

static struct config config = {.pool_count = 1, .pools = {{.name = "default", .prefix_count = 1}}};

// ---- the modules

static struct stats_header header = {
	.workers = 2, .ports = 1, .sas = 8, .sessions = 8, .started = 1700000000ull * 1000000000};
static struct stats_worker workers[2] = {
	{.received = 10, .lcore = 3, .cycles_total = 100, .cycles_busy = 25},
	{.received = 20},
};
static struct stats_port ports[1] = {{.name = "wan0",
	.side = SIDE_NETWORK,
	.link = 1,
	.mtu = 1500,
	.rx_packets = 7,
	.rx_missed = 1,
	.rx_errors = 2}};
static struct stats_sa sas[8];
static struct stats_session sessions[8];
static bool connected = true;

const struct stats_header *dataplane_stats(void)
{
	return connected ? &header : NULL;
}

static const void *array_of(const void *array, uint32_t entries, uint32_t *count)
{
	*count = connected ? entries : 0;
	return connected ? array : NULL;
}

const struct stats_worker *dataplane_stats_workers(uint32_t *count)
{
	return array_of(workers, 2, count);
}

const struct stats_port *dataplane_stats_ports(uint32_t *count)
{
	return array_of(ports, 1, count);
}

const struct stats_sa *dataplane_stats_sas(uint32_t *count)
{
	return array_of(sas, 8, count);
}

const struct stats_session *dataplane_stats_sessions(uint32_t *count)
{
	return array_of(sessions, 8, count);
}

static struct stats_group groups[2][3];

const struct stats_group *dataplane_stats_groups(uint32_t *count)
{
	return array_of(groups, 3, count);
}

uint16_t install_group_base(uint16_t group)
{
	return group;
}

bool install_group_works(uint16_t group)
{
	return group == 1;
}

static struct flow flow_of(unsigned i, uint16_t port)
{
	return (struct flow){
		.local = address_v4((const uint8_t[4]){192, 0, 2, 1}),
		.remote = address_v4((const uint8_t[4]){203, 0, 113, (uint8_t)i}),
		.local_port = port,
		.remote_port = port,
	};
}

// Not in the order of their ids.
void subscribers_each(const struct subscribers *s,
	void (*each)(void *context, const struct subscriber_info *info), void *context)
{
	static const char *const names[SUBSCRIBERS] = {
		"alice", "bob", "alice", "eve\x1b[2J\xff", ""};

	static const struct ppp_quality quality = {.echoes = 40,
		.lost = 5,
		.loss = 12,
		.measured = true,
		.rtt_ms = 31,
		.rtt_min_ms = 20,
		.rtt_max_ms = 90};

	for (unsigned i = SUBSCRIBERS; i > 0; i--) {
		struct subscriber_info info = {
			.quality = i == 2 ? NULL : &quality,
			.id = i * 10,
			.state = SUBSCRIBER_UP,
			.state_word = "up",
			.user = names[i - 1],
			.access = i == 2 ? "ikev2" : "l2tp",
			.method = i == 2 ? "psk" : NULL,
			.pool = "default",
			.group = i == 4 ? &config.groups[0] : NULL,
			.link = {.auth = i == 2 ? 0 : PPP_AUTH_MSCHAPV2,
				.mru = i == 2 ? 0 : 1400,
				.peer_mru = 1410},
			.session = i,
			.l2tp = {.tunnel = 9, .peer = i, .flow = flow_of(i, 4500)},
			.age_ms = 2000,
			.up_ms = 1000,
		};

		if (i != SUBSCRIBERS)
			info.address = address_v4((const uint8_t[4]){100, 64, 0, (uint8_t)i});
		each(context, &info);
	}
}

void subscribers_counters(const struct subscribers *s, struct subscribers_counters *out)
{
	*out = (struct subscribers_counters){.present = SUBSCRIBERS, .forwarding = 4, .refused = 2};
}

int subscribers_disconnect(struct subscribers *s, uint64_t id, const char *cause)
{
	return id == 10 ? 0 : -ENOENT;
}

void l2tp_each_tunnel(const struct l2tp *l2tp,
	void (*each)(void *context, const struct l2tp_tunnel_info *info), void *context)
{
	const struct l2tp_tunnel_info info = {.tunnel = 9,
		.peer_tunnel = 77,
		.peer = 1,
		.sa = SPI,
		.flow = flow_of(1, 1701),
		.state = "established",
		.host_name = "laptop",
		.sessions = 1};

	each(context, &info);
}

void l2tp_each_session(const struct l2tp *l2tp,
	void (*each)(void *context, const struct l2tp_session_info *info), void *context)
{
	for (unsigned i = 1; i <= 3; i++) {
		const struct l2tp_session_info info = {.session = i,
			.tunnel = 9,
			.flow = flow_of(i, 1701),
			.state = "established",
			.calling = "0123"};

		each(context, &info);
	}
}

void l2tp_counters(const struct l2tp *l2tp, struct l2tp_counters *out)
{
	*out = (struct l2tp_counters){.tunnels = 1, .sessions = 3};
}

void ike_each_sa(const struct ike *ike, void (*each)(void *context, const struct ike_sa_info *info),
	void *context)
{
	for (unsigned i = 1; i <= 2; i++) {
		const struct ike_sa_info info = {.peer = i,
			.state = "established",
			.flow = flow_of(i, 4500),
			.responder_spi = {1, 2, 3, 4, 5, 6, 7, 0xab},
			.identity = "203.0.113.1",
			.encryption = "aes-cbc-256",
			.nat_peer = true};

		each(context, &info);
	}
}

void ike_each_use(const struct ike *ike, void (*each)(void *context, const struct ike_use *use),
	void *context)
{
	for (unsigned i = 1; i <= 3; i++) {
		const struct ike_use use = {.peer = i,
			.version = i == 3 ? 2 : 1,
			.auth = "psk",
			.encryption = "aes-cbc-256",
			.hash = "sha1",
			.group = "modp-1024",
			.cipher = "aes-cbc-256"};

		each(context, &use);
	}
}

void ike_check_each(const struct ike *ike, const struct forbidden *forbidden,
	void (*each)(void *context, const struct ike_check *check), void *context)
{
	for (unsigned i = 1; i <= 2; i++) {
		const struct ike_check check = {.peer = i,
			.flow = flow_of(i, 4500),
			.identity = "me",
			.version = 1,
			.auth = "psk",
			.verdict = i == 1 ? IKE_CHECK_FAILS : IKE_CHECK_STAYS,
			.reason = i == 1 ? "why" : NULL,
			.ike_now = "3des/md5/modp-1024",
			.ike_offered = i == 1 ? "3des/md5/modp-1024" : NULL};

		each(context, &check);
	}
}

void ike_each_psk(const struct ike *ike,
	void (*each)(void *context, const struct ike_psk_info *info), void *context)
{
	static const struct config_psk psk = {.identity = "laptop", .secret = "s3cret"};
	const struct ike_psk_info info = {.config = &psk, .count = 4, .last_ms = 5, .peers = 1};

	each(context, &info);
}

void ike_each_esp(const struct ike *ike,
	void (*each)(void *context, const struct esp_sa_info *info), void *context)
{
	for (unsigned i = 0; i < 3; i++) {
		const struct esp_sa_info info = {.peer = 1 + i / 2,
			.spi_in = SPI + i,
			.spi_out = 0xc0ffee,
			.current = i != 0,
			.flow = flow_of(1 + i / 2, i ? 4500 : 0),
			.cipher = "aes-gcm-128",
			.integrity = "none"};

		each(context, &info);
	}
}

void ike_counters(const struct ike *ike, struct ike_counters *out)
{
	*out = (struct ike_counters){.peers = 2, .half_open = 1};
}

void pools_each(const struct pools *pools,
	void (*each)(void *context, const struct pool_info *info), void *context)
{
	each(context, &(struct pool_info){.name = "default", .size = 100, .used = 40});
}

struct pool6_info pools6_info(const struct pools6 *pools, uint16_t pool)
{
	return (struct pool6_info){.size = 65536, .used = 7};
}

void accounting_info(const struct accounting *a, struct accounting_info *out)
{
	*out = (struct accounting_info){.sessions = 5};
}

void coa_info(const struct coa *c, struct coa_info *out)
{
	*out = (struct coa_info){.acks = 6};
}

void radius_each_server(const struct radius *radius,
	void (*each)(void *context, const struct radius_server_info *info), void *context)
{
	static const struct config_radius_server server = {.name = "one",
		.address = {.version = IP_V4, .bytes = {192, 0, 2, 1}},
		.auth_port = 1812,
		.priority = 1,
		.weight = 2};
	const struct radius_server_info info = {.config = &server,
		.kind = {{.asked = true,
			.dead = true,
			.since_ms = 5,
			.on_the_way = 6,
			.sockets = 1,
			.requests = 10,
			.answers = 7,
			.smoothed_ms = 9,
			.latency = {[3] = 7}}},
		.wrong_authenticator = 3,
		.deaths = 1};

	each(context, &info);
}

struct pool6_info pools6_delegated_info(const struct pools6 *pools, uint16_t pool)
{
	return (struct pool6_info){.size = 256, .used = 3};
}

// ---- the tests

enum { NOW = 1700000000, DAY = 86400 };

int64_t certificates_now(void)
{
	return NOW;
}

const struct credentials *certificates_own(const struct certificates *c)
{
	return NULL;
}

struct trust *certificates_trust(const struct certificates *c)
{
	return NULL;
}

void credentials_each(const struct credentials *c,
	void (*each)(void *context, const struct credential_info *info), void *context)
{
	const struct credential_info info = {.file = "/a.pem",
		.subject = "CN=a",
		.issuer = "CN=b",
		.serial = "01ff",
		.key = "rsa-2048",
		.not_after = NOW + 3 * DAY + 5};

	each(context, &info);
}

void trust_each(const struct trust *t, void (*each)(void *context, const struct trust_info *info),
	void *context)
{
	const struct trust_info info = {.file = "/b.pem",
		.subject = "CN=b",
		.serial = "02",
		.key = "ecdsa-256",
		.not_after = NOW - 1,
		.crl = "/b.crl",
		.crl_fetched = NOW,
		.crl_entries = 4,
		.crl_error = "gone"};

	each(context, &info);
}

static struct objects objects = {
	.config = &config, .certificates = (const struct certificates *)&config};
static struct api_source source;

static json_t *get(enum api_object object, struct api_query query)
{
	if (!query.limit)
		query.limit = API_LIMIT;
	return source.get[object](source.context, &query);
}

// The body as text, with sorted keys, to be freed.
static char *get_text(enum api_object object, struct api_query query)
{
	json_t *body = get(object, query);
	char *text = json_dumps(body, JSON_SORT_KEYS | JSON_COMPACT);

	json_decref(body);
	assert_non_null(text);
	return text;
}

// ids and next: "10,20 next 20".
static void expect_page(struct api_query query, const char *wanted)
{
	json_t *body = get(API_SUBSCRIBERS, query), *item;
	char got[256] = "";
	size_t i;

	json_array_foreach(json_object_get(body, "subscribers"), i, item) sprintf(got + strlen(got),
		"%s%d", i ? "," : "", (int)json_integer_value(json_object_get(item, "id")));
	if (json_is_integer(json_object_get(body, "next")))
		sprintf(got + strlen(got), " next %d",
			(int)json_integer_value(json_object_get(body, "next")));
	json_decref(body);
	assert_string_equal(got, wanted);
}

static void test_pages_and_filters(void **state)
{
	expect_page((struct api_query){0}, "10,20,30,40,50");
	expect_page((struct api_query){.limit = 2}, "10,20 next 20");
	expect_page(
		(struct api_query){.limit = 2, .has_after = true, .after = 20}, "30,40 next 40");
	expect_page((struct api_query){.limit = 2, .has_after = true, .after = 40}, "50");
	expect_page((struct api_query){.limit = 5}, "10,20,30,40,50");
	expect_page((struct api_query){.has_after = true, .after = UINT64_MAX}, "");
	expect_page((struct api_query){.has_id = true, .id = 30}, "30");
	expect_page((struct api_query){.has_id = true, .id = 31}, "");
	expect_page((struct api_query){.user = "alice"}, "10,30");
	expect_page((struct api_query){.user = "alice", .limit = 1}, "10 next 10");
	expect_page((struct api_query){.user = "eve\\x1b[2J\\xff"}, "40");
	expect_page((struct api_query){.peer = "203.0.113.2"}, "20");
	expect_page((struct api_query){.peer = "203.0.113.2:4500"}, "20");
	expect_page((struct api_query){.peer = "203.0.113.2:4501"}, "");
	expect_page((struct api_query){.address = "100.64.0.3"}, "30");
	expect_page((struct api_query){.address = "none"}, "");
}

static void test_subscriber(void **state)
{
	char *text;

	sessions[4].uplink.bytes = 123;
	text = get_text(API_SUBSCRIBERS, (struct api_query){.has_id = true, .id = 40});
	assert_non_null(strstr(text, "\"user\":\"eve\\\\x1b[2J\\\\xff\""));
	assert_non_null(strstr(text, "\"peer\":\"203.0.113.4:4500\""));
	assert_non_null(strstr(text, "\"uplink\":{\"bytes\":123,\"drops\":0,\"packets\":0}"));
	assert_non_null(strstr(text, "\"auth\":\"mschapv2\""));
	assert_non_null(strstr(text, "\"line\":{\"echoes\":40,\"loss\":0.12,\"lost\":5,"
				     "\"rtt_max_ms\":90,\"rtt_min_ms\":20,\"rtt_ms\":31}"));
	assert_non_null(strstr(text, "\"group\":\"home\""));
	assert_non_null(strstr(text, "\"police_uplink\":{\"bit_s\":5000000,"));
	free(text);
	text = get_text(API_SUBSCRIBERS, (struct api_query){.has_id = true, .id = 20});
	assert_non_null(strstr(text, "\"access\":\"ikev2\""));
	assert_non_null(strstr(text, "\"auth\":\"psk\""));
	assert_non_null(strstr(text, "\"line\":null"));
	assert_non_null(strstr(text, "\"mru\":null"));
	assert_non_null(strstr(text, "\"session_id\":null"));
	free(text);
	text = get_text(API_SUBSCRIBERS, (struct api_query){.has_id = true, .id = 50});
	assert_non_null(strstr(text, "\"access\":\"l2tp\""));
	assert_non_null(strstr(text, "\"group\":null"));
	assert_non_null(strstr(text, "\"address\":null"));
	assert_non_null(strstr(text, "\"user\":null"));
	free(text);
}

static void test_tunnels_and_sessions(void **state)
{
	char *text = get_text(API_TUNNELS, (struct api_query){0});

	assert_non_null(strstr(text, "\"spi_in\":\"0x00100003\""));
	assert_non_null(strstr(text, "\"host_name\":\"laptop\""));
	free(text);
	text = get_text(API_SESSIONS, (struct api_query){.limit = 2});
	assert_non_null(strstr(text, "\"next\":2"));
	assert_non_null(strstr(text, "\"calling_number\":\"0123\""));
	free(text);
}

// A page of SAs is a page of peers; counters of another generation are not shown.
static void test_sas(void **state)
{
	json_t *body, *esp;
	char *text;

	sas[id_index(SPI)] = (struct stats_sa){.spi_in = SPI, .in_bytes = 5, .in_replays = 1};
	sas[id_index(SPI + 1)] = (struct stats_sa){.spi_in = SPI + 1 + (1 << LIMIT_SA_BITS)};
	body = get(API_SAS, (struct api_query){.limit = 1});
	assert_int_equal(json_array_size(json_object_get(body, "ike")), 1);
	esp = json_object_get(body, "esp");
	assert_int_equal(json_array_size(esp), 2);
	assert_int_equal(json_integer_value(json_object_get(body, "next")), 1);
	assert_non_null(json_object_get(json_array_get(esp, 0), "uplink"));
	assert_null(json_object_get(json_array_get(esp, 1), "uplink"));
	json_decref(body);
	text = get_text(API_SAS, (struct api_query){0});
	assert_non_null(strstr(text, "\"responder_spi\":\"01020304050607ab\""));
	assert_non_null(strstr(text, "\"peer\":\"203.0.113.1\",\"peer_id\":1,\"spi_in\""));
	free(text);
}

static void test_dataplane(void **state)
{
	char *text;

	workers[0].drops[DROP_ESP_REPLAY] = 2;
	workers[1].drops[DROP_ESP_REPLAY] = 3;
	text = get_text(API_WORKERS, (struct api_query){0});
	assert_non_null(strstr(text, "\"busy\":0.25"));
	assert_non_null(strstr(text, "\"dropped\":3"));
	free(text);
	text = get_text(API_DROPS, (struct api_query){0});
	assert_non_null(strstr(text, "\"packets\":5,\"reason\":\"esp-replay\",\"workers\":[2,3]"));
	free(text);
	text = get_text(API_PORTS, (struct api_query){0});
	assert_non_null(strstr(text, "\"side\":\"network\""));
	assert_non_null(strstr(text, "\"rx_lost\":3"));
	free(text);
}

static void test_pools_and_status(void **state)
{
	char *text;

	assert_int_equal(prefix_parse("100.64.0.0/16", &config.pools[0].prefixes[0], NULL), 0);
	text = get_text(API_POOLS, (struct api_query){0});
	assert_string_equal(text, "{\"next\":null,\"pools\":[{\"delegated_prefixes\":[],"
				  "\"delegated_size\":256,\"delegated_used\":3,\"free\":60,"
				  "\"ipv6_prefixes\":[],\"ipv6_size\":65536,"
				  "\"ipv6_used\":7,\"name\":\"default\","
				  "\"prefixes\":[\"100.64.0.0/16\"],\"size\":100,\"used\":40}]}");
	free(text);
	text = get_text(API_STATUS, (struct api_query){0});
	assert_non_null(strstr(text, "\"started\":\"2023-11-14T22:13:20Z\""));
	assert_non_null(strstr(text, "\"forwarding\":4"));
	free(text);
}

static void test_certificates(void **state)
{
	char *text = get_text(API_CERTIFICATES, (struct api_query){0});

	assert_string_equal(text,
		"{\"certificates\":[{\"crl\":null,\"days_left\":3,"
		"\"ends\":\"2023-11-17T22:13:25Z\",\"file\":\"/a.pem\",\"issuer\":\"CN=b\","
		"\"key\":\"rsa-2048\",\"kind\":\"own\",\"serial\":\"01ff\",\"subject\":\"CN=a\"},"
		"{\"crl\":{\"entries\":4,\"error\":\"gone\",\"fetched\":\"2023-11-14T22:13:20Z\","
		"\"next\":null,\"source\":\"/b.crl\"},\"days_left\":-1,"
		"\"ends\":\"2023-11-14T22:13:19Z\",\"file\":\"/b.pem\",\"key\":\"ecdsa-256\","
		"\"kind\":\"authority\",\"serial\":\"02\",\"subject\":\"CN=b\"}],"
		"\"next\":null}");
	free(text);
}

static void test_groups_and_filters(void **state)
{
	static struct config_rule rules[] = {{.action = FILTER_PERMIT,
						     .from_port = {0, 65535},
						     .to_port = {443, 443},
						     .protocol = 6},
		{.from_port = {1024, 2048}, .to_port = {0, 65535}, .protocol = 47}};
	char *text;

	config.filter_count = 1;
	strcpy(config.filters[0].name, "web");
	config.filters[0].rules = rules;
	config.filters[0].rule_count = 2;
	config.group_count = 2;
	strcpy(config.groups[0].name, "home");
	strcpy(config.groups[0].filter_uplink, "web");
	config.groups[0].police_uplink = (struct config_rate){.kbit = 5000, .burst = 4096};
	strcpy(config.groups[1].name, "staff");
	groups[0][1].uplink = (struct stats_group_direction){1, 2, 3, 4};
	groups[1][1].uplink = (struct stats_group_direction){10, 20, 30, 40};
	text = get_text(API_GROUPS, (struct api_query){0});
	assert_non_null(strstr(text, "\"uplink\":{\"bytes\":22,\"filtered\":33,\"packets\":11,"
				     "\"policed\":44}}"));
	assert_non_null(strstr(text,
		"\"police_uplink\":{\"bit_s\":5000000,\"burst_bytes\":4096},\"shape_downlink\":"
		"null"));
	assert_non_null(
		strstr(text, "\"filter_downlink\":null,\"filter_uplink\":\"web\",\"group\":1,"
			     "\"installed\":true,\"name\":\"home\""));
	assert_non_null(strstr(text, "\"installed\":false,\"name\":\"staff\""));
	free(text);
	text = get_text(API_FILTERS, (struct api_query){0});
	assert_non_null(strstr(text, "{\"action\":\"permit\",\"from\":\"any\",\"from_port\":"
				     "\"any\",\"protocol\":\"tcp\","
				     "\"to\":\"any\",\"to_port\":\"443\"}"));
	assert_non_null(strstr(text, "\"from_port\":\"1024-2048\",\"protocol\":\"47\""));
	assert_non_null(strstr(text, "\"uplink\":{\"filtered\":33,\"groups\":[\"home\"]}"));
	assert_non_null(strstr(text, "\"downlink\":{\"filtered\":0,\"groups\":[]}"));
	free(text);
}

static void test_policy(void **state)
{
	char *text = get_text(API_ALGORITHMS, (struct api_query){0});

	assert_non_null(strstr(text, "{\"auth\":\"psk\",\"cipher\":\"aes-cbc-256\",\"encryption\":"
				     "\"aes-cbc-256\",\"group\":\"modp-1024\",\"hash\":\"sha1\","
				     "\"integrity\":null,\"peers\":2,\"version\":1}"));
	assert_non_null(strstr(text, "\"peers\":1,\"version\":2"));
	free(text);
	text = get_text(API_PSKS, (struct api_query){0});
	assert_non_null(strstr(text, "{\"established\":4,\"identity\":\"laptop\",\"last_ms\":5,"
				     "\"peer\":\"any\",\"peers\":1,\"psk\":0}"));
	assert_null(strstr(text, "s3cret"));
	free(text);
	text = get_text(API_POLICY_CHECK, (struct api_query){.forbid = "modp1024"});
	assert_non_null(strstr(text, "\"fails\":1"));
	assert_non_null(strstr(text, "\"stays\":1"));
	assert_non_null(strstr(text, "\"users\":[\"alice"));
	assert_non_null(strstr(text, "\"ike_offered\":\"3des/md5/modp-1024\""));
	assert_null(strstr(text, "\"peer_id\":2"));
	free(text);
}

// Who is not connected has what the config says of him; who is unknown has nothing.
static void test_radius(void **state)
{
	char *text;

	objects.radius = (const struct radius *)&config;
	text = get_text(API_RADIUS, (struct api_query){0});
	assert_non_null(strstr(text, "\"address\":\"192.0.2.1:1812\""));
	assert_non_null(strstr(text, "\"kind\":\"authentication\""));
	assert_non_null(strstr(text, "{\"answers\":7,\"below_ms\":8}"));
	assert_non_null(strstr(text, "\"state\":\"dead\""));
	assert_non_null(strstr(text, "\"wrong_authenticator\":3"));
	assert_null(strstr(text, "\"kind\":\"accounting\""));
	free(text);
	objects.radius = NULL;
	text = get_text(API_RADIUS, (struct api_query){0});
	assert_string_equal(text, "{\"accounting\":[],\"coa\":[],\"next\":null,\"radius\":[],"
				  "\"radius_dropped\":[]}");
	free(text);
}

static void test_effective(void **state)
{
	static struct config_user user = {.name = "carol", .pool = "staff"};
	char *text;

	config.users = &user;
	config.user_count = 1;
	text = get_text(API_EFFECTIVE, (struct api_query){.user = "carol"});
	assert_non_null(strstr(text, "{\"from\":\"user\",\"item\":\"pool\",\"value\":\"staff\"}"));
	assert_non_null(strstr(text, "\"connected\":false"));
	assert_non_null(
		strstr(text, "{\"from\":\"default\",\"item\":\"ip\",\"value\":\"ipv4, ipv6\"}"));
	free(text);
	text = get_text(API_EFFECTIVE, (struct api_query){.user = "nobody"});
	assert_string_equal(text, "{\"effective\":[],\"next\":null}");
	free(text);
	config.user_count = 0;
}

static void test_without_a_dataplane(void **state)
{
	connected = false;
	for (unsigned i = 0; i < API_OBJECTS; i++)
		free(get_text(i, (struct api_query){.forbid = "sha1"}));
	connected = true;
}

static void test_disconnect(void **state)
{
	assert_int_equal(source.disconnect(source.context, 10), 0);
	assert_int_equal(source.disconnect(source.context, 11), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pages_and_filters),
		cmocka_unit_test(test_groups_and_filters),
		cmocka_unit_test(test_certificates),
		cmocka_unit_test(test_subscriber),
		cmocka_unit_test(test_tunnels_and_sessions),
		cmocka_unit_test(test_sas),
		cmocka_unit_test(test_dataplane),
		cmocka_unit_test(test_pools_and_status),
		cmocka_unit_test(test_policy),
		cmocka_unit_test(test_effective),
		cmocka_unit_test(test_radius),
		cmocka_unit_test(test_without_a_dataplane),
		cmocka_unit_test(test_disconnect),
	};

	objects_source(&objects, &source);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

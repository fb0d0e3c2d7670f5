// SPDX-License-Identifier: Apache-2.0

// The offers of native clients, replayed against one listener under each policy: what is chosen for
// the IKE SA, and what the dataplane is given. From public logs and sources of these clients; what
// no log shows of one is marked. MikroTik's are RouterOS' defaults of version 6.43 and later.

#include "fixture.h"

#include "contract/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ROWS = 18, VENDORS = 9, MODP_1024_BYTES = 128 };

enum { DES = 1, TRIPLE_DES = 5, AES = 7, MD5 = 1, SHA1 = 2, SHA256 = 4, SHA384 = 5, SHA512 = 6 };
enum { ESP_DES = 2, ESP_3DES = 3, ESP_NULL = 11, ESP_AES = 12, ESP_GCM = 20 };
enum { H_MD5 = 1, H_SHA1 = 2, H_SHA256 = 5, H_SHA384 = 6, H_SHA512 = 7 };

// A transform; a cipher of 0 ends a list.
struct ike_row {
	uint16_t cipher, bits, hash, group;
};
struct esp_row {
	uint16_t cipher, bits, integrity;
};

struct client {
	const char *name;
	struct ike_row ike[ROWS];
	uint32_t ike_s; // lifetime
	struct esp_row esp[ROWS];
	uint32_t esp_s, esp_kb;
	uint16_t pfs;
	uint16_t port; // of L2TP in its quick-mode ID; 0 = any
	enum natt natt;
	bool fqdn; // in quick mode it names itself instead of its address
	const char *vendors[VENDORS];
};

static const char ms_unnamed[] = "01528bbbc00696121849ab9a1c5b2a5100000001";
static const char ms_nt5[] = "1e2b516905991c7d7c96fcbfb587e46100000009";
static const char rfc3947[] = "4a131c81070358455c5728f20e95452f";
static const char natt_03[] = "7d9419a65310ca6f2c179d9215529d56";
static const char natt_02[] = "cd60464335df21f87cfdb2fc68b6a448";
static const char natt_02n[] = "90cb80913ebb696e086381b5ec427b1f";
static const char fragments[] = "4048b7d56ebce88525e7de7f00d6c2d3";
static const char fragments_apple[] = "4048b7d56ebce88525e7de7f00d6c2d380000000";
static const char ms_discovery[] = "fb1de3cdf341b7ea16b7e5be0855f120";
static const char ms_contact[] = "26244d38eddb61b3172a36e3d0cfb819";
static const char ms_cga[] = "e3a5966a76379fe707228231e5ce8652";
static const char dpd[] = "afcad71368a1f1c96b8696fc77570100";

static const struct client windows = {.name = "Windows 10",
	.ike = {{AES, 256, SHA1, 20}, {AES, 128, SHA1, 19}, {AES, 256, SHA1, 14},
		{TRIPLE_DES, 0, SHA1, 14}, {TRIPLE_DES, 0, SHA1, 2}},
	.ike_s = 28800,
	.esp = {{ESP_AES, 256, H_SHA1}, {ESP_AES, 128, H_SHA1}, {ESP_3DES, 0, H_SHA1},
		{ESP_DES, 0, H_SHA1}, {ESP_NULL, 0, H_SHA1}},
	.esp_s = 3600,
	.esp_kb = 250000,
	.port = PORT_L2TP,
	.natt = NATT_RFC3947,
	.vendors = {ms_unnamed, ms_nt5, rfc3947, natt_02n, fragments, ms_discovery, ms_contact,
		ms_cga}};

static const struct client windows_xp = {.name = "Windows XP",
	.ike = {{TRIPLE_DES, 0, SHA1, 2}, {TRIPLE_DES, 0, MD5, 2}, {DES, 0, SHA1, 1}},
	.ike_s = 28800,
	.esp = {{ESP_3DES, 0, H_MD5}, {ESP_3DES, 0, H_SHA1}, {ESP_DES, 0, H_MD5}},
	.esp_s = 3600,
	.esp_kb = 250000,
	.port = PORT_L2TP,
	.natt = NATT_DRAFT_02_NEWLINE,
	.fqdn = true, // as after a NAT-T update of it
	.vendors = {ms_nt5, fragments, natt_02n, ms_contact}};

static const struct client macos = {.name = "macOS, iOS",
	.ike = {{AES, 256, SHA256, 14}, {AES, 256, SHA1, 14}, {AES, 256, MD5, 14},
		{AES, 256, SHA512, 14}, {AES, 256, SHA256, 5}, {AES, 256, SHA1, 5},
		{AES, 256, MD5, 5}, {AES, 256, SHA256, 2}, {AES, 256, SHA1, 2}, {AES, 256, MD5, 2},
		{AES, 128, SHA1, 2}, {AES, 128, MD5, 2}, {TRIPLE_DES, 0, SHA1, 2},
		{TRIPLE_DES, 0, MD5, 2}},
	.ike_s = 3600,
	.esp = {{ESP_AES, 256, H_SHA1}, {ESP_AES, 256, H_MD5}, {ESP_AES, 128, H_SHA1},
		{ESP_AES, 128, H_MD5}, {ESP_3DES, 0, H_SHA1}, {ESP_3DES, 0, H_MD5}},
	.esp_s = 3600,
	.natt = NATT_RFC3947,
	.vendors = {rfc3947, natt_03, natt_02, natt_02n, fragments_apple, dpd}};

// Which transforms of ESP it has beside the first and the third is not in any log that we saw.
static const struct client android = {.name = "Android up to 11",
	.ike = {{AES, 256, SHA384, 2}, {AES, 256, SHA1, 2}, {AES, 256, MD5, 2}, {AES, 128, SHA1, 2},
		{AES, 128, MD5, 2}, {TRIPLE_DES, 0, SHA1, 2}, {TRIPLE_DES, 0, MD5, 2}},
	.ike_s = 28800,
	.esp = {{ESP_AES, 256, H_SHA512}, {ESP_AES, 256, H_SHA256}, {ESP_AES, 256, H_SHA1},
		{ESP_AES, 256, H_MD5}, {ESP_3DES, 0, H_SHA1}, {ESP_3DES, 0, H_MD5}},
	.esp_s = 28800,
	.natt = NATT_RFC3947,
	.vendors = {rfc3947, natt_02, natt_02n, fragments_apple, dpd}};
// The one that cuts HMAC-SHA2-256 short, and has nothing else that is better than SHA1.
static const struct client android_6 = {.name = "Android 6",
	.ike = {{AES, 256, SHA384, 2}, {AES, 256, SHA1, 2}},
	.ike_s = 28800,
	.esp = {{ESP_AES, 256, H_SHA256}, {ESP_AES, 256, H_SHA1}},
	.esp_s = 28800,
	.natt = NATT_RFC3947,
	.vendors = {rfc3947, natt_02, natt_02n, fragments_apple, dpd}};

// The IKE SA by strongSwan's defaults of that time.
static const struct client chromeos = {.name = "ChromeOS",
	.ike = {{AES, 128, SHA256, 15}, {AES, 256, SHA1, 14}, {TRIPLE_DES, 0, SHA1, 5}},
	.ike_s = 10800,
	.esp = {{ESP_GCM, 128, 0}},
	.esp_s = 3600,
	.port = PORT_L2TP,
	.natt = NATT_RFC3947,
	.vendors = {dpd, fragments_apple, rfc3947, natt_02n}};

static const struct client networkmanager = {.name = "NetworkManager-l2tp",
	.ike = {{AES, 256, SHA256, 14}, {AES, 256, SHA256, 5}, {AES, 256, SHA256, 2},
		{AES, 256, SHA1, 14}, {AES, 256, SHA1, 5}, {AES, 256, SHA1, 2},
		{AES, 256, SHA1, 20}, {AES, 128, SHA1, 2}, {AES, 128, SHA1, 19},
		{TRIPLE_DES, 0, SHA1, 14}, {TRIPLE_DES, 0, SHA1, 2}},
	.ike_s = 10800,
	.esp = {{ESP_AES, 256, H_SHA1}, {ESP_AES, 128, H_SHA1}, {ESP_3DES, 0, H_SHA1}},
	.esp_s = 3600,
	.port = PORT_L2TP,
	.natt = NATT_RFC3947,
	.vendors = {dpd, fragments_apple, rfc3947, natt_02n}};

// The order of phase 1 is not in any export of its settings.
static const struct client mikrotik = {.name = "MikroTik",
	.ike = {{AES, 128, SHA1, 14}, {AES, 128, SHA1, 2}, {TRIPLE_DES, 0, SHA1, 14},
		{TRIPLE_DES, 0, SHA1, 2}},
	.ike_s = 86400,
	.esp = {{ESP_AES, 256, H_SHA1}, {ESP_AES, 192, H_SHA1}, {ESP_AES, 128, H_SHA1}},
	.esp_s = 1800,
	.pfs = 2,
	.port = PORT_L2TP,
	.natt = NATT_RFC3947,
	.vendors = {rfc3947, natt_02, natt_02n, dpd}};
static const struct client mikrotik_without_pfs = {.name = "MikroTik with pfs-group=none",
	.ike = {{AES, 128, SHA1, 14}, {AES, 128, SHA1, 2}, {TRIPLE_DES, 0, SHA1, 14},
		{TRIPLE_DES, 0, SHA1, 2}},
	.ike_s = 86400,
	.esp = {{ESP_AES, 256, H_SHA1}, {ESP_AES, 192, H_SHA1}, {ESP_AES, 128, H_SHA1}},
	.esp_s = 1800,
	.port = PORT_L2TP,
	.natt = NATT_RFC3947,
	.vendors = {rfc3947, natt_02, natt_02n, dpd}};

enum policy { MODERN, NATIVE, NATIVE_1024, LEGACY, POLICIES };
static const char *const policies[POLICIES] = {
	"modern", "native-clients", "native-clients, legacy: [modp-1024]", "legacy"};

// What must come of it: the number of the transform, 0 = refused; then of ESP, cipher NONE =
// refused.
struct result {
	uint8_t ike;
	enum esp_cipher cipher;
	enum esp_integrity integrity;
};
#define CBC_SHA1   ESP_CIPHER_AES_CBC_256, ESP_INTEGRITY_HMAC_SHA1_96
#define CBC_SHA512 ESP_CIPHER_AES_CBC_256, ESP_INTEGRITY_HMAC_SHA512_256
#define GCM        ESP_CIPHER_AES_GCM_128, ESP_INTEGRITY_NONE
#define DES_SHA1   ESP_CIPHER_3DES, ESP_INTEGRITY_HMAC_SHA1_96
#define REFUSED    ESP_CIPHER_NONE, ESP_INTEGRITY_NONE

static const struct {
	const struct client *client;
	struct result results[POLICIES];
} cases[] = {
	{&windows, {{0, REFUSED}, {1, CBC_SHA1}, {1, CBC_SHA1}, {1, CBC_SHA1}}},
	{&windows_xp, {{0, REFUSED}, {0, REFUSED}, {0, REFUSED}, {1, DES_SHA1}}},
	{&macos, {{1, REFUSED}, {1, CBC_SHA1}, {1, CBC_SHA1}, {1, CBC_SHA1}}},
	{&android, {{0, REFUSED}, {0, REFUSED}, {1, CBC_SHA512}, {1, CBC_SHA512}}},
	{&android_6, {{0, REFUSED}, {0, REFUSED}, {1, CBC_SHA1}, {1, CBC_SHA1}}},
	{&chromeos, {{1, GCM}, {2, GCM}, {2, GCM}, {2, GCM}}},
	{&networkmanager, {{1, REFUSED}, {1, CBC_SHA1}, {1, CBC_SHA1}, {1, CBC_SHA1}}},
	{&mikrotik, {{0, REFUSED}, {1, REFUSED}, {1, CBC_SHA1}, {1, CBC_SHA1}}},
	{&mikrotik_without_pfs, {{0, REFUSED}, {1, CBC_SHA1}, {1, CBC_SHA1}, {1, CBC_SHA1}}},
};

static void use_policy(enum policy policy)
{
	struct config *parsed;
	char text[1024];

	snprintf(text, sizeof(text),
		"ports: [{name: a, side: subscriber, device: x, addresses: [192.0.2.1/24]}]\n"
		"listeners: [{name: l, address: 192.0.2.1}]\n"
		"pools: [{name: p, prefixes: [100.64.0.0/16]}]\n"
		"ike: {psks: [{peer: any, secret: secret}], policy: %s}\n",
		policies[policy]);
	assert_int_equal(config_parse(text, strlen(text), "test", &parsed, stderr), 0);
	config.ike = parsed->ike;
	config_free(parsed);
	restart();
}

static void short_attribute(struct build *b, uint16_t type, uint16_t value)
{
	build_u16(b, 0x8000 | type);
	build_u16(b, value);
}

static void life(struct build *b, uint16_t type, uint16_t unit, uint32_t duration)
{
	short_attribute(b, type, unit);
	build_u16(b, type + 1);
	build_u16(b, 4);
	build_u32(b, duration);
}

static struct span write_ike(const struct client *c, uint8_t *body, size_t size)
{
	struct build b = build_in(body, size);
	uint8_t count = 0;

	while (c->ike[count].cipher)
		count++;
	build_u32(&b, 1);
	build_u32(&b, 1);
	build_u32(&b, 0);
	build_u32(&b, 0x01010000u | count);
	for (uint8_t i = 0; i < count; i++) {
		size_t start = build_length(&b);

		build_u32(&b, i + 1 < count ? 0x03000000 : 0);
		build_u32(&b, (uint32_t)(i + 1) << 24 | 0x010000);
		short_attribute(&b, 1, c->ike[i].cipher);
		if (c->ike[i].bits)
			short_attribute(&b, 14, c->ike[i].bits);
		short_attribute(&b, 2, c->ike[i].hash);
		short_attribute(&b, 4, c->ike[i].group);
		short_attribute(&b, 3, 1);
		life(&b, 11, 1, c->ike_s);
		build_patch_u16(&b, start + 2, build_length(&b) - start);
	}
	build_patch_u16(&b, 10, build_length(&b) - 8);
	assert_false(b.failed);
	return SPAN(body, build_length(&b));
}

static void write_esp_row(
	struct build *b, const struct client *c, const struct esp_row *row, uint8_t n, bool last)
{
	size_t start = build_length(b);

	build_u32(b, last ? 0 : 0x03000000);
	build_u32(b, (uint32_t)n << 24 | (uint32_t)row->cipher << 16);
	life(b, 1, 1, c->esp_s);
	if (c->esp_kb)
		life(b, 1, 2, c->esp_kb);
	if (c->pfs)
		short_attribute(b, 3, c->pfs);
	short_attribute(b, 4, 4); // UDP-encapsulated transport mode
	if (row->integrity)
		short_attribute(b, 5, row->integrity);
	if (row->bits)
		short_attribute(b, 6, row->bits);
	build_patch_u16(b, start + 2, build_length(b) - start);
}

static struct span write_esp(const struct client *c, uint32_t spi, uint8_t *body, size_t size)
{
	struct build b = build_in(body, size);
	uint8_t count = 0;

	while (c->esp[count].cipher)
		count++;
	build_u32(&b, 1);
	build_u32(&b, 1);
	build_u32(&b, 0);
	build_u32(&b, 0x01030400u | count);
	build_u32(&b, spi);
	for (uint8_t i = 0; i < count; i++)
		write_esp_row(&b, c, &c->esp[i], i + 1, i + 1 == count);
	build_patch_u16(&b, 10, build_length(&b) - 8);
	assert_false(b.failed);
	return SPAN(body, build_length(&b));
}

static size_t write_vendors(const struct client *c, uint8_t bytes[][20], struct span *out)
{
	size_t n = 0;

	for (; n < VENDORS && c->vendors[n]; n++) {
		size_t length = strlen(c->vendors[n]) / 2;

		for (size_t i = 0; i < length; i++)
			sscanf(c->vendors[n] + 2 * i, "%2hhx", &bytes[n][i]);
		out[n] = SPAN(bytes[n], length);
	}
	return n;
}

// Behind a NAT, as 192.168.1.2 there.
static void quick_ids(const struct client *c, struct initiator_quick *q)
{
	static const uint8_t fqdn[] = "\x02\x11\x06\xa5laptop";
	uint8_t id[8] = {ID_IPV4_ADDR, 17, c->port >> 8, c->port & 0xff, 192, 168, 1, 2};

	memcpy(q->id_i, id, sizeof(id));
	q->id_i_length = sizeof(id);
	if (c->fqdn) {
		q->id_i_length = sizeof(fqdn) - 1;
		memcpy(q->id_i, fqdn, q->id_i_length);
	}
	memcpy(q->id_r, "\x01\x11\x06\xa5\xc0\x00\x02\x01", 8);
	q->id_r_length = 8;
	q->nat_oa = true;
}

// Whether the IKE SA came up; number of the transform that was chosen.
static bool replay_main(struct initiator *i, const struct client *c, uint16_t port)
{
	static uint8_t body[2048], bytes[VENDORS][20];
	static struct span vendors[VENDORS];

	initiator_init(i, ike, "198.51.100.7", port);
	i->sa_offer = write_ike(c, body, sizeof(body));
	i->vendors = vendors;
	i->vendor_count = write_vendors(c, bytes, vendors);
	i->natt = NATT_NONE;
	if (!initiator_first(i))
		return false;
	i->natt = c->natt;
	i->nat = true;
	memcpy(i->id + 4, "\xc0\xa8\x01\x02", 4);
	assert_true(initiator_third(i));
	i->flow.local_port = PORT_NAT_T;
	assert_true(initiator_fifth(i));
	return true;
}

static bool replay_quick(
	struct initiator *i, struct initiator_quick *q, const struct client *c, uint32_t spi)
{
	static uint8_t body[2048];

	initiator_quick_init(q, spi);
	q->sa_offer = write_esp(c, spi, body, sizeof(body));
	q->group = c->pfs;
	quick_ids(c, q);
	return initiator_quick(i, q);
}

static void check(const struct client *c, enum policy policy, const struct result *r)
{
	struct initiator_quick q;
	struct command_sa_add add;
	struct initiator i;
	bool good;

	print_message("%s under %s\n", c->name, policies[policy]);
	use_policy(policy);
	fakes_reset();
	good = replay_main(&i, c, 1024);
	assert_int_equal(good, r->ike != 0);
	if (good) {
		assert_int_equal(i.chosen, r->ike);
		good = replay_quick(&i, &q, c, 0xabcd0001);
		assert_int_equal(good, r->cipher != ESP_CIPHER_NONE);
	}
	if (good) {
		add = take_add();
		assert_int_equal(add.cipher, r->cipher);
		assert_int_equal(add.integrity, r->integrity);
		assert_int_equal(add.encapsulation, ESP_UDP);
	}
	initiator_free(&i);
}

static void each_client_under_each_policy(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(cases) / sizeof(cases[0]); n++)
		for (enum policy p = MODERN; p < POLICIES; p++)
			check(cases[n].client, p, &cases[n].results[p]);
}

// At one listener, each by its own strongest choice.
static void all_of_them_at_once(void **state)
{
	static const struct client *const clients[] = {
		&android, &chromeos, &windows, &macos, &networkmanager};
	struct initiator i[5];
	struct initiator_quick q[5];
	enum esp_cipher ciphers[5];

	(void)state;
	use_policy(NATIVE_1024);
	for (int n = 0; n < 5; n++)
		assert_true(replay_main(&i[n], clients[n], (uint16_t)(1024 + n)));
	for (int n = 0; n < 5; n++) {
		assert_true(replay_quick(&i[n], &q[n], clients[n], 0xabcd0001 + (uint32_t)n));
		ciphers[n] = take_add().cipher;
		initiator_free(&i[n]);
	}
	assert_int_equal(i[0].group, IKE_MODP_1024);
	assert_int_equal(i[0].hash, IKE_SHA384);
	assert_int_equal(i[1].group, IKE_MODP_2048);
	assert_int_equal(i[2].group, IKE_ECP_384);
	assert_int_equal(i[3].group, IKE_MODP_2048);
	assert_int_equal(ciphers[0], ESP_CIPHER_AES_CBC_256);
	assert_int_equal(ciphers[1], ESP_CIPHER_AES_GCM_128);
	assert_int_equal(ciphers[2], ESP_CIPHER_AES_CBC_256);
	assert_int_equal(seen.downs, 0);
}

static void says_why_pfs_was_refused(void **state)
{
	struct initiator i;
	struct initiator_quick q;

	(void)state;
	use_policy(NATIVE);
	assert_true(replay_main(&i, &mikrotik, 1024));
	log_set_level(LEVEL_WARNING);
	log_set_sink(on_log, NULL);
	assert_false(replay_quick(&i, &q, &mikrotik, 0xabcd0001));
	log_set_sink(NULL, NULL);
	assert_non_null(strstr(seen.refused_line, "forward secrecy"));
	assert_non_null(strstr(seen.refused_line, "modp-1024"));
	initiator_free(&i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			each_client_under_each_policy, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			all_of_them_at_once, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			says_why_pfs_was_refused, fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

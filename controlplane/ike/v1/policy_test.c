// SPDX-License-Identifier: Apache-2.0

// Who uses what, and who could not connect any more: against peers that came up.

#include "fixture.h"

#include "controlplane/ike/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct ike_check checks[8];
static size_t count;

static void each(void *context, const struct ike_check *check)
{
	(void)context;
	assert_true(count < 8);
	checks[count++] = *check;
}

static const struct ike_check *check_of(const char *remote)
{
	struct ip_address address;

	assert_int_equal(address_parse(remote, &address), 0);
	for (size_t i = 0; i < count; i++)
		if (address_equal(&checks[i].flow.remote, &address))
			return &checks[i];
	fail();
	return NULL;
}

static void forbid(const char *words)
{
	char wrong[FORBIDDEN_WORD];
	struct forbidden f;

	assert_int_equal(forbidden_parse(words, &f, wrong), 0);
	count = 0;
	ike_check_each(ike, &f, each, NULL);
}

static void up(
	struct initiator *i, const char *remote, unsigned hash, unsigned group, uint16_t auth)
{
	struct initiator_quick q;

	initiator_init(i, ike, remote, PORT_IKE);
	i->hash = hash;
	i->group = group;
	assert_true(initiator_main(i));
	initiator_quick_init(&q, 0xabcd0001);
	q.auth = auth;
	assert_true(initiator_quick(i, &q));
	initiator_free(i);
}

static void tells_who_would_fail(void **state)
{
	struct initiator i;

	(void)state;
	config.ike.legacy_modp1024 = true;
	up(&i, "198.51.100.1", IKE_SHA256, IKE_MODP_1024, 5);
	up(&i, "198.51.100.2", IKE_SHA1, IKE_ECP_256, 5);
	up(&i, "198.51.100.3", IKE_SHA256, IKE_ECP_256, 2);
	up(&i, "198.51.100.4", IKE_SHA256, IKE_ECP_256, 5);
	forbid("modp1024,3des,sha1");
	assert_int_equal(count, 4);
	assert_int_equal(check_of("198.51.100.1")->verdict, IKE_CHECK_FAILS);
	assert_non_null(strstr(check_of("198.51.100.1")->reason, "IKE SA"));
	assert_int_equal(check_of("198.51.100.2")->verdict, IKE_CHECK_FAILS);
	assert_int_equal(check_of("198.51.100.3")->verdict, IKE_CHECK_FAILS);
	assert_non_null(strstr(check_of("198.51.100.3")->reason, "ESP"));
	assert_int_equal(check_of("198.51.100.4")->verdict, IKE_CHECK_STAYS);
	assert_string_equal(check_of("198.51.100.4")->ike_now, "aes-cbc-256/sha256/ecp-256");
	assert_string_equal(check_of("198.51.100.4")->esp_now, "aes-cbc-256/hmac-sha256-128");
	forbid("ikev1");
	assert_int_equal(check_of("198.51.100.4")->verdict, IKE_CHECK_FAILS);
	forbid("psk");
	assert_int_equal(check_of("198.51.100.4")->verdict, IKE_CHECK_FAILS);
	forbid("ikev2,certificate");
	assert_int_equal(check_of("198.51.100.1")->verdict, IKE_CHECK_STAYS);
}

static size_t put(struct build *b, uint8_t number, bool last, uint16_t hash, uint16_t group)
{
	size_t start = build_length(b);

	build_u32(b, last ? 36 - 4 : 0x03000000 | (36 - 4));
	build_u32(b, (uint32_t)number << 24 | 0x010000);
	build_u32(b, 0x80010007);
	build_u32(b, 0x800e0100);
	build_u32(b, 0x80020000u | hash);
	build_u32(b, 0x80030001);
	build_u32(b, 0x80040000u | group);
	build_u32(b, 0x800b0001);
	return build_length(b) - start;
}

// A peer that offers more than one thing would use the next best.
static void tells_what_would_be_used_instead(void **state)
{
	uint8_t body[256];
	struct build b = build_in(body, sizeof(body));
	struct initiator_quick q;
	struct initiator i;
	size_t n = 0;

	(void)state;
	build_u32(&b, 1);
	build_u32(&b, 1);
	build_u32(&b, 0);
	build_u32(&b, 0x01010002);
	n += put(&b, 1, false, IKE_SHA256, IKE_ECP_384);
	n += put(&b, 2, true, IKE_SHA1, IKE_MODP_2048);
	build_patch_u16(&b, 10, 8 + n);
	initiator_init(&i, ike, "198.51.100.1", PORT_IKE);
	i.sa_offer = SPAN(body, build_length(&b));
	assert_true(initiator_main(&i));
	quick_up(&i, &q, 0xabcd0001);
	forbid("ecp-384");
	assert_int_equal(check_of("198.51.100.1")->verdict, IKE_CHECK_CHANGES);
	forbid("sha1,sha256");
	assert_non_null(
		strstr(check_of("198.51.100.1")->ike_offered, "aes-cbc-256/sha1/modp-2048"));
	initiator_free(&i);
}

// Alike peers share what is kept, and it goes with them.
static void keeps_offers_once(void **state)
{
	struct initiator i;
	unsigned offers = 0;
	struct offer *offer;

	(void)state;
	for (unsigned n = 1; n <= 9; n++) {
		char remote[32];

		snprintf(remote, sizeof(remote), "198.51.100.%u", n);
		up(&i, remote, IKE_SHA256, IKE_ECP_256, 5);
	}
	for (unsigned n = 0; n < OFFER_BUCKETS; n++)
		LIST_FOREACH(offer, &ike->offers.buckets[n], same_bucket)
	offers++;
	assert_int_equal(offers, 2);
	ike_close_all(ike, "test");
	for (unsigned n = 0; n < OFFER_BUCKETS; n++)
		assert_true(LIST_EMPTY(&ike->offers.buckets[n]));
}

static void each_use(void *context, const struct ike_use *use)
{
	*(struct ike_use *)context = *use;
}

static void each_psk(void *context, const struct ike_psk_info *info)
{
	((struct ike_psk_info *)context)[info->place] = *info;
}

static void counts_who_uses_what(void **state)
{
	struct ike_psk_info keys[2];
	struct ike_use use = {0};
	struct initiator i;

	(void)state;
	up(&i, "198.51.100.1", IKE_SHA256, IKE_ECP_256, 5);
	ike_each_use(ike, each_use, &use);
	assert_int_equal(use.version, 1);
	assert_string_equal(use.auth, "psk");
	assert_string_equal(use.encryption, "aes-cbc-256");
	assert_string_equal(use.group, "ecp-256");
	assert_string_equal(use.integrity, "hmac-sha256-128");
	pass(7000);
	ike_each_psk(ike, each_psk, keys);
	assert_int_equal(keys[0].peers, 1);
	assert_int_equal(keys[0].count, 1);
	assert_int_equal(keys[0].last_ms, 7000);
	assert_int_equal(keys[1].peers, 0);
	assert_int_equal(keys[1].count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			tells_who_would_fail, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			tells_what_would_be_used_instead, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(keeps_offers_once, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			counts_who_uses_what, fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0

// How a peer comes up in version 2: exchanges of the responder with a small initiator, over the
// fakes.

#include "fixture.h"

#include "controlplane/ike/state.h"

#include <errno.h>
#include <openssl/rand.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct v2_initiator i;

static int start(void **state)
{
	fixture_v2_setup(state);
	v2_initiator_init(&i, ike, "198.51.100.7", PORT_IKE);
	return 0;
}

static int finish(void **state)
{
	v2_initiator_free(&i);
	return fixture_v2_teardown(state);
}

static void installs_the_pair_that_was_agreed(void **state)
{
	struct command_sa_add c;

	assert_true(v2_initiator_connect(&i));
	c = take_add();
	assert_int_equal(c.spi_in, i.spi_responder);
	assert_int_equal(c.spi_out, i.spi);
	assert_int_equal(c.cipher, ESP_CIPHER_AES_CBC_256);
	assert_int_equal(c.integrity, ESP_INTEGRITY_HMAC_SHA256_128);
	assert_int_equal(c.encapsulation, ESP_PLAIN);
	assert_int_equal(c.mode, ESP_TRANSPORT);
	assert_memory_equal(c.cipher_key_in, i.keys_out, 32);
	assert_memory_equal(c.integrity_key_in, i.keys_out + 32, 32);
	assert_memory_equal(c.cipher_key_out, i.keys_in, 32);
	assert_memory_equal(c.integrity_key_out, i.keys_in + 32, 32);
	assert_int_equal(seen.currents, 1);
	assert_int_equal(seen.sa, i.spi_responder);
	assert_int_equal(ike_peer_sa(ike, c.peer), i.spi_responder);
}

static void each_suite(void **state)
{
	static const struct v2_suite suites[] = {{IKE_AES_CBC_128, IKE_SHA1, IKE_MODP_2048},
		{IKE_AES_GCM_256, IKE_SHA384, IKE_ECP_384},
		{IKE_AES_GCM_128, IKE_SHA256, IKE_X25519},
		{IKE_CHACHA20_POLY1305, IKE_SHA512, IKE_ECP_521}};

	config.ike.encryption.values[config.ike.encryption.count++] = IKE_CHACHA20_POLY1305;
	for (size_t n = 0; n < sizeof(suites) / sizeof(suites[0]); n++) {
		struct v2_initiator each;

		v2_initiator_init(&each, ike, "198.51.100.8", (uint16_t)(2000 + n));
		each.suite = suites[n];
		each.gcm = n % 2;
		assert_true(v2_initiator_connect(&each));
		(void)take_add();
		v2_initiator_free(&each);
	}
	assert_int_equal(seen.currents, 4);
}

// RFC 7296 section 2.23.1: the selectors come back as the peer knows itself.
static void a_peer_behind_nat_keeps_its_own_address(void **state)
{
	struct ip_address inner;
	struct command_sa_add c;

	address_parse("192.168.1.2", &inner);
	i.flow.local_port = PORT_NAT_T;
	i.flow.remote_port = 30001;
	i.nat = true;
	i.ts_i.first = i.ts_i.last = inner;
	assert_true(v2_initiator_connect(&i));
	c = take_add();
	assert_int_equal(c.encapsulation, ESP_UDP);
	assert_int_equal(c.remote_port, 30001);
	assert_int_equal(i.got_i.count, 1);
	assert_true(address_equal(&i.got_i.list[0].first, &inner));
	assert_true(address_equal(&i.got_r.list[0].first, &i.flow.local));
	assert_int_equal(i.got_r.list[0].port_first, 1701);
}

static void selectors_are_narrowed_to_l2tp(void **state)
{
	i.ts_i.protocol = i.ts_r.protocol = 0;
	i.ts_i.port_first = i.ts_r.port_first = 0;
	i.ts_i.port_last = i.ts_r.port_last = 65535;
	assert_true(v2_initiator_connect(&i));
	assert_int_equal(i.got_r.list[0].protocol, 17);
	assert_int_equal(i.got_r.list[0].port_first, 1701);
	assert_int_equal(i.got_r.list[0].port_last, 1701);
	assert_int_equal(i.got_i.list[0].protocol, 17);
	assert_int_equal(i.got_i.list[0].port_last, 65535);
}

static void selectors_of_others_are_refused(void **state)
{
	address_parse("198.51.100.99", &i.ts_i.first);
	i.ts_i.last = i.ts_i.first;
	assert_false(v2_initiator_connect(&i));
	assert_int_equal(v2_initiator_error(&i), V2_TS_UNACCEPTABLE);
	assert_int_equal(seen.refused, 1);
	assert_int_equal(seen.currents, 0);
	// The IKE SA is there all the same, and another try is welcome.
	i.ts_i.first = i.ts_i.last = i.flow.remote;
	i.spi++;
	assert_true(v2_initiator_child(&i));
}

static void a_wrong_key_is_refused_without_saying_why(void **state)
{
	i.psk = "wrong";
	assert_false(v2_initiator_connect(&i));
	assert_int_equal(v2_initiator_error(&i), V2_AUTHENTICATION_FAILED);
	assert_int_equal(i.chain.count, 1);
	assert_int_equal(seen.refused, 1);
	// The answer is given again, and the SA is gone soon after.
	v2_initiator_again(&i);
	assert_true(v2_initiator_take(&i));
	assert_int_equal(v2_initiator_error(&i), V2_AUTHENTICATION_FAILED);
	pass(V2_LINGER_MS + 1);
	v2_initiator_again(&i);
	assert_false(v2_initiator_take(&i));
	assert_int_equal(half_open(), 0);
}

static void eap_is_refused(void **state)
{
	struct v2_sealed s;

	assert_true(v2_initiator_begin(&i));
	v2_initiator_request(&i, &s, V2_IKE_AUTH);
	isakmp_out_payload(&s.out, V2_ID_I, i.id, i.id_length);
	assert_true(v2_initiator_ask(&i, &s));
	assert_int_equal(v2_initiator_error(&i), V2_AUTHENTICATION_FAILED);
}

static void another_group_is_asked_for(void **state)
{
	struct v2_notify n;

	i.ke_group = IKE_MODP_2048;
	assert_false(v2_initiator_begin(&i));
	assert_true(v2_chain_notify(&i.chain, V2_INVALID_KE_PAYLOAD, &n));
	assert_memory_equal(n.data.at, "\0\x13", 2);
	assert_int_equal(half_open(), 0);
	i.ke_group = 0;
	assert_true(v2_initiator_connect(&i));
}

static void no_proposal_is_refused_with_both_offers(void **state)
{
	i.suite.encryption = IKE_3DES;
	assert_false(v2_initiator_begin(&i));
	assert_int_equal(v2_initiator_error(&i), V2_NO_PROPOSAL_CHOSEN);
	assert_int_equal(seen.refused, 1);
	assert_non_null(strstr(seen.refused_line, "offered"));
	assert_non_null(strstr(seen.refused_line, "aes-cbc-256"));
}

static void keeps_nothing_for_who_returns_no_cookie(void **state)
{
	struct v2_notify n;

	config.ike.cookies_from = 0;
	assert_false(v2_initiator_begin(&i));
	assert_true(v2_chain_notify(&i.chain, V2_COOKIE, &n));
	assert_int_equal(half_open(), 0);
	memcpy(i.cookie, n.data.at, n.data.length);
	i.cookie_length = n.data.length;
	// From elsewhere it is good for nothing.
	i.flow.remote_port++;
	assert_false(v2_initiator_begin(&i));
	i.flow.remote_port--;
	// Of the secret before it is still good, but not of the one before that.
	pass(V2_SECRET_MS + 1);
	assert_true(v2_initiator_begin(&i));
	assert_int_equal(half_open(), 1);
	assert_true(v2_initiator_auth(&i));
	pass(2 * V2_SECRET_MS + 1);
	assert_false(v2_initiator_begin(&i));
}

static void the_same_request_gets_the_same_answer(void **state)
{
	uint8_t first[2048];
	size_t length;

	assert_true(v2_initiator_begin(&i));
	memcpy(first, i.raw, i.raw_length);
	length = i.raw_length;
	v2_initiator_again(&i);
	assert_true(v2_initiator_take(&i));
	assert_int_equal(i.raw_length, length);
	assert_memory_equal(i.raw, first, length);
	assert_int_equal(half_open(), 1);
	assert_true(v2_initiator_auth(&i));
	memcpy(first, i.raw, i.raw_length);
	length = i.raw_length;
	v2_initiator_again(&i);
	assert_true(v2_initiator_take(&i));
	assert_memory_equal(i.raw, first, length);
	assert_int_equal(seen.currents, 1);
}

static void waits_for_slow_arithmetic(void **state)
{
	work_hold(true);
	assert_false(v2_initiator_begin(&i));
	v2_initiator_again(&i);
	assert_int_equal(fake_sent_count(), 0);
	work_hold(false);
	assert_int_equal(fake_sent_count(), 1);
}

static void waits_for_the_pair(void **state)
{
	assert_true(v2_initiator_begin(&i));
	fake_install_hold(true);
	assert_false(v2_initiator_auth(&i));
	v2_initiator_again(&i);
	assert_int_equal(fake_sent_count(), 0);
	fake_install_release();
	assert_int_equal(fake_sent_count(), 1);
	assert_int_equal(seen.currents, 1);
	// The peer goes while a pair is being installed.
	i.spi++;
	assert_false(v2_initiator_child(&i));
	assert_int_equal(ike_peer_close(ike, seen.peer, "test"), 0);
	fake_install_release();
}

static void a_pair_that_is_refused_leaves_the_sa(void **state)
{
	assert_true(v2_initiator_begin(&i));
	fake_install_answer(-ENOSPC);
	assert_false(v2_initiator_auth(&i));
	assert_int_equal(v2_initiator_error(&i), V2_TEMPORARY_FAILURE);
	fake_install_answer(0);
	(void)take_add();
	i.spi++;
	assert_true(v2_initiator_child(&i));
}

static void goes_in_fragments(void **state)
{
	i.fragmentation = true;
	i.room = 200;
	config.ike.fragment_size = 250;
	assert_true(v2_initiator_connect(&i));
	assert_true(v2_initiator_notified(&i, V2_USE_TRANSPORT_MODE));
	// The last fragment again asks for nothing, the first one for the whole answer.
	v2_initiator_again(&i);
	assert_int_equal(fake_sent_count(), 0);
}

static void a_known_ppk_is_mixed_in(void **state)
{
	static struct config_ppk ppk = {.id = "ppk-1", .secret = "quantum", .secret_length = 7};

	config.ppks = &ppk;
	config.ppk_count = 1;
	i.ppk = "quantum";
	i.ppk_id = "ppk-1";
	assert_true(v2_initiator_connect(&i));
	assert_true(v2_initiator_notified(&i, V2_PPK_IDENTITY));
	(void)take_add();
	v2_initiator_free(&i);
	v2_initiator_init(&i, ike, "198.51.100.9", PORT_IKE);
	i.ppk = "other";
	i.ppk_id = "ppk-1";
	assert_false(v2_initiator_connect(&i));
	v2_initiator_free(&i);
	v2_initiator_init(&i, ike, "198.51.100.10", PORT_IKE);
	config.ike.ppk_required = true;
	assert_false(v2_initiator_connect(&i));
	assert_int_equal(v2_initiator_error(&i), V2_AUTHENTICATION_FAILED);
}

static void a_newer_version_is_told_ours(void **state)
{
	uint8_t message[64];
	struct isakmp_header h = {
		.version = 0x30, .exchange = V2_IKE_SA_INIT, .flags = V2_INITIATOR};
	struct isakmp_out o = isakmp_out_begin(message, sizeof(message), &h);

	RAND_bytes(i.spi_i, 8);
	memcpy(message, i.spi_i, 8);
	isakmp_out_payload(&o, V2_NONCE, message, 16);
	v2_initiator_send(&i, message, isakmp_out_end(&o));
	assert_true(v2_initiator_take(&i));
	assert_int_equal(v2_initiator_error(&i), V2_INVALID_MAJOR_VERSION);
}

// What is not authentic costs the real peer nothing.
static void a_forged_message_changes_nothing(void **state)
{
	uint8_t forged[400];

	assert_true(v2_initiator_begin(&i));
	memcpy(forged, i.spi_i, 8);
	memcpy(forged + 8, i.spi_r, 8);
	memset(forged + 16, 0, sizeof(forged) - 16);
	memcpy(forged + 16, (const uint8_t[]){46, 0x20, 35, 8, 0, 0, 0, 1, 0, 0, 1, 144}, 12);
	memcpy(forged + 28, (const uint8_t[]){35, 0, 1, 116}, 4);
	ike_input(ike, &i.flow, forged, sizeof(forged));
	assert_int_equal(fake_sent_count(), 0);
	assert_true(v2_initiator_auth(&i));
}

static struct ike_check checked;

static void each_check(void *context, const struct ike_check *check)
{
	checked = *check;
}

// The dry run of a policy, for who speaks version 2.
static void tells_what_would_fail(void **state)
{
	char wrong[FORBIDDEN_WORD];
	struct forbidden f;

	assert_true(v2_initiator_connect(&i));
	assert_int_equal(forbidden_parse("modp1024,3des,sha1", &f, wrong), 0);
	ike_check_each(ike, &f, each_check, NULL);
	assert_int_equal(checked.version, 2);
	assert_int_equal(checked.verdict, IKE_CHECK_STAYS);
	assert_string_equal(checked.esp_now, "aes-cbc-256/hmac-sha256-128");
	assert_int_equal(forbidden_parse("hmac-sha256-128", &f, wrong), 0);
	ike_check_each(ike, &f, each_check, NULL);
	assert_int_equal(checked.verdict, IKE_CHECK_FAILS);
	assert_non_null(strstr(checked.reason, "ESP"));
	assert_int_equal(forbidden_parse("aes-cbc,aes-gcm,chacha20-poly1305", &f, wrong), 0);
	ike_check_each(ike, &f, each_check, NULL);
	assert_int_equal(checked.verdict, IKE_CHECK_FAILS);
	assert_non_null(strstr(checked.reason, "IKE SA"));
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, start, finish)
	const struct CMUnitTest tests[] = {
		CASE(installs_the_pair_that_was_agreed),
		CASE(tells_what_would_fail),
		CASE(each_suite),
		CASE(a_peer_behind_nat_keeps_its_own_address),
		CASE(selectors_are_narrowed_to_l2tp),
		CASE(selectors_of_others_are_refused),
		CASE(a_wrong_key_is_refused_without_saying_why),
		CASE(eap_is_refused),
		CASE(another_group_is_asked_for),
		CASE(no_proposal_is_refused_with_both_offers),
		CASE(keeps_nothing_for_who_returns_no_cookie),
		CASE(the_same_request_gets_the_same_answer),
		CASE(waits_for_slow_arithmetic),
		CASE(waits_for_the_pair),
		CASE(a_pair_that_is_refused_leaves_the_sa),
		CASE(goes_in_fragments),
		CASE(a_known_ppk_is_mixed_in),
		CASE(a_newer_version_is_told_ours),
		CASE(a_forged_message_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

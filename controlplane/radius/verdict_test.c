// SPDX-License-Identifier: Apache-2.0

#include "freeradius_fixture.h"
#include "reply.h"
#include "types.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t authenticator[RADIUS_AUTHENTICATOR] = {1, 2, 3};
static const struct radius_secret secret = {"xyzzy5461", 9};
static struct radius_build b;
static struct reply_verdict out;
static struct ppp_credentials c;

static void answer(uint8_t code, uint8_t method)
{
	assert_int_equal(radius_begin(&b, code, &secret), 0);
	c = (struct ppp_credentials){.method = method, .id = 9, .want_msk = true};
}

static void judge(void)
{
	struct radius_packet p;
	struct radius_result r = {.reply = &p, .authenticator = authenticator, .secret = secret};

	assert_true(radius_finish(&b, 1, authenticator) > 0);
	assert_int_equal(radius_parse(b.bytes, b.length, &p), 0);
	reply_verdict(&r, &c, &out);
}

static void is_refused(const char *words)
{
	assert_false(out.verdict.accepted);
	assert_false(out.verdict.has_msk);
	assert_int_equal(out.verdict.turn, EAP_DECIDED);
	assert_non_null(out.reason);
	assert_non_null(strstr(out.reason, words));
}

static void test_pap(void **state)
{
	answer(RADIUS_ACCESS_ACCEPT, PPP_AUTH_PAP);
	radius_put_text(&b, RADIUS_REPLY_MESSAGE, "hello\n\x1b[2J");
	radius_put_text(&b, RADIUS_REPLY_MESSAGE, "again");
	judge();
	assert_true(out.verdict.accepted);
	assert_null(out.reason);
	assert_string_equal(out.verdict.message, "hello\\x0a\\x1b[2J again");
	answer(RADIUS_ACCESS_REJECT, PPP_AUTH_PAP);
	radius_put_text(&b, RADIUS_REPLY_MESSAGE, "no");
	judge();
	is_refused("refuses");
	assert_string_equal(out.verdict.message, "no");
	answer(RADIUS_ACCESS_CHALLENGE, PPP_AUTH_PAP);
	judge();
	is_refused("asks for more");
	answer(RADIUS_ACCOUNTING_RESPONSE, PPP_AUTH_PAP);
	judge();
	is_refused("none to an Access-Request");
}

static void test_messages_without_end(void **state)
{
	char text[254];

	memset(text, '\n', 253);
	text[253] = '\0';
	answer(RADIUS_ACCESS_REJECT, PPP_AUTH_CHAP_MD5);
	for (int i = 0; i < 15; i++)
		radius_put_text(&b, RADIUS_REPLY_MESSAGE, text);
	judge();
	is_refused("refuses");
	assert_true(strlen(out.message) < sizeof(out.message));
}

static void test_nobody_answered(void **state)
{
	struct radius_result r = {.outcome = RADIUS_NO_ANSWER};

	c = (struct ppp_credentials){.method = PPP_AUTH_PAP};
	reply_verdict(&r, &c, &out);
	is_refused("has answered");
	r.outcome = RADIUS_NO_SERVER;
	reply_verdict(&r, &c, &out);
	is_refused("lives");
}

static void test_service_type(void **state)
{
	static const struct {
		uint8_t value[5];
		size_t length;
		bool good;
	} cases[] = {{{0, 0, 0, 2}, 4, true}, {{0, 0, 0, 6}, 4, false}, {{2}, 1, false},
		{{0}, 0, false}, {{0, 0, 0, 2, 0}, 5, false}};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		answer(RADIUS_ACCESS_ACCEPT, PPP_AUTH_PAP);
		radius_put(&b, RADIUS_SERVICE_TYPE, cases[i].value, cases[i].length);
		judge();
		assert_int_equal(out.verdict.accepted, cases[i].good);
	}
}

static void accept_mschap(const char *value, size_t length)
{
	answer(RADIUS_ACCESS_ACCEPT, PPP_AUTH_MSCHAPV2);
	radius_put_vendor(&b, VENDOR_MICROSOFT, MS_CHAP2_SUCCESS, value, length);
	judge();
}

static void test_mschap_success(void **state)
{
	static const char good[] = "\x09S=0123456789abcdef0123456789ABCDEF01234567 M=hi";

	accept_mschap(good, sizeof(good) - 1);
	assert_true(out.verdict.accepted);
	assert_string_equal(out.verdict.message, good + 1);
	accept_mschap(good, 43);
	assert_true(out.verdict.accepted);
	for (size_t n = 0; n < 43; n++) {
		accept_mschap(good, n);
		is_refused("MS-CHAP2-Success");
	}
	accept_mschap("\x08S=0123456789abcdef0123456789ABCDEF01234567", 43);
	is_refused("MS-CHAP2-Success");
	accept_mschap("\x09S=0123456789abcdef0123456789ABCDEF0123456x", 43);
	is_refused("MS-CHAP2-Success");
	answer(RADIUS_ACCESS_ACCEPT, PPP_AUTH_MSCHAPV2);
	judge();
	is_refused("MS-CHAP2-Success");
	assert_int_equal(out.verdict.mschap_error, 691);
}

static unsigned error_of(const char *value, size_t length)
{
	answer(RADIUS_ACCESS_REJECT, PPP_AUTH_MSCHAPV2);
	radius_put_vendor(&b, VENDOR_MICROSOFT, MS_CHAP_ERROR, value, length);
	judge();
	is_refused("refuses");
	return out.verdict.mschap_error;
}

static void test_mschap_error(void **state)
{
	assert_int_equal(error_of("\x09"
				  "E=647 R=0 C=00 V=3 M=x",
				 24),
		647);
	assert_int_equal(error_of("\x09"
				  "E=691",
				 6),
		691);
	assert_int_equal(error_of("", 0), 691);
	assert_int_equal(error_of("\x09"
				  "E=",
				 3),
		691);
	assert_int_equal(error_of("\x09"
				  "E=-1",
				 5),
		691);
	assert_int_equal(error_of("\x09"
				  "E=99999999999999999999",
				 23),
		691);
	assert_int_equal(error_of("\x09\x00\xff\xfe", 4), 691);
	answer(RADIUS_ACCESS_REJECT, PPP_AUTH_MSCHAPV2);
	judge();
	assert_int_equal(out.verdict.mschap_error, 691);
}

static void test_eap_goes_on(void **state)
{
	uint8_t packet[1020] = {1, 2, 3, 252};

	packet[1019] = 7;
	answer(RADIUS_ACCESS_CHALLENGE, PPP_AUTH_EAP);
	radius_put_eap(&b, packet, sizeof(packet));
	radius_put_text(&b, RADIUS_STATE, "state");
	judge();
	assert_int_equal(out.verdict.turn, EAP_MORE);
	assert_false(out.verdict.accepted);
	assert_null(out.reason);
	assert_int_equal(out.verdict.eap_length, sizeof(packet));
	assert_memory_equal(out.verdict.eap, packet, sizeof(packet));
	assert_int_equal(out.state_length, 5);
	assert_memory_equal(out.state, "state", 5);
	answer(RADIUS_ACCESS_CHALLENGE, PPP_AUTH_EAP);
	radius_put_text(&b, RADIUS_STATE, "state");
	judge();
	is_refused("no EAP-Message");
}

// Salted with zeros, for the authenticator above; what is behind the length is the key.
static void put_key(uint16_t type, uint8_t first, const uint8_t value[50], size_t length)
{
	uint8_t copy[50];

	memcpy(copy, value, length);
	copy[2] ^= first;
	radius_put_vendor(&b, VENDOR_MICROSOFT, (uint8_t)type, copy, length);
}

static void test_eap_keys(void **state)
{
	static const uint8_t success[4] = {3, 2, 0, 4};
	uint8_t value[50] = {0x80, 1}, clear[64], want[64] = {0};
	uint8_t last = 0;
	int n;

	// The first byte of clear text that zeros are.
	for (unsigned i = 0; i < 256; i++) {
		value[2] = (uint8_t)i;
		if (radius_reveal(value, 50, authenticator, &secret, clear, 64) == 0)
			last = (uint8_t)i;
	}
	value[2] = last;
	answer(RADIUS_ACCESS_ACCEPT, PPP_AUTH_EAP);
	radius_put_eap(&b, success, sizeof(success));
	put_key(MS_MPPE_RECV_KEY, 32, value, 50);
	put_key(MS_MPPE_SEND_KEY, 32, value, 50);
	value[2] ^= 32;
	n = radius_reveal(value, 50, authenticator, &secret, want, 32);
	assert_int_equal(n, 32);
	memcpy(want + 32, want, 32);
	value[2] ^= 32;
	judge();
	assert_true(out.verdict.accepted);
	assert_true(out.verdict.has_msk);
	assert_memory_equal(out.verdict.msk, want, 64);
	assert_memory_equal(out.verdict.eap, success, 4);

	// One without the other, of two lengths, and of a length that is none.
	answer(RADIUS_ACCESS_ACCEPT, PPP_AUTH_EAP);
	put_key(MS_MPPE_RECV_KEY, 32, value, 50);
	judge();
	assert_true(out.verdict.accepted);
	assert_false(out.verdict.has_msk);
	answer(RADIUS_ACCESS_ACCEPT, PPP_AUTH_EAP);
	put_key(MS_MPPE_RECV_KEY, 32, value, 50);
	put_key(MS_MPPE_SEND_KEY, 16, value, 50);
	judge();
	assert_false(out.verdict.has_msk);
	answer(RADIUS_ACCESS_ACCEPT, PPP_AUTH_EAP);
	put_key(MS_MPPE_RECV_KEY, 40, value, 50);
	put_key(MS_MPPE_SEND_KEY, 40, value, 50);
	judge();
	assert_false(out.verdict.has_msk);
	answer(RADIUS_ACCESS_ACCEPT, PPP_AUTH_EAP);
	put_key(MS_MPPE_RECV_KEY, 32, value, 3);
	put_key(MS_MPPE_SEND_KEY, 32, value, 3);
	judge();
	assert_false(out.verdict.has_msk);
}

static void test_eap_is_refused(void **state)
{
	static const uint8_t failure[4] = {4, 2, 0, 4}, success[4] = {3, 2, 0, 4};

	answer(RADIUS_ACCESS_REJECT, PPP_AUTH_EAP);
	radius_put_eap(&b, failure, sizeof(failure));
	judge();
	is_refused("refuses");
	assert_memory_equal(out.verdict.eap, failure, 4);
	// Its Success does not reach the peer.
	answer(RADIUS_ACCESS_ACCEPT, PPP_AUTH_EAP);
	radius_put_eap(&b, success, sizeof(success));
	radius_put_u32(&b, RADIUS_SERVICE_TYPE, 1);
	judge();
	is_refused("Service-Type");
	assert_int_equal(out.verdict.eap_length, 0);
}

// FreeRADIUS answers the exchange of RFC 2759 section 9.2 as that and RFC 3079 section 3.5.3 have
// it.
static void test_freeradius(void **state)
{
	static const uint8_t send_key[16] = {0x8b, 0x7c, 0xdc, 0x14, 0x9b, 0x99, 0x3a, 0x1b, 0xa1,
		0x18, 0xcb, 0x15, 0x3f, 0x56, 0xdc, 0xcb};
	static const uint8_t zero[32];
	const struct radius_secret s = {freeradius_secret, sizeof(freeradius_secret) - 1};
	uint8_t bytes[RADIUS_PACKET], request[RADIUS_AUTHENTICATOR];
	struct radius_packet p;
	struct radius_result r = {.reply = &p, .authenticator = request, .secret = s};
	size_t n = 0;
	unsigned byte;

	for (const char *t = freeradius_reply; sscanf(t, "%2x", &byte) == 1; t += 2)
		bytes[n++] = (uint8_t)byte;
	for (unsigned i = 0; i < sizeof(request); i++)
		request[i] = (uint8_t)i;
	assert_int_equal(radius_parse(bytes, n, &p), 0);
	assert_int_equal(radius_prove_reply(&p, request, &s, true), RADIUS_PROVEN);
	c = (struct ppp_credentials){.method = PPP_AUTH_MSCHAPV2, .id = 9, .want_msk = true};
	reply_verdict(&r, &c, &out);
	assert_true(out.verdict.accepted);
	assert_string_equal(out.verdict.message, "S=407A5589115FD0D6209F510FE9C04566932CDA56");
	assert_true(out.verdict.has_msk);
	assert_memory_equal(out.verdict.msk + 16, send_key, 16);
	assert_memory_equal(out.verdict.msk + 32, zero, 32);
	// A bit of any byte is enough.
	for (size_t i = 0; i < n; i++) {
		bytes[i] ^= 1;
		if (radius_parse(bytes, n, &p) == 0)
			assert_int_not_equal(
				radius_prove_reply(&p, request, &s, true), RADIUS_PROVEN);
		bytes[i] ^= 1;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pap),
		cmocka_unit_test(test_messages_without_end),
		cmocka_unit_test(test_nobody_answered),
		cmocka_unit_test(test_service_type),
		cmocka_unit_test(test_mschap_success),
		cmocka_unit_test(test_mschap_error),
		cmocka_unit_test(test_eap_goes_on),
		cmocka_unit_test(test_eap_keys),
		cmocka_unit_test(test_eap_is_refused),
		cmocka_unit_test(test_freeradius),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

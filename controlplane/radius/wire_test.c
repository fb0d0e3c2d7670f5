// SPDX-License-Identifier: Apache-2.0

#include "wire.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct radius_secret secret = {"xyzzy5461", 9};

// Bytes of hexadecimal digits and spaces.
static size_t unhex(const char *text, uint8_t *out)
{
	size_t n = 0;
	unsigned byte;
	int used;

	for (; sscanf(text, "%2x%n", &byte, &used) == 1; text += used)
		out[n++] = byte;
	return n;
}

static struct radius_packet packet_of(const char *text)
{
	static uint8_t bytes[2][RADIUS_PACKET];
	static unsigned turn;
	struct radius_packet p;
	uint8_t *at = bytes[turn++ & 1];

	assert_int_equal(radius_parse(at, unhex(text, at), &p), 0);
	return p;
}

// RFC 2865 section 7.1 and 7.2, RFC 5997 section 6.1: the secret is xyzzy5461.
static const char nemo_asks[] =
	"01 00 00 38 0f 40 3f 94 73 97 80 57 bd 83 d5 cb 98 f4 22 7a"
	"01 06 6e 65 6d 6f 02 12 0d be 70 8d 93 d4 13 ce 31 96 e4 3f 78 2a 0a ee"
	"04 06 c0 a8 01 10 05 06 00 00 00 03";
static const char nemo_is_let_in[] = "02 00 00 26 86 fe 22 0e 76 24 ba 2a 10 05 f6 bf 9b 55 e0 b2"
				     "06 06 00 00 00 01 0f 06 00 00 00 00 0e 06 c0 a8 01 03";
static const char flopsy_asks[] =
	"01 01 00 47 2a ee 86 f0 8d 0d 55 96 9c a5 97 8e 0d 33 67 a2"
	"01 08 66 6c 6f 70 73 79 03 13 16 e9 75 57 c3 16 18 58 95 f2 93 ff 63 44 07 72 75"
	"04 06 c0 a8 01 10 05 06 00 00 00 14 06 06 00 00 00 02 07 06 00 00 00 01";
static const char flopsy_is_let_in[] =
	"02 01 00 38 15 ef bc 7d ab 26 cf a3 dc 34 d9 c0 3c 86 01 a4"
	"06 06 00 00 00 02 07 06 00 00 00 01 08 06 ff ff ff fe 0a 06 00 00 00 02"
	"0d 06 00 00 00 01 0c 06 00 00 05 dc";
static const char are_you_there[] = "0c da 00 26 8a 54 f4 68 6f b3 94 c5 28 66 e3 02 18 5d 06 23"
				    "50 12 5a 66 5e 2e 1e 84 11 f3 e2 43 82 20 97 c8 4f a3";
static const char i_am[] = "02 da 00 14 ef 0d 55 2a 4b f2 d6 93 ec 2b 6f e8 b5 41 1d 66";

static void test_rfc_packets_are_read(void **state)
{
	struct radius_packet p = packet_of(flopsy_is_let_in);
	struct radius_cursor cursor = {0};
	struct radius_attribute a;
	static const uint8_t types[] = {6, 7, 8, 10, 13, 12};

	assert_int_equal(p.code, RADIUS_ACCESS_ACCEPT);
	assert_int_equal(p.id, 1);
	assert_int_equal(p.length, 56);
	for (unsigned i = 0; i < sizeof(types); i++) {
		assert_true(radius_next(&p, &cursor, &a));
		assert_int_equal(a.vendor, 0);
		assert_int_equal(a.type, types[i]);
		assert_int_equal(a.length, 4);
	}
	assert_false(radius_next(&p, &cursor, &a));
	assert_false(radius_next(&p, &cursor, &a));
	assert_true(radius_find(&p, 8, &a));
	assert_memory_equal(a.value, "\xff\xff\xff\xfe", 4);
	assert_false(radius_find(&p, 1, &a));
}

static void test_rfc_answers_are_proven(void **state)
{
	static const struct {
		const char *request, *reply;
	} pairs[] = {{nemo_asks, nemo_is_let_in}, {flopsy_asks, flopsy_is_let_in},
		{are_you_there, i_am}};

	for (unsigned i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct radius_packet request = packet_of(pairs[i].request);
		struct radius_packet reply = packet_of(pairs[i].reply);
		struct radius_secret other = {"xyzzy5462", 9};

		assert_int_equal(radius_prove_reply(&reply, request.authenticator, &secret, false),
			RADIUS_PROVEN);
		assert_int_equal(radius_prove_reply(&reply, request.authenticator, &secret, true),
			RADIUS_NO_MESSAGE_AUTHENTICATOR);
		assert_int_equal(radius_prove_reply(&reply, request.authenticator, &other, false),
			RADIUS_WRONG_AUTHENTICATOR);
		request.authenticator[15] ^= 1;
		assert_int_equal(radius_prove_reply(&reply, request.authenticator, &secret, false),
			RADIUS_WRONG_AUTHENTICATOR);
	}
}

// A request in the making with the authenticator of the RFC's one.
static void begin_like(struct radius_build *b, const struct radius_packet *p)
{
	assert_int_equal(radius_begin(b, p->code, &secret), 0);
	memcpy(b->bytes + 4, p->authenticator, RADIUS_AUTHENTICATOR);
}

static void test_rfc_password_is_hidden(void **state)
{
	struct radius_packet p = packet_of(nemo_asks), mine;
	struct radius_attribute want, got;
	struct radius_build b;

	begin_like(&b, &p);
	radius_put_password(&b, (const uint8_t *)"arctangent", 10);
	assert_true(radius_finish(&b, 0, NULL) > 0);
	assert_int_equal(radius_parse(b.bytes, b.length, &mine), 0);
	assert_true(radius_find(&p, 2, &want));
	assert_true(radius_find(&mine, 2, &got));
	assert_int_equal(got.length, want.length);
	assert_memory_equal(got.value, want.value, want.length);
}

static void test_rfc_status_server_is_written(void **state)
{
	struct radius_packet p = packet_of(are_you_there);
	struct radius_build b;

	begin_like(&b, &p);
	// The same bytes however often it is finished.
	for (int i = 0; i < 2; i++) {
		assert_int_equal(radius_finish(&b, p.id, NULL), p.length);
		assert_memory_equal(b.bytes, p.bytes, p.length);
	}
	assert_memory_equal(radius_authenticator(&b), p.authenticator, RADIUS_AUTHENTICATOR);
}

static void test_nonces_differ(void **state)
{
	struct radius_build a, b;

	assert_int_equal(radius_begin(&a, RADIUS_ACCESS_REQUEST, &secret), 0);
	assert_int_equal(radius_begin(&b, RADIUS_ACCESS_REQUEST, &secret), 0);
	assert_memory_not_equal(radius_authenticator(&a), radius_authenticator(&b), 16);
}

static void test_lengths_that_lie(void **state)
{
	uint8_t bytes[RADIUS_PACKET + 8];
	size_t n = unhex(nemo_is_let_in, bytes);
	struct radius_packet p;

	for (size_t short_of = 0; short_of < n; short_of++)
		assert_int_equal(radius_parse(bytes, short_of, &p), -EBADMSG);
	assert_int_equal(radius_parse(NULL, 0, &p), -EBADMSG);
	// Padding behind the length field is no part of it.
	bytes[n] = 6;
	assert_int_equal(radius_parse(bytes, n + 1, &p), 0);
	assert_int_equal(p.length, n);
	for (unsigned length = 0; length < 256; length++) {
		bytes[21] = length;
		// 6: as it was; 12 and 18: the attributes become fewer.
		assert_int_equal(radius_parse(bytes, n, &p),
			length == 6 || length == 12 || length == 18 ? 0 : -EBADMSG);
	}
	bytes[21] = 6;
	for (unsigned length = 0; length < 65536; length++) {
		bytes[2] = length >> 8;
		bytes[3] = length & 0xff;
		assert_int_equal(radius_parse(bytes, n, &p),
			length == 20 || length == 26 || length == 32 || length == 38 ? 0
										     : -EBADMSG);
	}
}

static void test_as_long_as_may_be(void **state)
{
	uint8_t bytes[RADIUS_PACKET + 1] = {RADIUS_ACCESS_ACCEPT, 0, 0x10, 0x00};
	struct radius_cursor cursor = {0};
	struct radius_attribute a;
	struct radius_packet p;
	unsigned count = 0;

	// 16 attributes of 253 bytes and one of 26.
	for (size_t at = RADIUS_HEADER; at < RADIUS_PACKET; at += bytes[at + 1]) {
		bytes[at] = 25;
		bytes[at + 1] = RADIUS_PACKET - at < 255 ? RADIUS_PACKET - at : 255;
	}
	assert_int_equal(radius_parse(bytes, RADIUS_PACKET, &p), 0);
	while (radius_next(&p, &cursor, &a))
		count++;
	assert_int_equal(count, 16);
	bytes[3] = 1;
	assert_int_equal(radius_parse(bytes, RADIUS_PACKET + 1, &p), -EBADMSG);
}

// One Vendor-Specific with that value, between two others.
static void each_of(const char *value, const char *want)
{
	uint8_t bytes[512] = {RADIUS_ACCESS_ACCEPT}, inner[256];
	size_t n = unhex(value, inner), length = RADIUS_HEADER + 3 + 2 + n + 3;
	struct radius_cursor cursor = {0};
	struct radius_attribute a;
	struct radius_packet p;
	char got[256] = "";

	bytes[3] = length;
	memcpy(bytes + 20, (uint8_t[]){25, 3, 'x', 26, 2 + n}, 5);
	memcpy(bytes + 25, inner, n);
	memcpy(bytes + 25 + n, (uint8_t[]){24, 3, 'y'}, 3);
	assert_int_equal(radius_parse(bytes, length, &p), 0);
	while (radius_next(&p, &cursor, &a))
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%u/%u+%zu ", a.vendor,
			a.type, a.length);
	assert_string_equal(got, want);
}

static void test_vendors(void **state)
{
	each_of("00 00 01 37 07 04 aa bb", "0/25+1 311/7+2 0/24+1 ");
	each_of("00 00 01 37 07 04 aa bb 08 02 09 03 cc", "0/25+1 311/7+2 311/8+0 311/9+1 0/24+1 ");
	// Broken inside, or of another form: as it is.
	each_of("", "0/25+1 0/26+0 0/24+1 ");
	each_of("00", "0/25+1 0/26+1 0/24+1 ");
	each_of("00 00 01 37", "0/25+1 0/26+4 0/24+1 ");
	each_of("00 00 01 37 07", "0/25+1 0/26+5 0/24+1 ");
	each_of("00 00 01 37 07 00", "0/25+1 0/26+6 0/24+1 ");
	each_of("00 00 01 37 07 01", "0/25+1 0/26+6 0/24+1 ");
	each_of("00 00 01 37 07 03", "0/25+1 0/26+6 0/24+1 ");
	each_of("00 00 01 37 07 02 08", "0/25+1 0/26+7 0/24+1 ");
	each_of("00 00 01 37 07 02 08 ff 00", "0/25+1 0/26+9 0/24+1 ");
	each_of("00 00 00 00 07 02", "0/25+1 0/26+6 0/24+1 ");
}

static void answer_to(struct radius_build *b, uint8_t code, const uint8_t *request)
{
	assert_int_equal(radius_begin(b, code, &secret), 0);
	radius_put_text(b, 18, "hello");
	assert_true(radius_finish(b, 7, request) > 0);
}

static enum radius_proof proof_of(const struct radius_build *b, const uint8_t *request, bool must)
{
	struct radius_packet p;

	assert_int_equal(radius_parse(b->bytes, b->length, &p), 0);
	return request ? radius_prove_reply(&p, request, &secret, must)
		       : radius_prove_request(&p, &secret, must);
}

static void test_message_authenticator(void **state)
{
	static const uint8_t codes[] = {
		RADIUS_COA_ACK, RADIUS_DISCONNECT_NAK, RADIUS_ACCESS_ACCEPT};
	uint8_t request[RADIUS_AUTHENTICATOR] = {1, 2, 3};
	struct radius_build b;

	for (unsigned i = 0; i < sizeof(codes); i++) {
		answer_to(&b, codes[i], request);
		assert_int_equal(b.bytes[20], 80); // before all else
		assert_int_equal(proof_of(&b, request, true), RADIUS_PROVEN);
		b.bytes[30] ^= 1;
		assert_int_equal(proof_of(&b, request, true), RADIUS_WRONG_AUTHENTICATOR);
	}
	// The one is right and the other is not: what a collision of MD5 gives.
	b.proof = 0;
	assert_true(radius_finish(&b, 7, request) > 0);
	assert_int_equal(proof_of(&b, request, false), RADIUS_WRONG_MESSAGE_AUTHENTICATOR);
}

static void test_message_authenticators_that_lie(void **state)
{
	uint8_t request[RADIUS_AUTHENTICATOR] = {1, 2, 3}, zero[17] = {0};
	struct radius_build b;

	// Two of them, though the first one is right.
	assert_int_equal(radius_begin(&b, RADIUS_ACCESS_ACCEPT, &secret), 0);
	radius_put(&b, 80, zero, 16);
	assert_true(radius_finish(&b, 7, request) > 0);
	assert_int_equal(proof_of(&b, request, false), RADIUS_WRONG_MESSAGE_AUTHENTICATOR);
	for (size_t n = 0; n <= 17; n += n == 1 ? 14 : n == 15 ? 2 : 1) {
		assert_int_equal(radius_begin(&b, RADIUS_ACCOUNTING_RESPONSE, &secret), 0);
		radius_put(&b, 80, zero, n);
		assert_true(radius_finish(&b, 7, request) > 0);
		assert_int_equal(proof_of(&b, request, false), RADIUS_WRONG_MESSAGE_AUTHENTICATOR);
	}
	// One of a vendor is none.
	assert_int_equal(radius_begin(&b, RADIUS_ACCOUNTING_RESPONSE, &secret), 0);
	radius_put_vendor(&b, 9, 80, zero, 16);
	assert_true(radius_finish(&b, 7, request) > 0);
	assert_int_equal(proof_of(&b, request, false), RADIUS_PROVEN);
	assert_int_equal(proof_of(&b, request, true), RADIUS_NO_MESSAGE_AUTHENTICATOR);
	// With EAP it is required whatever the config says.
	assert_int_equal(radius_begin(&b, RADIUS_ACCOUNTING_RESPONSE, &secret), 0);
	radius_put_eap(&b, zero, 4);
	assert_true(radius_finish(&b, 7, request) > 0);
	assert_int_equal(proof_of(&b, request, false), RADIUS_NO_MESSAGE_AUTHENTICATOR);
}

static void test_requests_are_proven(void **state)
{
	static const uint8_t codes[] = {
		RADIUS_ACCOUNTING_REQUEST, RADIUS_COA_REQUEST, RADIUS_DISCONNECT_REQUEST};
	struct radius_build b;

	for (unsigned i = 0; i < sizeof(codes); i++) {
		bool has = codes[i] != RADIUS_ACCOUNTING_REQUEST;

		answer_to(&b, codes[i], NULL);
		assert_int_equal(proof_of(&b, NULL, false), RADIUS_PROVEN);
		assert_int_equal(proof_of(&b, NULL, true),
			has ? RADIUS_PROVEN : RADIUS_NO_MESSAGE_AUTHENTICATOR);
		b.bytes[b.length - 1] ^= 1;
		assert_int_equal(proof_of(&b, NULL, false), RADIUS_WRONG_AUTHENTICATOR);
	}
}

// A salted value as RFC 2868 section 3.5 makes it, by our own hiding of passwords: a password that
// begins with its length, whose first block is hidden by authenticator and salt.
static size_t salted(
	const char *clear, size_t length, uint8_t first, const uint8_t request[16], uint8_t *out)
{
	uint8_t plain[128] = {first}, key[18 + 1];
	struct radius_build b;
	struct radius_packet p;
	struct radius_attribute a;
	size_t n = (1 + length + 15) / 16 * 16;

	memcpy(plain + 1, clear, length);
	memcpy(key, request, 16);
	memcpy(out, "\x80\x01", 2);
	// MD5(secret + authenticator + salt) is what a password block has behind a secret that is
	// followed by these; the blocks after it follow from the ones before.
	for (size_t at = 0; at < n; at += 16) {
		char lengthened[64];
		struct radius_secret s = {lengthened, 9};

		memcpy(lengthened, secret.secret, 9);
		if (at == 0) {
			memcpy(lengthened + 9, request, 2);
			s.length = 11;
			memcpy(key, request + 2, 14);
			memcpy(key + 14, out, 2);
		} else {
			memcpy(key, out + 2 + at - 16, 16);
		}
		assert_int_equal(radius_begin(&b, RADIUS_ACCESS_REQUEST, &s), 0);
		memcpy(b.bytes + 4, key, 16);
		radius_put_password(&b, plain + at, 16);
		assert_true(radius_finish(&b, 0, NULL) > 0);
		assert_int_equal(radius_parse(b.bytes, b.length, &p), 0);
		assert_true(radius_find(&p, 2, &a));
		memcpy(out + 2 + at, a.value, 16);
	}
	return 2 + n;
}

static void test_salted_values(void **state)
{
	static const uint8_t request[16] = {9, 8, 7, 6, 5, 4, 3, 2, 1};
	const char key[] = "0123456789abcdef0123456789abcdef";
	uint8_t value[160], out[64];
	size_t n = salted(key, 32, 32, request, value);

	assert_int_equal(n, 50);
	assert_int_equal(radius_reveal(value, n, request, &secret, out, sizeof(out)), 32);
	assert_memory_equal(out, key, 32);
	assert_int_equal(radius_reveal(value, n, request, &secret, out, 31), -EBADMSG);
	for (size_t other = 0; other < n; other++)
		if (other != 18 && other != 34)
			assert_int_equal(
				radius_reveal(value, other, request, &secret, out, 64), -EBADMSG);
	// A length that its bytes do not have.
	n = salted(key, 15, 16, request, value);
	assert_int_equal(n, 18);
	assert_int_equal(radius_reveal(value, n, request, &secret, out, 64), -EBADMSG);
	n = salted(key, 0, 0, request, value);
	assert_int_equal(radius_reveal(value, n, request, &secret, out, 64), 0);
}

static void test_values_are_written(void **state)
{
	static const uint8_t v4[4] = {192, 0, 2, 1}, v6[16] = {0x20, 0x01, 0x0d, 0xb8};
	const struct ip_address a4 = address_v4(v4), a6 = address_v6(v6);
	const struct ip_prefix p6 = {.address = a6, .length = 33};
	uint8_t want[128];
	struct radius_build b;
	size_t n = unhex("04 06 c0 00 02 01 5f 12 20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 00"
			 "61 09 00 21 20 01 0d b8 00 05 06 00 00 01 02 1f 05 61 62 63"
			 "1a 0a 00 00 01 37 01 04 aa bb 16 02",
		want);

	assert_int_equal(radius_begin(&b, RADIUS_ACCOUNTING_REQUEST, &secret), 0);
	radius_put_ip4(&b, 4, &a4);
	radius_put_ip4(&b, 4, &a6);
	radius_put_ip6(&b, 95, &a6);
	radius_put_ip6(&b, 95, &a4);
	radius_put_prefix6(&b, 97, &p6);
	radius_put_u32(&b, 5, 258);
	radius_put_text(&b, 31, "abc");
	radius_put_text(&b, 31, "");
	radius_put_vendor(&b, 311, 1, "\xaa\xbb", 2);
	radius_put(&b, 22, NULL, 0);
	assert_int_equal(radius_finish(&b, 3, NULL), RADIUS_HEADER + n);
	assert_memory_equal(b.bytes + RADIUS_HEADER, want, n);
	assert_int_equal(b.bytes[1], 3);
}

static void test_what_is_too_long(void **state)
{
	static uint8_t long_value[RADIUS_PACKET];
	struct radius_build b;

	assert_int_equal(radius_begin(&b, RADIUS_ACCESS_REQUEST, &secret), 0);
	radius_put(&b, 18, long_value, 300);
	assert_int_equal(b.length, 38 + 255);
	radius_put_vendor(&b, 9, 1, long_value, 300);
	assert_int_equal(b.length, 38 + 2 * 255);
	radius_put_eap(&b, long_value, 300);
	assert_int_equal(b.length, 38 + 3 * 255 + 2 + 47);
	assert_true(radius_finish(&b, 0, NULL) > 0);
	radius_put_eap(&b, long_value, sizeof(long_value));
	assert_int_equal(radius_finish(&b, 0, NULL), -E2BIG);

	assert_int_equal(radius_begin(&b, RADIUS_ACCESS_REQUEST, &secret), 0);
	radius_put_password(&b, long_value, 128);
	assert_int_equal(b.length, 38 + 130);
	radius_put_password(&b, long_value, 0);
	assert_int_equal(b.length, 38 + 130 + 18);
	assert_true(radius_finish(&b, 0, NULL) > 0);
	radius_put_password(&b, long_value, 129);
	assert_int_equal(radius_finish(&b, 0, NULL), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc_packets_are_read),
		cmocka_unit_test(test_rfc_answers_are_proven),
		cmocka_unit_test(test_rfc_password_is_hidden),
		cmocka_unit_test(test_rfc_status_server_is_written),
		cmocka_unit_test(test_nonces_differ),
		cmocka_unit_test(test_lengths_that_lie),
		cmocka_unit_test(test_as_long_as_may_be),
		cmocka_unit_test(test_vendors),
		cmocka_unit_test(test_message_authenticator),
		cmocka_unit_test(test_message_authenticators_that_lie),
		cmocka_unit_test(test_requests_are_proven),
		cmocka_unit_test(test_salted_values),
		cmocka_unit_test(test_values_are_written),
		cmocka_unit_test(test_what_is_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

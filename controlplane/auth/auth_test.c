// SPDX-License-Identifier: Apache-2.0

#include "auth.h"
#include "md4.h"
#include "mschap.h"

#include "contract/config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>

static const char *hex(const uint8_t *bytes, size_t n)
{
	static char text[256];

	for (size_t i = 0; i < n; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	return text;
}

// RFC 1320 appendix A.5.
static void test_md4(void **state)
{
	static const struct {
		const char *text, *digest;
	} cases[] = {
		{"", "31d6cfe0d16ae931b73c59d7e0c089c0"},
		{"a", "bde52cb31de33e46245e05fbdbd6fb24"},
		{"abc", "a448017aaf21d8525fc10ae87aa6729d"},
		{"message digest", "d9130a8164549fe818874806e1c7014b"},
		{"abcdefghijklmnopqrstuvwxyz", "d79e1c308aa5bbcdeea8ed63df412da9"},
		{"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
			"043f8582f241db351ce627e153e7f0e4"},
		{"1234567890123456789012345678901234567890"
		 "1234567890123456789012345678901234567890",
			"e33b4ddc9c38f2199c3e7b164fcc0536"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t digest[MD4_DIGEST];

		md4(cases[i].text, strlen(cases[i].text), digest);
		assert_string_equal(hex(digest, sizeof(digest)), cases[i].digest);
	}
}

// RFC 2759 section 9.2.
static const uint8_t rfc_authenticator[MSCHAP_CHALLENGE] = {0x5b, 0x5d, 0x7c, 0x7d, 0x7b, 0x3f,
	0x2f, 0x3e, 0x3c, 0x2c, 0x60, 0x21, 0x32, 0x26, 0x26, 0x28};
static const uint8_t rfc_peer[MSCHAP_CHALLENGE] = {0x21, 0x40, 0x23, 0x24, 0x25, 0x5e, 0x26, 0x2a,
	0x28, 0x29, 0x5f, 0x2b, 0x3a, 0x33, 0x7c, 0x7e};
static const char rfc_password[] = "clientPass";
static const char rfc_response[] = "82309ecd8d708b5ea08faa3981cd83544233114a3d85d6df";
static const char rfc_success[] = "S=407A5589115FD0D6209F510FE9C04566932CDA56";

static void test_mschap_vectors(void **state)
{
	static const char *const names[] = {"User", "DOMAIN\\User"};
	uint8_t hash[MSCHAP_HASH], response[MSCHAP_NT_RESPONSE];
	char text[MSCHAP_AUTHENTICATOR + 1];

	assert_int_equal(mschap_password_hash(rfc_password, hash), 0);
	assert_string_equal(hex(hash, sizeof(hash)), "44ebba8d5312b8d611474411f56989ae");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(mschap_nt_response(rfc_authenticator, rfc_peer, names[i],
					 strlen(names[i]), hash, response),
			0);
		assert_string_equal(hex(response, sizeof(response)), rfc_response);
		assert_int_equal(mschap_authenticator_response(hash, response, rfc_peer,
					 rfc_authenticator, names[i], strlen(names[i]), text),
			0);
		assert_string_equal(text, rfc_success);
	}
}

static struct ppp_credentials mschap_credentials(void)
{
	struct ppp_credentials c = {.method = PPP_AUTH_MSCHAPV2,
		.name = "User",
		.name_length = 4,
		.challenge_length = MSCHAP_CHALLENGE,
		.response_length = MSCHAP_RESPONSE};
	uint8_t hash[MSCHAP_HASH];

	memcpy(c.challenge, rfc_authenticator, MSCHAP_CHALLENGE);
	memcpy(c.response, rfc_peer, MSCHAP_CHALLENGE);
	mschap_password_hash(rfc_password, hash);
	mschap_nt_response(
		rfc_authenticator, rfc_peer, "User", 4, hash, c.response + MSCHAP_NT_OFFSET);
	return c;
}

// RFC 3079 section 3.5.3: the server's send key of the same exchange.
static void test_mschap_msk(void **state)
{
	struct ppp_credentials c = mschap_credentials();
	struct ppp_verdict v;

	assert_int_equal(auth_check(&c, rfc_password, &v), 0);
	assert_false(v.has_msk);
	c.want_msk = true;
	assert_int_equal(auth_check(&c, rfc_password, &v), 0);
	assert_true(v.has_msk);
	assert_string_equal(hex(v.msk + 16, 16), "8b7cdc149b993a1ba118cb153f56dccb");
	assert_int_equal(v.msk[32] | v.msk[63], 0);
	assert_int_equal(auth_check(&c, "clientpass", &v), 0);
	assert_false(v.has_msk);
	assert_int_equal(v.msk[0] | v.msk[31], 0);
}

static void test_password_texts(void **state)
{
	uint8_t hash[MSCHAP_HASH], expected[MSCHAP_HASH];
	static const uint8_t wide[] = {0xfc, 0x00, 0xac, 0x20, 0x3d, 0xd8, 0x00, 0xde};
	static const char *const bad[] = {"\xff", "a\xc3", "\xc0\xaf", "\xed\xa0\x80",
		"\xf4\x90\x80\x80", "\xe2\x82", "\x80"};
	char longest[258];

	assert_int_equal(mschap_password_hash("\u00fc\u20ac\U0001f600", hash), 0);
	md4(wide, sizeof(wide), expected);
	assert_memory_equal(hash, expected, sizeof(hash));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(mschap_password_hash(bad[i], hash), -EILSEQ);
	memset(longest, 'x', sizeof(longest));
	longest[257] = '\0';
	assert_int_equal(mschap_password_hash(longest, hash), -E2BIG);
	longest[256] = '\0';
	assert_int_equal(mschap_password_hash(longest, hash), 0);
}

static void test_check_mschap(void **state)
{
	struct ppp_credentials c = mschap_credentials();
	struct ppp_verdict v;

	assert_int_equal(auth_check(&c, rfc_password, &v), 0);
	assert_true(v.accepted);
	assert_memory_equal(v.message, rfc_success, strlen(rfc_success));
	assert_int_equal(auth_check(&c, "clientpass", &v), 0);
	assert_false(v.accepted);
	assert_int_equal(v.mschap_error, 691);
	assert_int_equal(auth_check(&c, "\xff", &v), -EILSEQ);
	assert_false(v.accepted);
	c.response[MSCHAP_NT_OFFSET + 23] ^= 1;
	assert_int_equal(auth_check(&c, rfc_password, &v), 0);
	assert_false(v.accepted);
	c = mschap_credentials();
	c.response_length = 48;
	assert_int_equal(auth_check(&c, rfc_password, &v), -EINVAL);
	assert_false(v.accepted);
}

static void test_check_md5(void **state)
{
	static const uint8_t input[] = "\x07secretCHALLENGE";
	struct ppp_credentials c = {.method = PPP_AUTH_CHAP_MD5,
		.id = 7,
		.challenge = "CHALLENGE",
		.challenge_length = 9,
		.response_length = 16};
	struct ppp_verdict v;

	EVP_Digest(input, sizeof(input) - 1, c.response, NULL, EVP_md5(), NULL);
	assert_int_equal(auth_check(&c, "secret", &v), 0);
	assert_true(v.accepted);
	assert_int_equal(auth_check(&c, "Secret", &v), 0);
	assert_false(v.accepted);
	c.id = 8;
	assert_int_equal(auth_check(&c, "secret", &v), 0);
	assert_false(v.accepted);
	c.response_length = 15;
	assert_int_equal(auth_check(&c, "secret", &v), -EINVAL);
}

static void test_check_pap(void **state)
{
	static const struct {
		const char *given;
		size_t length;
		bool accepted;
	} cases[] = {{"secret", 6, true}, {"secre", 5, false}, {"secret\0", 7, false},
		{"Secret", 6, false}, {"", 0, false}};
	struct ppp_credentials c = {.method = PPP_AUTH_PAP};
	struct ppp_verdict v;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(c.password, 0, sizeof(c.password));
		memcpy(c.password, cases[i].given, cases[i].length);
		c.password_length = (uint16_t)cases[i].length;
		assert_int_equal(auth_check(&c, "secret", &v), 0);
		assert_int_equal(v.accepted, cases[i].accepted);
	}
	c.password_length = PPP_SECRET + 1;
	assert_int_equal(auth_check(&c, "secret", &v), -EINVAL);
	c.method = 9;
	assert_int_equal(auth_check(&c, "secret", &v), -EINVAL);
	assert_false(v.accepted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_md4),
		cmocka_unit_test(test_mschap_vectors),
		cmocka_unit_test(test_mschap_msk),
		cmocka_unit_test(test_password_texts),
		cmocka_unit_test(test_check_mschap),
		cmocka_unit_test(test_check_md5),
		cmocka_unit_test(test_check_pap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

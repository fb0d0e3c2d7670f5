// SPDX-License-Identifier: Apache-2.0

#include "scheme.h"

#include "pki_fixture.h"

#include <errno.h>
#include <openssl/rsa.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { ALL = 1 << 2 | 1 << 3 | 1 << 4 | 1 << 5 };

static const uint8_t text[32] = "octets that are to be signed...";
static const struct span octets = SPAN(text, sizeof(text));

static const struct {
	const char *key;
	enum signature_scheme scheme;
	size_t length; // 0: varies
} table[] = {
	{"rsa-2048", SIGNATURE_V1_RSA, 256},
	{"ecdsa-256", SIGNATURE_V1_ECDSA_256, 64},
	{"ecdsa-384", SIGNATURE_V1_ECDSA_384, 96},
	{"ecdsa-521", SIGNATURE_V1_ECDSA_521, 132},
	{"rsa-2048", SIGNATURE_RSA_SHA1, 256},
	{"ecdsa-256", SIGNATURE_ECDSA_256, 64},
	{"ecdsa-384", SIGNATURE_ECDSA_384, 96},
	{"ecdsa-521", SIGNATURE_ECDSA_521, 132},
	{"rsa-2048", SIGNATURE_DIGITAL, 0},
	{"ecdsa-256", SIGNATURE_DIGITAL, 0},
	{"ecdsa-384", SIGNATURE_DIGITAL, 0},
	{"ecdsa-521", SIGNATURE_DIGITAL, 0},
	{"ed25519", SIGNATURE_DIGITAL, 0},
};
enum { ROWS = sizeof(table) / sizeof(table[0]) };

static size_t sign(size_t row, uint8_t out[SIGNATURE_MAX])
{
	size_t length = SIGNATURE_MAX;

	assert_int_equal(scheme_sign(pki_key(table[row].key, 0), table[row].scheme, ALL, octets,
				 out, &length),
		0);
	return length;
}

static void every_scheme_both_ways(void **state)
{
	uint8_t signature[SIGNATURE_MAX];

	for (size_t i = 0; i < ROWS; i++) {
		EVP_PKEY *key = pki_key(table[i].key, 0);
		size_t n = sign(i, signature);

		if (table[i].length)
			assert_int_equal(n, table[i].length);
		assert_null(scheme_verify(key, table[i].scheme, octets, SPAN(signature, n)));
		assert_non_null(
			scheme_verify(key, table[i].scheme, SPAN(text, 20), SPAN(signature, n)));
		assert_non_null(
			scheme_verify(key, table[i].scheme, octets, SPAN(signature, n - 1)));
		signature[n - 5] ^= 1;
		assert_non_null(scheme_verify(key, table[i].scheme, octets, SPAN(signature, n)));
		assert_non_null(scheme_verify(key, table[i].scheme, octets, SPAN(signature, 0)));
	}
}

// No signature counts for another scheme or another key.
static void schemes_are_apart(void **state)
{
	uint8_t signature[SIGNATURE_MAX];

	for (size_t i = 0; i < ROWS; i++) {
		size_t n = sign(i, signature);

		for (size_t j = 0; j < ROWS; j++)
			if (i != j)
				assert_non_null(scheme_verify(pki_key(table[j].key, 0),
					table[j].scheme, octets, SPAN(signature, n)));
	}
}

static void wrong_key_cannot_sign(void **state)
{
	uint8_t signature[SIGNATURE_MAX];
	size_t n = sizeof(signature);

	assert_int_equal(
		scheme_sign(pki_key("ecdsa-256", 0), SIGNATURE_V1_RSA, ALL, octets, signature, &n),
		-EINVAL);
	assert_int_equal(scheme_sign(pki_key("rsa-2048", 0), SIGNATURE_DIGITAL, 1 << 1, octets,
				 signature, &n),
		-EINVAL);
	assert_int_equal(scheme_sign(pki_key("ed25519", 0), SIGNATURE_DIGITAL, 1 << 2, octets,
				 signature, &n),
		-EINVAL);
}

// The hash is the curve's where the peer knows it.
static void hash_follows_the_peer(void **state)
{
	uint8_t signature[SIGNATURE_MAX];
	static const uint8_t sha384[] = {0x30, 0x0a, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3};
	static const uint8_t sha256[] = {0x30, 0x0a, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2};
	size_t n = sizeof(signature);

	assert_int_equal(
		scheme_sign(pki_key("ecdsa-384", 0), SIGNATURE_DIGITAL, ALL, octets, signature, &n),
		0);
	assert_int_equal(signature[0], sizeof(sha384));
	assert_memory_equal(signature + 1, sha384, sizeof(sha384));
	n = sizeof(signature);
	assert_int_equal(scheme_sign(pki_key("ecdsa-384", 0), SIGNATURE_DIGITAL, 1 << 2, octets,
				 signature, &n),
		0);
	assert_memory_equal(signature + 1, sha256, sizeof(sha256));
}

static size_t hash_sign(const char *kind, const EVP_MD *md, bool pss, uint8_t *out, size_t room)
{
	EVP_MD_CTX *m = EVP_MD_CTX_new();
	EVP_PKEY_CTX *c;

	assert_int_equal(EVP_DigestSignInit(m, &c, md, NULL, pki_key(kind, 0)), 1);
	if (pss) {
		EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PSS_PADDING);
		EVP_PKEY_CTX_set_rsa_pss_saltlen(c, 20);
	}
	assert_int_equal(EVP_DigestSign(m, out, &room, text, sizeof(text)), 1);
	EVP_MD_CTX_free(m);
	return room;
}

// The encodings as RFC 7427 appendix A.1 gives them.
static void named_rsa(void **state)
{
	static const struct {
		uint8_t last;
		const char *md;
		bool good;
	} oids[] = {{11, "sha256", true}, {12, "sha384", true}, {13, "sha512", true},
		{5, "sha1", false}, {4, "md5", false}, {11, "sha384", false}};
	uint8_t s[SIGNATURE_MAX] = {
		15, 0x30, 0x0d, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 0, 5, 0};

	for (size_t i = 0; i < sizeof(oids) / sizeof(oids[0]); i++) {
		size_t n = hash_sign("rsa-2048", EVP_get_digestbyname(oids[i].md), false, s + 16,
			sizeof(s) - 16);
		const char *why;

		s[13] = oids[i].last;
		why = scheme_verify(
			pki_key("rsa-2048", 0), SIGNATURE_DIGITAL, octets, SPAN(s, 16 + n));
		assert_int_equal(!why, oids[i].good);
	}
}

// RSASSA-PSS without parameters is PSS with SHA-1: good as a signature, refused as too weak.
static void named_pss_default(void **state)
{
	uint8_t s[SIGNATURE_MAX] = {
		15, 0x30, 0x0d, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10, 0x30, 0};
	size_t n = hash_sign("rsa-2048", EVP_sha1(), true, s + 16, sizeof(s) - 16);

	assert_non_null(
		scheme_verify(pki_key("rsa-2048", 0), SIGNATURE_DIGITAL, octets, SPAN(s, 16 + n)));
}

static void method_1_with_sha2(void **state)
{
	static const char *const mds[] = {"sha1", "sha256", "sha384", "sha512"};
	uint8_t s[SIGNATURE_MAX];

	for (size_t i = 0; i < 4; i++) {
		size_t n = hash_sign("rsa-2048", EVP_get_digestbyname(mds[i]), false, s, sizeof(s));

		assert_null(scheme_verify(
			pki_key("rsa-2048", 0), SIGNATURE_RSA_SHA1, octets, SPAN(s, n)));
	}
}

static void malformed_is_refused(void **state)
{
	static const uint8_t cut[] = {200, 0x30, 0x0d}, empty[] = {0, 1, 2, 3};
	static const uint8_t zeros[64];
	EVP_PKEY *rsa = pki_key("rsa-2048", 0), *ec = pki_key("ecdsa-256", 0);

	assert_non_null(scheme_verify(rsa, SIGNATURE_DIGITAL, octets, SPAN(cut, sizeof(cut))));
	assert_non_null(scheme_verify(rsa, SIGNATURE_DIGITAL, octets, SPAN(empty, sizeof(empty))));
	assert_non_null(scheme_verify(ec, SIGNATURE_V1_ECDSA_256, octets, SPAN(zeros, 64)));
	assert_non_null(scheme_verify(ec, SIGNATURE_ECDSA_256, octets, SPAN(zeros, 64)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_scheme_both_ways),
		cmocka_unit_test(schemes_are_apart),
		cmocka_unit_test(wrong_key_cannot_sign),
		cmocka_unit_test(hash_follows_the_peer),
		cmocka_unit_test(named_rsa),
		cmocka_unit_test(named_pss_default),
		cmocka_unit_test(method_1_with_sha2),
		cmocka_unit_test(malformed_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, pki_keys_free);
}

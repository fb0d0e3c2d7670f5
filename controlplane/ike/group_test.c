// SPDX-License-Identifier: Apache-2.0

// The groups against published vectors, against themselves, and with values that nobody may use.

#include "group.h"
#include "hex_fixture.h"

#include "contract/config.h"

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

// RFC 7748 section 6.1; a point of small order gives no secret (RFC 8031 section 2.3).
static void x25519_gives_the_vectors(void **state)
{
	struct bytes a = unhex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
	struct bytes b = unhex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
	struct bytes want =
		unhex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
	struct ike_dh own = {.group = IKE_X25519,
		.key = EVP_PKEY_new_raw_private_key_ex(NULL, "X25519", NULL, a.at, a.length)};
	uint8_t secret[IKE_DH_MAX], zero[32] = {0};

	// The private value of the vector, which libcrypto clamps itself.
	assert_non_null(own.key);
	assert_int_equal(ike_group_size(IKE_X25519), 32);
	assert_int_equal(ike_dh_shared(IKE_X25519, &own, span(&b), secret), 0);
	assert_memory_equal(secret, want.at, 32);
	assert_int_not_equal(ike_dh_shared(IKE_X25519, &own, SPAN(zero, 32), secret), 0);
	zero[0] = 1;
	assert_int_not_equal(ike_dh_shared(IKE_X25519, &own, SPAN(zero, 32), secret), 0);
	assert_int_not_equal(ike_dh_shared(IKE_X25519, &own, SPAN(b.at, 31), secret), 0);
	EVP_PKEY_free(own.key);
}

// RFC 5903 section 8: the shared secret is the x coordinate alone.
static void ecdh_gives_the_vectors(void **state)
{
	static const struct {
		unsigned group;
		const char *private, *peer, *secret;
	} vectors[] = {
		{IKE_ECP_256, "c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433",
			"d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63"
			"56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab",
			"d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de"},
		{IKE_ECP_384,
			"099f3c7034d4a2c699884d73a375a67f7624ef7c6b3c0f160647b67414dce655"
			"e35b538041e649ee3faef896783ab194",
			"e558dbef53eecde3d3fccfc1aea08a89a987475d12fd950d83cfa41732bc509d"
			"0d1ac43a0336def96fda41d0774a3571"
			"dcfbec7aacf3196472169e838430367f66eebe3c6e70c416dd5f0c68759dd1ff"
			"f83fa40142209dff5eaad96db9e6386c",
			"11187331c279962d93d604243fd592cb9d0a926f422e47187521287e7156c5c4"
			"d603135569b9e9d09cf5d4a270f59746"},
	};

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct bytes d = unhex(vectors[i].private), peer = unhex(vectors[i].peer);
		struct bytes secret = unhex(vectors[i].secret);
		struct ike_dh own = {
			.group = vectors[i].group, .private = BN_bin2bn(d.at, (int)d.length, NULL)};
		uint8_t out[IKE_DH_MAX];

		assert_int_equal(ike_group_size(vectors[i].group), peer.length);
		assert_int_equal(ike_group_secret_size(vectors[i].group), secret.length);
		assert_int_equal(ike_dh_shared(vectors[i].group, &own, span(&peer), out), 0);
		assert_memory_equal(out, secret.at, secret.length);
		BN_free(own.private);
	}
}

static const unsigned all_groups[] = {IKE_MODP_1024, IKE_MODP_1536, IKE_MODP_2048, IKE_MODP_3072,
	IKE_MODP_4096, IKE_ECP_256, IKE_ECP_384, IKE_ECP_521, IKE_X25519};

static void both_sides_get_one_secret(void **state)
{
	for (size_t i = 0; i < sizeof(all_groups) / sizeof(all_groups[0]); i++) {
		unsigned g = all_groups[i];
		uint8_t a[IKE_DH_MAX], b[IKE_DH_MAX], x[IKE_DH_MAX], y[IKE_DH_MAX];
		struct ike_dh *ka = ike_dh_generate(g, a), *kb = ike_dh_generate(g, b);

		assert_non_null(ka);
		assert_non_null(kb);
		assert_int_equal(ike_dh_shared(g, ka, SPAN(b, ike_group_size(g)), x), 0);
		assert_int_equal(ike_dh_shared(g, kb, SPAN(a, ike_group_size(g)), y), 0);
		assert_memory_equal(x, y, ike_group_secret_size(g));
		ike_dh_free(ka);
		ike_dh_free(kb);
	}
}

static void degenerate_values_are_refused(void **state)
{
	for (size_t i = 0; i < sizeof(all_groups) / sizeof(all_groups[0]); i++) {
		unsigned g = all_groups[i];
		size_t n = ike_group_size(g);
		uint8_t own[IKE_DH_MAX], bad[IKE_DH_MAX + 1] = {0}, out[IKE_DH_MAX];
		struct ike_dh *key;

		if (g == IKE_X25519) // takes any bytes but those of small order
			continue;
		key = ike_dh_generate(g, own);
		assert_int_not_equal(ike_dh_shared(g, key, SPAN(bad, n), out), 0); // 0
		bad[n - 1] = 1;
		assert_int_not_equal(ike_dh_shared(g, key, SPAN(bad, n), out), 0); // 1
		memset(bad, 0xff, sizeof(bad));
		assert_int_not_equal(ike_dh_shared(g, key, SPAN(bad, n), out), 0); // beyond p
		assert_int_not_equal(ike_dh_shared(g, key, SPAN(own, n - 1), out), 0);
		assert_int_not_equal(ike_dh_shared(g, key, SPAN(bad, n + 1), out), 0);
		memcpy(bad, own, n);
		bad[n - 1] ^= 1;
		if (g >= IKE_ECP_256) // not on the curve
			assert_int_not_equal(ike_dh_shared(g, key, SPAN(bad, n), out), 0);
		ike_dh_free(key);
	}
	assert_null(ike_dh_generate(1, (uint8_t[IKE_DH_MAX]){0}));
}

// Of a MODP group the secret is peer ^ own, with its leading zeros; the public value is 2 ^ own.
static void modp_secrets_are_powers(void **state)
{
	for (size_t i = 0; all_groups[i] != IKE_ECP_256; i++) {
		unsigned g = all_groups[i];
		size_t n = ike_group_size(g);
		uint8_t peer[IKE_DH_MAX] = {0}, out[IKE_DH_MAX], public[IKE_DH_MAX];
		uint8_t want[IKE_DH_MAX] = {0};
		struct ike_dh own = {.group = g, .private = BN_new()};
		struct ike_dh *key = ike_dh_generate(g, public);

		BN_set_word(own.private, 5);
		peer[n - 1] = 3;
		want[n - 1] = 243;
		assert_int_equal(ike_dh_shared(g, &own, SPAN(peer, n), out), 0);
		assert_memory_equal(out, want, n);
		peer[n - 1] = 2;
		assert_int_equal(ike_dh_shared(g, key, SPAN(peer, n), out), 0);
		assert_memory_equal(out, public, n);
		BN_free(own.private);
		ike_dh_free(key);
	}
}

// A pair belongs to one group.
static void another_group_is_refused(void **state)
{
	uint8_t public[IKE_DH_MAX], out[IKE_DH_MAX];
	struct ike_dh *key = ike_dh_generate(IKE_ECP_256, public);

	assert_int_not_equal(ike_dh_shared(IKE_MODP_2048, key, SPAN(public, 256), out), 0);
	ike_dh_free(key);
}

// p - 1 has order 2.
static void minus_one_is_refused(void **state)
{
	BIGNUM *p = BN_get_rfc3526_prime_2048(NULL);
	uint8_t own[IKE_DH_MAX], bad[256], out[IKE_DH_MAX];
	struct ike_dh *key = ike_dh_generate(IKE_MODP_2048, own);

	BN_sub_word(p, 1);
	BN_bn2binpad(p, bad, sizeof(bad));
	assert_int_not_equal(ike_dh_shared(IKE_MODP_2048, key, SPAN(bad, 256), out), 0);
	ike_dh_free(key);
	BN_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(x25519_gives_the_vectors),
		cmocka_unit_test(ecdh_gives_the_vectors),
		cmocka_unit_test(both_sides_get_one_secret),
		cmocka_unit_test(modp_secrets_are_powers),
		cmocka_unit_test(another_group_is_refused),
		cmocka_unit_test(degenerate_values_are_refused),
		cmocka_unit_test(minus_one_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0

#include "forbid.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void words_mean_what_the_config_means(void **state)
{
	static const struct {
		const char *words;
		struct forbidden means;
	} cases[] = {
		{"modp1024,3des,sha1", {.encryption = 1 << IKE_3DES,
					       .hash = 1 << IKE_SHA1,
					       .group = 1 << IKE_MODP_1024,
					       .cipher = 1 << ESP_CIPHER_3DES,
					       .integrity = 1 << ESP_INTEGRITY_HMAC_SHA1_96}},
		{"MODP-1024, modp_1536,", {.group = 1 << IKE_MODP_1024 | 1 << IKE_MODP_1536}},
		{"hmac-sha1-96", {.integrity = 1 << ESP_INTEGRITY_HMAC_SHA1_96}},
		{"aes-cbc-128", {.encryption = 1 << IKE_AES_CBC_128,
					.cipher = 1 << ESP_CIPHER_AES_CBC_128}},
		{"x25519", {.group = 1ull << IKE_X25519}},
		{"md5", {.hash = 1 << IKE_MD5}},
		{"ikev1,psk", {.version = {[1] = true}, .psk = true}},
	};
	char wrong[FORBIDDEN_WORD];
	struct forbidden f;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(forbidden_parse(cases[i].words, &f, wrong), 0);
		assert_int_equal(f.encryption, cases[i].means.encryption);
		assert_int_equal(f.hash, cases[i].means.hash);
		assert_int_equal(f.group, cases[i].means.group);
		assert_int_equal(f.cipher, cases[i].means.cipher);
		assert_int_equal(f.integrity, cases[i].means.integrity);
		assert_int_equal(f.version[1], cases[i].means.version[1]);
		assert_int_equal(f.psk, cases[i].means.psk);
	}
	assert_int_equal(forbidden_parse("sha1,rot-13", &f, wrong), -EINVAL);
	assert_string_equal(wrong, "rot13");
	assert_int_equal(forbidden_parse("", &f, wrong), -EINVAL);
	assert_int_equal(forbidden_parse(" , -", &f, wrong), -EINVAL);
	assert_int_equal(forbidden_parse("?", &f, wrong), -EINVAL);
}

static void what_is_forbidden_is_taken_out(void **state)
{
	struct config_ike c = {.version_1 = true,
		.encryption = {{IKE_AES_CBC_256, IKE_3DES}, 2},
		.hash = {{IKE_SHA256, IKE_SHA1}, 2},
		.group = {{IKE_MODP_1024, IKE_ECP_256}, 2},
		.legacy_3des = true,
		.legacy_md5 = true,
		.legacy_modp1024 = true,
		.esp_cipher = {{ESP_CIPHER_3DES}, 1},
		.esp_integrity = {{ESP_INTEGRITY_HMAC_SHA1_96}, 1}};
	char wrong[FORBIDDEN_WORD];
	struct forbidden f;

	(void)state;
	assert_int_equal(forbidden_parse("modp1024,3des,sha1", &f, wrong), 0);
	forbidden_apply(&f, &c);
	assert_int_equal(c.encryption.count, 1);
	assert_int_equal(c.hash.count, 1);
	assert_int_equal(c.group.count, 1);
	assert_int_equal(c.group.values[0], IKE_ECP_256);
	assert_int_equal(c.esp_cipher.count, 0);
	assert_int_equal(c.esp_integrity.count, 0);
	assert_false(c.legacy_3des);
	assert_true(c.legacy_md5);
	assert_false(c.legacy_modp1024);
	assert_true(c.version_1);
	assert_false(forbidden_auth(&f, "psk"));
	assert_int_equal(forbidden_parse("psk,eap", &f, wrong), 0);
	assert_true(forbidden_auth(&f, "psk"));
	assert_true(forbidden_auth(&f, "eap-mschapv2"));
	assert_false(forbidden_auth(&f, "rsa-signature"));
	assert_false(forbidden_auth(&f, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_mean_what_the_config_means),
		cmocka_unit_test(what_is_forbidden_is_taken_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

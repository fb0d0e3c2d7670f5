// SPDX-License-Identifier: Apache-2.0

// What the generator seals it can open, nothing else, and libcrypto finds the same bytes.

#include "esp.h"

#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { DATA = 100, ROOM = 256 };

static const struct {
	uint8_t cipher, integrity;
} suites[] = {{ESP_CIPHER_AES_GCM_128, ESP_INTEGRITY_NONE},
	{ESP_CIPHER_AES_GCM_256, ESP_INTEGRITY_NONE},
	{ESP_CIPHER_CHACHA20_POLY1305, ESP_INTEGRITY_NONE},
	{ESP_CIPHER_AES_CBC_128, ESP_INTEGRITY_HMAC_SHA1_96},
	{ESP_CIPHER_AES_CBC_192, ESP_INTEGRITY_HMAC_SHA384_192},
	{ESP_CIPHER_AES_CBC_256, ESP_INTEGRITY_HMAC_SHA256_128},
	{ESP_CIPHER_3DES, ESP_INTEGRITY_HMAC_SHA512_256}};

static struct esp *esp;
static uint8_t material[128];

static uint16_t fill(struct esp_sa *sa, uint8_t *packet, struct esp_work *w)
{
	uint16_t text = esp_text(sa, DATA);
	uint8_t *at = packet + ESP_HEADER_BYTES + sa->iv;

	memset(at, 0x5a, DATA);
	esp_trailer(at, DATA, text, 17);
	*w = (struct esp_work){.esp = packet, .sa = sa, .text = text};
	return text;
}

static void test_round_trip(void **state)
{
	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
		struct esp_sa out = {0}, in = {0};
		static uint8_t packets[ESP_BURST][ROOM];
		struct esp_work w[ESP_BURST];

		assert_int_equal(esp_sa_open(esp, &out, suites[i].cipher, suites[i].integrity, 7,
					 material, false),
			0);
		assert_int_equal(esp_sa_open(esp, &in, suites[i].cipher, suites[i].integrity, 7,
					 material, true),
			0);
		for (unsigned k = 0; k < ESP_BURST; k++)
			fill(&out, packets[k], &w[k]);
		esp_seal(esp, w, ESP_BURST);
		for (unsigned k = 0; k < ESP_BURST; k++) {
			assert_true(w[k].ok);
			assert_int_equal(packets[k][3], 7);
			assert_int_equal(packets[k][7], k + 1);
			w[k].sa = &in;
		}
		packets[3][20] ^= 1;
		esp_open(esp, w, ESP_BURST);
		for (unsigned k = 0; k < ESP_BURST; k++) {
			const uint8_t *text = packets[k] + ESP_HEADER_BYTES + in.iv;

			assert_int_equal(w[k].ok, k != 3);
			if (k == 3)
				continue;
			for (unsigned b = 0; b < DATA; b++)
				assert_int_equal(text[b], 0x5a);
			assert_int_equal(text[w[k].text - 1], 17);
			assert_int_equal(text[w[k].text - 2], w[k].text - DATA - 2);
		}
		esp_sa_close(&out);
		esp_sa_close(&in);
	}
}

static void test_gcm_as_libcrypto_does_it(void **state)
{
	struct esp_sa sa = {0};
	uint8_t packet[ROOM], nonce[12], plain[ROOM];
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	struct esp_work w;
	int n;

	assert_int_equal(esp_sa_open(esp, &sa, ESP_CIPHER_AES_GCM_128, ESP_INTEGRITY_NONE,
				 0x01020304, material, false),
		0);
	fill(&sa, packet, &w);
	esp_seal(esp, &w, 1);
	// Salt behind the key, then the explicit IV (RFC 4106 sections 4 and 8.1).
	memcpy(nonce, material + 16, 4);
	memcpy(nonce + 4, packet + 8, 8);
	assert_int_equal(EVP_DecryptInit_ex(c, EVP_aes_128_gcm(), NULL, material, nonce), 1);
	assert_int_equal(EVP_DecryptUpdate(c, NULL, &n, packet, 8), 1);
	assert_int_equal(EVP_DecryptUpdate(c, plain, &n, packet + 16, w.text), 1);
	assert_int_equal(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, 16, packet + 16 + w.text), 1);
	assert_int_equal(EVP_DecryptFinal_ex(c, plain + n, &n), 1);
	assert_int_equal(plain[0], 0x5a);
	EVP_CIPHER_CTX_free(c);
	esp_sa_close(&sa);
}

static void test_refuses(void **state)
{
	struct esp_sa sa = {0};

	assert_int_not_equal(esp_sa_open(esp, &sa, 99, 0, 1, material, false), 0);
	assert_int_not_equal(
		esp_sa_open(esp, &sa, ESP_CIPHER_AES_CBC_128, 0, 1, material, false), 0);
	assert_int_not_equal(esp_sa_open(esp, &sa, ESP_CIPHER_AES_GCM_128,
				     ESP_INTEGRITY_HMAC_SHA1_96, 1, material, false),
		0);
}

static void test_number_does_not_wrap(void **state)
{
	struct esp_sa sa = {0};
	uint8_t packet[ROOM];
	struct esp_work w;

	esp_sa_open(esp, &sa, ESP_CIPHER_AES_GCM_128, 0, 1, material, false);
	sa.sequence = UINT32_MAX;
	fill(&sa, packet, &w);
	esp_seal(esp, &w, 1);
	assert_false(w.ok);
	esp_sa_close(&sa);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_gcm_as_libcrypto_does_it), cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_number_does_not_wrap)};
	int failed;

	for (size_t i = 0; i < sizeof(material); i++)
		material[i] = (uint8_t)(i * 7);
	esp = esp_create();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	esp_free(esp);
	return failed;
}

// SPDX-License-Identifier: Apache-2.0

#include "algorithm.h"

#include <stddef.h>

static const struct esp_cipher_shape ciphers[ESP_CIPHER_COUNT] = {
	[ESP_CIPHER_AES_GCM_128] = {"aes-gcm-128", 16, 4, 8, 4, 16},
	[ESP_CIPHER_AES_GCM_256] = {"aes-gcm-256", 32, 4, 8, 4, 16},
	[ESP_CIPHER_AES_CBC_128] = {"aes-cbc-128", 16, 0, 16, 16, 0},
	[ESP_CIPHER_AES_CBC_192] = {"aes-cbc-192", 24, 0, 16, 16, 0},
	[ESP_CIPHER_AES_CBC_256] = {"aes-cbc-256", 32, 0, 16, 16, 0},
	[ESP_CIPHER_CHACHA20_POLY1305] = {"chacha20-poly1305", 32, 4, 8, 4, 16},
	[ESP_CIPHER_3DES] = {"3des", 24, 0, 8, 8, 0},
};

static const struct esp_integrity_shape integrities[ESP_INTEGRITY_COUNT] = {
	[ESP_INTEGRITY_NONE] = {"none", 0, 0},
	[ESP_INTEGRITY_HMAC_SHA1_96] = {"hmac-sha1-96", 20, 12},
	[ESP_INTEGRITY_HMAC_SHA256_128] = {"hmac-sha256-128", 32, 16},
	[ESP_INTEGRITY_HMAC_SHA384_192] = {"hmac-sha384-192", 48, 24},
	[ESP_INTEGRITY_HMAC_SHA512_256] = {"hmac-sha512-256", 64, 32},
};

const struct esp_cipher_shape *esp_cipher_shape(unsigned cipher)
{
	if (cipher == ESP_CIPHER_NONE || cipher >= ESP_CIPHER_COUNT)
		return NULL;
	return &ciphers[cipher];
}

const struct esp_integrity_shape *esp_integrity_shape(unsigned integrity)
{
	return integrity < ESP_INTEGRITY_COUNT ? &integrities[integrity] : NULL;
}

// SPDX-License-Identifier: Apache-2.0
#pragma once

// The ESP transforms that the dataplane can do, as the control plane names them to it. The numbers
// are ours; the IKE transform ids of the IANA registries are mapped to them in controlplane/ike.

#include <stdint.h>

enum esp_cipher {
	ESP_CIPHER_NONE = 0,
	ESP_CIPHER_AES_GCM_128 = 1, // 16-byte ICV, 4-byte salt (RFC 4106)
	ESP_CIPHER_AES_GCM_256 = 2,
	ESP_CIPHER_AES_CBC_128 = 3, // 16-byte IV (RFC 3602)
	ESP_CIPHER_AES_CBC_192 = 4,
	ESP_CIPHER_AES_CBC_256 = 5,
	ESP_CIPHER_CHACHA20_POLY1305 = 6, // 16-byte ICV, 4-byte salt (RFC 7634)
	ESP_CIPHER_3DES = 7,              // CBC, 8-byte IV (RFC 2451); weak
	ESP_CIPHER_COUNT,
};

enum esp_integrity {
	ESP_INTEGRITY_NONE = 0,            // with an AEAD cipher only
	ESP_INTEGRITY_HMAC_SHA1_96 = 1,    // RFC 2404: 20-byte key, 12-byte ICV
	ESP_INTEGRITY_HMAC_SHA256_128 = 2, // RFC 4868: 32, 16
	ESP_INTEGRITY_HMAC_SHA384_192 = 3, // RFC 4868: 48, 24
	ESP_INTEGRITY_HMAC_SHA512_256 = 4, // RFC 4868: 64, 32
	ESP_INTEGRITY_COUNT,
};

// What a transform costs and needs; all in bytes. name is the word of config, log and API.
struct esp_cipher_shape {
	const char *name;
	uint8_t key; // without the salt
	uint8_t salt;
	uint8_t iv;    // explicit IV in the packet
	uint8_t block; // the plaintext is padded to a multiple of this, at least 4 (RFC 4303 2.4)
	uint8_t icv;   // of an AEAD; 0 otherwise
};

struct esp_integrity_shape {
	const char *name;
	uint8_t key;
	uint8_t icv;
};

// NULL for a number that is no transform; NONE of esp_integrity has a shape of zeros.
const struct esp_cipher_shape *esp_cipher_shape(unsigned cipher);
const struct esp_integrity_shape *esp_integrity_shape(unsigned integrity);

// SPDX-License-Identifier: Apache-2.0

// Everything about a key that does not depend on a packet is computed once, here, by the clerk:
// AES round keys, DES key schedules, the powers of H for GHASH, and the hash states after the first
// block of HMAC's two hashes (RFC 2104 section 4), so a packet costs neither.
//
// The layout of struct gcm_key_data depends on the CPU type that the manager was made for: the
// clerk's manager and the workers' wide ones must be of the same type. AES round keys and hash
// states are the same for all.

#include "dataplane/sa.h"
#include "dataplane/sa_keys.h"

#include <rte_common.h>
#include <string.h>

enum { HASH_BLOCK_MAX = 128 };

size_t sa_keys_size(unsigned cipher)
{
	switch (cipher) {
	case ESP_CIPHER_AES_GCM_128:
	case ESP_CIPHER_AES_GCM_256:
		return RTE_ALIGN_CEIL(sizeof(struct gcm_key_data), 64);
	case ESP_CIPHER_CHACHA20_POLY1305:
		return RTE_ALIGN_CEIL(sizeof(struct sa_chacha), 64);
	case ESP_CIPHER_3DES:
		return RTE_ALIGN_CEIL(sizeof(struct sa_3des), 64);
	}
	return RTE_ALIGN_CEIL(sizeof(struct sa_cbc), 64);
}

static void expand_gcm(
	struct IMB_MGR *mgr, unsigned cipher, const uint8_t *key, struct gcm_key_data *out)
{
	if (cipher == ESP_CIPHER_AES_GCM_128)
		IMB_AES128_GCM_PRE(mgr, key, out);
	else
		IMB_AES256_GCM_PRE(mgr, key, out);
}

static void expand_cbc(
	struct IMB_MGR *mgr, unsigned cipher, bool decrypt, const uint8_t *key, struct sa_cbc *out)
{
	_Alignas(16) uint8_t other[16 * 15]; // the direction that is not wanted
	uint8_t *encrypt_keys = decrypt ? other : out->cipher;
	uint8_t *decrypt_keys = decrypt ? out->cipher : other;

	if (cipher == ESP_CIPHER_AES_CBC_128)
		IMB_AES_KEYEXP_128(mgr, key, encrypt_keys, decrypt_keys);
	else if (cipher == ESP_CIPHER_AES_CBC_192)
		IMB_AES_KEYEXP_192(mgr, key, encrypt_keys, decrypt_keys);
	else
		IMB_AES_KEYEXP_256(mgr, key, encrypt_keys, decrypt_keys);
	explicit_bzero(other, sizeof(other));
}

// The three keys one behind the other (RFC 2451 section 2.2); the same for both directions.
static void expand_3des(struct IMB_MGR *mgr, const uint8_t *key, struct sa_3des *out)
{
	for (unsigned i = 0; i < 3; i++) {
		IMB_DES_KEYSCHED(mgr, out->cipher[i], key + 8 * i);
		out->keys[i] = out->cipher[i];
	}
}

static void hash_block(struct IMB_MGR *mgr, unsigned integrity, const uint8_t *block, void *state)
{
	switch (integrity) {
	case ESP_INTEGRITY_HMAC_SHA1_96:
		IMB_SHA1_ONE_BLOCK(mgr, block, state);
		break;
	case ESP_INTEGRITY_HMAC_SHA256_128:
		IMB_SHA256_ONE_BLOCK(mgr, block, state);
		break;
	case ESP_INTEGRITY_HMAC_SHA384_192:
		IMB_SHA384_ONE_BLOCK(mgr, block, state);
		break;
	case ESP_INTEGRITY_HMAC_SHA512_256:
		IMB_SHA512_ONE_BLOCK(mgr, block, state);
		break;
	}
}

// The state after the block of key ^ pad. Both block sizes of the SHA family are fine: the one
// that does not take more than its own.
static void expand_hmac(struct IMB_MGR *mgr, unsigned integrity, const uint8_t *key, size_t length,
	uint8_t pad, uint8_t *state)
{
	uint8_t block[HASH_BLOCK_MAX];

	memset(block, pad, sizeof(block));
	for (size_t i = 0; i < length; i++)
		block[i] ^= key[i];
	hash_block(mgr, integrity, block, state);
	explicit_bzero(block, sizeof(block));
}

void sa_keys_expand(struct IMB_MGR *mgr, unsigned cipher, unsigned integrity, bool decrypt,
	const uint8_t *cipher_key, const uint8_t *integrity_key, void *out)
{
	size_t length = esp_integrity_shape(integrity)->key;
	struct sa_chacha *chacha = out;
	struct sa_hmac *hmac = out;

	switch (cipher) {
	case ESP_CIPHER_AES_GCM_128:
	case ESP_CIPHER_AES_GCM_256:
		expand_gcm(mgr, cipher, cipher_key, out);
		return;
	case ESP_CIPHER_CHACHA20_POLY1305:
		memcpy(chacha->cipher, cipher_key, sizeof(chacha->cipher));
		return;
	case ESP_CIPHER_3DES:
		expand_3des(mgr, cipher_key, out);
		break;
	default:
		expand_cbc(mgr, cipher, decrypt, cipher_key, out);
	}
	expand_hmac(mgr, integrity, integrity_key, length, 0x36, hmac->inner);
	expand_hmac(mgr, integrity, integrity_key, length, 0x5c, hmac->outer);
}

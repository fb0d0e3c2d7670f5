// SPDX-License-Identifier: Apache-2.0
#pragma once

// The arithmetic of IKE over libcrypto: PRF and hash, CBC ciphers, AEADs of version 2 (RFC 5282,
// RFC 7634), and the derivation of all keys of version 1 (RFC 2409). No state but libcrypto's own.
// Functions return 0, or -EINVAL for an algorithm or a value that is refused, or -ENOMEM.

#include "contract/config.h"
#include "wire.h"

#include <openssl/evp.h>

enum {
	IKE_HASH_MAX = 64,   // bytes: SHA2-512
	IKE_KEY_MAX = 32,    // bytes: AES-256
	IKE_NONCE_MAX = 256, // bytes (RFC 2409 section 5)
	IKE_BLOCK_MAX = 16,  // bytes: AES
	IKE_AEAD_SALT = 4,   // bytes, behind the key
	IKE_AEAD_IV = 8,     // bytes: the explicit one
	IKE_AEAD_ICV = 16,   // bytes
};

// Bytes; 0 for a number that is none.
size_t ike_hash_size(unsigned hash);
size_t ike_encryption_key_size(unsigned encryption);
size_t ike_encryption_block(unsigned encryption); // 1 of an AEAD
bool ike_encryption_is_aead(unsigned encryption);

// HMAC over the parts in order; out has room for IKE_HASH_MAX.
int ike_prf(unsigned hash, struct span key, const struct span *parts, size_t count, uint8_t *out);
int ike_digest(unsigned hash, const struct span *parts, size_t count, uint8_t *out);

// CBC in place over length bytes, a multiple of the block; iv becomes the last ciphertext block.
int ike_encrypt(unsigned encryption, const uint8_t *key, uint8_t *iv, uint8_t *data, size_t length);
int ike_decrypt(unsigned encryption, const uint8_t *key, uint8_t *iv, uint8_t *data, size_t length);

// AEAD in place over length bytes, which may be 0; key is followed by the salt. open gives -EBADMSG
// when the ICV is wrong, and data is then of no use.
int ike_aead_seal(unsigned encryption, const uint8_t *key, const uint8_t *iv, struct span aad,
	uint8_t *data, size_t length, uint8_t *icv);
int ike_aead_open(unsigned encryption, const uint8_t *key, const uint8_t *iv, struct span aad,
	uint8_t *data, size_t length, const uint8_t *icv);

// What comes out of main mode (RFC 2409 section 5, with appendix B for a cipher key that is longer
// than the hash). Secret: ike_keys_wipe ends it.
struct ike_keys {
	uint8_t skeyid[IKE_HASH_MAX]; // until the peers are authenticated
	uint8_t d[IKE_HASH_MAX];      // for keys of other SAs
	uint8_t a[IKE_HASH_MAX];      // authenticates
	uint8_t e[IKE_KEY_MAX];       // the cipher's key
	uint8_t iv[IKE_BLOCK_MAX];    // of the next message of main mode
};

struct ike_keys_input {
	unsigned hash, encryption;
	bool by_signature; // the peers prove themselves so: psk is left out (section 5)
	struct span psk, secret, nonce_i, nonce_r, public_i, public_r;
	const uint8_t *cookie_i, *cookie_r;
};

int ike_keys_derive(const struct ike_keys_input *in, struct ike_keys *out);
void ike_keys_wipe(struct ike_keys *keys);

// KEYMAT of quick mode (RFC 2409 section 5.5) for the SA of that SPI; secret is that of PFS or
// empty.
struct ike_keymat_input {
	unsigned hash;
	const uint8_t *skeyid_d;
	struct span secret, nonce_i, nonce_r;
	uint8_t protocol;
	uint32_t spi;
};
int ike_keymat(const struct ike_keymat_input *in, uint8_t *out, size_t length);

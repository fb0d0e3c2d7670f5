// SPDX-License-Identifier: Apache-2.0
#pragma once

// The keys of IKEv2 (RFC 7296 sections 2.13 to 2.18) and what proves who has them (section 2.15),
// with post-quantum pre-shared keys (RFC 8784). Pure but for libcrypto. Functions return 0, or
// -EINVAL for an algorithm or a value that is refused. The PRF is HMAC of suite.hash.

#include "controlplane/ike/crypto.h"
#include "contract/build.h"
#include "contract/limits.h"

enum {
	V2_CIPHER_KEY_MAX = IKE_KEY_MAX + IKE_AEAD_SALT,                     // bytes
	V2_KEYMAT_MAX = LIMIT_CIPHER_KEY + LIMIT_SALT + LIMIT_INTEGRITY_KEY, // bytes
};

// What an IKE SA is made of, as enums of the config. hash is the PRF's and, unless the cipher is an
// AEAD, that of the integrity protection too (HMAC-SHA1-96, SHA256-128, SHA384-192, SHA512-256).
struct v2_suite {
	unsigned encryption, hash, group;
};

// Secret: v2_keys_wipe ends it. i is of the original initiator of the IKE SA, r of its responder.
struct v2_keys {
	uint8_t d[IKE_HASH_MAX];                    // of the PRF's size
	uint8_t ai[IKE_HASH_MAX], ar[IKE_HASH_MAX]; // of the hash's size; none with an AEAD
	uint8_t ei[V2_CIPHER_KEY_MAX], er[V2_CIPHER_KEY_MAX]; // key, then the salt of an AEAD
	uint8_t pi[IKE_HASH_MAX], pr[IKE_HASH_MAX];           // of the PRF's size
	uint64_t sealed_i, sealed_r; // messages sealed with ei and er: the IV of an AEAD
};

// prf+ (section 2.13): length bytes; at most 255 times the hash.
int v2_prf_plus(unsigned hash, struct span key, const struct span *parts, size_t count,
	uint8_t *out, size_t length);

struct v2_keys_input {
	struct v2_suite suite;
	struct span secret;           // of Diffie-Hellman
	struct span nonce_i, nonce_r; // of this exchange
	const uint8_t *spi_i, *spi_r; // V2_SPI bytes: of the new IKE SA
	// Of a rekey (section 2.18): SK_d and the PRF's hash of the old IKE SA; else NULL and 0.
	const uint8_t *old_d;
	unsigned old_hash;
};

int v2_keys_derive(const struct v2_keys_input *in, struct v2_keys *out);
void v2_keys_wipe(struct v2_keys *keys);
// Mixes a PPK into d, pi and pr (RFC 8784 section 3). A caller that still needs SK_pi or SK_pr as
// they were, for NO_PPK_AUTH, keeps a copy.
int v2_keys_mix_ppk(unsigned hash, struct span ppk, struct v2_keys *keys);

// KEYMAT of a pair of ESP SAs (section 2.17): size bytes for each, pair_key_size of its form, in
// the order that pair_install takes. i2r is for what the initiator of *this exchange* sends.
struct v2_keymat_input {
	unsigned hash;                // of the IKE SA's PRF
	const uint8_t *d;             // SK_d
	struct span secret;           // of PFS, or empty
	struct span nonce_i, nonce_r; // of the exchange that makes the pair
};
int v2_keymat(const struct v2_keymat_input *in, uint8_t *i2r, uint8_t *r2i, size_t size);

// What is signed or authenticated (section 2.15): the first message of the sender (from the IKE
// header on, as it was on the wire), the other's nonce, and prf(SK_p, id) with the sender's SK_p
// and the body of its ID payload. Appended to out.
int v2_auth_octets(unsigned hash, const uint8_t *sk_p, struct span message, struct span nonce,
	struct span id_body, struct build *out);
// The AUTH data of a shared key, which is the PSK or the MSK of EAP: ike_hash_size(hash) bytes.
// Compare with CRYPTO_memcmp.
int v2_auth_shared(unsigned hash, struct span secret, struct span octets, uint8_t *out);
// The hash of a NAT_DETECTION_*_IP notification (section 2.23): 20 bytes. port in host byte order.
enum { V2_NAT_HASH = 20 };
int v2_nat_hash(const uint8_t *spi_i, const uint8_t *spi_r, const struct ip_address *address,
	uint16_t port, uint8_t out[V2_NAT_HASH]);

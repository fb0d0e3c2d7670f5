// SPDX-License-Identifier: Apache-2.0
#pragma once

// The groups of Diffie-Hellman (RFC 2409 section 6, RFC 3526, RFC 5903, RFC 8031): a key pair, and
// the secret that it shares with the peer's public value. ike_dh_generate and ike_dh_shared may run
// on any thread; the others are of the event loop.

#include "wire.h"

#include <openssl/types.h>

enum { IKE_DH_MAX = 512 }; // bytes: MODP-4096

// Of the public value in a KE payload, which has exactly this length; 0 for a number that is none.
size_t ike_group_size(unsigned group);
// Of the shared secret: of an ECP group its x coordinate alone (RFC 5903 section 9).
size_t ike_group_secret_size(unsigned group);

// A key pair. Secret: ike_dh_free wipes it.
struct ike_dh {
	unsigned group;
	unsigned holders; // ike_dh_free is called once by each
	BIGNUM *private;  // the exponent or the scalar
	EVP_PKEY *key;    // instead, of x25519
};

// A fresh key pair, its public value written to public (ike_group_size bytes). NULL on failure.
struct ike_dh *ike_dh_generate(unsigned group, uint8_t *public);
// The same pair for one more holder.
struct ike_dh *ike_dh_hold(struct ike_dh *own);
void ike_dh_free(struct ike_dh *own); // NULL is none
// The shared secret (ike_group_secret_size bytes); 0 or -EINVAL. Refuses another group than own's,
// 0, 1, p-1 and what is beyond p, a point that is not on the curve, and of x25519 one of small
// order.
int ike_dh_shared(unsigned group, const struct ike_dh *own, struct span peer, uint8_t *secret);

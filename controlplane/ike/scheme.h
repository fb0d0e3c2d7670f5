// SPDX-License-Identifier: Apache-2.0
#pragma once

// The arithmetic of signature.h: one signature with one key. Pure, over libcrypto: any thread.

#include "signature.h"

// Whether a key of that kind can make the scheme at all.
bool scheme_fits(enum signature_scheme scheme, enum credential_kind kind);
// Writes the signature; *length has the room and becomes what was used. hashes as in signature.h.
// -EINVAL when the key cannot make it, or no hash is common.
int scheme_sign(EVP_PKEY *key, enum signature_scheme scheme, uint32_t hashes, struct span octets,
	uint8_t *out, size_t *length);
// NULL when it is good, else why not. Of IKEv2 method 1 SHA-1 and SHA2 are taken (RFC 7296 section
// 3.8 leaves the hash to the signer); of RFC 7427 SHA2 alone, and Ed25519.
const char *scheme_verify(
	EVP_PKEY *key, enum signature_scheme scheme, struct span octets, struct span signature);

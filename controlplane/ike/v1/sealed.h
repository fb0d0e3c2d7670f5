// SPDX-License-Identifier: Apache-2.0
#pragma once

// Encrypted messages of an IKE SA (RFC 2409 section 5 and appendix B): IVs, the HASH payload that
// comes first in phase 2 and informational messages, and both ways of the cipher.

#include "controlplane/ike/sa.h"

// A message id for an exchange that we begin; false without random numbers.
bool sealed_message_id(uint32_t *id);
// The IV of the first message of another exchange than main mode.
int sealed_iv(const struct ike_sa *sa, uint32_t message_id, uint8_t *iv);

// Decrypts the payloads of a message into plain (h->length - ISAKMP_HEADER bytes) and parses them.
// iv goes on to what the next message of the exchange needs, but only on success. -EBADMSG when
// the length is no multiple of the block or the chain makes no sense: with a wrong key it does not.
// The same with other keys than the SA has; iv may be theirs.
int sealed_open_with(const struct ike_sa *sa, const struct ike_keys *keys, uint8_t *iv,
	const struct isakmp_header *h, const uint8_t *message, uint8_t *plain,
	struct isakmp_chain *chain);
int sealed_open(const struct ike_sa *sa, uint8_t *iv, const struct isakmp_header *h,
	const uint8_t *message, uint8_t *plain, struct isakmp_chain *chain);
// Whether the first payload is the HASH over message id, extra and the payloads behind it.
bool sealed_authentic(const struct ike_sa *sa, uint32_t message_id, struct span extra,
	const struct isakmp_chain *chain);
// HASH(3) of quick mode: prf(SKEYID_a, 0 | M-ID | Ni | Nr).
int sealed_third_hash(const struct ike_sa *sa, uint32_t message_id, struct span nonce_i,
	struct span nonce_r, uint8_t hash[IKE_HASH_MAX]);
bool sealed_third_authentic(const struct ike_sa *sa, uint32_t message_id, struct span nonce_i,
	struct span nonce_r, const struct isakmp_chain *chain);

// A message under construction; payloads are added to out.
struct sealed {
	struct isakmp_out out;
	uint32_t message_id;
	size_t hash_at; // of the HASH payload's body; 0 = the message has none in front
	uint8_t buffer[LIMIT_IKE_MESSAGE];
};

// With hash: room for HASH(n) is the first payload.
void sealed_begin(struct sealed *s, const struct ike_sa *sa, uint8_t exchange, uint32_t message_id,
	bool hash);
// Fills in the HASH (over extra as well), pads and encrypts. Returns the length of the message in
// buffer, 0 when it did not fit or libcrypto failed. iv goes on.
size_t sealed_end(struct sealed *s, const struct ike_sa *sa, uint8_t *iv, struct span extra);

// SPDX-License-Identifier: Apache-2.0
#pragma once

// What main mode and aggressive mode have in common (RFC 2409 section 5): how an IKE SA begins, its
// keys and hashes, NAT discovery, and how it becomes a peer's.
//
// What is not authentic never ends an exchange: a forged message must not cost the real peer its
// SA. It is said once, and the timeout clears up.

#include "v1.h"

// Nobody is there yet: says why to the log, with both sides' offers, and to the peer.
void phase1_refuse_first(struct ike *ike, const struct flow *flow, const struct isakmp_header *h,
	const char *reason, const struct isakmp_sa *offer);
// A first message of which there is a half-open SA already: the same bytes get the same answer.
bool phase1_known(struct ike *ike, const struct flow *flow, const struct isakmp_header *h,
	const uint8_t *message);
// A half-open SA with what we chose of the peer's offer; NULL without room for it.
struct ike_sa *phase1_start(struct ike *ike, const struct flow *flow, const struct isakmp_header *h,
	const struct isakmp_chain *chain, const struct isakmp_sa *offer,
	const struct ike_choice *choice);
// The peer has not proven who it is. Said once for an exchange, which goes on waiting for a better
// message; the answer is the same whatever the reason.
void phase1_refuse(struct ike_sa *sa, const struct flow *flow, const char *reason);

// Takes the peer's public value and nonce; false when one is missing or of a wrong length.
bool phase1_ke_take(struct ike_sa *sa, const struct isakmp_chain *chain);
// Ours: that public value, and a fresh nonce. -EIO.
int phase1_ke_make(struct ike_sa *sa, const uint8_t *public);

// SKEYID by this pre-shared key, and the keys from it and the secret of Diffie-Hellman.
int phase1_derive(
	const struct ike_sa *sa, struct span psk, struct span secret, struct ike_keys *out);
// The hash algorithm of HASH_I and HASH_R: the one agreed on, but with ECDSA the one that belongs
// to its curve (RFC 4754 section 3).
unsigned phase1_hash_algorithm(const struct ike_sa *sa);
// HASH_I, or HASH_R with the sides the other way round, over the body of the side's ID payload.
int phase1_hash(const struct ike_sa *sa, const struct ike_keys *keys, bool initiator,
	struct span id, uint8_t out[IKE_HASH_MAX]);
// Whether the chain has the peer's HASH by these keys, in constant time; false without ID and HASH.
bool phase1_hash_fits(
	const struct ike_sa *sa, const struct ike_keys *keys, const struct isakmp_chain *chain);

// Who is behind a NAT, by the NAT-D payloads of the peer (RFC 3947 section 3.2); without them
// there is no NAT traversal.
void phase1_nat_discover(
	struct ike_sa *sa, const struct flow *flow, const struct isakmp_chain *chain);
void phase1_nat_write(struct ike_sa *sa, struct isakmp_out *out);
// DPD may be named in any message.
void phase1_vendor_ids_late(struct ike_sa *sa, const struct isakmp_chain *chain);

// Who the body of an ID payload names; type 0 when it makes no sense.
void phase1_identity(struct span body, struct identity *out);
// IDir: the address that the client used, as it came to us. body is where it stands.
void phase1_id_write(const struct ike_sa *sa, struct isakmp_out *out, struct span *body);
// RESPONDER-LIFETIME, where we hold to less than the peer offered.
void phase1_lifetime_write(const struct ike_sa *sa, struct isakmp_out *out);

// The peer has proven who it is: gives the SA its peer. false after a refusal.
bool phase1_attach(struct ike_sa *sa, const struct flow *flow, const struct isakmp_chain *chain,
	struct span id);
// The last message could not be built: takes that back, the SA is gone.
void phase1_abandon(struct ike_sa *sa);
// The last message is sent or has come: established.
void phase1_up(struct ike_sa *sa);

// sa_body is that of the initiator's SA payload. NULL without memory.
struct phase1 *phase1_create(struct span sa_body);
void phase1_free(struct phase1 *p);

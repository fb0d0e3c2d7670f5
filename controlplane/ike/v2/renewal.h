// SPDX-License-Identifier: Apache-2.0
#pragma once

// What a rekey that we have begun needs until it is through (RFC 7296 section 1.3.2, 1.3.3), and
// what both kinds share. An IKE SA has one renewal of a pair and one of itself at most; a pair is
// not renewed while the IKE SA is, nor the other way round (section 2.25).

#include "v2.h"

struct v2_renewal;

// What differs between the two.
struct v2_renewal_kind {
	// Puts the payloads of the request. false: the renewal is over.
	bool (*put)(struct v2_renewal *n, struct isakmp_out *out);
	// As of struct v2_ours; the context is the renewal.
	void (*answered)(struct ike_sa *sa, void *context, const struct v2_chain *chain);
	// Ends it, with a reason for the log.
	void (*fail)(struct v2_renewal *n, const char *reason);
};

struct v2_renewal {
	struct ike_sa *sa;
	const struct v2_renewal_kind *kind;
	uint32_t old;   // the pair; 0 = the IKE SA itself
	unsigned group; // of Diffie-Hellman, 0 = none
	bool asked;     // the request is in the queue or has left
	bool group_changed;
	uint8_t nonce_i[NONCE_OURS], nonce_r[V2_NONCE_MAX];
	size_t nonce_r_length;
	uint8_t public_i[IKE_DH_MAX];
	struct ike_dh *dh;
	struct dh_job *job;

	// The peer has begun the same meanwhile: the lower of its exchange's nonces, and what came
	// of it.
	bool met;
	uint8_t least[V2_NONCE_MAX];
	size_t least_length;
	uint32_t their_pair;                              // its id
	uint8_t their_spi_i[V2_SPI], their_spi_r[V2_SPI]; // of the IKE SA

	struct esp_pair *pair; // the new one, until it is handed over
	uint8_t spi[V2_SPI];   // ours, of the new IKE SA
	uint8_t spi_r[V2_SPI];
};

// With nonce and group. NULL without memory or random numbers. The caller puts it into its place.
struct v2_renewal *renewal_create(
	struct ike_sa *sa, const struct v2_renewal_kind *kind, uint32_t old, unsigned group);
// Works out our key pair where there is a group, then asks. It may be over when this returns.
void renewal_prepare(struct v2_renewal *n);
// Ends it, wiped; a pair that was not handed over goes. In no place any more.
void renewal_free(struct v2_renewal *n);
// The IKE SA goes: what it has under way and has not asked yet ends.
void renewals_end(struct ike_sa *sa);
// Nonce and key of the answer; NULL, or what is wrong.
const char *renewal_answer(
	struct v2_renewal *n, const struct v2_chain *chain, struct span *public_r);
// The first error notification; false when there is none.
bool renewal_error(const struct v2_chain *chain, struct v2_notify *out);
// INVALID_KE_PAYLOAD: goes on with the group that the peer wants? Once, and only with one of ours.
bool renewal_other_group(struct v2_renewal *n, const struct v2_notify *error);
// In words for the log.
const char *renewal_refusal(uint16_t type);

// The peer has begun the same, with these nonces.
void renewal_meet(struct v2_renewal *n, struct span nonce_i, struct span nonce_r);
// Of two exchanges that met: the one with the lowest of all four nonces is redundant (section
// 2.8.1). Is it ours?
bool renewal_is_redundant(const struct v2_renewal *n);

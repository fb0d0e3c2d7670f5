// SPDX-License-Identifier: Apache-2.0
#pragma once

// Main mode as initiator (RFC 2409 sections 5.1 and 5.4), to renew the IKE SA of a peer that once
// came to us: the same algorithms, the same method of proof, the same identities on both sides, at
// the address and port where the peer is now.
//
// A client need not have a responder in it, and many have none. One that is heard and yet does not
// let us renew is left alone from then on: its IKE SA ends, and what becomes of its ESP SAs is for
// dead-peer detection to say.

#include "sealed.h"

// For struct ike_version: phase 1 goes on by itself, and in the end there is a new IKE SA, or
// rekey_sa_failed or rekey_sa_left is said of the old. -errno: it cannot be begun.
int main_initiate(struct ike_sa *old);
// A message of main mode for an SA that we have begun.
void main_initiate_input(struct ike_sa *sa, const struct flow *flow, const struct isakmp_header *h,
	const uint8_t *message);
// A notification in clear of who answers so: it proves nothing, and is kept for the log.
void main_initiate_notified(
	struct ike_sa *sa, const struct isakmp_header *h, const uint8_t *message);

// For proof.c: our signature is made; the peer's is good, and keys.iv and chain are the SA's; it is
// not good; ours could not be made. The SA may be gone afterwards.
void main_initiate_signed(struct ike_sa *sa, struct span signature);
void main_initiate_proven(struct ike_sa *sa, const struct isakmp_chain *sixth);
void main_initiate_failed(struct ike_sa *sa, const char *reason);
void main_initiate_stuck(struct ike_sa *sa, const char *reason);

// The SA goes.
void main_initiate_free(struct ike_sa *sa);

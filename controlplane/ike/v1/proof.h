// SPDX-License-Identifier: Apache-2.0
#pragma once

// Main mode with signatures (RFC 2409 section 5.1, ECDSA by RFC 4754, certificates by RFC 4945):
//
//   fourth  ..., CERTREQ for each of our authorities
//   fifth   HDR*, IDii, CERT..., SIG_I   kept and checked off the event loop: chain, identity,
//                                        signature, revocation; what comes meanwhile is ignored
//   sixth   HDR*, IDir, CERT..., SIG_R   signed off the event loop too
//
// To the peer every failure looks the same. Where we are the initiator (main_initiate.h) the sides
// are the other way round.

#include "v1.h"

// The methods that our certificates and authorities can serve: bits of enum ike_auth.
unsigned proof_auths(const struct ike *ike);
// The third message, or the fourth, with what it may ask for: chooses our certificate. -ENOMEM.
int proof_begin(struct ike_sa *sa, const struct isakmp_chain *third);
void proof_requests_write(struct ike_sa *sa, struct isakmp_out *out);
// As initiator: main_initiate_signed or _stuck follows, perhaps at once. 0 or -errno: neither.
int proof_sign(struct ike_sa *sa);
// What names us and proves it, for the message that is built.
void proof_write(const struct ike_sa *sa, struct isakmp_out *out, struct span signature);
// The fifth message, or the sixth. The SA may be gone when this returns.
void proof_input(struct ike_sa *sa, const struct flow *flow, const struct isakmp_header *h,
	const uint8_t *message);
// Tells the peer, encrypted as it expects it by now, that its fifth message is refused. False when
// there is none that made sense.
bool proof_refuse(struct ike_sa *sa, const struct flow *flow);
void proof_free(struct proof *p);

// SPDX-License-Identifier: Apache-2.0
#pragma once

// Child SAs that a peer asks for, in IKE_AUTH and in CREATE_CHILD_SA: what it wants, the pair, and
// the payloads of the answer.

#include "v2.h"

// By the payloads of the request; auth_answer or create_answer follows when the pair is installed
// or r->child.refusal says why there is none. The request may be gone when this returns.
void child_ask(struct v2_request *r);
// Its payloads in the answer.
void child_write(const struct v2_request *r, struct isakmp_out *out);
// The answer has left, or could not with that error: outbound moves to the pair, which may be NULL,
// at once if it is the first, else when the peer has it for certain.
// The SA may be gone afterwards.
void child_confirm(struct ike_sa *sa, struct esp_pair *pair, int error);

// For access.c: goes on with the child when the peer has its addresses.
void child_go_on(struct v2_request *r);
// reason with both sides' offers to the log; the notification to the peer.
void child_refuse(struct v2_request *r, uint16_t notify, const char *reason);

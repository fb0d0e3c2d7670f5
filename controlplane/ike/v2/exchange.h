// SPDX-License-Identifier: Apache-2.0
#pragma once

// Requests and answers of an IKE SA (RFC 7296 sections 2.1 to 2.3): message ids, a window of 1 each
// way, retransmission of ours, repetition of answers, fragments (RFC 7383).

#include "v2.h"

// A sealed message with both SPIs of the SA, whose keys are there.
void exchange_input(struct ike_sa *sa, const struct flow *flow, const struct isakmp_header *h,
	const uint8_t *message);

// The answer to the peer's request that is under way: begin, put payloads to s->out, end. end keeps
// and sends the answer and frees the request; -errno when it could not be made, and then the SA is
// good for nothing. The next request may come.
void exchange_answer_begin(const struct v2_request *r, struct v2_sealed *s);
int exchange_answer_end(struct v2_request *r, struct v2_sealed *s);
// An answer of one notification, or of none with type 0.
int exchange_answer_notify(struct v2_request *r, uint16_t type, struct span data);
void exchange_request_free(struct v2_request *r);

// A request of ours; payloads have been put to a message that exchange_ask_begin began. It leaves
// at once, or when those before it are answered. answered may be NULL. -ENOSPC, -ENOMEM.
struct exchange_ask {
	struct isakmp_out out;
	uint8_t buffer[4096];
};
void exchange_ask_begin(struct exchange_ask *a);
int exchange_ask_end(struct ike_sa *sa, struct exchange_ask *a, uint8_t exchange,
	void (*answered)(struct ike_sa *sa, void *context, const struct v2_chain *chain),
	void *context);
// Sends a request, and the SA goes: what is left of it is in parting.h.
void exchange_part(struct ike_sa *sa, struct exchange_ask *a, uint8_t exchange);
// Sends the first of those that wait, when none is under way.
void exchange_go_on(struct ike_sa *sa);
// Is anything of ours under way?
bool exchange_asking(const struct ike_sa *sa);
// Ends all exchanges of the SA.
void exchange_free(struct ike_sa *sa);

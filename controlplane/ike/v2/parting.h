// SPDX-License-Identifier: Apache-2.0
#pragma once

// What stays of an IKE SA that is gone, until the peer knows (RFC 7296 sections 1.4.1 and 2.1): our
// Delete is sent again until it is answered or has been sent often enough, and the peer's Delete is
// answered again when our answer was lost. It holds the keys and these messages; peer, pairs and
// addresses are free. There are V2_PARTINGS at most: the oldest goes.

#include "v2.h"

// We have sent last, a Delete, and perhaps there is one before it that is not answered yet (count
// 0: none). Both are taken over. The SA stays the caller's, who ends it.
void parting_ask(struct ike_sa *sa, struct v2_message *before, struct v2_message *last);
// The newest answer of the SA, which ends, is given again to the same request for V2_PARTING_MS.
void parting_answer(struct ike_sa *sa);
// A message that no SA has; false when it is of none that is remembered either.
bool parting_input(struct ike *ike, const struct flow *flow, const struct isakmp_header *h,
	const uint8_t *message);
void partings_init(struct ike *ike);
void partings_free(struct ike *ike);

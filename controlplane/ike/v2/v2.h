// SPDX-License-Identifier: Apache-2.0
#pragma once

// Version 2 (RFC 7296), as responder. The IKE SAs and what they own are in controlplane/ike.

#include "controlplane/ike/sa.h"

extern const struct ike_version ike_v2;

// A message without an SPI of ours: a request of IKE_SA_INIT, or nothing that is served.
void v2_first(struct ike *ike, const struct flow *flow, const struct isakmp_header *h,
	const uint8_t *message);
// A request of a version that is newer than ours (section 2.5): which one we have.
void v2_newer(struct ike *ike, const struct flow *flow, const struct isakmp_header *h);

// The established SA goes, with the pairs that were made under it; its peer perhaps too.
void v2_end(struct ike_sa *sa, const char *cause);
// The half-open SA has failed; its last answer may still be asked for.
void v2_linger(struct ike_sa *sa);
void v2_begin_free(struct ike_sa *sa);
// A notification in clear to who has no SA: shorter than any request that leads to it.
void v2_send_clear(const struct flow *flow, const struct isakmp_header *request, uint16_t type,
	struct span data);

// SPDX-License-Identifier: Apache-2.0
#pragma once

// Quick mode as responder (RFC 2409 section 5.5): pairs of ESP SAs in transport mode for L2TP
// (RFC 3193), plain or UDP-encapsulated (RFC 3947 section 5), with or without PFS.

#include "sealed.h"

// A message of an established SA. The SA and its peer may be gone afterwards.
void quick_input(struct ike_sa *sa, const struct flow *flow, const struct isakmp_header *h,
	const uint8_t *message);
// A packet came in on the unconfirmed pair, so the peer has its keys: as good as the third message.
// The peer deletes the pair that everything leaves through, and it is its only one: then it has the
// one that waits for its third message, which may have been overtaken or lost. Outbound moves
// there.
void quick_confirm_early(struct ike_peer *peer);
void quick_pair_used(const struct esp_pair *pair);
// The exchange of that message id is over: what still comes of it is ignored.
void quick_remember(struct ike_sa *sa, uint32_t message_id);
// Ends a quick mode; a pair that was not handed over goes with it.
void quick_free(struct quick *q);

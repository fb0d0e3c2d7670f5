// SPDX-License-Identifier: Apache-2.0
#pragma once

// The rekey of a pair by us (RFC 7296 section 1.3.3), and where it meets the peer's
// (section 2.8.1).

#include "v2.h"

// What an exchange agreed to and the next one needs, kept in esp_pair.terms: the group of PFS (0 =
// none) and the selectors of both sides. NULL without memory, or with too many selectors.
void *rekey_pair_terms(unsigned group, const struct v2_selector *peer, size_t peer_count,
	const struct v2_selector *us, size_t us_count);
// For struct ike_version.
int v2_rekey_pair(struct esp_pair *pair);
// The peer has renewed the pair old of the SA with the one of that id, in an exchange with these
// nonces: if we are at it as well, the two have met.
void rekey_pair_met(
	struct ike_sa *sa, uint32_t old, uint32_t theirs, struct span nonce_i, struct span nonce_r);

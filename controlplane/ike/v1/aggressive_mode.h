// SPDX-License-Identifier: Apache-2.0
#pragma once

// Aggressive mode with a pre-shared key, as responder (RFC 2409 section 5.4). Only where
// ike.aggressive allows it: HASH_R of the second message lets whoever asks, from any address, try
// keys at leisure; the peer's identity goes in clear; and Diffie-Hellman is done for addresses that
// may be forged. The identity is known before the key, so a key may be for an identity; while keys
// are rotated, only the first that fits it can be used.

#include "v1.h"

// A message without our cookie.
void aggressive_mode_first(struct ike *ike, const struct flow *flow, const struct isakmp_header *h,
	const uint8_t *message);
void aggressive_mode_input(struct ike_sa *sa, const struct flow *flow,
	const struct isakmp_header *h, const uint8_t *message);

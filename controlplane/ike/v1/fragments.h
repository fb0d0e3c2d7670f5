// SPDX-License-Identifier: Apache-2.0
#pragma once

// What becomes of fragments of an SA's messages, and of messages that are too long for one packet.
// With a peer that announced it, when ike.fragmentation is on.
//
// Fragments are not authentic. They are taken only for SAs whose cookies they have; one message of
// each SA is put together at a time, for FRAGMENTS_MS; all SAs that are half open have
// FRAGMENTS_HALF_OPEN bytes together.

#include "v1.h"

enum {
	FRAGMENTS_MS = 10000,
	FRAGMENTS_HALF_OPEN = 4 << 20, // bytes: 256 of the longest messages
};

// A message that is a fragment. NULL, or a whole message that has come together, which is freed by
// the caller; its header is written to out.
uint8_t *fragments_input(struct ike_sa *sa, const struct flow *flow, const struct isakmp_header *h,
	const uint8_t *message, struct isakmp_header *out);
// Sends a message whole or in fragments.
void fragments_send(
	struct ike_sa *sa, const struct flow *flow, const uint8_t *message, size_t length);
void fragments_free(struct ike_sa *sa);

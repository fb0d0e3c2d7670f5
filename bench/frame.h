// SPDX-License-Identifier: Apache-2.0
#pragma once

// Frames of a population's subscribers and of the host that they talk to, as they arrive at the
// gateway. Sizes are those of the inner IP packet.

#include "cipher.h"

#include "contract/build.h"

enum { FRAME_MOST = 1600, FRAME_SIZE_LEAST = 28, FRAME_SIZE_MOST = 1400, FRAME_MAC = 6 };

struct frame_maker {
	const struct population *population;
	const struct cipher *cipher; // of what has ESP
	const void *key;             // as cipher_keys_make wrote it
	uint8_t to[FRAME_MAC];       // the gateway's port
	uint8_t from[FRAME_MAC];
};

// A session's packet, to the gateway's subscriber port. With ESP: all but the cipher, for which
// *seal is then filled. b has room for FRAME_MOST.
void frame_uplink(const struct frame_maker *f, struct build *b, uint32_t session, uint16_t size,
	uint32_t sequence, struct cipher_packet *seal);
// A packet to a session, to the gateway's network port.
void frame_downlink(const struct frame_maker *f, struct build *b, uint32_t session, uint16_t size);

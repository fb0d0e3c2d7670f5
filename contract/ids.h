// SPDX-License-Identifier: Apache-2.0
#pragma once

// Ids that we choose ourselves carry an index, so that a lookup is one load, and a generation, so
// that a stale id is recognised. All are in host byte order here; who puts one on the wire swaps.
//
// SPI      generation (12 bits, never 0) above index (20 bits). Never 0, never 1 to 255, which
//          RFC 4303 section 2.1 reserves. It names the pair: inbound SA (whose SPI it is on the
//          wire) and outbound SA (whose SPI the peer chose).
// peer     the IKE peer: outlives its IKE SAs and SA pairs. Same shape as an SPI; 0 = no IPsec.
// tunnel   the L2TP tunnel id on the wire is the index. The control plane reuses the id that has
//          been free longest, and a data packet must match the peer and the session as well.
// session  the index (20 bits) into the session table; the L2TP session id on the wire is chosen
//          so that its low bits are free in its tunnel and its high bits are a generation.

#include "limits.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	ID_GENERATIONS = 1 << (32 - LIMIT_SA_BITS),
	ID_NONE = 0,
	SESSION_NONE = 0xffffffff, // index 0 is a session
};

// generation is taken modulo 4096 and 0 becomes 1.
static inline uint32_t id_make(uint32_t index, uint32_t generation)
{
	generation %= ID_GENERATIONS;
	if (generation == 0)
		generation = 1;
	return generation << LIMIT_SA_BITS | (index & (LIMIT_SAS - 1));
}

static inline uint32_t id_index(uint32_t id)
{
	return id & (LIMIT_SAS - 1);
}

static inline uint32_t id_generation(uint32_t id)
{
	return id >> LIMIT_SA_BITS;
}

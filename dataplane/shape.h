// SPDX-License-Identifier: Apache-2.0
#pragma once

// The rate that a session's packets go out at: a packet is due when the bucket (gcra.h) is full no
// later than the burst takes from now.

#include "dataplane/gcra.h"

enum {
	SHAPE_BURST_MS = 10,       // what a burst of 0 in struct rate means
	SHAPE_BURST_BYTES = 3000,  // ... at least: two large packets
	SHAPE_LATE_MOST = 1000000, // nanoseconds that a worker may come late without loss of rate
};

// Clerk: the rate from now on.
static inline void shape_set(struct gcra *s, const struct rate *rate)
{
	gcra_set(s, rate, SHAPE_BURST_MS, SHAPE_BURST_BYTES);
}

// The owner: when the next packet is due; nanoseconds, 0 = long ago. late: how much of the time
// that has passed unused may still be made up for, in nanoseconds; it is 0 when nothing waits.
static inline uint64_t shape_due(struct gcra *s, uint64_t now, uint64_t late)
{
	float byte = gcra_load(&s->byte), burst = gcra_load(&s->burst);
	uint64_t least = gcra_ticks(now - late), most;

	if (byte == 0)
		return 0;
	most = gcra_ticks(now) + (uint64_t)burst;
	if (s->full < least)
		s->full = least;
	else if (s->full > most + (uint64_t)(GCRA_PACKET_MOST * byte))
		s->full = most; // of a larger bucket, before the rate was changed: no debt
	return s->full < (uint64_t)burst ? 0 : (s->full - (uint64_t)burst) >> GCRA_TICKS_BITS;
}

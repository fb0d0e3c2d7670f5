// SPDX-License-Identifier: Apache-2.0
#pragma once

// A policer: what a session may send or get in the long run and at once. A packet passes while the
// bucket (gcra.h) is full no later than the whole burst takes from now, so what passes at once is
// the burst and a part of one packet, and even a burst smaller than a packet lets packets pass.

#include "dataplane/gcra.h"

enum {
	POLICER_BURST_MS = 100,         // what a burst of 0 in struct rate means
	POLICER_BURST_BYTES = 2 * 1500, // ... at least
};

// Is there any limit?
static inline bool policer_active(const struct gcra *p)
{
	return gcra_load(&p->byte) != 0;
}

// Clerk. See policer_pass for what a new, smaller bucket does not hold.
static inline void policer_set(struct gcra *p, const struct rate *rate)
{
	gcra_set(p, rate, POLICER_BURST_MS, POLICER_BURST_BYTES);
}

// The owner: does a packet of so many bytes pass now (nanoseconds)? False: it is over the rate.
static inline bool policer_pass(struct gcra *p, uint64_t now, uint32_t bytes)
{
	float byte = gcra_load(&p->byte), burst = gcra_load(&p->burst), over;

	now = gcra_ticks(now);
	if (p->full < now) {
		p->full = now; // it was full
	} else {
		over = (float)(int64_t)(p->full - now) - burst;
		// More than one packet can have put it off: it is of a larger bucket, before the
		// rate was changed. Then the new bucket is empty, not in debt.
		if (__builtin_expect(over > GCRA_PACKET_MOST * byte, 0))
			p->full = now + (uint64_t)(int64_t)burst;
		else if (over > 0)
			return false;
	}
	gcra_pass(p, bytes);
	return true;
}

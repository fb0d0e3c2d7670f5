// SPDX-License-Identifier: Apache-2.0
#pragma once

// A policer: what a session may send or get in the long run and at once, as one time and no count
// (the generic cell rate algorithm of ITU-T I.371). The bucket is full at the time full; each byte
// that passes puts that off by what it takes at the rate. A packet passes while that is no further
// away than the whole burst takes, so what passes at once is the burst and a part of one packet,
// and even a burst smaller than a packet lets packets pass.
//
// Times are in ticks, 64 to a nanosecond: so a small packet at 50 Gbit/s is still accounted within
// 0.1 %, and the clock lasts for nine years. Pure; no division.

#include "contract/messages.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	POLICER_TICKS_BITS = 6,              // ticks of a nanosecond, as a shift
	POLICER_BURST_MS = 100,              // what a burst of 0 in struct rate means
	POLICER_BURST_BYTES = 2 * 1500,      // ... at least
	POLICER_PACKET_MOST = LIMIT_MTU_MAX, // bytes
};

struct policer {
	uint64_t full; // the owner: ticks, CLOCK_MONOTONIC
	float byte;    // ticks that a byte takes; 0 = no limit. Clerk; read whole
	float burst;   // ticks that the burst takes. Clerk; read whole
};

static inline float policer_load(const float *value)
{
	float out;

	__atomic_load(value, &out, __ATOMIC_RELAXED);
	return out;
}

static inline void policer_store(float *value, float x)
{
	__atomic_store(value, &x, __ATOMIC_RELAXED);
}

// Is there any limit?
static inline bool policer_active(const struct policer *p)
{
	return policer_load(&p->byte) != 0;
}

// Clerk: the rate from now on. What was used of the bucket stays used; see policer_pass for what
// the new bucket does not hold.
static inline void policer_set(struct policer *p, const struct rate *rate)
{
	double byte = rate->kbit ? 8e6 * (1 << POLICER_TICKS_BITS) / rate->kbit : 0;
	double burst = rate->burst * byte;

	if (!rate->burst) {
		burst = POLICER_BURST_MS * 1e6 * (1 << POLICER_TICKS_BITS);
		burst = burst < POLICER_BURST_BYTES * byte ? POLICER_BURST_BYTES * byte : burst;
	}
	policer_store(&p->burst, (float)burst);
	policer_store(&p->byte, (float)byte);
}

// The owner: does a packet of so many bytes pass now (nanoseconds)? False: it is over the rate.
static inline bool policer_pass(struct policer *p, uint64_t now, uint32_t bytes)
{
	float byte = policer_load(&p->byte), burst = policer_load(&p->burst), over;

	now <<= POLICER_TICKS_BITS;
	if (p->full < now) {
		p->full = now; // it was full
	} else {
		over = (float)(int64_t)(p->full - now) - burst;
		// More than one packet can have put it off: it is of a larger bucket, before the
		// rate was changed. Then the new bucket is empty, not in debt.
		if (__builtin_expect(over > POLICER_PACKET_MOST * byte, 0))
			p->full = now + (uint64_t)(int64_t)burst;
		else if (over > 0)
			return false;
	}
	p->full += (uint64_t)(int64_t)((float)bytes * byte + 0.5F);
	return true;
}

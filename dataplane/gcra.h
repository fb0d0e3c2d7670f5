// SPDX-License-Identifier: Apache-2.0
#pragma once

// A token bucket as one time and no count (the generic cell rate algorithm of ITU-T I.371): the
// bucket is full at the time full, and each byte puts that off by what it takes at the rate.
//
// Times are in ticks, 64 to a nanosecond: so a small packet at 50 Gbit/s is still accounted within
// 0.1 %, and the clock lasts for nine years. Pure; a packet costs no division.

#include "contract/limits.h"
#include "contract/messages.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	GCRA_TICKS_BITS = 6,           // ticks of a nanosecond, as a shift
	GCRA_PACKET_MOST = UINT16_MAX, // bytes: large ones (large.h) go in one piece
};

struct gcra {
	uint64_t full; // the owner: ticks, CLOCK_MONOTONIC
	float byte;    // ticks that a byte takes; 0 = no limit. Clerk; read whole
	float burst;   // ticks that the burst takes. Clerk; read whole
};

static inline float gcra_load(const float *value)
{
	float out;

	__atomic_load(value, &out, __ATOMIC_RELAXED);
	return out;
}

static inline uint64_t gcra_ticks(uint64_t nanoseconds)
{
	return nanoseconds << GCRA_TICKS_BITS;
}

// Clerk: the rate from now on. What was used of the bucket stays used. A burst of 0 in rate stands
// for usual_ms of the rate, and at least so many bytes.
static inline void gcra_set(
	struct gcra *g, const struct rate *rate, uint32_t usual_ms, uint32_t least_bytes)
{
	double byte = rate->kbit ? 8e6 * (1 << GCRA_TICKS_BITS) / rate->kbit : 0;
	double burst = rate->burst * byte;
	float f[2];

	if (!rate->burst) {
		burst = usual_ms * 1e6 * (1 << GCRA_TICKS_BITS);
		burst = burst < least_bytes * byte ? least_bytes * byte : burst;
	}
	f[0] = (float)byte;
	f[1] = (float)burst;
	__atomic_store(&g->burst, &f[1], __ATOMIC_RELAXED);
	__atomic_store(&g->byte, &f[0], __ATOMIC_RELAXED);
}

// The owner: a packet of so many bytes goes.
static inline void gcra_pass(struct gcra *g, uint32_t bytes)
{
	g->full += (uint64_t)(int64_t)((float)bytes * gcra_load(&g->byte) + 0.5F);
}

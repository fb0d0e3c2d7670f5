// SPDX-License-Identifier: Apache-2.0
#pragma once

// The rate that a session's packets go out at, as one time (the generic cell rate algorithm of
// ITU-T I.371): each byte puts the time full off by what it takes at the rate, and a packet is due
// when that time is no further away than the burst takes.
//
// Times are in ticks, 64 to a nanosecond: so a small packet at 50 Gbit/s is still accounted within
// 0.1 %, and the clock lasts for nine years. Pure; a packet costs no division.

#include "contract/messages.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	SHAPE_TICKS_BITS = 6,      // ticks of a nanosecond, as a shift
	SHAPE_BURST_MS = 10,       // what a burst of 0 in struct rate means
	SHAPE_BURST_BYTES = 3000,  // ... at least: two large packets
	SHAPE_PACKET_MOST = 9216,  // bytes
	SHAPE_LATE_MOST = 1000000, // nanoseconds that a worker may come late without loss of rate
};

struct shape {
	uint64_t full; // the owner: ticks, CLOCK_MONOTONIC
	float byte;    // ticks that a byte takes; 0 = no limit. Clerk; read whole
	float burst;   // ticks that the burst takes. Clerk; read whole
};

static inline float shape_load(const float *value)
{
	float out;

	__atomic_load(value, &out, __ATOMIC_RELAXED);
	return out;
}

static inline uint64_t shape_ticks(uint64_t nanoseconds)
{
	return nanoseconds << SHAPE_TICKS_BITS;
}

// Clerk: the rate from now on.
static inline void shape_set(struct shape *s, const struct rate *rate)
{
	double byte = rate->kbit ? 8e6 / rate->kbit * (1 << SHAPE_TICKS_BITS) : 0;
	float f[2] = {(float)byte, (float)(rate->burst * byte)};

	if (!rate->burst) {
		double least = SHAPE_BURST_BYTES * byte;
		double usual = (double)shape_ticks(SHAPE_BURST_MS * UINT64_C(1000000));

		f[1] = (float)(least > usual ? least : usual);
	}
	__atomic_store(&s->burst, &f[1], __ATOMIC_RELAXED);
	__atomic_store(&s->byte, &f[0], __ATOMIC_RELAXED);
}

// The owner: when the next packet is due; nanoseconds, 0 = long ago. late: how much of the time
// that has passed unused may still be made up for, in nanoseconds; it is 0 when nothing waits.
static inline uint64_t shape_due(struct shape *s, uint64_t now, uint64_t late)
{
	float byte = shape_load(&s->byte), burst = shape_load(&s->burst);
	uint64_t least = shape_ticks(now - late), most;

	if (byte == 0)
		return 0;
	most = shape_ticks(now) + (uint64_t)burst;
	if (s->full < least)
		s->full = least;
	else if (s->full > most + (uint64_t)(SHAPE_PACKET_MOST * byte))
		s->full = most; // of a larger bucket, before the rate was changed: no debt
	return s->full < (uint64_t)burst ? 0 : (s->full - (uint64_t)burst) >> SHAPE_TICKS_BITS;
}

// The owner: a packet of so many bytes goes.
static inline void shape_pass(struct shape *s, uint32_t bytes)
{
	s->full += (uint64_t)((float)bytes * shape_load(&s->byte) + 0.5F);
}

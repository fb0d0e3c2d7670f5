// SPDX-License-Identifier: Apache-2.0
#pragma once

// How often which value came, to within 1.6 %: 64 steps between two powers of two. Values up to
// 2^42 (over an hour in nanoseconds); larger ones count as that.

#include <stdint.h>

enum {
	HISTOGRAM_STEP_BITS = 6,
	HISTOGRAM_BITS = 42,
	HISTOGRAM_SLOTS = (HISTOGRAM_BITS - HISTOGRAM_STEP_BITS + 1) << HISTOGRAM_STEP_BITS,
};

struct histogram {
	uint64_t count;
	uint64_t sum, least, most;
	uint64_t slots[HISTOGRAM_SLOTS];
};

static inline unsigned histogram_slot(uint64_t value)
{
	unsigned top;

	if (value < 1u << HISTOGRAM_STEP_BITS)
		return (unsigned)value;
	if (value >> HISTOGRAM_BITS)
		return HISTOGRAM_SLOTS - 1;
	top = 63 - (unsigned)__builtin_clzll(value) - HISTOGRAM_STEP_BITS;
	return (top << HISTOGRAM_STEP_BITS) + (unsigned)(value >> top);
}

static inline void histogram_add(struct histogram *h, uint64_t value)
{
	if (h->count == 0 || value < h->least)
		h->least = value;
	if (value > h->most)
		h->most = value;
	h->count++;
	h->sum += value;
	h->slots[histogram_slot(value)]++;
}

void histogram_clear(struct histogram *h);
// The value that share (0 to 1) of all are not above; 0 when there is none.
uint64_t histogram_percentile(const struct histogram *h, double share);
double histogram_mean(const struct histogram *h);

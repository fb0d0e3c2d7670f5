// SPDX-License-Identifier: Apache-2.0

#include "histogram.h"

#include <string.h>

void histogram_clear(struct histogram *h)
{
	memset(h, 0, sizeof(*h));
}

// The largest value of a slot.
static uint64_t slot_top(unsigned slot)
{
	unsigned steps = 1u << HISTOGRAM_STEP_BITS;
	unsigned shift;

	if (slot < 2 * steps)
		return slot;
	shift = (slot >> HISTOGRAM_STEP_BITS) - 1;
	return ((uint64_t)((slot & (steps - 1)) + steps + 1) << shift) - 1;
}

uint64_t histogram_percentile(const struct histogram *h, double share)
{
	uint64_t rank = (uint64_t)(share * (double)h->count);
	uint64_t seen = 0;

	if (h->count == 0)
		return 0;
	if (rank >= h->count)
		return h->most;
	for (unsigned i = 0; i < HISTOGRAM_SLOTS; i++) {
		seen += h->slots[i];
		if (seen > rank)
			return slot_top(i) < h->most ? slot_top(i) : h->most;
	}
	return h->most;
}

double histogram_mean(const struct histogram *h)
{
	return h->count ? (double)h->sum / (double)h->count : 0;
}

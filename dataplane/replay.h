// SPDX-License-Identifier: Apache-2.0
#pragma once

// The anti-replay window of an inbound SA (RFC 4303 section 3.4.3), kept as RFC 6479 describes: a
// ring of 64-bit blocks with one block more than the window needs, so moving the window clears
// whole blocks and shifts nothing. Checked before the ICV, moved only after it; one owner, no
// atomics.

#include <rte_prefetch.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct replay {
	uint64_t top;     // the highest sequence number that was authenticated; 0 = none
	uint64_t *blocks; // mask + 1 of them, one bit for each sequence number
	uint16_t window;  // packets; 0 = everything passes
	uint16_t mask;    // blocks - 1; their number is a power of two
	uint32_t other;   // free for whoever holds the window
};

// Blocks that a window of so many packets needs; 0 for window 0.
size_t replay_blocks(uint16_t window);
// blocks holds replay_blocks(window) zeroed numbers and stays the caller's.
void replay_init(struct replay *r, uint16_t window, uint64_t *blocks);

// True when the packet may be new: right of the window, or in it and not seen. 0 is no sequence
// number (RFC 4303 section 3.3.3) and refused, unless the window is 0.
static inline bool replay_check(const struct replay *r, uint64_t sequence)
{
	if (r->window == 0)
		return true;
	if (sequence > r->top)
		return true;
	if (sequence == 0 || r->top - sequence >= r->window)
		return false;
	return !(r->blocks[sequence >> 6 & r->mask] >> (sequence & 63) & 1);
}

// The whole of a 64-bit sequence number of which the packet shows the lower half (RFC 4303 appendix
// A2.2): the one that is in the window or to the right of it. 0, which replay_check refuses, when
// it lies before the first one. For a window that is not 0.
static inline uint64_t replay_extend(const struct replay *r, uint32_t low)
{
	uint32_t top = (uint32_t)r->top, left = top - r->window + 1;
	uint64_t high = r->top >> 32;

	if (top >= r->window - 1U) {
		high += low < left;
	} else if (low >= left) {
		if (high == 0)
			return 0;
		high--;
	}
	return high << 32 | low;
}

// The block that replay_accept will write.
static inline void replay_prefetch(const struct replay *r, uint64_t sequence)
{
	if (r->window)
		rte_prefetch0(&r->blocks[sequence >> 6 & r->mask]);
}

// As replay_accept, for any number.
bool replay_accept_any(struct replay *r, uint64_t sequence);

// After the ICV: checks again (an earlier packet of the same burst may have been the same one),
// marks it as seen and moves the window. False when it was seen or is left of the window. Nearly
// every packet is a new one in the block of the one before.
static inline bool replay_accept(struct replay *r, uint64_t sequence)
{
	if (r->window == 0 || sequence <= r->top || sequence >> 6 != r->top >> 6)
		return replay_accept_any(r, sequence);
	r->top = sequence;
	r->blocks[sequence >> 6 & r->mask] |= UINT64_C(1) << (sequence & 63);
	return true;
}

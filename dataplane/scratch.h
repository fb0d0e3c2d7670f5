// SPDX-License-Identifier: Apache-2.0
#pragma once

// Working memory of the tunnelling stages, one for each worker and touched by that worker alone:
// crypto jobs, which are too big for a stack frame that is to stay in the cache, and rate limits.

#include "dataplane/table.h"
#include "dataplane/worker.h"

#include <intel-ipsec-mb.h>
#include <stdint.h>

// So many tokens at most, one more each interval.
struct bucket {
	uint64_t last; // nanoseconds, CLOCK_MONOTONIC, of the last refill
	uint32_t tokens;
	uint32_t zero;
};

enum { SCRATCH_PUNTS = 256 }; // that sessions share by their index

struct scratch {
	IMB_JOB jobs[BURST];
	uint8_t tags[BURST][64]; // computed ICVs
	uint8_t ivs[BURST][16];
	// Random for each worker: CBC IVs are the SA's serial and the packet's sequence number
	// enciphered under it, so nobody can foretell them (RFC 3602 section 3).
	_Alignas(64) uint8_t iv_key[16 * 15];
	struct bucket icmp;
	struct bucket unknown_spi;
	struct bucket punt[SCRATCH_PUNTS]; // subscribers' IP packets for the control plane
	struct bucket punt_all;            // the same, of all
	struct bucket too_big;             // ICMP that goes to the clerk
} __attribute__((aligned(64)));

static inline struct scratch *scratch_of(const struct worker *w)
{
	return &w->tables->scratch[w->index];
}

// Takes a token. False when there is none.
static inline bool bucket_take(struct bucket *b, uint64_t now, uint64_t interval, uint32_t most)
{
	uint64_t due = now > b->last ? (now - b->last) / interval : 0;

	if (b->last == 0 || due >= most) {
		b->tokens = most;
		b->last = now;
	} else if (due) {
		b->tokens = b->tokens + due > most ? most : b->tokens + (uint32_t)due;
		b->last += due * interval;
	}
	if (b->tokens == 0)
		return false;
	b->tokens--;
	return true;
}

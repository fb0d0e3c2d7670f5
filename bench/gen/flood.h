// SPDX-License-Identifier: Apache-2.0
#pragma once

// Strangers who want nothing but to be in the way: first messages of IKE, or bytes like them,
// beside what the generator plays else. Runs while sessions are held; see --flood and what follows
// it.

#include "gen.h"

struct flood;

// 0, or -ENOMEM. Without --flood nothing is ever sent.
int flood_create(struct gen *g);
void flood_free(struct gen *g);
// From now on what is due is sent in each turn, or no more.
void flood_begin(struct gen *g, uint64_t now);
void flood_end(struct gen *g, uint64_t now);
// Sends what is due; true when there was something.
bool flood_send(struct gen *g, uint64_t now);
// What was sent, what the port did not take, and for how long.
struct flood_sum {
	uint64_t sent, not_taken;
	double seconds;
	// KiB of its own memory that --server has, when it began and when hold ended; -1: unknown.
	long memory_before, memory_after;
};
struct flood_sum flood_sum(const struct gen *g);

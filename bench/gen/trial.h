// SPDX-License-Identifier: Apache-2.0
#pragma once

// Trials of test traffic, and the search for the highest rate that loses next to nothing (RFC 2544
// sections 24 and 26.1).

#include "traffic.h"

struct trial {
	unsigned way; // enum options_ways
	uint16_t size;
	double asked;   // packets per second and direction; 0 = as many as go
	double seconds; // of sending
	uint32_t sessions;
	double busy; // share of the generator's time that was not spent waiting, 0 to 1
	struct traffic_way ways[DIRECTIONS];
};

// What a search found.
struct finding {
	struct trial best; // the fastest trial that passed; asked 0 when none did
	double overload;   // packets per second that came through when as many as go were sent
	uint32_t trials;
	bool generator_bound; // above the best the generator could not keep up
};

uint64_t trial_offered(const struct trial *t, enum direction d);
uint64_t trial_lost(const struct trial *t, enum direction d);
// Lost share of the direction that lost more.
double trial_loss(const struct trial *t);
bool trial_uses(const struct trial *t, enum direction d);

// Sends a little through every session until something came back from each, both ways. Returns the
// number of sessions that stayed silent for 10 seconds.
uint32_t trial_learn(struct gen *g);
// One trial, from its beginning to when the last packet has arrived; or its two ends, for a caller
// that has other things to do meanwhile and calls gen_turn itself. Only the first so many sessions
// take part.
void trial_begin(struct gen *g, unsigned way, uint16_t size, double rate, uint32_t sessions,
	struct trial *out);
void trial_end(struct gen *g, struct trial *out);
void trial_run(struct gen *g, unsigned way, uint16_t size, double rate, struct trial *out);
void trial_search(struct gen *g, unsigned way, uint16_t size, struct finding *out);

// SPDX-License-Identifier: Apache-2.0
#pragma once

// Test packets both ways: sent at a rate over all sessions in turn, received, counted. Each carries
// a stamp with the trial, its session, its number there and the time, so that loss, order and
// latency show on any path.

#include "gen.h"

struct traffic_way {
	uint64_t sent;     // given to the port
	uint64_t no_room;  // the port did not take them: lost, and the sender is not to blame
	uint64_t received; // came out right at the other end
	uint64_t disorder; // of these: came after a later one of their session, or twice
	uint64_t wrong;    // came out with another session's address
	uint64_t late;     // of an earlier trial
	uint64_t bytes;    // of inner packets received
	uint64_t skipped;  // were due and not sent: the sender did not keep up
	struct histogram latency; // nanoseconds, from before encryption to after decryption
};

struct traffic {
	uint16_t trial;
	bool on[DIRECTIONS];
	double rate;    // packets per second and direction; 0 = as many as go
	uint64_t limit; // packets per direction; 0 = none
	uint16_t sizes[12];
	unsigned size_count;
	uint64_t began, until;     // cycles
	struct session **sessions; // those that are up
	uint32_t session_count;
	uint32_t next[DIRECTIONS];
	unsigned next_size[DIRECTIONS];
	struct traffic_way ways[DIRECTIONS];
	uint8_t down_front[42]; // Ethernet, IP and UDP of the host
	uint32_t down_sum;
};

int traffic_create(struct gen *g);
void traffic_free(struct gen *g);
// Makes the session's headers, when it has come up.
void traffic_front(struct session *s);

// Begins a trial through those of the first so many sessions that are up; size is one of the inner
// packet, or OPTIONS_IMIX.
void traffic_begin(struct gen *g, unsigned way, uint16_t size, double rate, uint32_t sessions);
// Nothing more is sent; what is on its way still counts.
void traffic_end(struct gen *g);
bool traffic_sending(const struct gen *g, uint64_t now);
// Sends what is due; false when nothing was.
bool traffic_send(struct gen *g, uint64_t now);

// An inner packet that arrived: at the network side from a session, or at a session.
void traffic_received(struct gen *g, enum direction d, struct session *at, const uint8_t *ip,
	size_t length, uint64_t now);

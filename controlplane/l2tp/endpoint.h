// SPDX-License-Identifier: Apache-2.0
#pragma once

// struct l2tp: the endpoint that owns all tunnels and sessions, their numbers and the counters;
// and the graveyard. What is gone stays in memory until the reaper's timer fires, because the
// caller may be deep inside it, and until its DELETE could be posted, because the dataplane's ring
// may be full; only then is its number free again.

#include "controlplane/log.h"
#include "controlplane/numbers.h"
#include "channel.h"
#include "l2tp.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	ENDPOINT_BUCKETS = 4096, // tunnels by peer
	ENDPOINT_RETRY_MS =
		50, // after which a command that the ring had no room for is tried again
};

struct tunnel;
struct session;

struct l2tp {
	const struct config *config;
	struct timers *timers;
	struct numbers *numbers;
	struct l2tp_events events;
	void *context;
	struct channel_settings settings;
	struct tunnel *tunnels[LIMIT_TUNNELS]; // by our id
	struct tunnel *buckets[ENDPOINT_BUCKETS];
	struct session **sessions; // by index
	uint32_t session_room;
	struct tunnel *dead_tunnels;
	struct session *dead_sessions;
	uint32_t stale; // tunnels in `tunnels` that have something to post again
	struct timer reaper;
	struct l2tp_counters
		counters; // tunnels: those that were not closed; retransmits: of the dead
};

// Makes the reaper run soon.
void endpoint_reap(struct l2tp *l2tp, uint64_t after_ms);
// Counts and logs a message that is malformed or breaks the protocol.
void endpoint_invalid(struct l2tp *l2tp, const struct l2tp_from *from, const char *reason);

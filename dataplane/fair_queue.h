// SPDX-License-Identifier: Apache-2.0
#pragma once

// Queues of one subscriber, fair between his flows (RFC 8290, FQ-CoDel). See fair_queue.c.

#include "dataplane/codel.h"
#include "dataplane/worker.h"

#include <stdint.h>

enum {
	FAIR_FLOWS = 32,     // queues of a subscriber; flows share them by hash
	FAIR_QUANTUM = 1500, // bytes that a flow sends in its turn: one large packet
	FAIR_NO_FLOW = 255,
};

// A packet that waits. Links are indexes of fair_store.place.
struct fair_place {
	struct rte_mbuf *m;
	uint64_t since; // nanoseconds, CLOCK_MONOTONIC
	uint32_t next;
	uint32_t bytes;
};

// All the places of a worker; the free ones are linked.
struct fair_store {
	struct fair_place *place;
	uint32_t free; // the first free one
	uint32_t left; // how many are free
};

struct fair_flow {
	struct codel codel;
	uint32_t first; // places; only where bytes is not 0
	uint32_t last;
	uint32_t bytes;
	int32_t deficit; // bytes that it may still send in this turn
	uint8_t next;    // of its list
	bool listed;
};

// Flows by turn: those that have just begun come first.
struct fair_list {
	uint8_t first; // FAIR_NO_FLOW = empty
	uint8_t last;
};

struct fair_queue {
	uint32_t packets;
	struct fair_list fresh; // "new" in the RFC
	struct fair_list old;
	struct fair_flow flow[FAIR_FLOWS];
};

// So many free places in that memory.
void fair_store_init(struct fair_store *s, struct fair_place *place, uint32_t count);
void fair_queue_init(struct fair_queue *q);

// Inner IP header, both ends: behind the other packets of its flow. A place must be free.
void fair_queue_put(struct worker *w, struct fair_store *s, struct fair_queue *q,
	struct rte_mbuf *m, uint32_t hash);
// The packet whose turn it is; NULL when nothing waits any more. What CoDel wants to go is marked
// (ECN) or dropped as shaper-codel, and *dropped is raised.
struct rte_mbuf *fair_queue_take(struct worker *w, struct fair_store *s, struct fair_queue *q,
	const struct codel_times *times, uint64_t *dropped);
// Makes room: drops up to half of the longest flow as shaper-full. Returns how many; at least one
// if any waits.
uint32_t fair_queue_cut(struct worker *w, struct fair_store *s, struct fair_queue *q);
// Drops all.
void fair_queue_clear(
	struct worker *w, struct fair_store *s, struct fair_queue *q, enum drop reason);

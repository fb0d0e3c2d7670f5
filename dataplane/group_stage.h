// SPDX-License-Identifier: Apache-2.0
#pragma once

// What subscriber.c asks of a packet's group and session: filter, policer, isolation. Most packets
// are of a session for which there is nothing to do, and that is one test (group_special).

#include "dataplane/group.h"
#include "dataplane/policer.h"
#include "dataplane/worker.h"

// Has a session of that group with that policer anything that group_uplink or group_downlink must
// look at? Else its packets go on and are counted by the caller.
static inline bool group_special(const struct tables *t, uint16_t group, const struct gcra *p)
{
	uint32_t limit;

	__atomic_load((const uint32_t *)&p->byte, &limit, __ATOMIC_RELAXED); // no limit: all bits 0
	return __builtin_expect((group_word(t, group) | limit) != 0, 0);
}

// A burst of inner IP packets of sessions that this worker owns, at their IP header; bit i of
// special: packet i is to be looked at, and counted if it goes on. Returns how many go on.
uint16_t group_uplink(struct worker *w, struct rte_mbuf **m, uint16_t count, uint32_t special);
uint16_t group_downlink(struct worker *w, struct rte_mbuf **m, uint16_t count, uint32_t special);

// Counts a packet that goes on, for its session alone.
static inline void session_count(struct stats_direction *d, const struct rte_mbuf *m, uint64_t now)
{
	d->packets++;
	d->bytes += m->pkt_len;
	d->last = now;
}

// Counts a packet that goes on, for its session and its group: for one that waited (shaper.c).
void group_count(struct worker *w, const struct rte_mbuf *m, bool up);

// Subscribers' packets that are routed to other subscribers (meta.session).
uint16_t group_isolate(struct worker *w, struct rte_mbuf **m, uint16_t count);

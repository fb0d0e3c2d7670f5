// SPDX-License-Identifier: Apache-2.0
#pragma once

// Downlink packets that wait for their subscriber's rate. See shaper.c.

#include "dataplane/session.h"
#include "dataplane/worker.h"

#include <rte_mempool.h>
#include <stdbool.h>
#include <stdint.h>

struct shaper;

// For one of so many workers. Together they keep at most a quarter of the pool. It takes 24 bytes
// for each packet that it may keep and 1.6 KB for each subscriber whose packets may wait at the
// same time, of which there are a quarter as many, but never more than sessions: 3.6 MB with the
// config's defaults and one worker. seed: secret. NULL when there is no memory.
struct shaper *shaper_create(
	const struct rte_mempool *pool, uint16_t workers, uint32_t sessions, uint32_t seed);
// What it keeps is the pool's. NULL is allowed.
void shaper_destroy(struct shaper *s);

// Has the session a rate, or does anything still wait from when it had one?
static inline bool shaper_concerns(const struct session_downlink *d)
{
	uint32_t rate;

	__atomic_load(
		(const uint32_t *)&d->shape.byte, &rate, __ATOMIC_RELAXED); // none: all bits 0
	return __builtin_expect((rate | d->shaper) != 0, 0);
}

// Inner IP header, both ends; a packet of a live session that is ours and that shaper_concerns.
// True: it goes on now. False: it waits, or was dropped as shaper-full.
bool shaper_pass(struct worker *w, struct rte_mbuf *m);

// Packets whose time has come, at most BURST, in the order in which they go on; 0 = no more. Those
// of a session that is gone are dropped as l2tp-session, of one that has closed as ppp-closed.
uint16_t shaper_due(struct worker *w, struct rte_mbuf **m);

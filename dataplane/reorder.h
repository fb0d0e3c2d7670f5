// SPDX-License-Identifier: Apache-2.0
#pragma once

// Uplink packets that came before those in front of them. See reorder.c.

#include "dataplane/worker.h"

#include <rte_mempool.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	REORDER_WINDOW = 16,  // packets of a session that may be ahead of the expected one
	REORDER_WAIT_MS = 50, // how long one waits for those in front of it
};

struct reorder;

// For one of so many workers. Together they keep at most a sixteenth of the pool; 280 bytes for
// each 16 packets: 36 KB with the config's defaults and one worker. NULL when there is no memory.
struct reorder *reorder_create(const struct rte_mempool *pool, uint16_t workers);
// What it keeps is the pool's. NULL is allowed.
void reorder_destroy(struct reorder *r);

// PPP frame of a session whose uplink is ours, that carried this Ns (RFC 2661 section 5.4); meta:
// session. True: it goes on now. False: it goes on later (reorder_ready), or is dropped as
// l2tp-sequence: older than what went on, or a copy of one that waits.
bool reorder_pass(struct worker *w, struct rte_mbuf *m, uint16_t ns);

// PPP frames whose turn it is, at most BURST, in the order in which they go on; 0 = no more. To be
// asked until then after each burst of l2tp_in, behind which they come.
uint16_t reorder_ready(struct worker *w, struct rte_mbuf **m);

// Gives up what has been waited for too long, and drops as l2tp-session what waits in a session
// that is gone. Cheap when nothing waits; the worker calls it in each round, then reorder_ready.
void reorder_expire(struct worker *w);

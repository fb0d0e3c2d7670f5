// SPDX-License-Identifier: Apache-2.0
#pragma once

// The gateway under test, in this thread: one worker as the program makes it, with all its tables,
// between two null ports. Port 0 is the subscriber side, port 1 the network side.

#include "population.h"

#include "dataplane/clerk.h"
#include "dataplane/route.h"
#include "dataplane/stats.h"
#include "dataplane/table.h"
#include "dataplane/worker.h"

enum { HOUSE_SUB = 0, HOUSE_NET = 1, HOUSE_PORTS = 2 };

struct house {
	struct worker worker;
	struct port port[HOUSE_PORTS];
	struct stats stats;
	struct rte_rcu_qsbr *qsbr;
	struct rte_mempool *pool;
	struct tables *tables;
	struct routes *routes;
	struct neighbours *neighbours;
	struct clerk_bell bell;
};

// After rte_eal_init with the devices net_null0 and net_null1. Room for so many. 0 or -errno.
int house_open(struct house *h, uint32_t sas, uint32_t sessions);
void house_close(struct house *h);
// Makes a population live; house_clear takes it out again. 0 or -errno.
int house_fill(struct house *h, const struct population *p);
void house_clear(struct house *h);

// One round with a burst of frames (at most BURST) as if the port of that direction had just
// received them: what worker.c does with them, and the rest of its round.
void house_round(struct house *h, enum direction d, struct rte_mbuf **m, uint16_t count);
// Packets that it has sent since it was opened.
uint64_t house_sent(const struct house *h);
// Says on standard error under which names packets were dropped.
void house_tell_drops(const struct house *h);

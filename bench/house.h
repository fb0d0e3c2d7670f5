// SPDX-License-Identifier: Apache-2.0
#pragma once

// The gateway under test: its workers as the program makes them, with all its tables, between two
// null ports. Port 0 is the subscriber side, port 1 the network side. Worker 0 is the caller's
// thread; worker 1, where there is one, is whatever thread plays it.

#include "population.h"

#include "dataplane/clerk.h"
#include "dataplane/route.h"
#include "dataplane/stats.h"
#include "dataplane/table.h"
#include "dataplane/worker.h"

enum { HOUSE_SUB = 0, HOUSE_NET = 1, HOUSE_PORTS = 2, HOUSE_WORKERS = 2 };

struct house {
	struct worker worker[HOUSE_WORKERS];
	uint16_t workers; // that were made
	struct port port[HOUSE_PORTS];
	struct stats stats;
	struct rte_rcu_qsbr *qsbr;
	struct rte_mempool *pool;
	struct tables *tables;
	struct routes *routes;
	struct neighbours *neighbours;
	struct clerk_bell bell;
};

// After rte_eal_init with the devices net_null0 and net_null1. Room for so many; at most
// HOUSE_WORKERS workers. 0 or -errno.
int house_open(struct house *h, uint32_t sas, uint32_t sessions, uint16_t workers);
void house_close(struct house *h);
// Makes a population live; house_clear takes it out again. 0 or -errno.
int house_fill(struct house *h, const struct population *p);
void house_clear(struct house *h);

// So many workers play from now on, at most those that were made; to be called between house_clear
// and house_fill.
void house_play(struct house *h, uint16_t workers);

// One round of a worker with a burst of frames (at most BURST) as if the port of that direction had
// just received them: what worker.c does with them, and the rest of its round.
void house_round(
	struct house *h, uint16_t worker, enum direction d, struct rte_mbuf **m, uint16_t count);
// Packets that all workers have sent since it was opened.
uint64_t house_sent(const struct house *h);
// Says on standard error under which names packets were dropped.
void house_tell_drops(const struct house *h);

// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the clerk does with packets: it takes what workers gave it (ARP, neighbour discovery, what
// waits for a neighbour, and ICMP about packets that were too big), drives the neighbour table with
// it, and gives everything back through a worker, which transmits or drops and counts it. Clerk
// only.

#include "dataplane/neighbour.h"
#include "dataplane/worker.h"

#include <stdbool.h>
#include <stdint.h>

struct resolver {
	struct neighbours *neighbours;
	struct tables *tables; // for what ICMP says of paths
	struct worker *worker;
	uint16_t workers;
	const struct port *port;
	uint16_t ports;
	struct rte_mempool *pool;
	uint64_t lost[LIMIT_PORTS]; // packets that no worker had room for, by the port they are for
	uint64_t conflict;          // nanoseconds: when the last address conflict was told
};

// Makes the neighbour table. Returns 0 or -ENOMEM.
int resolver_open(struct resolver *r, struct rte_rcu_qsbr *qsbr);
// Everything that lies in the workers' rings; returns how many packets there were.
unsigned resolver_work(struct resolver *r, uint64_t now);
// True when there is nothing in them.
bool resolver_idle(const struct resolver *r);
// Once a second.
void resolver_tick(struct resolver *r, uint64_t now);
// Gratuitous ARP and unsolicited advertisements for all own addresses of a port (RFC 5227 section
// 3, RFC 4861 section 7.2.6): at start and on link up.
void resolver_announce(struct resolver *r, uint16_t port);

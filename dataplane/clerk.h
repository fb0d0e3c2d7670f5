// SPDX-License-Identifier: Apache-2.0
#pragma once

// The clerk: the thread of the main lcore. It sleeps in epoll_wait and wakes for the control plane,
// for packets that workers hand to it (ARP, and what waits for a neighbour), once a second, and for
// signals. It is the one writer of all tables.

#include "contract/config.h"

#include "dataplane/meta.h"

#include <rte_ring.h>
#include <stdbool.h>
#include <stdint.h>

struct worker;
struct tables;
struct routes;
struct resolver;
struct port;
struct stats;
struct rte_rcu_qsbr;

// Work that a worker puts into its ring to the clerk; in meta.stage.
enum clerk_work {
	CLERK_ARP = 32,     // an Ethernet frame with ARP in it
	CLERK_ICMP = 35,    // ICMP header, both ends: a packet was too big for a router, meta.local
	CLERK_RESOLVE = 33, // IP header: waits for meta.next_hop on meta.out_port
	CLERK_ND = 34, // IPv6 header, both ends: ICMPv6 133 to 137 (RFC 4861) for an own address
		       // or for many, its headers checked, its ICMPv6 message not; meta.port
};

// How a worker wakes the clerk: as in the channel, at most one system call for each sleep.
struct clerk_bell {
	_Alignas(64) uint32_t sleeps;
	int eventfd;
};

// Hands a packet over. What does not fit is dropped: NEIGHBOUR_FULL.
void clerk_give(struct worker *w, struct rte_mbuf *m, enum clerk_work work);
// At the end of a round in which something was given.
void clerk_ring(struct clerk_bell *b);

// What the clerk works with; all of it outlives clerk_run.
struct clerk {
	const struct config *config;
	struct worker *worker; // all of them
	uint16_t workers;
	struct port *port;
	uint16_t ports;
	struct tables *tables;
	struct routes *routes;
	struct resolver *resolver;
	struct stats *stats;
	struct rte_rcu_qsbr *qsbr;
	struct clerk_bell *bell;
};

// Serves until SIGTERM or SIGINT, which must be blocked in all threads. Returns 0, or -errno when
// it could not start to serve (what was wrong is in the log).
int clerk_run(const struct clerk *c);

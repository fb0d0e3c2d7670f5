// SPDX-License-Identifier: Apache-2.0
#pragma once

// The neighbours of all ports: which Ethernet address an IPv4 address on link has (RFC 826). The
// clerk owns the table; workers look up in it without a lock. It holds no more entries than it was
// made for, and what waits for an answer is bounded for each neighbour and in total.
//
// An entry is asked for when the first packet needs it (ASKED), is good while the neighbour answers
// (READY), is asked again by unicast when its time is over and it has been used, and is forgotten
// when it has not. One that does not answer is LOST for a while: packets for it are dropped at
// once.

#include "dataplane/port.h"

#include <rte_ether.h>
#include <rte_mbuf.h>
#include <stdbool.h>
#include <stdint.h>

struct rte_rcu_qsbr;

enum {
	NEIGHBOUR_MAX = 4096,   // entries
	NEIGHBOUR_WAITING = 16, // packets that wait for one neighbour
	NEIGHBOUR_WAITING_ALL = 1024,
	NEIGHBOUR_TRIES = 3,   // requests, one a second (RFC 1122 section 2.3.2.1)
	NEIGHBOUR_GOOD_S = 60, // seconds from an answer to the next request
	NEIGHBOUR_LOST_S = 3,  // seconds for which packets are dropped without asking
};

enum neighbour_state {
	NEIGHBOUR_UNKNOWN = 0,
	NEIGHBOUR_ASKED,
	NEIGHBOUR_READY,
	NEIGHBOUR_LOST,
};

// How the clerk gets rid of packets and asks; context is its own. The functions take the packet.
struct neighbour_out {
	void *context;
	// IP header; to that Ethernet address, by meta.out_port.
	void (*send)(void *context, struct rte_mbuf *m, const struct rte_ether_addr *to);
	void (*drop)(void *context, struct rte_mbuf *m, enum drop reason);
	// An ARP request to that Ethernet address, or to all when NULL.
	void (*ask)(
		void *context, uint16_t port, uint32_t address, const struct rte_ether_addr *to);
};

struct neighbours *neighbours_create(struct rte_rcu_qsbr *qsbr, const struct neighbour_out *out);
// What still waits is dropped.
void neighbours_destroy(struct neighbours *n);

// Worker: the Ethernet address, when the state is READY. address in network byte order.
enum neighbour_state neighbour_get(
	struct neighbours *n, uint16_t port, uint32_t address, struct rte_ether_addr *mac);

// Clerk: sends the packet, lets it wait, or drops it. now in nanoseconds.
void neighbour_wait(struct neighbours *n, struct rte_mbuf *m, uint64_t now);
// Clerk: that address was heard. create: it may be entered anew (it talked to us).
void neighbour_heard(struct neighbours *n, uint16_t port, uint32_t address,
	const struct rte_ether_addr *mac, bool create, uint64_t now);
// Clerk, once a second: asks again, gives up, forgets.
void neighbours_tick(struct neighbours *n, uint64_t now);
// Resolved ones of a port.
uint32_t neighbours_count(const struct neighbours *n, uint16_t port);

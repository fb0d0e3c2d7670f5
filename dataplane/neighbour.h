// SPDX-License-Identifier: Apache-2.0
#pragma once

// The neighbours of all ports: which Ethernet address an IPv4 or IPv6 address on link has (RFC 826,
// RFC 4861). The clerk owns the table; workers look up in it without a lock. It holds no more
// entries than it was made for, and what waits for an answer is bounded for each neighbour and in
// total.
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
	NEIGHBOUR_MAX = 4096,   // entries of each IP version
	NEIGHBOUR_WAITING = 16, // packets that wait for one neighbour
	NEIGHBOUR_WAITING_ALL = 1024,
	NEIGHBOUR_TRIES =
		3, // requests, one a second (RFC 1122 section 2.3.2.1, RFC 4861 section 10)
	NEIGHBOUR_GOOD_S = 60, // seconds from an answer to the next request
	NEIGHBOUR_LOST_S = 3,  // seconds for which packets are dropped without asking
	NEIGHBOUR_STALE_S = 5, // seconds from a claim to the request that tests it, when it is used
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
	// A request to that Ethernet address, or to all when NULL.
	void (*ask)(void *context, uint16_t port, const struct ip_address *address,
		const struct rte_ether_addr *to);
};

struct neighbours *neighbours_create(struct rte_rcu_qsbr *qsbr, const struct neighbour_out *out);
// What still waits is dropped.
void neighbours_destroy(struct neighbours *n);

// Worker: the Ethernet address, when the state is READY. address in network byte order.
enum neighbour_state neighbour_get(
	struct neighbours *n, uint16_t port, uint32_t address, struct rte_ether_addr *mac);
// The same for IPv6; address as on the wire.
enum neighbour_state neighbour_get6(
	struct neighbours *n, uint16_t port, const uint8_t address[16], struct rte_ether_addr *mac);

// Clerk: sends the packet, lets it wait, or drops it. It is for meta.next_hop or next_hop6 on
// meta.out_port. now in nanoseconds.
void neighbour_wait(struct neighbours *n, struct rte_mbuf *m, uint64_t now);
// How an address was heard.
enum neighbour_news {
	NEIGHBOUR_CREATE = 1 << 0, // it may be entered anew: it talked to us
	NEIGHBOUR_CLAIM = 1 << 1,  // it did not answer us: what is new in it will be tested
	NEIGHBOUR_KEEP = 1 << 2,   // a known Ethernet address is not replaced by another one
};
// Clerk: that address was heard. mac NULL: it is where it was (an answer that does not say).
void neighbour_heard(struct neighbours *n, uint16_t port, const struct ip_address *address,
	const struct rte_ether_addr *mac, unsigned news, uint64_t now);
// Clerk, once a second: asks again, gives up, forgets.
void neighbours_tick(struct neighbours *n, uint64_t now);
// Resolved ones of a port.
uint32_t neighbours_count(const struct neighbours *n, uint16_t port);

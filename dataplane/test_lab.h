// SPDX-License-Identifier: Apache-2.0
#pragma once

// A whole dataplane in one thread, for tests: two ports made of rings, workers that run a round
// when they are told to, a resolver, tables, routes and the far end of a channel. Frames go in as
// bytes and come out as bytes. For tests only.
//
//   lab port 0: subscriber side, 192.0.2.1/24      lab port 1: network side, 198.51.100.1/24
//   default routes: 192.0.2.254 and 198.51.100.254; own PPP address 100.64.0.1
//   the same in IPv6: LAB_SUB6/64, LAB_NET6/64, LAB_SUB6_ROUTER, LAB_NET6_ROUTER
//
// The wide lab (lab_start_wide) has more ports, all of jumbo frames:
//
//   2: subscriber side, 192.0.3.1/24, a single pair of queues
//   3: network side, 198.51.101.1/24, untagged, and on the same device
//   4: subscriber side, 192.0.4.1/24, VLAN 10
//   5: network side, 198.51.102.1/24, VLAN 300 with 30 in it

#include "contract/build.h"
#include "contract/channel.h"

#include "dataplane/clerk.h"
#include "dataplane/resolver.h"
#include "dataplane/route.h"
#include "dataplane/stats.h"
#include "dataplane/table.h"
#include "dataplane/worker.h"

#include <rte_ring.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	LAB_WORKERS = 2,
	LAB_PORTS = 6, // at most
	LAB_SUB = 0,
	LAB_NET = 1,
	LAB_SUB2 = 2,
	LAB_NET2 = 3,
	LAB_SUB_VLAN = 4,
	LAB_NET_QINQ = 5,
	LAB_MTU = 1500,
	LAB_JUMBO = 9000,
	LAB_FRAME = 9216, // bytes of the largest frame
	LAB_POOL = 4095,  // packets
};

#define LAB_IP(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d)) // host byte order

#define LAB_SUB6        "2001:db8:0:1::1"
#define LAB_SUB6_ROUTER "2001:db8:0:1::fe"
#define LAB_NET6        "2001:db8:0:2::1"
#define LAB_NET6_ROUTER "2001:db8:0:2::fe"

struct lab {
	uint16_t workers;
	uint16_t ports;
	struct worker worker[LAB_WORKERS];
	struct port port[LAB_PORTS];
	struct rte_ring *rx[LAB_PORTS][LAB_WORKERS];
	struct rte_ring *tx[LAB_PORTS][LAB_WORKERS];
	struct stats stats;
	struct rte_rcu_qsbr *qsbr;
	struct rte_mempool *pool;
	struct rte_mempool *large;
	struct tables *tables;
	struct routes *routes;
	struct resolver resolver;
	struct clerk_bell bell;
	struct clerk clerk;
	struct channel near, far; // the two ends
	uint64_t now;             // nanoseconds: what the resolver is told
};

extern struct lab lab;

// Group setup and teardown of cmocka.
int lab_start(void **state);
int lab_start_wide(void **state);
int lab_stop(void **state);
// Connects or disconnects the control plane: then workers have a channel or not.
void lab_connect(void);
void lab_disconnect(void);

// A frame that arrives at a port, in the queue of that worker.
void lab_receive(uint16_t port, uint16_t queue, const void *frame, size_t length);
// Rounds of all workers and of the resolver until nothing moves any more.
void lab_run(void);
// The oldest frame that a port sent: its length, 0 = none.
size_t lab_sent(uint16_t port, uint8_t frame[LAB_FRAME]);
// Throws away all that was sent.
void lab_forget(void);
// A second of the resolver's time, then lab_run.
void lab_second(void);
// The same, so many nanoseconds after the last round of worker 0.
void lab_later(uint64_t ns);
// The time of all that is kept is up. What is sent then is thrown away.
void lab_expire(void);
// Packets that the workers keep.
uint64_t lab_held(void);

// Does received + injected + ... = transmitted + punted + ... hold, for each worker; and is every
// packet either free or waiting at the resolver?
bool lab_balanced(void);
// Packets that are not in the pools.
unsigned lab_packets_out(void);
// Of all workers.
uint64_t lab_drops(enum drop reason);

// ---- frames. Addresses in host byte order

// Ethernet header for a port, from host number n.
void lab_ether(struct build *b, uint16_t port, uint8_t n, uint16_t type);
// IPv4 header (with a right checksum) in front of length bytes of payload.
void lab_ip4(struct build *b, uint8_t protocol, uint32_t source, uint32_t destination,
	uint16_t length, uint8_t ttl, uint16_t fragment);
// UDP header without a checksum.
void lab_udp(struct build *b, uint16_t source, uint16_t destination, uint16_t length);
// A whole frame with UDP; returns its length.
size_t lab_udp_frame(uint8_t *frame, uint16_t port, uint32_t source, uint32_t destination,
	uint16_t source_port, uint16_t destination_port, const void *data, uint16_t length);
// A whole frame with an ICMP echo request; returns its length.
size_t lab_echo_frame(uint8_t *frame, uint16_t port, uint32_t source, uint32_t destination,
	uint16_t length, uint8_t ttl);
// ARP: operation 1 = request, 2 = reply.
size_t lab_arp_frame(uint8_t *frame, uint16_t port, uint8_t n, uint16_t operation, uint32_t sender,
	uint32_t target);
// Lets a host answer: the neighbour is known from then on.
void lab_neighbour(uint16_t port, uint8_t n, uint32_t address);

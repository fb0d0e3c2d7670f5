// SPDX-License-Identifier: Apache-2.0
#pragma once

// The ports: Ethernet devices of DPDK, opened once at start by the clerk. Workers read them; the
// one thing that changes is `up`.
//
// Queues: a device that has a pair of queues for each worker gives each its own. Another one has a
// single pair, which belongs to one worker (ports are dealt out to the workers in turn); what
// other workers have for such a port goes to that worker (HANDOVER_TX).

#include "contract/config.h"
#include "contract/stats.h"

#include <rte_ether.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct rte_mempool;

struct port {
	uint16_t id;     // of the device in DPDK
	uint16_t index;  // in the config and in every table
	uint16_t mtu;    // bytes of an IP packet
	uint16_t queues; // pairs in use: 1, or one for each worker
	uint8_t side;    // enum port_side
	bool up;         // link; written by the clerk
	struct rte_ether_addr mac;
	uint16_t address_count;
	uint32_t address[LIMIT_PORT_ADDRESSES]; // own, IPv4 in network byte order
	uint32_t network[LIMIT_PORT_ADDRESSES]; // on link, the same
	uint32_t mask[LIMIT_PORT_ADDRESSES];
	uint16_t address6_count;
	uint8_t address6[LIMIT_PORT_ADDRESSES][16]; // own, as on the wire
	uint8_t length6[LIMIT_PORT_ADDRESSES];      // bits of each one's network
	uint8_t link_local[16];                     // own, of the Ethernet address (RFC 4291)
	uint16_t primary;           // index of the first port of the same device: its queues
	uint16_t vlan_count;        // tags, 0 = untagged
	uint16_t vlan[LIMIT_VLANS]; // ids, the outermost first
	char name[LIMIT_NAME];
};

// Opens and starts one: MTU, queues, no promiscuous mode, no offloads. Logs what is wrong and what
// to do. Returns 0 or -errno.
int port_open(struct port *p, const struct config_port *c, uint16_t index, uint16_t workers,
	struct rte_mempool *pool);
void port_close(struct port *p);
// Clerk, once a second: link and counters. True when the link has changed.
bool port_sample(struct port *p, struct stats_port *s);

// The worker whose queue 0 of the port is.
static inline uint16_t port_owner(const struct port *p, uint16_t workers)
{
	return p->index % workers;
}

// The queue of a worker, or -1 when the port is another worker's.
static inline int port_queue(const struct port *p, uint16_t worker, uint16_t workers)
{
	if (p->queues == workers)
		return worker;
	return worker == port_owner(p, workers) ? 0 : -1;
}

// Is that one of the port's own addresses; is it on link. IPv4 in network byte order.
static inline bool port_is_own(const struct port *p, uint32_t address)
{
	for (uint16_t i = 0; i < p->address_count; i++)
		if (p->address[i] == address)
			return true;
	return false;
}

static inline bool port_is_own6(const struct port *p, const uint8_t *address)
{
	if (memcmp(p->link_local, address, 16) == 0)
		return true;
	for (uint16_t i = 0; i < p->address6_count; i++)
		if (memcmp(p->address6[i], address, 16) == 0)
			return true;
	return false;
}

static inline bool port_on_link(const struct port *p, uint32_t address)
{
	for (uint16_t i = 0; i < p->address_count; i++)
		if ((address & p->mask[i]) == p->network[i])
			return true;
	return false;
}

// SPDX-License-Identifier: Apache-2.0
#pragma once

// The ports: Ethernet devices of DPDK, opened once at start by the clerk, or VLANs of one. Workers
// read them; the one thing that changes is `up`.
//
// Several ports may have the same device, each with its own VLAN ids. The first of them, the
// primary, opens it; its queues are those of all, and so is its link.
//
// Queues: a device that has a pair of queues for each worker gives each its own. Another one has a
// single pair, which belongs to one worker (ports are dealt out to the workers in turn); what
// other workers have for such a port goes to that worker (HANDOVER_TX).

#include "contract/config.h"
#include "contract/stats.h"

#include "dataplane/ip6.h"

#include <rte_ether.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct rte_mempool;

enum { PORT_INTERFACE = 16 }; // bytes: IF_NAMESIZE

struct port {
	uint16_t id;      // of the device in DPDK
	uint16_t index;   // in the config and in every table
	uint16_t primary; // index of the first port of the same device: its queues
	uint16_t mtu;     // bytes of an IP packet
	uint16_t queues;  // pairs in use: 1, or one for each worker
	bool spreads;     // the device chooses a queue by the L2TPv2 session id as well
	uint8_t side;     // enum port_side
	bool up;          // link; written by the clerk
	struct rte_ether_addr mac;
	uint16_t vlan[LIMIT_VLANS]; // ids, the outermost first
	uint16_t vlan_count;        // tags, 0 = untagged
	bool tagged;                // what the device receives is sorted by its tags (vlan.h)
	bool shared;                // the device has several ports: packets are counted here
	uint16_t address_count;
	uint32_t address[LIMIT_PORT_ADDRESSES]; // own, IPv4 in network byte order
	uint32_t network[LIMIT_PORT_ADDRESSES]; // on link, the same
	uint32_t mask[LIMIT_PORT_ADDRESSES];
	uint16_t address6_count;
	uint8_t address6[LIMIT_PORT_ADDRESSES][16]; // own, as on the wire
	uint8_t length6[LIMIT_PORT_ADDRESSES];      // bits of each one's network
	uint8_t link_local[16]; // own, of the Ethernet address (RFC 4291), 0 without IPv6
	char name[LIMIT_NAME];
	char interface[PORT_INTERFACE]; // of the kernel that it sits on, or empty
};

// Opens and starts one that has its device alone: MTU, queues, no promiscuous mode, no offloads.
// Logs what is wrong and what to do. Returns 0 or -errno.
int port_open(struct port *p, const struct config_port *c, uint16_t index, uint16_t workers,
	struct rte_mempool *pool);
void port_close(struct port *p);
// Opens all ports of a config; those of one device share it. *opened, 0 at first, says how many are
// open, also after an error. A device receives the multicast groups of its ports' IPv6 addresses:
// by a list, else all groups, else everything; the log says which. Returns 0 or -errno.
int ports_open(struct port *ports, uint16_t *opened, const struct config_port *c, uint16_t count,
	uint16_t workers, struct rte_mempool *pool);
// Its Ethernet address, and the link-local address that follows from it.
void port_set_mac(struct port *p, const struct rte_ether_addr *mac);
// Clerk, once a second: link and counters. True when the link has changed.
bool port_sample(struct port *p, struct stats_port *s);

// The worker whose queue 0 of the port is.
static inline uint16_t port_owner(const struct port *p, uint16_t workers)
{
	return p->primary % workers;
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

// Does it speak IPv6: it does where the config gives it an address.
static inline bool port_has6(const struct port *p)
{
	return p->address6_count > 0;
}

static inline bool port_is_own6(const struct port *p, const uint8_t *address)
{
	for (uint16_t i = 0; i < p->address6_count; i++)
		if (memcmp(p->address6[i], address, 16) == 0)
			return true;
	return port_has6(p) && memcmp(p->link_local, address, 16) == 0;
}

// Is it in the network of own address i.
static inline bool port_in_network6(const struct port *p, uint16_t i, const uint8_t *address)
{
	uint8_t bytes = p->length6[i] / 8, rest = p->length6[i] % 8;
	uint8_t mask = (uint8_t)(0xff00 >> rest);

	return memcmp(p->address6[i], address, bytes) == 0 &&
	       (rest == 0 || ((p->address6[i][bytes] ^ address[bytes]) & mask) == 0);
}

// Link-local ones are on link of every port (RFC 4861 section 5.2).
static inline bool port_on_link6(const struct port *p, const uint8_t *address)
{
	if (ip6_is_link_local(address))
		return true;
	for (uint16_t i = 0; i < p->address6_count; i++)
		if (port_in_network6(p, i, address))
			return true;
	return false;
}

// The own address from which a neighbour is asked: of the same network, else the link-local one.
static inline const uint8_t *port_source6(const struct port *p, const uint8_t *address)
{
	for (uint16_t i = 0; i < p->address6_count; i++)
		if (port_in_network6(p, i, address))
			return p->address6[i];
	return p->link_local;
}

static inline bool port_on_link(const struct port *p, uint32_t address)
{
	for (uint16_t i = 0; i < p->address_count; i++)
		if ((address & p->mask[i]) == p->network[i])
			return true;
	return false;
}

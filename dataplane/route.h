// SPDX-License-Identifier: Apache-2.0
#pragma once

// Routing, IPv4: a longest-prefix table (rte_fib) for each side. The subscriber side's routes the
// outer packets, to clients and LACs; the network side's routes the inner ones, to sessions and
// routers. So both sides may have a default route, and no inner packet leaves in the clear towards
// a client.
//
// In them: the ports' own addresses and networks, the config's static routes (each belongs to the
// side of the port that its gateway is on), and what ROUTE_ADD put in. The clerk writes, workers
// look up without a lock.

#include "contract/config.h"
#include "contract/messages.h"

#include "dataplane/port.h"

#include <stdint.h>

enum route_kind {
	ROUTE_NONE = 0,
	ROUTE_LOCAL = 1,     // an own address
	ROUTE_CONNECTED = 2, // on link of a port: the destination is the neighbour
	ROUTE_GATEWAY = 3,   // through a neighbour
	ROUTE_SESSION = 4,
};

struct route_hop {
	uint8_t kind;     // enum route_kind
	uint16_t port;    // ROUTE_CONNECTED, ROUTE_GATEWAY: index
	uint32_t gateway; // ROUTE_GATEWAY: IPv4 in network byte order
	uint32_t session; // ROUTE_SESSION: index
	const uint8_t
		*gateway6; // ROUTE_GATEWAY of routes_lookup6: as on the wire, until the round ends
};

enum { ROUTE_GATEWAYS = 1024 }; // different next hops

struct routes;
struct rte_rcu_qsbr;

// With the ports' own addresses and networks in it; there is room for that many static routes and
// host routes of sessions. NULL when memory does not suffice.
struct routes *routes_create(uint32_t statics, uint32_t sessions, const struct port *ports,
	uint16_t count, struct rte_rcu_qsbr *qsbr);
void routes_destroy(struct routes *r);

// The next two only before the workers start. A further own address of a side (IPv4 in network byte
// order): 0 or -errno.
int route_add_local(struct routes *r, enum port_side side, uint32_t address);
// A static route of the config: 0 or -errno, -ENETUNREACH when its gateway is on no port's network.
int route_add_static(struct routes *r, const struct config_route *c);
// ROUTE_ADD (that the session exists is the caller's check) and ROUTE_DELETE: as in messages.h, for
// the network side; while workers look.
int route_add(struct routes *r, const struct command_route *c);
int route_delete(struct routes *r, const struct command_route *c);
// All that ROUTE_ADD made.
void routes_clear(struct routes *r);

// Worker: count destinations in host byte order, at most BURST.
void routes_lookup(const struct routes *r, enum port_side side, uint32_t *to,
	struct route_hop *hops, uint16_t count);

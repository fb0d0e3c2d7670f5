// SPDX-License-Identifier: Apache-2.0
#pragma once

// Routing: a longest-prefix table (rte_fib, trie6.h) for each side and IP version. The subscriber
// side's routes the outer packets, to clients and LACs; the network side's routes the inner ones,
// to sessions and routers. So both sides may have a default route, and no inner packet leaves in
// the clear towards a client.
//
// In them: the ports' own addresses and networks, the config's static routes (each belongs to the
// side of the port that its gateway is on), and what ROUTE_ADD put in. The clerk writes, workers
// look up without a lock.

#include "contract/config.h"
#include "contract/messages.h"

#include "dataplane/port.h"

#include <rte_mbuf.h>
#include <stdbool.h>
#include <stdint.h>

enum route_kind {
	ROUTE_NONE = 0,
	ROUTE_LOCAL = 1,     // an own address
	ROUTE_CONNECTED = 2, // on link of a port: the destination is the neighbour
	ROUTE_GATEWAY = 3,   // through a neighbour
	ROUTE_SESSION = 4,
	ROUTE_SHARED = 5, // through one of several neighbours, each flow through one; network side
};

// One of the neighbours that share a route.
struct route_via {
	uint8_t address6[16]; // IPv6 as on the wire
	uint32_t address;     // IPv4 in network byte order
	uint16_t port;        // index
	uint16_t zero;
};

struct route_shared {
	uint8_t version; // enum ip_version, of all
	uint8_t count;   // 2 to CONFIG_HOPS
	uint16_t zero;
	struct route_via via[CONFIG_HOPS];
};

struct route_hop {
	uint8_t kind;     // enum route_kind
	uint16_t port;    // ROUTE_CONNECTED, ROUTE_GATEWAY: index
	uint32_t gateway; // ROUTE_GATEWAY: IPv4 in network byte order
	uint32_t session; // ROUTE_SESSION: index
	union {
		// ROUTE_GATEWAY of routes_lookup6: as on the wire, until the round ends.
		const uint8_t *gateway6;
		const struct route_shared *shared; // ROUTE_SHARED
	};
};

enum { ROUTE_GATEWAYS = 1024 }; // different next hops of each IP version

struct routes;
struct rte_rcu_qsbr;

// With the ports' own addresses and networks in it; there is room for that many static routes, and
// for that many routes to sessions of each IP version. NULL when memory does not suffice.
struct routes *routes_create(uint32_t statics, uint32_t sessions, const struct port *ports,
	uint16_t count, struct rte_rcu_qsbr *qsbr);
void routes_destroy(struct routes *r);

// The next three only before the workers start. A further own address of a side (IPv4 in network
// byte order, IPv6 as on the wire): 0 or -errno.
int route_add_local(struct routes *r, enum port_side side, uint32_t address);
int route_add_local6(struct routes *r, enum port_side side, const uint8_t *address);
// A static route of the config: 0 or -errno, -ENETUNREACH when a gateway is on no port's network,
// -EINVAL when several are not all of one version and on the network side.
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
// The same for IPv6 addresses as on the wire, of which there may be any number.
void routes_lookup6(const struct routes *r, enum port_side side, const uint8_t (*to)[16],
	struct route_hop *hops, uint16_t count);

// Worker: does the way back to that source, as on the wire, lead into this session (strict reverse
// path)?
bool routes_lead_to(const struct routes *r, uint32_t session, const uint8_t *source, bool six);

// Worker: what a burst knows about next hops that share routes.
struct route_share {
	const struct route_shared *of; // NULL at first
	uint8_t alive;                 // bit n: via[n]
};
struct worker;
// The one of the neighbours that a packet goes to. The same for all packets of a flow while that
// neighbour is alive: its port's link is up and it answers. When it is not, its flows alone go to
// others, until it is back. memory is for one burst.
const struct route_via *route_shared_via(struct worker *w, const struct route_shared *s,
	const struct rte_mbuf *m, struct route_share *memory);

// SPDX-License-Identifier: Apache-2.0
#pragma once

// What route.c (IPv4) and route6.c (IPv6) share: the tables, and the number that a table holds for
// a prefix: kind, who made it, and the session, the port or the gateway. Only these two files and
// route_shared.c include this header.

#include "dataplane/route.h"

#include <rte_rcu_qsbr.h>

enum {
	ROUTE_KIND_BITS = 3,
	ROUTE_KIND_MASK = (1 << ROUTE_KIND_BITS) - 1,
	ROUTE_BY_COMMAND = 1 << ROUTE_KIND_BITS, // made by ROUTE_ADD
	ROUTE_VALUE_SHIFT = ROUTE_KIND_BITS + 1,

	ROUTE_SPARE = 1024,  // own addresses, networks, and what ROUTE_ADD has for gateways
	ROUTE_GROUPS = 1024, // second-level groups (of 256 entries) at least
	ROUTE_SESSIONS_IN_A_GROUP = 16, // what we reckon with; pools fill them far better
};

struct rte_fib;
struct trie6;

struct gateway {
	uint32_t address; // IPv4 in network byte order
	uint16_t port;
	uint32_t users; // routes; 0 = free. Clerk only
};

struct gateway6 {
	uint8_t address[16];
	uint16_t port;
	uint32_t users; // routes; 0 = free. Clerk only
};

struct routes {
	struct rte_fib *outer; // subscriber side
	struct rte_fib *inner; // network side
	struct trie6 *outer6;  // the same; made with the first IPv6 route, NULL until then
	struct trie6 *inner6;  // atomic
	struct gateway gateway[ROUTE_GATEWAYS];
	struct gateway6 gateway6[ROUTE_GATEWAYS];
	struct route_shared *shared; // complete before the workers start
	uint32_t shared_count, shared_room;
	uint32_t key; // of the flows' hash
	const struct port *port;
	uint16_t ports;
	uint32_t statics, sessions; // what there is room for
	struct rte_rcu_qsbr *qsbr;
	uint64_t deleted; // token of the newest deletion, 0 = waited for
};

static inline uint64_t route_pack(enum route_kind kind, uint32_t value)
{
	return (uint64_t)value << ROUTE_VALUE_SHIFT | kind;
}

static inline uint32_t route_value(uint64_t packed)
{
	return (uint32_t)(packed >> ROUTE_VALUE_SHIFT);
}

static inline void route_unpack(
	const struct routes *r, uint64_t packed, bool six, struct route_hop *hop)
{
	uint32_t value = route_value(packed);

	*hop = (struct route_hop){.kind = packed & ROUTE_KIND_MASK};
	switch (hop->kind) {
	case ROUTE_CONNECTED:
		hop->port = (uint16_t)value;
		break;
	case ROUTE_GATEWAY:
		value %= ROUTE_GATEWAYS;
		hop->port = six ? r->gateway6[value].port : r->gateway[value].port;
		hop->gateway = six ? 0 : r->gateway[value].address;
		hop->gateway6 = six ? r->gateway6[value].address : NULL;
		break;
	case ROUTE_SHARED:
		hop->shared = &r->shared[value];
		break;
	case ROUTE_SESSION:
		hop->session = value;
		break;
	}
}

// Before anything that a deletion gave free is used again.
static inline void routes_settle(struct routes *r)
{
	if (!r->deleted)
		return;
	rte_rcu_qsbr_check(r->qsbr, r->deleted, true);
	r->deleted = 0;
}

// route_shared.c. The index of a group of next hops, one that is there already where there is: for
// a static route with several via of one version. -errno: -EINVAL when they are not all on the
// network side, -ENETUNREACH when one is on no port's network, -ENOMEM.
int route_shared_take(struct routes *r, const struct config_route *c);

// route6.c: the IPv6 half of what route.h says.
int routes6_add_port(struct routes *r, const struct port *p);
int route6_add_static(struct routes *r, const struct config_route *c);
int route6_add(struct routes *r, const struct command_route *c);
int route6_delete(struct routes *r, const struct command_route *c);
void routes6_clear(struct routes *r);
void routes6_destroy(struct routes *r);

// The port on whose network a gateway is, or NULL; a link-local one is on the port of that name.
const struct port *route_port_towards(const struct routes *r, uint32_t gateway);
const struct port *route6_port_towards(
	const struct routes *r, const uint8_t *gateway, const char *name);

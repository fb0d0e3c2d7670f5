// SPDX-License-Identifier: Apache-2.0

// Two rte_fib tables for IPv4, one for each side (see route.h); the inner one, with a route for
// each session, is of the DIR-24-8 kind. The outer one is complete before the workers start. What a
// table holds for a prefix is one number (route_table.h). IPv6 is in route6.c, routes with several
// next hops in route_shared.c.
//
// Readers are safe while the clerk writes: every word of the tables is read and written whole, and
// the number 0 means no route. The one thing that needs a grace period is reuse: rte_fib gives a
// second-level group free as soon as its last host route is gone, while a worker may still hold the
// way to it. So after a deletion the clerk lets all workers pass a quiescent state before it adds
// anything. The same protects the entries of the gateway table.

#include "dataplane/route_table.h"

#include "dataplane/table.h"
#include "dataplane/worker.h"

#include <errno.h>
#include <rte_byteorder.h>
#include <rte_fib.h>
#include <rte_malloc.h>
#include <rte_rib.h>
#include <stdlib.h>
#include <sys/random.h>

static struct rte_fib *fib_of(const struct routes *r, enum port_side side)
{
	return side == SIDE_SUBSCRIBER ? r->outer : r->inner;
}

static bool find(struct rte_fib *fib, uint32_t address, uint8_t length, uint64_t *hop)
{
	struct rte_rib_node *node = rte_rib_lookup_exact(rte_fib_get_rib(fib), address, length);

	return node && rte_rib_get_nh(node, hop) == 0;
}

static int add(
	struct routes *r, struct rte_fib *fib, uint32_t address, uint8_t length, uint64_t hop)
{
	uint64_t old;

	if (find(fib, address, length, &old))
		return -EEXIST;
	routes_settle(r);
	return rte_fib_add(fib, address, length, hop);
}

static int gateway_take(struct routes *r, uint32_t address, uint16_t port)
{
	int unused = -ENOSPC;

	for (int i = 0; i < ROUTE_GATEWAYS; i++) {
		struct gateway *g = &r->gateway[i];

		if (g->users && g->address == address && g->port == port) {
			g->users++;
			return i;
		}
		if (!g->users && unused < 0)
			unused = i;
	}
	if (unused < 0)
		return unused;
	routes_settle(r);
	r->gateway[unused] = (struct gateway){.address = address, .port = port, .users = 1};
	return unused;
}

static void gateway_release(struct routes *r, uint64_t hop)
{
	if ((hop & ROUTE_KIND_MASK) == ROUTE_GATEWAY)
		r->gateway[route_value(hop) % ROUTE_GATEWAYS].users--;
}

static int remove_route(struct routes *r, uint32_t address, uint8_t length, uint64_t hop)
{
	int error = rte_fib_delete(r->inner, address, length);

	if (error < 0)
		return error;
	gateway_release(r, hop);
	r->deleted = rte_rcu_qsbr_start(r->qsbr);
	return 0;
}

// Few routes, and none that comes or goes while workers look: the tree itself is the fastest then,
// since it stays in the cache, and takes no memory.
static struct rte_fib *create_outer(uint32_t routes)
{
	struct rte_fib_conf conf = {
		.type = RTE_FIB_DUMMY,
		.default_nh = ROUTE_NONE,
		.max_routes = (int)routes,
	};

	return rte_fib_create("outer", SOCKET_ID_ANY, &conf);
}

static struct rte_fib *create_inner(uint32_t routes, uint32_t sessions)
{
	struct rte_fib_conf conf = {
		.type = RTE_FIB_DIR24_8,
		.default_nh = ROUTE_NONE,
		.max_routes = (int)(routes + sessions),
		.dir24_8 = {.nh_sz = RTE_FIB_DIR24_8_4B,
			.num_tbl8 = ROUTE_GROUPS + sessions / ROUTE_SESSIONS_IN_A_GROUP},
	};

	return rte_fib_create("inner", SOCKET_ID_ANY, &conf);
}

int route_add_local(struct routes *r, enum port_side side, uint32_t address)
{
	int error =
		add(r, fib_of(r, side), rte_be_to_cpu_32(address), 32, route_pack(ROUTE_LOCAL, 0));

	return error == -EEXIST ? 0 : error;
}

static int add_port(struct routes *r, const struct port *p)
{
	for (uint16_t i = 0; i < p->address_count; i++) {
		int error = route_add_local(r, p->side, p->address[i]);

		if (error == 0 && p->mask[i] != UINT32_MAX)
			error = add(r, fib_of(r, p->side), rte_be_to_cpu_32(p->network[i]),
				(uint8_t)__builtin_popcount(p->mask[i]),
				route_pack(ROUTE_CONNECTED, p->index));
		if (error < 0 && error != -EEXIST)
			return error;
	}
	return routes6_add_port(r, p);
}

struct routes *routes_create(uint32_t statics, uint32_t sessions, const struct port *ports,
	uint16_t count, struct rte_rcu_qsbr *qsbr)
{
	struct routes *r = table_alloc(sizeof(*r));
	int error = 0;

	if (!r)
		return NULL;
	r->port = ports;
	r->ports = count;
	if (getrandom(&r->key, sizeof(r->key), 0) != sizeof(r->key)) {
		table_free(r);
		return NULL;
	}
	r->statics = statics;
	r->sessions = sessions;
	r->qsbr = qsbr;
	r->outer = create_outer(statics + ROUTE_SPARE);
	r->inner = create_inner(statics + ROUTE_SPARE, sessions);
	for (uint16_t i = 0; r->outer && r->inner && error == 0 && i < count; i++)
		error = add_port(r, &ports[i]);
	if (!r->outer || !r->inner || error < 0) {
		routes_destroy(r);
		return NULL;
	}
	return r;
}

void routes_destroy(struct routes *r)
{
	rte_fib_free(r->outer);
	rte_fib_free(r->inner);
	routes6_destroy(r);
	rte_free(r->shared);
	table_free(r);
}

const struct port *route_port_towards(const struct routes *r, uint32_t gateway)
{
	for (uint16_t i = 0; i < r->ports; i++)
		if (port_on_link(&r->port[i], gateway) && !port_is_own(&r->port[i], gateway))
			return &r->port[i];
	return NULL;
}

static int add_gateway(
	struct routes *r, const struct ip_prefix *to, const struct ip_address *via, uint64_t flags)
{
	uint32_t gateway = rte_cpu_to_be_32(address_to_u32(via));
	const struct port *p = route_port_towards(r, gateway);
	int index, error;

	if (!p || ((flags & ROUTE_BY_COMMAND) && p->side == SIDE_SUBSCRIBER))
		return -ENETUNREACH;
	index = gateway_take(r, gateway, p->index);
	if (index < 0)
		return index;
	error = add(r, fib_of(r, p->side), address_to_u32(&to->address), to->length,
		route_pack(ROUTE_GATEWAY, (uint32_t)index) | flags);
	if (error < 0)
		gateway_release(r, route_pack(ROUTE_GATEWAY, (uint32_t)index));
	return error;
}

static bool prefix_is_v4(const struct ip_prefix *p)
{
	uint32_t address = address_to_u32(&p->address);

	return p->address.version == IP_V4 && p->length <= 32 &&
	       (p->length == 32 || (uint32_t)((uint64_t)address << p->length) == 0);
}

int route_add_static(struct routes *r, const struct config_route *c)
{
	int group;

	if (c->to.address.version == IP_V6)
		return route6_add_static(r, c);
	if (!prefix_is_v4(&c->to) || c->via[0].version != IP_V4)
		return -EINVAL;
	if (c->via_count == 1)
		return add_gateway(r, &c->to, &c->via[0], 0);
	group = route_shared_take(r, c);
	if (group < 0)
		return group;
	return add(r, r->inner, address_to_u32(&c->to.address), c->to.length,
		route_pack(ROUTE_SHARED, (uint32_t)group));
}

int route_add(struct routes *r, const struct command_route *c)
{
	int error;

	if (c->prefix.address.version == IP_V6)
		return route6_add(r, c);
	if (!prefix_is_v4(&c->prefix))
		return -EINVAL;
	if (c->kind == NEXT_HOP_SESSION) {
		if (c->session >= LIMIT_SESSIONS)
			return -EINVAL;
		return add(r, r->inner, address_to_u32(&c->prefix.address), c->prefix.length,
			route_pack(ROUTE_SESSION, c->session) | ROUTE_BY_COMMAND);
	}
	if (c->kind != NEXT_HOP_GATEWAY || c->gateway.version != IP_V4)
		return -EINVAL;
	error = add_gateway(r, &c->prefix, &c->gateway, ROUTE_BY_COMMAND);
	return error == -ENETUNREACH ? -EINVAL : error;
}

int route_delete(struct routes *r, const struct command_route *c)
{
	uint32_t address = address_to_u32(&c->prefix.address);
	uint64_t hop;

	if (c->prefix.address.version == IP_V6)
		return route6_delete(r, c);
	if (!prefix_is_v4(&c->prefix))
		return -EINVAL;
	if (!find(r->inner, address, c->prefix.length, &hop) || !(hop & ROUTE_BY_COMMAND))
		return -ENOENT;
	if (c->kind == NEXT_HOP_SESSION &&
		hop != (route_pack(ROUTE_SESSION, c->session) | ROUTE_BY_COMMAND))
		return -ENOENT;
	return remove_route(r, address, c->prefix.length, hop);
}

// One that ROUTE_ADD made, from node on in the order of the tree; NULL when there is none.
static struct rte_rib_node *next_by_command(struct rte_rib *rib, struct rte_rib_node *node)
{
	uint64_t hop;

	while ((node = rte_rib_get_nxt(rib, 0, 0, node, RTE_RIB_GET_NXT_ALL)))
		if (rte_rib_get_nh(node, &hop) == 0 && (hop & ROUTE_BY_COMMAND))
			return node;
	return NULL;
}

void routes_clear(struct routes *r)
{
	struct rte_rib *rib = rte_fib_get_rib(r->inner);
	struct rte_rib_node *node = next_by_command(rib, NULL);
	uint32_t address;
	uint8_t length;
	uint64_t hop;

	routes6_clear(r);
	while (node) {
		// The successor is found before its predecessor's node is gone.
		struct rte_rib_node *next = next_by_command(rib, node);

		rte_rib_get_ip(node, &address);
		rte_rib_get_depth(node, &length);
		rte_rib_get_nh(node, &hop);
		remove_route(r, address, length, hop);
		node = next;
	}
	// The walk goes through what is below 0.0.0.0/0, not through it.
	if (find(r->inner, 0, 0, &hop) && (hop & ROUTE_BY_COMMAND))
		remove_route(r, 0, 0, hop);
}

void routes_lookup(const struct routes *r, enum port_side side, uint32_t *to,
	struct route_hop *hops, uint16_t count)
{
	uint64_t packed[BURST];

	rte_fib_lookup_bulk(fib_of(r, side), to, packed, count);
	for (uint16_t i = 0; i < count; i++)
		route_unpack(r, packed[i], false, &hops[i]);
}

bool routes_lead_to(const struct routes *r, uint32_t session, const uint8_t *source, bool six)
{
	struct route_hop hop;
	uint8_t address[1][16];
	uint32_t to;

	if (six) {
		memcpy(address[0], source, sizeof(address[0]));
		routes_lookup6(r, SIDE_NETWORK, address, &hop, 1);
	} else {
		to = (uint32_t)source[0] << 24 | (uint32_t)source[1] << 16 | source[2] << 8 |
		     source[3];
		routes_lookup(r, SIDE_NETWORK, &to, &hop, 1);
	}
	return hop.kind == ROUTE_SESSION && hop.session == session;
}

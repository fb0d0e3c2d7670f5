// SPDX-License-Identifier: Apache-2.0

// The IPv6 half of the routing tables (see route.h and route.c): two rte_fib6 tables. Each is made
// with the first route that belongs into it, so a gateway without IPv6 pays nothing.
//
// Reuse needs a grace period here as it does in route.c, and the same one serves both.

#include "dataplane/route_table.h"

#include "dataplane/worker.h"

#include <errno.h>
#include <rte_byteorder.h>
#include <rte_fib6.h>
#include <rte_malloc.h>
#include <rte_rib6.h>
#include <string.h>

enum { GROUPS_OF_A_ROUTE = 5 }; // a /64 below nothing: what rte_fib6 reserves for each

// Few routes, complete before the workers start: the tree itself serves best (see create_outer).
static struct rte_fib6 *create_outer(const struct routes *r)
{
	struct rte_fib6_conf conf = {
		.type = RTE_FIB6_DUMMY,
		.default_nh = ROUTE_NONE,
		.max_routes = (int)(r->statics + ROUTE_SPARE),
	};

	return rte_fib6_create("outer6", SOCKET_ID_ANY, &conf);
}

static struct rte_fib6 *create_inner(const struct routes *r)
{
	struct rte_fib6_conf conf = {
		.type = RTE_FIB6_TRIE,
		.default_nh = ROUTE_NONE,
		.max_routes = (int)(r->statics + ROUTE_SPARE + r->sessions),
		.trie = {.nh_sz = RTE_FIB6_TRIE_4B,
			.num_tbl8 = ROUTE_GROUPS + r->sessions * GROUPS_OF_A_ROUTE},
	};

	return rte_fib6_create("inner6", SOCKET_ID_ANY, &conf);
}

// The table of a side, made if it is not there. NULL when memory does not suffice.
static struct rte_fib6 *fib_for(struct routes *r, enum port_side side)
{
	struct rte_fib6 *fib = side == SIDE_SUBSCRIBER ? r->outer6 : r->inner6;

	if (fib)
		return fib;
	if (side == SIDE_SUBSCRIBER)
		return r->outer6 = create_outer(r);
	fib = create_inner(r);
	__atomic_store_n(&r->inner6, fib, __ATOMIC_RELEASE);
	return fib;
}

void routes6_destroy(struct routes *r)
{
	rte_fib6_free(r->outer6);
	rte_fib6_free(r->inner6);
}

static bool find(struct rte_fib6 *fib, const uint8_t *address, uint8_t length, uint64_t *hop)
{
	struct rte_rib6_node *node = rte_rib6_lookup_exact(rte_fib6_get_rib(fib), address, length);

	return node && rte_rib6_get_nh(node, hop) == 0;
}

static int add(
	struct routes *r, enum port_side side, const uint8_t *address, uint8_t length, uint64_t hop)
{
	struct rte_fib6 *fib = fib_for(r, side);
	uint64_t old;

	if (!fib)
		return -ENOMEM;
	if (find(fib, address, length, &old))
		return -EEXIST;
	routes_settle(r);
	return rte_fib6_add(fib, address, length, hop);
}

static int gateway_take(struct routes *r, const uint8_t *address, uint16_t port)
{
	int unused = -ENOSPC;

	for (int i = 0; i < ROUTE_GATEWAYS; i++) {
		struct gateway6 *g = &r->gateway6[i];

		if (g->users && memcmp(g->address, address, 16) == 0 && g->port == port) {
			g->users++;
			return i;
		}
		if (!g->users && unused < 0)
			unused = i;
	}
	if (unused < 0)
		return unused;
	routes_settle(r);
	r->gateway6[unused] = (struct gateway6){.port = port, .users = 1};
	memcpy(r->gateway6[unused].address, address, 16);
	return unused;
}

static void gateway_release(struct routes *r, uint64_t hop)
{
	if ((hop & ROUTE_KIND_MASK) == ROUTE_GATEWAY)
		r->gateway6[route_value(hop) % ROUTE_GATEWAYS].users--;
}

static int remove_route(struct routes *r, const uint8_t *address, uint8_t length, uint64_t hop)
{
	int error = rte_fib6_delete(r->inner6, address, length);

	if (error < 0)
		return error;
	gateway_release(r, hop);
	r->deleted = rte_rcu_qsbr_start(r->qsbr);
	return 0;
}

// The address with everything beyond its first bits zero.
static void network_of(const uint8_t *address, uint8_t length, uint8_t *out)
{
	memset(out, 0, 16);
	memcpy(out, address, length / 8);
	if (length % 8)
		out[length / 8] = address[length / 8] & (uint8_t)(0xff00 >> length % 8);
}

static bool prefix_is_v6(const struct ip_prefix *p)
{
	uint8_t network[16];

	if (p->address.version != IP_V6 || p->length > 128)
		return false;
	network_of(p->address.bytes, p->length, network);
	return memcmp(network, p->address.bytes, sizeof(network)) == 0;
}

int route_add_local6(struct routes *r, enum port_side side, const uint8_t *address)
{
	int error = add(r, side, address, 128, route_pack(ROUTE_LOCAL, 0));

	return error == -EEXIST ? 0 : error;
}

int routes6_add_port(struct routes *r, const struct port *p)
{
	uint8_t network[16];

	for (uint16_t i = 0; i < p->address6_count; i++) {
		int error = route_add_local6(r, p->side, p->address6[i]);

		network_of(p->address6[i], p->length6[i], network);
		if (error == 0 && p->length6[i] < 128)
			error = add(r, p->side, network, p->length6[i],
				route_pack(ROUTE_CONNECTED, p->index));
		if (error < 0 && error != -EEXIST)
			return error;
	}
	return 0;
}

static bool is_link_local(const uint8_t *address)
{
	return address[0] == 0xfe && (address[1] & 0xc0) == 0x80;
}

static bool on_link(const struct port *p, const uint8_t *address)
{
	uint8_t one[16], other[16];

	for (uint16_t i = 0; i < p->address6_count; i++) {
		network_of(p->address6[i], p->length6[i], one);
		network_of(address, p->length6[i], other);
		if (memcmp(one, other, sizeof(one)) == 0)
			return true;
	}
	return false;
}

const struct port *route6_port_towards(
	const struct routes *r, const uint8_t *gateway, const char *name)
{
	for (uint16_t i = 0; i < r->ports; i++) {
		const struct port *p = &r->port[i];
		bool there =
			is_link_local(gateway) ? strcmp(p->name, name) == 0 : on_link(p, gateway);

		if (there && !port_is_own6(p, gateway))
			return p;
	}
	return NULL;
}

static int add_gateway(struct routes *r, const struct ip_prefix *to, const struct ip_address *via,
	const char *name, uint64_t flags)
{
	const struct port *p = route6_port_towards(r, via->bytes, name);
	int index, error;

	if (!p || ((flags & ROUTE_BY_COMMAND) && p->side == SIDE_SUBSCRIBER))
		return -ENETUNREACH;
	index = gateway_take(r, via->bytes, p->index);
	if (index < 0)
		return index;
	error = add(r, p->side, to->address.bytes, to->length,
		route_pack(ROUTE_GATEWAY, (uint32_t)index) | flags);
	if (error < 0)
		gateway_release(r, route_pack(ROUTE_GATEWAY, (uint32_t)index));
	return error;
}

int route6_add_static(struct routes *r, const struct config_route *c)
{
	int group;

	if (!prefix_is_v6(&c->to) || c->via[0].version != IP_V6)
		return -EINVAL;
	if (c->via_count == 1)
		return add_gateway(r, &c->to, &c->via[0], c->port, 0);
	group = route_shared_take(r, c);
	if (group < 0)
		return group;
	return add(r, SIDE_NETWORK, c->to.address.bytes, c->to.length,
		route_pack(ROUTE_SHARED, (uint32_t)group));
}

int route6_add(struct routes *r, const struct command_route *c)
{
	int error;

	if (!prefix_is_v6(&c->prefix))
		return -EINVAL;
	if (c->kind == NEXT_HOP_SESSION) {
		if (c->session >= LIMIT_SESSIONS)
			return -EINVAL;
		return add(r, SIDE_NETWORK, c->prefix.address.bytes, c->prefix.length,
			route_pack(ROUTE_SESSION, c->session) | ROUTE_BY_COMMAND);
	}
	if (c->kind != NEXT_HOP_GATEWAY || c->gateway.version != IP_V6)
		return -EINVAL;
	error = add_gateway(r, &c->prefix, &c->gateway, "", ROUTE_BY_COMMAND);
	return error == -ENETUNREACH ? -EINVAL : error;
}

int route6_delete(struct routes *r, const struct command_route *c)
{
	uint64_t hop;

	if (!prefix_is_v6(&c->prefix))
		return -EINVAL;
	if (!r->inner6 || !find(r->inner6, c->prefix.address.bytes, c->prefix.length, &hop) ||
		!(hop & ROUTE_BY_COMMAND))
		return -ENOENT;
	return remove_route(r, c->prefix.address.bytes, c->prefix.length, hop);
}

// One that ROUTE_ADD made, from node on in the order of the tree; NULL when there is none.
static struct rte_rib6_node *next_by_command(struct rte_rib6 *rib, struct rte_rib6_node *node)
{
	static const uint8_t any[16];
	uint64_t hop;

	while ((node = rte_rib6_get_nxt(rib, any, 0, node, RTE_RIB6_GET_NXT_ALL)))
		if (rte_rib6_get_nh(node, &hop) == 0 && (hop & ROUTE_BY_COMMAND))
			return node;
	return NULL;
}

void routes6_clear(struct routes *r)
{
	static const uint8_t any[16];
	struct rte_rib6_node *node;
	struct rte_rib6 *rib;
	uint8_t address[16], length;
	uint64_t hop;

	if (!r->inner6)
		return;
	rib = rte_fib6_get_rib(r->inner6);
	node = next_by_command(rib, NULL);
	while (node) {
		// The successor is found before its predecessor's node is gone.
		struct rte_rib6_node *next = next_by_command(rib, node);

		rte_rib6_get_ip(node, address);
		rte_rib6_get_depth(node, &length);
		rte_rib6_get_nh(node, &hop);
		remove_route(r, address, length, hop);
		node = next;
	}
	// The walk goes through what is below ::/0, not through it.
	if (find(r->inner6, any, 0, &hop) && (hop & ROUTE_BY_COMMAND))
		remove_route(r, any, 0, hop);
}

static void unpack(const struct routes *r, uint64_t packed, struct route_hop *hop)
{
	uint32_t value = route_value(packed);

	*hop = (struct route_hop){.kind = packed & ROUTE_KIND_MASK};
	switch (hop->kind) {
	case ROUTE_CONNECTED:
		hop->port = (uint16_t)value;
		break;
	case ROUTE_GATEWAY:
		hop->port = r->gateway6[value % ROUTE_GATEWAYS].port;
		hop->gateway6 = r->gateway6[value % ROUTE_GATEWAYS].address;
		break;
	case ROUTE_SHARED:
		hop->shared = &r->shared[value];
		break;
	case ROUTE_SESSION:
		hop->session = value;
		break;
	}
}

void routes_lookup6(const struct routes *r, enum port_side side, const uint8_t (*to)[16],
	struct route_hop *hops, uint16_t count)
{
	struct rte_fib6 *fib =
		side == SIDE_SUBSCRIBER ? r->outer6 : __atomic_load_n(&r->inner6, __ATOMIC_ACQUIRE);
	uint64_t packed[BURST] = {0};

	// It does not write to the addresses, it only does not say so.
	if (fib)
		rte_fib6_lookup_bulk(fib, (uint8_t(*)[16])(uintptr_t)to, packed, count);
	for (uint16_t i = 0; i < count; i++)
		unpack(r, packed[i], &hops[i]);
}

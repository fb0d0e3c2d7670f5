// SPDX-License-Identifier: Apache-2.0

// The IPv6 half of the routing tables (see route.h and route.c): two tables of the kind of trie6.h,
// each made with the first route that belongs into it, so a gateway without IPv6 pays nothing.
//
// The inner one has room for a prefix for each session. Those come from pools, so they lie side by
// side: a group of 256 words is reckoned with for 16 of them. 16,384 sessions take 10 MiB, a
// million 470 MiB, of which 380 are the tree that only the clerk looks at. A lookup of a /64 reads
// seven words, of which the pools share all but the last two; a packet to the network mostly reads
// two.
//
// Reuse needs a grace period here as it does in route.c, and the same one serves both.

#include "dataplane/route_table.h"

#include "dataplane/ip6.h"
#include "dataplane/trie6.h"

#include <errno.h>
#include <string.h>

static struct trie6 *create_inner(const struct routes *r)
{
	return trie6_create("inner6", r->statics + ROUTE_SPARE + r->sessions,
		ROUTE_GROUPS + r->sessions / ROUTE_SESSIONS_IN_A_GROUP);
}

// The table of a side, made if it is not there. NULL when memory does not suffice.
static struct trie6 *table_for(struct routes *r, enum port_side side)
{
	struct trie6 *t = side == SIDE_SUBSCRIBER ? r->outer6 : r->inner6;

	if (t)
		return t;
	if (side == SIDE_SUBSCRIBER)
		return r->outer6 = trie6_create("outer6", r->statics + ROUTE_SPARE, ROUTE_GROUPS);
	t = create_inner(r);
	__atomic_store_n(&r->inner6, t, __ATOMIC_RELEASE);
	return t;
}

void routes6_destroy(struct routes *r)
{
	trie6_destroy(r->outer6);
	trie6_destroy(r->inner6);
}

static int add(
	struct routes *r, enum port_side side, const uint8_t *address, uint8_t length, uint64_t hop)
{
	struct trie6 *t = table_for(r, side);

	if (!t)
		return -ENOMEM;
	routes_settle(r);
	return trie6_add(t, address, length, (uint32_t)hop);
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

static void gateway_release(void *routes, uint32_t hop)
{
	struct routes *r = routes;

	if ((hop & ROUTE_KIND_MASK) == ROUTE_GATEWAY)
		r->gateway6[route_value(hop) % ROUTE_GATEWAYS].users--;
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

const struct port *route6_port_towards(
	const struct routes *r, const uint8_t *gateway, const char *name)
{
	for (uint16_t i = 0; i < r->ports; i++) {
		const struct port *p = &r->port[i];
		bool there = ip6_is_link_local(gateway) ? strcmp(p->name, name) == 0
							: port_on_link6(p, gateway);

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
		gateway_release(r, (uint32_t)route_pack(ROUTE_GATEWAY, (uint32_t)index));
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
	const uint8_t *address = c->prefix.address.bytes;
	uint32_t hop;

	if (!prefix_is_v6(&c->prefix))
		return -EINVAL;
	if (!r->inner6 || !trie6_find(r->inner6, address, c->prefix.length, &hop) ||
		!(hop & ROUTE_BY_COMMAND))
		return -ENOENT;
	if (c->kind == NEXT_HOP_SESSION &&
		hop != (route_pack(ROUTE_SESSION, c->session) | ROUTE_BY_COMMAND))
		return -ENOENT;
	trie6_delete(r->inner6, address, c->prefix.length);
	gateway_release(r, hop);
	r->deleted = rte_rcu_qsbr_start(r->qsbr);
	return 0;
}

void routes6_clear(struct routes *r)
{
	if (!r->inner6)
		return;
	trie6_delete_all(r->inner6, ROUTE_BY_COMMAND, gateway_release, r);
	r->deleted = rte_rcu_qsbr_start(r->qsbr);
}

void routes_lookup6(const struct routes *r, enum port_side side, const uint8_t (*to)[16],
	struct route_hop *hops, uint16_t count)
{
	const struct trie6 *t =
		side == SIDE_SUBSCRIBER ? r->outer6 : __atomic_load_n(&r->inner6, __ATOMIC_ACQUIRE);

	for (uint16_t i = 0; i < count; i++)
		route_unpack(r, t ? trie6_lookup(t, to[i]) : ROUTE_NONE, true, &hops[i]);
}

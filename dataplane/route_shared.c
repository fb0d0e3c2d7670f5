// SPDX-License-Identifier: Apache-2.0

// Next hops that share a route (equal-cost multi-path). Groups come from the config alone, so they
// are complete before the workers start.
//
// Which one a flow takes is the highest of the numbers that its hash gives for each next hop that
// is alive (RFC 2991 section 3): when one dies, no flow but its own moves, and when it is back, no
// flow but those moves again. A next hop is looked up in the neighbour table once for each burst,
// which also keeps it from being forgotten. One that nobody has asked for yet is alive: the packet
// that goes there has the clerk ask. While that lasts, those that have answered are preferred.

#include "dataplane/route_table.h"

#include "dataplane/flow.h"
#include "dataplane/neighbour.h"
#include "dataplane/worker.h"

#include <errno.h>
#include <rte_byteorder.h>
#include <rte_malloc.h>
#include <string.h>

static int via_read(const struct routes *r, const struct ip_address *via, const char *name,
	struct route_via *out)
{
	const struct port *p;

	memset(out, 0, sizeof(*out)); // groups compare with memcmp
	if (via->version == IP_V4) {
		out->address = rte_cpu_to_be_32(address_to_u32(via));
		p = route_port_towards(r, out->address);
	} else {
		memcpy(out->address6, via->bytes, sizeof(out->address6));
		p = route6_port_towards(r, via->bytes, name);
	}
	if (!p)
		return -ENETUNREACH;
	out->port = p->index;
	return p->side == SIDE_NETWORK ? 0 : -EINVAL;
}

static int enter(struct routes *r, const struct route_shared *s)
{
	for (uint32_t i = 0; i < r->shared_count; i++)
		if (memcmp(&r->shared[i], s, sizeof(*s)) == 0)
			return (int)i;
	if (r->shared_count == r->shared_room) {
		uint32_t room = r->shared_room ? 2 * r->shared_room : 8;
		void *more = rte_realloc(r->shared, room * sizeof(*s), RTE_CACHE_LINE_SIZE);

		if (!more)
			return -ENOMEM;
		r->shared = more;
		r->shared_room = room;
	}
	memcpy(&r->shared[r->shared_count], s, sizeof(*s));
	return (int)r->shared_count++;
}

int route_shared_take(struct routes *r, const struct config_route *c)
{
	struct route_shared s;

	if (c->via_count < 2 || c->via_count > CONFIG_HOPS)
		return -EINVAL;
	memset(&s, 0, sizeof(s));
	s.version = c->via[0].version;
	for (; s.count < c->via_count; s.count++) {
		const struct ip_address *via = &c->via[s.count];
		int error = via->version == s.version ? via_read(r, via, c->port, &s.via[s.count])
						      : -EINVAL;

		if (error < 0)
			return error;
	}
	return enter(r, &s);
}

// ---- worker

static enum neighbour_state state_of(
	struct worker *w, const struct route_shared *s, const struct route_via *via)
{
	struct rte_ether_addr mac;

	if (s->version == IP_V6)
		return neighbour_get6(w->neighbours, via->port, via->address6, &mac);
	return neighbour_get(w->neighbours, via->port, via->address, &mac);
}

// A bit for each next hop that a flow may take: never none.
static uint8_t alive(struct worker *w, const struct route_shared *s)
{
	uint8_t ready = 0, unknown = 0, asked = 0, up = 0;

	for (uint8_t i = 0; i < s->count; i++) {
		uint8_t bit = (uint8_t)(1U << i);

		if (!__atomic_load_n(&w->port[s->via[i].port].up, __ATOMIC_RELAXED))
			continue;
		up |= bit;
		switch (state_of(w, s, &s->via[i])) {
		case NEIGHBOUR_READY:
			ready |= bit;
			break;
		case NEIGHBOUR_ASKED:
			asked |= bit;
			break;
		case NEIGHBOUR_UNKNOWN:
			unknown |= bit;
			break;
		default:
			break;
		}
	}
	if (ready | unknown)
		return ready | unknown;
	if (asked)
		return asked;
	return up ? up : 1; // the packet is dropped by the name of what is wrong there
}

// Of a flow and a next hop, so that each next hop has the highest for as many flows.
static uint32_t rank(uint32_t hash, uint32_t at)
{
	uint64_t x = (hash + (uint64_t)(at + 1) * 0x9e3779b97f4a7c15) * 0xd6e8feb86659fd93;

	return (uint32_t)((x ^ x >> 32) * 0xd6e8feb86659fd93 >> 32);
}

const struct route_via *route_shared_via(struct worker *w, const struct route_shared *s,
	const struct rte_mbuf *m, struct route_share *memory)
{
	uint32_t hash, best = 0, highest = 0;
	struct flow flow;

	if (memory->of != s) {
		memory->of = s;
		memory->alive = alive(w, s);
	}
	(void)flow_read(rte_pktmbuf_mtod(m, const uint8_t *), m->data_len, &flow);
	hash = flow_hash(&flow, w->routes->key);
	for (uint32_t i = 0; i < s->count; i++) {
		uint32_t r = rank(hash, i);

		if (memory->alive & 1U << i && r >= highest) {
			highest = r;
			best = i;
		}
	}
	return &s->via[best];
}

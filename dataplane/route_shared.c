// SPDX-License-Identifier: Apache-2.0

// Next hops that share a route (RFC 2992 calls it equal-cost multi-path). Groups come from the
// config alone, so they are complete before the workers start.

#include "dataplane/route_table.h"

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

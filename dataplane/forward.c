// SPDX-License-Identifier: Apache-2.0

// Routing and the time to live (RFC 1812 sections 5.2.1 and 5.3.1), for inner packets of both
// directions: where each goes, and one hop less. Packets for an own address are not forwarded and
// keep their TTL.

#include "dataplane/checksum.h"
#include "dataplane/route.h"
#include "dataplane/session.h"
#include "dataplane/stage.h"

#include <rte_icmp.h>
#include <rte_prefetch.h>

enum {
	ICMP_EXCEEDED = 11, // time exceeded, code 0: in transit (RFC 792)
	MULTICAST = 0xe0000000,
};

static void place(
	struct worker *w, struct rte_mbuf *m, const struct route_hop *hop, struct routed *out)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);
	struct meta *meta = meta_of(m);

	switch (hop->kind) {
	case ROUTE_LOCAL:
		out->local[out->local_count++] = m;
		return;
	case ROUTE_SESSION:
		meta->session = hop->session;
		meta->sa = NULL; // what it came in on, if it did
		meta->tunnel = NULL;
		rte_prefetch0(&w->tables->session[hop->session].downlink);
		rte_prefetch0(&w->session_stats[hop->session].downlink);
		out->session[out->session_count++] = m;
		return;
	case ROUTE_CONNECTED:
	case ROUTE_GATEWAY:
		meta->out_port = (uint8_t)hop->port;
		meta->next_hop = hop->kind == ROUTE_GATEWAY ? hop->gateway : ip->dst_addr;
		out->network[out->network_count++] = m;
		return;
	default:
		packet_drop(w, m, DROP_ROUTE_NONE);
	}
}

void route(struct worker *w, struct rte_mbuf **m, uint16_t count, struct routed *out)
{
	struct route_hop hops[BURST];
	uint32_t to[BURST];

	out->session_count = 0;
	out->network_count = 0;
	out->local_count = 0;
	if (count == 0)
		return;
	for (uint16_t i = 0; i < count; i++)
		to[i] = rte_be_to_cpu_32(
			rte_pktmbuf_mtod(m[i], const struct rte_ipv4_hdr *)->dst_addr);
	routes_lookup(w->routes, SIDE_NETWORK, to, hops, count);
	for (uint16_t i = 0; i < count; i++) {
		if (unlikely(to[i] >= MULTICAST)) // nor broadcast
			packet_drop(w, m[i], DROP_ROUTE_NONE);
		else
			place(w, m[i], &hops[i], out);
	}
}

// RFC 1624, equation 3, for a field of which only the high byte changes by one.
static void take_hop(struct rte_ipv4_hdr *ip)
{
	uint32_t sum = ip->hdr_checksum + rte_cpu_to_be_16(0x0100);

	ip->hdr_checksum = (uint16_t)(sum + (sum >= 0xffff));
	ip->time_to_live--;
}

uint16_t forward(struct worker *w, struct rte_mbuf **m, uint16_t count, struct rte_mbuf **errors,
	uint16_t *error_count)
{
	uint16_t kept = 0;

	for (uint16_t i = 0; i < count; i++) {
		struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m[i], struct rte_ipv4_hdr *);

		if (likely(ip->time_to_live > 1)) {
			take_hop(ip);
			m[kept++] = m[i];
			continue;
		}
		errors[*error_count] = icmp_error(w, m[i], ICMP_EXCEEDED, 0, 0, w->icmp_source);
		if (errors[*error_count])
			(*error_count)++;
		packet_drop(w, m[i], DROP_IP4_TTL);
	}
	return kept;
}

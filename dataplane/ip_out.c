// SPDX-License-Identifier: Apache-2.0

// What a port takes, and the outer IPv4 header (RFC 791): don't fragment is off but in the control
// plane's probes of the path (docs/mtu.md), since what is inside was already made to fit (mtu.c)
// and a router that cuts it is better than one that drops it; the type of service follows the inner
// packet (meta.tos; ecn.h). Then the outer route. What the control plane made may be larger than
// the port takes (an IKE message with certificates) and leaves in fragments; data that does not fit
// is a mistake of ours and dropped by name. What goes over IPv6 is in ip6_out.c.

#include "dataplane/checksum.h"
#include "dataplane/fragment.h"
#include "dataplane/ip6_out.h"
#include "dataplane/port.h"
#include "dataplane/route.h"
#include "dataplane/stage.h"

enum {
	OUTER_TTL = 64,
};

static bool add_header(struct worker *w, struct rte_mbuf *m)
{
	const struct meta *meta = meta_of(m);
	struct rte_ipv4_hdr *ip;
	rte_be16_t length, id, df;
	uint64_t sum;

	if (unlikely(meta->flags & META_OUTER6))
		return ip6_out_header(m);
	ip = (struct rte_ipv4_hdr *)rte_pktmbuf_prepend(m, sizeof(*ip));
	if (!ip)
		return false;
	length = rte_cpu_to_be_16((uint16_t)m->pkt_len);
	id = rte_cpu_to_be_16(w->ip_id++);
	df = rte_cpu_to_be_16(meta->flags & META_DF ? RTE_IPV4_HDR_DF_FLAG : 0);
	// From what goes into the header, not from the header: reading words that were written as
	// bytes a moment ago makes the CPU wait.
	sum = (uint64_t)meta->local + meta->remote + length + id + df +
	      rte_cpu_to_be_16((uint16_t)(RTE_IPV4_VHL_DEF << 8 | meta->tos)) +
	      rte_cpu_to_be_16((uint16_t)(OUTER_TTL << 8 | meta->protocol));
	*ip = (struct rte_ipv4_hdr){
		.version_ihl = RTE_IPV4_VHL_DEF,
		.type_of_service = meta->tos,
		.total_length = length,
		.packet_id = id,
		.fragment_offset = df,
		.time_to_live = OUTER_TTL,
		.next_proto_id = meta->protocol,
		.hdr_checksum = (rte_be16_t)~checksum_fold(sum),
		.src_addr = meta->local,
		.dst_addr = meta->remote,
	};
	return true;
}

void ip_out_fragments(
	struct worker *w, struct rte_mbuf *m, struct rte_mbuf **pieces, uint16_t count)
{
	if (count == 0) {
		packet_drop(w, m, DROP_FRAGMENT_FAILED);
		return;
	}
	for (uint16_t i = 0; i < count; i += BURST) {
		uint16_t n = RTE_MIN((uint16_t)(count - i), (uint16_t)BURST);

		n = neighbour_out(w, pieces + i, n);
		tx(w, pieces + i, n);
	}
}

static void send_fragments(struct worker *w, struct rte_mbuf *m, uint16_t mtu_bytes)
{
	struct rte_mbuf *pieces[FRAGMENTS_MAX];

	ip_out_fragments(w, m, pieces, fragment_ip4(w, m, mtu_bytes, pieces));
}

// True when the packet goes on as it is.
static bool fits(struct worker *w, struct rte_mbuf *m)
{
	const struct meta *meta = meta_of(m);
	uint16_t most = w->port[meta->out_port].mtu;

	if (likely(m->pkt_len <= most))
		return true;
	if ((meta->flags & (META_CONTROL | META_DF)) == META_CONTROL)
		send_fragments(w, m, most);
	else
		packet_drop(w, m, DROP_MTU_EXCEEDED);
	return false;
}

uint16_t network_fit(struct worker *w, struct rte_mbuf **m, uint16_t count,
	struct rte_mbuf **errors, uint16_t *error_count)
{
	uint16_t kept = 0;

	for (uint16_t i = 0; i < count; i++) {
		uint16_t most = w->port[meta_of(m[i])->out_port].mtu;

		if (likely(m[i]->pkt_len <= most))
			m[kept++] = m[i];
		else if (fragment_may(m[i]))
			send_fragments(w, m[i], most);
		else
			icmp_too_big(w, m[i], most, errors, error_count);
	}
	return kept;
}

static inline uint32_t destination(const struct rte_mbuf *m)
{
	return rte_be_to_cpu_32(rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *)->dst_addr);
}

// The destinations of a burst, one for each run of packets that have the same; returns how many.
static uint16_t destinations(struct rte_mbuf **m, uint16_t count, uint32_t *to)
{
	uint16_t runs = 0;

	for (uint16_t i = 0; i < count; i++) {
		uint32_t address = destination(m[i]);

		if (runs == 0 || to[runs - 1] != address)
			to[runs++] = address;
	}
	return runs;
}

static uint16_t ip4_route(struct worker *w, struct rte_mbuf **m, uint16_t count)
{
	struct route_hop hops[BURST];
	uint32_t to[BURST];
	uint16_t kept = 0, runs, run = 0;

	runs = destinations(m, count, to);
	routes_lookup(w->routes, SIDE_SUBSCRIBER, to, hops, runs);
	for (uint16_t i = 0; i < count; i++) {
		struct meta *meta = meta_of(m[i]);
		const struct route_hop *hop;

		run += destination(m[i]) != to[run];
		hop = &hops[run];
		if (hop->kind != ROUTE_CONNECTED && hop->kind != ROUTE_GATEWAY) {
			packet_drop(w, m[i],
				hop->kind == ROUTE_LOCAL ? DROP_ROUTE_LOCAL : DROP_ROUTE_NONE);
			continue;
		}
		meta->out_port = (uint8_t)hop->port;
		meta->next_hop =
			hop->kind == ROUTE_GATEWAY ? hop->gateway : rte_cpu_to_be_32(to[run]);
		if (fits(w, m[i]))
			m[kept++] = m[i];
	}
	return kept;
}

// Each version by itself: their order stays, and no flow has both.
static uint16_t route_mixed(struct worker *w, struct rte_mbuf **m, uint16_t count)
{
	struct rte_mbuf *six[BURST];
	uint16_t kept = 0, sixes = 0;

	for (uint16_t i = 0; i < count; i++) {
		if (meta_of(m[i])->flags & META_OUTER6)
			six[sixes++] = m[i];
		else
			m[kept++] = m[i];
	}
	if (kept)
		kept = ip4_route(w, m, kept);
	sixes = ip6_out_route(w, six, sixes);
	memcpy(m + kept, six, sixes * sizeof(*m));
	return kept + sixes;
}

uint16_t ip_route(struct worker *w, struct rte_mbuf **m, uint16_t count)
{
	uint8_t flags = 0;

	if (count == 0)
		return 0;
	for (uint16_t i = 0; i < count; i++)
		flags |= meta_of(m[i])->flags;
	return unlikely(flags & META_OUTER6) ? route_mixed(w, m, count) : ip4_route(w, m, count);
}

uint16_t ip_out(struct worker *w, struct rte_mbuf **m, uint16_t count)
{
	uint16_t kept = 0;

	for (uint16_t i = 0; i < count; i++) {
		if (likely(add_header(w, m[i])))
			m[kept++] = m[i];
		else
			packet_drop(w, m[i], DROP_NO_MEMORY);
	}
	return ip_route(w, m, kept);
}

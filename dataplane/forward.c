// SPDX-License-Identifier: Apache-2.0

// Routing, and the time to live or hop limit (RFC 1812 sections 5.2.1 and 5.3.1, RFC 8200), for
// inner packets of both directions and IP versions: where each goes, and one hop less. Packets for
// an own address are not forwarded and keep their TTL.

#include "dataplane/checksum.h"
#include "dataplane/ip6.h"
#include "dataplane/route.h"
#include "dataplane/session.h"
#include "dataplane/stage.h"

#include <rte_ip.h>
#include <rte_prefetch.h>
#include <string.h>

enum {
	ICMP_EXCEEDED = 11, // time exceeded, code 0: in transit (RFC 792)
	ICMP6_EXCEEDED = 3, // the same (RFC 4443 section 3.3)
	MULTICAST = 0xe0000000,
	VERSION_BIT = 0x20, // of an IP packet's first byte, says which of the versions 4 and 6
};

static void to_session(
	struct worker *w, struct rte_mbuf *m, const struct route_hop *hop, struct routed *out)
{
	struct meta *meta = meta_of(m);

	meta->session = hop->session;
	meta->sa = NULL; // what it came in on, if it did
	meta->tunnel = NULL;
	rte_prefetch0(&w->tables->session[hop->session].downlink);
	rte_prefetch0(&w->session_stats[hop->session].downlink);
	out->session[out->session_count++] = m;
}

static void place(struct worker *w, struct rte_mbuf *m, const struct route_hop *hop,
	struct route_share *share, struct routed *out)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);
	struct meta *meta = meta_of(m);
	const struct route_via *via;

	switch (hop->kind) {
	case ROUTE_LOCAL:
		out->local[out->local_count++] = m;
		return;
	case ROUTE_SESSION:
		to_session(w, m, hop, out);
		return;
	case ROUTE_CONNECTED:
	case ROUTE_GATEWAY:
		meta->out_port = (uint8_t)hop->port;
		meta->next_hop = hop->kind == ROUTE_GATEWAY ? hop->gateway : ip->dst_addr;
		out->network[out->network_count++] = m;
		return;
	case ROUTE_SHARED:
		via = route_shared_via(w, hop->shared, m, share);
		meta->out_port = (uint8_t)via->port;
		meta->next_hop = via->address;
		out->network[out->network_count++] = m;
		return;
	default:
		packet_drop(w, m, DROP_ROUTE_NONE);
	}
}

// The destinations go to to. False when there is an IPv6 packet among them.
static inline bool destinations(struct rte_mbuf **m, uint16_t count, uint32_t *to)
{
	uint8_t versions = 0;

	for (uint16_t i = 0; i < count; i++) {
		const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m[i], const struct rte_ipv4_hdr *);

		versions |= ip->version_ihl;
		to[i] = rte_be_to_cpu_32(ip->dst_addr);
	}
	return !(versions & VERSION_BIT);
}

static void route4(
	struct worker *w, struct rte_mbuf **m, uint16_t count, uint32_t *to, struct routed *out)
{
	struct route_share share = {0};
	struct route_hop hops[BURST];
	uint32_t other[BURST]; // one for each run of packets to one destination
	uint16_t runs = 0, run = 0;

	for (uint16_t i = 0; i < count; i++)
		if (runs == 0 || other[runs - 1] != to[i])
			other[runs++] = to[i];
	routes_lookup(w->routes, SIDE_NETWORK, other, hops, runs);
	for (uint16_t i = 0; i < count; i++) {
		run += other[run] != to[i];
		if (unlikely(to[i] >= MULTICAST)) // nor broadcast
			packet_drop(w, m[i], DROP_ROUTE_NONE);
		else
			place(w, m[i], &hops[run], &share, out);
	}
}

// ---- IPv6

static void to_neighbour6(
	struct rte_mbuf *m, uint16_t port, const uint8_t *next, struct routed *out)
{
	struct meta *meta = meta_of(m);

	meta->out_port = (uint8_t)port;
	meta->flags |= META_NEXT6;
	memcpy(meta->next_hop6, next, sizeof(meta->next_hop6));
	out->network[out->network_count++] = m;
}

static void place6(struct worker *w, struct rte_mbuf *m, const struct route_hop *hop,
	struct route_share *share, struct routed *out)
{
	const struct rte_ipv6_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv6_hdr *);
	const struct route_via *via;

	if (unlikely(ip6_stays(ip->dst_addr) || ip6_stays(ip->src_addr))) {
		packet_drop(w, m, DROP_ROUTE_SCOPE);
		return;
	}
	switch (hop->kind) {
	case ROUTE_CONNECTED:
		to_neighbour6(m, hop->port, ip->dst_addr, out);
		return;
	case ROUTE_GATEWAY:
		to_neighbour6(m, hop->port, hop->gateway6, out);
		return;
	case ROUTE_SHARED:
		via = route_shared_via(w, hop->shared, m, share);
		to_neighbour6(m, via->port, via->address6, out);
		return;
	default:
		place(w, m, hop, share, out);
	}
}

static void route6(struct worker *w, struct rte_mbuf **m, uint16_t count, struct routed *out)
{
	struct route_share share = {0};
	struct route_hop hops[BURST];
	uint8_t to[BURST][16];

	for (uint16_t i = 0; i < count; i++)
		memcpy(to[i], rte_pktmbuf_mtod(m[i], const struct rte_ipv6_hdr *)->dst_addr,
			sizeof(to[i]));
	routes_lookup6(w->routes, SIDE_NETWORK, (const uint8_t(*)[16])to, hops, count);
	for (uint16_t i = 0; i < count; i++)
		place6(w, m[i], &hops[i], &share, out);
}

// Each version by itself: their order stays, and no flow has both.
static void route_mixed(struct worker *w, struct rte_mbuf **m, uint16_t count, struct routed *out)
{
	struct rte_mbuf *v4[BURST], *v6[BURST];
	uint16_t count4 = 0, count6 = 0;
	uint32_t to[BURST];

	for (uint16_t i = 0; i < count; i++) {
		if (packet_is_ip6(m[i]))
			v6[count6++] = m[i];
		else
			v4[count4++] = m[i];
	}
	if (count4) {
		(void)destinations(v4, count4, to);
		route4(w, v4, count4, to, out);
	}
	route6(w, v6, count6, out);
}

void route(struct worker *w, struct rte_mbuf **m, uint16_t count, struct routed *out)
{
	uint32_t to[BURST];

	out->session_count = 0;
	out->network_count = 0;
	out->local_count = 0;
	if (count == 0)
		return;
	if (likely(destinations(m, count, to)))
		route4(w, m, count, to, out);
	else
		route_mixed(w, m, count, out);
}

// ---- one hop less

// RFC 1624, equation 3, for a field of which only the high byte changes by one.
static void take_hop(struct rte_ipv4_hdr *ip)
{
	uint32_t sum = ip->hdr_checksum + rte_cpu_to_be_16(0x0100);

	ip->hdr_checksum = (uint16_t)(sum + (sum >= 0xffff));
	ip->time_to_live--;
}

// True when it had one.
static inline bool hop_taken(struct rte_mbuf *m)
{
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, struct rte_ipv4_hdr *);
	struct rte_ipv6_hdr *ip6;

	if (likely(!packet_is_ip6(m))) {
		if (unlikely(ip->time_to_live <= 1))
			return false;
		take_hop(ip);
		return true;
	}
	ip6 = rte_pktmbuf_mtod(m, struct rte_ipv6_hdr *);
	if (ip6->hop_limits <= 1)
		return false;
	ip6->hop_limits--;
	return true;
}

static void exceeded(
	struct worker *w, struct rte_mbuf *m, struct rte_mbuf **errors, uint16_t *error_count)
{
	bool v6 = packet_is_ip6(m);
	struct rte_mbuf *e = v6 ? icmp6_error(w, m, ICMP6_EXCEEDED, 0, 0)
				: icmp_error(w, m, ICMP_EXCEEDED, 0, 0, w->icmp_source);

	if (e)
		errors[(*error_count)++] = e;
	packet_drop(w, m, v6 ? DROP_IP6_HOP_LIMIT : DROP_IP4_TTL);
}

uint16_t forward(struct worker *w, struct rte_mbuf **m, uint16_t count, struct rte_mbuf **errors,
	uint16_t *error_count)
{
	uint16_t kept = 0;

	for (uint16_t i = 0; i < count; i++) {
		if (likely(hop_taken(m[i])))
			m[kept++] = m[i];
		else
			exceeded(w, m[i], errors, error_count);
	}
	return kept;
}

// SPDX-License-Identifier: Apache-2.0

// What a received IPv6 packet is (RFC 8200); the same as classify.c for IPv4. Extension headers are
// stepped over for our own addresses only, where none of them may matter: a route that goes on from
// here is refused (RFC 5095), and so is an authentication header, which nobody checks. Neighbour
// discovery (RFC 4861) goes to the clerk; no other multicast is taken.

#include "dataplane/classify.h"

#include "dataplane/checksum.h"
#include "dataplane/clerk.h"
#include "dataplane/ip6.h"

#include <rte_ip.h>
#include <string.h>

enum {
	ND_FIRST = 133, // ICMPv6 types of neighbour discovery (RFC 4861 section 4)
	ND_LAST = 137,
	MAPPED = 10, // bytes of zero before the two of ones of an IPv4-mapped address
};

// Checks the header and cuts what lies behind the payload. Returns the drop reason, or DROP_COUNT
// when all is well.
static enum drop check_header(struct rte_mbuf *m)
{
	const struct rte_ipv6_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv6_hdr *);
	uint32_t total;

	if (m->data_len < sizeof(*ip) || rte_be_to_cpu_32(ip->vtc_flow) >> 28 != 6)
		return DROP_IP6_INVALID;
	total = sizeof(*ip) + rte_be_to_cpu_16(ip->payload_len);
	if (total > m->data_len)
		return DROP_IP6_INVALID;
	if (ip->hop_limits == 0)
		return DROP_IP6_HOP_LIMIT;
	rte_pktmbuf_trim(m, (uint16_t)(m->data_len - total));
	return DROP_COUNT;
}

// Source addresses that no packet on a link may have (RFC 4291 section 2), and our own.
static bool source_is_sane(const struct port *p, const uint8_t *source)
{
	static const uint8_t mapped[12] = {[MAPPED] = 0xff, [MAPPED + 1] = 0xff};
	static const uint8_t zero[15];

	if (source[0] == 0xff || memcmp(source, mapped, sizeof(mapped)) == 0)
		return false;
	if (memcmp(source, zero, sizeof(zero)) == 0 && source[15] <= 1)
		return false;
	return !port_is_own6(p, source);
}

// A link-local address is one of that port alone; another one may be any port's of the same side.
static bool is_own(const struct worker *w, const struct port *p, const uint8_t *address)
{
	if (likely(port_is_own6(p, address)))
		return true;
	if (ip6_is_link_local(address))
		return false;
	for (uint16_t i = 0; i < w->ports; i++)
		if (w->port[i].side == p->side && port_is_own6(&w->port[i], address))
			return true;
	return false;
}

static bool is_discovery(const uint8_t *ip, const struct ip6_payload *l)
{
	return l->protocol == IPPROTO_ICMPV6 && !l->fragment && l->end > l->at &&
	       ip[l->at] >= ND_FIRST && ip[l->at] <= ND_LAST;
}

// Neighbour discovery alone; the rest goes for that reason.
static void discovery(struct worker *w, struct rte_mbuf *m, enum drop reason)
{
	const uint8_t *ip = rte_pktmbuf_mtod(m, const uint8_t *);
	struct ip6_payload l;

	if (ip6_payload(ip, m->data_len, &l) && is_discovery(ip, &l))
		clerk_give(w, m, CLERK_ND);
	else
		packet_drop(w, m, reason);
}

// Echo requests are answered; what routers say of packets that were too big is heard.
static void icmp(struct worker *w, struct rte_mbuf *m, const struct port *p,
	const struct ip6_payload *l, struct classified *out)
{
	if (is_discovery(rte_pktmbuf_mtod(m, const uint8_t *), l))
		clerk_give(w, m, CLERK_ND);
	else if (p->side == SIDE_SUBSCRIBER && path_mtu_hear6(w, m, l->at, l->end))
		return;
	else if (icmp_echo(w, &m, 1) == 1)
		out->answer[out->answer_count++] = m;
}

// What follows a fragment header at once is looked at when all is there.
static void fragment(struct worker *w, struct rte_mbuf *m, const struct port *p,
	const struct ip6_payload *l, struct classified *out)
{
	if (p->side == SIDE_SUBSCRIBER && l->at == l->fragment + IP6_FRAGMENT_HEADER &&
		(l->protocol == IPPROTO_ESP || l->protocol == IPPROTO_UDP))
		out->fragment[out->fragment_count++] = m;
	else
		packet_drop(w, m, DROP_IP6_FRAGMENT);
}

static void payload(struct worker *w, struct rte_mbuf *m, const struct port *p,
	const struct ip6_payload *l, struct classified *out)
{
	if (l->authentication) {
		packet_drop(w, m, DROP_IP6_PROTOCOL);
	} else if (l->protocol == IPPROTO_ICMPV6) {
		icmp(w, m, p, l, out);
	} else if (l->protocol == IPPROTO_ESP && p->side == SIDE_SUBSCRIBER) {
		rte_pktmbuf_adj(m, l->at);
		out->esp[out->esp_count++] = m;
	} else if (l->protocol == IPPROTO_UDP && p->side == SIDE_SUBSCRIBER) {
		rte_pktmbuf_adj(m, l->at);
		classify_udp(w, m, out);
	} else {
		packet_drop(w, m, l->protocol == IPPROTO_UDP ? DROP_UDP_PORT : DROP_IP6_PROTOCOL);
	}
}

void classify_local6(
	struct worker *w, struct rte_mbuf *m, const struct port *p, struct classified *out)
{
	const struct rte_ipv6_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv6_hdr *);
	struct meta *meta = meta_of(m);
	struct ip6_payload l;

	meta->flags |= META_OUTER6;
	meta->tos = (uint8_t)(rte_be_to_cpu_32(ip->vtc_flow) >> 20);
	memcpy(meta->remote6, ip->src_addr, sizeof(meta->remote6));
	memcpy(meta->local6, ip->dst_addr, sizeof(meta->local6));
	// What was put together may have its payload, and nothing before it, in further segments.
	if (!ip6_payload((const uint8_t *)ip, (uint16_t)m->pkt_len, &l) || l.routing)
		packet_drop(w, m, DROP_IP6_EXTENSION);
	else if (l.fragment_offset || l.more)
		fragment(w, m, p, &l, out);
	else // what is all in one fragment is no fragment (RFC 6946)
		payload(w, m, p, &l, out);
}

void classify_ip6(
	struct worker *w, struct rte_mbuf *m, const struct port *p, struct classified *out)
{
	enum drop reason = check_header(m);
	const struct rte_ipv6_hdr *ip;

	if (unlikely(reason != DROP_COUNT)) {
		packet_drop(w, m, reason);
		return;
	}
	ip = rte_pktmbuf_mtod(m, const struct rte_ipv6_hdr *);
	if (ip->dst_addr[0] == 0xff) // the source may be none yet
		discovery(w, m, DROP_ROUTE_NONE);
	else if (!source_is_sane(p, ip->src_addr))
		packet_drop(w, m, DROP_IP6_SOURCE);
	else if (is_own(w, p, ip->dst_addr))
		classify_local6(w, m, p, out);
	else if (p->side == SIDE_NETWORK && !ip6_is_link_local(ip->src_addr) &&
		 !ip6_is_link_local(ip->dst_addr))
		out->forward[out->forward_count++] = m;
	else
		packet_drop(w, m, DROP_ROUTE_NONE);
}

// SPDX-License-Identifier: Apache-2.0

// The outer IPv6 header (RFC 8200) and its route. The flow label is the same for all packets of an
// SA or, without IPsec, of a session, and differs between them, so that routers can spread them and
// keep their order (RFC 6437, RFC 6438). UDP has a checksum here, whatever is in it. Routers do not
// fragment: what the control plane made and the port does not take leaves in fragments from here;
// data that does not fit is a mistake of ours and dropped by name.
//
// A link-local address says nothing about the port: packets to one leave by the port that the
// packet that they answer came in by, or whose own link-local address they come from.

#include "dataplane/ip6_out.h"

#include "dataplane/checksum.h"
#include "dataplane/fragment.h"
#include "dataplane/ip6.h"
#include "dataplane/port.h"
#include "dataplane/route.h"
#include "dataplane/sa.h"
#include "dataplane/scratch.h"
#include "dataplane/stage.h"

#include <rte_ip.h>
#include <rte_jhash.h>
#include <string.h>

enum {
	OUTER_HOPS = 64,
	VERSION_SHIFT = 28,
	CLASS_SHIFT = 20,
	LABEL_MASK = 0xfffff,
	UDP_HEADER = 8,
	UDP_CHECKSUM = 6, // offset in the UDP header
};

static uint32_t flow_label(const struct meta *meta)
{
	uint32_t id = meta->sa ? meta->sa->spi_out : meta->session;

	return rte_jhash_2words(id, meta->protocol, 0) & LABEL_MASK;
}

static void checksum_put(struct rte_mbuf *m, const struct meta *meta)
{
	uint8_t *udp = rte_pktmbuf_mtod(m, uint8_t *);
	uint16_t sum;

	memset(udp + UDP_CHECKSUM, 0, sizeof(sum));
	sum = checksum_upper6_of(meta->local6, meta->remote6, IPPROTO_UDP, checksum_of_packet(m),
		(uint16_t)m->pkt_len);
	sum = sum ? sum : 0xffff;
	memcpy(udp + UDP_CHECKSUM, &sum, sizeof(sum));
}

bool ip6_out_header(struct rte_mbuf *m)
{
	const struct meta *meta = meta_of(m);
	uint16_t length = (uint16_t)m->pkt_len;
	struct rte_ipv6_hdr *ip;

	if (meta->protocol == IPPROTO_UDP && length >= UDP_HEADER)
		checksum_put(m, meta);
	ip = (struct rte_ipv6_hdr *)rte_pktmbuf_prepend(m, sizeof(*ip));
	if (!ip)
		return false;
	ip->vtc_flow = rte_cpu_to_be_32(
		6U << VERSION_SHIFT | (uint32_t)meta->tos << CLASS_SHIFT | flow_label(meta));
	ip->payload_len = rte_cpu_to_be_16(length);
	ip->proto = meta->protocol;
	ip->hop_limits = OUTER_HOPS;
	memcpy(ip->src_addr, meta->local6, sizeof(ip->src_addr));
	memcpy(ip->dst_addr, meta->remote6, sizeof(ip->dst_addr));
	return true;
}

// Nobody can foretell it (RFC 7739), and it does not come again soon: what is enciphered under the
// worker's own random key never was before, nor as an IV, whose first half is another one.
static uint32_t identification(struct worker *w)
{
	static const uint8_t zeros[4];
	_Alignas(16) uint64_t block[2] = {UINT64_MAX, w->now + w->ip_id++};
	uint32_t id;

	IMB_AES128_CFB_ONE(w->mgr, &id, zeros, block, scratch_of(w)->iv_key, sizeof(id));
	return id;
}

static void send_fragments(struct worker *w, struct rte_mbuf *m, uint16_t most)
{
	struct rte_mbuf *pieces[FRAGMENTS_MAX];

	ip_out_fragments(w, m, pieces, fragment_ip6(w, m, most, identification(w), pieces));
}

// True when the packet goes on as it is.
static bool fits(struct worker *w, struct rte_mbuf *m)
{
	const struct meta *meta = meta_of(m);
	uint16_t most = w->port[meta->out_port].mtu;

	if (likely(m->pkt_len <= most))
		return true;
	if (meta->flags & META_CONTROL)
		send_fragments(w, m, most);
	else
		packet_drop(w, m, DROP_MTU_EXCEEDED);
	return false;
}

static bool is_link_of(const struct port *p, const struct meta *meta)
{
	return p->side == SIDE_SUBSCRIBER && port_is_own6(p, meta->local6);
}

static void link_route(const struct worker *w, const struct meta *meta, struct route_hop *hop)
{
	*hop = (struct route_hop){.kind = ROUTE_NONE};
	for (uint16_t i = 0; i <= w->ports; i++) { // its own port before all others
		uint16_t index = i ? i - 1 : meta->port;

		if (index >= w->ports || !is_link_of(&w->port[index], meta))
			continue;
		hop->kind = ROUTE_CONNECTED;
		hop->port = index;
		return;
	}
}

// False when the packet is gone.
static bool leave(struct worker *w, struct rte_mbuf *m, const struct route_hop *hop)
{
	struct meta *meta = meta_of(m);

	if (hop->kind != ROUTE_CONNECTED && hop->kind != ROUTE_GATEWAY) {
		packet_drop(w, m, hop->kind == ROUTE_LOCAL ? DROP_ROUTE_LOCAL : DROP_ROUTE_NONE);
		return false;
	}
	meta->out_port = (uint8_t)hop->port;
	meta->flags |= META_NEXT6;
	memcpy(meta->next_hop6, hop->kind == ROUTE_GATEWAY ? hop->gateway6 : meta->remote6,
		sizeof(meta->next_hop6));
	return fits(w, m);
}

uint16_t ip6_out_route(struct worker *w, struct rte_mbuf **m, uint16_t count)
{
	struct route_hop hops[BURST];
	uint8_t to[BURST][16];
	uint16_t kept = 0;

	for (uint16_t i = 0; i < count; i++)
		memcpy(to[i], meta_of(m[i])->remote6, sizeof(to[i]));
	routes_lookup6(w->routes, SIDE_SUBSCRIBER, (const uint8_t(*)[16])to, hops, count);
	for (uint16_t i = 0; i < count; i++) {
		if (unlikely(ip6_is_link_local(to[i])))
			link_route(w, meta_of(m[i]), &hops[i]);
		if (leave(w, m[i], &hops[i]))
			m[kept++] = m[i];
	}
	return kept;
}

uint16_t link_answer(struct worker *w, struct rte_mbuf **m, uint16_t count)
{
	struct rte_mbuf *link[BURST];
	uint16_t kept = 0, links = 0;

	for (uint16_t i = 0; i < count; i++) {
		struct meta *meta = meta_of(m[i]);

		if (!(meta->flags & META_OUTER6) || !ip6_is_link_local(meta->remote6)) {
			m[kept++] = m[i];
			continue;
		}
		meta->out_port = meta->port;
		meta->flags |= META_NEXT6;
		memcpy(meta->next_hop6, meta->remote6, sizeof(meta->next_hop6));
		link[links++] = m[i];
	}
	links = neighbour_out(w, link, links);
	tx(w, link, links);
	return kept;
}

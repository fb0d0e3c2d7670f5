// SPDX-License-Identifier: Apache-2.0

// The first stage on both sides: what a received frame is. Ethernet II, ARP and IPv4 (RFC 791, RFC
// 1812 section 5.2.2); for the subscriber side's own addresses UDP 500, 4500 and 1701 and IP
// protocol 50; ICMP echo for all own addresses. On the subscriber side nothing else goes on: that
// side is no router.
//
// Outer fragments of ESP and UDP go to reassemble, and what it makes of them comes back here.
//
// Not here: VLAN tags (vlan.c has taken them off, but for mere priorities on a device without
// VLANs), IPv6 headers (classify6.c).

#include "dataplane/classify.h"

#include "dataplane/admit.h"
#include "dataplane/checksum.h"
#include "dataplane/clerk.h"
#include "dataplane/vlan.h"

#include <rte_ether.h>
#include <rte_icmp.h>
#include <rte_ip.h>
#include <rte_udp.h>
#include <string.h>

enum {
	MARKER = 4,       // bytes: the non-ESP marker (RFC 3948 section 2.2)
	KEEPALIVE = 0xff, // RFC 3948 section 2.3
	AHEAD = 2,        // packets whose headers are on their way
};

// An Ethernet address of IPv6 multicast (RFC 2464 section 7).
static bool is_multicast6(const struct rte_ether_addr *to)
{
	return to->addr_bytes[0] == 0x33 && to->addr_bytes[1] == 0x33;
}

// The EtherType in host byte order. False when the packet is gone.
static bool ethernet(struct worker *w, struct rte_mbuf *m, const struct port *p, uint16_t *type)
{
	const struct rte_ether_hdr *eth;

	if (unlikely(m->nb_segs > 1 && rte_pktmbuf_linearize(m) != 0)) {
		packet_drop(w, m, DROP_NO_MEMORY);
		return false;
	}
	if (unlikely(m->data_len < sizeof(*eth))) {
		packet_drop(w, m, DROP_ETHERNET_SHORT);
		return false;
	}
	eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	*type = rte_be_to_cpu_16(eth->ether_type);
	if (likely(rte_is_same_ether_addr(&eth->dst_addr, &p->mac)) ||
		(*type == RTE_ETHER_TYPE_ARP && rte_is_broadcast_ether_addr(&eth->dst_addr)) ||
		(*type == RTE_ETHER_TYPE_IPV6 && is_multicast6(&eth->dst_addr)))
		return true;
	packet_drop(w, m, DROP_ETHERNET_ADDRESS);
	return false;
}

// Source addresses that no host may have (RFC 1122 section 3.2.1.3), and our own.
static bool source_is_sane(const struct port *p, uint32_t source)
{
	uint32_t host = rte_be_to_cpu_32(source);

	return host >> 24 != 0 && host >> 24 != 127 && host < 0xe0000000 && !port_is_own(p, source);
}

// Checks the IPv4 header at the packet's start and cuts what lies behind its total length. Returns
// the drop reason, or DROP_COUNT when all is well.
static enum drop check_ip4(struct rte_mbuf *m, const struct port *p)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);
	uint16_t header, total;

	if (m->data_len < sizeof(*ip))
		return DROP_IP4_INVALID;
	header = rte_ipv4_hdr_len(ip);
	total = rte_be_to_cpu_16(ip->total_length);
	if (ip->version != 4 || header < sizeof(*ip) || total < header || total > m->data_len)
		return DROP_IP4_INVALID;
	if (!checksum_ip4_ok(ip, header))
		return DROP_IP4_CHECKSUM;
	if (ip->time_to_live == 0)
		return DROP_IP4_TTL;
	if (!source_is_sane(p, ip->src_addr))
		return DROP_IP4_SOURCE;
	rte_pktmbuf_trim(m, m->data_len - total);
	return DROP_COUNT;
}

// IKE on 500 or behind the marker on 4500, UDP header off: to the control plane.
static void punt_ike(struct worker *w, struct rte_mbuf *m, uint16_t skip, uint8_t flags)
{
	enum drop reason;

	meta_of(m)->flags |= flags;
	rte_pktmbuf_adj(m, skip);
	reason = admit(w, m);
	if (reason == DROP_COUNT)
		packet_punt(w, m, PACKET_IKE);
	else
		packet_drop(w, m, reason);
}

// UDP 4500 (RFC 3948 section 2): keepalive, IKE or ESP.
static void nat_t(struct worker *w, struct rte_mbuf *m, struct classified *out)
{
	const uint8_t *payload = rte_pktmbuf_mtod_offset(m, uint8_t *, sizeof(struct rte_udp_hdr));
	uint16_t length = m->data_len - sizeof(struct rte_udp_hdr);
	uint32_t spi;

	if (length == 1 && payload[0] == KEEPALIVE) {
		packet_drop(w, m, DROP_NAT_KEEPALIVE);
		return;
	}
	if (length < MARKER) {
		packet_drop(w, m, DROP_UDP_INVALID);
		return;
	}
	memcpy(&spi, payload, sizeof(spi));
	if (spi == 0) {
		punt_ike(w, m, sizeof(struct rte_udp_hdr) + MARKER, META_NAT_T);
		return;
	}
	meta_of(m)->outer_port = meta_of(m)->remote_port;
	rte_pktmbuf_adj(m, sizeof(struct rte_udp_hdr));
	out->esp[out->esp_count++] = m;
}

// Over IPv4 there may be none; over IPv6 there must be one (RFC 8200 section 8.1).
static bool checksum_is_right(
	const struct meta *meta, const struct rte_udp_hdr *udp, uint16_t length)
{
	if (unlikely(meta->flags & META_OUTER6))
		return udp->dgram_cksum != 0 &&
		       checksum_upper6_ok(meta->remote6, meta->local6, IPPROTO_UDP, udp, length);
	return udp->dgram_cksum == 0 || checksum_udp4_ok(meta->remote, meta->local, udp, length);
}

// The checksum is only looked at where nothing stronger follows: ESP has its ICV, and RFC 3948
// section 2.1 asks not to rely on it, as RFC 6935 section 5 allows.
static enum drop check_udp(struct rte_mbuf *m, const struct rte_udp_hdr *udp, uint16_t port)
{
	uint16_t length;

	if (m->data_len < sizeof(*udp))
		return DROP_UDP_INVALID;
	length = rte_be_to_cpu_16(udp->dgram_len);
	if (length < sizeof(*udp) || length > m->data_len || udp->src_port == 0)
		return DROP_UDP_INVALID;
	if (port != PORT_NAT_T && !checksum_is_right(meta_of(m), udp, length))
		return DROP_UDP_CHECKSUM;
	rte_pktmbuf_trim(m, m->data_len - length);
	return DROP_COUNT;
}

static bool long_checksum_is_right(const struct rte_mbuf *m, const struct rte_udp_hdr *udp)
{
	const struct meta *meta = meta_of((struct rte_mbuf *)(uintptr_t)m);
	uint16_t sum = checksum_of_packet(m), length = (uint16_t)m->pkt_len;

	if (meta->flags & META_OUTER6)
		return udp->dgram_cksum != 0 && checksum_upper6_of(meta->remote6, meta->local6,
							IPPROTO_UDP, sum, length) == 0;
	return udp->dgram_cksum == 0 ||
	       checksum_udp4_of(meta->remote, meta->local, sum, length) == 0xffff;
}

// In several segments: reassemble.c made it, saw IKE's port and the marker where it belongs, and
// that its first segment has more than both.
static void long_ike(struct worker *w, struct rte_mbuf *m)
{
	const struct rte_udp_hdr *udp = rte_pktmbuf_mtod(m, const struct rte_udp_hdr *);
	bool nat_t = udp->dst_port == rte_cpu_to_be_16(PORT_NAT_T);

	if (rte_be_to_cpu_16(udp->dgram_len) != m->pkt_len || udp->src_port == 0) {
		packet_drop(w, m, DROP_UDP_INVALID);
		return;
	}
	if (!nat_t && !long_checksum_is_right(m, udp)) {
		packet_drop(w, m, DROP_UDP_CHECKSUM);
		return;
	}
	meta_of(m)->remote_port = rte_be_to_cpu_16(udp->src_port);
	meta_of(m)->local_port = rte_be_to_cpu_16(udp->dst_port);
	punt_ike(w, m, sizeof(*udp) + (nat_t ? MARKER : 0), nat_t ? META_NAT_T : 0);
}

static void short_udp(struct worker *w, struct rte_mbuf *m, struct classified *out)
{
	const struct rte_udp_hdr *udp = rte_pktmbuf_mtod(m, const struct rte_udp_hdr *);
	struct meta *meta = meta_of(m);
	uint16_t port = m->data_len < sizeof(*udp) ? 0 : rte_be_to_cpu_16(udp->dst_port);
	enum drop reason = check_udp(m, udp, port);

	if (unlikely(reason != DROP_COUNT)) {
		packet_drop(w, m, reason);
		return;
	}
	meta->remote_port = rte_be_to_cpu_16(udp->src_port);
	meta->local_port = port;
	if (port == PORT_NAT_T) {
		nat_t(w, m, out);
	} else if (port == PORT_IKE) {
		punt_ike(w, m, sizeof(*udp), 0);
	} else if (port == PORT_L2TP) {
		rte_pktmbuf_adj(m, sizeof(*udp));
		out->l2tp[out->l2tp_count++] = m;
	} else {
		packet_drop(w, m, DROP_UDP_PORT);
	}
}

void classify_udp(struct worker *w, struct rte_mbuf *m, struct classified *out)
{
	if (unlikely(m->nb_segs > 1))
		long_ike(w, m);
	else
		short_udp(w, m, out);
}

static void fragment(
	struct worker *w, struct rte_mbuf *m, const struct port *p, struct classified *out)
{
	uint8_t protocol = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *)->next_proto_id;

	if (p->side == SIDE_SUBSCRIBER && (protocol == IPPROTO_ESP || protocol == IPPROTO_UDP))
		out->fragment[out->fragment_count++] = m;
	else
		packet_drop(w, m, DROP_IP4_FRAGMENT);
}

// To an address of ours.
static void local(
	struct worker *w, struct rte_mbuf *m, const struct port *p, struct classified *out)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);
	struct meta *meta = meta_of(m);
	uint8_t protocol = ip->next_proto_id;
	uint16_t header = rte_ipv4_hdr_len(ip);

	if (unlikely(ip->fragment_offset &
		     rte_cpu_to_be_16(RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK))) {
		fragment(w, m, p, out);
		return;
	}
	meta->tos = ip->type_of_service;
	meta->remote = ip->src_addr;
	meta->local = ip->dst_addr;
	if (protocol == IPPROTO_ICMP) {
		if (p->side == SIDE_SUBSCRIBER && path_mtu_hear4(w, m))
			return;
		if (icmp_echo(w, &m, 1) == 1)
			out->answer[out->answer_count++] = m;
		return;
	}
	if (p->side == SIDE_SUBSCRIBER && protocol == IPPROTO_ESP) {
		rte_pktmbuf_adj(m, header);
		out->esp[out->esp_count++] = m;
	} else if (protocol == IPPROTO_UDP && p->side == SIDE_SUBSCRIBER) {
		rte_pktmbuf_adj(m, header);
		classify_udp(w, m, out);
	} else {
		packet_drop(w, m, protocol == IPPROTO_UDP ? DROP_UDP_PORT : DROP_IP4_PROTOCOL);
	}
}

// An address of that port or of another one of the same side.
static bool is_own(const struct worker *w, const struct port *p, uint32_t address)
{
	if (likely(port_is_own(p, address)))
		return true;
	for (uint16_t i = 0; i < w->ports; i++)
		if (w->port[i].side == p->side && port_is_own(&w->port[i], address))
			return true;
	return false;
}

static void ip4(struct worker *w, struct rte_mbuf *m, const struct port *p, struct classified *out)
{
	enum drop reason = check_ip4(m, p);
	const struct rte_ipv4_hdr *ip;

	if (unlikely(reason != DROP_COUNT)) {
		packet_drop(w, m, reason);
		return;
	}
	ip = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);
	if (is_own(w, p, ip->dst_addr))
		local(w, m, p, out);
	else if (p->side == SIDE_NETWORK)
		out->forward[out->forward_count++] = m;
	else
		packet_drop(w, m, DROP_ROUTE_NONE);
}

static void frame(struct worker *w, struct rte_mbuf *m, struct classified *out)
{
	const struct port *p = &w->port[meta_of(m)->port];
	uint16_t type;

	if (!ethernet(w, m, p, &type))
		return;
	switch (type) {
	case RTE_ETHER_TYPE_IPV4:
		rte_pktmbuf_adj(m, sizeof(struct rte_ether_hdr));
		ip4(w, m, p, out);
		break;
	case RTE_ETHER_TYPE_ARP:
		clerk_give(w, m, CLERK_ARP);
		break;
	case RTE_ETHER_TYPE_IPV6:
		rte_pktmbuf_adj(m, sizeof(struct rte_ether_hdr));
		classify_ip6(w, m, p, out);
		break;
	case RTE_ETHER_TYPE_VLAN:
	case RTE_ETHER_TYPE_QINQ:
		if (vlan_strip_priority(m))
			frame(w, m, out);
		else
			packet_drop(w, m, DROP_VLAN_UNKNOWN);
		break;
	default:
		packet_drop(w, m, DROP_ETHERNET_TYPE);
	}
}

// ---- the short way

// What nearly all frames of a burst have in common.
struct common {
	const struct port *port;
	uint64_t mac;         // the port's, as the first six bytes of a frame
	uint32_t source;      // the last address that was one that a host may have
	uint32_t destination; // network side: the last one that was not ours; 0: none
};

static inline uint64_t first_six(const void *p)
{
	uint64_t bytes;

	memcpy(&bytes, p, sizeof(bytes)); // there is more behind them
	return bytes & rte_cpu_to_le_64(UINT64_C(0x0000ffffffffffff));
}

static inline uint32_t load_32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

// EtherType IPv4, version 4, a header without options.
static inline bool is_plain_ip4(const uint8_t *frame)
{
	return (load_32(frame + 12) & rte_cpu_to_le_32(0x00ffffff)) == rte_cpu_to_le_32(0x00450008);
}

static inline bool source_is_common(struct common *c, uint32_t source)
{
	if (likely(source == c->source))
		return true;
	if (!source_is_sane(c->port, source))
		return false;
	c->source = source;
	return true;
}

static inline bool destination_is_foreign(
	const struct worker *w, struct common *c, uint32_t destination)
{
	if (destination == c->destination)
		return true;
	if (is_own(w, c->port, destination))
		return false;
	c->destination = destination;
	return true;
}

// Takes off what lies before and behind.
static inline void cut(struct rte_mbuf *m, uint16_t front, uint16_t length)
{
	m->data_off += front;
	m->data_len = length;
	m->pkt_len = length;
}

// UDP of so many bytes: ESP on 4500, or L2TP without a checksum. False: it is something else.
static inline bool common_udp(
	struct rte_mbuf *m, const uint8_t *udp, uint16_t room, struct classified *out)
{
	const struct rte_udp_hdr *h = (const struct rte_udp_hdr *)udp;
	uint16_t length = rte_be_to_cpu_16(h->dgram_len),
		 front = sizeof(struct rte_ether_hdr) + sizeof(struct rte_ipv4_hdr) + sizeof(*h);
	struct meta *meta = meta_of(m);
	bool l2tp = h->dst_port == rte_cpu_to_be_16(PORT_L2TP);

	if (length < sizeof(*h) + MARKER || length > room || h->src_port == 0)
		return false;
	if (l2tp ? h->dgram_cksum != 0
		 : h->dst_port != rte_cpu_to_be_16(PORT_NAT_T) || load_32(udp + sizeof(*h)) == 0)
		return false;
	meta->remote_port = rte_be_to_cpu_16(h->src_port);
	meta->local_port = l2tp ? PORT_L2TP : PORT_NAT_T;
	cut(m, front, length - (uint16_t)sizeof(*h));
	if (l2tp) {
		out->l2tp[out->l2tp_count++] = m;
	} else {
		meta->outer_port = meta->remote_port;
		out->esp[out->esp_count++] = m;
	}
	return true;
}

// To an address of ours, from the subscriber side.
static inline bool common_local(
	struct rte_mbuf *m, const uint8_t *ip, uint16_t total, struct classified *out)
{
	const struct rte_ipv4_hdr *h = (const struct rte_ipv4_hdr *)ip;
	uint16_t room = total - (uint16_t)sizeof(*h);
	struct meta *meta = meta_of(m);

	meta->tos = h->type_of_service;
	meta->remote = h->src_addr;
	meta->local = h->dst_addr;
	if (h->next_proto_id == IPPROTO_UDP)
		return room >= sizeof(struct rte_udp_hdr) + MARKER &&
		       common_udp(m, ip + sizeof(*h), room, out);
	if (h->next_proto_id != IPPROTO_ESP)
		return false;
	cut(m, sizeof(struct rte_ether_hdr) + sizeof(*h), room);
	out->esp[out->esp_count++] = m;
	return true;
}

// The usual frame with few steps: untagged, to us, whole, IPv4 without options; from the
// subscriber side tunnelled packets, from the network side what is to be forwarded. False: nothing
// was done, and frame() finds out what it is, or why it has to go.
static inline bool common_frame(
	struct worker *w, struct rte_mbuf *m, struct common *c, struct classified *out)
{
	const uint8_t *frame = rte_pktmbuf_mtod(m, const uint8_t *);
	const uint8_t *ip = frame + sizeof(struct rte_ether_hdr);
	const struct rte_ipv4_hdr *h = (const struct rte_ipv4_hdr *)ip;
	uint16_t total;

	if (m->nb_segs != 1 || m->data_len < sizeof(struct rte_ether_hdr) + sizeof(*h) ||
		first_six(frame) != c->mac || !is_plain_ip4(frame))
		return false;
	total = rte_be_to_cpu_16(h->total_length);
	if (total < sizeof(*h) || total > m->data_len - sizeof(struct rte_ether_hdr) ||
		!checksum_ip4_plain_ok(ip) || h->time_to_live == 0 ||
		!source_is_common(c, h->src_addr))
		return false;
	if (c->port->side == SIDE_SUBSCRIBER)
		return h->dst_addr == c->port->address[0] &&
		       !(h->fragment_offset &
			       rte_cpu_to_be_16(RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK)) &&
		       common_local(m, ip, total, out);
	if (!destination_is_foreign(w, c, h->dst_addr))
		return false;
	cut(m, sizeof(struct rte_ether_hdr), total);
	out->forward[out->forward_count++] = m;
	return true;
}

// False where there is nothing usual.
static bool common_begin(const struct worker *w, const struct rte_mbuf *m, struct common *c)
{
	const struct port *p = &w->port[meta_of((struct rte_mbuf *)(uintptr_t)m)->port];

	*c = (struct common){.port = p};
	memcpy(&c->mac, &p->mac, sizeof(p->mac));
	return p->address_count > 0;
}

static void begin(struct classified *out)
{
	out->esp_count = 0;
	out->l2tp_count = 0;
	out->forward_count = 0;
	out->answer_count = 0;
	out->fragment_count = 0;
}

void classify_whole(struct worker *w, struct rte_mbuf **m, uint16_t count, struct classified *out)
{
	begin(out);
	for (uint16_t i = 0; i < count; i++) {
		const struct port *p = &w->port[meta_of(m[i])->port];

		if (unlikely(meta_of(m[i])->flags & META_OUTER6))
			classify_local6(w, m[i], p, out);
		else
			local(w, m[i], p, out);
	}
}

void classify(struct worker *w, struct rte_mbuf **m, uint16_t count, struct classified *out)
{
	struct common c;
	bool usual;

	begin(out);
	if (count == 0)
		return;
	usual = common_begin(w, m[0], &c);
	for (uint16_t i = 0; i < count; i++) {
		if (i + AHEAD < count)
			rte_prefetch0(rte_pktmbuf_mtod(m[i + AHEAD], void *));
		if (likely(usual && common_frame(w, m[i], &c, out)))
			continue;
		frame(w, m[i], out);
	}
}

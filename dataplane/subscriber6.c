// SPDX-License-Identifier: Apache-2.0

// The border of a subscriber for IPv6, uplink (see subscriber.c): the source lies in the
// subscriber's prefix, or in one that is routed to it, and the destination is one host beyond the
// link, or the packet is dropped.
// What a host has to say to its router on the link itself goes to the control plane: neighbour
// discovery (RFC 4861), with the hop limit that proves that nobody sent it from afar, and DHCPv6
// (RFC 8415). Everything else on the link is dropped.

#include "dataplane/subscriber6.h"

#include "dataplane/ecn.h"
#include "dataplane/ip6.h"
#include "dataplane/meta.h"
#include "dataplane/route.h"
#include "dataplane/worker.h"

#include <netinet/in.h>
#include <rte_byteorder.h>
#include <string.h>

enum {
	PAYLOAD_LENGTH = 4, // offsets in the header
	NEXT_HEADER = 6,
	HOP_LIMIT = 7,
	SOURCE = 8,
	DESTINATION = 24,
	ND_FIRST = 133, // ICMPv6 types of neighbour discovery
	ND_LAST = 137,
	ND_HOP_LIMIT = 255, // RFC 4861 section 6.1.1
	ROUTER_SOLICITATION = 133,
	DHCP_SERVER = 547, // UDP (RFC 8415 section 7.2); clients may send from any port
};

static uint16_t get_u16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static bool is_unspecified(const uint8_t *a)
{
	static const uint8_t none[16];

	return memcmp(a, none, sizeof(none)) == 0;
}

// The gateway on the link: all nodes, all routers, all DHCP agents, or a link-local address.
static bool is_gateway(const uint8_t *a)
{
	static const uint8_t group[3][16] = {
		{0xff, 2, [15] = 1}, {0xff, 2, [15] = 2}, {0xff, 2, [13] = 1, [15] = 2}};

	for (int i = 0; i < 3; i++)
		if (memcmp(a, group[i], sizeof(group[i])) == 0)
			return true;
	return ip6_is_link_local(a);
}

// One host beyond the link: not multicast, loopback, unspecified, an IPv4 address in disguise
// (RFC 4291 section 2.5.5) or link-local.
static bool is_beyond(const uint8_t *a)
{
	static const uint8_t none[10];

	if (a[0] == 0xff || ip6_is_link_local(a))
		return false;
	if (memcmp(a, none, sizeof(none)) != 0)
		return true;
	return get_u16(a + 10) != 0xffff &&
	       (get_u16(a + 10) || get_u16(a + 12) || a[14] || a[15] > 1);
}

static bool in_prefix(const uint8_t *a, const uint8_t *prefix, uint8_t length)
{
	uint64_t one[2], other[2], high, low;

	memcpy(one, a, sizeof(one));
	memcpy(other, prefix, sizeof(other));
	high = rte_be_to_cpu_64(one[0] ^ other[0]);
	low = rte_be_to_cpu_64(one[1] ^ other[1]);
	if (length <= 64)
		return length != 0 && high >> (64 - length) == 0;
	return high == 0 && low >> (128 - length) == 0;
}

// Neighbour discovery or DHCPv6, without extension headers, which neither has.
static bool is_for_control(const uint8_t *ip, uint16_t length)
{
	const uint8_t *upper = ip + IP6_HEADER;

	if (length < IP6_HEADER + 8)
		return false;
	if (ip[NEXT_HEADER] == IPPROTO_ICMPV6)
		return upper[0] >= ND_FIRST && upper[0] <= ND_LAST && ip[HOP_LIMIT] == ND_HOP_LIMIT;
	return ip[NEXT_HEADER] == IPPROTO_UDP && get_u16(upper + 2) == DHCP_SERVER;
}

// A host that has no address yet asks for a router from none.
static bool may_come_from_none(const uint8_t *ip)
{
	return ip[NEXT_HEADER] == IPPROTO_ICMPV6 && ip[IP6_HEADER] == ROUTER_SOLICITATION;
}

static int on_link_check(const uint8_t *ip, uint16_t length, bool in)
{
	if (!is_gateway(ip + DESTINATION) || !is_for_control(ip, length))
		return DROP_SUBSCRIBER_DESTINATION;
	if (!in && !ip6_is_link_local(ip + SOURCE) &&
		!(is_unspecified(ip + SOURCE) && may_come_from_none(ip)))
		return DROP_SUBSCRIBER_SOURCE;
	return SUBSCRIBER_PUNT;
}

static bool header_valid(struct rte_mbuf *m)
{
	const uint8_t *ip = rte_pktmbuf_mtod(m, const uint8_t *);
	uint32_t total;

	if (m->nb_segs != 1 || m->data_len < IP6_HEADER)
		return false;
	total = IP6_HEADER + get_u16(ip + PAYLOAD_LENGTH);
	if (total > m->data_len)
		return false;
	m->data_len = (uint16_t)total;
	m->pkt_len = total;
	return true;
}

// RFC 6040 section 4.2. False: the packet has to go.
static bool ecn_follow(struct rte_mbuf *m)
{
	uint8_t *ip = rte_pktmbuf_mtod(m, uint8_t *);
	enum ecn ecn = ecn_decapsulate(ip[1] >> 4, meta_of(m)->tos);

	if (ecn == ECN_DROP)
		return false;
	ip[1] = (uint8_t)((ip[1] & ~(ECN_MASK << 4)) | ecn << 4);
	return true;
}

int subscriber6_check(const struct worker *w, struct rte_mbuf *m, const struct session_uplink *s)
{
	const uint8_t *ip = rte_pktmbuf_mtod(m, const uint8_t *);
	bool in;

	if (!(__atomic_load_n(&s->flags, __ATOMIC_ACQUIRE) & SESSION_IP6_OPEN))
		return DROP_PPP_CLOSED;
	if (!header_valid(m))
		return DROP_SUBSCRIBER_INVALID;
	in = in_prefix(ip + SOURCE, s->ip6, s->ip6_length);
	if (unlikely(!is_beyond(ip + DESTINATION)))
		return on_link_check(ip, m->data_len, in);
	if (!in && !routes_lead_to(w->routes, meta_of(m)->session, ip + SOURCE, true))
		return DROP_SUBSCRIBER_SOURCE;
	return ecn_follow(m) ? DROP_COUNT : DROP_ECN_CONGESTION;
}

// SPDX-License-Identifier: Apache-2.0

// The border between a subscriber and everyone else, both ways. Uplink: what leaves a session is
// a well-formed packet from the subscriber's own address, or from one that is routed into that very
// session, to one host, or it is dropped; what it asks the gateway itself goes to the control
// plane. What is said of IPv6 here is in subscriber6.c. Downlink: only into a session whose NCP is
// open. Both ways: what the filter of its group and its own rates let through (group_stage.c). Here
// the session's packets are counted, by the one worker that owns the direction. The outer header's
// congestion mark goes over to the inner one.

#include "dataplane/checksum.h"
#include "dataplane/stage.h"

#include "dataplane/ecn.h"
#include "dataplane/group_stage.h"
#include "dataplane/large.h"
#include "dataplane/owner.h"
#include "dataplane/route.h"
#include "dataplane/scratch.h"
#include "dataplane/session.h"
#include "dataplane/shaper.h"
#include "dataplane/subscriber6.h"

#include <netinet/in.h>
#include <rte_ip.h>
#include <rte_udp.h>
#include <string.h>

enum {
	PUNT_INTERVAL = 1000 * 1000, // nanoseconds between two packets for the control plane
	PUNT_MOST = 256,             // at once
	PUNT_ONE_INTERVAL = 100 * 1000 * 1000, // the same of the sessions that share a bucket
	PUNT_ONE_MOST = 20,
	DHCP_SERVER = 67, // UDP (RFC 2131 section 4.1)
	FRAGMENT_MASK = 0x3fff,
};

// Length and header of an inner IPv4 packet; what follows its total length is cut off.
static bool header_valid(struct rte_mbuf *m)
{
	const uint8_t *ip = rte_pktmbuf_mtod(m, const uint8_t *);
	uint16_t header, total;

	if (m->nb_segs != 1 || m->data_len < sizeof(struct rte_ipv4_hdr) || ip[0] >> 4 != 4)
		return false;
	header = (uint16_t)((ip[0] & 0xf) * 4);
	total = (uint16_t)(ip[2] << 8 | ip[3]);
	if (header < sizeof(struct rte_ipv4_hdr) || total < header || total > m->data_len)
		return false;
	m->data_len = total;
	m->pkt_len = total;
	return checksum_ip4_ok(ip, header);
}

// One host somewhere: not "this network", loopback, multicast or broadcast (RFC 1122 3.2.1.3).
static bool destination_valid(const uint8_t *destination)
{
	return destination[0] != 0 && destination[0] != 127 && destination[0] < 224;
}

// RFC 6040 section 4.2. False: the packet has to go.
static bool ecn_follow(struct rte_mbuf *m)
{
	uint8_t *ip = rte_pktmbuf_mtod(m, uint8_t *);
	enum ecn ecn = ecn_decapsulate(ip[1], meta_of(m)->tos);
	uint16_t checksum;

	if (likely((ip[1] & ECN_MASK) == ecn))
		return true;
	if (ecn == ECN_DROP)
		return false;
	ip[1] = (uint8_t)((ip[1] & ~ECN_MASK) | ecn);
	ip[10] = ip[11] = 0;
	checksum = (uint16_t)~rte_raw_cksum(ip, (ip[0] & 0xfU) * 4);
	memcpy(ip + 10, &checksum, sizeof(checksum));
	return true;
}

// By congestion on the outer path, or as large.
static inline bool is_marked(const struct meta *meta)
{
	return (meta->tos & ECN_MASK) | (meta->flags & META_LARGE);
}

// All that uplink_check checks, in few steps, for a packet without options that nothing on the way
// has marked. What follows its total length is cut off then. False: uplink_check knows more.
static inline bool uplink_usual(
	const struct worker *w, struct rte_mbuf *m, const struct session_uplink *s)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);
	uint32_t ip4 = __atomic_load_n(&s->ip4, __ATOMIC_ACQUIRE);
	uint16_t total;

	if (m->nb_segs != 1 || m->data_len < sizeof(*ip) || ip->version_ihl != RTE_IPV4_VHL_DEF)
		return false;
	total = rte_be_to_cpu_16(ip->total_length);
	if (total < sizeof(*ip) || total > m->data_len || ip->src_addr != ip4 || ip4 == 0 ||
		ip->dst_addr == w->ppp_local || is_marked(meta_of(m)) ||
		!destination_valid((const uint8_t *)&ip->dst_addr) || !checksum_ip4_plain_ok(ip))
		return false;
	m->data_len = total;
	m->pkt_len = total;
	return true;
}

// DHCP to us or to whom it concerns, which is us: what a client whose address IPCP gave asks
// (DHCPINFORM, RFC 2131 section 4.3.5).
static bool is_dhcp(const struct worker *w, const struct rte_mbuf *m)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);
	uint16_t header = rte_ipv4_hdr_len(ip);
	const uint8_t *udp = (const uint8_t *)ip + header;

	if (ip->next_proto_id != IPPROTO_UDP || ip->dst_addr == 0 ||
		(ip->dst_addr != UINT32_MAX && ip->dst_addr != w->ppp_local))
		return false;
	return !(ip->fragment_offset & rte_cpu_to_be_16(FRAGMENT_MASK)) &&
	       m->data_len >= header + sizeof(struct rte_udp_hdr) &&
	       (udp[2] << 8 | udp[3]) == DHCP_SERVER;
}

// DROP_COUNT: it goes on; SUBSCRIBER_PUNT; or the reason.
static int uplink_check(const struct worker *w, struct rte_mbuf *m, const struct session_uplink *s)
{
	uint32_t source, ip4 = __atomic_load_n(&s->ip4, __ATOMIC_ACQUIRE);
	const uint8_t *ip = rte_pktmbuf_mtod(m, const uint8_t *);

	if (m->data_len && packet_is_ip6(m))
		return subscriber6_check(w, m, s);
	if (!header_valid(m))
		return DROP_SUBSCRIBER_INVALID;
	memcpy(&source, ip + 12, sizeof(source));
	if (ip4 == 0)
		return DROP_SUBSCRIBER_SOURCE;
	if (source != ip4 && !routes_lead_to(w->routes, meta_of(m)->session, ip + 12, false))
		return DROP_SUBSCRIBER_SOURCE;
	if (source == ip4 && is_dhcp(w, m))
		return SUBSCRIBER_PUNT;
	if (!destination_valid(ip + 16))
		return DROP_SUBSCRIBER_DESTINATION;
	return ecn_follow(m) ? DROP_COUNT : DROP_ECN_CONGESTION;
}

// What is not usual. A large packet may have little in it: then it takes no large buffer on.
static int uplink_unusual(struct worker *w, struct rte_mbuf **m, const struct session_uplink *s)
{
	int reason = uplink_check(w, *m, s);

	if (reason == DROP_COUNT && packet_is_large(*m) && !large_settle(w, m))
		return DROP_NO_MEMORY;
	return reason;
}

// No subscriber fills the ring that the others need as well, nor takes their turn.
static void punt(struct worker *w, struct rte_mbuf *m)
{
	struct scratch *scratch = scratch_of(w);
	struct bucket *one = &scratch->punt[meta_of(m)->session % SCRATCH_PUNTS];

	if (bucket_take(one, w->now, PUNT_ONE_INTERVAL, PUNT_ONE_MOST) &&
		bucket_take(&scratch->punt_all, w->now, PUNT_INTERVAL, PUNT_MOST))
		packet_punt(w, m, packet_is_ip6(m) ? PACKET_IP6 : PACKET_IP4);
	else
		packet_drop(w, m, DROP_PUNT_RATE);
}

uint16_t subscriber_in(struct worker *w, struct rte_mbuf **m, uint16_t n)
{
	uint32_t special = 0;
	uint16_t out = 0;

	for (uint16_t i = 0; i < n; i++) {
		uint32_t index = meta_of(m[i])->session;
		struct session_uplink *s = &w->tables->session[index].uplink;
		int reason = DROP_COUNT;

		if (unlikely(!uplink_usual(w, m[i], s)))
			reason = uplink_unusual(w, &m[i], s);
		if (reason == DROP_COUNT) {
			if (group_special(w->tables, __atomic_load_n(&s->group, __ATOMIC_RELAXED),
				    &s->policer))
				special |= 1U << out;
			else
				session_count(&w->session_stats[index].uplink, m[i], w->now);
			m[out++] = m[i];
		} else if (reason == SUBSCRIBER_PUNT) {
			punt(w, m[i]);
		} else {
			w->session_stats[index].uplink.drops++;
			packet_drop(w, m[i], (enum drop)reason);
		}
	}
	return unlikely(special) ? group_uplink(w, m, out, special) : out;
}

// True: it goes on; otherwise the packet is gone.
static bool downlink_check(struct worker *w, struct rte_mbuf *m)
{
	uint32_t index = meta_of(m)->session, open;
	struct session_downlink *s;

	if (!session_live(w->tables, index)) {
		packet_drop(w, m, DROP_L2TP_SESSION);
		return false;
	}
	s = &w->tables->session[index].downlink;
	if (!owner_or_handover(w, m, &s->owner, HANDOVER_SUBSCRIBER_OUT))
		return false;
	open = packet_is_ip6(m) ? SESSION_IP6_OPEN : SESSION_IP4_OPEN;
	if (!(__atomic_load_n(&s->flags, __ATOMIC_ACQUIRE) & open)) {
		w->session_stats[index].downlink.drops++;
		packet_drop(w, m, DROP_PPP_CLOSED);
		return false;
	}
	return true;
}

uint16_t subscriber_out(struct worker *w, struct rte_mbuf **m, uint16_t n)
{
	uint32_t special = 0;
	uint16_t out = 0;

	for (uint16_t i = 0; i < n; i++) {
		uint32_t index = meta_of(m[i])->session;
		const struct session_downlink *s;

		if (!downlink_check(w, m[i]))
			continue;
		s = &w->tables->session[index].downlink;
		// Both are asked: one branch for the usual packet. clang wants to know that it is
		// meant.
		if ((int)group_special(
			    w->tables, __atomic_load_n(&s->group, __ATOMIC_RELAXED), &s->policer) |
			(int)shaper_concerns(s))
			special |= 1U << out;
		else
			session_count(&w->session_stats[index].downlink, m[i], w->now);
		m[out++] = m[i];
	}
	return unlikely(special) ? group_downlink(w, m, out, special) : out;
}

uint16_t subscriber_waited(struct worker *w, struct rte_mbuf **m)
{
	uint16_t n = shaper_due(w, m);

	for (uint16_t i = 0; i < n; i++)
		group_count(w, m[i], false);
	return n;
}

// SPDX-License-Identifier: Apache-2.0

// PPP framing, outbound: FF 03 and a protocol field of two bytes, which every peer takes, or less
// when the session's flags say that the peer asked for it. LCP packets always have the full form
// (RFC 1661 section 6.5, 6.6). A session without PPP has no framing at all.

#include "dataplane/stage.h"

#include "dataplane/ecn.h"
#include "dataplane/ppp_frame.h"
#include "dataplane/session.h"

#include <netinet/in.h>
#include <rte_ip.h>
#include <string.h>

enum { TOS_CONTROL = 0xc0 }; // class selector 6, internetwork control

static inline bool prepend(struct worker *w, struct rte_mbuf *m, const uint8_t *bytes, uint16_t n)
{
	char *room = rte_pktmbuf_prepend(m, n);

	if (!room) {
		packet_drop(w, m, DROP_NO_MEMORY);
		return false;
	}
	memcpy(room, bytes, n);
	return true;
}

// The type of service or traffic class of an inner packet.
static inline uint8_t traffic_class(const uint8_t *ip, bool v6)
{
	return v6 ? (uint8_t)(ip[0] << 4 | ip[1] >> 4) : ip[1];
}

// Without PPP: the packet leaves in tunnel mode as it is. Both ends of such an SA have the full
// functionality of ECN (RFC 7296 section 2.24), so the outer header has the inner one's.
static inline void stay_bare(struct meta *meta, const uint8_t *ip, bool v6)
{
	meta->tos = traffic_class(ip, v6);
	meta->protocol = v6 ? IPPROTO_IPV6 : IPPROTO_IPIP;
}

// Inner IPv4 and IPv6, each with its whole header: subscriber_out lets nothing else through.
uint16_t ppp_out(struct worker *w, struct rte_mbuf **m, uint16_t count)
{
	static const uint8_t front[2][4] = {{PPP_ADDRESS, PPP_CONTROL_FIELD, PPP_IP4 >> 8, PPP_IP4},
		{PPP_ADDRESS, PPP_CONTROL_FIELD, PPP_IP6 >> 8, PPP_IP6}};
	uint16_t out = 0;

	for (uint16_t i = 0; i < count; i++) {
		struct meta *meta = meta_of(m[i]);
		struct session_downlink *s = &w->tables->session[meta->session].downlink;
		uint32_t flags = __atomic_load_n(&s->flags, __ATOMIC_ACQUIRE);
		const uint8_t *ip = rte_pktmbuf_mtod(m[i], const uint8_t *), *full;
		uint8_t bytes[4];
		uint16_t n = 0;
		bool v6;

		if (m[i]->data_len < sizeof(struct rte_ipv4_hdr)) {
			packet_drop(w, m[i], DROP_IP4_INVALID);
			continue;
		}
		v6 = ip[0] >> 4 == 6;
		full = front[v6];
		meta->tos = ecn_encapsulate(traffic_class(ip, v6));
		if (likely(!(flags & (SESSION_SEND_ACFC | SESSION_SEND_PFC | SESSION_BARE)))) {
			if (prepend(w, m[i], full, sizeof(front[0])))
				m[out++] = m[i];
			continue;
		}
		if (flags & SESSION_BARE) {
			stay_bare(meta, ip, v6);
			m[out++] = m[i];
			continue;
		}
		if (!(flags & SESSION_SEND_ACFC)) {
			memcpy(bytes, full, 2);
			n = 2;
		}
		if (!(flags & SESSION_SEND_PFC))
			bytes[n++] = full[2];
		bytes[n++] = full[3];
		if (prepend(w, m[i], bytes, n))
			m[out++] = m[i];
	}
	return out;
}

static bool is_bare(const struct worker *w, uint32_t session)
{
	return w->tables->session[session].downlink.flags & SESSION_BARE;
}

// What the control plane says in a session without PPP is IP (router advertisements, DHCP).
static bool control_bare(struct worker *w, struct rte_mbuf *m)
{
	const uint8_t *front = rte_pktmbuf_mtod(m, const uint8_t *);
	int protocol = m->data_len > 2 ? front[0] << 8 | front[1] : 0;

	if (protocol != PPP_IP6 && protocol != PPP_IP4) {
		packet_drop(w, m, DROP_INJECT_INVALID);
		return false;
	}
	rte_pktmbuf_adj(m, 2);
	meta_of(m)->protocol = protocol == PPP_IP6 ? IPPROTO_IPV6 : IPPROTO_IPIP;
	return true;
}

uint16_t ppp_out_control(struct worker *w, struct rte_mbuf **m, uint16_t count)
{
	static const uint8_t front[] = {PPP_ADDRESS, PPP_CONTROL_FIELD};
	uint16_t out = 0;

	for (uint16_t i = 0; i < count; i++) {
		struct meta *meta = meta_of(m[i]);

		meta->tos = TOS_CONTROL;
		if (is_bare(w, meta->session)) {
			if (control_bare(w, m[i]))
				m[out++] = m[i];
		} else if (prepend(w, m[i], front, sizeof(front))) {
			m[out++] = m[i];
		}
	}
	return out;
}

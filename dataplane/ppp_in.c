// SPDX-License-Identifier: Apache-2.0

// PPP, inbound. IPv4 and IPv6 go on when their NCP is open; LCP echo requests are answered here,
// so a subscriber's link stays up while no control plane is there; every other control protocol
// goes to the control plane, which also answers what nobody knows.

#include "dataplane/stage.h"

#include "dataplane/large.h"
#include "dataplane/ppp_frame.h"
#include "dataplane/session.h"

#include <rte_byteorder.h>
#include <string.h>

// The same packet goes back: code 10, our magic number, everything else as it came.
static void echo_answer(struct rte_mbuf *m, uint8_t *lcp, uint16_t length, uint32_t magic)
{
	rte_be32_t wire = rte_cpu_to_be_32(magic);

	lcp[0] = LCP_ECHO_REPLY;
	memcpy(lcp + 4, &wire, sizeof(wire));
	m->data_len = length + 2;
	m->pkt_len = m->data_len;
	meta_of(m)->flags |= META_CONTROL;
}

// A control protocol; the packet begins at its two-byte protocol field. True: *m is an answer.
static bool control_in(struct worker *w, struct rte_mbuf *m, uint16_t protocol, uint32_t flags)
{
	const struct session_uplink *s = &w->tables->session[meta_of(m)->session].uplink;
	uint8_t *lcp = rte_pktmbuf_mtod(m, uint8_t *) + 2;
	enum lcp_echo echo = LCP_OTHER;
	uint16_t said;

	// No answer leaves in a large buffer, nor in one packet.
	if (protocol == PPP_LCP && flags & SESSION_LCP_OPEN && !packet_is_large(m))
		echo = lcp_echo_check(lcp, m->data_len - 2U, s->magic, &said);
	if (echo == LCP_ANSWER) {
		echo_answer(m, lcp, said, s->magic);
		return true;
	}
	if (echo == LCP_INVALID)
		packet_drop(w, m, DROP_PPP_ECHO);
	else
		packet_punt(w, m, PACKET_PPP);
	return false;
}

static void network_drop(struct worker *w, struct rte_mbuf *m, enum drop reason)
{
	w->session_stats[meta_of(m)->session].uplink.drops++;
	packet_drop(w, m, reason);
}

// A network protocol; the packet begins at its information field. True: it goes on.
static bool network_in(struct worker *w, struct rte_mbuf *m, uint16_t protocol, uint32_t flags)
{
	uint8_t version = protocol == PPP_IP4 ? 4 : 6;

	if (!(protocol == PPP_IP4 && flags & SESSION_IP4_OPEN) &&
		!(protocol == PPP_IP6 && flags & SESSION_IP6_OPEN)) {
		network_drop(w, m, DROP_PPP_CLOSED);
		return false;
	}
	if (m->data_len == 0 || *rte_pktmbuf_mtod(m, const uint8_t *) >> 4 != version) {
		network_drop(w, m, DROP_SUBSCRIBER_INVALID);
		return false;
	}
	return true;
}

uint16_t ppp_in(struct worker *w, struct rte_mbuf **m, uint16_t count, struct rte_mbuf **answers,
	uint16_t *answer_count)
{
	uint16_t out = 0;

	for (uint16_t i = 0; i < count; i++) {
		struct session_uplink *s = &w->tables->session[meta_of(m[i])->session].uplink;
		uint32_t flags = __atomic_load_n(&s->flags, __ATOMIC_ACQUIRE);
		const uint8_t *frame = rte_pktmbuf_mtod(m[i], const uint8_t *);
		uint16_t protocol, front;

		if (likely(flags & SESSION_IP4_OPEN &&
			    ppp_frame_is_plain_ip4(frame, m[i]->data_len))) {
			rte_pktmbuf_adj(m[i], PPP_FRONT_LONG);
			m[out++] = m[i];
			continue;
		}
		front = ppp_frame_parse(frame, m[i]->data_len, &protocol);
		if (front == 0) {
			network_drop(w, m[i], DROP_PPP_INVALID);
			continue;
		}
		// Control protocols have two bytes in any form, so both are there.
		rte_pktmbuf_adj(m[i], protocol >= PPP_CONTROL ? front - 2 : front);
		if (protocol < PPP_CONTROL) {
			if (network_in(w, m[i], protocol, flags))
				m[out++] = m[i];
		} else if (control_in(w, m[i], protocol, flags)) {
			answers[(*answer_count)++] = m[i];
		}
	}
	return out;
}

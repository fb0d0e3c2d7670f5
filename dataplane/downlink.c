// SPDX-License-Identifier: Apache-2.0

// The way of a packet from the network to the subscriber: the table of contents. Each line is a
// stage; what a stage does not return has been punted, handed over or dropped by name.

#include "dataplane/large.h"
#include "dataplane/stage.h"

#include <rte_common.h>

enum { WAITED_MOST = 16 }; // bursts in one round

void downlink_udp(struct worker *w, struct rte_mbuf **m, uint16_t count)
{
	if (count == 0)
		return;
	count = esp_out(w, m, count);
	count = ip_out(w, m, count);
	count = neighbour_out(w, m, count);
	tx(w, m, count);
}

void downlink_control(struct worker *w, struct rte_mbuf **m, uint16_t count)
{
	if (count == 0)
		return;
	count = ppp_out_control(w, m, count);
	count = l2tp_out(w, m, count);
	downlink_udp(w, m, count);
}

static void encapsulate(struct worker *w, struct rte_mbuf **m, uint16_t count)
{
	count = mss(w, m, count);
	count = ppp_out(w, m, count);
	count = l2tp_out(w, m, count);
	downlink_udp(w, m, count);
}

// What the session's border let through.
static void to_subscriber(struct worker *w, struct rte_mbuf **m, uint16_t count)
{
	struct rte_mbuf *errors[BURST];
	uint16_t error_count = 0;
	struct fitting f;

	for (uint16_t done = 0; done < count;) {
		done += mtu(w, m + done, count - done, &f, errors, &error_count);
		for (uint16_t i = 0; i < f.count; i += BURST)
			encapsulate(w, f.m + i, RTE_MIN((uint16_t)(f.count - i), (uint16_t)BURST));
	}
	downlink_own(w, errors, error_count);
}

void downlink_session(struct worker *w, struct rte_mbuf **m, uint16_t count)
{
	if (count == 0)
		return;
	count = subscriber_out(w, m, count);
	to_subscriber(w, m, count);
}

uint16_t downlink_waited(struct worker *w)
{
	struct rte_mbuf *m[BURST];
	uint16_t count, sum = 0;

	for (int i = 0; i < WAITED_MOST && (count = subscriber_waited(w, m)); i++) {
		to_subscriber(w, m, count);
		sum += count;
	}
	return sum;
}

// A large reply to an echo goes to the session that asked, where it is cut, and nowhere else.
static uint16_t large_drop(struct worker *w, struct rte_mbuf **m, uint16_t count)
{
	uint16_t kept = 0;

	for (uint16_t i = 0; i < count; i++) {
		if (packet_is_large(m[i]))
			packet_drop(w, m[i], DROP_ROUTE_LOOP);
		else
			m[kept++] = m[i];
	}
	return kept;
}

void downlink_own(struct worker *w, struct rte_mbuf **m, uint16_t count)
{
	struct routed r;

	if (count == 0)
		return;
	for (uint16_t i = 0; i < count; i++)
		meta_of(m[i])->flags |= META_OWN;
	route(w, m, count, &r);
	packets_drop(w, r.local, r.local_count, DROP_ROUTE_LOCAL);
	r.network_count = large_drop(w, r.network, r.network_count);
	r.network_count = neighbour_out(w, r.network, r.network_count);
	tx(w, r.network, r.network_count);
	downlink_session(w, r.session, r.session_count);
}

// What the network side does not have goes back to it by no way: such a packet is dropped.
static void from_network(struct worker *w, struct rte_mbuf **m, uint16_t count)
{
	struct rte_mbuf *errors[BURST];
	uint16_t error_count = 0;
	struct routed r;

	route(w, m, count, &r);
	packets_drop(w, r.network, r.network_count, DROP_ROUTE_LOOP);
	r.session_count = forward(w, r.session, r.session_count, errors, &error_count);
	r.local_count = icmp_echo(w, r.local, r.local_count);
	downlink_session(w, r.session, r.session_count);
	downlink_own(w, r.local, r.local_count);
	downlink_own(w, errors, error_count);
}

void downlink(struct worker *w, struct rte_mbuf **m, uint16_t count)
{
	struct classified c;

	classify(w, m, count, &c);
	from_network(w, c.forward, c.forward_count);
	c.answer_count = link_answer(w, c.answer, c.answer_count);
	downlink_own(w, c.answer, c.answer_count);
}

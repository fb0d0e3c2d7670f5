// SPDX-License-Identifier: Apache-2.0

// The way of a packet from the subscriber to the network: the table of contents. Each line is a
// stage; what a stage does not return has been punted, handed over or dropped by name.

#include "dataplane/group_stage.h"
#include "dataplane/stage.h"

#include "dataplane/reorder.h"

static void to_network(struct worker *w, struct rte_mbuf **m, uint16_t count)
{
	struct rte_mbuf *errors[BURST];
	uint16_t error_count = 0;

	count = forward(w, m, count, errors, &error_count);
	count = network_fit(w, m, count, errors, &error_count);
	count = neighbour_out(w, m, count);
	tx(w, m, count);
	downlink_own(w, errors, error_count);
}

// Subscriber to subscriber.
static void to_session(struct worker *w, struct rte_mbuf **m, uint16_t count)
{
	struct rte_mbuf *errors[BURST];
	uint16_t error_count = 0;

	count = group_isolate(w, m, count);
	count = forward(w, m, count, errors, &error_count);
	downlink_session(w, m, count);
	downlink_own(w, errors, error_count);
}

static void to_gateway(struct worker *w, struct rte_mbuf **m, uint16_t count)
{
	count = icmp_echo(w, m, count);
	downlink_own(w, m, count);
}

// Inner IP packets of sessions.
static void from_session(struct worker *w, struct rte_mbuf **m, uint16_t count)
{
	struct routed r;

	count = subscriber_in(w, m, count);
	count = mss(w, m, count);
	route(w, m, count, &r);
	to_network(w, r.network, r.network_count);
	to_session(w, r.session, r.session_count);
	to_gateway(w, r.local, r.local_count);
}

static void from_link(struct worker *w, struct rte_mbuf **m, uint16_t count)
{
	struct rte_mbuf *answers[BURST];
	uint16_t answer_count = 0;

	count = ppp_in(w, m, count, answers, &answer_count);
	from_session(w, m, count);
	downlink_control(w, answers, answer_count);
}

// Packets with sequence numbers whose turn it is now.
static void in_turn(struct worker *w)
{
	struct rte_mbuf *m[BURST];
	uint16_t count;

	while ((count = reorder_ready(w, m)))
		from_link(w, m, count);
}

void uplink_waited(struct worker *w)
{
	reorder_expire(w);
	in_turn(w);
}

void uplink_l2tp(struct worker *w, struct rte_mbuf **m, uint16_t count)
{
	if (count == 0)
		return;
	count = l2tp_in(w, m, count);
	from_link(w, m, count);
	in_turn(w);
}

void uplink_inner(struct worker *w, struct rte_mbuf **m, uint16_t count)
{
	if (count == 0)
		return;
	count = inner_in(w, m, count);
	from_session(w, m, count);
}

void uplink_esp(struct worker *w, struct rte_mbuf **m, uint16_t count)
{
	struct rte_mbuf *inner[BURST];
	uint16_t inner_count = 0;

	if (count == 0)
		return;
	count = esp_in(w, m, count, inner, &inner_count);
	uplink_l2tp(w, m, count);
	uplink_inner(w, inner, inner_count);
}

static void from_subscriber(struct worker *w, struct classified *c)
{
	uplink_esp(w, c->esp, c->esp_count);
	uplink_l2tp(w, c->l2tp, c->l2tp_count);
	c->answer_count = ip_route(w, c->answer, c->answer_count);
	c->answer_count = neighbour_out(w, c->answer, c->answer_count);
	tx(w, c->answer, c->answer_count);
}

void uplink_fragments(struct worker *w, struct rte_mbuf **m, uint16_t count)
{
	struct classified c;

	if (count == 0)
		return;
	count = reassemble(w, m, count);
	classify_whole(w, m, count, &c);
	from_subscriber(w, &c);
}

void uplink(struct worker *w, struct rte_mbuf **m, uint16_t count)
{
	struct classified c;

	classify(w, m, count, &c);
	from_subscriber(w, &c);
	uplink_fragments(w, c.fragment, c.fragment_count);
}

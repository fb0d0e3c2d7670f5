// SPDX-License-Identifier: Apache-2.0

// A subscriber's packets that wait for their time on the line (RFC 8290, FQ-CoDel). Each flow has
// a queue of its own, by a secret hash of its 5-tuple, and the queues take turns of FAIR_QUANTUM
// bytes (deficit round robin): a flow that sends much makes only itself wait. A flow that has just
// begun is served before those that were there, so that a ping, a DNS answer or the first packet of
// a page overtakes a download. In each queue CoDel (codel.h) keeps the delay short; a packet whose
// sender knows ECN is marked (RFC 3168), any other is dropped.
//
// All of it belongs to one worker. Packets lie in places of a store that the queues of all its
// subscribers share; how much of it one may have is the shaper's to say (shaper.c). Order is kept
// within a flow. Flows that share a queue by accident of the hash are one.

#include "dataplane/fair_queue.h"

#include "dataplane/ecn.h"

#include <string.h>

enum {
	LARGEST = FAIR_QUANTUM, // bytes: as much may always stand in a flow's queue
	CUT_MOST = 32,          // packets dropped at once
};

void fair_store_init(struct fair_store *s, struct fair_place *place, uint32_t count)
{
	*s = (struct fair_store){.place = place, .left = count};
	for (uint32_t i = 0; i < count; i++)
		place[i].next = i + 1;
}

void fair_queue_init(struct fair_queue *q)
{
	memset(q, 0, sizeof(*q));
	q->fresh = (struct fair_list){.first = FAIR_NO_FLOW};
	q->old = (struct fair_list){.first = FAIR_NO_FLOW};
}

// ---- the two lists

static void list_append(struct fair_queue *q, struct fair_list *l, uint8_t flow)
{
	q->flow[flow].next = FAIR_NO_FLOW;
	if (l->first == FAIR_NO_FLOW)
		l->first = flow;
	else
		q->flow[l->last].next = flow;
	l->last = flow;
}

static void list_pop(struct fair_queue *q, struct fair_list *l)
{
	l->first = q->flow[l->first].next;
}

// ---- one flow

void fair_queue_put(struct worker *w, struct fair_store *s, struct fair_queue *q,
	struct rte_mbuf *m, uint32_t hash)
{
	uint8_t number = hash % FAIR_FLOWS;
	struct fair_flow *f = &q->flow[number];
	uint32_t at = s->free;

	s->free = s->place[at].next;
	s->left--;
	s->place[at] = (struct fair_place){.m = m, .since = w->now, .bytes = m->pkt_len};
	if (f->bytes)
		s->place[f->last].next = at;
	else
		f->first = at;
	f->last = at;
	f->bytes += m->pkt_len;
	q->packets++;
	w->stats->held++;
	if (f->listed)
		return;
	f->listed = true;
	f->deficit = FAIR_QUANTUM;
	list_append(q, &q->fresh, number);
}

// The oldest packet of a flow that has any; it is no longer held.
static struct fair_place flow_pop(
	struct worker *w, struct fair_store *s, struct fair_queue *q, struct fair_flow *f)
{
	uint32_t at = f->first;
	struct fair_place place = s->place[at];

	f->first = place.next;
	f->bytes -= place.bytes;
	s->place[at].next = s->free;
	s->free = at;
	s->left++;
	q->packets--;
	w->stats->held--;
	return place;
}

// The next packet of a flow that may go on.
static struct rte_mbuf *flow_take(struct worker *w, struct fair_store *s, struct fair_queue *q,
	struct fair_flow *f, const struct codel_times *times, uint64_t *dropped)
{
	while (f->bytes) {
		struct fair_place p = flow_pop(w, s, q, f);

		if (!codel_judge(&f->codel, times, w->now, w->now - p.since, f->bytes > LARGEST))
			return p.m;
		if (ecn_mark(rte_pktmbuf_mtod(p.m, uint8_t *), p.m->data_len)) {
			w->stats->marked++;
			return p.m;
		}
		packet_drop(w, p.m, DROP_SHAPER_CODEL);
		++*dropped;
	}
	codel_empty(&f->codel);
	return NULL;
}

// ---- the queue

struct rte_mbuf *fair_queue_take(struct worker *w, struct fair_store *s, struct fair_queue *q,
	const struct codel_times *times, uint64_t *dropped)
{
	for (;;) {
		struct fair_list *l = q->fresh.first != FAIR_NO_FLOW ? &q->fresh : &q->old;
		uint8_t number = l->first;
		struct fair_flow *f;
		struct rte_mbuf *m;

		if (number == FAIR_NO_FLOW)
			return NULL;
		f = &q->flow[number];
		if (f->deficit <= 0) {
			f->deficit += FAIR_QUANTUM;
			list_pop(q, l);
			list_append(q, &q->old, number);
			continue;
		}
		m = flow_take(w, s, q, f, times, dropped);
		if (m) {
			f->deficit -= (int32_t)m->pkt_len;
			return m;
		}
		list_pop(q, l);
		// A fresh flow that is empty waits for a turn of the others, or it could always be
		// fresh (RFC 8290 section 4.2).
		if (l == &q->fresh)
			list_append(q, &q->old, number);
		else
			f->listed = false;
	}
}

uint32_t fair_queue_cut(struct worker *w, struct fair_store *s, struct fair_queue *q)
{
	struct fair_flow *f = &q->flow[0];
	uint32_t half, count = 0;

	for (int i = 1; i < FAIR_FLOWS; i++)
		f = q->flow[i].bytes > f->bytes ? &q->flow[i] : f;
	half = f->bytes / 2;
	while (f->bytes > half && count < CUT_MOST) {
		packet_drop(w, flow_pop(w, s, q, f).m, DROP_SHAPER_FULL);
		count++;
	}
	return count;
}

void fair_queue_clear(
	struct worker *w, struct fair_store *s, struct fair_queue *q, enum drop reason)
{
	for (int i = 0; i < FAIR_FLOWS; i++)
		while (q->flow[i].bytes)
			packet_drop(w, flow_pop(w, s, q, &q->flow[i]).m, reason);
}

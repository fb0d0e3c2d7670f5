// SPDX-License-Identifier: Apache-2.0

// The shaper: what is sent to a subscriber faster than his rate waits here, in queues that are fair
// to his flows and that CoDel keeps short (fair_queue.c), instead of in the modem or radio behind
// us, where one download would stand in the way of everything else.
//
// A session has its rate in place (shape.h) and, as long as nothing has to wait, no more than that.
// The first packet that is too early gets it a queue out of the worker's pool; the queue goes back
// when it has run empty. So a million sessions cost nothing, and the clerk is asked for nothing.
//
// When a queue's next packet is due is kept in a wheel of WHEEL slots of 16 us, which the worker
// turns once a round. A packet leaves up to a slot late, and later if the worker sleeps; the rate
// does not suffer, because the next one is due by the rate and not by when this one left. A time
// beyond the wheel is its end: then the queue is only looked at. So a new rate, and a session
// that has gone, are noticed within 17 ms.
//
// Who owns it: the worker that owns the session's downlink, and while a packet waits that does not
// change. A queue knows the session's index and generation: one whose session is gone is dropped,
// whoever lives on the index by then.
//
// Bounds: the places of a worker, and of those that are free a queue may take a quarter, so the
// more wait the less each has, and one subscriber never has more than a fifth. Beyond that the
// longest of his own flows is cut. Large packets (large.h) do not wait: their pieces do.

#include "dataplane/shaper.h"

#include "dataplane/fair_queue.h"
#include "dataplane/flow.h"
#include "dataplane/fragment.h"
#include "dataplane/large.h"

#include <rte_branch_prediction.h>
#include <rte_common.h>

enum {
	PLACES_OF_POOL = 4, // a quarter
	PLACES_LEAST = 256,
	PLACES_OF_QUEUE = 4, // as many queues as can have so many packets each
	QUEUES_MOST = 16384,
	SHARE = 4,      // of the free places that one queue may have: a quarter
	WHEEL = 1024,   // slots
	SLOT_BITS = 14, // nanoseconds of a slot, as a shift
	NETWORK_OPEN = SESSION_IP4_OPEN | SESSION_IP6_OPEN,
};

struct queue {
	uint32_t session;
	uint16_t generation;
	uint16_t next; // of the slot, or free: number as in session_downlink.shaper
	struct fair_queue fair;
};

struct shaper {
	uint32_t seed;
	uint16_t queues;
	uint16_t free;    // number of the first free one, 0 = none
	uint16_t waiting; // queues in use
	uint64_t tick;    // of the slot that is looked at next
	uint32_t places;
	struct fair_store store;
	struct queue *queue; // by number - 1
	uint16_t slot[WHEEL];
};

struct shaper *shaper_create(
	const struct rte_mempool *pool, uint16_t workers, uint32_t sessions, uint32_t seed)
{
	struct shaper *s = table_alloc(sizeof(*s));
	struct fair_place *place;
	uint32_t queues;

	if (!s)
		return NULL;
	s->seed = seed;
	s->places = RTE_MAX(pool->size / PLACES_OF_POOL / workers, (uint32_t)PLACES_LEAST);
	queues = RTE_MIN(s->places / PLACES_OF_QUEUE, sessions);
	s->queues = (uint16_t)RTE_MIN(queues, (uint32_t)QUEUES_MOST);
	place = table_alloc(s->places * sizeof(*place));
	s->queue = table_alloc(s->queues * sizeof(*s->queue));
	fair_store_init(&s->store, place, place ? s->places : 0);
	if (!place || !s->queue) {
		shaper_destroy(s);
		return NULL;
	}
	for (uint16_t i = 0; i < s->queues; i++)
		s->queue[i].next = i + 2;
	s->queue[s->queues - 1].next = 0;
	s->free = 1;
	return s;
}

void shaper_destroy(struct shaper *s)
{
	if (!s)
		return;
	table_free(s->store.place);
	table_free(s->queue);
	table_free(s);
}

// ---- the wheel

// due: nanoseconds.
static void schedule(struct shaper *s, struct queue *q, uint64_t due)
{
	uint64_t tick = (due >> SLOT_BITS) + 1;
	uint16_t *slot;

	tick = RTE_MAX(tick, s->tick);
	tick = RTE_MIN(tick, s->tick + WHEEL - 1);
	slot = &s->slot[tick % WHEEL];
	q->next = *slot;
	*slot = (uint16_t)(q - s->queue + 1);
}

// The next queue to look at, taken out of the wheel; NULL when all that are due have been.
static struct queue *next_due(struct shaper *s, uint64_t now)
{
	uint64_t tick = now >> SLOT_BITS;

	if (s->tick + WHEEL <= tick)
		s->tick = tick - WHEEL + 1; // all slots are due
	for (; s->tick <= tick; s->tick++) {
		uint16_t *slot = &s->slot[s->tick % WHEEL];
		struct queue *q;

		if (*slot == 0)
			continue;
		q = &s->queue[*slot - 1];
		*slot = q->next;
		return q;
	}
	return NULL;
}

// ---- queues

static struct queue *queue_get(
	struct worker *w, struct session_downlink *d, uint32_t session, uint64_t due)
{
	struct shaper *s = w->shaper;
	struct queue *q;

	if (s->free == 0)
		return NULL;
	q = &s->queue[s->free - 1];
	d->shaper = s->free;
	s->free = q->next;
	if (s->waiting++ == 0)
		s->tick = w->now >> SLOT_BITS; // it stood still
	q->session = session;
	q->generation = d->generation;
	fair_queue_init(&q->fair);
	schedule(s, q, due);
	return q;
}

static void queue_give_back(struct shaper *s, struct queue *q)
{
	q->next = s->free;
	s->free = (uint16_t)(q - s->queue + 1);
	s->waiting--;
}

static uint32_t flow_of(const struct shaper *s, const struct rte_mbuf *m)
{
	struct flow f;

	flow_read(rte_pktmbuf_mtod(m, const uint8_t *), m->data_len, &f);
	return flow_hash(&f, s->seed);
}

static void refuse(struct worker *w, struct rte_mbuf *m)
{
	w->session_stats[meta_of(m)->session].downlink.drops++;
	packet_drop(w, m, DROP_SHAPER_FULL);
}

static void wait_as(struct worker *w, struct queue *q, struct rte_mbuf *m, uint32_t flow)
{
	struct shaper *s = w->shaper;

	// It has more than it may have: the rest is left for others.
	if (q->fair.packets > s->store.left / SHARE)
		w->session_stats[q->session].downlink.drops +=
			fair_queue_cut(w, &s->store, &q->fair);
	if (s->store.left == 0)
		refuse(w, m);
	else
		fair_queue_put(w, &s->store, &q->fair, m, flow);
}

// In pieces, which wait as one flow.
static void wait_cut(struct worker *w, struct queue *q, struct rte_mbuf *m, uint32_t flow)
{
	uint16_t fits = w->tables->session[q->session].downlink.mtu, n;
	struct rte_mbuf *pieces[FRAGMENTS_MAX];

	n = fragment_ip4(w, m, fits, pieces);
	if (n == 0) {
		w->session_stats[q->session].downlink.drops++;
		packet_drop(w, m, DROP_FRAGMENT_FAILED);
	}
	for (uint16_t i = 0; i < n; i++)
		wait_as(w, q, pieces[i], flow);
}

static void wait_in(struct worker *w, struct queue *q, struct rte_mbuf *m)
{
	uint32_t flow = flow_of(w->shaper, m);

	if (unlikely(packet_is_large(m)))
		wait_cut(w, q, m, flow);
	else
		wait_as(w, q, m, flow);
}

bool shaper_pass(struct worker *w, struct rte_mbuf *m)
{
	uint32_t session = meta_of(m)->session;
	struct session_downlink *d = &w->tables->session[session].downlink;
	struct queue *q;
	uint64_t due;

	if (unlikely(packet_is_large(m)) && !fragment_may(m))
		return true; // as far as mtu, which refuses it
	if (d->shaper) {
		wait_in(w, &w->shaper->queue[d->shaper - 1], m);
		return false;
	}
	due = shape_due(&d->shape, w->now, 0);
	if (due <= w->now) {
		gcra_pass(&d->shape, m->pkt_len);
		return true;
	}
	q = queue_get(w, d, session, due);
	if (q)
		wait_in(w, q, m);
	else
		refuse(w, m);
	return false;
}

// ---- what is due

// The session that a queue belongs to; NULL when it is gone. It is what it is until the end of
// the round: an index is used again only after every worker has finished one (session.c).
static struct session_downlink *session_of(const struct worker *w, const struct queue *q)
{
	struct session_downlink *d = &w->tables->session[q->session].downlink;

	return session_live(w->tables, q->session) && d->generation == q->generation ? d : NULL;
}

static struct codel_times times_of(const struct gcra *shape)
{
	return codel_times_at(
		FAIR_QUANTUM * (double)gcra_load(&shape->byte) / (1 << GCRA_TICKS_BITS));
}

// What of it is due now, up to room packets.
static uint16_t queue_send(struct worker *w, struct queue *q, struct session_downlink *d,
	struct rte_mbuf **m, uint16_t room)
{
	struct codel_times times = times_of(&d->shape);
	uint64_t dropped = 0, due = 0;
	uint16_t n = 0;

	while (n < room && (due = shape_due(&d->shape, w->now, SHAPE_LATE_MOST)) <= w->now) {
		m[n] = fair_queue_take(w, &w->shaper->store, &q->fair, &times, &dropped);
		if (!m[n])
			break;
		gcra_pass(&d->shape, m[n]->pkt_len);
		n++;
	}
	w->session_stats[q->session].downlink.drops += dropped;
	if (q->fair.packets) {
		schedule(w->shaper, q, due);
	} else {
		d->shaper = 0;
		queue_give_back(w->shaper, q);
	}
	return n;
}

// All of it goes: d is the session's, or NULL when that is gone.
static void queue_drop(struct worker *w, struct queue *q, struct session_downlink *d)
{
	fair_queue_clear(w, &w->shaper->store, &q->fair, d ? DROP_PPP_CLOSED : DROP_L2TP_SESSION);
	if (d)
		d->shaper = 0;
	queue_give_back(w->shaper, q);
}

uint16_t shaper_due(struct worker *w, struct rte_mbuf **m)
{
	struct session_downlink *d;
	struct queue *q;
	uint16_t n = 0;

	if (likely(w->shaper->waiting == 0))
		return 0;
	while (n < BURST && (q = next_due(w->shaper, w->now))) {
		d = session_of(w, q);
		if (likely(d && __atomic_load_n(&d->flags, __ATOMIC_ACQUIRE) & NETWORK_OPEN))
			n += queue_send(w, q, d, m + n, BURST - n);
		else
			queue_drop(w, q, d);
	}
	return n;
}

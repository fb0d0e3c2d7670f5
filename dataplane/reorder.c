// SPDX-License-Identifier: Apache-2.0

// Sequence numbers of L2TP data messages (RFC 2661 section 5.4). A packet that is older than one
// that went on is dropped. In a session whose LAC asked for sequence numbers, one that is ahead
// waits for those in front of it: at most REORDER_WINDOW numbers ahead, for REORDER_WAIT_MS, and
// then they are taken for lost. In any other session it goes on, and what it overtook is old.
//
// A session has the next number in its own line and, while a packet waits, a queue out of the
// worker's pool; without a free one nothing waits, and a large packet (large.h) never does. While
// it has a queue all its packets go through it, so that those of one burst keep their order. What
// may go on is ready, and follows behind the burst (uplink.c). The queue goes back once it is empty
// and nothing is ready.
//
// A queue belongs to the worker that owns the session's uplink, which stays the owner meanwhile
// (l2tp_in.c). It knows the session's generation: if that is gone, its packets are dropped.

#include "dataplane/reorder.h"

#include "dataplane/large.h"
#include "dataplane/session.h"

#include <rte_branch_prediction.h>
#include <rte_common.h>

enum {
	PART_OF_POOL = 16, // a sixteenth
	QUEUES_LEAST = 8,
	QUEUES_MOST = 1024,
	CHECK_MS = 5,  // how often those that wait are looked at
	OLD_MOST = 32, // old packets in a row are no stragglers: the peer began its numbers again
	NANOSECONDS = 1000000, // of a millisecond
};

struct waiting {
	struct rte_mbuf *m; // NULL = not yet there
	uint64_t since;     // nanoseconds, CLOCK_MONOTONIC
};

struct queue {
	uint32_t session;
	uint16_t generation;
	uint16_t next; // free, or empty: number as in session_uplink.reorder
	uint8_t count;
	bool used;
	bool empty;                             // is in the list of those
	struct waiting waiting[REORDER_WINDOW]; // by Ns
};

struct reorder {
	uint16_t queues;
	uint16_t free;  // number of the first, 0 = none
	uint16_t empty; // those in use in which nothing waits any more
	uint16_t used;
	uint64_t check; // nanoseconds: when to look next
	uint32_t first; // of ready
	uint32_t end;
	struct queue *queue; // by number - 1
	struct rte_mbuf **ready;
};

struct reorder *reorder_create(const struct rte_mempool *pool, uint16_t workers)
{
	struct reorder *r = table_alloc(sizeof(*r));
	uint32_t queues = pool->size / PART_OF_POOL / REORDER_WINDOW / workers;

	if (!r)
		return NULL;
	queues = RTE_MAX(queues, (uint32_t)QUEUES_LEAST);
	r->queues = (uint16_t)RTE_MIN(queues, (uint32_t)QUEUES_MOST);
	r->queue = table_alloc(r->queues * sizeof(*r->queue));
	// All that wait, and the burst that sets them free.
	r->ready = table_alloc((r->queues * REORDER_WINDOW + BURST) * sizeof(struct rte_mbuf *));
	if (!r->queue || !r->ready) {
		reorder_destroy(r);
		return NULL;
	}
	for (uint16_t i = 0; i + 1 < r->queues; i++)
		r->queue[i].next = i + 2;
	r->free = 1;
	return r;
}

void reorder_destroy(struct reorder *r)
{
	if (!r)
		return;
	table_free(r->queue);
	table_free(r->ready);
	table_free(r);
}

// ---- queues

static struct queue *queue_get(struct worker *w, struct session_uplink *s, uint32_t session)
{
	struct reorder *r = w->reorder;
	struct queue *q;

	if (r->free == 0)
		return NULL;
	s->reorder = r->free;
	q = &r->queue[r->free - 1];
	r->free = q->next;
	if (r->used++ == 0)
		r->check = w->now + CHECK_MS * NANOSECONDS;
	*q = (struct queue){.session = session,
		.generation = w->tables->session[session].downlink.generation,
		.used = true};
	return q;
}

static void queue_give_back(struct reorder *r, struct queue *q)
{
	q->used = false;
	q->next = r->free;
	r->free = (uint16_t)(q - r->queue + 1);
	r->used--;
}

// One packet less waits in it.
static struct rte_mbuf *queue_take(struct reorder *r, struct queue *q, struct waiting *p)
{
	struct rte_mbuf *m = p->m;

	p->m = NULL;
	if (--q->count == 0 && !q->empty) {
		q->empty = true;
		q->next = r->empty;
		r->empty = (uint16_t)(q - r->queue + 1);
	}
	return m;
}

// The expected packet and those right behind it are ready.
static void go_on(struct reorder *r, struct queue *q, struct session_uplink *s)
{
	struct waiting *p;

	while ((p = &q->waiting[s->expected % REORDER_WINDOW])->m) {
		r->ready[r->end++] = queue_take(r, q, p);
		s->expected++;
	}
}

// What is before this number is taken for lost; what has come of it goes on.
static void give_up(struct reorder *r, struct queue *q, struct session_uplink *s, uint16_t ns)
{
	while (q->count && (int16_t)(ns - s->expected) > 0) {
		s->expected++;
		go_on(r, q, s);
	}
	if ((int16_t)(ns - s->expected) > 0)
		s->expected = ns;
}

// ---- one packet

static void refuse(struct worker *w, struct rte_mbuf *m)
{
	w->session_stats[meta_of(m)->session].uplink.drops++;
	packet_drop(w, m, DROP_L2TP_SEQUENCE);
}

// False: there is one of that number, and this one is gone.
static bool keep(struct worker *w, struct queue *q, struct rte_mbuf *m, uint16_t ns)
{
	struct waiting *p = &q->waiting[ns % REORDER_WINDOW];

	if (p->m) {
		refuse(w, m);
		return false;
	}
	meta_of(m)->sa = NULL; // they may be freed while it waits
	meta_of(m)->tunnel = NULL;
	*p = (struct waiting){.m = m, .since = w->now};
	q->count++;
	w->stats->held++;
	return true;
}

// The session has a queue, so the packet goes through it.
static void pass_queue(struct worker *w, struct queue *q, struct session_uplink *s,
	struct rte_mbuf *m, uint16_t ns)
{
	struct reorder *r = w->reorder;

	if ((int16_t)(ns - s->expected) < 0) {
		if (++s->old < OLD_MOST) {
			refuse(w, m);
			return;
		}
		give_up(r, q, s, s->expected + REORDER_WINDOW);
		s->expected = ns;
	}
	s->old = 0;
	if ((uint16_t)(ns - s->expected) >= REORDER_WINDOW)
		give_up(r, q, s, ns - REORDER_WINDOW + 1);
	if (keep(w, q, m, ns) && unlikely(packet_is_large(m)))
		give_up(r, q, s, ns);
	go_on(r, q, s);
}

// Ahead of the expected one. True: it goes on, since nothing waits in this session.
static bool ahead(struct worker *w, struct session_uplink *s, struct rte_mbuf *m, uint16_t ns)
{
	uint32_t session = meta_of(m)->session;
	struct queue *q = NULL;

	if (w->tables->session[session].downlink.sequencing && !packet_is_large(m) &&
		(uint16_t)(ns - s->expected) < REORDER_WINDOW)
		q = queue_get(w, s, session);
	if (!q)
		return true;
	(void)keep(w, q, m, ns); // nothing else is there
	return false;
}

bool reorder_pass(struct worker *w, struct rte_mbuf *m, uint16_t ns)
{
	struct session_uplink *s = &w->tables->session[meta_of(m)->session].uplink;
	int16_t distance = (int16_t)(ns - s->expected);

	if (unlikely(s->reorder)) {
		pass_queue(w, &w->reorder->queue[s->reorder - 1], s, m, ns);
		return false;
	}
	if (unlikely(distance < 0) && ++s->old < OLD_MOST) {
		refuse(w, m);
		return false;
	}
	s->old = 0;
	if (unlikely(distance > 0) && !ahead(w, s, m, ns))
		return false;
	s->expected = ns + 1;
	return true;
}

// ---- what goes on later

// Queues in which nothing waits go back.
static void give_back_empty(struct worker *w)
{
	struct reorder *r = w->reorder;

	while (r->empty) {
		struct queue *q = &r->queue[r->empty - 1];

		r->empty = q->next;
		q->empty = false;
		if (q->count)
			continue;
		w->tables->session[q->session].uplink.reorder = 0;
		queue_give_back(r, q);
	}
}

uint16_t reorder_ready(struct worker *w, struct rte_mbuf **m)
{
	struct reorder *r = w->reorder;
	uint16_t n = 0;

	if (likely(r->end == 0))
		return 0;
	while (n < BURST && r->first < r->end)
		m[n++] = r->ready[r->first++];
	w->stats->held -= n;
	if (r->first == r->end) {
		r->first = r->end = 0;
		give_back_empty(w);
	}
	return n;
}

static void queue_drop(struct worker *w, struct queue *q)
{
	for (int i = 0; i < REORDER_WINDOW; i++) {
		if (!q->waiting[i].m)
			continue;
		packet_drop(w, q->waiting[i].m, DROP_L2TP_SESSION);
		w->stats->held--;
	}
	queue_give_back(w->reorder, q);
}

// The first packet that waits sets the time.
static void queue_expire(struct worker *w, struct queue *q, struct session_uplink *s)
{
	while (q->count) {
		uint16_t ns = s->expected;

		while (!q->waiting[ns % REORDER_WINDOW].m)
			ns++;
		if (q->waiting[ns % REORDER_WINDOW].since + REORDER_WAIT_MS * NANOSECONDS > w->now)
			return;
		give_up(w->reorder, q, s, ns);
		go_on(w->reorder, q, s);
	}
}

void reorder_expire(struct worker *w)
{
	struct reorder *r = w->reorder;

	if (likely(r->used == 0) || w->now < r->check)
		return;
	r->check = w->now + CHECK_MS * NANOSECONDS;
	for (uint16_t i = 0; i < r->queues; i++) {
		struct queue *q = &r->queue[i];
		struct session *s = &w->tables->session[q->session];

		if (!q->used)
			continue;
		if (session_live(w->tables, q->session) && s->downlink.generation == q->generation)
			queue_expire(w, q, &s->uplink);
		else
			queue_drop(w, q);
	}
}

// SPDX-License-Identifier: Apache-2.0

// How a packet's way ends or bends: dropped under a name, punted to the control plane, handed to
// another worker or to the clerk. Each is counted once, so that the sum of contract/stats.h holds.

#include "dataplane/clerk.h"
#include "dataplane/worker.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>

void packet_lost(struct worker *w, enum drop reason)
{
	w->stats->drops[reason]++;
}

void packet_drop(struct worker *w, struct rte_mbuf *m, enum drop reason)
{
	w->stats->drops[reason]++;
	rte_pktmbuf_free(m);
}

void packets_drop(struct worker *w, struct rte_mbuf **m, uint16_t count, enum drop reason)
{
	w->stats->drops[reason] += count;
	rte_pktmbuf_free_bulk(m, count);
}

struct rte_mbuf *packet_new(struct worker *w)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(w->pool);

	if (m)
		memset(meta_of(m), 0, META_LINE);
	return m;
}

struct rte_mbuf *packet_create(struct worker *w)
{
	struct rte_mbuf *m = packet_new(w);

	if (m)
		w->stats->created++;
	return m;
}

static bool of_session(enum packet_kind kind)
{
	return kind == PACKET_PPP || kind == PACKET_IP6 || kind == PACKET_IP4;
}

static void describe(
	const struct worker *w, const struct rte_mbuf *m, enum packet_kind kind, struct packet *out)
{
	const struct meta *meta = rte_mbuf_to_priv((struct rte_mbuf *)m);

	memset(out, 0, PACKET_HEADER);
	out->kind = kind;
	if (kind == PACKET_IKE && (meta->flags & META_NAT_T))
		out->flags = PACKET_NAT_T;
	out->port = meta->port;
	out->sa = meta->spi;
	out->peer = meta->peer;
	out->session = of_session(kind) ? meta->session : SESSION_NONE;
	out->local_port = meta->local_port;
	out->remote_port = meta->remote_port;
	out->received = w->now;
	if (unlikely(meta->flags & META_OUTER6)) {
		out->local = address_v6(meta->local6);
		out->remote = address_v6(meta->remote6);
	} else {
		out->local = address_v4((const uint8_t *)&meta->local);
		out->remote = address_v4((const uint8_t *)&meta->remote);
	}
}

// The slots that a packet takes, 0 when it is too long.
static uint16_t parts_of(const struct rte_mbuf *m, enum packet_kind kind)
{
	if (likely(m->pkt_len <= PACKET_DATA))
		return 1;
	return m->pkt_len > packet_most(kind)
		       ? 0
		       : (uint16_t)((m->pkt_len + PACKET_DATA - 1) / PACKET_DATA);
}

static void put_part(const struct rte_mbuf *m, uint16_t part, struct packet *slot)
{
	uint32_t at = (uint32_t)part * PACKET_DATA;
	uint32_t length = RTE_MIN(m->pkt_len - at, (uint32_t)PACKET_DATA);
	const void *bytes = rte_pktmbuf_read(m, at, length, slot->data);

	slot->part = part;
	slot->length = (uint16_t)length;
	if (bytes && bytes != slot->data)
		memcpy(slot->data, bytes, length);
}

void packet_punt(struct worker *w, struct rte_mbuf *m, enum packet_kind kind)
{
	struct channel *c = atomic_load_explicit(&w->channel, memory_order_acquire);
	uint16_t parts = parts_of(m, kind);
	struct ring *ring;

	if (!c) {
		packet_drop(w, m, DROP_PUNT_CLOSED);
		return;
	}
	if (parts == 0) {
		packet_drop(w, m, DROP_PUNT_LONG);
		return;
	}
	ring = &c->punt[w->index];
	// From the last one on: when that has room, so have the others.
	for (uint16_t i = parts; i-- > 0;) {
		struct packet *slot = ring_slot_at(ring, i);

		if (!slot) {
			packet_drop(w, m, DROP_PUNT_FULL);
			return;
		}
		describe(w, m, kind, slot);
		slot->parts = parts;
		put_part(m, i, slot);
	}
	ring_push_all(ring, parts);
	w->stats->punted++;
	w->wake_control = true;
	rte_pktmbuf_free(m);
}

bool worker_owns(struct worker *w, uint16_t *owner)
{
	uint16_t us = w->index + 1;
	uint16_t who = __atomic_load_n(owner, __ATOMIC_RELAXED);

	if (likely(who == us))
		return true;
	if (who != 0)
		return false;
	return __atomic_compare_exchange_n(
		       owner, &who, us, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE) ||
	       who == us;
}

// What one worker collected for another goes over at once.
static void give_flush(struct worker *w, uint16_t to)
{
	uint16_t count = w->give_count[to];
	unsigned sent = rte_ring_enqueue_burst(w->give_to[to], (void **)w->give[to], count, NULL);

	w->stats->given += sent;
	if (unlikely(sent < count))
		packets_drop(w, w->give[to] + sent, count - sent, DROP_HANDOVER_FULL);
	w->give_count[to] = 0;
}

void worker_handover(
	struct worker *w, struct rte_mbuf *m, uint16_t owner, enum handover_stage stage)
{
	uint16_t to = owner - 1;

	// An owner is never taken back to free, but the word is shared: believe it within bounds.
	if (unlikely(to >= w->workers || to == w->index || !w->give_to[to])) {
		packet_drop(w, m, DROP_HANDOVER_FULL);
		return;
	}
	meta_of(m)->stage = stage;
	w->give[to][w->give_count[to]++] = m;
	if (w->give_count[to] == BURST)
		give_flush(w, to);
}

void worker_handover_flush(struct worker *w)
{
	for (uint16_t to = 0; to < w->workers; to++)
		if (w->give_count[to])
			give_flush(w, to);
}

void clerk_give(struct worker *w, struct rte_mbuf *m, enum clerk_work work)
{
	meta_of(m)->stage = work;
	if (rte_ring_sp_enqueue(w->to_clerk, m) != 0) {
		packet_drop(w, m, DROP_NEIGHBOUR_FULL);
		return;
	}
	w->stats->given++;
	w->wake_clerk = true;
}

void clerk_ring(struct clerk_bell *b)
{
	// Pairs with the clerk, which sets the word and then looks at the rings once more.
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(&b->sleeps, __ATOMIC_RELAXED) == 0)
		return;
	if (__atomic_exchange_n(&b->sleeps, 0, __ATOMIC_ACQ_REL) != 0)
		(void)eventfd_write(b->eventfd, 1);
}

// SPDX-License-Identifier: Apache-2.0

// L2TP data and control, inbound. Control messages go to the control plane, whatever they are and
// however they came. A data message must belong to its tunnel in three ways: tunnel id, session
// id, and where it came from: the IKE peer of the SA pair that it was decrypted with, or, for a
// tunnel without IPsec, the address and port (RFC 3193 section 4). Many clients behind one NAT
// address therefore never get at each other's sessions.
//
// Packets with sequence numbers that go on here are in order; those that came too early follow
// behind the burst (reorder.c).

#include "dataplane/stage.h"

#include "dataplane/l2tp_header.h"
#include "dataplane/outer6.h"
#include "dataplane/reorder.h"
#include "dataplane/sa.h"
#include "dataplane/session.h"
#include "dataplane/session_owner.h"
#include "dataplane/tunnel.h"

#include <errno.h>
#include <rte_byteorder.h>
#include <rte_prefetch.h>
#include <string.h>

// The bytes of the shortest header in the first eight of a packet, as a little-endian number.
#define L2TP_HEADER_MASK UINT64_C(0x0000ffffffffffff)

// Packets in a row with the same header from the same place: what is found for one is true for all.
struct l2tp_run {
	struct rte_mbuf **m; // the first
	uint16_t count;
	uint32_t session;
	struct tunnel *tunnel;
	struct l2tp_header header;
};

// True for a data message, which ends where its header says then; otherwise the packet is gone.
static bool packet_parse(struct worker *w, struct rte_mbuf *m, struct l2tp_header *h)
{
	const uint8_t *bytes = rte_pktmbuf_mtod(m, const uint8_t *);
	uint16_t length = m->nb_segs == 1 ? m->data_len : 0;
	int error;

	if (likely(l2tp_header_parse_short(bytes, length, h)))
		return true;
	error = l2tp_header_parse(bytes, length, h);
	if (error) {
		packet_drop(
			w, m, error == -EPROTONOSUPPORT ? DROP_L2TP_VERSION : DROP_L2TP_INVALID);
		return false;
	}
	if (h->flags & L2TP_TYPE) {
		packet_punt(w, m, PACKET_L2TP);
		return false;
	}
	m->data_len = h->end;
	m->pkt_len = h->end;
	return true;
}

// Does the packet go on with the run? Only those with the shortest header do.
static inline bool run_goes_on(const struct l2tp_run *r, struct rte_mbuf *m)
{
	const struct meta *before = meta_of(r->m[0]), *meta = meta_of(m);
	uint64_t head, one;

	if (m->nb_segs != 1 || m->data_len < sizeof(one) || r->header.flags != L2TP_VERSION ||
		r->m[0]->data_len < sizeof(head))
		return false;
	memcpy(&head, rte_pktmbuf_mtod(r->m[0], const uint8_t *), sizeof(head));
	memcpy(&one, rte_pktmbuf_mtod(m, const uint8_t *), sizeof(one));
	if ((head ^ one) & rte_cpu_to_le_64(L2TP_HEADER_MASK) || meta->peer != before->peer)
		return false;
	return meta->peer || (meta->remote == before->remote && meta->local == before->local &&
				     meta->remote_port == before->remote_port &&
				     !((meta->flags | before->flags) & META_OUTER6));
}

static void run_drop(struct worker *w, const struct l2tp_run *r, enum drop reason)
{
	packets_drop(w, r->m, r->count, reason);
}

static bool tunnel_matches(const struct tunnel *t, const struct meta *meta)
{
	if (t->peer != meta->peer || t->kind != TUNNEL_L2TP)
		return false;
	if (t->peer)
		return true;
	return t->remote == meta->remote && t->remote_port == meta->remote_port &&
	       t->local == meta->local && (likely(!t->outer6) || outer6_is_of(t->outer6, meta));
}

// The tunnel; its map is on its way then. False: the packets are gone.
static bool run_tunnel(struct worker *w, struct l2tp_run *r)
{
	const struct tunnel *t = r->tunnel;

	if (!t || !tunnel_matches(t, meta_of(r->m[0]))) {
		run_drop(w, r, t ? DROP_L2TP_PEER : DROP_L2TP_TUNNEL);
		return false;
	}
	rte_prefetch0(__atomic_load_n(&t->map, __ATOMIC_ACQUIRE));
	return true;
}

// Sessions of a tunnel with many are dealt out by their index (session.c): what another worker
// counts is not taken away from its core.
static inline bool may_be_ours(const struct worker *w, const struct l2tp_run *r)
{
	return w->workers == 1 || r->tunnel->map == (const void *)r->tunnel->own_map ||
	       r->session % w->workers == w->index;
}

// The session; its line and that of its counters are on their way then. False: the packets are
// gone.
static bool run_session(struct worker *w, struct l2tp_run *r)
{
	r->session = tunnel_session(r->tunnel, r->header.session);
	if (r->session == SESSION_NONE) {
		run_drop(w, r, DROP_L2TP_SESSION);
		return false;
	}
	rte_prefetch0(&w->tables->session[r->session].uplink);
	if (likely(may_be_ours(w, r)))
		rte_prefetch0(&w->session_stats[r->session].uplink);
	return true;
}

static inline uint16_t runs_find(struct worker *w, struct l2tp_run *r, uint16_t n,
	bool (*find)(struct worker *w, struct l2tp_run *r))
{
	uint16_t found = 0;

	for (uint16_t i = 0; i < n; i++) {
		if (!find(w, &r[i]))
			continue;
		if (found != i)
			r[found] = r[i];
		found++;
	}
	return found;
}

// PPP frame now. False: the packet is gone, or comes later.
static inline bool packet_open(
	struct worker *w, struct rte_mbuf *m, const struct l2tp_run *r, struct session_uplink *s)
{
	struct meta *meta = meta_of(m);

	if (!session_claim(w, m, s, HANDOVER_L2TP_IN))
		return false;
	meta->tunnel = r->tunnel;
	meta->session = r->session;
	m->data_off += r->header.payload;
	m->data_len -= r->header.payload;
	m->pkt_len = m->data_len;
	return likely(!(r->header.flags & L2TP_SEQUENCE)) || reorder_pass(w, m, r->header.ns);
}

// What came in on the SA, for the next packets of it (sa.h).
static inline void hint_note(struct sa *s, const struct l2tp_run *r)
{
	if (likely(s->hint == SA_HINT_ONE && s->replay.other == r->session))
		return;
	if (s->hint == SA_HINT_MANY)
		return;
	s->hint = s->hint == SA_HINT_NONE ? SA_HINT_ONE : SA_HINT_MANY;
	s->replay.other = r->session;
	s->hint_tunnel = r->header.tunnel;
}

// Returns how many packets go on; *handed is set when another worker gave one of them.
static uint16_t run_open(
	struct worker *w, const struct l2tp_run *r, struct rte_mbuf **out, bool *handed)
{
	struct session_uplink *s = &w->tables->session[r->session].uplink;
	uint16_t n = 0;

	if (unlikely(__atomic_load_n(&s->state, __ATOMIC_ACQUIRE) != SESSION_LIVE ||
		     s->session_id != r->header.session || s->tunnel != r->header.tunnel)) {
		run_drop(w, r, DROP_L2TP_SESSION);
		return 0;
	}
	if (meta_of(r->m[0])->sa) // ours, if it came here without a detour
		hint_note(meta_of(r->m[0])->sa, r);
	for (uint16_t i = 0; i < r->count; i++) {
		struct rte_mbuf *m = r->m[i];

		if (unlikely(!packet_open(w, m, r, s)))
			continue;
		out[n++] = m;
		*handed |= meta_of(m)->stage == HANDOVER_L2TP_IN;
	}
	return n;
}

// The runs of a burst; what is no data message is gone from m.
static uint16_t runs_make(struct worker *w, struct rte_mbuf **m, uint16_t count, struct l2tp_run *r)
{
	uint16_t runs = 0, kept = 0;

	for (uint16_t i = 0; i < count; i++) {
		struct rte_mbuf *one = m[i];

		if (runs && run_goes_on(&r[runs - 1], one)) {
			m[kept++] = one;
			r[runs - 1].count++;
			continue;
		}
		if (!packet_parse(w, one, &r[runs].header))
			continue;
		rte_prefetch0(&w->tables->tunnel[r[runs].header.tunnel]);
		m[kept] = one;
		r[runs].m = &m[kept++];
		r[runs++].count = 1;
	}
	return runs;
}

uint16_t l2tp_in(struct worker *w, struct rte_mbuf **m, uint16_t count)
{
	struct l2tp_run r[BURST];
	uint16_t n = runs_make(w, m, count, r), out = 0;
	bool handed = false;

	for (uint16_t i = 0; i < n; i++) {
		r[i].tunnel = tunnel_find(w->tables, r[i].header.tunnel);
		rte_prefetch0(r[i].tunnel);
	}
	n = runs_find(w, r, n, run_tunnel);
	n = runs_find(w, r, n, run_session);
	for (uint16_t i = 0; i < n; i++)
		out += run_open(w, &r[i], m + out, &handed);
	if (unlikely(handed))
		session_claims_check(w, m, out);
	return out;
}

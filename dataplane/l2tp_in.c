// SPDX-License-Identifier: Apache-2.0

// L2TP data and control, inbound. Control messages go to the control plane, whatever they are and
// however they came. A data message must belong to its tunnel in three ways: tunnel id, session
// id, and where it came from: the IKE peer of the SA pair that it was decrypted with, or, for a
// tunnel without IPsec, the address and port (RFC 3193 section 4). Many clients behind one NAT
// address therefore never get at each other's sessions.
//
// Sequence numbers: a packet that is older than one before is dropped. There is no reorder queue
// here.

#include "dataplane/stage.h"

#include "dataplane/l2tp_header.h"
#include "dataplane/outer6.h"
#include "dataplane/owner.h"
#include "dataplane/session.h"
#include "dataplane/tunnel.h"

#include <errno.h>
#include <rte_prefetch.h>

// So many old packets in a row are no stragglers: the peer has started its numbers again.
enum { OLD_MOST = 32 };

struct l2tp_packet {
	struct rte_mbuf *m;
	struct tunnel *tunnel;
	uint32_t session;
	struct l2tp_header header;
};

// True for a data message; otherwise the packet is gone.
static bool packet_parse(struct worker *w, struct rte_mbuf *m, struct l2tp_packet *p)
{
	const uint8_t *bytes = rte_pktmbuf_mtod(m, const uint8_t *);
	uint16_t length = m->nb_segs == 1 ? m->data_len : 0;
	int error;

	p->m = m;
	if (likely(l2tp_header_parse_short(bytes, length, &p->header)))
		return true;
	error = l2tp_header_parse(bytes, length, &p->header);
	if (error) {
		packet_drop(
			w, m, error == -EPROTONOSUPPORT ? DROP_L2TP_VERSION : DROP_L2TP_INVALID);
		return false;
	}
	if (p->header.flags & L2TP_TYPE) {
		packet_punt(w, m, PACKET_L2TP);
		return false;
	}
	return true;
}

static bool tunnel_matches(const struct tunnel *t, const struct meta *meta)
{
	if (t->peer != meta->peer)
		return false;
	if (t->peer)
		return true;
	return t->remote == meta->remote && t->remote_port == meta->remote_port &&
	       t->local == meta->local && (likely(!t->outer6) || outer6_is_of(t->outer6, meta));
}

// The tunnel; its map is on its way then. False: the packet is gone.
static bool packet_tunnel(struct worker *w, struct l2tp_packet *p)
{
	const struct tunnel *t = p->tunnel;

	if (!t || !tunnel_matches(t, meta_of(p->m))) {
		packet_drop(w, p->m, t ? DROP_L2TP_PEER : DROP_L2TP_TUNNEL);
		return false;
	}
	rte_prefetch0(__atomic_load_n(&t->map, __ATOMIC_ACQUIRE));
	return true;
}

// The session; its line and that of its counters are on their way then. False: the packet is gone.
static bool packet_session(struct worker *w, struct l2tp_packet *p)
{
	p->session = tunnel_session(p->tunnel, p->header.session);
	if (p->session == SESSION_NONE) {
		packet_drop(w, p->m, DROP_L2TP_SESSION);
		return false;
	}
	rte_prefetch0(&w->tables->session[p->session].uplink);
	rte_prefetch0(&w->session_stats[p->session].uplink);
	return true;
}

static uint16_t burst_find(struct worker *w, struct l2tp_packet **p, uint16_t n,
	bool (*find)(struct worker *w, struct l2tp_packet *p))
{
	uint16_t found = 0;

	for (uint16_t i = 0; i < n; i++) {
		if (find(w, p[i]))
			p[found++] = p[i];
	}
	return found;
}

static bool sequence_accept(struct session_uplink *s, uint16_t ns)
{
	if ((int16_t)(ns - s->expected) < 0 && ++s->old < OLD_MOST)
		return false;
	s->expected = ns + 1;
	s->old = 0;
	return true;
}

// The claim on the only session of a client moves to where its SA is by now.
static void claims_check(struct worker *w, struct rte_mbuf **m, uint16_t count)
{
	for (uint16_t i = 0; i < count; i++) {
		struct session_uplink *s = &w->tables->session[meta_of(m[i])->session].uplink;

		if (s->strange < OWNER_STRANGE_MOST || s->spread)
			continue;
		s->strange = 0;
		owner_release(&s->owner);
	}
}

// PPP frame now. False: the packet is gone.
static bool packet_open(struct worker *w, struct l2tp_packet *p)
{
	struct session_uplink *s = &w->tables->session[p->session].uplink;
	struct meta *meta = meta_of(p->m);

	if (__atomic_load_n(&s->state, __ATOMIC_ACQUIRE) != SESSION_LIVE ||
		s->session_id != p->header.session || s->tunnel != p->header.tunnel) {
		packet_drop(w, p->m, DROP_L2TP_SESSION);
		return false;
	}
	if (!owner_or_handover(w, p->m, &s->owner, HANDOVER_L2TP_IN))
		return false;
	if (p->header.flags & L2TP_SEQUENCE && !sequence_accept(s, p->header.ns)) {
		w->session_stats[p->session].uplink.drops++;
		packet_drop(w, p->m, DROP_L2TP_SEQUENCE);
		return false;
	}
	if (unlikely(meta->stage == HANDOVER_L2TP_IN))
		s->strange++;
	else if (unlikely(s->strange)) // a line that is not written stays clean
		s->strange = 0;
	meta->tunnel = p->tunnel;
	meta->session = p->session;
	p->m->data_off += p->header.payload;
	p->m->data_len = p->header.end - p->header.payload;
	p->m->pkt_len = p->m->data_len;
	return true;
}

uint16_t l2tp_in(struct worker *w, struct rte_mbuf **m, uint16_t count)
{
	struct l2tp_packet packet[BURST], *p[BURST];
	uint16_t n = 0, out = 0;
	bool handed = false;

	for (uint16_t i = 0; i < count; i++) {
		if (!packet_parse(w, m[i], &packet[n]))
			continue;
		rte_prefetch0(&w->tables->tunnel[packet[n].header.tunnel]);
		p[n] = &packet[n];
		n++;
	}
	for (uint16_t i = 0; i < n; i++) {
		p[i]->tunnel = tunnel_find(w->tables, p[i]->header.tunnel);
		rte_prefetch0(p[i]->tunnel);
	}
	n = burst_find(w, p, n, packet_tunnel);
	n = burst_find(w, p, n, packet_session);
	for (uint16_t i = 0; i < n; i++) {
		if (!packet_open(w, p[i]))
			continue;
		m[out++] = p[i]->m;
		handed |= meta_of(p[i]->m)->stage == HANDOVER_L2TP_IN;
	}
	if (unlikely(handed))
		claims_check(w, m, out);
	return out;
}

// SPDX-License-Identifier: Apache-2.0

// What the control plane sends: IKE, L2TP control messages, PPP packets and NAT keepalives, from
// the inject ring onto the way out. The ring is memory that the other side can write at any time,
// so the header is copied first and the copy is checked; the data is only ever copied. A long IKE
// message lies in several slots; it goes on in as many segments as it takes, and ip_out.c, to which
// nothing but its length matters, sends it in fragments.

#include "dataplane/checksum.h"
#include "dataplane/ip6.h"
#include "dataplane/outer6.h"
#include "dataplane/port.h"
#include "dataplane/ppp_frame.h"
#include "dataplane/sa.h"
#include "dataplane/session.h"
#include "dataplane/stage.h"

#include <rte_ip.h>
#include <rte_udp.h>
#include <stdatomic.h>

enum {
	IKE_LENGTH_MIN = 28,  // bytes: the ISAKMP header (RFC 2408 section 3.1)
	L2TP_LENGTH_MIN = 12, // bytes: the control header (RFC 2661 section 3.1)
	PPP_LENGTH_MIN = 2,
	MARKER = 4, // bytes: the non-ESP marker (RFC 3948 section 2.2)
};

// What the slots at the front of the ring are, copied and checked.
struct gathered {
	struct packet header;          // of the first one; without data
	uint16_t slots;                // that belong to it
	uint16_t length[PACKET_PARTS]; // bytes of data in each
	uint32_t total;
};

// Packets of one call, by where they go on.
struct outgoing {
	struct rte_mbuf *udp[BURST]; // UDP header; meta.sa, if it is to be protected
	struct rte_mbuf *ppp[BURST]; // protocol field
	uint16_t udp_count, ppp_count;
};

static bool is_own(const struct worker *w, const struct ip_address *a)
{
	uint32_t address = rte_cpu_to_be_32(address_to_u32(a));

	for (uint16_t i = 0; i < w->ports; i++) {
		const struct port *p = &w->port[i];

		if (p->side == SIDE_SUBSCRIBER &&
			(a->version == IP_V6 ? port_is_own6(p, a->bytes) : port_is_own(p, address)))
			return true;
	}
	return false;
}

static bool of_session(const struct packet *p)
{
	return p->kind == PACKET_PPP || p->kind == PACKET_IP6 || p->kind == PACKET_IP4;
}

static bool endpoints_are_sane(const struct worker *w, const struct packet *p)
{
	return outer_valid(&p->local, &p->remote) && is_own(w, &p->local) &&
	       (p->remote.version == IP_V4 || p->remote.bytes[0] != 0xff) && p->local_port != 0 &&
	       p->remote_port != 0;
}

// Is that protocol open in the session? An enum session_flag.
static bool session_open(const struct worker *w, uint32_t session, uint32_t open)
{
	return session_live(w->tables, session) &&
	       __atomic_load_n(&w->tables->session[session].downlink.flags, __ATOMIC_ACQUIRE) &
		       open;
}

static enum drop check_ip(
	const struct worker *w, const struct packet *p, uint16_t header, uint32_t open)
{
	if (p->length < header || p->length > PACKET_DATA - PPP_LENGTH_MIN)
		return DROP_INJECT_INVALID;
	return session_open(w, p->session, open) ? DROP_COUNT : DROP_INJECT_STALE;
}

// DROP_COUNT when the packet makes sense; then *sa is the pair that it goes out through, or NULL.
// It is looked up this once: the clerk may delete it at any time, and what was meant for an SA must
// never leave in the clear.
static enum drop check(const struct worker *w, const struct packet *p, struct sa **sa)
{
	*sa = NULL;
	switch (p->kind) {
	case PACKET_IKE:
		if (p->length < IKE_LENGTH_MIN || !endpoints_are_sane(w, p))
			return DROP_INJECT_INVALID;
		return DROP_COUNT;
	case PACKET_L2TP:
		if (p->length < L2TP_LENGTH_MIN || p->local_port == 0 || p->remote_port == 0)
			return DROP_INJECT_INVALID;
		if (p->sa) {
			*sa = sa_find(w->tables, p->sa);
			return *sa ? DROP_COUNT : DROP_INJECT_STALE;
		}
		return endpoints_are_sane(w, p) ? DROP_COUNT : DROP_INJECT_INVALID;
	case PACKET_PPP:
		if (p->length < PPP_LENGTH_MIN)
			return DROP_INJECT_INVALID;
		return session_live(w->tables, p->session) ? DROP_COUNT : DROP_INJECT_STALE;
	case PACKET_IP6:
		return check_ip(w, p, IP6_HEADER, SESSION_IP6_OPEN);
	case PACKET_IP4:
		return check_ip(w, p, sizeof(struct rte_ipv4_hdr), SESSION_IP4_OPEN);
	case PACKET_NAT_KEEPALIVE:
		if (p->length != 1 || !endpoints_are_sane(w, p))
			return DROP_INJECT_INVALID;
		return DROP_COUNT;
	default:
		return DROP_INJECT_INVALID;
	}
}

static bool is_nat_t(const struct packet *p)
{
	return p->kind == PACKET_IKE && ((p->flags & PACKET_NAT_T) || p->local_port == PORT_NAT_T);
}

// What the worker puts in front of the data, into front; returns its length.
static uint16_t front_of(const struct packet *p, uint8_t front[MARKER])
{
	memset(front, 0, MARKER);
	if (is_nat_t(p))
		return MARKER;
	if (p->kind != PACKET_IP6 && p->kind != PACKET_IP4)
		return 0;
	front[1] = p->kind == PACKET_IP6 ? PPP_IP6 : PPP_IP4;
	return PPP_LENGTH_MIN;
}

// Behind what is in it, in further segments when its own has no room left.
static bool append(struct worker *w, struct rte_mbuf *m, const uint8_t *data, uint16_t length)
{
	struct rte_mbuf *last = rte_pktmbuf_lastseg(m);

	while (length > 0) {
		uint16_t size = RTE_MIN(rte_pktmbuf_tailroom(last), length);

		if (size == 0) {
			last = rte_pktmbuf_alloc(w->pool);
			if (!last || rte_pktmbuf_chain(m, last) != 0) {
				rte_pktmbuf_free(last);
				return false;
			}
			continue;
		}
		memcpy(rte_pktmbuf_append(m, size), data, size);
		data += size;
		length -= size;
	}
	return true;
}

static bool put_data(
	struct worker *w, struct rte_mbuf *m, const struct gathered *t, struct ring *ring)
{
	uint8_t front[MARKER];
	bool room = append(w, m, front, front_of(&t->header, front));

	for (uint16_t i = 0; room && i < t->slots; i++) {
		const struct packet *slot = ring_front_at(ring, i);

		room = slot && append(w, m, slot->data, t->length[i]);
	}
	return room;
}

// Inside ESP and on UDP encapsulation the checksum is left out (RFC 3948 section 2.1); IKE has one.
// Over IPv6 it is put in further on, like that of all UDP.
static bool put_udp(struct rte_mbuf *m, const struct packet *p)
{
	const struct meta *meta = meta_of(m);
	struct rte_udp_hdr *udp;

	udp = (struct rte_udp_hdr *)rte_pktmbuf_prepend(m, sizeof(*udp));
	if (!udp)
		return false;
	udp->src_port = rte_cpu_to_be_16(p->local_port);
	udp->dst_port = rte_cpu_to_be_16(p->remote_port);
	udp->dgram_len = rte_cpu_to_be_16((uint16_t)m->pkt_len);
	udp->dgram_cksum = 0;
	if (p->kind != PACKET_NAT_KEEPALIVE && !p->sa && !(meta->flags & META_OUTER6))
		udp->dgram_cksum = checksum_udp4_of(
			meta->local, meta->remote, checksum_of_packet(m), (uint16_t)m->pkt_len);
	return true;
}

static void put_meta(struct rte_mbuf *m, const struct packet *p, struct sa *sa)
{
	struct meta *meta = meta_of(m);

	meta->flags = META_CONTROL;
	if (p->kind == PACKET_PPP && p->flags & PACKET_DF)
		meta->flags |= META_DF;
	if (p->local.version == IP_V6 && !sa) {
		meta->flags |= META_OUTER6;
		meta->port = (uint8_t)p->port;
		memcpy(meta->local6, p->local.bytes, sizeof(meta->local6));
		memcpy(meta->remote6, p->remote.bytes, sizeof(meta->remote6));
	} else {
		meta->local = rte_cpu_to_be_32(address_to_u32(&p->local));
		meta->remote = rte_cpu_to_be_32(address_to_u32(&p->remote));
	}
	meta->local_port = p->local_port;
	meta->remote_port = p->remote_port;
	meta->protocol = IPPROTO_UDP;
	meta->session = of_session(p) ? p->session : SESSION_NONE;
	meta->sa = sa;
}

// The next part of it; false when what is there is something else, or nothing.
static bool follow(struct ring *ring, struct gathered *t)
{
	const struct packet *slot = ring_front_at(ring, t->slots);
	struct packet next;
	uint16_t length;

	if (!slot)
		return false;
	memcpy(&next, slot, PACKET_HEADER);
	length = next.length;
	if (next.part != t->slots || length == 0 || length > PACKET_DATA ||
		(length < PACKET_DATA && t->slots < t->header.parts - 1))
		return false;
	next.part = 0;
	next.length = t->header.length;
	if (memcmp(&next, &t->header, PACKET_HEADER) != 0)
		return false;
	t->length[t->slots++] = length;
	t->total += length;
	return true;
}

// All slots that belong together. False when they do not make a packet; those that belong together
// as far as it goes are t->slots even then.
static bool gather(struct ring *ring, struct gathered *t)
{
	const struct packet *p = &t->header;

	t->slots = 1;
	t->length[0] = p->length;
	t->total = p->length;
	if (p->parts == 1)
		return p->part == 0 && p->length <= PACKET_DATA;
	if (p->parts == 0 || p->parts > PACKET_PARTS || p->part != 0 ||
		(p->kind != PACKET_IKE && p->kind != PACKET_PPP) || p->length != PACKET_DATA)
		return false;
	while (t->slots < p->parts)
		if (!follow(ring, t))
			return false;
	return t->total <= packet_most(p->kind);
}

// The packet at the front of the ring. Returns how many slots it takes.
static uint16_t take(
	struct worker *w, struct ring *ring, const struct packet *slot, struct outgoing *out)
{
	const struct packet *p;
	struct rte_mbuf *m;
	struct gathered t;
	enum drop reason;
	struct sa *sa;

	memcpy(&t.header, slot, PACKET_HEADER);
	p = &t.header;
	w->stats->injected++;
	reason = gather(ring, &t) ? check(w, p, &sa) : DROP_INJECT_INVALID;
	if (reason != DROP_COUNT) {
		packet_lost(w, reason);
		return t.slots;
	}
	m = packet_new(w);
	if (!m) {
		packet_lost(w, DROP_NO_MEMORY);
		return t.slots;
	}
	// Behind it no stage meets a second segment.
	if (of_session(p) && t.total + PPP_LENGTH_MIN > rte_pktmbuf_tailroom(m)) {
		packet_drop(w, m, DROP_INJECT_INVALID);
		return t.slots;
	}
	put_meta(m, p, sa);
	if (!put_data(w, m, &t, ring) || (!of_session(p) && !put_udp(m, p)))
		packet_drop(w, m, DROP_NO_MEMORY);
	else if (of_session(p))
		out->ppp[out->ppp_count++] = m;
	else
		out->udp[out->udp_count++] = m;
	return t.slots;
}

uint16_t inject(struct worker *w)
{
	struct channel *c = atomic_load_explicit(&w->channel, memory_order_acquire);
	struct outgoing out = {0};
	const struct packet *slot;
	struct ring *ring;
	uint16_t taken = 0;

	if (!c)
		return 0;
	ring = &c->inject[w->index];
	while (taken < BURST && (slot = ring_front(ring))) {
		ring_pop_all(ring, take(w, ring, slot, &out));
		taken++;
	}
	downlink_control(w, out.ppp, out.ppp_count);
	downlink_udp(w, out.udp, out.udp_count);
	return taken;
}

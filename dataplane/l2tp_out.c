// SPDX-License-Identifier: Apache-2.0

// The tunnel of a packet, and its L2TP and UDP headers, outbound; one without L2TP has neither. The
// L2TP header is the short one of six bytes, with Ns and Nr when the session asks for sequence
// numbers. The UDP checksum is left out, as RFC 768 allows over IPv4: the ICV of ESP covers all of
// it, and without IPsec RFC 2661 section 8.1 lets it be. Over IPv6 there must be one (RFC 8200
// section 8.1): esp_out or ip_out puts it in.

#include "dataplane/stage.h"

#include "dataplane/l2tp_header.h"
#include "dataplane/outer6.h"
#include "dataplane/sa.h"
#include "dataplane/session.h"
#include "dataplane/tunnel.h"

#include <netinet/in.h>
#include <rte_prefetch.h>

enum { UDP_HEADER = 8, L2TP_HEADER_MIN = 6 };

static inline uint8_t *put_u16(uint8_t *p, uint16_t v)
{
	p[0] = v >> 8;
	p[1] = v & 0xff;
	return p + 2;
}

static void headers_put(
	uint8_t *p, const struct tunnel *t, struct session_downlink *s, uint16_t length)
{
	p = put_u16(p, t->local_port);
	p = put_u16(p, t->remote_port);
	p = put_u16(p, length);
	p = put_u16(p, 0);
	p = put_u16(p, L2TP_VERSION | (s->sequencing ? L2TP_SEQUENCE : 0));
	p = put_u16(p, t->peer_tunnel);
	p = put_u16(p, s->peer_session);
	if (!s->sequencing)
		return;
	p = put_u16(p, __atomic_fetch_add(&s->ns, 1, __ATOMIC_RELAXED));
	put_u16(p, 0);
}

// Why the packet goes no further, or DROP_COUNT.
static enum drop packet_put(struct worker *w, struct rte_mbuf *m)
{
	struct meta *meta = meta_of(m);
	struct session_downlink *s;
	struct tunnel *t;
	uint16_t size;
	char *room;

	if (!session_live(w->tables, meta->session))
		return DROP_L2TP_SESSION;
	s = &w->tables->session[meta->session].downlink;
	t = s->tunnel;
	meta->tunnel = t;
	meta->sa = __atomic_load_n(&t->sa, __ATOMIC_ACQUIRE);
	if (t->peer && !meta->sa)
		return DROP_ESP_NO_SA;
	if (meta->sa) {
		rte_prefetch0(&meta->sa->spi_out);
		rte_prefetch0(&meta->sa->sequence);
	}
	meta->local = t->local;
	meta->remote = t->remote;
	// What another outer packet or an inner one said of itself.
	meta->flags &= (uint8_t) ~(META_OUTER6 | META_NEXT6);
	if (unlikely(t->kind == TUNNEL_ESP)) // the SA has the addresses
		return DROP_COUNT;
	size = UDP_HEADER + (s->sequencing ? L2TP_HEADER_MAX : L2TP_HEADER_MIN);
	room = rte_pktmbuf_prepend(m, size);
	if (!room)
		return DROP_NO_MEMORY;
	headers_put((uint8_t *)room, t, s, (uint16_t)m->pkt_len);
	meta->protocol = IPPROTO_UDP;
	if (unlikely(t->outer6))
		outer6_put(t->outer6, meta);
	return DROP_COUNT;
}

uint16_t l2tp_out(struct worker *w, struct rte_mbuf **m, uint16_t count)
{
	uint16_t out = 0;

	for (uint16_t i = 0; i < count; i++) {
		if (meta_of(m[i])->session < w->tables->sessions)
			rte_prefetch0(w->tables->session[meta_of(m[i])->session].downlink.tunnel);
	}
	for (uint16_t i = 0; i < count; i++) {
		enum drop reason = packet_put(w, m[i]);

		if (reason == DROP_COUNT)
			m[out++] = m[i];
		else
			packet_drop(w, m[i], reason);
	}
	return out;
}

// SPDX-License-Identifier: Apache-2.0

// See receive.h. ESP packets of a burst are collected and decrypted together; the order of a
// session's packets is kept, as all of them are either ESP or not.

#include "receive.h"

#include "contract/limits.h"
#include "contract/view.h"
#include "initiator.h"
#include "lac.h"
#include "link.h"
#include "net.h"
#include "peer.h"
#include "traffic.h"

#include <string.h>

enum {
	ETHER = 14,
	IP_HEADER = 20,
	UDP_HEADER = 8,
	PROTOCOL_UDP = 17,
	PROTOCOL_ESP = 50,
	L2TP_CONTROL = 0x8000,
	L2TP_LENGTH = 0x4000,
	L2TP_SEQUENCE = 0x0800,
	L2TP_OFFSET = 0x0200,
	PPP_IP4 = 0x21,
};

// The ESP packets of a burst; and the IKE messages, which come after, as they may change the SAs.
struct crypt {
	struct esp_work work[GEN_BURST];
	struct peer *peers[GEN_BURST];
	unsigned count;
	struct view ike[GEN_BURST];
	unsigned ike_count;
};

// ---- from L2TP inwards

static void data(
	struct gen *g, struct session *s, const uint8_t *frame, size_t length, uint64_t now)
{
	if (length >= 2 && frame[0] == 0xff && frame[1] == 0x03) {
		frame += 2;
		length -= 2;
	}
	if (length >= 2 && frame[0] == 0 && frame[1] == PPP_IP4)
		traffic_received(g, DOWNLINK, s, frame + 2, length - 2, now);
	else if (length >= 1 && frame[0] == PPP_IP4)
		traffic_received(g, DOWNLINK, s, frame + 1, length - 1, now);
	else
		link_input(s, frame, length);
}

// Bytes of a data message's header; 0 when they are not there.
static size_t data_header(const uint8_t *at, size_t length, uint16_t flags)
{
	size_t header = 6 + (flags & L2TP_LENGTH ? 2 : 0) + (flags & L2TP_SEQUENCE ? 4 : 0);

	if (flags & L2TP_OFFSET) {
		if (length < header + 2)
			return 0;
		header += 2u + get_u16(at + header);
	}
	return header <= length ? header : 0;
}

static void l2tp(struct gen *g, struct peer *p, const uint8_t *at, size_t length, uint64_t now)
{
	uint16_t flags, session;
	size_t header;

	if (length < 6) {
		g->drops.malformed++;
		return;
	}
	flags = get_u16(at);
	if (flags & L2TP_CONTROL) {
		g->counters.frames_received++;
		lac_input(p, at, length);
		return;
	}
	header = data_header(at, length, flags);
	session = get_u16(at + (flags & L2TP_LENGTH ? 6 : 4));
	if (header == 0 || session == 0 || session > p->session_count)
		g->drops.malformed++;
	else
		data(g, &p->sessions[session - 1], at + header, length - header, now);
}

// ---- ESP

static void collect(struct gen *g, struct crypt *c, const uint8_t *esp, size_t length)
{
	struct esp_sa *sa = NULL;
	struct peer *p = length >= ESP_HEADER_BYTES ? peer_by_spi(g, get_u32(esp), &sa) : NULL;
	size_t around;

	if (!p) {
		g->drops.unknown++;
		return;
	}
	around = (size_t)ESP_HEADER_BYTES + sa->iv + sa->icv;
	if (length < around + sa->block || (length - around) % sa->block) {
		g->drops.malformed++;
		return;
	}
	c->peers[c->count] = p;
	c->work[c->count++] = (struct esp_work){
		.esp = (uint8_t *)(uintptr_t)esp, .sa = sa, .text = (uint16_t)(length - around)};
}

static void decrypted(struct gen *g, struct peer *p, const struct esp_work *w, uint64_t now)
{
	const uint8_t *text;
	size_t data;

	// An earlier packet of the burst may have ended the SA.
	if (!w->sa->keys)
		return;
	text = w->esp + ESP_HEADER_BYTES + w->sa->iv;
	if (!w->ok) {
		g->drops.icv++;
		return;
	}
	data = (size_t)w->text - 2 - text[w->text - 2];
	if (text[w->text - 1] != PROTOCOL_UDP || data > w->text || data < UDP_HEADER ||
		get_u16(text + 4) > data || get_u16(text + 4) < UDP_HEADER) {
		g->drops.malformed++;
		return;
	}
	l2tp(g, p, text + UDP_HEADER, get_u16(text + 4) - UDP_HEADER, now);
}

// ---- outer headers

static void ike(struct gen *g, struct view message)
{
	struct peer *p = initiator_find(g, message.at, view_left(&message));

	g->counters.frames_received++;
	if (p)
		initiator_input(p, message.at, view_left(&message));
	else
		g->drops.unknown++;
}

static void udp(
	struct gen *g, struct crypt *c, uint32_t to, const uint8_t *at, size_t length, uint64_t now)
{
	static const uint8_t marker[4];
	struct peer *p;

	if (length < UDP_HEADER || get_u16(at + 4) > length || get_u16(at + 4) < UDP_HEADER) {
		g->drops.malformed++;
		return;
	}
	length = get_u16(at + 4) - UDP_HEADER;
	switch (get_u16(at)) {
	case PORT_IKE:
		c->ike[c->ike_count++] = view_of(at + UDP_HEADER, length);
		break;
	case PORT_NAT_T:
		at += UDP_HEADER;
		if (length >= 4 && memcmp(at, marker, 4) == 0)
			c->ike[c->ike_count++] = view_of(at + 4, length - 4);
		else if (length > 1)
			collect(g, c, at, length);
		break;
	case PORT_L2TP:
		p = g->options.plain ? peer_by_address(g, to) : NULL;
		if (p)
			l2tp(g, p, at + UDP_HEADER, length, now);
		break;
	default:
		g->drops.unknown++;
	}
}

// The IP packet in a frame, cut to its length; NULL when there is none.
static const uint8_t *ip_of(
	struct gen *g, struct gen_port *port, struct rte_mbuf *m, size_t *length)
{
	const uint8_t *f = rte_pktmbuf_mtod(m, const uint8_t *);
	uint16_t type;

	if (m->data_len < ETHER + IP_HEADER || m->nb_segs != 1)
		return NULL;
	type = get_u16(f + 12);
	if (type == RTE_ETHER_TYPE_ARP)
		net_arp(g, port, m);
	if (type != RTE_ETHER_TYPE_IPV4 || f[ETHER] != 0x45 ||
		get_u16(f + ETHER + 2) > m->data_len - ETHER || get_u16(f + ETHER + 2) < IP_HEADER)
		return NULL;
	*length = get_u16(f + ETHER + 2);
	return f + ETHER;
}

static void subscriber_frame(struct gen *g, struct crypt *c, struct rte_mbuf *m, uint64_t now)
{
	size_t length;
	const uint8_t *ip = ip_of(g, &g->subscriber_side, m, &length);

	if (!ip)
		return;
	if (ip[9] == PROTOCOL_ESP)
		collect(g, c, ip + IP_HEADER, length - IP_HEADER);
	else if (ip[9] == PROTOCOL_UDP)
		udp(g, c, get_u32(ip + 16), ip + IP_HEADER, length - IP_HEADER, now);
	else
		g->drops.unknown++;
}

bool receive_subscriber_side(struct gen *g)
{
	struct rte_mbuf *m[GEN_BURST];
	struct crypt c;
	uint16_t n = rte_eth_rx_burst(g->subscriber_side.id, 0, m, GEN_BURST);
	uint64_t now;

	if (n == 0)
		return false;
	c.count = c.ike_count = 0;
	for (uint16_t i = 0; i < n; i++)
		rte_prefetch0(rte_pktmbuf_mtod(m[i], void *));
	now = rte_rdtsc();
	for (uint16_t i = 0; i < n; i++)
		subscriber_frame(g, &c, m[i], now);
	if (c.count) {
		esp_open(g->esp, c.work, c.count);
		now = rte_rdtsc();
		for (unsigned i = 0; i < c.count; i++)
			decrypted(g, c.peers[i], &c.work[i], now);
	}
	for (unsigned i = 0; i < c.ike_count; i++)
		ike(g, c.ike[i]);
	lac_acknowledge(g);
	rte_pktmbuf_free_bulk(m, n);
	return true;
}

bool receive_network_side(struct gen *g)
{
	struct rte_mbuf *m[GEN_BURST];
	uint16_t n = rte_eth_rx_burst(g->network_side.id, 0, m, GEN_BURST);
	uint64_t now;

	if (n == 0)
		return false;
	for (uint16_t i = 0; i < n; i++)
		rte_prefetch0(rte_pktmbuf_mtod(m[i], void *));
	now = rte_rdtsc();
	for (uint16_t i = 0; i < n; i++) {
		size_t length;
		const uint8_t *ip = ip_of(g, &g->network_side, m[i], &length);

		if (ip)
			traffic_received(g, UPLINK, NULL, ip, length, now);
	}
	rte_pktmbuf_free_bulk(m, n);
	return true;
}

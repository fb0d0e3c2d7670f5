// SPDX-License-Identifier: Apache-2.0

// See traffic.h. Headers are made once per session; a packet copies them and fills in lengths,
// checksums of both IP headers (from a sum made before), numbers and stamp. UDP goes without
// checksums. A packet that is due and that the port does not take is lost, as it would be in a
// router whose queue is full. When this thread was held up, it makes up for a few packets and skips
// the others: a burst of thousands would be no test of the rate that was asked for.

#include "traffic.h"

#include "contract/limits.h"
#include "net.h"

#include <errno.h>
#include <rte_prefetch.h>
#include <stdlib.h>
#include <string.h>

enum {
	ETHER = 14,
	IP_HEADER = 20,
	UDP_HEADER = 8,
	INNER_HEADERS = IP_HEADER + UDP_HEADER,
	PROTOCOL_UDP = 17,
	PROTOCOL_ESP = 50,
	TEST_PORT = 9999, // UDP, of both ends
	STAMP_MAGIC = 0x43764c47,
	BACKLOG = 8 * GEN_BURST, // packets that are made up for when this thread was held up
};

struct stamp {
	uint32_t magic;
	uint16_t trial;
	uint8_t direction;
	uint8_t zero;
	uint32_t session;
	uint32_t zero2;
	uint64_t number;
	uint64_t time;
};
_Static_assert(sizeof(struct stamp) + INNER_HEADERS <= 64, "the smallest packet has room for it");

static const uint16_t imix[12] = {64, 594, 64, 64, 594, 64, 1400, 64, 594, 64, 594, 64};

int traffic_create(struct gen *g)
{
	struct traffic *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	g->traffic = t;
	t->sessions = calloc(g->session_count, sizeof(struct session *));
	return t->sessions ? 0 : -ENOMEM;
}

void traffic_free(struct gen *g)
{
	if (g->traffic)
		free(g->traffic->sessions);
	free(g->traffic);
}

// ---- headers

static uint8_t *put_inner(uint8_t *at, uint32_t source, uint32_t destination)
{
	static const uint8_t ip[IP_HEADER] = {0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, PROTOCOL_UDP};

	memcpy(at, ip, sizeof(ip));
	set_u32(at + 12, source);
	set_u32(at + 16, destination);
	return net_put_udp(at + IP_HEADER, TEST_PORT, TEST_PORT, 0);
}

void traffic_front(struct session *s)
{
	struct peer *p = s->peer;
	struct gen *g = p->gen;
	struct front *f = &s->up;
	bool plain = g->options.plain;
	uint8_t *at = net_put_ip(f->bytes, &g->subscriber_side, p->address, g->options.gateway,
		plain || p->nat ? PROTOCOL_UDP : PROTOCOL_ESP);

	f->esp = 0;
	if (p->nat)
		at = net_put_udp(at, p->port_4500, PORT_NAT_T, 0);
	if (!plain) {
		f->esp = (uint8_t)(at - f->bytes);
		at += ESP_HEADER_BYTES + p->out.iv;
	}
	f->udp = (uint8_t)(at - f->bytes);
	at = net_put_udp(at, PORT_L2TP, PORT_L2TP, 0);
	set_u16(at, 2);
	set_u16(at + 2, p->channel.peer_id);
	set_u16(at + 4, s->peer_id);
	set_u32(at + 6, 0xff030021);
	at += 10;
	f->inner = (uint8_t)(at - f->bytes);
	at = put_inner(at, s->address, g->options.host);
	f->length = (uint8_t)(at - f->bytes);
	f->outer_sum = net_ip_sum(f->bytes + ETHER);
	f->inner_sum = net_ip_sum(f->bytes + f->inner);
}

static void down_front(struct gen *g)
{
	struct traffic *t = g->traffic;

	net_put_ip(t->down_front, &g->network_side, g->options.host, 0, PROTOCOL_UDP);
	net_put_udp(t->down_front + ETHER + IP_HEADER, TEST_PORT, TEST_PORT, 0);
	t->down_sum = net_ip_sum(t->down_front + ETHER);
}

// ---- sending

static struct session *next_session(struct traffic *t, enum direction d)
{
	struct session *s = t->sessions[t->next[d]];

	if (++t->next[d] == t->session_count)
		t->next[d] = 0;
	rte_prefetch0(&t->sessions[t->next[d]]->flows[d]);
	return s;
}

static uint16_t next_size(struct traffic *t, enum direction d)
{
	uint16_t size = t->sizes[t->next_size[d]];

	if (++t->next_size[d] == t->size_count)
		t->next_size[d] = 0;
	return size;
}

static inline void put_stamp(
	struct traffic *t, enum direction d, struct session *s, uint8_t *at, uint64_t now)
{
	const struct stamp stamp = {.magic = STAMP_MAGIC,
		.trial = t->trial,
		.direction = (uint8_t)d,
		.session = s->index,
		.number = s->flows[d].next++,
		.time = now};

	memcpy(at, &stamp, sizeof(stamp));
}

// Fills in what depends on the size; returns the bytes from the UDP header of L2TP to the end.
static inline uint16_t finish_inner(const struct front *f, uint8_t *b, uint16_t size)
{
	uint16_t tunnel = (uint16_t)(f->inner - f->udp + size);

	net_finish_ip(b + f->inner, f->inner_sum, size);
	set_u16(b + f->inner + IP_HEADER + 4, (uint16_t)(size - IP_HEADER));
	set_u16(b + f->udp + 4, tunnel);
	return tunnel;
}

// One uplink packet up to its encryption; work is filled in where the session has ESP.
static void make_up(struct gen *g, struct rte_mbuf *m, struct session *s, uint16_t size,
	uint64_t now, struct esp_work *work)
{
	const struct front *f = &s->up;
	uint8_t *b = rte_pktmbuf_mtod(m, uint8_t *);
	struct esp_sa *sa = &s->peer->out;
	uint16_t tunnel, text, end;

	memcpy(b, f->bytes, f->length);
	put_stamp(g->traffic, UPLINK, s, b + f->length, now);
	tunnel = finish_inner(f, b, size);
	end = f->udp + tunnel;
	if (f->esp) {
		text = esp_text(sa, tunnel);
		esp_trailer(b + f->udp, tunnel, text, PROTOCOL_UDP);
		end = f->udp + text + sa->icv;
		if (s->peer->nat)
			set_u16(b + ETHER + IP_HEADER + 4, end - ETHER - IP_HEADER);
		*work = (struct esp_work){.esp = b + f->esp, .sa = sa, .text = text};
	}
	net_finish_ip(b + ETHER, f->outer_sum, end - ETHER);
	m->data_len = end;
	m->pkt_len = end;
}

static void make_down(
	struct gen *g, struct rte_mbuf *m, struct session *s, uint16_t size, uint64_t now)
{
	struct traffic *t = g->traffic;
	uint8_t *b = rte_pktmbuf_mtod(m, uint8_t *);
	uint32_t address = s->address;

	memcpy(b, t->down_front, sizeof(t->down_front));
	set_u32(b + ETHER + 16, address);
	net_finish_ip(b + ETHER, t->down_sum + (address >> 16) + (address & 0xffff), size);
	set_u16(b + ETHER + IP_HEADER + 4, size - IP_HEADER);
	put_stamp(t, DOWNLINK, s, b + sizeof(t->down_front), now);
	m->data_len = ETHER + size;
	m->pkt_len = ETHER + size;
}

// Takes out what has no sequence number left: nothing rekeys here. Returns how many remain.
static unsigned drop_exhausted(struct rte_mbuf **m, const struct esp_work *work, unsigned n)
{
	unsigned good = 0;

	for (unsigned i = 0; i < n; i++)
		if (work[i].ok)
			m[good++] = m[i];
		else
			rte_pktmbuf_free(m[i]);
	return good;
}

static void send_burst(struct gen *g, enum direction d, unsigned n, uint64_t now)
{
	struct traffic *t = g->traffic;
	struct rte_mbuf *m[GEN_BURST];
	struct esp_work work[GEN_BURST];
	const struct gen_port *port = d == UPLINK ? &g->subscriber_side : &g->network_side;
	unsigned taken, good = n;

	if (rte_pktmbuf_alloc_bulk(g->pool, m, n)) {
		t->ways[d].no_room += n;
		return;
	}
	for (unsigned i = 0; i < n; i++) {
		struct session *s = next_session(t, d);
		uint16_t size = next_size(t, d);

		if (d == UPLINK)
			make_up(g, m[i], s, size, now, &work[i]);
		else
			make_down(g, m[i], s, size, now);
	}
	if (d == UPLINK && !g->options.plain) {
		esp_seal(g->esp, work, n);
		good = drop_exhausted(m, work, n);
	}
	taken = rte_eth_tx_burst(port->id, 0, m, (uint16_t)good);
	t->ways[d].sent += taken;
	t->ways[d].no_room += n - taken;
	for (; taken < good; taken++)
		rte_pktmbuf_free(m[taken]);
}

// How many are due; all that fit into a burst when there is no rate.
static uint64_t due(const struct gen *g, enum direction d, uint64_t now)
{
	const struct traffic *t = g->traffic;
	const struct traffic_way *w = &t->ways[d];
	uint64_t gone = w->sent + w->no_room, wanted = gone + GEN_BURST;

	if (t->rate > 0)
		wanted =
			(uint64_t)((double)(now - t->began) * t->rate / (double)g->hz) - w->skipped;
	if (t->limit && wanted > t->limit)
		wanted = t->limit;
	return wanted > gone ? wanted - gone : 0;
}

bool traffic_sending(const struct gen *g, uint64_t now)
{
	const struct traffic *t = g->traffic;

	if (!t->on[UPLINK] && !t->on[DOWNLINK])
		return false;
	if (!t->limit)
		return now < t->until;
	for (unsigned d = 0; d < DIRECTIONS; d++)
		if (t->on[d] && t->ways[d].sent + t->ways[d].no_room < t->limit)
			return true;
	return false;
}

bool traffic_send(struct gen *g, uint64_t now)
{
	struct traffic *t = g->traffic;
	bool any = false;

	for (unsigned d = 0; d < DIRECTIONS; d++) {
		uint64_t n;

		if (!t->on[d] || (!t->limit && now >= t->until))
			continue;
		n = due(g, d, now);
		if (n == 0)
			continue;
		if (n > BACKLOG && t->rate > 0) {
			t->ways[d].skipped += n - BACKLOG;
			n = BACKLOG;
		}
		send_burst(g, d, n < GEN_BURST ? (unsigned)n : GEN_BURST, now);
		any = true;
	}
	return any;
}

// ---- trials

void traffic_begin(struct gen *g, unsigned way, uint16_t size, double rate, uint32_t sessions)
{
	struct traffic *t = g->traffic;

	t->trial++;
	t->session_count = 0;
	for (uint32_t i = 0; i < sessions; i++) {
		struct session *s = &g->sessions[i];

		if (s->state != SESSION_UP)
			continue;
		memset(s->flows, 0, sizeof(s->flows));
		t->sessions[t->session_count++] = s;
	}
	t->size_count = size == OPTIONS_IMIX ? RTE_DIM(imix) : 1;
	for (unsigned i = 0; i < t->size_count; i++)
		t->sizes[i] = size == OPTIONS_IMIX ? imix[i] : size;
	memset(t->ways, 0, sizeof(t->ways));
	memset(t->next, 0, sizeof(t->next));
	memset(t->next_size, 0, sizeof(t->next_size));
	down_front(g);
	t->rate = rate;
	t->limit = g->options.packets;
	t->on[UPLINK] = t->session_count && way != WAY_DOWN;
	t->on[DOWNLINK] = t->session_count && way != WAY_UP;
	g->idle_cycles = g->busy_cycles = 0;
	t->began = rte_rdtsc();
	t->until = t->began + (uint64_t)(g->options.time * (double)g->hz);
}

void traffic_end(struct gen *g)
{
	g->traffic->on[UPLINK] = g->traffic->on[DOWNLINK] = false;
}

void traffic_received(struct gen *g, enum direction d, struct session *at, const uint8_t *ip,
	size_t length, uint64_t now)
{
	struct traffic *t = g->traffic;
	struct traffic_way *w = &t->ways[d];
	struct session *s;
	struct flow *flow;
	struct stamp stamp;

	if (length < INNER_HEADERS + sizeof(stamp) || ip[0] != 0x45 || ip[9] != PROTOCOL_UDP ||
		get_u16(ip + 2) > length) {
		g->drops.unknown++;
		return;
	}
	memcpy(&stamp, ip + INNER_HEADERS, sizeof(stamp));
	if (stamp.magic != STAMP_MAGIC || stamp.session >= g->session_count ||
		stamp.direction != d) {
		g->drops.unknown++;
		return;
	}
	s = &g->sessions[stamp.session];
	if (stamp.trial != t->trial) {
		w->late++;
		return;
	}
	if ((at && at != s) || get_u32(ip + (d == UPLINK ? 12 : 16)) != s->address) {
		w->wrong++;
		return;
	}
	flow = &s->flows[d];
	if (stamp.number < flow->expect)
		w->disorder++;
	else
		flow->expect = stamp.number + 1;
	w->received++;
	w->bytes += get_u16(ip + 2);
	histogram_add(&w->latency, gen_ns(g, now - stamp.time));
}

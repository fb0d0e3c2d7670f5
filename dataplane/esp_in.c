// SPDX-License-Identifier: Apache-2.0

// ESP, inbound (RFC 4303 section 3.4), with and without UDP encapsulation (RFC 3948). Cheap checks
// first: length, SPI, encapsulation, address, owner, window; then the ICV; and only after it is
// right does anything about the SA change: the window moves, the NAT address follows. What an SA in
// transport mode may carry is L2TP and nothing else (RFC 3193 section 4); one in tunnel mode
// carries IP packets of the session that it was made for, which go on at inner_in.
//
// Not here: ICMP inside ESP in transport mode, and finding back to a peer that went on by more than
// 2^32 extended sequence numbers unheard (RFC 4303 appendix A3).

#include "dataplane/stage.h"

#include "dataplane/esp_crypto.h"
#include "dataplane/outer6.h"
#include "dataplane/owner.h"
#include "dataplane/scratch.h"

#include <netinet/in.h>
#include <rte_byteorder.h>
#include <rte_prefetch.h>
#include <string.h>

enum {
	UDP_HEADER = 8,
	ICV_LEAST = 12,                       // bytes: HMAC-SHA1-96
	IPPROTO_DUMMY = 59,                   // RFC 4303 section 2.6
	UNKNOWN_INTERVAL = 500 * 1000 * 1000, // nanoseconds between two notices of an unknown SPI
	UNKNOWN_MOST = 4,
	PAYLOAD_INNER = DROP_COUNT + 1, // payload_open: an inner IP packet
};

static inline uint32_t load_u32(const uint8_t *p)
{
	rte_be32_t v;

	memcpy(&v, p, sizeof(v));
	return rte_be_to_cpu_32(v);
}

static inline uint16_t load_u16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void unknown_spi(struct worker *w, const struct rte_mbuf *m, uint32_t spi)
{
	const struct meta *meta = rte_mbuf_to_priv((struct rte_mbuf *)(uintptr_t)m);
	bool v6 = meta->flags & META_OUTER6;
	struct sa_notice n = {
		.unknown_spi = spi,
		.local = v6 ? address_v6(meta->local6) : address_v4((const uint8_t *)&meta->local),
		.remote =
			v6 ? address_v6(meta->remote6) : address_v4((const uint8_t *)&meta->remote),
		.remote_port = meta->outer_port,
	};

	if (bucket_take(&scratch_of(w)->unknown_spi, w->now, UNKNOWN_INTERVAL, UNKNOWN_MOST))
		sa_tell_unknown(w->tables, &n);
}

// Of an SA over IPv6: does the packet come from where it may, so that only a NAT has moved it?
static bool addresses6_match(const struct sa *s, const struct meta *meta, bool udp)
{
	const struct outer6 *o = __atomic_load_n(&s->outer6, __ATOMIC_ACQUIRE);

	return udp ? outer6_equal(o->local, meta->local6) : outer6_is_of(o, meta);
}

// Why the packet goes no further, or DROP_COUNT. All that can be known without a key.
static enum drop packet_check(const struct sa *s, const struct rte_mbuf *m, uint64_t sequence)
{
	const struct meta *meta = rte_mbuf_to_priv((struct rte_mbuf *)(uintptr_t)m);
	uint16_t overhead = ESP_HEADER + s->shape_in.iv + s->shape_in.icv;
	bool udp = s->encapsulation == ESP_UDP;

	if (udp != (meta->outer_port != 0))
		return DROP_ESP_ENCAPSULATION;
	if (meta->local != s->local || (!udp && meta->remote != sa_remote_address(s->remote_in)))
		return DROP_ESP_SELECTOR;
	if (unlikely(s->local == 0) && !addresses6_match(s, meta, udp))
		return DROP_ESP_SELECTOR;
	// A block is a power of two.
	if (m->data_len < overhead + s->block || (m->data_len - overhead) & (s->block - 1))
		return DROP_ESP_SHORT;
	if (!replay_check(&s->replay, sequence))
		return DROP_ESP_REPLAY;
	return DROP_COUNT;
}

// True when *p is filled in; otherwise the packet is gone.
static bool packet_admit(struct worker *w, struct rte_mbuf *m, struct sa *s, struct esp_packet *p)
{
	uint8_t *esp = rte_pktmbuf_mtod(m, uint8_t *);
	uint64_t sequence = load_u32(esp + 4);
	enum drop reason;

	if (!owner_or_handover(w, m, &s->owner, HANDOVER_ESP_IN))
		return false;
	if (s->esn)
		sequence = replay_extend(&s->replay, (uint32_t)sequence);
	reason = packet_check(s, m, sequence);
	if (reason != DROP_COUNT) {
		w->sa_stats[id_index(s->spi_in)].in_replays += reason == DROP_ESP_REPLAY;
		packet_drop(w, m, reason);
		return false;
	}
	*p = (struct esp_packet){
		.m = m,
		.sa = s,
		.esp = esp,
		.key = sa_key_in(s),
		.sequence = sequence,
		.shape = s->shape_in,
		.length = m->data_len - ESP_HEADER - s->shape_in.iv - s->shape_in.icv,
		.esn = s->esn,
	};
	replay_prefetch(&s->replay, sequence);
	return true;
}

// What is the same for all packets in a row that have one SPI.
struct esp_run {
	struct rte_mbuf **m; // the first
	uint16_t count;
	uint32_t spi;
	struct sa *sa; // what there is at its index
};

// What an SA wants of a packet, for the usual one.
struct gate {
	uint64_t top; // the highest sequence number so far
	uint32_t local;
	uint32_t remote; // 0: any, behind a NAT
	uint16_t overhead;
	uint16_t block;
};

// False: nothing is usual with that SA.
static inline bool gate_open(const struct worker *w, const struct sa *s, struct gate *g)
{
	g->top = s->replay.top;
	g->local = s->local;
	g->remote = s->encapsulation == ESP_UDP ? 0 : sa_remote_address(s->remote_in);
	g->overhead = ESP_HEADER + s->shape_in.iv + s->shape_in.icv;
	g->block = s->block;
	return __atomic_load_n(&s->owner, __ATOMIC_RELAXED) == w->index + 1 && !s->esn &&
	       s->local != 0;
}

// packet_check in few steps, for a packet to the right of the window. False: packet_admit knows.
static inline bool gate_passes(const struct gate *g, const struct rte_mbuf *m, uint32_t sequence)
{
	const struct meta *meta = rte_mbuf_to_priv((struct rte_mbuf *)(uintptr_t)m);

	// Either it comes in UDP, or from the address that it has to come from.
	if (meta->outer_port ? g->remote != 0 : meta->remote != g->remote)
		return false;
	return meta->local == g->local && sequence > g->top &&
	       m->data_len >= g->overhead + g->block &&
	       !((m->data_len - g->overhead) & (g->block - 1));
}

// Returns how many of the packets are in p; the others are gone.
static uint16_t run_admit(struct worker *w, const struct esp_run *r, struct esp_packet *p)
{
	struct sa *s = r->sa;
	struct gate g;
	bool usual = gate_open(w, s, &g);
	struct sa_shape shape = s->shape_in;
	uint16_t admitted = 0;

	for (uint16_t i = 0; i < r->count; i++) {
		struct rte_mbuf *m = r->m[i];
		struct esp_packet *to = &p[admitted];
		uint8_t *esp = rte_pktmbuf_mtod(m, uint8_t *);
		uint32_t sequence = load_u32(esp + 4);

		if (unlikely(!usual || !gate_passes(&g, m, sequence))) {
			admitted += packet_admit(w, m, s, to);
			continue;
		}
		to->m = m;
		to->sa = s;
		to->esp = esp;
		to->key = sa_key_in(s);
		to->sequence = sequence;
		to->shape = shape;
		to->length = m->data_len - g.overhead;
		to->esn = 0;
		to->ok = 0;
		to->release = 0;
		if (i == 0 && s->replay.blocks != sa_blocks_near(s))
			replay_prefetch(&s->replay, sequence);
		admitted++;
	}
	return admitted;
}

// Of an SPI that we do not have.
static void run_unknown(struct worker *w, const struct esp_run *r)
{
	for (uint16_t i = 0; i < r->count; i++) {
		unknown_spi(w, r->m[i], r->spi);
		packet_drop(w, r->m[i], DROP_ESP_SPI);
	}
}

// The runs of a burst; what is too short is gone from m.
static uint16_t runs_make(struct worker *w, struct rte_mbuf **m, uint16_t count, struct esp_run *r)
{
	const struct tables *t = w->tables;
	uint16_t runs = 0, kept = 0;

	for (uint16_t i = 0; i < count; i++) {
		struct rte_mbuf *one = m[i];
		uint32_t spi;

		if (unlikely(one->nb_segs != 1 || one->data_len < ESP_HEADER)) {
			packet_drop(w, one, DROP_ESP_SHORT);
			continue;
		}
		m[kept++] = one;
		spi = load_u32(rte_pktmbuf_mtod(one, uint8_t *));
		if (runs && r[runs - 1].spi == spi) {
			r[runs - 1].count++;
			continue;
		}
		r[runs++] = (struct esp_run){.m = &m[kept - 1], .count = 1, .spi = spi};
		if (id_index(spi) < t->sas)
			rte_prefetch0(&t->sa[id_index(spi)]);
	}
	return runs;
}

// Finds the SAs of a burst, each load fetched one pass earlier.
static uint16_t burst_admit(
	struct worker *w, struct rte_mbuf **m, uint16_t count, struct esp_packet *p)
{
	const struct tables *t = w->tables;
	struct esp_run r[BURST];
	uint16_t n = runs_make(w, m, count, r), admitted = 0;

	for (uint16_t i = 0; i < n; i++) {
		uint32_t index = id_index(r[i].spi);

		if (unlikely(index >= t->sas))
			continue;
		r[i].sa = __atomic_load_n(&t->sa[index], __ATOMIC_ACQUIRE);
		rte_prefetch0(r[i].sa);
	}
	for (uint16_t i = 0; i < n; i++) {
		if (likely(r[i].sa && r[i].sa->spi_in == r[i].spi))
			admitted += run_admit(w, &r[i], p + admitted);
		else
			run_unknown(w, &r[i]);
	}
	return admitted;
}

// 1, 2, 3 ... (RFC 4303 section 2.4). Eight bytes at a time: there is always an ICV behind them.
static inline bool padding_valid(const uint8_t *pad, uint8_t length)
{
	uint64_t wanted = 0x0807060504030201, there;

	_Static_assert(ICV_LEAST >= 8, "the last eight bytes may reach into the ICV");
	for (; length >= 8; length -= 8, pad += 8) {
		memcpy(&there, pad, sizeof(there));
		if (there != wanted)
			return false;
		wanted += 0x0808080808080808;
	}
	memcpy(&there, pad, sizeof(there));
	return ((there ^ wanted) & ((UINT64_C(1) << 8 * length) - 1)) == 0;
}

// What is no UDP, or did not come in transport mode. PAYLOAD_INNER: the mbuf begins at the inner IP
// header. What follows that packet to hide its length (RFC 4303 section 2.7) subscriber_in cuts
// off.
static int inner_open(const struct esp_packet *p, struct meta *meta, uint16_t left, uint8_t next)
{
	const uint8_t *ip = p->esp + ESP_HEADER + p->shape.iv;
	struct rte_mbuf *m = p->m;

	if (next == IPPROTO_DUMMY)
		return DROP_ESP_DUMMY;
	if (!sa_is_tunnel_mode(p->sa) || (next != IPPROTO_IPIP && next != IPPROTO_IPV6))
		return DROP_ESP_NEXT_HEADER;
	if (left == 0 || ip[0] >> 4 != (next == IPPROTO_IPIP ? 4 : 6))
		return DROP_SUBSCRIBER_INVALID;
	meta->session = p->sa->replay.other;
	m->data_off += (uint16_t)(ip - p->esp);
	m->data_len = left;
	m->pkt_len = left;
	return PAYLOAD_INNER;
}

// Padding, next header, UDP header: why the packet goes no further, or DROP_COUNT and the mbuf
// begins at the L2TP header, or PAYLOAD_INNER.
static inline int payload_open(const struct esp_packet *p, struct meta *meta)
{
	const uint8_t *udp = p->esp + ESP_HEADER + p->shape.iv;
	uint16_t text = p->length, left, length;
	uint8_t pad = udp[text - 2], next = udp[text - 1];
	struct rte_mbuf *m = p->m;

	if (pad + 2 > text)
		return DROP_ESP_PADDING;
	left = (uint16_t)(text - 2 - pad);
	if (!padding_valid(udp + left, pad))
		return DROP_ESP_PADDING;
	if (unlikely(next != IPPROTO_UDP || sa_is_tunnel_mode(p->sa)))
		return inner_open(p, meta, left, next);
	if (left < UDP_HEADER)
		return DROP_UDP_INVALID;
	length = load_u16(udp + 4);
	if (length < UDP_HEADER || length > left)
		return DROP_UDP_INVALID;
	// The port of the peer is any: some clients use an ephemeral one (RFC 3193 section 3.3).
	// The checksum covers addresses that a NAT has changed and is not looked at; the ICV was.
	if (load_u16(udp + 2) != PORT_L2TP)
		return DROP_ESP_SELECTOR;
	length -= UDP_HEADER;
	meta->remote_port = load_u16(udp);
	meta->local_port = PORT_L2TP;
	m->data_off += (uint16_t)(udp - p->esp) + UDP_HEADER;
	m->data_len = length;
	m->pkt_len = length;
	return DROP_COUNT;
}

static bool has_moved(const struct sa *s, const struct meta *meta)
{
	const struct outer6 *o;

	if (likely(s->local != 0))
		return sa_remote(meta->remote, meta->outer_port) != s->remote_in;
	o = __atomic_load_n(&s->outer6, __ATOMIC_ACQUIRE);
	return o->remote_port != meta->outer_port || !outer6_equal(o->remote, meta->remote6);
}

// Only the newest packet says where the peer is: one that was overtaken may come from an address
// that the peer has left.
static inline void address_follow(struct worker *w, struct esp_packet *p)
{
	const struct meta *meta = meta_of(p->m);
	struct sa *s = p->sa;

	if (s->encapsulation != ESP_UDP || !has_moved(s, meta))
		return;
	if (s->replay.window && s->replay.top != p->sequence)
		return;
	if (likely(s->local != 0))
		sa_follow(w->tables, s, sa_remote(meta->remote, meta->outer_port));
	else if (sa_follow6(w->tables, s, meta->remote6, meta->outer_port))
		w->wake_clerk = true;
}

// Packets that keep coming through another worker's hands: the flow arrives there now, so the
// claim is given up, after the burst, for whoever gets it.
static inline void claim_check(struct esp_packet *p)
{
	struct sa *s = p->sa;

	if (likely(meta_of(p->m)->stage != HANDOVER_ESP_IN)) {
		if (unlikely(s->strange))
			s->strange = 0;
		return;
	}
	if (++s->strange >= OWNER_STRANGE_MOST)
		p->release = 1;
}

// What is counted for packets in a row of one SA, all at once.
struct tally {
	struct sa *sa;
	uint32_t packets;
	uint64_t bytes;
};

// By the SPI, not by index, which is in another line.
static inline struct stats_sa *stats_of(struct worker *w, const struct sa *s)
{
	return &w->sa_stats[id_index(s->spi_in)];
}

static inline void tally_put(struct worker *w, const struct tally *t)
{
	struct stats_sa *stats;

	if (t->packets == 0)
		return;
	stats = stats_of(w, t->sa);
	stats->in_packets += t->packets;
	stats->in_bytes += t->bytes;
	stats->in_last = w->now;
}

// A reason, or what payload_open says.
static inline int packet_finish(struct worker *w, struct esp_packet *p, struct tally *t)
{
	struct meta *meta = meta_of(p->m);
	struct sa *s = p->sa;
	int reason;

	if (unlikely(!p->ok)) {
		stats_of(w, s)->in_failures++;
		return DROP_ESP_ICV;
	}
	if (unlikely(!replay_accept(&s->replay, p->sequence))) {
		stats_of(w, s)->in_replays++;
		return DROP_ESP_REPLAY;
	}
	address_follow(w, p);
	claim_check(p);
	if (s != t->sa) {
		tally_put(w, t);
		*t = (struct tally){.sa = s};
	}
	t->packets++;
	t->bytes += p->length;
	meta->sa = s;
	meta->peer = s->peer;
	meta->spi = s->spi_in;
	reason = payload_open(p, meta);
	if (unlikely(reason == DROP_ESP_PADDING))
		stats_of(w, s)->in_failures++;
	return reason;
}

uint16_t esp_in(struct worker *w, struct rte_mbuf **m, uint16_t count, struct rte_mbuf **inner,
	uint16_t *inner_count)
{
	struct esp_packet p[BURST];
	uint16_t n = burst_admit(w, m, count, p), out = 0;
	struct tally tally = {0};
	bool release = false;

	if (n == 0)
		return 0;
	esp_decrypt(w, p, n);
	for (uint16_t i = 0; i < n; i++) {
		int reason = packet_finish(w, &p[i], &tally);

		if (likely(reason == DROP_COUNT))
			m[out++] = p[i].m;
		else if (reason == PAYLOAD_INNER)
			inner[(*inner_count)++] = p[i].m;
		else
			packet_drop(w, p[i].m, (enum drop)reason);
		release |= p[i].release;
	}
	tally_put(w, &tally);
	for (uint16_t i = 0; release && i < n; i++) {
		if (p[i].release)
			owner_release(&p[i].sa->owner);
	}
	return out;
}

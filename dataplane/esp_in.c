// SPDX-License-Identifier: Apache-2.0

// ESP in transport mode, inbound (RFC 4303 section 3.4), with and without UDP encapsulation
// (RFC 3948). Cheap checks first: length, SPI, encapsulation, address, owner, window; then the
// ICV; and only after it is right does anything about the SA change: the window moves, the NAT
// address follows. What an SA may carry is L2TP and nothing else (RFC 3193 section 4).
//
// Not here: tunnel mode, ICMP inside ESP, and finding back to a peer that went on by more than 2^32
// extended sequence numbers unheard (RFC 4303 appendix A3).

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
static inline enum drop packet_check(
	const struct sa *s, const struct rte_mbuf *m, uint64_t sequence)
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

static inline void packet_fill(
	struct esp_packet *p, struct rte_mbuf *m, struct sa *s, uint64_t sequence)
{
	p->m = m;
	p->sa = s;
	p->esp = rte_pktmbuf_mtod(m, uint8_t *);
	p->key = sa_key_in(s);
	p->sequence = sequence;
	p->shape = s->shape_in;
	p->length = m->data_len - ESP_HEADER - s->shape_in.iv - s->shape_in.icv;
	p->esn = s->esn;
	p->ok = 0;
	p->release = 0;
}

// True when *p is filled in; otherwise the packet is gone.
static inline bool packet_admit(
	struct worker *w, struct rte_mbuf *m, struct sa *s, struct esp_packet *p)
{
	const uint8_t *esp = rte_pktmbuf_mtod(m, const uint8_t *);
	uint64_t sequence = load_u32(esp + 4);
	enum drop reason;

	if (!s || s->spi_in != load_u32(esp)) {
		unknown_spi(w, m, load_u32(esp));
		packet_drop(w, m, DROP_ESP_SPI);
		return false;
	}
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
	packet_fill(p, m, s, sequence);
	replay_prefetch(&s->replay, sequence);
	return true;
}

// Finds the SAs of a burst, each load fetched one pass earlier; once for packets in a row that have
// the same SPI.
static uint16_t burst_admit(
	struct worker *w, struct rte_mbuf **m, uint16_t count, struct esp_packet *p)
{
	const struct tables *t = w->tables;
	struct sa *sa[BURST];
	uint32_t spi[BURST + 1] = {0}; // of the packet before at its own place; none has 0
	uint16_t n = 0, admitted = 0;

	for (uint16_t i = 0; i < count; i++) {
		uint32_t index;

		if (unlikely(m[i]->nb_segs != 1 || m[i]->data_len < ESP_HEADER)) {
			packet_drop(w, m[i], DROP_ESP_SHORT);
			continue;
		}
		m[n] = m[i];
		spi[n + 1] = load_u32(rte_pktmbuf_mtod(m[i], uint8_t *));
		index = id_index(spi[n + 1]);
		if (spi[n + 1] != spi[n] && index < t->sas)
			rte_prefetch0(&t->sa[index]);
		n++;
	}
	for (uint16_t i = 0; i < n; i++) {
		uint32_t index = id_index(spi[i + 1]);

		if (i > 0 && spi[i + 1] == spi[i]) {
			sa[i] = sa[i - 1];
			continue;
		}
		sa[i] = index < t->sas ? __atomic_load_n(&t->sa[index], __ATOMIC_ACQUIRE) : NULL;
		if (sa[i]) {
			rte_prefetch0(sa[i]);
			rte_prefetch0(&w->sa_stats[index].in_packets);
		}
	}
	for (uint16_t i = 0; i < n; i++)
		admitted += packet_admit(w, m[i], sa[i], &p[admitted]);
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

// Padding, next header, UDP header: why the packet goes no further, or DROP_COUNT and the mbuf
// begins at the L2TP header.
static inline enum drop payload_open(struct esp_packet *p)
{
	uint8_t *udp = p->esp + ESP_HEADER + p->shape.iv;
	uint8_t pad = udp[p->length - 2], next = udp[p->length - 1];
	uint16_t left, length;

	if (pad + 2 > p->length)
		return DROP_ESP_PADDING;
	left = (uint16_t)(p->length - 2 - pad);
	if (!padding_valid(udp + left, pad))
		return DROP_ESP_PADDING;
	if (next != IPPROTO_UDP)
		return next == IPPROTO_DUMMY ? DROP_ESP_DUMMY : DROP_ESP_NEXT_HEADER;
	if (left < UDP_HEADER)
		return DROP_UDP_INVALID;
	length = load_u16(udp + 4);
	if (length < UDP_HEADER || length > left)
		return DROP_UDP_INVALID;
	// The port of the peer is any: some clients use an ephemeral one (RFC 3193 section 3.3).
	// The checksum covers addresses that a NAT has changed and is not looked at; the ICV was.
	if (load_u16(udp + 2) != PORT_L2TP)
		return DROP_ESP_SELECTOR;
	meta_of(p->m)->remote_port = load_u16(udp);
	meta_of(p->m)->local_port = PORT_L2TP;
	p->m->data_off += ESP_HEADER + p->shape.iv + UDP_HEADER;
	p->m->data_len = length - UDP_HEADER;
	p->m->pkt_len = p->m->data_len;
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

static inline enum drop packet_finish(struct worker *w, struct esp_packet *p, struct tally *t)
{
	struct meta *meta = meta_of(p->m);
	enum drop reason;

	if (unlikely(!p->ok)) {
		stats_of(w, p->sa)->in_failures++;
		return DROP_ESP_ICV;
	}
	if (unlikely(!replay_accept(&p->sa->replay, p->sequence))) {
		stats_of(w, p->sa)->in_replays++;
		return DROP_ESP_REPLAY;
	}
	address_follow(w, p);
	claim_check(p);
	if (p->sa != t->sa) {
		tally_put(w, t);
		*t = (struct tally){.sa = p->sa};
	}
	t->packets++;
	t->bytes += p->length;
	reason = payload_open(p);
	if (unlikely(reason == DROP_ESP_PADDING))
		stats_of(w, p->sa)->in_failures++;
	meta->sa = p->sa;
	meta->peer = p->sa->peer;
	meta->spi = p->sa->spi_in;
	return reason;
}

uint16_t esp_in(struct worker *w, struct rte_mbuf **m, uint16_t count)
{
	struct esp_packet p[BURST];
	uint16_t n = burst_admit(w, m, count, p), out = 0;
	struct tally tally = {0};
	bool release = false;

	if (n == 0)
		return 0;
	esp_decrypt(w, p, n);
	for (uint16_t i = 0; i < n; i++) {
		enum drop reason = packet_finish(w, &p[i], &tally);

		if (likely(reason == DROP_COUNT))
			m[out++] = p[i].m;
		else
			packet_drop(w, p[i].m, reason);
		release |= p[i].release;
	}
	tally_put(w, &tally);
	for (uint16_t i = 0; release && i < n; i++) {
		if (p[i].release)
			owner_release(&p[i].sa->owner);
	}
	return out;
}

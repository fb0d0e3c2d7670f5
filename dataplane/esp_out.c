// SPDX-License-Identifier: Apache-2.0

// ESP, outbound (RFC 4303 section 3.3), with and without UDP encapsulation: of UDP in transport
// mode, of IP packets in tunnel mode.
// Sequence numbers are taken in blocks, one atomic operation for each run of packets of one SA, so
// any number of workers sends through one SA. An SA whose numbers are used up drops: it never
// repeats one.

#include "dataplane/stage.h"

#include "dataplane/checksum.h"
#include "dataplane/esp_crypto.h"
#include "dataplane/outer6.h"

#include <netinet/in.h>
#include <rte_byteorder.h>
#include <rte_prefetch.h>
#include <string.h>

enum { UDP_HEADER = 8 };

static inline void store_u16(uint8_t *p, uint16_t v)
{
	p[0] = v >> 8;
	p[1] = v & 0xff;
}

static inline void store_u32(uint8_t *p, uint32_t v)
{
	rte_be32_t wire = rte_cpu_to_be_32(v);

	memcpy(p, &wire, sizeof(wire));
}

// Pad bytes 1, 2, 3 ..., pad length, next header (RFC 4303 section 2.4); room for the ICV behind
// them. False when the buffer is too small.
static bool trailer_put(struct rte_mbuf *m, const struct sa *s)
{
	uint8_t pad = (uint8_t)(-(m->data_len + 2) & (s->out_block - 1));
	char *room = rte_pktmbuf_append(m, pad + 2 + s->shape_out.icv);
	uint8_t *at = (uint8_t *)room;

	if (!at)
		return false;
	for (uint8_t i = 0; i < pad; i++)
		*at++ = i + 1;
	*at++ = pad;
	*at = meta_of(m)->protocol;
	return true;
}

// The inner UDP checksum: in transport mode its packet is an IPv6 one, and hosts take no UDP over
// IPv6 without (RFC 8200 section 8.1).
static void checksum_put(struct rte_mbuf *m, const struct outer6 *o)
{
	uint8_t *udp = rte_pktmbuf_mtod(m, uint8_t *);
	uint16_t sum;

	store_u16(udp + 6, 0);
	sum = checksum_udp6(o->local, o->remote, udp, m->data_len);
	memcpy(udp + 6, &sum, sizeof(sum));
}

// UDP or inner IP header -> ESP header in place, with all but ciphertext and ICV. False when there
// is no room.
static bool packet_open(struct rte_mbuf *m, struct sa *s, uint64_t sequence, struct esp_packet *p)
{
	const struct outer6 *o = __atomic_load_n(&s->outer6, __ATOMIC_ACQUIRE);
	uint8_t *esp;

	if (unlikely(o) && m->nb_segs == 1 && meta_of(m)->protocol == IPPROTO_UDP)
		checksum_put(m, o);
	if (m->nb_segs != 1 || !trailer_put(m, s))
		return false;
	*p = (struct esp_packet){
		.m = m,
		.sa = s,
		.key = s->key_out,
		.sequence = sequence,
		.shape = s->shape_out,
		.length = m->data_len - s->shape_out.icv,
		.esn = s->out_esn,
	};
	esp = (uint8_t *)rte_pktmbuf_prepend(m, ESP_HEADER + s->shape_out.iv);
	if (!esp)
		return false;
	store_u32(esp, s->spi_out);
	store_u32(esp + 4, (uint32_t)sequence);
	p->esp = esp;
	return true;
}

// What goes around it: addresses from the SA, which follow the peer's NAT, and the UDP header of
// RFC 3948 section 2.1. Whether there is one the remote port says, so that all changes at once with
// the peer's address. False when there is no room.
static bool packet_close(const struct esp_packet *p)
{
	const struct sa *s = p->sa;
	uint64_t remote = __atomic_load_n(&s->remote, __ATOMIC_ACQUIRE);
	const struct outer6 *o = __atomic_load_n(&s->outer6, __ATOMIC_ACQUIRE);
	uint16_t port = unlikely(o) ? o->remote_port : sa_remote_port(remote);
	struct meta *meta = meta_of(p->m);
	uint8_t *udp;

	if (unlikely(o))
		outer6_put(o, meta);
	meta->local = s->out_local;
	meta->remote = sa_remote_address(remote);
	meta->protocol = IPPROTO_ESP;
	if (port == 0)
		return true;
	udp = (uint8_t *)rte_pktmbuf_prepend(p->m, UDP_HEADER);
	if (!udp)
		return false;
	store_u16(udp, s->local_port);
	store_u16(udp + 2, port);
	store_u16(udp + 4, p->m->data_len);
	store_u16(udp + 6, 0);
	meta->protocol = IPPROTO_UDP;
	return true;
}

static void count_out(struct worker *w, const struct sa *s, uint32_t packets, uint64_t bytes)
{
	struct stats_sa *stats = &w->sa_stats[s->index];

	if (packets == 0)
		return;
	tables_fetch_add(w->tables, &stats->out_packets, packets);
	tables_fetch_add(w->tables, &stats->out_bytes, bytes);
	__atomic_store_n(&stats->out_last, w->now, __ATOMIC_RELAXED);
}

// Packets of one SA. Returns how many of them *p has now; the others are gone.
static uint16_t run_open(struct worker *w, struct rte_mbuf **m, uint16_t n, struct esp_packet *p)
{
	struct sa *s = meta_of(m[0])->sa;
	uint64_t first = 0;
	uint16_t may = sa_take_sequence(w->tables, s, n, &first), opened = 0;
	uint64_t bytes = 0;

	for (uint16_t i = 0; i < n; i++) {
		if (i >= may) {
			packet_drop(w, m[i], DROP_ESP_EXHAUSTED);
		} else if (!packet_open(m[i], s, first + i, &p[opened])) {
			packet_drop(w, m[i], DROP_NO_MEMORY);
		} else {
			bytes += p[opened].length;
			opened++;
		}
	}
	count_out(w, s, opened, bytes);
	return opened;
}

static uint16_t run_length(struct rte_mbuf **m, uint16_t count)
{
	const struct sa *s = meta_of(m[0])->sa;
	uint16_t n = 1;

	while (n < count && meta_of(m[n])->sa == s)
		n++;
	return n;
}

// At most BURST packets. Those without an SA keep their places between the others.
static uint16_t burst_out(struct worker *w, struct rte_mbuf **m, uint16_t count)
{
	struct esp_packet p[BURST];
	struct rte_mbuf *clear[BURST]; // NULL = the next one of p
	uint16_t n = 0, all = 0, next = 0, out = 0, run;

	for (uint16_t i = 0; i < count; i += run) {
		uint16_t opened = 1;

		run = 1;
		clear[all] = m[i];
		if (meta_of(m[i])->sa) {
			run = run_length(m + i, count - i);
			opened = run_open(w, m + i, run, p + n);
			n += opened;
			memset(clear + all, 0, opened * sizeof(clear[0]));
		}
		all += opened;
	}
	if (n)
		esp_encrypt(w, p, n);
	for (uint16_t i = 0; i < all; i++) {
		if (clear[i]) {
			m[out++] = clear[i];
		} else if (packet_close(&p[next])) {
			m[out++] = p[next++].m;
		} else {
			packet_drop(w, p[next++].m, DROP_NO_MEMORY);
		}
	}
	return out;
}

uint16_t esp_out(struct worker *w, struct rte_mbuf **m, uint16_t count)
{
	uint16_t out = 0;

	for (uint16_t i = 0; i < count; i += BURST) {
		uint16_t n = count - i < BURST ? count - i : BURST;
		uint16_t left;

		for (uint16_t k = 0; k < n; k++) {
			const struct sa *s = meta_of(m[i + k])->sa;

			if (s)
				rte_prefetch0(&w->sa_stats[s->index].out_packets);
		}
		left = burst_out(w, m + i, n);
		memmove(m + out, m + i, left * sizeof(*m));
		out += left;
	}
	return out;
}

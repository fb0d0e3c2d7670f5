// SPDX-License-Identifier: Apache-2.0

// See flood.h. One message is made in the beginning; each copy of it gets an SPI of its own and,
// when its sources are made up, an address of its own. They lie where the gateway's answers come
// back to us, behind the addresses of the peers, and are counted as nobody's.

#include "flood.h"

#include "net.h"
#include "offer.h"

#include "contract/build.h"
#include "contract/limits.h"

#include <errno.h>
#include <rte_random.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	FRAME_MOST = 512,
	ETHER = 14,
	FRONT = ETHER + 20 + 8, // Ethernet, IP and UDP header
	HEADER = 28,            // ISAKMP
	LENGTH_AT = 24,
	SPI = 8,
	SOURCE_BITS = 20,          // of the sources that are made up
	SOURCES_AT = 0x200000,     // behind the first peer's address
	BEHIND_MOST = 4096,        // messages that are made up for when we were late
	TURN_MOST = 4 * GEN_BURST, // in one turn
	RUBBISH = 200,             // bytes
	V1_SA = 1,                 // payload types and exchanges of both versions
	V1_MAIN = 2,
	V2_SA = 33,
	V2_KE = 34,
	V2_NONCE = 40,
	V2_INIT = 34,
	V2_INITIATOR = 0x08,
	ECP_256 = 19,
	PUBLIC_BYTES = 64,
	NONCE_BYTES = 32,
};

struct flood {
	uint8_t frame[FRAME_MOST];
	size_t length;
	bool running;
	uint64_t began, due; // due: messages since it began
	struct flood_sum sum;
};

static void put_header(
	struct build *b, uint8_t next, uint8_t version, uint8_t exchange, uint8_t flags)
{
	build_zero(b, 2 * SPI);
	build_u8(b, next);
	build_u8(b, version);
	build_u8(b, exchange);
	build_u8(b, flags);
	build_zero(b, 4 + 4); // message id, length
}

static void put_payload(struct build *b, uint8_t next, const void *body, size_t length)
{
	build_u8(b, next);
	build_u8(b, 0);
	build_u16(b, (uint16_t)(4 + length));
	build_bytes(b, body, length);
}

static void put_main_mode(struct build *b, const struct options *o)
{
	uint8_t body[256];

	put_header(b, V1_SA, 0x10, V1_MAIN, 0);
	put_payload(b, 0, body, offer_ike(o, body, sizeof(body)));
}

// One proposal: AES-CBC-256, HMAC-SHA2-256 as PRF and integrity, ECP-256 (RFC 7296 section 3.3).
static void put_init(struct build *b)
{
	static const uint8_t proposal[] = {0, 0, 0, 44, 1, 1, 0, 4, 3, 0, 0, 12, 1, 0, 0, 12, 0x80,
		14, 1, 0, 3, 0, 0, 8, 2, 0, 0, 5, 3, 0, 0, 8, 3, 0, 0, 12, 0, 0, 0, 8, 4, 0, 0,
		ECP_256};
	uint8_t ke[4 + PUBLIC_BYTES] = {0, ECP_256}, nonce[NONCE_BYTES] = {1};

	put_header(b, V2_SA, 0x20, V2_INIT, V2_INITIATOR);
	put_payload(b, V2_KE, proposal, sizeof(proposal));
	put_payload(b, V2_NONCE, ke, sizeof(ke));
	put_payload(b, 0, nonce, sizeof(nonce));
}

static void put_message(struct build *b, const struct options *o)
{
	switch (o->flood_kind) {
	case FLOOD_V1:
		put_main_mode(b, o);
		break;
	case FLOOD_V2:
		put_init(b);
		break;
	case FLOOD_RUBBISH:
		build_zero(b, RUBBISH);
		break;
	}
}

int flood_create(struct gen *g)
{
	struct flood *f = calloc(1, sizeof(*f));
	struct build b;

	if (!f)
		return -ENOMEM;
	g->flood = f;
	b = build_in(f->frame + FRONT, sizeof(f->frame) - FRONT);
	put_message(&b, &g->options);
	f->length = FRONT + build_length(&b);
	set_u32(f->frame + FRONT + LENGTH_AT, (uint32_t)build_length(&b));
	return b.failed ? -EINVAL : 0;
}

void flood_free(struct gen *g)
{
	free(g->flood);
}

// What another process has of its own, in KiB: without what it shares (the rings to the dataplane);
// -1 when it cannot be told.
static long memory_of(uint32_t pid)
{
	char path[64], line[256];
	long kib = -1;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%u/status", pid);
	file = pid ? fopen(path, "r") : NULL;
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "RssAnon: %ld", &kib) == 1)
			break;
	if (file)
		fclose(file);
	return kib;
}

void flood_begin(struct gen *g, uint64_t now)
{
	struct flood *f = g->flood;

	f->sum.memory_before = memory_of(g->options.server);
	f->running = g->options.flood > 0;
	f->began = now;
	f->due = 0;
}

static void stop(struct gen *g, uint64_t now)
{
	struct flood *f = g->flood;

	if (f->running)
		f->sum.seconds += (double)(now - f->began) / (double)g->hz;
	f->running = false;
}

void flood_end(struct gen *g, uint64_t now)
{
	stop(g, now);
	g->flood->sum.memory_after = memory_of(g->options.server);
}

struct flood_sum flood_sum(const struct gen *g)
{
	return g->flood->sum;
}

static void fill(struct gen *g, uint8_t *frame)
{
	const struct options *o = &g->options;
	uint64_t random = rte_rand(), more = rte_rand();
	uint32_t source = o->outer + SOURCES_AT;
	struct flood *f = g->flood;
	uint8_t *ip = frame + ETHER;

	if (!o->flood_one)
		source += (uint32_t)(more & ((1 << SOURCE_BITS) - 1));
	memcpy(frame, f->frame, f->length);
	net_put_udp(net_put_ip(frame, &g->subscriber_side, source, o->gateway, 17), 500, PORT_IKE,
		(uint16_t)(f->length - FRONT));
	net_finish_ip(ip, net_ip_sum(ip), (uint16_t)(f->length - ETHER));
	random |= 1; // no SPI is zero
	memcpy(frame + FRONT, &random, sizeof(random));
	if (o->flood_kind == FLOOD_RUBBISH)
		memcpy(frame + FRONT + SPI, &more, sizeof(more));
}

static void send_some(struct gen *g, unsigned count)
{
	struct rte_mbuf *m[GEN_BURST];
	struct flood *f = g->flood;
	uint16_t sent;

	if (rte_pktmbuf_alloc_bulk(g->pool, m, count)) {
		f->sum.not_taken += count;
		return;
	}
	for (unsigned i = 0; i < count; i++)
		fill(g, (uint8_t *)rte_pktmbuf_append(m[i], (uint16_t)f->length));
	sent = rte_eth_tx_burst(g->subscriber_side.id, 0, m, (uint16_t)count);
	f->sum.sent += sent;
	f->sum.not_taken += count - sent;
	rte_pktmbuf_free_bulk(m + sent, count - sent);
}

bool flood_send(struct gen *g, uint64_t now)
{
	struct flood *f = g->flood;
	uint64_t due, left;

	if (g->options.flood_time > 0 && now - f->began > g->options.flood_time * (double)g->hz)
		stop(g, now);
	if (!f->running)
		return false;
	due = (uint64_t)(g->options.flood * (double)(now - f->began) / (double)g->hz);
	if (due - f->due > BEHIND_MOST)
		f->due = due - BEHIND_MOST;
	left = due - f->due;
	left = left < TURN_MOST ? left : TURN_MOST;
	f->due += left;
	for (uint64_t n; left > 0; left -= n) {
		n = left < GEN_BURST ? left : GEN_BURST;
		send_some(g, (unsigned)n);
	}
	return due != 0;
}

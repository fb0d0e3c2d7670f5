// SPDX-License-Identifier: Apache-2.0

// Datagrams for the gateway that arrive in fragments (RFC 791 section 3.2): LACs do that whenever
// the inner packets are as long as their own MTU, and IKE does with certificates. Only ESP and UDP
// get here (classify.c).
//
// All fragments of a datagram meet at one worker, the one that a hash of addresses and
// identification names; others hand theirs over. There they wait, in order of their offsets, until
// they are complete. Then the others' bytes are copied behind the first one's, because the stages
// that follow want one segment, and the first one goes on as if it had come whole. What does not
// fit into its buffer is copied into a large one (large.h): a client that encrypts packets whole
// and cuts what becomes of them sends up to 65,535 bytes so. IKE messages (contract/limits.h) go on
// in several segments instead, and classify_udp, which punts them, knows.
//
// An overlap, or a second end, is no accident: the datagram is dropped whole, and what still comes
// of it as well, until its time is up (RFC 5722 section 4 says so for IPv6). An exact copy of a
// fragment is only the network's, and dropped alone. First fragments that hide part of the header
// that the next stages look at are refused (RFC 1858 section 3, RFC 3128).
//
// What is kept is bounded in total and for each source, and the oldest goes first: a whole
// datagram needs its place for less than a millisecond, so a flood of halves, which has to outrun
// that, costs only itself. Sources share REASSEMBLE_SOURCES shares by a secret hash.
//
// RFC 791 section 3.2 asks for 15 seconds of patience, from a time of slow lines. A sender
// that fragments all it sends, a hundred thousand packets a second, uses each identification
// again in less than one second, and then halves of two datagrams meet (RFC 4963); the pieces of
// one leave it together. Two seconds are still ten times the delay between any two paths.
//
// IPv6 (RFC 8200 section 4.5) differs in its headers only: those in front of the fragment header of
// the first fragment are the datagram's, the fragment header itself goes. Fragments behind which
// other extension headers follow do not get here. A source has a whole /64 of addresses, so that is
// what shares are counted by.
//
// Not here: ICMP time exceeded (RFC 792 leaves it to us), fragments inside of the tunnels (they are
// forwarded as they are).

#include "dataplane/reassemble.h"

#include "dataplane/ip6.h"
#include "dataplane/large.h"
#include "dataplane/stage.h"
#include "dataplane/table.h"

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_jhash.h>
#include <rte_udp.h>
#include <string.h>
#include <sys/queue.h>

enum {
	REASSEMBLE_SOURCES = 256,
	ROOM_MOST = 4096,   // datagrams and fragments together
	ROOM_OF_POOL = 8,   // an eighth
	ROOM_OF_SOURCE = 4, // a quarter of the room at most
	ROOM_NEW = 2,       // what a fragment takes at most: its own place and its datagram's
	ROOM_LEAST = ROOM_OF_SOURCE * (REASSEMBLE_PIECES + ROOM_NEW), // for one of most pieces
	DATAGRAM_MOST = UINT16_MAX,
	MARKER = 4, // bytes: the non-ESP marker (RFC 3948 section 2.2)
	// Bytes of an IKE message with the longest headers in front, IPv6 extension headers aside.
	IKE_MOST = LIMIT_IKE_MESSAGE + MARKER + sizeof(struct rte_udp_hdr) + 60,
	ECN = 3,       // bits of the type of service (RFC 3168 section 5)
	CLASS_ECN = 4, // the same in the second byte of an IPv6 header: shifted so far
};

// Which datagram; no byte of it is left out.
struct key {
	uint8_t source[16]; // as on the wire; IPv4 in the first four bytes
	uint8_t destination[16];
	uint32_t id;       // network byte order
	uint16_t version;  // enum ip_version
	uint16_t protocol; // IPv4 (RFC 791 section 2.3), else 0
};
_Static_assert(sizeof(struct key) == 40, "compared whole");

// What a fragment says of itself.
struct fragment {
	struct key key;
	uint8_t ecn;
	uint16_t start; // bytes of the datagram's payload
	uint16_t end;
	bool more; // it is not the last one
};

struct piece {
	struct rte_mbuf *m;
	uint16_t start; // bytes of the datagram's payload
	uint16_t end;
};

struct datagram {
	TAILQ_ENTRY(datagram) by_age;
	TAILQ_ENTRY(datagram) by_source;
	LIST_ENTRY(datagram) by_hash; // or free
	uint64_t deadline;            // nanoseconds, CLOCK_MONOTONIC
	struct key key;
	uint8_t ecn;     // a bit for each codepoint that was seen
	uint16_t total;  // bytes of payload, 0 = not yet known
	uint16_t bytes;  // of payload that are there
	uint16_t share;  // index of its source's
	uint8_t refused; // enum drop: what becomes of further fragments; DROP_COUNT = all is well
	uint8_t pieces;
	struct piece piece[REASSEMBLE_PIECES]; // by start, without overlaps
};
_Static_assert(DROP_COUNT <= UINT8_MAX, "refused is a byte");

TAILQ_HEAD(datagrams, datagram);
LIST_HEAD(chain, datagram);

struct share {
	struct datagrams list; // oldest first
	uint32_t used;
};

struct reassembly {
	uint32_t seed;
	uint32_t room; // of datagrams and fragments together
	uint32_t used;
	uint32_t mask;         // chains - 1
	uint16_t most;         // bytes of a datagram with its header that goes into a buffer
	struct datagrams list; // oldest first
	struct chain free;
	struct share share[REASSEMBLE_SOURCES];
	struct chain *chain;
	struct datagram *datagram;
};

struct reassembly *reassembly_create(
	const struct rte_mempool *pool, uint16_t workers, uint32_t seed)
{
	struct reassembly *r = table_alloc(sizeof(*r));
	uint32_t buffer = rte_pktmbuf_data_room_size((struct rte_mempool *)(uintptr_t)pool);

	if (!r)
		return NULL;
	r->seed = seed;
	r->room = pool->size / ROOM_OF_POOL / workers;
	r->room = RTE_MAX(r->room, (uint32_t)ROOM_LEAST);
	r->room = RTE_MIN(r->room, (uint32_t)ROOM_MOST);
	r->mask = rte_align32pow2(r->room) - 1;
	r->most = (uint16_t)RTE_MIN(
		buffer - RTE_PKTMBUF_HEADROOM - RTE_ETHER_HDR_LEN, (uint32_t)DATAGRAM_MOST);
	r->chain = table_alloc((r->mask + 1) * sizeof(*r->chain));
	r->datagram = table_alloc(r->room * sizeof(*r->datagram));
	if (!r->chain || !r->datagram) {
		reassembly_destroy(r);
		return NULL;
	}
	TAILQ_INIT(&r->list);
	for (uint32_t i = 0; i < REASSEMBLE_SOURCES; i++)
		TAILQ_INIT(&r->share[i].list);
	for (uint32_t i = 0; i < r->room; i++)
		LIST_INSERT_HEAD(&r->free, &r->datagram[i], by_hash);
	return r;
}

void reassembly_destroy(struct reassembly *r)
{
	if (!r)
		return;
	table_free(r->chain);
	table_free(r->datagram);
	table_free(r);
}

// ---- one fragment

static uint32_t hash(const struct reassembly *r, const struct key *k)
{
	if (likely(k->version == IP_V4)) {
		uint32_t source, destination;

		memcpy(&source, k->source, sizeof(source));
		memcpy(&destination, k->destination, sizeof(destination));
		return rte_jhash_3words(source, destination, k->id << 8 | k->protocol, r->seed);
	}
	return rte_jhash_32b((const uint32_t *)(const void *)k, sizeof(*k) / 4, r->seed);
}

static uint16_t share_of(const struct reassembly *r, const struct key *k)
{
	uint32_t words[2];

	memcpy(words, k->source, sizeof(words));
	if (likely(k->version == IP_V4))
		return rte_jhash_1word(words[0], r->seed) % REASSEMBLE_SOURCES;
	return rte_jhash_2words(words[0], words[1], r->seed) % REASSEMBLE_SOURCES;
}

static void key_read(const struct rte_mbuf *m, struct key *k)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);

	*k = (struct key){.id = ip->packet_id, .version = IP_V4, .protocol = ip->next_proto_id};
	memcpy(k->source, &ip->src_addr, sizeof(ip->src_addr));
	memcpy(k->destination, &ip->dst_addr, sizeof(ip->dst_addr));
}

static void key_read6(const struct rte_mbuf *m, const struct ip6_payload *l, struct key *k)
{
	const struct rte_ipv6_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv6_hdr *);

	*k = (struct key){.version = IP_V6};
	memcpy(&k->id, (const uint8_t *)ip + l->fragment + 4, sizeof(k->id));
	memcpy(k->source, ip->src_addr, sizeof(k->source));
	memcpy(k->destination, ip->dst_addr, sizeof(k->destination));
}

// header: bytes that the length field of an IP header counts, in front of the payload.
static enum drop length_check(uint32_t header, uint32_t length, const struct fragment *f)
{
	uint32_t start = f->start;

	if (length == 0 || (f->more && length % 8) || header + start + length > UINT16_MAX)
		return DROP_FRAGMENT_INVALID;
	if ((start ? start : length) < REASSEMBLE_FIRST_LEAST)
		return DROP_FRAGMENT_TINY;
	return DROP_COUNT;
}

static enum drop fragment_read4(const struct rte_mbuf *m, struct fragment *f)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);
	uint16_t header = rte_ipv4_hdr_len(ip), length = m->data_len - header;
	uint16_t field = rte_be_to_cpu_16(ip->fragment_offset);

	key_read(m, &f->key);
	f->ecn = ip->type_of_service & ECN;
	f->start = (uint16_t)((field & RTE_IPV4_HDR_OFFSET_MASK) * 8U);
	f->end = (uint16_t)(f->start + length);
	f->more = field & RTE_IPV4_HDR_MF_FLAG;
	return length_check(header, length, f);
}

static enum drop fragment_read6(const struct rte_mbuf *m, struct fragment *f)
{
	const uint8_t *ip = rte_pktmbuf_mtod(m, const uint8_t *);
	struct ip6_payload l;
	uint16_t length;

	// It was looked at before (classify6.c), by another worker perhaps.
	if (!ip6_payload(ip, m->data_len, &l) || !l.fragment || l.end != m->data_len) {
		*f = (struct fragment){.key.version = IP_V6};
		return DROP_FRAGMENT_INVALID;
	}
	length = l.end - l.at;
	key_read6(m, &l, &f->key);
	f->ecn = ip[1] >> CLASS_ECN & ECN;
	f->start = l.fragment_offset;
	f->end = (uint16_t)(f->start + length);
	f->more = l.more;
	return length_check(l.at - IP6_FRAGMENT_HEADER - IP6_HEADER, length, f);
}

// Returns why it is refused, or DROP_COUNT. *f is filled in as far as a datagram can be found.
static enum drop fragment_read(const struct rte_mbuf *m, struct fragment *f)
{
	if (unlikely(meta_of((struct rte_mbuf *)(uintptr_t)m)->flags & META_OUTER6))
		return fragment_read6(m, f);
	return fragment_read4(m, f);
}

// ---- the datagrams that are kept

static struct datagram *find(const struct reassembly *r, const struct fragment *f, uint32_t h)
{
	struct datagram *d;

	LIST_FOREACH(d, &r->chain[h & r->mask], by_hash)
	if (memcmp(&d->key, &f->key, sizeof(d->key)) == 0)
		return d;
	return NULL;
}

static void use(struct reassembly *r, const struct datagram *d, int count)
{
	r->used += (uint32_t)count;
	r->share[d->share].used += (uint32_t)count;
}

// There is a place: make_room was called.
static struct datagram *begin(
	struct worker *w, const struct fragment *f, uint16_t share, uint32_t h)
{
	struct reassembly *r = w->reassembly;
	struct datagram *d = LIST_FIRST(&r->free);

	LIST_REMOVE(d, by_hash);
	memset(d, 0, offsetof(struct datagram, piece)); // those behind pieces are not looked at
	d->deadline = w->now + REASSEMBLE_MS * UINT64_C(1000000);
	d->key = f->key;
	d->share = share;
	d->refused = DROP_COUNT;
	LIST_INSERT_HEAD(&r->chain[h & r->mask], d, by_hash);
	TAILQ_INSERT_TAIL(&r->list, d, by_age);
	TAILQ_INSERT_TAIL(&r->share[share].list, d, by_source);
	use(r, d, 1);
	return d;
}

// Its fragments are no longer kept; they are the caller's.
static void let_go(struct worker *w, struct datagram *d)
{
	use(w->reassembly, d, -d->pieces);
	w->stats->held -= d->pieces;
	d->pieces = 0;
}

static void drop_pieces(struct worker *w, struct datagram *d, enum drop reason)
{
	for (uint8_t i = 0; i < d->pieces; i++)
		packet_drop(w, d->piece[i].m, reason);
	let_go(w, d);
}

// No fragment of it is kept any more.
static void end(struct reassembly *r, struct datagram *d)
{
	use(r, d, -1);
	TAILQ_REMOVE(&r->list, d, by_age);
	TAILQ_REMOVE(&r->share[d->share].list, d, by_source);
	LIST_REMOVE(d, by_hash);
	LIST_INSERT_HEAD(&r->free, d, by_hash);
}

// It stays until its time is up, so that nothing of it is taken for the beginning of another one.
static void refuse(struct worker *w, struct datagram *d, enum drop reason)
{
	drop_pieces(w, d, reason);
	d->refused = (uint8_t)reason;
}

static void evict(struct worker *w, struct datagram *d, enum drop reason)
{
	drop_pieces(w, d, reason);
	end(w->reassembly, d);
}

// For one fragment more from a source of that share.
static void make_room(struct worker *w, uint16_t share)
{
	struct reassembly *r = w->reassembly;
	struct share *s = &r->share[share];

	while (s->used + ROOM_NEW > r->room / ROOM_OF_SOURCE)
		evict(w, TAILQ_FIRST(&s->list), DROP_FRAGMENT_FULL);
	while (r->used + ROOM_NEW > r->room)
		evict(w, TAILQ_FIRST(&r->list), DROP_FRAGMENT_FULL);
}

// ---- a fragment's place in its datagram

static bool is_copy(const struct datagram *d, const struct piece *p, const struct rte_mbuf *m,
	const struct fragment *f)
{
	uint16_t length = f->end - f->start;

	if (p->start != f->start || p->end != f->end || (p->end == d->total) == f->more)
		return false;
	return memcmp(rte_pktmbuf_mtod_offset(p->m, char *, p->m->data_len - length),
		       rte_pktmbuf_mtod_offset(m, char *, m->data_len - length), length) == 0;
}

// The end that the datagram has, or would have, lies elsewhere.
static bool end_contradicts(const struct datagram *d, const struct fragment *f)
{
	if (f->more)
		return d->total && f->end >= d->total;
	return d->total || (d->pieces && d->piece[d->pieces - 1].end > f->end);
}

// Returns why it has no place, or DROP_COUNT: then it is kept.
static enum drop place(
	struct worker *w, struct datagram *d, struct rte_mbuf *m, const struct fragment *f)
{
	struct piece *p = d->piece;
	uint8_t at = d->pieces; // most come in order

	while (at && p[at - 1].start >= f->start)
		at--;
	if (at < d->pieces && is_copy(d, &p[at], m, f))
		return DROP_FRAGMENT_DUPLICATE;
	if ((at < d->pieces && p[at].start < f->end) || (at && p[at - 1].end > f->start) ||
		end_contradicts(d, f))
		return DROP_FRAGMENT_OVERLAP;
	if (d->pieces == REASSEMBLE_PIECES)
		return DROP_FRAGMENT_FULL;
	memmove(&p[at + 1], &p[at], (size_t)(d->pieces - at) * sizeof(*p));
	p[at] = (struct piece){.m = m, .start = f->start, .end = f->end};
	d->pieces++;
	d->bytes += f->end - f->start;
	d->total = f->more ? d->total : f->end;
	d->ecn |= 1 << f->ecn;
	w->stats->held++;
	use(w->reassembly, d, 1);
	return DROP_COUNT;
}

// ---- a whole datagram

// RFC 3168 section 5.3: congestion that a fragment met is the datagram's; one whose sender cannot
// be told so is dropped.
static bool ecn_join(const struct datagram *d, uint8_t *ip)
{
	if (!(d->ecn & 1 << RTE_IPV4_HDR_ECN_CE))
		return true;
	ip[1] |= d->key.version == IP_V4 ? RTE_IPV4_HDR_ECN_CE : RTE_IPV4_HDR_ECN_CE << CLASS_ECN;
	return !(d->ecn & 1);
}

// The fragment header goes, what is before it stays.
static void header_finish6(struct rte_mbuf *m)
{
	uint8_t *ip = rte_pktmbuf_mtod(m, uint8_t *);
	struct ip6_payload l;
	uint16_t length;

	(void)ip6_payload(ip, m->data_len, &l); // read before, as fragment_read6 did
	ip[l.fragment_next] = ip[l.fragment];
	memmove(ip + IP6_FRAGMENT_HEADER, ip, l.fragment);
	ip = (uint8_t *)rte_pktmbuf_adj(m, IP6_FRAGMENT_HEADER);
	length = rte_cpu_to_be_16((uint16_t)(m->pkt_len - IP6_HEADER));
	memcpy(ip + 4, &length, sizeof(length));
}

static void header_finish(struct rte_mbuf *m)
{
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, struct rte_ipv4_hdr *);

	ip->total_length = rte_cpu_to_be_16((uint16_t)m->pkt_len);
	ip->fragment_offset = 0;
	ip->hdr_checksum = 0;
	ip->hdr_checksum = (uint16_t)~rte_raw_cksum(ip, rte_ipv4_hdr_len(ip));
}

// By the ports of its first fragment, which has at least REASSEMBLE_FIRST_LEAST bytes.
static bool is_ike(const struct datagram *d)
{
	const struct piece *p = &d->piece[0];
	struct rte_udp_hdr udp;
	const uint8_t *at;
	struct ip6_payload l;
	uint32_t marker;

	at = rte_pktmbuf_mtod_offset(p->m, const uint8_t *, p->m->data_len - p->end);
	if (d->key.version == IP_V6 &&
		(!ip6_payload(rte_pktmbuf_mtod(p->m, const uint8_t *), p->m->data_len, &l) ||
			l.protocol != IPPROTO_UDP))
		return false;
	if (d->key.version == IP_V4 && d->key.protocol != IPPROTO_UDP)
		return false;
	memcpy(&udp, at, sizeof(udp));
	memcpy(&marker, at + sizeof(udp), sizeof(marker));
	return udp.dst_port == rte_cpu_to_be_16(PORT_IKE) ||
	       (udp.dst_port == rte_cpu_to_be_16(PORT_NAT_T) && marker == 0);
}

// All but the first one, one behind the other.
static void join_copies(struct worker *w, struct datagram *d, char *to)
{
	for (uint8_t i = 1; i < d->pieces; i++) {
		struct rte_mbuf *m = d->piece[i].m;
		uint16_t length = d->piece[i].end - d->piece[i].start;

		memcpy(to, rte_pktmbuf_mtod_offset(m, char *, m->data_len - length), length);
		to += length;
		packet_drop(w, m, DROP_FRAGMENT_JOINED);
	}
}

// Each in its own buffer, one behind the other.
static void join_segments(struct worker *w, struct datagram *d)
{
	for (uint8_t i = 1; i < d->pieces; i++) {
		struct rte_mbuf *m = d->piece[i].m;

		rte_pktmbuf_adj(m, m->data_len - (d->piece[i].end - d->piece[i].start));
		(void)rte_pktmbuf_chain(d->piece[0].m, m); // there is room for many more
		packet_lost(w, DROP_FRAGMENT_JOINED);
	}
}

// All in a large buffer, in which the first fragment's is from now on; or NULL.
static struct rte_mbuf *join_large(struct worker *w, struct datagram *d, uint16_t length)
{
	struct rte_mbuf *first = d->piece[0].m, *whole = large_get(w, first);
	char *to = whole ? rte_pktmbuf_append(whole, length) : NULL;

	if (!to) {
		rte_pktmbuf_free(whole);
		return NULL;
	}
	memcpy(to, rte_pktmbuf_mtod(first, const char *), first->data_len);
	join_copies(w, d, to + first->data_len);
	rte_pktmbuf_free(first);
	return whole;
}

// How a datagram of so many bytes, with its header, is put together.
enum form { FORM_COPIES, FORM_SEGMENTS, FORM_LARGE, FORM_NONE };
static enum form form_of(const struct worker *w, const struct datagram *d, uint32_t length)
{
	const struct rte_mbuf *first = d->piece[0].m;

	if (likely(length <= w->reassembly->most &&
		    length - first->data_len <= rte_pktmbuf_tailroom(first)))
		return FORM_COPIES;
	if (is_ike(d))
		return length <= IKE_MOST ? FORM_SEGMENTS : FORM_NONE;
	return length <= LARGE_MOST ? FORM_LARGE : FORM_NONE;
}

// The datagram, which begins with its first fragment, or NULL: then it is refused.
static struct rte_mbuf *join(struct worker *w, struct datagram *d)
{
	struct rte_mbuf *whole = d->piece[0].m;
	uint32_t length = (uint32_t)whole->data_len + d->total - d->piece[0].end;
	enum form form = form_of(w, d, length);

	if (form == FORM_NONE) {
		refuse(w, d, DROP_FRAGMENT_LONG);
		return NULL;
	}
	if (!ecn_join(d, rte_pktmbuf_mtod(whole, uint8_t *))) {
		refuse(w, d, DROP_FRAGMENT_INVALID);
		return NULL;
	}
	if (form == FORM_LARGE)
		whole = join_large(w, d, (uint16_t)length);
	else if (form == FORM_SEGMENTS)
		join_segments(w, d);
	else
		join_copies(w, d, rte_pktmbuf_append(whole, (uint16_t)(length - whole->data_len)));
	if (!whole) {
		refuse(w, d, DROP_FRAGMENT_MEMORY);
		return NULL;
	}
	let_go(w, d);
	end(w->reassembly, d);
	if (likely(d->key.version == IP_V4))
		header_finish(whole);
	else
		header_finish6(whole);
	return whole;
}

// The whole datagram when this is what was missing.
static struct rte_mbuf *take(struct worker *w, struct rte_mbuf *m, const struct fragment *f,
	enum drop reason, uint32_t h)
{
	struct reassembly *r = w->reassembly;
	uint16_t share = share_of(r, &f->key);
	struct datagram *d;

	make_room(w, share);
	d = find(r, f, h);
	if (!d && reason == DROP_COUNT)
		d = begin(w, f, share, h);
	if (d && d->refused != DROP_COUNT)
		reason = d->refused;
	else if (reason == DROP_COUNT)
		reason = place(w, d, m, f);
	if (reason == DROP_COUNT)
		return d->total && d->bytes == d->total ? join(w, d) : NULL;
	packet_drop(w, m, reason);
	if (d && reason != DROP_FRAGMENT_DUPLICATE)
		refuse(w, d, reason);
	return NULL;
}

uint16_t reassemble(struct worker *w, struct rte_mbuf **m, uint16_t count)
{
	uint16_t out = 0;

	for (uint16_t i = 0; i < count; i++) {
		struct fragment f;
		enum drop reason = fragment_read(m[i], &f);
		uint32_t h = hash(w->reassembly, &f.key);
		uint16_t owner = (uint16_t)((uint64_t)h * w->workers >> 32);
		struct rte_mbuf *whole;

		if (owner != w->index) {
			worker_handover(w, m[i], owner + 1, HANDOVER_REASSEMBLE);
			continue;
		}
		whole = take(w, m[i], &f, reason, h);
		if (whole)
			m[out++] = whole;
	}
	return out;
}

void reassemble_expire(struct worker *w, uint64_t now)
{
	struct datagram *d;

	while ((d = TAILQ_FIRST(&w->reassembly->list)) && d->deadline <= now)
		evict(w, d, DROP_FRAGMENT_TIMEOUT);
}

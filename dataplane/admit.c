// SPDX-License-Identifier: Apache-2.0

// A flood of IKE messages must cost those who are known nothing. Whose message it is, its header
// says (contract/ike_spi.h), and there are three classes:
//
//   known     has an SPI that the control plane gave; up to three quarters of the punt ring
//   first     has no responder SPI yet: of a stranger; up to half of the ring
//   rubbish   anything else: dropped here
//
// What else is punted, L2TP and PPP of subscribers, always finds a quarter of the ring free of IKE.
//
// An SPI can be heard or asked for, so each has a rate, which no IKE SA needs. Firsts have a rate
// together, shared by all workers, and one for each source, so that one source does not take all. A
// flood from sources that are made up would leave an honest client a chance in a hundred at each
// try. But an honest client asks again, with the same SPI, while a flood that does so has a smaller
// part of its sources new. So a worker remembers who asked, as a few bits, and who asks again goes
// before those who ask for the first time. In each line of what it remembers the oldest gives way:
// under 100,000 new ones a second those of the last 10 s are there.
//
// Only IKE messages come here. There is no division, and a first touches three lines.

#include "dataplane/admit.h"

#include "dataplane/table.h"

#include <errno.h>
#include <rte_byteorder.h>
#include <stdatomic.h>
#include <string.h>

enum {
	HEADER = 28,          // bytes: the ISAKMP header (RFC 2408 section 3.1)
	RESPONDER = 8,        // offset of the responder's SPI
	LENGTH_AT = 24,       // offset of the length
	SOURCES = 4096,       // buckets of sources; two that meet in one share it
	SPIS = 4096,          // buckets of SPIs
	SEEN = 1 << 21,       // messages that all workers remember together
	SEEN_LEAST = 1 << 18, // that one does
	WAYS = 16,            // of them are in a line
	TIME_BITS = 12,       // of a remembered message: when it came
	TIME_SHIFT = 27,      // nanoseconds to its units, of some 134 ms
	MARK_SHIFT = 44,      // the other bits: of its hash
	SOURCE_BYTES = 8,     // IPv6: a /64 is one source
	RING_FIRSTS = LIMIT_RING_PACKETS / 2,
	RING_KNOWN = LIMIT_RING_PACKETS / 4 * 3,
};

#define MS          UINT64_C(1000000)
#define BURST_NS    (ADMIT_BURST_MS * MS)
#define AGAIN_UNITS (ADMIT_AGAIN_S * 1000 * MS >> TIME_SHIFT)
#define KNOWN_COST  (1000 * MS / ADMIT_KNOWN_RATE)

struct admission {
	uint64_t source[SOURCES]; // nanoseconds: when its bucket is full
	uint64_t spi[SPIS];
	uint32_t lines;
	uint32_t (*seen)[WAYS];
};
_Static_assert(sizeof(uint32_t[WAYS]) == RTE_CACHE_LINE_SIZE, "a line");

int ike_admit_set(struct ike_admit *a, const struct command_ike_admit *command)
{
	uint64_t key[2];

	if (command->firsts_per_second == 0 || command->firsts_per_second > ADMIT_FIRSTS_MOST ||
		command->zero != 0)
		return -EINVAL;
	memcpy(key, command->key, sizeof(key));
	__atomic_store_n(&a->key[0], key[0], __ATOMIC_RELAXED);
	__atomic_store_n(&a->key[1], key[1], __ATOMIC_RELAXED);
	__atomic_store_n(
		&a->first_ns, (uint32_t)(1000 * MS / command->firsts_per_second), __ATOMIC_RELEASE);
	return 0;
}

struct admission *admission_create(uint16_t workers)
{
	struct admission *a = table_alloc(sizeof(*a));
	uint32_t seen = rte_align32pow2(SEEN / workers);

	if (!a)
		return NULL;
	a->lines = RTE_MAX(seen, (uint32_t)SEEN_LEAST) / WAYS;
	a->seen = table_alloc(a->lines * sizeof(*a->seen));
	if (!a->seen) {
		table_free(a);
		return NULL;
	}
	return a;
}

void admission_destroy(struct admission *a)
{
	if (!a)
		return;
	table_free(a->seen);
	table_free(a);
}

static bool has_room(uint64_t full, uint64_t now, uint64_t burst)
{
	return full <= now + burst;
}

static uint64_t filled(uint64_t full, uint64_t now, uint64_t cost)
{
	return RTE_MAX(full, now) + cost;
}

// A message of that SPI, which is one of ours.
static enum drop known(struct worker *w, const uint8_t *spi, uint32_t waiting)
{
	uint64_t *full;
	uint32_t index;

	if (waiting >= RING_KNOWN)
		return DROP_IKE_KNOWN_FULL;
	memcpy(&index, spi, sizeof(index)); // drawn by us at random
	full = &w->admission->spi[index % SPIS];
	if (!has_room(*full, w->now, BURST_NS))
		return DROP_IKE_KNOWN_RATE;
	*full = filled(*full, w->now, KNOWN_COST);
	return DROP_COUNT;
}

// Who sends: the bytes of the address that are one source.
struct source {
	uint8_t bytes[SOURCE_BYTES];
};

static struct source source_of(const struct meta *meta)
{
	struct source s = {{0}};

	if (meta->flags & META_OUTER6)
		memcpy(s.bytes, meta->remote6, sizeof(s.bytes));
	else
		memcpy(s.bytes, &meta->remote, sizeof(meta->remote));
	return s;
}

// Has it asked before, with the same SPI, not long ago? Remembers it in any case.
static bool asks_again(
	struct worker *w, const uint8_t *key, const struct source *s, const uint8_t *spi)
{
	uint32_t now = (uint32_t)(w->now >> TIME_SHIFT), mark, *line, oldest = 0;
	uint8_t who[SOURCE_BYTES + IKE_SPI];
	uint16_t place = 0;
	bool again = false;
	uint64_t h;

	memcpy(who, s->bytes, SOURCE_BYTES);
	memcpy(who + SOURCE_BYTES, spi, IKE_SPI);
	h = siphash(key, who, sizeof(who));
	line = w->admission->seen[h & (w->admission->lines - 1)];
	mark = (uint32_t)(h >> MARK_SHIFT);
	for (uint16_t i = 0; i < WAYS && !again; i++) {
		uint32_t age = (now - line[i]) % (1 << TIME_BITS);

		again = line[i] >> TIME_BITS == mark && age <= AGAIN_UNITS;
		if (!again && age < oldest)
			continue;
		oldest = age;
		place = i;
	}
	line[place] = mark << TIME_BITS | now % (1 << TIME_BITS);
	return again;
}

// Takes one of the firsts of this second, if one is left for those who may have so much of it.
static bool take_first(struct ike_admit *a, uint64_t now, uint64_t burst, uint64_t cost)
{
	uint64_t full = __atomic_load_n(&a->full, __ATOMIC_RELAXED);

	do {
		if (!has_room(full, now, burst))
			return false;
	} while (!__atomic_compare_exchange_n(&a->full, &full, filled(full, now, cost), true,
		__ATOMIC_RELAXED, __ATOMIC_RELAXED));
	return true;
}

static enum drop first(struct worker *w, const uint8_t *key, const struct source *s,
	const uint8_t *spi, uint32_t waiting)
{
	struct ike_admit *a = w->tables->ike_admit;
	uint64_t cost = __atomic_load_n(&a->first_ns, __ATOMIC_RELAXED);
	uint64_t *full = &w->admission->source[siphash(key, s, sizeof(*s)) % SOURCES];
	bool again;

	if (!has_room(*full, w->now, BURST_NS))
		return DROP_IKE_FIRST_SOURCE;
	again = asks_again(w, key, s, spi);
	if (waiting >= RING_FIRSTS)
		return DROP_IKE_FIRST_FULL;
	// The other half of the bucket is for those who ask again.
	if (!take_first(a, w->now, again ? BURST_NS : BURST_NS / 2, cost))
		return DROP_IKE_FIRST_RATE;
	*full = filled(*full, w->now, cost * ADMIT_SOURCE_SHARE);
	return DROP_COUNT;
}

// A header that says what it is, and is of the message's length.
static bool is_sane(const uint8_t *header, uint32_t length)
{
	static const uint8_t none[IKE_SPI];
	uint32_t says;

	memcpy(&says, header + LENGTH_AT, sizeof(says));
	says = rte_be_to_cpu_32(says);
	return memcmp(header, none, IKE_SPI) != 0 && says >= HEADER && says <= length;
}

enum drop admit(struct worker *w, const struct rte_mbuf *m)
{
	static const uint8_t none[IKE_SPI];
	const struct ike_admit *a = w->tables->ike_admit;
	struct channel *c = atomic_load_explicit(&w->channel, memory_order_acquire);
	uint8_t buffer[HEADER], key[IKE_SPI_KEY];
	const uint8_t *header;
	struct source s;
	uint64_t word;

	if (!c || !w->admission || __atomic_load_n(&a->first_ns, __ATOMIC_ACQUIRE) == 0)
		return DROP_COUNT;
	header = rte_pktmbuf_read(m, 0, HEADER, buffer);
	if (!header || !is_sane(header, m->pkt_len))
		return DROP_IKE_RUBBISH;
	for (int i = 0; i < 2; i++) {
		word = __atomic_load_n(&a->key[i], __ATOMIC_RELAXED);
		memcpy(key + i * sizeof(word), &word, sizeof(word));
	}
	if (ike_spi_ours(key, header + RESPONDER))
		return known(w, header + RESPONDER, ring_count(&c->punt[w->index]));
	if (ike_spi_ours(key, header)) // an answer to what we began
		return known(w, header, ring_count(&c->punt[w->index]));
	if (memcmp(header + RESPONDER, none, IKE_SPI) != 0)
		return DROP_IKE_RUBBISH;
	s = source_of(meta_of((struct rte_mbuf *)(uintptr_t)m));
	return first(w, key, &s, header, ring_count(&c->punt[w->index]));
}

// SPDX-License-Identifier: Apache-2.0

// Fragments in every order, whole and broken. After each test every packet that came in is
// accounted for: it went on, was dropped by name, handed over, or is still held.

#include "dataplane/reassemble.h"

#include "dataplane/stage.h"
#include "dataplane/test_support.h"

#include <rte_ip.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct worker *const w0 = &bench.workers[0];

enum {
	MF = 1,       // more fragments
	WRONG = 2,    // other bytes than the rest
	CE = 4,       // congestion experienced
	ECT = 8,      // ECN-capable
	OPTIONS = 16, // the longest header
	SOURCE = 0x0a000001,
	STEPS = 8,
	ROOM = 4 * (REASSEMBLE_PIECES + 2), // what there is for so small a pool
};

static uint8_t byte_at(uint16_t id, unsigned position)
{
	return (uint8_t)(position * 7 + position / 256 + id * 31);
}

struct step {
	uint16_t start; // bytes
	uint16_t length;
	uint8_t flags;
};

static struct rte_mbuf *packet(uint32_t source, uint16_t id, const struct step *s)
{
	uint8_t bytes[60 + 1500] = {0};
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)bytes;
	uint16_t header = s->flags & OPTIONS ? 60 : 20;

	*ip = (struct rte_ipv4_hdr){
		.version_ihl = 0x40 | header / 4,
		.type_of_service = s->flags & CE    ? 3
				   : s->flags & ECT ? 2
						    : 0,
		.total_length = rte_cpu_to_be_16(header + s->length),
		.packet_id = rte_cpu_to_be_16(id),
		.fragment_offset = rte_cpu_to_be_16(
			(uint16_t)(s->start / 8) | (s->flags & MF ? RTE_IPV4_HDR_MF_FLAG : 0)),
		.time_to_live = 64,
		.next_proto_id = IPPROTO_UDP,
		.src_addr = rte_cpu_to_be_32(source),
		.dst_addr = 0x010200c0,
	};
	memset(bytes + 20, 1, header - 20); // no operation
	ip->hdr_checksum = (uint16_t)~rte_raw_cksum(ip, header);
	for (unsigned i = 0; i < s->length; i++)
		bytes[header + i] = byte_at(id, s->start + i) ^ (s->flags & WRONG ? 1 : 0);
	w0->stats->received++;
	return test_packet(bytes, header + s->length);
}

// Checks a datagram that went on, and frees it. Returns the bytes of its payload.
static unsigned finish(struct rte_mbuf *m, uint16_t id)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);
	uint16_t header = rte_ipv4_hdr_len(ip), length = m->data_len - header;
	const uint8_t *payload = (const uint8_t *)ip + header;

	assert_int_equal(m->nb_segs, 1);
	assert_int_equal(m->pkt_len, m->data_len);
	assert_int_equal(rte_be_to_cpu_16(ip->total_length), m->data_len);
	assert_int_equal(ip->fragment_offset, 0);
	assert_int_equal(rte_raw_cksum(ip, header), 0xffff);
	for (unsigned i = 0; i < length; i++)
		assert_int_equal(payload[i], byte_at(id, i));
	w0->stats->transmitted++;
	rte_pktmbuf_free(m);
	return length;
}

static void check_books(void)
{
	const struct stats_worker *s = w0->stats;
	uint64_t drops = 0;

	for (unsigned i = 0; i < DROP_COUNT; i++)
		drops += s->drops[i];
	assert_int_equal(s->received, s->transmitted + drops + s->held + s->given);
	assert_int_equal(test_packets_out(), s->held + bench.record.handed);
}

static unsigned arrive(uint32_t source, uint16_t id, const struct step *s)
{
	struct rte_mbuf *m = packet(source, id, s);
	unsigned length = reassemble(w0, &m, 1) ? finish(m, id) : 0;

	check_books();
	return length;
}

static int begin(void **state)
{
	if (test_reset(state) < 0)
		return -1;
	w0->workers = 1;
	w0->reassembly = reassembly_create(bench.pool, 1, 7);
	return w0->reassembly ? 0 : -1;
}

static int done(void **state)
{
	reassemble_expire(w0, UINT64_MAX);
	check_books();
	assert_int_equal(w0->stats->held, 0);
	reassembly_destroy(w0->reassembly);
	w0->reassembly = NULL;
	w0->workers = 0;
	return test_check(state);
}

// ---- the table

#define LAST 0xffff

static const struct {
	const char *name;
	struct step steps[STEPS]; // length 0 at LAST ends them
	unsigned whole;           // bytes of payload, 0 = never
	enum drop reason;         // of what was dropped, but for joined
	unsigned drops;           // fragments
	unsigned held;
} cases[] = {
	{"two", {{0, 800, MF}, {800, 300, 0}, {LAST}}, 1100, 0, 0, 0},
	{"two, backwards", {{800, 300, 0}, {0, 800, MF}, {LAST}}, 1100, 0, 0, 0},
	{"three", {{0, 400, MF}, {400, 400, MF}, {800, 1, 0}, {LAST}}, 801, 0, 0, 0},
	{"middle first", {{400, 400, MF}, {0, 400, MF}, {800, 1, 0}, {LAST}}, 801, 0, 0, 0},
	{"middle last", {{0, 400, MF}, {800, 1, 0}, {400, 400, MF}, {LAST}}, 801, 0, 0, 0},
	{"last, first, middle", {{800, 9, 0}, {0, 400, MF}, {400, 400, MF}, {LAST}}, 809, 0, 0, 0},
	{"last, middle, first", {{800, 9, 0}, {400, 400, MF}, {0, 400, MF}, {LAST}}, 809, 0, 0, 0},
	{"options", {{0, 400, MF | OPTIONS}, {400, 8, 0}, {LAST}}, 408, 0, 0, 0},
	{"options of the last", {{0, 400, MF}, {400, 8, OPTIONS}, {LAST}}, 408, 0, 0, 0},
	{"shortest first", {{0, 16, MF}, {16, 1, 0}, {LAST}}, 17, 0, 0, 0},
	{"congestion", {{0, 400, MF | ECT}, {400, 8, CE}, {LAST}}, 408, 0, 0, 0},
	{"congestion that cannot be told", {{0, 400, MF | CE}, {400, 8, 0}, {LAST}}, 0,
		DROP_FRAGMENT_INVALID, 2, 0},
	{"half", {{0, 800, MF}, {LAST}}, 0, 0, 0, 1},
	{"a hole", {{0, 400, MF}, {408, 400, 0}, {LAST}}, 0, 0, 0, 2},
	{"a copy", {{0, 400, MF}, {0, 400, MF}, {400, 8, 0}, {LAST}}, 408, DROP_FRAGMENT_DUPLICATE,
		1, 0},
	{"a copy of the last", {{400, 8, 0}, {400, 8, 0}, {0, 400, MF}, {LAST}}, 408,
		DROP_FRAGMENT_DUPLICATE, 1, 0},
	{"a copy with other bytes", {{0, 400, MF}, {0, 400, MF | WRONG}, {400, 8, 0}, {LAST}}, 0,
		DROP_FRAGMENT_OVERLAP, 3, 0},
	{"a copy that is not the last", {{400, 8, 0}, {400, 8, MF}, {0, 400, MF}, {LAST}}, 0,
		DROP_FRAGMENT_OVERLAP, 3, 0},
	{"a copy that is the last", {{400, 8, MF}, {400, 8, 0}, {0, 400, MF}, {LAST}}, 0,
		DROP_FRAGMENT_OVERLAP, 3, 0},
	{"longer from the same place", {{0, 400, MF}, {0, 408, MF}, {LAST}}, 0,
		DROP_FRAGMENT_OVERLAP, 2, 0},
	{"shorter from the same place", {{0, 400, MF}, {0, 392, MF}, {LAST}}, 0,
		DROP_FRAGMENT_OVERLAP, 2, 0},
	{"begins inside", {{0, 400, MF}, {392, 100, 0}, {LAST}}, 0, DROP_FRAGMENT_OVERLAP, 2, 0},
	{"ends inside", {{400, 100, 0}, {0, 408, MF}, {LAST}}, 0, DROP_FRAGMENT_OVERLAP, 2, 0},
	{"lies inside", {{0, 400, MF}, {80, 80, MF}, {400, 8, 0}, {LAST}}, 0, DROP_FRAGMENT_OVERLAP,
		3, 0},
	{"covers another", {{400, 80, MF}, {160, 800, MF}, {LAST}}, 0, DROP_FRAGMENT_OVERLAP, 2, 0},
	{"a second end behind", {{400, 80, 0}, {800, 80, 0}, {0, 400, MF}, {LAST}}, 0,
		DROP_FRAGMENT_OVERLAP, 3, 0},
	{"a second end before", {{800, 80, 0}, {400, 80, 0}, {0, 400, MF}, {LAST}}, 0,
		DROP_FRAGMENT_OVERLAP, 3, 0},
	{"behind the end", {{400, 80, 0}, {480, 80, MF}, {LAST}}, 0, DROP_FRAGMENT_OVERLAP, 2, 0},
	{"end before the others", {{800, 80, MF}, {400, 80, 0}, {LAST}}, 0, DROP_FRAGMENT_OVERLAP,
		2, 0},
	{"empty", {{400, 0, MF}, {LAST}}, 0, DROP_FRAGMENT_INVALID, 1, 0},
	{"empty last", {{400, 0, 0}, {LAST}}, 0, DROP_FRAGMENT_INVALID, 1, 0},
	{"odd length", {{0, 401, MF}, {LAST}}, 0, DROP_FRAGMENT_INVALID, 1, 0},
	{"beyond 65535", {{65528, 8, 0}, {LAST}}, 0, DROP_FRAGMENT_INVALID, 1, 0},
	{"tiny first", {{0, 8, MF}, {8, 100, 0}, {LAST}}, 0, DROP_FRAGMENT_TINY, 2, 0},
	{"second in the header", {{8, 100, 0}, {LAST}}, 0, DROP_FRAGMENT_TINY, 1, 0},
	{"as long as a buffer", {{0, 1200, MF}, {1200, 814, 0}, {LAST}}, 2014, 0, 0, 0},
	{"longer than a buffer", {{0, 1200, MF}, {1200, 815, 0}, {LAST}}, 2015, 0, 0, 0},
	{"longer, backwards", {{1200, 815, 0}, {0, 1200, MF}, {LAST}}, 2015, 0, 0, 0},
	{"longer with options", {{0, 1200, MF | OPTIONS}, {1200, 814, 0}, {LAST}}, 2014, 0, 0, 0},
	{"congestion of a long one", {{0, 1200, MF | CE}, {1200, 1200, 0}, {LAST}}, 0,
		DROP_FRAGMENT_INVALID, 2, 0},
	{"the ends of a long one", {{0, 1200, MF}, {60000, 1200, 0}, {LAST}}, 0, 0, 0, 2},
};

static void table(void **state)
{
	for (unsigned i = 0; i < RTE_DIM(cases); i++) {
		unsigned whole = 0, drops = 0;

		memset(&bench.record, 0, sizeof(bench.record));
		for (const struct step *s = cases[i].steps; s->start != LAST; s++)
			whole += arrive(SOURCE, (uint16_t)i, s);
		drops = bench.record.dropped - (unsigned)bench.record.drops[DROP_FRAGMENT_JOINED];
		if (whole != cases[i].whole || w0->stats->held != cases[i].held ||
			drops != cases[i].drops ||
			(drops && bench.record.drops[cases[i].reason] != drops))
			fail_msg("%s: %u bytes, %lu held, %u dropped", cases[i].name, whole,
				w0->stats->held, drops);
		reassemble_expire(w0, UINT64_MAX);
	}
}

// ---- large ones

// So many bytes in fragments of each, in that order: 0 as they lie, 1 backwards, more: mixed.
static unsigned arrive_all(uint16_t id, unsigned bytes, uint16_t each, unsigned order)
{
	unsigned pieces = (bytes + each - 1) / each, whole = 0;

	for (unsigned i = 0; i < pieces; i++) {
		unsigned at = order == 0 ? i : order == 1 ? pieces - 1 - i : i * order % pieces;
		unsigned start = at * each, length = RTE_MIN(bytes - start, (unsigned)each);
		struct step s = {
			(uint16_t)start, (uint16_t)length, start + length < bytes ? MF : 0};

		whole += arrive(SOURCE, id, &s);
	}
	return whole;
}

static void of_every_length(void **state)
{
	static const unsigned bytes[] = {2014, 2015, 4028, 9000, 20000, 60028, 65514, 65515};

	for (uint16_t i = 0; i < RTE_DIM(bytes); i++)
		for (uint16_t order = 0; order < 2; order++) {
			assert_int_equal(arrive_all(i, bytes[i], 1480, order), bytes[i]);
			assert_int_equal(arrive_all(i, bytes[i], 1040, order), bytes[i]);
		}
	// Numbers that have no divisor in common with that of the pieces.
	assert_int_equal(arrive_all(99, 65515, 1480, 7), 65515);
	assert_int_equal(arrive_all(99, 65515, 1480, 23), 65515);
}

static void of_so_many_pieces(void **state)
{
	assert_int_equal(arrive_all(1, REASSEMBLE_PIECES * 16, 16, 0), REASSEMBLE_PIECES * 16);
	assert_int_equal(
		arrive_all(2, REASSEMBLE_PIECES * 1016, 1016, 1), REASSEMBLE_PIECES * 1016);
	assert_int_equal(bench.record.dropped, bench.record.drops[DROP_FRAGMENT_JOINED]);
	assert_int_equal(arrive_all(3, REASSEMBLE_PIECES * 16 + 1, 16, 0), 0);
	assert_in_range(
		bench.record.drops[DROP_FRAGMENT_FULL], REASSEMBLE_PIECES, REASSEMBLE_PIECES + 1);
}

// The first one's header is as long as there can be one, so all of it is too long.
static void with_too_long_a_header(void **state)
{
	assert_int_equal(arrive(SOURCE, 1, &(const struct step){0, 1480, MF | OPTIONS}), 0);
	for (unsigned at = 1480; at < 65515; at += 1480) {
		struct step s = {(uint16_t)at, (uint16_t)RTE_MIN(1480U, 65515 - at), MF};

		s.flags = at + s.length < 65515 ? MF : 0;
		assert_int_equal(arrive(SOURCE, 1, &s), 0);
	}
	assert_int_equal(bench.record.drops[DROP_FRAGMENT_LONG], 45);
	assert_int_equal(w0->stats->held, 0);
}

static void without_a_buffer(void **state)
{
	struct rte_mbuf *all[64];
	unsigned n = rte_mempool_avail_count(bench.large);

	assert_in_range(n, BURST, RTE_DIM(all));
	assert_int_equal(rte_pktmbuf_alloc_bulk(bench.large, all, n), 0);
	for (unsigned i = 0; i < 3; i++) {
		struct step s = {(uint16_t)(i * 1200), 1200, i < 2 ? MF : 0};
		struct rte_mbuf *m = packet(SOURCE, 1, &s);

		assert_int_equal(reassemble(w0, &m, 1), 0);
	}
	assert_int_equal(bench.record.drops[DROP_FRAGMENT_MEMORY], 3);
	rte_pktmbuf_free_bulk(all, n);
	check_books();
	assert_int_equal(arrive_all(2, 3600, 1200, 0), 3600);
}

// ---- many at once

static const struct step FIRST = {0, 400, MF}, SECOND = {400, 80, 0};

static void any_order_of_many(void **state)
{
	enum { MANY = 8, PARTS = 5 };
	unsigned whole = 0;

	srand(5);
	for (unsigned round = 0; round < 100; round++) {
		bool sent[MANY * PARTS] = {false};

		for (unsigned left = MANY * PARTS; left > 0;) {
			unsigned k = (unsigned)rand() % (MANY * PARTS), part = k % PARTS;
			struct step s = {(uint16_t)(part * 64), part == PARTS - 1 ? 33 : 64,
				part < PARTS - 1};

			if (sent[k])
				continue;
			sent[k] = true;
			left--;
			whole += arrive(SOURCE + k / PARTS * 7, (uint16_t)round, &s) == 289;
		}
	}
	assert_int_equal(whole, 100 * MANY);
}

static void same_id_is_another_datagram(void **state)
{
	assert_int_equal(arrive(SOURCE, 1, &FIRST), 0);
	assert_int_equal(arrive(SOURCE + 1, 1, &SECOND), 0);
	assert_int_equal(arrive(SOURCE, 2, &SECOND), 0);
	assert_int_equal(w0->stats->held, 3);
	assert_int_equal(arrive(SOURCE, 1, &SECOND), 480);
}

static void times_out(void **state)
{
	arrive(SOURCE, 1, &FIRST);
	w0->now += REASSEMBLE_MS * UINT64_C(1000000) - 1;
	reassemble_expire(w0, w0->now);
	assert_int_equal(w0->stats->held, 1);
	arrive(SOURCE, 2, &FIRST);
	w0->now++;
	reassemble_expire(w0, w0->now);
	assert_int_equal(bench.record.drops[DROP_FRAGMENT_TIMEOUT], 1);
	assert_int_equal(w0->stats->held, 1);
	check_books();
	assert_int_equal(arrive(SOURCE, 1, &SECOND), 0);
	assert_int_equal(arrive(SOURCE, 2, &SECOND), 480);
}

// What was refused is refused until its time is up, and no longer.
static void stays_refused(void **state)
{
	arrive(SOURCE, 1, &FIRST);
	arrive(SOURCE, 1, &(const struct step){392, 80, 0});
	assert_int_equal(arrive(SOURCE, 1, &FIRST), 0);
	assert_int_equal(arrive(SOURCE, 1, &SECOND), 0);
	assert_int_equal(bench.record.drops[DROP_FRAGMENT_OVERLAP], 4);
	w0->now += REASSEMBLE_MS * UINT64_C(1000000);
	reassemble_expire(w0, w0->now);
	assert_int_equal(arrive(SOURCE, 1, &FIRST), 0);
	assert_int_equal(arrive(SOURCE, 1, &SECOND), 480);
}

// Halves from one source take its share, from any number of sources what there is for all: the
// pool never runs out, and a datagram whose fragments follow each other goes through.
static void floods(void **state)
{
	for (unsigned i = 0; i < 5000; i++)
		arrive(SOURCE, (uint16_t)(i + 9), &FIRST);
	assert_in_range(w0->stats->held, 10, ROOM / 4);
	for (unsigned i = 0; i < 5000; i++)
		arrive(SOURCE + 2 * i, (uint16_t)i, &FIRST);
	assert_in_range(w0->stats->held, 40, ROOM);
	assert_int_equal(arrive(SOURCE + 1, 1, &FIRST), 0);
	assert_int_equal(arrive(SOURCE + 3, 1, &FIRST), 0);
	assert_int_equal(arrive(SOURCE + 1, 1, &SECOND), 480);
	for (unsigned i = 0; i < 5000; i++) { // and of datagrams that are refused
		arrive(SOURCE + 2 * i, (uint16_t)i, &FIRST);
		arrive(SOURCE + 2 * i, (uint16_t)i, &(const struct step){392, 80, 0});
	}
	assert_int_equal(arrive(SOURCE + 1, 2, &FIRST), 0);
	assert_int_equal(arrive(SOURCE + 1, 2, &SECOND), 480);
}

// Every fragment of one datagram goes to the same worker, and not all datagrams to one.
static void hands_over(void **state)
{
	unsigned here = 0;

	w0->workers = 2;
	for (uint16_t id = 0; id < 30; id++) {
		struct rte_mbuf *m[2] = {packet(SOURCE, id, &SECOND), packet(SOURCE, id, &FIRST)};
		unsigned before = bench.record.handed;

		if (reassemble(w0, m, 2) == 1) {
			assert_int_equal(finish(m[0], id), 480);
			here++;
		} else {
			assert_int_equal(bench.record.handed, before + 2);
			assert_int_equal(bench.record.handovers[before].owner, 2);
			assert_int_equal(bench.record.handovers[before].stage, HANDOVER_REASSEMBLE);
		}
		check_books();
	}
	assert_in_range(here, 5, 25);
}

int main(void)
{
#define REASSEMBLY(name) cmocka_unit_test_setup_teardown(name, begin, done)
	const struct CMUnitTest tests[] = {
		REASSEMBLY(table),
		REASSEMBLY(of_every_length),
		REASSEMBLY(of_so_many_pieces),
		REASSEMBLY(with_too_long_a_header),
		REASSEMBLY(without_a_buffer),
		REASSEMBLY(any_order_of_many),
		REASSEMBLY(same_id_is_another_datagram),
		REASSEMBLY(times_out),
		REASSEMBLY(stays_refused),
		REASSEMBLY(floods),
		REASSEMBLY(hands_over),
	};

	return cmocka_run_group_tests(tests, test_start, test_stop);
}

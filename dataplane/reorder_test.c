// SPDX-License-Identifier: Apache-2.0

// Sequence numbers on the uplink: in whatever order packets come, they go on in theirs, none twice
// and none later than it may be; and what becomes of those that wait for one that never comes.

#include "dataplane/test_support.h"

#include "contract/build.h"

#include "dataplane/l2tp_header.h"
#include "dataplane/reorder.h"
#include "dataplane/session.h"
#include "dataplane/stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { TUNNEL = 5, SESSION = 3, NONE = -1 };

#define MS UINT64_C(1000000)

static struct worker *w0 = &bench.workers[0];

// What went on, in order.
static uint16_t out[1 << 17];
static unsigned outs;

static void session_of(uint32_t session, bool sequencing)
{
	test_session(TUNNEL, session, 0, 0);
	bench.tables->session[session].downlink.sequencing = sequencing;
	outs = 0;
}

static struct rte_mbuf *message(uint32_t session, uint16_t ns)
{
	uint8_t bytes[64];
	struct build b = build_in(bytes, sizeof(bytes));
	struct rte_mbuf *m;

	build_u16(&b, L2TP_SEQUENCE | L2TP_VERSION);
	build_u16(&b, TUNNEL);
	build_u16(&b, (uint16_t)(session + 1));
	build_u16(&b, ns);
	build_u16(&b, 0);
	build_u16(&b, ns); // the payload
	m = test_packet(bytes, build_length(&b));
	memcpy(&meta_of(m)->local, (const uint8_t[]){192, 0, 2, 1}, 4);
	memcpy(&meta_of(m)->remote, (const uint8_t[]){198, 51, 100, 7}, 4);
	meta_of(m)->local_port = PORT_L2TP;
	meta_of(m)->remote_port = PORT_L2TP;
	return m;
}

static void take(struct rte_mbuf **m, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++) {
		const uint8_t *p = rte_pktmbuf_mtod(m[i], const uint8_t *);

		assert_int_equal(m[i]->data_len, 2);
		assert_in_range(outs, 0, RTE_DIM(out) - 1);
		out[outs++] = (uint16_t)(p[0] << 8 | p[1]);
		rte_pktmbuf_free(m[i]);
	}
}

static void take_ready(void)
{
	struct rte_mbuf *m[BURST];
	uint16_t n;

	while ((n = reorder_ready(w0, m)))
		take(m, n);
}

// One burst of a session's packets, as uplink.c has it.
static void burst(uint32_t session, const int *ns, uint16_t count)
{
	struct rte_mbuf *m[BURST];

	for (uint16_t i = 0; i < count; i++)
		m[i] = message(session, (uint16_t)ns[i]);
	take(m, l2tp_in(w0, m, count));
	take_ready();
}

static void later(uint64_t ms)
{
	w0->now += ms * MS;
	reorder_expire(w0);
	take_ready();
}

#define SEND(...) \
	burst(SESSION, (const int[]){__VA_ARGS__}, sizeof((int[]){__VA_ARGS__}) / sizeof(int))

// What went on since the last look; and that many packets are kept.
#define CAME(kept, ...) came(kept, (const int[]){__VA_ARGS__, NONE})

static void came(unsigned kept, const int *ns)
{
	unsigned i;

	for (i = 0; ns[i] != NONE; i++) {
		assert_in_range(i, 0, outs - 1);
		assert_int_equal(out[i], ns[i]);
	}
	assert_int_equal(outs, i);
	assert_int_equal(w0->stats->held, kept);
	assert_int_equal(test_packets_out(), kept);
	outs = 0;
}

static uint64_t old(void)
{
	return bench.record.drops[DROP_L2TP_SEQUENCE];
}

static uint16_t queue_of(uint32_t session)
{
	return bench.tables->session[session].uplink.reorder;
}

// ---- order

static void lets_order_be(void **state)
{
	session_of(SESSION, true);
	SEND(0, 1, 2, 3);
	CAME(0, 0, 1, 2, 3);
	assert_int_equal(queue_of(SESSION), 0);
}

static void waits_for_the_one_before(void **state)
{
	session_of(SESSION, true);
	SEND(0);
	SEND(2);
	CAME(1, 0);
	SEND(4);
	SEND(1);
	CAME(1, 1, 2);
	SEND(5);
	SEND(3);
	CAME(0, 3, 4, 5);
	assert_int_equal(queue_of(SESSION), 0);
	SEND(6);
	CAME(0, 6);
}

// In one burst too: what comes behind a gap that is filled stays behind it.
static void sorts_a_burst(void **state)
{
	session_of(SESSION, true);
	SEND(0, 2, 1, 3, 4, 7, 6, 5, 8);
	CAME(0, 0, 1, 2, 3, 4, 5, 6, 7, 8);
}

static void wraps_around(void **state)
{
	session_of(SESSION, true);
	bench.tables->session[SESSION].uplink.expected = 65534;
	SEND(65535, 1, 65534);
	CAME(1, 65534, 65535);
	SEND(2, 0);
	CAME(0, 0, 1, 2);
	SEND(65535);
	assert_int_equal(old(), 1);
	CAME(0, NONE);
}

// ---- loss

static void gives_up_in_time(void **state)
{
	session_of(SESSION, true);
	SEND(0, 2, 3);
	CAME(2, 0);
	later(49);
	CAME(2, NONE);
	later(6);
	CAME(0, 2, 3);
	SEND(1); // it comes all the same
	assert_int_equal(old(), 1);
	CAME(0, NONE);
	assert_int_equal(w0->session_stats[SESSION].uplink.drops, 1);
}

// The packet behind the second gap has its own time.
static void gives_up_one_gap_after_the_other(void **state)
{
	session_of(SESSION, true);
	SEND(0, 2);
	later(30);
	SEND(4);
	CAME(2, 0);
	later(25);
	CAME(1, 2);
	SEND(3);
	CAME(0, 3, 4);
}

static void drops_copies(void **state)
{
	session_of(SESSION, true);
	SEND(0, 0, 2, 2, 1, 1, 2);
	CAME(0, 0, 1, 2);
	assert_int_equal(old(), 4);
}

// Too far ahead to wait for all that is missing.
static void jumps(void **state)
{
	session_of(SESSION, true);
	SEND(0);
	SEND(16);
	CAME(1, 0);
	SEND(40);
	CAME(1, 16);
	SEND(30000);
	CAME(1, 40);
	later(60);
	CAME(0, 30000);
	SEND(30100); // nothing waits: it goes on at once
	CAME(0, 30100);
}

// A window of packets, the first of them missing, in any order.
static void holds_a_window(void **state)
{
	session_of(SESSION, true);
	for (int ns = REORDER_WINDOW - 1; ns > 0; ns--)
		SEND(ns);
	CAME(REORDER_WINDOW - 1, NONE);
	SEND(REORDER_WINDOW); // one too many: the first is given up
	CAME(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16);
}

// The LAC begins again: after enough packets that look old that is believed, and what waits goes.
static void follows_a_restart(void **state)
{
	session_of(SESSION, true);
	SEND(0);
	bench.tables->session[SESSION].uplink.expected = 1000;
	SEND(1001);
	for (int ns = 0; ns < 31; ns++)
		SEND(ns);
	CAME(1, 0);
	assert_int_equal(old(), 31);
	SEND(31);
	CAME(0, 1001, 31);
	SEND(32);
	CAME(0, 32);
}

// ---- without

static void never_waits_unasked(void **state)
{
	session_of(SESSION, false);
	SEND(0, 2, 1, 3);
	CAME(0, 0, 2, 3);
	assert_int_equal(old(), 1);
}

static void passes_when_no_queue_is_left(void **state)
{
	unsigned kept = 0;

	for (uint32_t i = 0; i < 200; i++) {
		session_of(i, true);
		burst(i, (const int[]){0, 2}, 2);
		kept += 2 - outs;
	}
	assert_in_range(kept, 1, 100);
	assert_int_equal(w0->stats->held, kept);
	outs = 0;
	later(60);
	assert_int_equal(outs, kept);
	assert_int_equal(w0->stats->held, 0);
}

// ---- sessions that go

static void session_gone(void)
{
	const struct command_session_delete c = {.session = SESSION};

	assert_int_equal(session_delete(bench.tables, &c), 0);
}

static void drops_what_is_of_a_deleted_session(void **state)
{
	session_of(SESSION, true);
	SEND(0, 2, 4);
	CAME(2, 0);
	session_gone();
	later(6);
	CAME(0, NONE);
	assert_int_equal(bench.record.drops[DROP_L2TP_SESSION], 2);
}

static void never_mixes_with_the_next_session(void **state)
{
	session_of(SESSION, true);
	SEND(0, 2, 4);
	CAME(2, 0);
	session_gone();
	session_of(SESSION, true);
	SEND(0, 1, 3);
	CAME(3, 0, 1);
	later(6);
	CAME(1, NONE);
	assert_int_equal(bench.record.drops[DROP_L2TP_SESSION], 2);
	SEND(2);
	CAME(0, 2, 3);
	assert_int_equal(w0->session_stats[SESSION].uplink.drops, 0);
}

// A claim does not move from under packets that wait.
static void stays_the_owner(void **state)
{
	struct session_uplink *s;
	struct rte_mbuf *m[2];

	session_of(SESSION, true);
	s = &bench.tables->session[SESSION].uplink;
	SEND(0);
	s->strange = 64;
	m[0] = message(SESSION, 1);
	m[1] = message(SESSION, 3);
	meta_of(m[0])->stage = HANDOVER_L2TP_IN;
	meta_of(m[1])->stage = HANDOVER_L2TP_IN;
	take(m, l2tp_in(w0, m, 2));
	assert_int_equal(s->owner, 1);
	CAME(1, 0, 1);
	later(60);
	CAME(0, 3);
}

// ---- anything

// Packets that are shuffled, lost and copied, over several turns of the numbers: none goes on
// before one in front of it, and the sum is right.
static void keeps_order_whatever_comes(void **state)
{
	enum { PACKETS = 100000, AHEAD = 12 };
	uint32_t pending[AHEAD], next = 0;
	unsigned sent = 0, lost = 0;

	session_of(SESSION, true);
	srand(5);
	for (unsigned i = 0; i < AHEAD; i++)
		pending[i] = next++;
	for (unsigned i = 0; i < PACKETS; i++) {
		unsigned pick = (unsigned)rand() % (rand() % 4 ? 2 : AHEAD);
		uint32_t oldest = pending[0];

		for (unsigned k = 1; k < AHEAD; k++)
			oldest = RTE_MIN(oldest, pending[k]);
		if (oldest + AHEAD < next) // no packet is later than this
			for (pick = 0; pending[pick] != oldest; pick++)
				;
		if (rand() % 50 == 0) {
			lost++;
		} else {
			SEND((int)(pending[pick] & 0xffff));
			sent++;
		}
		if (rand() % 50 == 0) {
			SEND((int)(pending[pick] & 0xffff));
			sent++;
		}
		pending[pick] = next++;
		later(rand() % 20 == 0 ? 10 : 0);
		assert_int_equal(outs + old() + w0->stats->held, sent);
	}
	later(100);
	assert_true(lost > 0 && old() > 0);
	assert_int_equal(outs + old(), sent);
	assert_in_range(outs, PACKETS * 9 / 10, PACKETS);
	for (unsigned i = 1; i < outs; i++)
		assert_in_range((uint16_t)(out[i] - out[i - 1]), 1, 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(lets_order_be),
		TEST(waits_for_the_one_before),
		TEST(sorts_a_burst),
		TEST(wraps_around),
		TEST(gives_up_in_time),
		TEST(gives_up_one_gap_after_the_other),
		TEST(drops_copies),
		TEST(jumps),
		TEST(holds_a_window),
		TEST(follows_a_restart),
		TEST(never_waits_unasked),
		TEST(passes_when_no_queue_is_left),
		TEST(drops_what_is_of_a_deleted_session),
		TEST(never_mixes_with_the_next_session),
		TEST(stays_the_owner),
		TEST(keeps_order_whatever_comes),
	};

	return cmocka_run_group_tests(tests, test_start, test_stop);
}

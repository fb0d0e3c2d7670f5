// SPDX-License-Identifier: Apache-2.0

// The shaper by a clock of the test: the rate, fairness between flows, delay, order, bounds, and
// what becomes of packets that wait while their session changes or goes.

#include "dataplane/test_support.h"

#include "dataplane/checksum.h"
#include "dataplane/fair_queue.h"
#include "dataplane/session.h"
#include "dataplane/shaper.h"
#include "dataplane/stage.h"

#include <rte_ip.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum {
	TUNNEL = 5,
	SESSION = 3,
	OTHER = 4,
	PACKETS = 8191, // of the pool: so the shaper has 2047 places
	PLACES = PACKETS / 4,
	FLOWS = 8,
	UNORDERED = FLOWS - 1, // of several sessions: no order among them
	ARRIVED = 65536,
	HEADER = 28,  // IPv4 and UDP
	TICK = 20000, // nanoseconds between two rounds of the worker
};

#define MS UINT64_C(1000000)
#define S  UINT64_C(1000000000)

static struct worker *w0 = &bench.workers[0];
static struct rte_mempool *pool;

// What came out.
static struct {
	uint64_t packets;
	uint64_t bytes;
	uint64_t of_flow[FLOWS];
	uint32_t next[FLOWS]; // sequence number that may come next
	uint64_t delay_most[FLOWS];
	uint64_t delay_sum[FLOWS];
	uint64_t marked;
} out;

static uint64_t arrived[ARRIVED]; // when each of the newest packets came out

static int setup(void **state)
{
	int error = test_reset(state);

	shaper_destroy(w0->shaper);
	w0->shaper = shaper_create(pool, 1, TEST_SESSIONS, 7);
	memset(&out, 0, sizeof(out));
	return error || !w0->shaper ? -1 : 0;
}

static void round_at(uint64_t now);

// All goes out in the end, and the books are in order.
static int check(void **state)
{
	while (w0->stats->held)
		round_at(w0->now + MS);
	return test_check(state) || rte_mempool_in_use_count(pool) ? -1 : 0;
}

static int start(void **state)
{
	int error = test_start(state);

	pool = rte_pktmbuf_pool_create(
		"shaper", PACKETS, 0, META_SIZE, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	return error || !pool ? -1 : 0;
}

static void rate_of(uint32_t session, uint32_t kbit, uint32_t burst)
{
	const struct command_session_set set = {
		.session = session,
		.flags = SESSION_IP4_OPEN | SESSION_LCP_OPEN,
		.ip4 = address_v4((const uint8_t[]){10, 0, 0, (uint8_t)(session + 2)}),
		.shape_downlink = {.kbit = kbit, .burst = burst},
	};

	assert_int_equal(session_set(bench.tables, &set), 0);
}

static void session_with_rate(uint32_t session, uint32_t kbit, uint32_t burst)
{
	test_session(TUNNEL, session, 0, 0);
	rate_of(session, kbit, burst);
}

// A UDP packet of a flow; it carries its number and its time of birth.
static struct rte_mbuf *packet(uint32_t session, uint8_t flow, uint32_t number, uint16_t length)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	uint8_t *ip = m ? (uint8_t *)rte_pktmbuf_append(m, length) : NULL;
	uint16_t sum;

	if (!ip)
		abort();
	memset(meta_of(m), 0, sizeof(struct meta));
	memset(ip, 0, HEADER);
	memcpy(ip, (const uint8_t[]){0x45, 0, length >> 8, length & 0xff}, 4);
	ip[8] = 64;
	ip[9] = 17;
	ip[15] = 9;
	ip[19] = 2;
	ip[21] = flow;
	sum = (uint16_t)~rte_raw_cksum(ip, 20);
	memcpy(ip + 10, &sum, 2);
	memcpy(ip + HEADER, &number, 4);
	memcpy(ip + HEADER + 4, &w0->now, 8);
	ip[HEADER + 12] = flow;
	meta_of(m)->session = session;
	return m;
}

static void look_at(struct rte_mbuf *m)
{
	const uint8_t *ip = rte_pktmbuf_mtod(m, const uint8_t *);
	uint8_t flow = ip[HEADER + 12];
	uint32_t number;
	uint64_t born, delay;

	memcpy(&number, ip + HEADER, 4);
	memcpy(&born, ip + HEADER + 4, 8);
	delay = w0->now - born;
	// Some may be missing, none overtakes.
	assert_true(flow == UNORDERED || number >= out.next[flow]);
	assert_true(checksum_ip4_ok(ip, 20));
	out.next[flow] = number + 1;
	out.packets++;
	out.bytes += m->pkt_len;
	out.of_flow[flow] += m->pkt_len;
	out.delay_sum[flow] += delay;
	out.delay_most[flow] = RTE_MAX(out.delay_most[flow], delay);
	out.marked += (ip[1] & 3) == 3;
	arrived[number % ARRIVED] = w0->now;
	rte_pktmbuf_free(m);
}

static void send_one(struct rte_mbuf *m)
{
	if (subscriber_out(w0, &m, 1))
		look_at(m);
}

static void round_at(uint64_t now)
{
	struct rte_mbuf *m[BURST];
	uint16_t n;

	w0->now = now;
	while ((n = subscriber_waited(w0, m)))
		for (uint16_t i = 0; i < n; i++)
			look_at(m[i]);
}

// ---- the rate

// Twice the rate is offered; after the burst at the beginning, what comes out is the rate.
static void check_rate(uint32_t kbit, uint16_t length, uint64_t duration)
{
	uint64_t gap = (uint64_t)(length * 8e6 / kbit / 2), next, end;
	uint32_t number = 0;
	double expected = (double)kbit * (double)duration / 8e6;

	rate_of(SESSION, kbit, 0);
	w0->now += S;
	next = w0->now;
	for (end = next + duration / 10; w0->now < end + duration; round_at(w0->now + TICK)) {
		if (w0->now <= end)
			out.bytes = 0;
		for (; next <= w0->now; next += gap)
			send_one(packet(SESSION, 1, number++, length));
	}
	assert_true((double)out.bytes > expected * 0.99 - length);
	assert_true((double)out.bytes < expected * 1.01 + length);
	while (w0->stats->held)
		round_at(w0->now + MS);
	memset(&out, 0, sizeof(out));
}

static void keeps_the_rate(void **state)
{
	test_session(TUNNEL, SESSION, 0, 0);
	check_rate(64, 500, 200 * S);
	check_rate(1000, 1400, 20 * S);
	check_rate(10000, 1400, 5 * S);
	check_rate(10000, 64, 2 * S);
	check_rate(100000, 1400, S);
	check_rate(1000000, 1400, S / 4);
}

// A worker that sleeps for 100 us each time, as an adaptive one may, loses nothing of the rate.
static void keeps_the_rate_when_late(void **state)
{
	uint64_t begin;

	session_with_rate(SESSION, 100000, 1500);
	begin = w0->now;
	for (uint32_t n = 0; w0->now < begin + S; round_at(w0->now + 97000))
		for (int i = 0; i < 2; i++)
			send_one(packet(SESSION, 1, n++, 1400));
	assert_in_range(out.bytes, 12500000 - 125000, 12500000 + 125000);
}

static void lets_the_burst_pass(void **state)
{
	session_with_rate(SESSION, 8000, 5000);
	w0->now += S;
	for (uint32_t n = 0; n < 20; n++)
		send_one(packet(SESSION, 1, n, 1000));
	assert_int_equal(out.packets, 6); // the bucket, and the packet that overdraws it
	assert_int_equal(w0->stats->held, 14);
	round_at(w0->now + 2 * MS + TICK);
	assert_int_equal(out.packets, 8);
	for (int i = 0; i < 13; i++)
		round_at(w0->now + MS);
	assert_int_equal(w0->stats->held, 0);
	assert_int_equal(bench.workers[0].session_stats[SESSION].downlink.packets, 20);
	assert_int_equal(bench.workers[0].session_stats[SESSION].downlink.bytes, 20000);
}

static void costs_nothing_without_a_rate(void **state)
{
	test_session(TUNNEL, SESSION, 0, 0);
	for (uint32_t n = 0; n < 1000; n++)
		send_one(packet(SESSION, 1, n, 1000));
	assert_int_equal(out.packets, 1000);
	assert_int_equal(bench.tables->session[SESSION].downlink.shape.full, 0);
}

// ---- fairness and delay

// 10 Mbit/s; each flow offers so many kbit/s in packets of so many bytes.
struct source {
	uint32_t kbit;
	uint16_t length;
	uint64_t next;
	uint32_t number;
};

static void offer(struct source *s, unsigned count, uint64_t duration)
{
	uint64_t end = w0->now + duration;

	for (unsigned i = 0; i < count; i++)
		s[i].next = RTE_MAX(s[i].next, w0->now);
	for (; w0->now < end; round_at(w0->now + TICK))
		for (uint8_t i = 0; i < count; i++)
			for (; s[i].next <= w0->now;
				s[i].next += (uint64_t)(s[i].length * 8e6 / s[i].kbit))
				send_one(packet(SESSION, i, s[i].number++, s[i].length));
}

// Two flows that want more than there is get the same, whatever their packets' size and rate.
static void shares_between_flows(void **state)
{
	struct source s[] = {{.kbit = 30000, .length = 1400}, {.kbit = 9000, .length = 300}};

	session_with_rate(SESSION, 10000, 0);
	offer(s, 2, S);
	memset(&out.of_flow, 0, sizeof(out.of_flow));
	offer(s, 2, 5 * S);
	assert_in_range(out.of_flow[0], 3125000 * 0.98, 3125000 * 1.02);
	assert_in_range(out.of_flow[1], 3125000 * 0.98, 3125000 * 1.02);
}

// One that wants less than its share gets all of it, at once: no more than a packet of each other
// flow is sent before it.
static void does_not_delay_sparse_flows(void **state)
{
	struct source s[] = {{.kbit = 30000, .length = 1400}, {.kbit = 100, .length = 200}};

	session_with_rate(SESSION, 10000, 0);
	offer(s, 2, 5 * S);
	assert_in_range(out.delay_most[1], 0, 3 * MS);
	assert_true(out.of_flow[1] >= 5 * 100000 / 8 - 200);
	assert_true(out.of_flow[0] > 5 * 9500000 / 8);
}

// A sender as TCP is: a window that grows by a packet each round trip and is halved when one was
// lost, with 20 ms of path besides the queue. What it learns is half of that on its way.
struct sender {
	double window;
	uint32_t sent, told; // told: sequence number up to which it knows what became of it
	uint64_t recover;    // no second halving before
};

enum { PATH = 20 }; // ms

// A packet that came tells of those before it that did not.
static void sender_learn(struct sender *s)
{
	for (uint32_t n = s->told; n < s->sent; n++) {
		uint64_t at = arrived[n % ARRIVED];

		if (at == 0 || at + PATH * MS > w0->now)
			continue;
		if (n > s->told && w0->now >= s->recover) {
			s->window = RTE_MAX(s->window / 2, 2.0);
			s->recover = w0->now + 2 * PATH * MS;
		}
		s->window += 1 / s->window;
		s->told = n + 1;
	}
}

static void sender_run(struct sender *s, uint64_t duration)
{
	for (uint64_t end = w0->now + duration; w0->now < end; round_at(w0->now + 100000)) {
		sender_learn(s);
		while (s->sent - s->told < (uint32_t)s->window) {
			arrived[s->sent % ARRIVED] = 0;
			send_one(packet(SESSION, 0, s->sent++, 1400));
		}
	}
}

// A download at the rate: after its start the queue is short, and the line is not idle.
static void keeps_the_queue_short(void **state)
{
	struct sender s = {.window = 4};

	session_with_rate(SESSION, 20000, 1500);
	sender_run(&s, 5 * S);
	memset(&out.delay_sum, 0, sizeof(out.delay_sum));
	out.packets = out.bytes = out.delay_most[0] = 0;
	sender_run(&s, 20 * S);
	assert_true(bench.record.drops[DROP_SHAPER_CODEL] > 0);
	assert_int_equal(bench.record.drops[DROP_SHAPER_FULL], 0);
	assert_in_range(out.delay_sum[0] / out.packets, 0, 10 * MS);
	assert_in_range(out.delay_most[0], 0, 40 * MS);
	assert_true(out.bytes > 20 * 20000000 / 8 * 0.9);
}

// What was dropped here was not let through: accounting sees what the subscriber got.
static void counts_what_codel_drops(void **state)
{
	struct source s[] = {{.kbit = 20000, .length = 1400}};
	uint64_t sent;

	session_with_rate(SESSION, 10000, 0);
	offer(s, 1, 3 * S);
	sent = s[0].number;
	while (w0->stats->held)
		round_at(w0->now + MS);
	assert_int_equal(out.packets + bench.record.dropped, sent);
	assert_int_equal(bench.workers[0].session_stats[SESSION].downlink.drops,
		bench.record.drops[DROP_SHAPER_CODEL] + bench.record.drops[DROP_SHAPER_FULL]);
	assert_int_equal(bench.workers[0].session_stats[SESSION].downlink.packets, out.packets);
}

static void marks_instead_of_dropping(void **state)
{
	session_with_rate(SESSION, 10000, 0);
	for (uint32_t n = 0; n < 3000; n++) {
		struct rte_mbuf *m = packet(SESSION, 0, n, 1400);
		uint8_t *ip = rte_pktmbuf_mtod(m, uint8_t *);
		uint16_t sum;

		ip[1] = 0xb8 | (n & 1 ? 1 : 2); // a DSCP, ECT(0) or ECT(1)
		ip[10] = ip[11] = 0;
		sum = (uint16_t)~rte_raw_cksum(ip, 20);
		memcpy(ip + 10, &sum, 2);
		send_one(m);
		round_at(w0->now + MS);
	}
	assert_true(out.marked > 10);
	assert_int_equal(out.marked, w0->stats->marked);
	assert_int_equal(bench.record.drops[DROP_SHAPER_CODEL], 0);
}

static void takes_turns_by_bytes(void **state)
{
	struct source s[] = {{.kbit = 30000, .length = 1400}, {.kbit = 30000, .length = 700},
		{.kbit = 30000, .length = 1500}, {.kbit = 30000, .length = 100}};

	session_with_rate(SESSION, 10000, 0);
	offer(s, 4, 4 * S);
	for (int i = 0; i < 4; i++)
		assert_in_range(out.of_flow[i], 1250000 * 0.9, 1250000 * 1.1);
}

// ---- bounds

static void bounds_a_subscriber(void **state)
{
	uint64_t waits;

	session_with_rate(SESSION, 64, 0);
	session_with_rate(OTHER, 64, 0);
	w0->now += S;
	for (uint32_t n = 0; n < 6000; n++)
		send_one(packet(SESSION, n % 2, n, 100));
	waits = w0->stats->held;
	assert_in_range(waits, PLACES / 5 - 32, PLACES / 5 + 2);
	assert_int_equal(out.packets + waits + bench.record.drops[DROP_SHAPER_FULL], 6000);
	for (uint32_t n = 0; n < 200; n++)
		send_one(packet(OTHER, 2, n, 100));
	assert_true(w0->stats->held >= waits + 160);
}

// All together: no more than the shaper may keep.
static void bounds_all(void **state)
{
	for (uint32_t i = 0; i < TEST_SESSIONS; i++)
		session_with_rate(i, 64, 0);
	for (uint32_t n = 0; n < 40 * TEST_SESSIONS; n++)
		send_one(packet(n % TEST_SESSIONS, UNORDERED, n, 1400));
	assert_in_range(w0->stats->held, PLACES * 9 / 10, PLACES);
	assert_true(bench.record.drops[DROP_SHAPER_FULL] > 0);
	for (uint32_t i = 0; i < TEST_SESSIONS; i++)
		rate_of(i, 0, 0);
}

// ---- changes

static void holds_a_new_rate_at_once(void **state)
{
	uint64_t bytes;

	session_with_rate(SESSION, 100, 0);
	for (uint32_t n = 0; n < 300; n++)
		send_one(packet(SESSION, 1, n, 1400));
	rate_of(SESSION, 8000, 0);
	round_at(w0->now + 20 * MS);
	bytes = out.bytes;
	round_at(w0->now + 10 * MS);
	round_at(w0->now + 10 * MS);
	assert_in_range(out.bytes - bytes, 20000 - 1400, 20000 + 1400);
}

static void drains_without_a_rate(void **state)
{
	session_with_rate(SESSION, 100, 0);
	for (uint32_t n = 0; n < 100; n++)
		send_one(packet(SESSION, 1, n, 1400));
	assert_true(w0->stats->held > 90);
	rate_of(SESSION, 0, 0);
	send_one(packet(SESSION, 1, 100, 1400)); // it waits behind the others
	assert_true(out.packets < 10);
	round_at(w0->now + 20 * MS);
	assert_int_equal(out.packets, 101);
	assert_int_equal(bench.tables->session[SESSION].downlink.shaper, 0);
	send_one(packet(SESSION, 1, 101, 1400));
	assert_int_equal(out.packets, 102);
}

static void session_gone(uint32_t session)
{
	const struct command_session_delete c = {.session = session};

	assert_int_equal(session_delete(bench.tables, &c), 0);
}

static void drops_what_is_for_a_deleted_session(void **state)
{
	uint64_t before;

	session_with_rate(SESSION, 100, 0);
	for (uint32_t n = 0; n < 100; n++)
		send_one(packet(SESSION, 1, n, 1400));
	before = out.packets;
	session_gone(SESSION);
	round_at(w0->now + 20 * MS);
	assert_int_equal(out.packets, before);
	assert_int_equal(bench.record.drops[DROP_L2TP_SESSION], 100 - before);
	assert_int_equal(w0->stats->held, 0);
}

// Its index belongs to somebody else before the worker looks: that one gets only what is his.
static void never_sends_to_the_next_session(void **state)
{
	uint64_t before;

	session_with_rate(SESSION, 100, 0);
	for (uint32_t n = 0; n < 100; n++)
		send_one(packet(SESSION, 1, n, 1400));
	before = out.packets;
	session_gone(SESSION);
	session_with_rate(SESSION, 8000, 1500);
	for (uint32_t n = 0; n < 10; n++)
		send_one(packet(SESSION, 2, n, 1000));
	for (int i = 0; i < 20; i++)
		round_at(w0->now + MS);
	assert_int_equal(bench.record.drops[DROP_L2TP_SESSION], 100 - before);
	assert_int_equal(w0->session_stats[SESSION].downlink.packets, 10);
	assert_int_equal(w0->session_stats[SESSION].downlink.drops, 0);
	assert_int_equal(out.of_flow[2], 10000);
	assert_int_equal(out.packets, before + 10);
}

static void drops_what_is_for_a_closed_session(void **state)
{
	const struct command_session_set closed = {.session = SESSION, .shape_downlink = {100, 0}};
	uint64_t before;

	session_with_rate(SESSION, 100, 0);
	for (uint32_t n = 0; n < 100; n++)
		send_one(packet(SESSION, 1, n, 1400));
	before = out.packets;
	assert_int_equal(session_set(bench.tables, &closed), 0);
	round_at(w0->now + 20 * MS);
	assert_int_equal(bench.record.drops[DROP_PPP_CLOSED], 100 - before);
	rate_of(SESSION, 0, 0);
	send_one(packet(SESSION, 1, 100, 1400));
	assert_int_equal(out.packets, before + 1);
}

// Many subscribers at many rates, in no order: each flow's packets come out in theirs (look_at),
// and none is lost from the books.
static void survives_anything(void **state)
{
	uint32_t number[FLOWS] = {0};
	uint64_t sent = 0;

	srand(11);
	for (uint32_t i = 0; i < FLOWS; i++)
		session_with_rate(i, (uint32_t)(rand() % 20000 + 1), (uint32_t)(rand() % 9000));
	for (int i = 0; i < 100000; i++) {
		uint8_t flow = (uint8_t)(rand() % FLOWS);

		send_one(packet(flow, flow, number[flow]++, (uint16_t)(60 + rand() % 1400)));
		sent++;
		if (rand() % 8 == 0)
			round_at(
				w0->now + (uint64_t)(rand() % (rand() % 100 ? 200000 : 200000000)));
		if (rand() % 100 == 0)
			rate_of(flow, (uint32_t)(rand() % 20000 * (rand() % 3)), 0);
		assert_int_equal(sent, out.packets + bench.record.dropped + w0->stats->held);
		assert_int_equal(rte_mempool_in_use_count(pool), w0->stats->held);
	}
	for (uint32_t i = 0; i < FLOWS; i++)
		rate_of(i, 0, 0);
}

int main(void)
{
#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, check)
	const struct CMUnitTest tests[] = {
		TEST(keeps_the_rate),
		TEST(keeps_the_rate_when_late),
		TEST(lets_the_burst_pass),
		TEST(costs_nothing_without_a_rate),
		TEST(shares_between_flows),
		TEST(does_not_delay_sparse_flows),
		TEST(keeps_the_queue_short),
		TEST(counts_what_codel_drops),
		TEST(marks_instead_of_dropping),
		TEST(takes_turns_by_bytes),
		TEST(bounds_a_subscriber),
		TEST(bounds_all),
		TEST(holds_a_new_rate_at_once),
		TEST(drains_without_a_rate),
		TEST(drops_what_is_for_a_deleted_session),
		TEST(never_sends_to_the_next_session),
		TEST(drops_what_is_for_a_closed_session),
		TEST(survives_anything),
	};

	return cmocka_run_group_tests(tests, start, test_stop);
}

// SPDX-License-Identifier: Apache-2.0

// CoDel against the control law of RFC 8289: when the first packet goes, how the next ones follow,
// when it stops, and what it remembers.

#include "dataplane/codel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#define MS UINT64_C(1000000)

static const struct codel_times times = {.target = CODEL_TARGET, .interval = CODEL_INTERVAL};

// Packets come out every ms, each after the same wait. Returns how many went in that time, and when
// in at, as far as there is room.
static unsigned run(
	struct codel *c, uint64_t *now, uint64_t ms, uint64_t waited, uint64_t *at, unsigned room)
{
	unsigned count = 0;

	for (uint64_t i = 0; i < ms; i++, *now += MS) {
		if (!codel_judge(c, &times, *now, waited, true))
			continue;
		if (count < room)
			at[count] = *now;
		count++;
	}
	return count;
}

static void leaves_short_queues_alone(void **state)
{
	struct codel c = {0};
	uint64_t now = 1000 * MS;

	assert_int_equal(run(&c, &now, 10000, 5 * MS - 1, NULL, 0), 0);
	assert_int_equal(c.first_above, 0);
}

// A burst that is gone within an interval is no standing queue.
static void leaves_bursts_alone(void **state)
{
	struct codel c = {0};
	uint64_t now = 1000 * MS;

	for (int i = 0; i < 20; i++) {
		assert_int_equal(run(&c, &now, 99, 50 * MS, NULL, 0), 0);
		assert_int_equal(run(&c, &now, 1, MS, NULL, 0), 0);
	}
}

// With no more than a packet behind it, a packet is no queue.
static void leaves_the_last_packet_alone(void **state)
{
	struct codel c = {0};

	for (uint64_t now = 1000 * MS; now < 5000 * MS; now += MS)
		assert_false(codel_judge(&c, &times, now, 500 * MS, false));
}

// The law in plain words: packet n + 1 goes interval / sqrt(n) after packet n.
static void follows_the_control_law(void **state)
{
	struct codel c = {0};
	uint64_t at[128], now = 1000 * MS, due;
	unsigned count = run(&c, &now, 2000, 20 * MS, at, 128);

	assert_in_range(count, 90, 120); // 1.9 s are 100 ms times 2 sqrt(90)
	assert_int_equal(at[0], 1100 * MS);
	due = at[0];
	for (unsigned n = 1; n < count; n++) {
		due += (uint64_t)(100e6 / sqrt(n));
		assert_in_range(at[n], due, due + MS); // packets come out every ms
	}
}

// More than one may go between two that come out: the times do not wait for the packets.
static void catches_up(void **state)
{
	struct codel c = {0};
	uint64_t now = 1000 * MS;
	unsigned count = 0;

	run(&c, &now, 2000, 20 * MS, NULL, 0);
	now += 200 * MS;
	while (codel_judge(&c, &times, now, 20 * MS, true))
		count++;
	assert_true(count > 10);
	assert_true(c.drop_next > now);
}

static void stops_below_the_target(void **state)
{
	struct codel c = {0};
	uint64_t now = 1000 * MS;

	assert_true(run(&c, &now, 1000, 20 * MS, NULL, 0) > 0);
	assert_true(c.dropping);
	assert_int_equal(run(&c, &now, 1, 4 * MS, NULL, 0), 0);
	assert_false(c.dropping);
	assert_int_equal(run(&c, &now, 100, 20 * MS, NULL, 0), 0);
	assert_int_equal(run(&c, &now, 1, 20 * MS, NULL, 0), 1);
}

static void stops_when_empty(void **state)
{
	struct codel c = {0};
	uint64_t now = 1000 * MS;

	run(&c, &now, 1000, 20 * MS, NULL, 0);
	codel_empty(&c);
	assert_int_equal(run(&c, &now, 100, 20 * MS, NULL, 0), 0);
}

// It begins again at the rate that it had reached, if that was a short time ago; else from one.
static void remembers(void **state)
{
	struct codel c = {0};
	uint64_t now = 1000 * MS, at[2];
	uint32_t reached;

	run(&c, &now, 1000, 20 * MS, NULL, 0);
	reached = c.count - c.last_count;
	assert_in_range(reached, 10, 30);
	run(&c, &now, 1, 0, NULL, 0);
	assert_int_equal(run(&c, &now, 130, 20 * MS, at, 2), 2);
	assert_in_range(at[1] - at[0], (uint64_t)(100e6 / sqrt(reached)),
		(uint64_t)(100e6 / sqrt(reached)) + MS);
	run(&c, &now, 2000, 0, NULL, 0);
	assert_int_equal(run(&c, &now, 250, 20 * MS, at, 2), 2);
	assert_int_equal(at[1] - at[0], 100 * MS);
}

static void knows_slow_lines(void **state)
{
	struct codel_times t = codel_times_at(1500 * 8e6 / 10000); // 10 Mbit/s

	assert_int_equal(t.target, 5 * MS);
	assert_int_equal(t.interval, 100 * MS);
	t = codel_times_at(1500 * 8e6 / 1000);
	assert_int_equal(t.target, 18 * MS);
	assert_int_equal(t.interval, 113 * MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leaves_short_queues_alone),
		cmocka_unit_test(leaves_bursts_alone),
		cmocka_unit_test(leaves_the_last_packet_alone),
		cmocka_unit_test(follows_the_control_law),
		cmocka_unit_test(catches_up),
		cmocka_unit_test(stops_below_the_target),
		cmocka_unit_test(stops_when_empty),
		cmocka_unit_test(remembers),
		cmocka_unit_test(knows_slow_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

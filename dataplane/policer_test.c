// SPDX-License-Identifier: Apache-2.0

// The policer: rate, burst, idle time and a rate that changes.

#include "dataplane/policer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const uint64_t SECOND = 1000000000; // nanoseconds

static struct gcra policer_of(uint32_t kbit, uint32_t burst)
{
	struct gcra p = {0};

	policer_set(&p, &(struct rate){.kbit = kbit, .burst = burst});
	return p;
}

// Offers twice the rate for a time; returns bytes a second that passed.
static double rate_through(struct gcra *p, uint32_t kbit, uint32_t bytes, uint64_t start)
{
	double step = bytes * 8e6 / kbit / 2; // nanoseconds
	double length = step > 50000 ? 20000 * step : 1e9, passed = 0;

	while (policer_pass(p, start, bytes)) // first the burst
		;
	for (double at = 0; at < length; at += step)
		passed += policer_pass(p, start + (uint64_t)at, bytes) ? bytes : 0;
	return passed / length * 1e9;
}

static void test_long_run_rate(void **state)
{
	static const uint32_t rates[] = {64, 999, 5000, 50000, 1000000, 9999999, 40000000};
	static const uint32_t sizes[] = {40, 64, 576, 1400, 9000};

	for (size_t r = 0; r < sizeof(rates) / sizeof(rates[0]); r++)
		for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
			struct gcra p = policer_of(rates[r], 10 * sizes[s]);
			double want = rates[r] * 125.0;
			double got = rate_through(&p, rates[r], sizes[s], 3000000 * SECOND);

			assert_true(got > want * 0.999 && got < want * 1.001);
		}
}

// Never more than the burst and one packet at once, and no less than the burst.
static void test_burst(void **state)
{
	for (uint32_t burst = 3000; burst < 3000000; burst *= 3) {
		struct gcra p = policer_of(8000, burst);
		uint32_t passed = 0;

		while (policer_pass(&p, SECOND, 1000))
			passed += 1000;
		assert_in_range(passed, burst, burst + 1000);
	}
}

static void test_burst_by_default(void **state)
{
	struct gcra p = policer_of(8000, 0), slow = policer_of(64, 0);
	uint32_t passed = 0;

	while (policer_pass(&p, SECOND, 100))
		passed += 100;
	assert_in_range(passed, 100000, 100100); // 100 ms
	for (passed = 0; policer_pass(&slow, SECOND, 100);)
		passed += 100;
	assert_in_range(passed, 3000, 3100); // two packets
}

// However long nothing came, one burst is all that waits.
static void test_idle(void **state)
{
	static const uint64_t idle[] = {1, 60, 86400, 3UL * 365 * 86400};
	struct gcra p = policer_of(8000, 10000);
	uint64_t now = SECOND;

	for (size_t i = 0; i < sizeof(idle) / sizeof(idle[0]); i++) {
		uint32_t passed = 0;

		now += idle[i] * SECOND;
		while (policer_pass(&p, now, 1000))
			passed += 1000;
		assert_in_range(passed, 10000, 11000);
	}
}

// A worker whose clock reads a little earlier than the last owner's.
static void test_clock_of_another_worker(void **state)
{
	struct gcra p = policer_of(8000, 10000);

	assert_true(policer_pass(&p, 2 * SECOND, 1000));
	assert_true(policer_pass(&p, 2 * SECOND - 50000, 1000));
	assert_in_range(p.full >> GCRA_TICKS_BITS, 2 * SECOND + 1999999, 2 * SECOND + 2000001);
}

static void test_packet_larger_than_burst_passes(void **state)
{
	struct gcra p = policer_of(8, 100);

	assert_true(policer_pass(&p, SECOND, 1500));
	assert_false(policer_pass(&p, SECOND, 1500));
	assert_false(policer_pass(&p, 2 * SECOND, 1500));
	assert_true(policer_pass(&p, 3 * SECOND, 1500)); // 1,400 bytes later
}

// An empty bucket stays empty, a full one full; a smaller one leaves no debt.
static void test_rate_changes(void **state)
{
	struct gcra p = policer_of(8000, 1000000);
	uint32_t passed = 0;

	policer_set(&p, &(struct rate){.kbit = 80000, .burst = 100000});
	while (policer_pass(&p, SECOND, 1000))
		passed += 1000;
	assert_in_range(passed, 100000, 101000);
	policer_set(&p, &(struct rate){.kbit = 800, .burst = 100000});
	assert_true(policer_pass(&p, SECOND, 1000)); // nine tenths of this one are free
	p = policer_of(8000, 1000000);
	while (policer_pass(&p, SECOND, 1000))
		;
	policer_set(&p, &(struct rate){.kbit = 8000, .burst = 20000});
	assert_true(policer_pass(&p, SECOND, 1000)); // not a second of silence
	assert_false(policer_pass(&p, SECOND, 1000));
	assert_true(policer_pass(&p, SECOND + SECOND / 1000, 1000));
}

static void test_no_limit(void **state)
{
	struct gcra p = policer_of(0, 1000);

	assert_false(policer_active(&p));
	policer_set(&p, &(struct rate){.kbit = 1});
	assert_true(policer_active(&p));
}

static void test_extremes(void **state)
{
	struct gcra slow = policer_of(1, UINT32_MAX), fast = policer_of(UINT32_MAX, UINT32_MAX);

	for (int i = 0; i < 1000; i++) {
		assert_true(policer_pass(&slow, SECOND, 65535));
		assert_true(policer_pass(&fast, SECOND, 65535));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_long_run_rate),
		cmocka_unit_test(test_burst),
		cmocka_unit_test(test_burst_by_default),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_clock_of_another_worker),
		cmocka_unit_test(test_packet_larger_than_burst_passes),
		cmocka_unit_test(test_rate_changes),
		cmocka_unit_test(test_no_limit),
		cmocka_unit_test(test_extremes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

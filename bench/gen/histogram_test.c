// SPDX-License-Identifier: Apache-2.0

#include "histogram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct histogram h;

static void test_empty(void **state)
{
	histogram_clear(&h);
	assert_int_equal(histogram_percentile(&h, 0.99), 0);
	assert_true(histogram_mean(&h) == 0);
}

static void test_small_values_are_exact(void **state)
{
	histogram_clear(&h);
	for (uint64_t v = 1; v <= 100; v++)
		histogram_add(&h, v);
	assert_int_equal(h.least, 1);
	assert_int_equal(h.most, 100);
	assert_int_equal(histogram_percentile(&h, 0.5), 51);
	assert_int_equal(histogram_percentile(&h, 0.99), 100);
	assert_int_equal(histogram_percentile(&h, 1), 100);
	assert_true(histogram_mean(&h) == 50.5);
}

// Slots follow one another, and each value is in one whose width is at most 1/64 of it.
static void test_slots(void **state)
{
	unsigned last = 0;

	for (uint64_t v = 1; v < 1ull << HISTOGRAM_BITS; v += v / 200 + 1) {
		unsigned slot = histogram_slot(v);

		assert_in_range(slot, last, HISTOGRAM_SLOTS - 1);
		last = slot;
		histogram_clear(&h);
		histogram_add(&h, v);
		histogram_add(&h, UINT64_MAX);
		assert_in_range(histogram_percentile(&h, 0), v, v + v / 64 + 1);
	}
	assert_int_equal(histogram_slot(UINT64_MAX), HISTOGRAM_SLOTS - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_empty),
		cmocka_unit_test(test_small_values_are_exact), cmocka_unit_test(test_slots)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

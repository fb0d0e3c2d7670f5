// SPDX-License-Identifier: Apache-2.0

#include "bitset.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint32_t slow_next(const bool *in, uint32_t size, uint32_t from)
{
	for (uint32_t i = 0; i < size; i++)
		if (!in[(from + i) % size])
			return (from + i) % size;
	return BITSET_NONE;
}

// Against a plain array, at sizes around the edges of words and levels.
static void finds_what_a_search_finds(void **state)
{
	static const uint32_t sizes[] = {1, 2, 63, 64, 65, 127, 128, 129, 4095, 4096, 4097, 5000};

	srand(1);
	for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		uint32_t size = sizes[s], count = 0;
		bool *in = calloc(size, sizeof(*in));
		struct bitset b;

		assert_int_equal(bitset_init(&b, size), 0);
		for (int i = 0; i < 20000; i++) {
			uint32_t n = (uint32_t)rand() % size;
			bool add = rand() % 100 < (i < 10000 ? 90 : 30);

			if (add)
				bitset_add(&b, n);
			else
				bitset_remove(&b, n);
			count += add - in[n];
			in[n] = add;
			assert_int_equal(bitset_has(&b, n), add);
			n = (uint32_t)rand() % size;
			assert_int_equal(bitset_next_free(&b, n), slow_next(in, size, n));
		}
		for (uint32_t n = 0; n < size; n++)
			bitset_add(&b, n);
		assert_int_equal(bitset_next_free(&b, size - 1), BITSET_NONE);
		bitset_remove(&b, 0);
		assert_int_equal(bitset_next_free(&b, size - 1), 0);
		bitset_free(&b);
		free(in);
	}
}

static void knows_nothing_of_none(void **state)
{
	struct bitset b;

	assert_int_equal(bitset_init(&b, 0), 0);
	assert_int_equal(bitset_next_free(&b, 0), BITSET_NONE);
	bitset_free(&b);
}

static void is_large(void **state)
{
	struct bitset b;

	assert_int_equal(bitset_init(&b, 1u << 24), 0);
	for (uint32_t n = 0; n < 1u << 24; n++)
		if (n != 5)
			bitset_add(&b, n);
	for (uint32_t n = 0; n < 1u << 24; n += 997)
		assert_int_equal(bitset_next_free(&b, n), 5);
	bitset_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_a_search_finds),
		cmocka_unit_test(knows_nothing_of_none),
		cmocka_unit_test(is_large),
	};

	return cmocka_run_group_tests_name("bitset", tests, NULL, NULL);
}

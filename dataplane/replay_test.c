// SPDX-License-Identifier: Apache-2.0

#include "dataplane/replay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { MODEL = 1 << 16 };

static struct replay window_of(uint16_t size)
{
	struct replay r;

	replay_init(&r, size, calloc(replay_blocks(size) + 1, sizeof(uint64_t)));
	return r;
}

// One number after the other, and what must become of it, for a window of w packets.
static void accepts_as_the_table_says(void **state)
{
	static const uint16_t sizes[] = {32, 64, 100, 1024, 4096};

	for (unsigned k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
		uint16_t w = sizes[k];
		const struct {
			uint64_t sequence;
			bool accepted;
		} table[] = {
			{0, false},
			{1, true},
			{1, false},
			{9, true},
			{8, true},
			{7, true},
			{8, false},
			{w, true},
			{w - 1, true},
			{w - 1, false},
			{w + 1, true},
			{1, false},
			{2, true},
			{w * 3, true},
			{w * 3 - w + 1, true},
			{w * 3 - w, false},
			{w * 3 - w + 1, false},
			{w * 3 - 1, true},
			{w * 3 + 100000, true},
			{w * 3 + 100000 - w + 1, true},
			{w * 3 + 100000 - w, false},
			{w * 3, false},
			{UINT32_MAX, true},
			{UINT32_MAX, false},
			{UINT32_MAX - w + 1, true},
			{UINT32_MAX - w, false},
		};
		struct replay r = window_of(w);

		for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
			assert_int_equal(replay_check(&r, table[i].sequence), table[i].accepted);
			assert_int_equal(replay_accept(&r, table[i].sequence), table[i].accepted);
		}
		free(r.blocks);
	}
}

static void accepts_everything_without_a_window(void **state)
{
	struct replay r = window_of(0);

	for (unsigned i = 0; i < 3; i++) {
		assert_true(replay_check(&r, 0));
		assert_true(replay_accept(&r, 5));
	}
	free(r.blocks);
}

// Against a model that remembers every number.
static void agrees_with_a_model(void **state)
{
	static const uint16_t sizes[] = {32, 64, 65, 1000, 4096};
	static uint8_t seen[MODEL];

	for (unsigned k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
		struct replay r = window_of(sizes[k]);
		uint32_t top = 0, random = 12345;

		memset(seen, 0, sizeof(seen));
		for (unsigned i = 0; i < 200000; i++) {
			uint32_t sequence;
			bool expected;

			random = random * 1664525 + 1013904223;
			sequence = (i / 4 + (random >> 16) % (sizes[k] * 3U)) % MODEL;
			expected = sequence && !seen[sequence] &&
				   (sequence > top || top - sequence < sizes[k]);
			assert_int_equal(replay_accept(&r, sequence), expected);
			if (!expected)
				continue;
			seen[sequence] = 1;
			if (sequence > top)
				top = sequence;
		}
		free(r.blocks);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepts_as_the_table_says),
		cmocka_unit_test(accepts_everything_without_a_window),
		cmocka_unit_test(agrees_with_a_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

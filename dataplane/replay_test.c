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

// Windows whose ends lie on each side of the edge of a block, at numbers that use every block of
// the ring, below and above 2^32: the leftmost one and no other is the last to be accepted.
static void ends_where_it_should_at_every_block(void **state)
{
	static const uint16_t sizes[] = {32, 64, 96, 1024, 4032, 4064, 4096};
	static const uint64_t starts[] = {8192, (UINT64_C(1) << 32) - 64 * 100};

	for (unsigned k = 0; k < sizeof(sizes) / sizeof(sizes[0]) * 2; k++) {
		uint16_t w = sizes[k / 2];
		uint64_t start = starts[k % 2];
		struct replay r = window_of(w);

		for (uint64_t block = 0; block < 2 * (r.mask + 1U); block++) {
			for (int at = -1; at <= 1; at++) {
				uint64_t top = start + block * 64 + (uint64_t)at;

				assert_true(replay_accept(&r, top));
				assert_false(replay_accept(&r, top));
				assert_false(replay_accept(&r, top - w));
				// One that is new, and one that came with the block before.
				if (at == -1 && block > 0 && w > 64) {
					assert_true(replay_accept(&r, top - 3));
					assert_false(replay_accept(&r, top - 64));
				}
			}
		}
		free(r.blocks);
	}
}

// All of a window, from the right to the left, and once more.
static void holds_a_whole_window(void **state)
{
	static const uint16_t sizes[] = {32, 64, 1024, 4096};

	for (unsigned k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
		for (uint64_t top = 100000; top < 100000 + 130; top++) {
			struct replay r = window_of(sizes[k]);

			assert_true(replay_accept(&r, top));
			for (uint16_t i = 1; i < sizes[k]; i++)
				assert_true(replay_accept(&r, top - i));
			for (uint16_t i = 0; i <= sizes[k]; i++)
				assert_false(replay_accept(&r, top - i));
			free(r.blocks);
		}
	}
}

// RFC 4303 appendix A2.2, case A (top half of the window and all of it in one subspace) and B.
static void extends_to_what_is_in_the_window_or_right_of_it(void **state)
{
	const uint64_t edge = UINT64_C(1) << 32;
	const struct {
		uint64_t top;
		uint32_t low;
		uint64_t whole;
	} table[] = {
		{0, 1, 1}, {0, 0, 0}, {0, UINT32_MAX, 0}, // before the first
		{0, UINT32_MAX - 62, 0},                  // the leftmost of those
		{0, UINT32_MAX - 63, UINT32_MAX - 63},    // far ahead
		{62, UINT32_MAX, 0},                      // B: the window begins at -1
		{63, UINT32_MAX, UINT32_MAX},             // A: it begins at 0
		{64, 0, edge},                            // A: left of the window
		{64, 1, 1},                               // A: its leftmost
		{UINT32_MAX, 0, edge},                    // A
		{UINT32_MAX, UINT32_MAX - 63, UINT32_MAX - 63},
		{UINT32_MAX, UINT32_MAX - 64, edge + UINT32_MAX - 64},
		{edge, UINT32_MAX, UINT32_MAX},           // B
		{edge, UINT32_MAX - 62, UINT32_MAX - 62}, // B: leftmost
		{edge, UINT32_MAX - 63, edge + UINT32_MAX - 63}, {edge, 0, edge},
		{edge + 62, UINT32_MAX, UINT32_MAX},        // B
		{edge + 63, UINT32_MAX, edge + UINT32_MAX}, // A
		{UINT64_MAX, UINT32_MAX, UINT64_MAX},
		{UINT64_MAX, 0, 0}, // there is none after the last
	};

	for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct replay r = window_of(64);

		r.top = table[i].top;
		assert_int_equal(replay_extend(&r, table[i].low), table[i].whole);
		free(r.blocks);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepts_as_the_table_says),
		cmocka_unit_test(accepts_everything_without_a_window),
		cmocka_unit_test(agrees_with_a_model),
		cmocka_unit_test(ends_where_it_should_at_every_block),
		cmocka_unit_test(holds_a_whole_window),
		cmocka_unit_test(extends_to_what_is_in_the_window_or_right_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

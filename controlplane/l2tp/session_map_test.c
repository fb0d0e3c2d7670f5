// SPDX-License-Identifier: Apache-2.0

#include "session.h"
#include "session_map.h"

#include "controlplane/idpool.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { MOST = 65535 };

static struct session sessions[MOST + 1];

static void test_full(void **state)
{
	struct session_map map = {.generation = 200};

	for (uint32_t i = 0; i < MOST; i++) {
		sessions[i].peer_id = i + 1;
		assert_int_equal(session_map_add(&map, &sessions[i]), 0);
		assert_int_not_equal(sessions[i].id, 0);
		// Compact: the map is never larger than twice what is in it.
		assert_true(map.size <= 16 || map.size <= 2 * map.count);
	}
	assert_int_equal(session_map_add(&map, &sessions[MOST]), -ENOSPC);
	for (uint32_t i = 0; i < MOST; i++) {
		assert_ptr_equal(session_map_find(&map, sessions[i].id), &sessions[i]);
		assert_ptr_equal(session_map_find_peer(&map, i + 1), &sessions[i]);
	}
	assert_null(session_map_find(&map, 0));
	assert_null(session_map_find_peer(&map, 0));
	for (uint32_t i = 0; i < MOST; i++)
		session_map_remove(&map, &sessions[i]);
	assert_int_equal(map.count, 0);
	session_map_close(&map);
}

// The slot is used again at once, the id is not.
static void test_generations(void **state)
{
	struct session_map map = {0};
	struct session s = {.peer_id = 5}, t = {.peer_id = 6};
	uint16_t first;

	assert_null(session_map_find(&map, 1));
	assert_int_equal(session_map_add(&map, &s), 0);
	first = s.id;
	for (int i = 0; i < 1000; i++) {
		uint16_t before = s.id;

		session_map_remove(&map, &s);
		assert_null(session_map_find(&map, before));
		assert_int_equal(session_map_add(&map, &s), 0);
		assert_int_not_equal(s.id, before);
		assert_int_equal(s.id % map.size, first % map.size);
	}
	assert_int_equal(session_map_add(&map, &t), 0);
	assert_int_equal(t.id % map.size, first % map.size + 1);
	session_map_close(&map);
}

// Two sessions whose peer ids fall into one chain.
static void test_chains(void **state)
{
	struct session_map map = {0};
	struct session s = {.peer_id = 5}, t = {.peer_id = 5 + 16};

	session_map_add(&map, &s);
	session_map_add(&map, &t);
	session_map_remove(&map, &s);
	assert_null(session_map_find_peer(&map, 5));
	assert_ptr_equal(session_map_find_peer(&map, 5 + 16), &t);
	session_map_close(&map);
}

static void test_longest_free_first(void **state)
{
	struct idpool p;

	assert_int_equal(idpool_open(&p, 1, 3, 0xfffffffe), 0);
	uint32_t first = idpool_take(&p);

	assert_true(first >= 1 && first <= 3);
	idpool_give(&p, first);
	assert_int_not_equal(idpool_take(&p), first);
	assert_int_not_equal(idpool_take(&p), first);
	assert_int_equal(idpool_take(&p), first);
	assert_int_equal(idpool_take(&p), IDPOOL_NONE);
	idpool_close(&p);
	assert_int_equal(idpool_open(&p, 0, 0, 7), 0);
	assert_int_equal(idpool_take(&p), IDPOOL_NONE);
	idpool_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_generations),
		cmocka_unit_test(test_chains),
		cmocka_unit_test(test_longest_free_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

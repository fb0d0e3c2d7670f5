// SPDX-License-Identifier: Apache-2.0

// The layout that both processes were built for. A size that changes here changes the contract:
// raise CONTRACT_VERSION with it.

#include "contract/build.h"
#include "contract/drop.h"
#include "contract/ids.h"
#include "contract/messages.h"
#include "contract/packet.h"
#include "contract/stats.h"
#include "contract/version.h"
#include "contract/view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_sizes(void **state)
{
	assert_int_equal(CONTRACT_VERSION, 5);
	assert_int_equal(sizeof(struct message), 512);
	assert_int_equal(sizeof(struct packet), 2048);
	assert_int_equal(sizeof(struct command_sa_add), 4 * 3 + 4 + 8 + 4 + 40 + 72 + 128);
	assert_int_equal(offsetof(struct command_sa_add, esn), 15);
	assert_int_equal(sizeof(struct command_tunnel_add), 4 + 8 + 4 + 40 + 4);
	assert_int_equal(sizeof(struct command_session_add), 12);
	assert_int_equal(sizeof(struct command_session_set), 16 + 20 + 24 + 4 + 3 * 8);
	assert_int_equal(sizeof(struct command_route), 24 + 4 + 20 + 4);
	assert_int_equal(sizeof(struct stats_port), 192);
	assert_int_equal(sizeof(struct stats_session), 128);
	assert_int_equal(sizeof(struct stats_sa), 128);
	assert_int_equal(sizeof(struct stats_worker) % 64, 0);
}

static void test_messages(void **state)
{
	assert_int_equal(command_size(COMMAND_SA_ADD), sizeof(struct command_sa_add));
	assert_int_equal(event_size(EVENT_REPLY), sizeof(struct event_reply));
	assert_int_equal(command_size(0), 0);
	assert_int_equal(command_size(4711), 0);
	assert_string_equal(command_name(COMMAND_ROUTE_DELETE), "ROUTE_DELETE");
	assert_string_equal(event_name(99), "unknown");
}

static void test_ids(void **state)
{
	uint32_t id = id_make(0xfffff, 4095);

	assert_int_equal(id, 0xffffffff);
	assert_int_equal(id_index(id), 0xfffff);
	assert_int_equal(id_generation(id), 4095);
	// Generation 0 is skipped, so no id is 0 or one of the SPIs that are reserved.
	assert_true(id_make(0, 0) > 255);
	assert_true(id_make(0, 4096) > 255);
}

static void test_drops(void **state)
{
	for (unsigned i = 0; i < DROP_COUNT; i++)
		for (unsigned j = 0; j < i; j++)
			assert_string_not_equal(drop_word(i), drop_word(j));
	assert_string_equal(drop_word(DROP_COUNT), "unknown");
}

static void test_view_stops_at_its_end(void **state)
{
	const uint8_t bytes[] = {1, 2, 3, 4, 5};
	struct view v = view_of(bytes, sizeof(bytes));

	assert_int_equal(view_u16(&v), 0x0102);
	assert_int_equal(view_u32(&v), 0);
	assert_true(v.failed);
	assert_int_equal(view_left(&v), 0);
	assert_null(view_take(&v, SIZE_MAX));
}

static void test_build_stops_at_its_end(void **state)
{
	uint8_t out[4] = {0};
	struct build b = build_in(out, 3);

	build_u16(&b, 0x0102);
	build_u16(&b, 0x0304);
	assert_true(b.failed);
	build_u8(&b, 5);
	assert_int_equal(build_length(&b), 2);
	assert_int_equal(out[2], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_drops),
		cmocka_unit_test(test_view_stops_at_its_end),
		cmocka_unit_test(test_build_stops_at_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

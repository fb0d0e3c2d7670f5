// SPDX-License-Identifier: Apache-2.0

// Exchanges in fragments.

#include "fixture.h"

#include "controlplane/ike/state.h"
#include "fragments.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static uint8_t vendor[] = {0x40, 0x48, 0xb7, 0xd5, 0x6e, 0xbc, 0xe8, 0x85, 0x25, 0xe7, 0xde, 0x7f,
	0x00, 0xd6, 0xc2, 0xd3, 0x80, 0x00, 0x00, 0x00};
static struct span vendors[1];

static int setup(void **state)
{
	int error = fixture_setup(state);

	config.ike.fragmentation = true;
	config.ike.fragment_size = 1280;
	return error;
}

static void announce(struct initiator *i, size_t length)
{
	initiator_init(i, ike, "198.51.100.7", PORT_IKE);
	vendors[0] = SPAN(vendor, length);
	i->vendors = vendors;
	i->vendor_count = 1;
}

// Whether the answer to the first message has our id, of that length.
static bool answered(const struct initiator *i, size_t length)
{
	const struct isakmp_part *part;

	for (size_t n = 0; (part = isakmp_chain_find(&i->chain, ISAKMP_VENDOR, n)); n++)
		if (part->body.length == length && memcmp(part->body.at, vendor, length) == 0)
			return true;
	return false;
}

static void announces_itself_to_who_knows_it(void **state)
{
	struct initiator i;

	(void)state;
	announce(&i, 16);
	assert_true(initiator_first(&i));
	assert_true(answered(&i, 16));
	announce(&i, 20);
	assert_true(initiator_first(&i));
	assert_true(answered(&i, 20));
	initiator_init(&i, ike, "198.51.100.7", PORT_IKE);
	assert_true(initiator_first(&i));
	assert_false(answered(&i, 20));
	config.ike.fragmentation = false;
	announce(&i, 20);
	assert_true(initiator_first(&i));
	assert_false(answered(&i, 20));
}

static void every_message_may_be_cut(void **state)
{
	struct initiator_quick q;
	struct initiator i;

	(void)state;
	announce(&i, 20);
	assert_true(initiator_first(&i));
	i.cut = 30;
	assert_true(initiator_third(&i));
	assert_true(initiator_fifth(&i));
	initiator_quick_init(&q, 0xabcd0001);
	assert_true(initiator_quick_first(&i, &q));
	// All of it again is answered again.
	initiator_send(&i, q.first, q.first_length);
	assert_true(initiator_take(&i));
	initiator_quick_third(&i, &q);
	assert_int_equal(seen.currents, 1);
	assert_int_equal(ike->fragment_bytes, 0);
	initiator_delete_esp(&i, &q.spi, 1);
	assert_int_equal(seen.downs, 1);
	initiator_free(&i);
}

static void pieces_that_stay_alone_are_forgotten(void **state)
{
	struct initiator i;

	(void)state;
	announce(&i, 20);
	assert_true(initiator_first(&i));
	i.cut = 50;
	i.withhold = 2;
	assert_false(initiator_third(&i));
	assert_int_not_equal(ike->fragment_bytes, 0);
	pass(FRAGMENTS_MS + 1);
	assert_int_equal(ike->fragment_bytes, 0);
	assert_false(initiator_third(&i));
	assert_int_not_equal(ike->fragment_bytes, 0);
	pass(HALF_OPEN_MS + 1);
	assert_int_equal(ike->fragment_bytes, 0);
	initiator_free(&i);
}

static void takes_none_of_who_did_not_say_so(void **state)
{
	struct initiator i;

	(void)state;
	initiator_init(&i, ike, "198.51.100.7", PORT_IKE);
	assert_true(initiator_first(&i));
	i.cut = 50;
	assert_false(initiator_third(&i));
	assert_int_equal(ike->fragment_bytes, 0);
	initiator_free(&i);
}

// A fragment of a fragment, and pieces that make another exchange's message.
static void takes_no_nonsense(void **state)
{
	struct initiator i;
	uint8_t good[INITIATOR_MESSAGE];
	size_t length;

	(void)state;
	announce(&i, 20);
	assert_true(initiator_first(&i));
	i.cut = 50;
	i.withhold = 1;
	assert_false(initiator_third(&i));
	i.withhold = 0;
	length = i.last_length;
	memcpy(good, i.last, length);
	good[16] = ISAKMP_FRAGMENT;
	initiator_send(&i, good, length);
	assert_null(fake_sent_take());
	good[16] = ISAKMP_KE;
	good[18] = ISAKMP_AGGRESSIVE;
	initiator_send(&i, good, length);
	assert_null(fake_sent_take());
	good[18] = ISAKMP_MAIN;
	initiator_send(&i, good, length);
	assert_non_null(fake_sent_take());
	initiator_free(&i);
}

static void bounds_what_all_half_open_ones_have(void **state)
{
	static uint8_t piece[ISAKMP_HEADER + 8 + 15000];
	struct initiator i;

	(void)state;
	config.ike.half_open_max = 600;
	restart();
	for (int n = 0; n < 400; n++) {
		struct isakmp_header h = {.version = ISAKMP_VERSION, .exchange = ISAKMP_MAIN};
		struct isakmp_out out;

		announce(&i, 20);
		i.flow.remote.bytes[3] = (uint8_t)n;
		i.flow.remote.bytes[2] = (uint8_t)(n >> 8);
		assert_true(initiator_first(&i));
		memcpy(h.initiator, i.cookie_i, 8);
		memcpy(h.responder, i.cookie_r, 8);
		out = isakmp_out_begin(piece, sizeof(piece), &h);
		isakmp_out_open(&out, ISAKMP_FRAGMENT);
		build_u32(&out.b, 0x00010200);
		build_zero(&out.b, 14000);
		isakmp_out_close(&out);
		ike_input(ike, &i.flow, piece, isakmp_out_end(&out));
		assert_in_range(ike->fragment_bytes, 1, FRAGMENTS_HALF_OPEN);
	}
	assert_true(ike->fragment_bytes > FRAGMENTS_HALF_OPEN / 10 * 9);
	pass(HALF_OPEN_MS + 1);
	assert_int_equal(ike->fragment_bytes, 0);
}

// Ours is longer than a packet when the packet is made very short.
static void cuts_what_is_too_long(void **state)
{
	struct initiator_quick q;
	struct initiator i;

	(void)state;
	announce(&i, 20);
	config.ike.fragment_size = 150;
	assert_true(initiator_main(&i));
	quick_up(&i, &q, 0xabcd0001);
	assert_in_range(i.answer_fragments, 2, 4);
	assert_int_equal(seen.currents, 1);
	config.ike.fragment_size = 1280;
	quick_up(&i, &q, 0xabcd0002);
	assert_int_equal(i.answer_fragments, 0);
	initiator_free(&i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			announces_itself_to_who_knows_it, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(every_message_may_be_cut, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			pieces_that_stay_alone_are_forgotten, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			takes_none_of_who_did_not_say_so, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(takes_no_nonsense, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			bounds_what_all_half_open_ones_have, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(cuts_what_is_too_long, setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

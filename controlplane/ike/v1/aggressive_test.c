// SPDX-License-Identifier: Apache-2.0

// Aggressive mode: off unless it is named, and then as good as main mode.

#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static int setup(void **state)
{
	int error = fixture_logged_setup(state);

	config.ike.aggressive = true;
	return error;
}

static void is_off_and_says_why(void **state)
{
	struct ike_counters counters;
	struct initiator i;

	(void)state;
	config.ike.aggressive = false;
	initiator_init(&i, ike, "198.51.100.7", PORT_IKE);
	assert_false(initiator_aggressive_first(&i));
	assert_int_equal(seen.refused, 1);
	assert_non_null(strstr(seen.refused_line, "hash of the pre-shared key"));
	assert_non_null(strstr(seen.refused_line, "ike.aggressive"));
	ike_counters(ike, &counters);
	assert_int_equal(counters.half_open, 0);
	initiator_free(&i);
}

static void comes_up(void **state)
{
	struct initiator_quick q;
	struct command_sa_add c;
	struct initiator i;

	(void)state;
	for (unsigned sealed = 0; sealed < 2; sealed++) {
		initiator_init(&i, ike, sealed ? "198.51.100.7" : "198.51.100.8", PORT_IKE);
		i.natt = NATT_RFC3947;
		i.nat = true;
		i.dpd = true;
		assert_true(initiator_aggressive_first(&i));
		assert_int_equal(seen.currents, sealed);
		i.flow.local_port = PORT_NAT_T;
		i.flow.remote_port = 1024;
		initiator_aggressive_third(&i, sealed);
		assert_non_null(strstr(seen.up_line, "\"nat_peer\":true"));
		initiator_quick_init(&q, 0xabcd0001);
		q.mode = 4;
		assert_true(initiator_quick(&i, &q));
		c = take_add();
		assert_int_equal(c.encapsulation, ESP_UDP);
		assert_int_equal(c.remote_port, 1024);
		assert_memory_equal(c.cipher_key_in, q.keys_out, 32);
		assert_int_equal(seen.currents, sealed + 1);
		initiator_free(&i);
	}
}

static void answers_the_same_again(void **state)
{
	struct initiator i;
	struct ike_counters counters;

	(void)state;
	initiator_init(&i, ike, "198.51.100.7", PORT_IKE);
	assert_true(initiator_aggressive_first(&i));
	initiator_send(&i, i.last, i.last_length);
	assert_true(initiator_take(&i));
	ike_counters(ike, &counters);
	assert_int_equal(counters.half_open, 1);
	assert_int_equal(counters.retransmits, 1);
	initiator_free(&i);
}

// Whoever he says that he is: what goes to an address that is not proven is no more than three
// times what came from there, and what is a little shorter still gets its answer.
static void answers_no_longer_than_three_times(void **state)
{
	static const uint8_t identity[] = {11, 0, 0, 0, 'x'};
	static const unsigned groups[] = {IKE_ECP_256, IKE_ECP_384, IKE_MODP_2048};
	struct initiator i;

	(void)state;
	for (unsigned n = 0; n < 3; n++) {
		initiator_init(&i, ike, "198.51.100.7", PORT_IKE);
		i.group = groups[n];
		i.hash = IKE_SHA512;
		i.natt = NATT_RFC3947;
		i.dpd = true;
		memcpy(i.id, identity, sizeof(identity));
		i.id_length = sizeof(identity);
		assert_true(initiator_aggressive_first(&i));
		assert_in_range(i.answer_length, i.last_length, 3 * i.last_length);
		initiator_free(&i);
	}
}

static void refuses_a_wrong_key(void **state)
{
	struct initiator i;
	struct ike_counters counters;

	(void)state;
	initiator_init(&i, ike, "198.51.100.7", PORT_IKE);
	i.psk = "wrong";
	assert_false(initiator_aggressive_first(&i));
	initiator_aggressive_third(&i, true);
	initiator_aggressive_third(&i, false);
	assert_int_equal(seen.refused, 1);
	assert_non_null(strstr(seen.refused_line, "pre-shared key mismatch"));
	ike_counters(ike, &counters);
	assert_int_equal(counters.established, 0);
	pass(31000);
	ike_counters(ike, &counters);
	assert_int_equal(counters.half_open, 0);
	initiator_free(&i);
}

// The group is the one of the KE payload, whatever we would rather have.
static void the_group_is_that_of_the_public_value(void **state)
{
	struct initiator i;

	(void)state;
	initiator_init(&i, ike, "198.51.100.7", PORT_IKE);
	i.group = IKE_MODP_2048;
	assert_true(initiator_aggressive_first(&i));
	initiator_aggressive_third(&i, true);
	assert_non_null(strstr(seen.up_line, "modp-2048"));
	initiator_free(&i);
	initiator_init(&i, ike, "198.51.100.8", PORT_IKE);
	i.group = IKE_MODP_1024;
	assert_false(initiator_aggressive_first(&i));
	assert_non_null(strstr(seen.refused_line, "ike.legacy"));
	initiator_free(&i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			is_off_and_says_why, setup, fixture_logged_teardown),
		cmocka_unit_test_setup_teardown(comes_up, setup, fixture_logged_teardown),
		cmocka_unit_test_setup_teardown(
			answers_the_same_again, setup, fixture_logged_teardown),
		cmocka_unit_test_setup_teardown(
			answers_no_longer_than_three_times, setup, fixture_logged_teardown),
		cmocka_unit_test_setup_teardown(
			refuses_a_wrong_key, setup, fixture_logged_teardown),
		cmocka_unit_test_setup_teardown(
			the_group_is_that_of_the_public_value, setup, fixture_logged_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

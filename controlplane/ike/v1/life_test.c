// SPDX-License-Identifier: Apache-2.0

// The life of a peer that is up: rekeys, Deletes, DPD, moves, coming back and going.

#include "fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void rekeys_a_pair(void **state)
{
	struct initiator i;
	struct initiator_quick q, q2;
	uint32_t peer;

	bring_up(&i, &q, "198.51.100.7");
	peer = seen.peer;
	initiator_quick_init(&q2, 0xabcd0002);
	assert_true(initiator_quick_first(&i, &q2));
	(void)take_add();
	assert_int_equal(ike_peer_sa(ike, peer), q.spi_responder);
	initiator_quick_third(&i, &q2);
	assert_int_equal(seen.currents, 2);
	assert_int_equal(seen.peer, peer);
	assert_int_equal(ike_peer_sa(ike, peer), q2.spi_responder);
	assert_int_equal(fake_command_count(), 0);
	initiator_delete_esp(&i, (uint32_t[]){0xabcd0001}, 1);
	assert_deleted(q.spi_responder);
	assert_int_equal(seen.currents, 2);
	assert_int_equal(seen.downs, 0);
	initiator_free(&i);
}

static void falls_back_when_the_newest_is_deleted(void **state)
{
	struct initiator i;
	struct initiator_quick q, q2;

	bring_up(&i, &q, "198.51.100.7");
	quick_up(&i, &q2, 0xabcd0002);
	(void)take_add();
	initiator_delete_esp(&i, (uint32_t[]){0xabcd0002, 0xabcd0002, 7777}, 3);
	assert_deleted(q2.spi_responder);
	assert_int_equal(seen.currents, 3);
	assert_int_equal(seen.sa, q.spi_responder);
	initiator_delete_esp(&i, (uint32_t[]){0xabcd0001}, 1);
	assert_deleted(q.spi_responder);
	assert_int_equal(seen.downs, 1);
	assert_string_equal(seen.cause, "deleted");
	initiator_free(&i);
}

// Many under way and many left over: the newest stays, the oldest goes.
static void bounds_the_pairs_of_a_peer(void **state)
{
	struct initiator i;
	struct initiator_quick q[24];

	connect_as(&i, "198.51.100.7", PORT_IKE);
	for (int n = 0; n < 8; n++) {
		initiator_quick_init(&q[n], 0xabcd0001 + n);
		assert_true(initiator_quick_first(&i, &q[n]));
	}
	initiator_quick_init(&q[8], 0xabcd0010);
	assert_false(initiator_quick_first(&i, &q[8])); // too many at once
	for (int n = 0; n < 16; n++) {
		initiator_quick_third(&i, &q[n]);
		assert_int_equal(ike_peer_sa(ike, seen.peer), q[n].spi_responder);
		initiator_quick_init(&q[8 + n], 0xabcd0010 + n);
		assert_true(initiator_quick_first(&i, &q[8 + n]));
	}
	for (int n = 16; n < 24; n++)
		initiator_quick_third(&i, &q[n]);
	assert_int_equal(ike_peer_sa(ike, seen.peer), q[23].spi_responder);
	assert_int_equal(seen.currents, 24);
	assert_int_equal(seen.downs, 0);
	initiator_free(&i);
}

static void goes_with_the_deletes_of_a_client(void **state)
{
	struct initiator i;
	struct initiator_quick q;
	struct ike_counters counters;

	bring_up(&i, &q, "198.51.100.7");
	initiator_delete_esp(&i, (uint32_t[]){0xabcd0001}, 1);
	assert_deleted(q.spi_responder);
	initiator_delete_isakmp(&i);
	initiator_delete_isakmp(&i);
	assert_int_equal(seen.downs, 1);
	ike_counters(ike, &counters);
	assert_int_equal(counters.peers, 0);
	initiator_free(&i);
}

static void survives_closing_from_within(void **state)
{
	struct initiator i;
	struct initiator_quick q;
	struct ike_counters counters;

	bring_up(&i, &q, "198.51.100.7");
	seen.close_in_down = seen.peer;
	initiator_delete_esp(&i, (uint32_t[]){0xabcd0001, 0xabcd0001}, 2);
	assert_deleted(q.spi_responder);
	ike_counters(ike, &counters);
	assert_int_equal(counters.peers, 0);
	initiator_free(&i);
}

static void rekeys_the_ike_sa(void **state)
{
	struct initiator i, i2;
	struct initiator_quick q, q2;
	struct ike_counters counters;
	uint32_t peer;

	bring_up(&i, &q, "198.51.100.7");
	peer = seen.peer;
	connect_as(&i2, "198.51.100.7", PORT_IKE);
	initiator_delete_isakmp(&i);
	assert_int_equal(seen.downs, 0);
	assert_int_equal(ike_peer_sa(ike, peer), q.spi_responder);
	ike_counters(ike, &counters);
	assert_int_equal(counters.peers, 1);
	quick_up(&i2, &q2, 0xabcd0002);
	(void)take_add();
	assert_int_equal(seen.peer, peer);
	// A Delete for the old pair comes under the new SA.
	initiator_delete_esp(&i2, (uint32_t[]){0xabcd0001}, 1);
	assert_deleted(q.spi_responder);
	assert_int_equal(seen.downs, 0);
	initiator_free(&i);
	initiator_free(&i2);
}

static void takes_back_a_vanished_client(void **state)
{
	struct initiator i, i2;
	struct initiator_quick q, q2;
	uint32_t peer;

	bring_up(&i, &q, "198.51.100.7");
	peer = seen.peer;
	initiator_init(&i2, ike, "198.51.100.7", PORT_IKE);
	i2.initial_contact = true;
	assert_true(initiator_main(&i2));
	assert_int_equal(seen.downs, 1);
	assert_int_equal(seen.down_peer, peer);
	assert_string_equal(seen.cause, "replaced");
	assert_deleted(q.spi_responder);
	quick_up(&i2, &q2, 0xabcd0001);
	assert_int_not_equal(seen.peer, peer);
	initiator_free(&i);
	initiator_free(&i2);
}

static void takes_back_one_that_says_so_later(void **state)
{
	struct initiator i, i2;
	struct initiator_quick q, q2;
	uint32_t peer;

	bring_up(&i, &q, "198.51.100.7");
	peer = seen.peer;
	connect_as(&i2, "198.51.100.7", PORT_IKE);
	assert_int_equal(seen.downs, 0);
	initiator_notify(&i2, NOTIFY_INITIAL_CONTACT, NULL, 0);
	assert_int_equal(seen.downs, 1);
	assert_int_equal(seen.down_peer, peer);
	assert_deleted(q.spi_responder);
	quick_up(&i2, &q2, 0xabcd0001);
	assert_int_not_equal(seen.peer, peer);
	initiator_free(&i);
	initiator_free(&i2);
}

static void takes_back_a_silent_one(void **state)
{
	struct initiator i, i2;
	struct initiator_quick q, q2;

	bring_up(&i, &q, "198.51.100.7");
	connect_as(&i2, "198.51.100.7", PORT_IKE);
	quick_up(&i2, &q2, 0xabcd0009);
	assert_int_equal(seen.sa, q2.spi_responder);
	assert_int_equal(ike_peer_sa(ike, seen.peer), q2.spi_responder);
	initiator_free(&i);
	initiator_free(&i2);
}

static uint32_t notify_sequence(struct initiator *i, uint16_t type)
{
	const struct isakmp_part *part = isakmp_chain_find(&i->chain, ISAKMP_NOTIFY, 0);
	struct isakmp_notify_body n;
	struct view v;

	assert_non_null(part);
	assert_int_equal(isakmp_notify_parse(part->body, &n), 0);
	assert_int_equal(n.type, type);
	v = view_of(n.data.at, n.data.length);
	return view_u32(&v);
}

static void answers_dpd(void **state)
{
	struct initiator i;
	struct initiator_quick q;

	bring_up(&i, &q, "198.51.100.7");
	initiator_notify(&i, NOTIFY_R_U_THERE, "\x00\x00\x12\x34", 4);
	assert_true(initiator_informational(&i));
	assert_int_equal(notify_sequence(&i, NOTIFY_R_U_THERE_ACK), 0x1234);
	initiator_free(&i);
}

static void asks_a_silent_peer(void **state)
{
	struct initiator i;
	struct initiator_quick q;
	uint32_t sequence;
	uint8_t data[4];

	bring_up(&i, &q, "198.51.100.7");
	pass(29000);
	assert_int_equal(fake_sent_count(), 0);
	ike_peer_alive(ike, seen.peer, now);
	pass(29000);
	assert_int_equal(fake_sent_count(), 0);
	pass(2000);
	assert_true(initiator_informational(&i));
	sequence = notify_sequence(&i, NOTIFY_R_U_THERE);
	data[0] = data[1] = 0;
	data[2] = sequence >> 8;
	data[3] = sequence;
	initiator_notify(&i, NOTIFY_R_U_THERE_ACK, data, 4);
	pass(25000);
	assert_int_equal(fake_sent_count(), 0);
	assert_int_equal(seen.downs, 0);
	pass(6000);
	assert_true(initiator_informational(&i));
	for (int n = 0; n < 60 && seen.downs == 0; n++)
		pass(500);
	assert_int_equal(seen.downs, 1);
	assert_string_equal(seen.cause, "dead");
	assert_deleted(q.spi_responder);
	initiator_free(&i);
}

static void expires(void **state)
{
	struct initiator i;
	struct initiator_quick q;
	struct ike_counters counters;

	config.ike.dpd_delay_ms = 0;
	initiator_init(&i, ike, "198.51.100.7", PORT_IKE);
	i.lifetime_s = 100000;
	assert_true(initiator_main(&i));
	assert_non_null(isakmp_chain_find(&i.chain, ISAKMP_NOTIFY, 0)); // RESPONDER-LIFETIME
	initiator_quick_init(&q, 0xabcd0001);
	q.lifetime_s = 600;
	assert_true(initiator_quick(&i, &q));
	(void)take_add();
	pass(600000);
	assert_int_equal(seen.downs, 0);
	pass(31000);
	assert_true(initiator_informational(&i));
	assert_non_null(isakmp_chain_find(&i.chain, ISAKMP_DELETE, 0));
	assert_int_equal(seen.downs, 1);
	assert_string_equal(seen.cause, "expired");
	assert_deleted(q.spi_responder);
	pass(28800ull * 1000);
	assert_true(initiator_informational(&i));
	ike_counters(ike, &counters);
	assert_int_equal(counters.peers, 0);
	initiator_free(&i);
}

static void closes_with_deletes(void **state)
{
	struct initiator i;
	struct initiator_quick q;

	bring_up(&i, &q, "198.51.100.7");
	assert_int_equal(ike_peer_close(ike, seen.peer, "closed"), 0);
	assert_int_equal(seen.downs, 1);
	assert_true(initiator_informational(&i));
	assert_non_null(isakmp_chain_find(&i.chain, ISAKMP_DELETE, 0));
	assert_true(initiator_informational(&i));
	assert_deleted(q.spi_responder);
	assert_int_equal(ike_peer_close(ike, seen.peer, "closed"), -ENOENT);
	initiator_free(&i);
}

static void follows_a_peer_that_moves(void **state)
{
	struct initiator i;
	struct initiator_quick q;
	struct event_peer_moved moved = {0};

	initiator_init(&i, ike, "198.51.100.7", 2000);
	i.natt = NATT_RFC3947;
	i.nat = true;
	i.dpd = true;
	assert_true(initiator_main(&i));
	initiator_quick_init(&q, 0xabcd0001);
	q.mode = 4;
	assert_true(initiator_quick(&i, &q));
	moved.spi_in = q.spi_responder;
	moved.remote = i.flow.remote;
	moved.remote_port = 3000;
	ike_peer_moved(ike, &moved);
	pass(31000);
	assert_true(initiator_informational(&i));
	assert_int_equal(i.answer_flow.remote_port, 3000);
	assert_int_equal(i.answer_flow.local_port, PORT_NAT_T);
	initiator_free(&i);
}

static void tells_of_unknown_spis(void **state)
{
	struct initiator i;
	struct initiator_quick q;
	struct event_sa_unknown unknown = {.spi = 0x77777777};

	bring_up(&i, &q, "198.51.100.7");
	unknown.remote = i.flow.remote;
	unknown.local = i.flow.local;
	ike_sa_unknown(ike, &unknown);
	assert_true(initiator_informational(&i));
	assert_non_null(isakmp_chain_find(&i.chain, ISAKMP_DELETE, 0));
	initiator_free(&i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(rekeys_a_pair, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			falls_back_when_the_newest_is_deleted, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			bounds_the_pairs_of_a_peer, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			goes_with_the_deletes_of_a_client, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			survives_closing_from_within, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(rekeys_the_ike_sa, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			takes_back_a_vanished_client, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			takes_back_one_that_says_so_later, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			takes_back_a_silent_one, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(answers_dpd, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			asks_a_silent_peer, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(expires, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			closes_with_deletes, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			follows_a_peer_that_moves, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			tells_of_unknown_spis, fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

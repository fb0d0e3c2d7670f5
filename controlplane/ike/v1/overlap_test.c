// SPDX-License-Identifier: Apache-2.0

// Old and new pairs of one peer side by side: fast rekeys, Deletes in any order, and what is said
// about lifetimes.

#include "fixture.h"

#include "controlplane/ike/pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void quick(struct initiator *i, struct initiator_quick *q, uint32_t spi)
{
	initiator_quick_init(q, spi);
	assert_true(initiator_quick_first(i, q));
	(void)take_add();
}

// A client that has carried its 250 MB every 2 s.
static void keeps_up_with_a_fast_client(void **state)
{
	struct initiator_quick q[41];
	struct initiator i;

	(void)state;
	bring_up(&i, &q[0], "198.51.100.7");
	for (uint32_t n = 1; n <= 40; n++) {
		pass(2000);
		quick(&i, &q[n], 0xabcd0001 + n);
		assert_int_equal(ike_peer_sa(ike, seen.peer), q[n - 1].spi_responder);
		initiator_quick_third(&i, &q[n]);
		assert_int_equal(ike_peer_sa(ike, seen.peer), q[n].spi_responder);
		// Until the client deletes it, the old one takes what is on its way.
		assert_int_equal(fake_command_count(), 0);
		assert_int_equal(ike_pair_used(ike, q[n - 1].spi_responder), q[n].spi_responder);
		initiator_delete_esp(&i, &q[n - 1].spi, 1);
		assert_deleted(q[n - 1].spi_responder);
	}
	assert_int_equal(seen.downs, 0);
	assert_int_equal(seen.currents, 41);
	initiator_free(&i);
}

// The old pair's Delete has come, and of the new one's quick mode the first message alone.
static void delete_before_the_third(
	struct initiator *i, struct initiator_quick *old, struct initiator_quick *next)
{
	bring_up(i, old, "198.51.100.7");
	quick(i, next, 0xabcd0002);
	initiator_delete_esp(i, &old->spi, 1);
}

static void a_delete_may_overtake_the_third_message(void **state)
{
	struct initiator_quick q, next;
	struct initiator i;

	(void)state;
	delete_before_the_third(&i, &q, &next);
	assert_int_equal(seen.downs, 0);
	assert_int_equal(ike_peer_sa(ike, seen.peer), next.spi_responder);
	assert_deleted(q.spi_responder);
	initiator_quick_third(&i, &next);
	assert_int_equal(seen.downs, 0);
	assert_int_equal(seen.currents, 2);
	assert_int_equal(ike_peer_sa(ike, seen.peer), next.spi_responder);
	assert_int_equal(fake_command_count(), 0);
	initiator_delete_esp(&i, &next.spi, 1);
	assert_int_equal(seen.downs, 1);
	initiator_free(&i);
}

// Then the peer does not have the new pair, but asks for it until it does.
static void a_delete_may_come_when_the_second_message_was_lost(void **state)
{
	struct initiator_quick q, next;
	struct initiator i;

	(void)state;
	delete_before_the_third(&i, &q, &next);
	assert_int_equal(ike_peer_sa(ike, seen.peer), next.spi_responder);
	while (fake_sent_take())
		;
	ike_input(ike, &i.flow, next.first, next.first_length);
	assert_non_null(fake_sent_take());
	pass(1100);
	assert_non_null(fake_sent_take());
	pass(60000);
	assert_int_equal(ike_peer_sa(ike, seen.peer), next.spi_responder);
	assert_int_equal(seen.downs, 0);
	initiator_free(&i);
}

static void a_delete_may_come_twice(void **state)
{
	struct initiator_quick q, next;
	struct initiator i;

	(void)state;
	bring_up(&i, &q, "198.51.100.7");
	quick(&i, &next, 0xabcd0002);
	initiator_quick_third(&i, &next);
	initiator_delete_esp(&i, (uint32_t[]){q.spi, q.spi}, 2);
	ike_input(ike, &i.flow, i.last, i.last_length);
	initiator_delete_esp(&i, &q.spi, 1);
	assert_deleted(q.spi_responder);
	assert_int_equal(fake_command_count(), 0);
	assert_int_equal(seen.downs, 0);
	assert_int_equal(ike_peer_sa(ike, seen.peer), next.spi_responder);
	initiator_free(&i);
}

// SPIs of a size that ESP does not have, of nobody, and our own instead of the peer's.
static void a_delete_may_be_wrong(void **state)
{
	struct initiator_quick q;
	struct initiator i;
	uint8_t spis[16] = {0};

	(void)state;
	bring_up(&i, &q, "198.51.100.7");
	for (uint8_t size = 0; size <= 16; size++) {
		spis[0] = q.spi >> 24, spis[1] = q.spi >> 16 & 0xff;
		spis[2] = q.spi >> 8 & 0xff, spis[3] = q.spi & 0xff;
		if (size != 4)
			initiator_delete(&i, ISAKMP_PROTO_ESP, size, 1, spis);
		initiator_delete(&i, ISAKMP_PROTO_AH, size, 1, spis);
	}
	for (uint8_t size = 1; size < 16; size++)
		initiator_delete(&i, ISAKMP_PROTO_ISAKMP, size, 1, spis);
	initiator_delete(&i, ISAKMP_PROTO_ISAKMP, 16, 1, spis);
	initiator_delete_esp(&i, &q.spi_responder, 1);
	assert_int_equal(fake_command_count(), 0);
	assert_int_equal(seen.downs, 0);
	assert_int_equal(ike_peer_sa(ike, seen.peer), q.spi_responder);
	initiator_free(&i);
}

// The attribute of that life type in a RESPONDER-LIFETIME of the answer; 0 = none.
static uint64_t responder_lifetime(const struct initiator *i, uint64_t unit)
{
	const struct isakmp_part *part = isakmp_chain_find(&i->chain, ISAKMP_NOTIFY, 0);
	struct isakmp_notify_body n;
	struct isakmp_attribute a;
	uint64_t type = 0;

	if (!part || isakmp_notify_parse(part->body, &n) || n.type != NOTIFY_RESPONDER_LIFETIME)
		return 0;
	while (isakmp_attribute_next(&n.data, &a)) {
		if (a.type == 1)
			type = a.value;
		else if (a.type == 2 && type == unit)
			return a.value;
	}
	return 0;
}

static void says_what_it_holds_to(void **state)
{
	static const struct {
		uint32_t peer_s, peer_kb, our_s, our_mib, said_s, said_kb;
	} cases[] = {
		{3600, 0, 28800, 0, 0, 0},
		{3600, 250000, 28800, 0, 0, 0},
		{3600, 250000, 1800, 0, 1800, 0},
		{3600, 250000, 28800, 100, 0, 102400},
		{3600, 250000, 1800, 100, 1800, 102400},
		{3600, 250000, 3600, 1000, 0, 0},
		{3600, 0, 3600, 1000, 0, 1024000},
	};
	struct initiator_quick q;
	struct initiator i;
	uint64_t bytes;

	(void)state;
	connect_as(&i, "198.51.100.7", PORT_IKE);
	for (size_t n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
		config.ike.esp_lifetime_s = cases[n].our_s;
		config.ike.esp_lifetime_mib = cases[n].our_mib;
		initiator_quick_init(&q, 0xabcd0001 + (uint32_t)n);
		q.lifetime_s = cases[n].peer_s;
		q.lifetime_kb = cases[n].peer_kb;
		assert_true(initiator_quick_first(&i, &q));
		assert_int_equal(responder_lifetime(&i, 1), cases[n].said_s);
		assert_int_equal(responder_lifetime(&i, 2), cases[n].said_kb);
		initiator_quick_third(&i, &q);
		bytes = (uint64_t)(cases[n].said_kb ? cases[n].said_kb : cases[n].peer_kb) << 10;
		assert_int_equal(pair_find(ike, q.spi_responder)->agreed.bytes, bytes);
	}
	initiator_free(&i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			keeps_up_with_a_fast_client, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			a_delete_may_overtake_the_third_message, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_delete_may_come_when_the_second_message_was_lost,
			fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			a_delete_may_come_twice, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			a_delete_may_be_wrong, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			says_what_it_holds_to, fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

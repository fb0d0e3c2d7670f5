// SPDX-License-Identifier: Apache-2.0

// Rekeys by us: when they are due, by which limit, how the exchange goes and what becomes of the
// pair before.

#include "answerer.h"
#include "controlplane/ike/rekey.h"
#include "fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum {
	SPI_FIRST = 0xabcd0001, // as bring_up makes it
	SPI_SECOND = 0xabcd0011,
	LIFETIME_MS = 3600 * 1000, // as initiator_quick_init has it
};

static struct initiator i;
static struct initiator_quick q;
static struct answerer a;

static void start(const char *remote)
{
	config.ike.rekey_jitter = 0;
	config.ike.dpd_delay_ms = 0;
	bring_up(&i, &q, remote);
	a = (struct answerer){.spi = SPI_SECOND};
}

// To the moment at which the pair is due.
static void until_due(void)
{
	pass(LIFETIME_MS / 10 * 9 - 1);
	assert_int_equal(fake_sent_count(), 0);
	pass(1);
	assert_int_equal(fake_sent_count(), 1);
}

// The client's part of the exchange, to the end.
static void answer_all(void)
{
	assert_true(answerer_first(&i, &a));
	answerer_second(&i, &a);
	(void)take_add();
	assert_true(answerer_third(&i, &a));
}

static void went_in(uint32_t spi, uint64_t packets)
{
	seen.count_of = spi;
	seen.count = (struct ike_pair_count){.in_packets = packets};
	pass(REKEY_COUNT_MS);
}

static void jitter_is_spread(void **state)
{
	enum { DRAWS = 100000, LIMIT = 1000 * 1000 };
	unsigned part[10] = {0};

	for (uint32_t n = 0; n < DRAWS; n++) {
		uint64_t soft = rekey_soft(LIMIT, 90, 10, n * 2654435761u);

		assert_in_range(soft, LIMIT / 10 * 8, LIMIT / 10 * 9);
		part[soft == LIMIT / 10 * 9 ? 9 : (soft - LIMIT / 10 * 8) * 10 / (LIMIT / 10)]++;
	}
	for (int n = 0; n < 10; n++)
		assert_in_range(part[n], DRAWS / 10 * 95 / 100, DRAWS / 10 * 105 / 100);
	assert_int_equal(rekey_soft(LIMIT, 90, 0, UINT32_MAX), LIMIT / 10 * 9);
	assert_int_equal(rekey_soft(LIMIT, 20, 50, UINT32_MAX), LIMIT / 10);
	assert_int_equal(rekey_soft(1ull << 60, 50, 0, 0), (1ull << 60) / 2);
	assert_int_equal(rekey_soft(0, 90, 10, 7), 0);
}

static void due_times_differ(void **state)
{
	enum { PEERS = 40 };
	uint64_t first[PEERS + 1] = {0}, earliest = UINT64_MAX, latest = 0;
	const struct fake_packet *p;
	char remote[16];

	config.ike.dpd_delay_ms = 0;
	for (int n = 1; n <= PEERS; n++) {
		snprintf(remote, sizeof(remote), "198.51.100.%d", n);
		bring_up(&i, &q, remote);
		initiator_free(&i);
	}
	pass(LIFETIME_MS / 10 * 8 - 1);
	assert_int_equal(fake_sent_count(), 0);
	for (int n = 0; n <= 360; n++) {
		pass(1000);
		while ((p = fake_sent_take()))
			if (first[p->flow.remote.bytes[3]] == 0)
				first[p->flow.remote.bytes[3]] = now;
	}
	for (int n = 1; n <= PEERS; n++) {
		assert_int_not_equal(first[n], 0);
		earliest = first[n] < earliest ? first[n] : earliest;
		latest = first[n] > latest ? first[n] : latest;
	}
	assert_true(latest > earliest + LIFETIME_MS / 20);
}

static void renews_by_time(void **state)
{
	struct command_sa_add c;
	uint32_t peer;

	start("198.51.100.7");
	peer = seen.peer;
	until_due();
	assert_true(answerer_first(&i, &a));
	assert_int_equal(a.id_i_length, q.id_r_length);
	assert_memory_equal(a.id_i, q.id_r, q.id_r_length);
	assert_int_equal(a.id_r_length, q.id_i_length);
	assert_memory_equal(a.id_r, q.id_i, q.id_i_length);
	assert_int_equal(a.nat_oas, 0);
	answerer_second(&i, &a);
	c = take_add();
	assert_int_equal(c.spi_in, a.spi_gateway);
	assert_int_equal(c.spi_out, a.spi);
	assert_int_equal(c.cipher, ESP_CIPHER_AES_CBC_256);
	assert_int_equal(c.encapsulation, ESP_PLAIN);
	assert_memory_equal(c.cipher_key_in, a.keys_out, 32);
	assert_memory_equal(c.cipher_key_out, a.keys_in, 32);
	assert_memory_equal(c.integrity_key_out, a.keys_in + 32, 20);
	assert_true(answerer_third(&i, &a));
	// Outbound waits until the peer is seen to have it.
	assert_int_equal(ike_peer_sa(ike, peer), q.spi_responder);
	went_in(a.spi_gateway, 1);
	assert_int_equal(seen.currents, 2);
	assert_int_equal(ike_peer_sa(ike, peer), a.spi_gateway);
	// The old one decrypts for a while, then it is deleted by us.
	pass(REKEY_RETIRE_MS - 1);
	assert_int_equal(fake_sent_count(), 0);
	pass(1);
	assert_true(initiator_informational(&i));
	assert_non_null(isakmp_chain_find(&i.chain, ISAKMP_DELETE, 0));
	pass(REKEY_LINGER_MS - 1);
	assert_int_equal(fake_command_count(), 0);
	pass(1);
	assert_deleted(q.spi_responder);
	assert_int_equal(seen.downs, 0);
	initiator_free(&i);
}

static void renews_again_and_again(void **state)
{
	uint32_t before;

	config.ike.rekey_jitter = 0;
	config.ike.dpd_delay_ms = 0;
	initiator_init(&i, ike, "198.51.100.7", PORT_IKE);
	i.lifetime_s = 28800;
	assert_true(initiator_main(&i));
	quick_up(&i, &q, SPI_FIRST);
	before = take_add().spi_in;
	for (uint32_t n = 0; n < 7; n++) {
		uint32_t peer = seen.peer;

		pass(LIFETIME_MS / 10 * 9 - (n ? REKEY_RETIRE_MS + REKEY_LINGER_MS : 0));
		a = (struct answerer){.spi = SPI_SECOND + n};
		answer_all();
		pass(REKEY_AWAIT_MS);
		assert_int_equal(ike_peer_sa(ike, peer), a.spi_gateway);
		pass(REKEY_RETIRE_MS);
		pass(REKEY_LINGER_MS);
		assert_deleted(before);
		assert_true(initiator_informational(&i));
		before = a.spi_gateway;
	}
	assert_int_equal(seen.downs, 0);
	initiator_free(&i);
}

static void renews_behind_nat_with_pfs(void **state)
{
	struct command_sa_add c;

	config.ike.rekey_jitter = 0;
	config.ike.dpd_delay_ms = 0;
	initiator_init(&i, ike, "198.51.100.7", 2000);
	i.natt = NATT_RFC3947;
	i.nat = true;
	assert_true(initiator_main(&i));
	initiator_quick_init(&q, SPI_FIRST);
	q.mode = 4;
	q.group = IKE_ECP_256;
	q.nat_oa = true;
	assert_true(initiator_quick(&i, &q));
	(void)take_add();
	a = (struct answerer){.spi = SPI_SECOND};
	until_due();
	assert_true(answerer_first(&i, &a));
	assert_int_equal(i.answer_flow.remote_port, 2000);
	assert_int_equal(i.answer_flow.local_port, PORT_NAT_T);
	assert_int_equal(a.nat_oas, 2);
	assert_int_equal(a.group, IKE_ECP_256);
	answerer_second(&i, &a);
	c = take_add();
	assert_int_equal(c.encapsulation, ESP_UDP);
	assert_int_equal(c.remote_port, 2000);
	assert_memory_equal(c.cipher_key_in, a.keys_out, 32);
	assert_memory_equal(c.integrity_key_in, a.keys_out + 32, 20);
	assert_true(answerer_third(&i, &a));
	assert_int_equal(ike_pair_used(ike, a.spi_gateway), a.spi_gateway);
	assert_int_equal(seen.sa, a.spi_gateway);
	initiator_free(&i);
}

static void renews_under_the_newest_ike_sa(void **state)
{
	struct initiator i2;

	start("198.51.100.7");
	connect_as(&i2, "198.51.100.7", PORT_IKE);
	initiator_delete_isakmp(&i);
	until_due();
	assert_true(answerer_first(&i2, &a));
	answerer_second(&i2, &a);
	(void)take_add();
	assert_true(answerer_third(&i2, &a));
	pass(REKEY_AWAIT_MS);
	assert_int_equal(seen.sa, a.spi_gateway);
	initiator_free(&i);
	initiator_free(&i2);
}

// ---- limits

static void renews_by_bytes(void **state)
{
	config.ike.esp_lifetime_mib = 2;
	start("198.51.100.7");
	seen.count_of = q.spi_responder;
	seen.count.in_bytes = (2 << 20) / 10 * 9 - 1000;
	seen.count.out_bytes = 1000000;
	pass(REKEY_COUNT_MS);
	assert_int_equal(fake_sent_count(), 0);
	seen.count.in_bytes += 1001;
	pass(REKEY_COUNT_MS);
	assert_true(answerer_first(&i, &a));
	seen.count.in_bytes = 20 << 20; // past the limit: the successor has its time
	pass(REKEY_COUNT_MS);
	answerer_second(&i, &a);
	(void)take_add();
	assert_true(answerer_third(&i, &a));
	went_in(a.spi_gateway, 1);
	assert_int_equal(seen.sa, a.spi_gateway);
	pass(REKEY_RETIRE_MS);
	pass(REKEY_LINGER_MS);
	assert_deleted(q.spi_responder);
	// And the next by what leaves.
	seen.count.out_bytes = 2 << 20;
	assert_true(initiator_informational(&i));
	pass(REKEY_COUNT_MS);
	a = (struct answerer){.spi = SPI_SECOND + 1};
	assert_true(answerer_first(&i, &a));
	initiator_free(&i);
}

static void renews_by_packets(void **state)
{
	config.ike.esp_lifetime_kpackets = 10;
	start("198.51.100.7");
	seen.count_of = q.spi_responder;
	seen.count.out_packets = 8999;
	pass(REKEY_COUNT_MS);
	assert_int_equal(fake_sent_count(), 0);
	seen.count.out_packets = 9000;
	pass(REKEY_COUNT_MS);
	assert_true(answerer_first(&i, &a));
	initiator_free(&i);
}

static void renews_by_sequence_numbers(void **state)
{
	struct event_sa_exhausting event = {.why = SA_EXHAUSTING_SEQUENCE};

	start("198.51.100.7");
	event.spi_in = q.spi_responder;
	ike_sa_exhausting(ike, &event);
	ike_sa_exhausting(ike, &event);
	assert_int_equal(fake_sent_count(), 1);
	answer_all();
	// None left while the new one is awaited: it is used at once.
	event.why = SA_EXHAUSTED_SEQUENCE;
	ike_sa_exhausting(ike, &event);
	assert_int_equal(seen.sa, a.spi_gateway);
	assert_deleted(q.spi_responder);
	assert_int_equal(seen.downs, 0);
	initiator_free(&i);
}

static void counts_only_where_there_is_a_limit(void **state)
{
	start("198.51.100.7");
	pass(60000);
	assert_int_equal(seen.counted, 0);
	initiator_free(&i);
}

static void keeps_to_the_responders_lifetime(void **state)
{
	start("198.51.100.7");
	until_due();
	assert_true(answerer_first(&i, &a));
	a.seconds = 1000;
	a.kilobytes = 1024;
	answerer_second(&i, &a);
	(void)take_add();
	assert_true(answerer_third(&i, &a));
	went_in(a.spi_gateway, 1);
	pass(REKEY_RETIRE_MS);
	assert_true(initiator_informational(&i));
	seen.count.in_bytes = 1024 * 1024 / 10 * 9;
	pass(REKEY_COUNT_MS);
	assert_int_equal(fake_sent_count(), 0);
	seen.count.in_bytes += 10;
	pass(REKEY_COUNT_MS);
	assert_int_equal(fake_sent_count(), 1);
	initiator_free(&i);
}

static void ends_past_a_limit(void **state)
{
	config.ike.esp_lifetime_mib = 2;
	start("198.51.100.7");
	seen.count_of = q.spi_responder;
	seen.count.in_bytes = 2 << 20;
	pass(REKEY_COUNT_MS);
	pass(LIFETIME_GRACE_MS - 1);
	assert_int_equal(seen.downs, 0);
	pass(1);
	assert_int_equal(seen.downs, 1);
	assert_string_equal(seen.cause, "expired-bytes");
	assert_deleted(q.spi_responder);
	initiator_free(&i);
}

// ---- messages lost and wrong

static void sends_the_first_again(void **state)
{
	start("198.51.100.7");
	until_due();
	assert_true(answerer_first(&i, &a));
	pass(1000);
	assert_true(initiator_take(&i)); // the second message was lost
	answerer_second(&i, &a);
	(void)take_add();
	assert_true(answerer_third(&i, &a));
	pass(60000 - 1000);
	assert_int_equal(seen.sa, a.spi_gateway);
	initiator_free(&i);
}

static void sends_the_third_again(void **state)
{
	start("198.51.100.7");
	until_due();
	assert_true(answerer_first(&i, &a));
	answerer_second(&i, &a);
	(void)take_add();
	assert_true(initiator_take(&i)); // it is lost
	pass(REKEY_AWAIT_MS - 100);
	answerer_second_again(&i, &a);
	assert_true(answerer_third(&i, &a));
	assert_int_equal(fake_command_count(), 0);
	// The wait began again.
	pass(REKEY_AWAIT_MS - 100);
	assert_int_equal(ike_peer_sa(ike, seen.peer), q.spi_responder);
	pass(100);
	assert_int_equal(ike_peer_sa(ike, seen.peer), a.spi_gateway);
	initiator_free(&i);
}

static void waits_for_connected(void **state)
{
	start("198.51.100.7");
	until_due();
	assert_true(answerer_first(&i, &a));
	a.commit = true;
	answerer_second(&i, &a);
	(void)take_add();
	assert_true(answerer_third(&i, &a));
	assert_int_equal(ike_peer_sa(ike, seen.peer), q.spi_responder);
	answerer_fourth(&i, &a);
	assert_int_equal(ike_peer_sa(ike, seen.peer), a.spi_gateway);
	initiator_free(&i);
}

static void tries_until_the_end(void **state)
{
	unsigned exchanges = 0;

	start("198.51.100.7");
	pass(LIFETIME_MS / 10 * 9);
	while (seen.downs == 0) {
		pass(1000);
		while (initiator_take(&i))
			exchanges++;
		assert_true(exchanges < 1000);
	}
	assert_true(exchanges > 12);
	assert_string_equal(seen.cause, "expired");
	assert_deleted(q.spi_responder);
	assert_int_equal(now, 1000000 + LIFETIME_MS + LIFETIME_GRACE_MS);
	initiator_free(&i);
}

static void goes_on_after_a_refusal(void **state)
{
	start("198.51.100.7");
	until_due();
	assert_true(answerer_first(&i, &a));
	initiator_notify(&i, NOTIFY_NO_PROPOSAL_CHOSEN, NULL, 0);
	pass(REKEY_RETRY_MS);
	assert_int_equal(fake_sent_count(), 1);
	a = (struct answerer){.spi = SPI_SECOND};
	answer_all();
	pass(REKEY_AWAIT_MS);
	assert_int_equal(seen.sa, a.spi_gateway);
	initiator_free(&i);
}

static void refuses_what_was_not_offered(void **state)
{
	start("198.51.100.7");
	until_due();
	for (int n = 0; n < 2; n++) {
		a = (struct answerer){
			.spi = SPI_SECOND, .other_transform = n == 0, .other_ids = n == 1};
		assert_true(answerer_first(&i, &a));
		answerer_second(&i, &a);
		assert_int_equal(fake_command_count(), 0);
		assert_true(initiator_informational(&i));
		assert_int_equal(fake_sent_count(), 0);
		pass(1000 << n);
	}
	assert_int_equal(ike_peer_sa(ike, seen.peer), q.spi_responder);
	initiator_free(&i);
}

static void ignores_a_forged_second(void **state)
{
	struct answerer forged;

	start("198.51.100.7");
	until_due();
	assert_true(answerer_first(&i, &a));
	forged = a;
	forged.forged = true;
	answerer_second(&i, &forged);
	assert_int_equal(fake_sent_count(), 0);
	answerer_second(&i, &a);
	(void)take_add();
	assert_true(answerer_third(&i, &a));
	initiator_free(&i);
}

static void goes_on_when_the_dataplane_refuses(void **state)
{
	start("198.51.100.7");
	until_due();
	assert_true(answerer_first(&i, &a));
	fake_install_answer(-ENOSPC);
	answerer_second(&i, &a);
	(void)take_add();
	assert_true(initiator_informational(&i));
	fake_install_answer(0);
	pass(1000);
	a = (struct answerer){.spi = SPI_SECOND};
	assert_true(answerer_first(&i, &a));
	initiator_free(&i);
}

// ---- both at once, and what goes in between

// The peer begins before our first message, between first and second, after the third.
static void both_begin_at_once(void **state)
{
	for (int step = 0; step < 3; step++) {
		struct initiator_quick theirs;
		uint32_t last;

		fixture_teardown(state);
		fixture_setup(state);
		start("198.51.100.7");
		initiator_quick_init(&theirs, 0xabcd0002);
		pass(LIFETIME_MS / 10 * 9 - 1);
		if (step == 0) {
			assert_true(initiator_quick_first(&i, &theirs));
			(void)take_add();
		}
		pass(1);
		assert_true(answerer_first(&i, &a));
		if (step == 1) {
			assert_true(initiator_quick_first(&i, &theirs));
			(void)take_add();
		}
		answerer_second(&i, &a);
		(void)take_add();
		assert_true(answerer_third(&i, &a));
		if (step == 2) {
			assert_true(initiator_quick_first(&i, &theirs));
			(void)take_add();
		}
		initiator_quick_third(&i, &theirs);
		assert_int_equal(seen.sa, theirs.spi_responder);
		pass(REKEY_AWAIT_MS);
		last = a.spi_gateway;
		assert_int_equal(seen.sa, last);
		// All three decrypt until the oldest is deleted; the peer may use any of the rest.
		assert_int_equal(fake_command_count(), 0);
		pass(REKEY_RETIRE_MS);
		pass(REKEY_LINGER_MS);
		assert_deleted(q.spi_responder);
		assert_int_equal(fake_command_count(), 0);
		assert_int_equal(seen.downs, 0);
		// Only one of them is renewed next.
		while (fake_sent_take())
			;
		pass(LIFETIME_MS / 10 * 9 - REKEY_RETIRE_MS - REKEY_LINGER_MS);
		assert_int_equal(fake_sent_count(), 1);
		initiator_free(&i);
	}
}

static void leaves_alone_what_the_peer_renewed(void **state)
{
	struct initiator_quick q2;

	start("198.51.100.7");
	pass(LIFETIME_MS / 2);
	quick_up(&i, &q2, 0xabcd0002);
	(void)take_add();
	pass(LIFETIME_MS / 2);
	assert_int_equal(fake_sent_count(), 0);
	assert_int_equal(fake_command_count(), 0);
	initiator_free(&i);
}

static void deletes_in_between(void **state)
{
	start("198.51.100.7");
	until_due();
	answer_all();
	// The old one, which is in use: the new one is taken at once.
	initiator_delete_esp(&i, (uint32_t[]){SPI_FIRST}, 1);
	assert_deleted(q.spi_responder);
	assert_int_equal(seen.sa, a.spi_gateway);
	assert_int_equal(seen.downs, 0);
	pass(60000);
	assert_int_equal(seen.downs, 0);
	initiator_delete_esp(&i, (uint32_t[]){SPI_SECOND}, 1);
	assert_int_equal(seen.downs, 1);
	initiator_free(&i);
}

static void deletes_the_new_one(void **state)
{
	start("198.51.100.7");
	until_due();
	answer_all();
	initiator_delete_esp(&i, (uint32_t[]){SPI_SECOND}, 1);
	assert_deleted(a.spi_gateway);
	assert_int_equal(seen.currents, 1);
	// The old one goes on and is tried again.
	for (int n = 0; n < 40; n++)
		pass(1000);
	assert_true(fake_sent_count() > 0);
	initiator_free(&i);
}

static void loses_its_ike_sa_in_between(void **state)
{
	struct initiator i2;

	start("198.51.100.7");
	until_due();
	assert_true(answerer_first(&i, &a));
	initiator_delete_isakmp(&i);
	pass(1000);
	assert_int_equal(fake_sent_count(), 0);
	assert_int_equal(seen.downs, 0);
	// It makes another: then the pair is renewed under that.
	connect_as(&i2, "198.51.100.7", PORT_IKE);
	pass(REKEY_RETRY_MAX_MS);
	a = (struct answerer){.spi = SPI_SECOND};
	assert_true(answerer_first(&i2, &a));
	initiator_free(&i);
	initiator_free(&i2);
}

static void closes_in_between(void **state)
{
	for (int step = 0; step < 3; step++) {
		fixture_teardown(state);
		fixture_setup(state);
		start("198.51.100.7");
		until_due();
		assert_true(answerer_first(&i, &a));
		fake_install_hold(step == 1);
		if (step > 0)
			answerer_second(&i, &a);
		assert_int_equal(ike_peer_close(ike, seen.peer, "closed"), 0);
		assert_int_equal(seen.downs, 1);
		fake_install_hold(false);
		fake_install_release();
		pass(60000);
		initiator_free(&i);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(jitter_is_spread),
		TEST(due_times_differ),
		TEST(renews_by_time),
		TEST(renews_again_and_again),
		TEST(renews_behind_nat_with_pfs),
		TEST(renews_under_the_newest_ike_sa),
		TEST(renews_by_bytes),
		TEST(renews_by_packets),
		TEST(renews_by_sequence_numbers),
		TEST(counts_only_where_there_is_a_limit),
		TEST(keeps_to_the_responders_lifetime),
		TEST(ends_past_a_limit),
		TEST(sends_the_first_again),
		TEST(sends_the_third_again),
		TEST(waits_for_connected),
		TEST(tries_until_the_end),
		TEST(goes_on_after_a_refusal),
		TEST(refuses_what_was_not_offered),
		TEST(ignores_a_forged_second),
		TEST(goes_on_when_the_dataplane_refuses),
		TEST(both_begin_at_once),
		TEST(leaves_alone_what_the_peer_renewed),
		TEST(deletes_in_between),
		TEST(deletes_the_new_one),
		TEST(loses_its_ike_sa_in_between),
		TEST(closes_in_between),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

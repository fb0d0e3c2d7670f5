// SPDX-License-Identifier: Apache-2.0

// How a peer of version 2 lives and goes: signs of life, Deletes, further pairs, other addresses,
// remote access.

#include "fixture.h"

#include "controlplane/ike/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct v2_initiator i;

static int start(void **state)
{
	fixture_v2_setup(state);
	v2_initiator_init(&i, ike, "198.51.100.7", PORT_IKE);
	assert_true(v2_initiator_connect(&i));
	(void)take_add();
	return 0;
}

static int finish(void **state)
{
	v2_initiator_free(&i);
	return fixture_v2_teardown(state);
}

static bool ask_nothing(void)
{
	struct v2_sealed s;

	v2_initiator_request(&i, &s, V2_INFORMATIONAL);
	return v2_initiator_ask(&i, &s);
}

static bool send_delete_of(struct v2_initiator *from, uint8_t protocol, uint32_t spi)
{
	uint8_t bytes[4];
	struct build b = build_in(bytes, sizeof(bytes));
	struct v2_sealed s;

	build_u32(&b, spi);
	v2_initiator_request(from, &s, V2_INFORMATIONAL);
	v2_put_delete(&s.out, protocol, spi ? 4 : 0, spi ? 1 : 0, bytes);
	return v2_initiator_ask(from, &s);
}

static bool send_delete(uint8_t protocol, uint32_t spi)
{
	return send_delete_of(&i, protocol, spi);
}

static void answers_signs_of_life(void **state)
{
	assert_true(ask_nothing());
	assert_int_equal(i.chain.count, 0);
	v2_initiator_again(&i);
	assert_true(v2_initiator_take(&i));
	// One that was long ago is a replay.
	assert_true(ask_nothing());
	i.next -= 2;
	assert_false(ask_nothing());
}

static void asks_a_silent_peer_and_is_content_with_an_answer(void **state)
{
	pass(config.ike.dpd_delay_ms + 1);
	assert_true(v2_initiator_take(&i));
	assert_int_equal(i.header.exchange, V2_INFORMATIONAL);
	assert_int_equal(i.header.flags, 0);
	assert_int_equal(i.chain.count, 0);
	v2_initiator_answer(&i);
	pass(config.ike.dpd_timeout_ms);
	assert_int_equal(seen.downs, 0);
	// The next one has the next number.
	pass(config.ike.dpd_delay_ms + 1);
	assert_true(v2_initiator_take(&i));
	assert_int_equal(i.header.message_id, 1);
}

static void a_peer_that_does_not_answer_is_dead(void **state)
{
	unsigned asked = 0;

	pass(config.ike.dpd_delay_ms + 1);
	for (unsigned n = 0; n < 60; n++) {
		while (v2_initiator_take(&i)) {
			assert_int_equal(i.header.message_id, 0);
			asked++;
		}
		pass(1000);
	}
	assert_int_equal(asked, 1 + config.ike.retransmit_tries);
	assert_int_equal(seen.downs, 1);
	assert_deleted(i.spi_responder);
}

static void a_pair_that_the_peer_deletes_goes(void **state)
{
	const struct v2_part *p;
	struct v2_delete d;
	struct view v;

	assert_true(send_delete(V2_PROTO_ESP, i.spi));
	p = v2_chain_find(&i.chain, V2_DELETE, 0);
	assert_non_null(p);
	assert_int_equal(v2_delete_parse(p->body, &d), 0);
	v = view_of(d.spis.at, d.spis.length);
	assert_int_equal(view_u32(&v), i.spi_responder);
	assert_deleted(i.spi_responder);
	assert_int_equal(seen.downs, 1);
	// Once more: there is nothing of that name.
	assert_true(send_delete(V2_PROTO_ESP, i.spi));
	assert_int_equal(i.chain.count, 0);
	assert_int_equal(seen.downs, 1);
}

static void the_pairs_of_an_ike_sa_go_with_it(void **state)
{
	assert_true(send_delete(V2_PROTO_IKE, 0));
	assert_int_equal(i.chain.count, 0);
	assert_int_equal(seen.downs, 1);
	assert_string_equal(seen.cause, "deleted");
	assert_deleted(i.spi_responder);
	assert_false(ask_nothing());
}

// strongSwan's reauthentication, make before break: L2TP tunnels stay.
static void a_renewed_peer_keeps_what_the_new_sa_made(void **state)
{
	struct v2_initiator again;
	uint32_t peer = seen.peer;

	v2_initiator_init(&again, ike, "198.51.100.7", PORT_IKE);
	again.spi = 0xabcd0009;
	assert_true(v2_initiator_connect(&again));
	(void)take_add();
	assert_int_equal(ike_pair_used(ike, again.spi_responder), again.spi_responder);
	assert_int_equal(seen.peer, peer);
	assert_int_equal(seen.sa, again.spi_responder);
	assert_true(send_delete(V2_PROTO_IKE, 0));
	assert_deleted(i.spi_responder);
	assert_int_equal(seen.downs, 0);
	assert_int_equal(ike_peer_sa(ike, peer), again.spi_responder);
	v2_initiator_free(&again);
}

static void initial_contact_ends_the_earlier_life(void **state)
{
	struct v2_initiator again;

	v2_initiator_init(&again, ike, "198.51.100.7", PORT_IKE);
	again.initial_contact = true;
	assert_true(v2_initiator_connect(&again));
	assert_int_equal(seen.downs, 1);
	assert_string_equal(seen.cause, "replaced");
	v2_initiator_free(&again);
}

static void tells_the_peer_when_it_is_closed(void **state)
{
	const struct v2_part *p;
	struct v2_delete d;

	assert_int_equal(ike_peer_close(ike, seen.peer, "test"), 0);
	assert_true(v2_initiator_take(&i));
	p = v2_chain_find(&i.chain, V2_DELETE, 0);
	assert_non_null(p);
	assert_int_equal(v2_delete_parse(p->body, &d), 0);
	assert_int_equal(d.protocol, V2_PROTO_IKE);
	assert_int_equal(fake_sent_count(), 0);
	assert_int_equal(seen.downs, 1);
}

static unsigned deletes_of(void)
{
	unsigned count = 0;

	while (v2_initiator_take(&i)) {
		assert_int_equal(i.header.exchange, V2_INFORMATIONAL);
		assert_non_null(v2_chain_find(&i.chain, V2_DELETE, 0));
		count++;
	}
	return count;
}

// Our Delete is sent again until it is answered; of the peer nothing is kept meanwhile.
static void deletes_until_the_peer_has_heard(void **state)
{
	struct ike_counters counters;
	struct isakmp_header asked;

	assert_int_equal(ike_peer_close(ike, seen.peer, "test"), 0);
	assert_int_equal(deletes_of(), 1);
	asked = i.header;
	assert_deleted(i.spi_responder);
	ike_counters(ike, &counters);
	assert_int_equal(counters.peers, 0);
	pass(999);
	assert_int_equal(deletes_of(), 0);
	pass(1);
	assert_int_equal(deletes_of(), 1);
	assert_int_equal(i.header.message_id, asked.message_id);
	// An answer to something else, and one that is forged, are none.
	i.header.message_id++;
	v2_initiator_answer(&i);
	i.last[i.last_length - 1] ^= 1;
	i.header.message_id--;
	v2_initiator_again(&i);
	pass(2000);
	assert_int_equal(deletes_of(), 1);
	v2_initiator_answer(&i);
	pass(60000);
	assert_int_equal(fake_sent_count(), 0);
}

static void deletes_no_oftener_than_it_asks(void **state)
{
	unsigned count = 0;

	assert_int_equal(ike_peer_close(ike, seen.peer, "test"), 0);
	for (unsigned s = 0; s < 120; s++) {
		count += deletes_of();
		pass(1000);
	}
	assert_int_equal(count, 1 + config.ike.retransmit_tries);
	assert_true(TAILQ_EMPTY(&ike->partings.all));
}

// A request of ours was under way: the peer must have heard that before the Delete.
static void deletes_after_what_is_under_way(void **state)
{
	struct v2_sealed s;

	pass(config.ike.dpd_delay_ms + 1);
	assert_int_equal(ike_peer_close(ike, seen.peer, "test"), 0);
	while (v2_initiator_take(&i))
		;
	assert_int_equal(i.header.message_id, 1);
	pass(1000);
	assert_true(v2_initiator_take(&i));
	assert_int_equal(i.header.message_id, 0);
	assert_true(v2_initiator_take(&i));
	assert_int_equal(i.header.message_id, 1);
	v2_initiator_answer_begin(&i, &s, V2_INFORMATIONAL, 0);
	v2_initiator_answer_end(&i, &s);
	pass(2000);
	assert_int_equal(deletes_of(), 1);
	v2_initiator_answer(&i);
	assert_true(TAILQ_EMPTY(&ike->partings.all));
}

// Both at once: each answers the other (RFC 7296 section 1.4.1).
static void deletes_that_meet(void **state)
{
	assert_int_equal(ike_peer_close(ike, seen.peer, "test"), 0);
	assert_int_equal(deletes_of(), 1);
	assert_true(send_delete(V2_PROTO_IKE, 0));
	assert_int_equal(i.chain.count, 0);
	v2_initiator_again(&i);
	assert_true(v2_initiator_take(&i));
	assert_int_equal(i.chain.count, 0);
	assert_int_equal(seen.downs, 1);
}

// The answer to the peer's Delete was lost.
static void answers_a_delete_again(void **state)
{
	uint8_t answer[256];
	size_t length;

	assert_true(send_delete(V2_PROTO_IKE, 0));
	length = i.raw_length;
	memcpy(answer, i.raw, length);
	for (unsigned n = 0; n < 3; n++) {
		pass(2000);
		v2_initiator_again(&i);
		assert_true(v2_initiator_take(&i));
		assert_int_equal(i.raw_length, length);
		assert_memory_equal(i.raw, answer, length);
	}
	pass(V2_PARTING_MS);
	v2_initiator_again(&i);
	assert_false(v2_initiator_take(&i));
	assert_int_equal(seen.downs, 1);
}

static void an_sa_ends_with_its_lifetime(void **state)
{
	config.ike.dpd_delay_ms = 0;
	pass((uint64_t)config.ike.lifetime_s * 1000 + LIFETIME_GRACE_MS + 1);
	assert_int_equal(seen.downs, 1);
}

static void makes_a_further_pair_with_pfs(void **state)
{
	struct command_sa_add c;

	i.spi = 0xabcd0002;
	i.pfs = IKE_ECP_256;
	assert_true(v2_initiator_child(&i));
	c = take_add();
	assert_memory_equal(c.cipher_key_in, i.keys_out, 32);
	assert_memory_equal(c.cipher_key_out, i.keys_in, 32);
	// Another group than the offer's: the peer is told which.
	i.spi = 0xabcd0003;
	i.ke_group = IKE_MODP_2048;
	assert_false(v2_initiator_child(&i));
	assert_int_equal(v2_initiator_error(&i), V2_INVALID_KE_PAYLOAD);
}

static void tells_of_an_spi_that_nobody_has(void **state)
{
	struct event_sa_unknown e = {.spi = 0x12345678,
		.local = i.flow.local,
		.remote = i.flow.remote,
		.remote_port = i.flow.remote_port};
	const struct v2_part *p;

	ike_sa_unknown(ike, &e);
	assert_true(v2_initiator_take(&i));
	p = v2_chain_find(&i.chain, V2_DELETE, 0);
	assert_non_null(p);
	assert_memory_equal(p->body.at + 4, "\x12\x34\x56\x78", 4);
	v2_initiator_answer(&i);
}

// ---- MOBIKE

static struct v2_initiator mobile;

static void mobile_start(void)
{
	config.ike.dpd_delay_ms = 0;
	v2_initiator_init(&mobile, ike, "198.51.100.20", PORT_NAT_T);
	mobile.mobike = mobile.nat = true;
	assert_true(v2_initiator_connect(&mobile));
	assert_true(v2_initiator_notified(&mobile, V2_MOBIKE_SUPPORTED));
	(void)take_add();
}

static void says_that_it_moved(const char *address, uint16_t port)
{
	uint8_t cookie[16] = {1, 2, 3};
	struct v2_sealed s;

	address_parse(address, &mobile.flow.remote);
	mobile.flow.remote_port = port;
	v2_initiator_request(&mobile, &s, V2_INFORMATIONAL);
	v2_put_status(&s.out, V2_UPDATE_SA_ADDRESSES, SPAN(NULL, 0));
	v2_put_status(&s.out, V2_COOKIE2, SPAN(cookie, sizeof(cookie)));
	assert_true(v2_initiator_ask(&mobile, &s));
	assert_true(v2_initiator_notified(&mobile, V2_COOKIE2));
	assert_int_equal(mobile.answer_flow.remote_port, port);
}

// The gateway's question at the new address; the cookie is kept for the answer.
static uint8_t asked_cookie[V2_COOKIE_MAX];

static void assert_asked_at(const char *address)
{
	struct ip_address there;
	struct v2_notify n;

	address_parse(address, &there);
	assert_true(v2_initiator_take(&mobile));
	assert_false(mobile.header.flags & V2_RESPONSE);
	assert_true(address_equal(&mobile.answer_flow.remote, &there));
	assert_true(v2_chain_notify(&mobile.chain, V2_COOKIE2, &n));
	assert_in_range(n.data.length, 8, V2_COOKIE_MAX);
	memcpy(asked_cookie, n.data.at, n.data.length);
}

static void answer_with_cookie(uint8_t change)
{
	struct v2_sealed s;

	asked_cookie[0] ^= change;
	v2_initiator_answer_begin(&mobile, &s, V2_INFORMATIONAL, mobile.header.message_id);
	v2_put_status(&s.out, V2_COOKIE2, SPAN(asked_cookie, 16));
	v2_initiator_answer_end(&mobile, &s);
}

static void assert_moved_to(const char *address, uint16_t port)
{
	const struct fake_command *c = fake_command_take();
	struct ip_address there;

	address_parse(address, &there);
	assert_non_null(c);
	assert_int_equal(c->type, COMMAND_SA_MOVE);
	assert_int_equal(c->sa_move.spi_in, mobile.spi_responder);
	assert_true(address_equal(&c->sa_move.remote, &there));
	assert_int_equal(c->sa_move.remote_port, port);
}

static void follows_a_peer_that_says_that_it_moved(void **state)
{
	mobile_start();
	says_that_it_moved("198.51.100.21", 5555);
	assert_int_equal(fake_command_count(), 0);
	assert_asked_at("198.51.100.21");
	answer_with_cookie(0);
	assert_moved_to("198.51.100.21", 5555);
	// Another port of the same address.
	says_that_it_moved("198.51.100.21", 5556);
	assert_moved_to("198.51.100.21", 5556);
	assert_int_equal(fake_sent_count(), 0);
	v2_initiator_free(&mobile);
}

// To an address where nobody answers go some small questions, and nothing of what is inside.
static void sends_no_traffic_to_an_address_that_is_not_proven(void **state)
{
	unsigned count = 0;

	mobile_start();
	says_that_it_moved("203.0.113.9", 4500);
	for (unsigned s = 0; s < 20; s++) {
		while (v2_initiator_take(&mobile)) {
			bool there = mobile.answer_flow.remote.bytes[0] == 203;

			assert_true(mobile.raw_length < 150);
			count += there;
			if (!there) {
				assert_int_equal(count, 1 + V2_CHECK_TRIES);
				v2_initiator_answer(&mobile);
			}
		}
		pass(1000);
	}
	assert_int_equal(count, 1 + V2_CHECK_TRIES);
	assert_int_equal(fake_command_count(), 0);
	assert_int_equal(seen.downs, 0);
	// It is there, where it was, and may move to where it really is.
	says_that_it_moved("198.51.100.22", 4500);
	assert_asked_at("198.51.100.22");
	answer_with_cookie(0);
	assert_moved_to("198.51.100.22", 4500);
	v2_initiator_free(&mobile);
}

static void believes_no_other_cookie(void **state)
{
	mobile_start();
	says_that_it_moved("198.51.100.21", 4500);
	assert_asked_at("198.51.100.21");
	answer_with_cookie(1);
	assert_int_equal(fake_command_count(), 0);
	// On the way back it needs no proof.
	says_that_it_moved("198.51.100.20", 4500);
	assert_moved_to("198.51.100.20", 4500);
	v2_initiator_free(&mobile);
}

// It moves on before it has answered: the late answer is about the address before.
static void moves_on_while_it_is_asked(void **state)
{
	uint32_t first;

	mobile_start();
	says_that_it_moved("198.51.100.21", 4500);
	assert_asked_at("198.51.100.21");
	first = mobile.header.message_id;
	says_that_it_moved("198.51.100.22", 4500);
	mobile.header.message_id = first;
	answer_with_cookie(0);
	assert_int_equal(fake_command_count(), 0);
	assert_asked_at("198.51.100.22");
	// Nothing is made meanwhile that would go there.
	mobile.spi = 0xabcd0002;
	assert_false(v2_initiator_child(&mobile));
	assert_int_equal(v2_initiator_error(&mobile), V2_TEMPORARY_FAILURE);
	mobile.header.message_id = first + 1;
	answer_with_cookie(0);
	mobile.spi_responder = seen.sa;
	assert_moved_to("198.51.100.22", 4500);
	v2_initiator_free(&mobile);
}

// ---- remote access

static const struct ike_access access_given = {.session = 7,
	.address4 = {.version = IP_V4, .bytes = {100, 64, 0, 9}},
	.dns = {{.version = IP_V4, .bytes = {9, 9, 9, 9}}}};

static void prepare_access(struct v2_initiator *a)
{
	config.listeners[0].remote_access = true;
	config.remote_access.psk = true;
	v2_initiator_init(a, ike, "198.51.100.30", PORT_NAT_T);
	a->tunnel = true;
	a->ts_i = a->ts_r = (struct v2_selector){.port_last = 65535};
	a->ts_i.first.version = a->ts_i.last.version = IP_V4;
	memset(a->ts_i.last.bytes, 0xff, 4);
	a->ts_r = a->ts_i;
}

static void gives_addresses_to_who_wants_no_l2tp(void **state)
{
	struct v2_initiator a;
	struct command_sa_add c;
	struct v2_cp cp;

	prepare_access(&a);
	seen.access = &access_given;
	assert_true(v2_initiator_connect(&a));
	assert_int_equal(seen.asked, 1);
	c = take_add();
	assert_int_equal(c.mode, ESP_TUNNEL);
	assert_int_equal(c.session, 7);
	assert_int_equal(a.got_i.count, 1);
	assert_true(address_equal(&a.got_i.list[0].first, &access_given.address4));
	assert_true(address_equal(&a.got_i.list[0].last, &access_given.address4));
	assert_int_equal(a.got_r.list[0].last.bytes[0], 255);
	assert_int_equal(v2_cp_parse(v2_chain_find(&a.chain, V2_CP, 0)->body, &cp), 0);
	assert_int_equal(cp.type, V2_CFG_REPLY);
	assert_int_equal(cp.attributes.length, 16);
	v2_initiator_free(&a);
}

// Make before break: the new IKE SA has the addresses of the old one, which then goes.
static void a_peer_that_authenticates_anew_keeps_its_addresses(void **state)
{
	struct v2_initiator old, new;
	struct command_sa_add c;

	prepare_access(&old);
	seen.access = &access_given;
	assert_true(v2_initiator_connect(&old));
	(void)take_add();
	prepare_access(&new);
	new.spi = 0xabcd0009;
	seen.access = NULL; // nobody is asked again
	assert_true(v2_initiator_connect(&new));
	assert_int_equal(seen.asked, 1);
	c = take_add();
	assert_int_equal(c.session, 7);
	assert_true(address_equal(&new.got_i.list[0].first, &access_given.address4));
	assert_int_equal(ike_pair_used(ike, new.spi_responder), new.spi_responder);
	assert_true(send_delete_of(&old, V2_PROTO_IKE, 0));
	assert_deleted(old.spi_responder);
	assert_int_equal(seen.downs, 0);
	v2_initiator_free(&old);
	v2_initiator_free(&new);
}

static void refuses_access_that_is_not_given(void **state)
{
	struct v2_initiator a;

	prepare_access(&a);
	seen.access = NULL;
	assert_false(v2_initiator_connect(&a));
	assert_int_equal(v2_initiator_error(&a), V2_INTERNAL_ADDRESS_FAILURE);
	v2_initiator_free(&a);
	prepare_access(&a);
	config.listeners[0].remote_access = false;
	assert_false(v2_initiator_connect(&a));
	assert_int_equal(v2_initiator_error(&a), V2_TS_UNACCEPTABLE);
	v2_initiator_free(&a);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, start, finish)
	const struct CMUnitTest tests[] = {
		CASE(answers_signs_of_life),
		CASE(asks_a_silent_peer_and_is_content_with_an_answer),
		CASE(a_peer_that_does_not_answer_is_dead),
		CASE(a_pair_that_the_peer_deletes_goes),
		CASE(the_pairs_of_an_ike_sa_go_with_it),
		CASE(a_renewed_peer_keeps_what_the_new_sa_made),
		CASE(initial_contact_ends_the_earlier_life),
		CASE(tells_the_peer_when_it_is_closed),
		CASE(deletes_until_the_peer_has_heard),
		CASE(deletes_no_oftener_than_it_asks),
		CASE(deletes_after_what_is_under_way),
		CASE(deletes_that_meet),
		CASE(answers_a_delete_again),
		CASE(an_sa_ends_with_its_lifetime),
		CASE(makes_a_further_pair_with_pfs),
		CASE(tells_of_an_spi_that_nobody_has),
		CASE(follows_a_peer_that_says_that_it_moved),
		CASE(sends_no_traffic_to_an_address_that_is_not_proven),
		CASE(believes_no_other_cookie),
		CASE(moves_on_while_it_is_asked),
		CASE(gives_addresses_to_who_wants_no_l2tp),
		CASE(a_peer_that_authenticates_anew_keeps_its_addresses),
		CASE(refuses_access_that_is_not_given),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

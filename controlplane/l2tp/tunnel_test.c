// SPDX-License-Identifier: Apache-2.0

// Tunnels over the fakes, against a small LAC.

#include "admission.h"
#include "digest.h"
#include "test_endpoint.h"
#include "tunnel.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// SCCRP and ICRP wait for the dataplane; what the peer sends again meanwhile changes nothing.
static void test_waits_for_the_dataplane(void **state)
{
	struct lac lac;
	struct lac_heard heard;
	struct build b;

	fake_install_hold(true);
	lac_open(&lac, l2tp, PEER, SA, 41);
	b = lac_sccrq(&lac);
	lac_send(&lac, &b);
	lac_again(&lac);
	command(COMMAND_TUNNEL_ADD);
	no_commands();
	hear_nothing(&lac);
	fake_install_release();
	hear(&lac, MESSAGE_SCCRP, &heard);
	b = lac_begin(&lac, 0, MESSAGE_SCCCN);
	lac_send(&lac, &b);
	lac_icrq(&lac, 9);
	lac_again(&lac);
	command(COMMAND_SESSION_ADD);
	no_commands();
	hear_nothing(&lac);
	fake_install_release();
	hear(&lac, MESSAGE_ICRP, &heard);
	hear_nothing(&lac);
	fake_install_hold(false);
	assert_int_equal(counters().tunnels, 1);
}

static void test_sccrq_again_is_acknowledged(void **state)
{
	struct lac lac;
	struct lac_heard heard;
	struct build b;

	lac_open(&lac, l2tp, PEER, SA, 41);
	b = lac_sccrq(&lac);
	lac_send(&lac, &b);
	command(COMMAND_TUNNEL_ADD);
	hear(&lac, MESSAGE_SCCRP, &heard);
	lac_again(&lac);
	no_commands();
	assert_true(lac_hear(&lac, &heard));
	assert_int_equal(heard.m.type, MESSAGE_TYPE_NONE);
	assert_int_equal(heard.header.nr, 1);
	assert_int_equal(counters().tunnels, 1);
}

static void test_dataplane_refuses_tunnel(void **state)
{
	struct lac lac;
	struct build b;

	fake_install_answer(-ENOSPC);
	lac_open(&lac, l2tp, PEER, SA, 41);
	b = lac_sccrq(&lac);
	lac_send(&lac, &b);
	command(COMMAND_TUNNEL_ADD);
	hear_stop(&lac, STOP_ERROR, ERROR_RESOURCES);
	// Nothing was installed, so nothing is deleted.
	pass(60000);
	no_commands();
	assert_int_equal(counters().tunnels, 0);
	assert_int_equal(counters().tunnels_refused, 1);
}

static void refuse_sccrq(struct build *b, struct lac *lac, uint16_t result, uint16_t error)
{
	lac_send(lac, b);
	hear_stop(lac, result, error);
	no_commands();
	assert_int_equal(counters().tunnels, 0);
	lac->nr = 1;
	lac_again(lac);
}

static void test_sccrq_refusals(void **state)
{
	struct lac lac;
	struct build b;

	lac_open(&lac, l2tp, PEER, SA, 1);
	b = lac_sccrq(&lac);
	wire_avp_u16(&b, 4711, true, 0);
	refuse_sccrq(&b, &lac, STOP_ERROR, ERROR_UNKNOWN_AVP);

	lac_open(&lac, l2tp, PEER, SA, 2);
	b = lac_sccrq(&lac);
	wire_avp_u32(&b, AVP_BEARER_CAPABILITIES, true, 0);
	wire_avp_bytes(&b, AVP_TIE_BREAKER, true, "12345", 5);
	refuse_sccrq(&b, &lac, STOP_ERROR, ERROR_LENGTH);

	lac_open(&lac, l2tp, PEER, SA, 3);
	b = lac_begin(&lac, 0, MESSAGE_SCCRQ);
	wire_avp_u16(&b, AVP_PROTOCOL_VERSION, true, 0x0200);
	wire_avp_u16(&b, AVP_ASSIGNED_TUNNEL, true, 3);
	refuse_sccrq(&b, &lac, STOP_VERSION, 0x0100);

	lac_open(&lac, l2tp, PEER, SA, 4);
	b = lac_begin(&lac, 0, MESSAGE_SCCRQ);
	wire_avp_u16(&b, AVP_PROTOCOL_VERSION, true, 0x0100);
	wire_avp_u16(&b, AVP_ASSIGNED_TUNNEL, true, 4);
	refuse_sccrq(&b, &lac, STOP_ERROR, ERROR_VALUE);

	lac_open(&lac, l2tp, PEER, SA, 5);
	b = lac_sccrq(&lac);
	wire_avp_bytes(&b, AVP_CHALLENGE, true, "challenge", 9);
	refuse_sccrq(&b, &lac, STOP_UNAUTHORIZED, 0);
	assert_int_equal(counters().tunnels_refused, 5);
}

// Optional AVPs that nobody knows, and extensions that the table knows, end nothing.
static void test_unknown_optional(void **state)
{
	struct lac lac;
	struct lac_heard heard;
	struct build b;

	lac_open(&lac, l2tp, PEER, SA, 41);
	b = lac_sccrq(&lac);
	wire_avp_u16(&b, 4711, false, 0);
	wire_avp_u32(&b, AVP_FAILOVER_CAPABILITY, true, 0);
	wire_avp_bytes(&b, AVP_TIE_BREAKER, false, "12345678", 8);
	lac_send(&lac, &b);
	hear(&lac, MESSAGE_SCCRP, &heard);
}

static void test_cannot_be_answered(void **state)
{
	struct lac lac;
	struct build b;

	lac_open(&lac, l2tp, PEER, SA, 0);
	b = lac_sccrq(&lac);
	lac_send(&lac, &b);
	lac_open(&lac, l2tp, PEER, SA, 3);
	lac.ns = 1;
	b = lac_sccrq(&lac);
	lac_send(&lac, &b);
	b = lac_begin(&lac, 0, MESSAGE_HELLO);
	lac_send(&lac, &b);
	lac_zlb(&lac);
	l2tp_input(l2tp, &lac.from, (const uint8_t *)"\xc8\x03", 2);
	l2tp_input(l2tp, &lac.from, NULL, 0);
	hear_nothing(&lac);
	no_commands();
	assert_int_equal(counters().invalid, 6);
}

static void test_clear_is_refused(void **state)
{
	struct lac lac;
	struct build b;

	lac_open(&lac, l2tp, 0, 0, 41);
	b = lac_sccrq(&lac);
	lac_send(&lac, &b);
	no_commands();
	hear_nothing(&lac);
	assert_int_equal(counters().clear_refused, 1);
	config.listeners[0].clear_l2tp = true;
	lac_again(&lac);
	assert_int_equal(command(COMMAND_TUNNEL_ADD)->tunnel_add.sa, 0);
	// Only the port that the tunnel was opened from speaks for it.
	struct lac_heard heard;
	hear(&lac, MESSAGE_SCCRP, &heard);
	lac.from.flow.remote_port = 1702;
	b = lac_begin(&lac, 0, MESSAGE_SCCCN);
	lac_send(&lac, &b);
	assert_int_equal(counters().foreign, 1);
	lac.from.flow.remote_port = PORT_L2TP;
	lac_again(&lac);
	session_up_on(&lac, 3);
	assert_int_equal(up.peer, 0);
}

static void test_bound_to_the_peer(void **state)
{
	struct lac lac, thief;
	struct build b;

	tunnel_up(&lac);
	thief = lac;
	thief.from.peer = OTHER_PEER;
	b = lac_begin(&thief, 0, MESSAGE_STOPCCN);
	wire_avp_result(&b, STOP_REQUEST, 0, NULL);
	wire_avp_u16(&b, AVP_ASSIGNED_TUNNEL, true, 41);
	lac_send(&thief, &b);
	thief.from.peer = 0;
	config.listeners[0].clear_l2tp = true;
	lac_again(&thief);
	assert_int_equal(counters().foreign, 2);
	no_commands();
	// The same peer from another address, on another pair, still is the peer; answers leave
	// through the tunnel's pair.
	lac.from.flow.remote = address_v4((const uint8_t[]){203, 0, 113, 5});
	lac.from.sa = SA_NEW;
	lac_icrq(&lac, 9);
	struct lac_heard heard;
	hear(&lac, MESSAGE_ICRP, &heard);
	assert_int_equal(heard.sa, SA);
	assert_true(address_equal(&heard.flow.remote, &lac.from.flow.remote));
	// Another peer behind the same address may use the same tunnel id of its own.
	lac_open(&thief, l2tp, OTHER_PEER, SA_NEW, 41);
	command(COMMAND_SESSION_ADD);
	lac_tunnel_up(&thief);
	command(COMMAND_TUNNEL_ADD);
	session_up_on(&thief, 9);
	assert_int_equal(counters().tunnels, 2);
	assert_int_equal(up.peer, OTHER_PEER);
}

static void test_peer_sa(void **state)
{
	const struct fake_command *c;
	struct lac lac;
	struct lac_heard heard;

	tunnel_up(&lac);
	l2tp_peer_sa(l2tp, OTHER_PEER, SA_NEW);
	l2tp_peer_sa(l2tp, PEER, SA);
	no_commands();
	l2tp_peer_sa(l2tp, PEER, SA_NEW);
	c = command(COMMAND_TUNNEL_SET_SA);
	assert_int_equal(c->tunnel_set_sa.tunnel, lac.peer_tunnel);
	assert_int_equal(c->tunnel_set_sa.sa, SA_NEW);
	lac_icrq(&lac, 9);
	hear(&lac, MESSAGE_ICRP, &heard);
	assert_int_equal(heard.sa, SA_NEW);
	command(COMMAND_SESSION_ADD);
	// A full ring delays the command.
	fake_install_full(true);
	l2tp_peer_sa(l2tp, PEER, SA);
	pass(100);
	no_commands();
	fake_install_full(false);
	pass(100);
	command(COMMAND_TUNNEL_SET_SA);
	pass(200);
	no_commands();
}

static void test_peer_down(void **state)
{
	struct lac lac;

	tunnel_up(&lac);
	session_up_on(&lac, 9);
	lac_icrq(&lac, 10);
	command(COMMAND_SESSION_ADD);
	while (fake_sent_take())
		;
	l2tp_peer_down(l2tp, PEER, "dead");
	assert_int_equal(down_count, 1);
	assert_string_equal(down_cause, "dead");
	command(COMMAND_TUNNEL_DELETE);
	no_commands();
	pass(60000);
	no_commands();
	assert_int_equal(fake_sent_count(), 0);
	assert_int_equal(counters().tunnels, 0);
	assert_int_equal(counters().sessions, 0);
}

// A client that vanished, kept its IKE peer, and dials in under another tunnel id.
static void test_client_begins_anew_under_another_id(void **state)
{
	struct lac old, new;

	tunnel_up(&old);
	session_up_on(&old, 9);
	while (fake_sent_take())
		;
	lac_open(&new, l2tp, PEER, SA, 42);
	lac_tunnel_up(&new);
	pass(3000);
	assert_int_equal(down_count, 0);
	while (fake_command_take())
		;
	pass(1000);
	assert_int_equal(down_count, 1);
	assert_int_equal(command(COMMAND_TUNNEL_DELETE)->tunnel_delete.tunnel, old.peer_tunnel);
	assert_int_equal(counters().tunnels, 1);
}

static void test_peer_has_several_tunnels(void **state)
{
	struct lac first, second;
	struct build b;

	tunnel_up(&first);
	while (fake_sent_take())
		;
	lac_open(&second, l2tp, PEER, SA, 42);
	b = lac_sccrq(&second);
	lac_send(&second, &b);
	first.nr++; // the HELLO
	lac_zlb(&first);
	pass(10000);
	assert_int_equal(counters().tunnels, 2);
}

static void test_peer_down_while_installing(void **state)
{
	struct lac lac;
	struct build b;

	fake_install_hold(true);
	lac_open(&lac, l2tp, PEER, SA, 41);
	b = lac_sccrq(&lac);
	lac_send(&lac, &b);
	command(COMMAND_TUNNEL_ADD);
	l2tp_peer_down(l2tp, PEER, "dead");
	command(COMMAND_TUNNEL_DELETE);
	fake_install_release();
	pass(1000);
	no_commands();
	hear_nothing(&lac);
	fake_install_hold(false);
}

static void test_peer_stops(void **state)
{
	struct lac lac;
	struct lac_heard heard;
	struct build b;

	tunnel_up(&lac);
	session_up_on(&lac, 9);
	b = lac_begin(&lac, 0, MESSAGE_STOPCCN);
	wire_avp_u16(&b, AVP_ASSIGNED_TUNNEL, true, 41);
	wire_avp_result(&b, STOP_SHUTDOWN, 0, "good night");
	lac_send(&lac, &b);
	assert_int_equal(down_count, 1);
	assert_non_null(strstr(down_cause, "good night"));
	command(COMMAND_TUNNEL_DELETE);
	// Acknowledged at once, and again for as long as the peer may send it again.
	assert_true(lac_hear(&lac, &heard));
	assert_int_equal(heard.header.nr, 5);
	pass(20000);
	assert_false(lac_hear(&lac, &heard));
	lac_again(&lac);
	assert_true(lac_hear(&lac, &heard));
	assert_int_equal(heard.header.nr, 5);
	pass(20000);
	lac_again(&lac);
	assert_false(lac_hear(&lac, &heard));
	assert_int_equal(counters().invalid, 1);
	no_commands();
	assert_int_equal(counters().tunnels, 0);
}

// A client gives up before it has heard our tunnel id.
static void test_peer_stops_before_sccrp(void **state)
{
	struct lac lac;
	struct build b;

	fake_install_hold(true);
	lac_open(&lac, l2tp, PEER, SA, 41);
	b = lac_sccrq(&lac);
	lac_send(&lac, &b);
	command(COMMAND_TUNNEL_ADD);
	b = lac_begin(&lac, 0, MESSAGE_STOPCCN);
	wire_avp_u16(&b, AVP_ASSIGNED_TUNNEL, true, 41);
	wire_avp_result(&b, STOP_REQUEST, 0, NULL);
	lac_send(&lac, &b);
	command(COMMAND_TUNNEL_DELETE);
	fake_install_release();
	hear_nothing(&lac);
	fake_install_hold(false);
}

static void test_we_stop(void **state)
{
	struct lac lac;
	struct lac_heard heard;
	uint16_t id;

	tunnel_up(&lac);
	session_up_on(&lac, 9);
	id = lac.peer_tunnel;
	assert_int_equal(l2tp_tunnel_close(l2tp, id, STOP_SHUTDOWN, "maintenance"), 0);
	assert_int_equal(l2tp_tunnel_close(l2tp, id, STOP_SHUTDOWN, "maintenance"), -ENOENT);
	assert_int_equal(down_count, 1);
	command(COMMAND_TUNNEL_DELETE);
	hear_stop(&lac, STOP_SHUTDOWN, 0);
	// Sent again until it is acknowledged.
	pass(1100);
	lac.nr--;
	hear(&lac, MESSAGE_STOPCCN, &heard);
	assert_int_equal(counters().retransmits, 1);
	lac_zlb(&lac);
	pass(60000);
	hear_nothing(&lac);
	no_commands();
}

static void test_out_of_turn(void **state)
{
	struct lac lac;
	struct build b;

	tunnel_up(&lac);
	session_up_on(&lac, 8);
	b = lac_begin(&lac, 0, MESSAGE_SCCRP);
	lac_send(&lac, &b);
	hear_stop(&lac, STOP_FSM, 0);
	command(COMMAND_TUNNEL_DELETE);
	assert_int_equal(down_count, 1);
}

static void test_unknown_message_type(void **state)
{
	struct lac lac;
	struct build b;

	tunnel_up(&lac);
	b = lac_begin(&lac, 0, 99);
	b.start[WIRE_HEADER] &= 0x7f;
	lac_send(&lac, &b);
	hear_nothing(&lac);
	b = lac_begin(&lac, 0, 99);
	lac_send(&lac, &b);
	hear_stop(&lac, STOP_ERROR, ERROR_UNKNOWN_AVP);
}

static void test_client_restarts(void **state)
{
	struct lac lac, again;
	struct build b;
	uint16_t old;

	tunnel_up(&lac);
	session_up_on(&lac, 9);
	old = lac.peer_tunnel;
	// The same SCCRQ right behind is a stray of the network.
	lac_open(&again, l2tp, PEER, SA, 41);
	b = lac_sccrq(&again);
	lac_send(&again, &b);
	no_commands();
	hear_nothing(&again);
	pass(5000);
	while (fake_sent_take())
		;
	lac_again(&again);
	assert_int_equal(down_count, 1);
	assert_int_equal(command(COMMAND_TUNNEL_DELETE)->tunnel_delete.tunnel, old);
	assert_int_not_equal(command(COMMAND_TUNNEL_ADD)->tunnel_add.tunnel, old);
	struct lac_heard heard;
	hear(&again, MESSAGE_SCCRP, &heard);
	// One that differs cannot be a stray.
	lac_open(&lac, l2tp, PEER, SA, 41);
	b = lac_sccrq(&lac);
	wire_avp_u16(&b, AVP_FIRMWARE_REVISION, false, 2);
	lac_send(&lac, &b);
	command(COMMAND_TUNNEL_DELETE);
	command(COMMAND_TUNNEL_ADD);
	hear(&lac, MESSAGE_SCCRP, &heard);
	assert_int_equal(counters().tunnels, 1);
}

static void test_authentication(void **state)
{
	struct lac lac;
	struct lac_heard heard;
	struct build b;
	uint8_t response[16];

	strcpy(config.l2tp.secret, "tunnel secret");
	config.l2tp.secret_length = 13;
	for (int good = 1; good >= 0; good--) {
		lac_open(&lac, l2tp, PEER + good, SA, 40 + good);
		b = lac_sccrq(&lac);
		wire_avp_bytes(&b, AVP_CHALLENGE, true, "who are you", 11);
		lac_send(&lac, &b);
		command(COMMAND_TUNNEL_ADD);
		hear(&lac, MESSAGE_SCCRP, &heard);
		digest_response(MESSAGE_SCCRP, "tunnel secret", 13, "who are you", 11, response);
		assert_memory_equal(heard.m.challenge_response.at, response, 16);
		assert_int_equal(heard.m.challenge.length, 16);
		digest_response(MESSAGE_SCCCN, "tunnel secret", 13 - !good, heard.m.challenge.at,
			16, response);
		b = lac_begin(&lac, 0, MESSAGE_SCCCN);
		wire_avp_bytes(&b, AVP_CHALLENGE_RESPONSE, true, response, 16);
		lac_send(&lac, &b);
		if (good)
			session_up_on(&lac, 3);
	}
	hear_stop(&lac, STOP_UNAUTHORIZED, 0);
	command(COMMAND_TUNNEL_DELETE);
	assert_int_equal(counters().tunnels_refused, 1);
	// A peer that does not answer the challenge at all.
	lac_open(&lac, l2tp, PEER + 2, SA, 44);
	lac_tunnel_up(&lac);
	hear_stop(&lac, STOP_UNAUTHORIZED, 0);
}

static void test_hello(void **state)
{
	struct lac lac;
	struct lac_heard heard;

	tunnel_up(&lac);
	session_up_on(&lac, 9);
	pass(59000);
	hear_nothing(&lac);
	pass(1500);
	hear(&lac, MESSAGE_HELLO, &heard);
	lac_zlb(&lac);
	pass(59000);
	hear_nothing(&lac);
	pass(1500);
	hear(&lac, MESSAGE_HELLO, &heard);
	// No answer any more: 1 + 2 + 4 + 8 + 8 + 8 seconds.
	pass(29000);
	assert_int_equal(down_count, 0);
	pass(2000);
	assert_int_equal(down_count, 1);
	command(COMMAND_TUNNEL_DELETE);
	no_commands();
}

static void test_answers_hello(void **state)
{
	struct lac lac;
	struct lac_heard heard;
	struct build b;

	tunnel_up(&lac);
	pass(50);
	while (fake_sent_take())
		;
	b = lac_begin(&lac, 0, MESSAGE_HELLO);
	lac_send(&lac, &b);
	pass(50);
	assert_true(lac_hear(&lac, &heard));
	assert_int_equal(heard.m.type, MESSAGE_TYPE_NONE);
	assert_int_equal(heard.header.nr, 3);
}

static void test_setup_expires(void **state)
{
	struct lac lac;
	struct lac_heard heard;
	struct build b;

	lac_open(&lac, l2tp, PEER, SA, 41);
	b = lac_sccrq(&lac);
	lac_send(&lac, &b);
	command(COMMAND_TUNNEL_ADD);
	hear(&lac, MESSAGE_SCCRP, &heard);
	lac_zlb(&lac);
	pass(TUNNEL_SETUP_MS + 100);
	hear_stop(&lac, STOP_REQUEST, 0);
	command(COMMAND_TUNNEL_DELETE);
}

// One peer cannot use up the tunnels of all.
static void test_tunnels_of_one_peer(void **state)
{
	struct lac lac;

	for (unsigned i = 1; i <= ADMISSION_TUNNELS; i++) {
		lac_open(&lac, l2tp, PEER, SA, i);
		lac_tunnel_up(&lac);
		command(COMMAND_TUNNEL_ADD);
	}
	while (fake_sent_take())
		;
	lac_open(&lac, l2tp, PEER, SA, 999);
	lac_tunnel_up(&lac);
	no_commands();
	assert_int_equal(counters().tunnels_refused, 1);
	lac_open(&lac, l2tp, OTHER_PEER, SA_NEW, 999);
	lac_tunnel_up(&lac);
	command(COMMAND_TUNNEL_ADD);
	assert_int_equal(counters().tunnels, ADMISSION_TUNNELS + 1);
}

static void test_close_all(void **state)
{
	struct lac lac, other;

	tunnel_up(&lac);
	session_up_on(&lac, 9);
	lac_open(&other, l2tp, OTHER_PEER, SA_NEW, 41);
	lac_tunnel_up(&other);
	command(COMMAND_TUNNEL_ADD);
	l2tp_close_all(l2tp, "shutting down");
	command(COMMAND_TUNNEL_DELETE);
	command(COMMAND_TUNNEL_DELETE);
	assert_int_equal(down_count, 1);
	assert_int_equal(counters().tunnels, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_waits_for_the_dataplane),
		TEST(test_sccrq_again_is_acknowledged),
		TEST(test_dataplane_refuses_tunnel),
		TEST(test_sccrq_refusals),
		TEST(test_unknown_optional),
		TEST(test_cannot_be_answered),
		TEST(test_clear_is_refused),
		TEST(test_bound_to_the_peer),
		TEST(test_peer_sa),
		TEST(test_peer_down),
		TEST(test_peer_down_while_installing),
		TEST(test_peer_stops),
		TEST(test_peer_stops_before_sccrp),
		TEST(test_we_stop),
		TEST(test_out_of_turn),
		TEST(test_unknown_message_type),
		TEST(test_client_restarts),
		TEST(test_client_begins_anew_under_another_id),
		TEST(test_peer_has_several_tunnels),
		TEST(test_authentication),
		TEST(test_hello),
		TEST(test_answers_hello),
		TEST(test_setup_expires),
		TEST(test_tunnels_of_one_peer),
		TEST(test_close_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

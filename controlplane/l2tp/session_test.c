// SPDX-License-Identifier: Apache-2.0

// Sessions over the fakes, against a small LAC.

#include "test_endpoint.h"
#include "tunnel.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_from_sccrq_to_iccn(void **state)
{
	const struct fake_command *c;
	struct lac lac;
	struct lac_heard heard;
	struct build b;
	uint16_t session;

	lac_open(&lac, l2tp, PEER, SA, 41);
	b = lac_sccrq(&lac);
	lac_send(&lac, &b);
	c = command(COMMAND_TUNNEL_ADD);
	assert_int_equal(c->tunnel_add.peer_tunnel, 41);
	assert_int_equal(c->tunnel_add.peer, PEER);
	assert_int_equal(c->tunnel_add.sa, SA);
	hear(&lac, MESSAGE_SCCRP, &heard);
	assert_int_equal(heard.sa, SA);
	assert_int_equal(heard.header.ns, 0);
	assert_int_equal(heard.header.nr, 1);
	assert_int_equal(heard.m.version, 0x0100);
	assert_int_equal(heard.m.receive_window, 8);
	assert_memory_equal(heard.m.host_name.at, "lns.example", 11);
	assert_int_equal(heard.m.assigned_tunnel, c->tunnel_add.tunnel);
	b = lac_begin(&lac, 0, MESSAGE_SCCCN);
	lac_send(&lac, &b);
	lac_icrq(&lac, 9);
	c = command(COMMAND_SESSION_ADD);
	assert_int_equal(c->session_add.peer_session, 9);
	assert_int_equal(c->session_add.sequencing, 0);
	session = c->session_add.session_id;
	hear(&lac, MESSAGE_ICRP, &heard);
	assert_int_equal(heard.header.session, 9);
	assert_int_equal(heard.header.nr, 3);
	assert_int_equal(heard.m.assigned_session, session);
	assert_int_equal(up_count, 0);
	lac_iccn(&lac, session, false);
	assert_int_equal(up_count, 1);
	assert_int_equal(up.session, c->session_add.session);
	assert_int_equal(up.session_id, session);
	assert_int_equal(up.peer_session, 9);
	assert_int_equal(up.peer, PEER);
	assert_int_equal(up.serial, 77);
	assert_int_equal(up.tx_speed, 10000000);
	assert_int_equal(up.rx_speed, 10000000);
	assert_string_equal(up.calling, "5550100");
	assert_string_equal(up.host_name, "lac");
	assert_string_equal(up.state, "established");
	no_commands();
	// ICCN is acknowledged without a message to ride on.
	hear_nothing(&lac);
	pass(CHANNEL_ACK_MS);
	assert_true(lac_hear(&lac, &heard));
	assert_int_equal(heard.header.nr, 4);
	assert_int_equal(counters().tunnels, 1);
	assert_int_equal(counters().sessions, 1);
}

static void test_dataplane_refuses_session(void **state)
{
	struct lac lac;

	tunnel_up(&lac);
	fake_install_answer(-ENOSPC);
	lac_icrq(&lac, 9);
	command(COMMAND_SESSION_ADD);
	hear_cdn(&lac, 9, CDN_ERROR, ERROR_RESOURCES);
	no_commands();
	fake_install_answer(0);
	fake_install_full(true);
	lac_icrq(&lac, 10);
	hear_cdn(&lac, 10, CDN_ERROR, ERROR_RESOURCES);
	fake_install_full(false);
	lac_zlb(&lac);
	pass(1000);
	no_commands();
	assert_int_equal(counters().sessions_refused, 2);
	assert_int_equal(counters().sessions, 0);
	assert_int_equal(up_count + down_count, 0);
	session_up_on(&lac, 11);
	assert_int_equal(up_count, 1);
}

static void test_full_ring_delays_delete(void **state)
{
	struct lac lac;

	tunnel_up(&lac);
	session_up_on(&lac, 9);
	fake_install_full(true);
	l2tp_session_close(l2tp, up.session, CDN_ADMIN, "bye");
	l2tp_peer_down(l2tp, PEER, "dead");
	pass(100);
	no_commands();
	fake_install_full(false);
	pass(100);
	command(COMMAND_SESSION_DELETE);
	command(COMMAND_TUNNEL_DELETE);
	pass(100);
	no_commands();
}

static void test_session_close(void **state)
{
	struct lac lac;
	uint32_t index;

	tunnel_up(&lac);
	session_up_on(&lac, 9);
	index = up.session;
	assert_int_equal(l2tp_session_close(l2tp, index, CDN_ADMIN, "disconnected"), 0);
	assert_int_equal(l2tp_session_close(l2tp, index, CDN_ADMIN, "disconnected"), -ENOENT);
	assert_int_equal(command(COMMAND_SESSION_DELETE)->session_delete.session, index);
	hear_cdn(&lac, 9, CDN_ADMIN, 0);
	assert_int_equal(down_count, 0);
	no_commands();
	close_when_up = true;
	lac_zlb(&lac);
	lac_session_up(&lac, 10);
	assert_int_equal(up_count, 2);
	hear_cdn(&lac, 10, CDN_ADMIN, 0);
	assert_int_equal(counters().sessions, 0);
}

static void test_peer_ends_session(void **state)
{
	struct lac lac;
	struct build b;
	uint16_t id;

	tunnel_up(&lac);
	id = session_up_on(&lac, 9);
	b = lac_begin(&lac, id, MESSAGE_CDN);
	wire_avp_result(&b, 1, 0, NULL);
	wire_avp_u16(&b, AVP_ASSIGNED_SESSION, true, 9);
	wire_avp_bytes(&b, AVP_DISCONNECT_CAUSE, false, "\0\3\xc0\x21\1idle", 9);
	lac_send(&lac, &b);
	assert_int_equal(down_count, 1);
	assert_int_equal(down_session, up.session);
	assert_non_null(strstr(down_cause, "PPP cause 3 of protocol 0xc021"));
	assert_non_null(strstr(down_cause, "idle"));
	command(COMMAND_SESSION_DELETE);
	// One that has not learnt our id, before ICRP arrived.
	lac_icrq(&lac, 10);
	command(COMMAND_SESSION_ADD);
	b = lac_begin(&lac, 0, MESSAGE_CDN);
	wire_avp_result(&b, 1, 0, NULL);
	wire_avp_u16(&b, AVP_ASSIGNED_SESSION, true, 10);
	lac_send(&lac, &b);
	command(COMMAND_SESSION_DELETE);
	assert_int_equal(down_count, 1);
	no_commands();
}

static void test_session_refusals(void **state)
{
	struct lac lac;
	struct build b;
	uint16_t id;

	tunnel_up(&lac);
	b = lac_begin(&lac, 0, MESSAGE_OCRQ);
	wire_avp_u16(&b, AVP_ASSIGNED_SESSION, true, 5);
	lac_send(&lac, &b);
	hear_cdn(&lac, 5, CDN_NO_FACILITIES, 0);
	b = lac_begin(&lac, 17, MESSAGE_OCRP);
	wire_avp_u16(&b, AVP_ASSIGNED_SESSION, true, 6);
	lac_send(&lac, &b);
	hear_cdn(&lac, 6, CDN_ERROR, ERROR_SESSION);
	b = lac_begin(&lac, 0, MESSAGE_ICRQ);
	wire_avp_u16(&b, AVP_ASSIGNED_SESSION, true, 7);
	wire_avp_u16(&b, 4711, true, 0);
	lac_send(&lac, &b);
	hear_cdn(&lac, 7, CDN_ERROR, ERROR_UNKNOWN_AVP);
	no_commands();
	id = session_up_on(&lac, 8);
	// WEN and SLI are taken; an unknown mandatory AVP in one ends its session alone.
	b = lac_begin(&lac, id, MESSAGE_WEN);
	wire_avp_bytes(&b, AVP_CALL_ERRORS, true, "01234567890123456789012345", 26);
	lac_send(&lac, &b);
	b = lac_begin(&lac, id, MESSAGE_SLI);
	wire_avp_bytes(&b, AVP_ACCM, true, "0123456789", 10);
	lac_send(&lac, &b);
	hear_nothing(&lac);
	b = lac_begin(&lac, id, MESSAGE_SLI);
	wire_avp_u16(&b, 4711, true, 0);
	lac_send(&lac, &b);
	hear_cdn(&lac, 8, CDN_ERROR, ERROR_UNKNOWN_AVP);
	command(COMMAND_SESSION_DELETE);
	assert_int_equal(down_count, 1);
	assert_int_equal(counters().tunnels, 1);
}

static void test_sequencing_required(void **state)
{
	struct lac lac;
	struct lac_heard heard;
	const struct fake_command *c;

	tunnel_up(&lac);
	lac_icrq(&lac, 9);
	command(COMMAND_SESSION_ADD);
	hear(&lac, MESSAGE_ICRP, &heard);
	fake_install_hold(true);
	lac_iccn(&lac, heard.m.assigned_session, true);
	command(COMMAND_SESSION_DELETE);
	c = command(COMMAND_SESSION_ADD);
	assert_int_equal(c->session_add.sequencing, 1);
	assert_int_equal(up_count, 0);
	fake_install_release();
	assert_int_equal(up_count, 1);
	assert_true(up.sequencing_required);
	fake_install_hold(false);
}

// What a LAC that has spoken LCP and seen the answer to its challenge tells, cut where it is long.
static void test_proxy(void **state)
{
	static const uint8_t name[300] = "subscriber@example";
	struct lac lac;
	struct lac_heard heard;
	struct build b;

	tunnel_up(&lac);
	lac_icrq(&lac, 9);
	hear(&lac, MESSAGE_ICRP, &heard);
	b = lac_begin(&lac, heard.m.assigned_session, MESSAGE_ICCN);
	wire_avp_u32(&b, AVP_TX_SPEED, true, 1000);
	wire_avp_u32(&b, AVP_RX_SPEED, false, 2000);
	wire_avp_u32(&b, AVP_FRAMING_TYPE, true, 2);
	wire_avp_bytes(&b, AVP_LCP_FIRST_RECEIVED, false, "\1\4\5\xd4", 4);
	wire_avp_bytes(&b, AVP_LCP_LAST_SENT, false, "\3\4\xc0\x23", 4);
	wire_avp_bytes(&b, AVP_LCP_LAST_RECEIVED, false, "\1\4\5\xdc", 4);
	wire_avp_u16(&b, AVP_PROXY_AUTH_TYPE, false, 2);
	wire_avp_bytes(&b, AVP_PROXY_AUTH_NAME, false, name, sizeof(name));
	wire_avp_bytes(&b, AVP_PROXY_AUTH_CHALLENGE, false, "challenge", 9);
	wire_avp_u16(&b, AVP_PROXY_AUTH_ID, false, 5);
	wire_avp_bytes(&b, AVP_PROXY_AUTH_RESPONSE, false, "response", 8);
	wire_avp_bytes(&b, AVP_PRIVATE_GROUP, false, "group", 5);
	lac_send(&lac, &b);
	assert_int_equal(up_count, 1);
	assert_int_equal(up.tx_speed, 1000);
	assert_int_equal(up.rx_speed, 2000);
	assert_int_equal(up.framing_type, 2);
	assert_int_equal(up.lcp_first_received_length, 4);
	assert_memory_equal(up.lcp_last_sent, "\3\4\xc0\x23", 4);
	assert_memory_equal(up.lcp_last_received, "\1\4\5\xdc", 4);
	assert_int_equal(up.proxy_auth_type, 2);
	assert_int_equal(up.proxy_auth_id, 5);
	assert_int_equal(up.proxy_name_length, L2TP_PROXY);
	assert_memory_equal(up.proxy_name, name, L2TP_PROXY);
	assert_int_equal(up.proxy_challenge_length, 9);
	assert_memory_equal(up.proxy_response, "response", 8);
	assert_int_equal(up.private_group_length, 5);
}

static void test_session_restarts(void **state)
{
	struct lac lac;

	tunnel_up(&lac);
	session_up_on(&lac, 9);
	lac_session_up(&lac, 9);
	command(COMMAND_SESSION_DELETE);
	command(COMMAND_SESSION_ADD);
	assert_int_equal(down_count, 1);
	assert_int_equal(up_count, 2);
	assert_int_equal(counters().sessions, 1);
}

static void test_limits(void **state)
{
	struct lac lac;

	config.l2tp.sessions_per_tunnel = 2;
	tunnel_up(&lac);
	session_up_on(&lac, 1);
	session_up_on(&lac, 2);
	lac_icrq(&lac, 3);
	hear_cdn(&lac, 3, CDN_ERROR, ERROR_RESOURCES);
	no_commands();
}

static void count_tunnel(void *context, const struct l2tp_tunnel_info *info)
{
	++*(unsigned *)context;
	assert_string_equal(info->state, "established");
	assert_int_equal(info->sessions, 1);
	assert_string_equal(info->vendor_name, "test");
	assert_int_equal(info->nr, 4);
}

static void count_session(void *context, const struct l2tp_session_info *info)
{
	++*(unsigned *)context;
	assert_int_equal(info->peer_session, 9);
}

static void test_shown(void **state)
{
	struct lac lac;
	struct l2tp_session_info info;
	unsigned tunnels = 0, sessions = 0;

	tunnel_up(&lac);
	session_up_on(&lac, 9);
	l2tp_each_tunnel(l2tp, count_tunnel, &tunnels);
	l2tp_each_session(l2tp, count_session, &sessions);
	assert_int_equal(tunnels, 1);
	assert_int_equal(sessions, 1);
	assert_int_equal(l2tp_session_info(l2tp, up.session, &info), 0);
	assert_int_equal(l2tp_session_info(l2tp, up.session + 1, &info), -ENOENT);
	assert_int_equal(l2tp_session_info(l2tp, UINT32_MAX, &info), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_from_sccrq_to_iccn),
		TEST(test_dataplane_refuses_session),
		TEST(test_full_ring_delays_delete),
		TEST(test_session_close),
		TEST(test_peer_ends_session),
		TEST(test_session_refusals),
		TEST(test_sequencing_required),
		TEST(test_proxy),
		TEST(test_session_restarts),
		TEST(test_limits),
		TEST(test_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

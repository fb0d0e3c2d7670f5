// SPDX-License-Identifier: Apache-2.0

// The endpoint over the fakes, against a small LAC.

#include "digest.h"
#include "l2tp.h"
#include "test_lac.h"
#include "tunnel.h"

#include "controlplane/fakes.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PEER = 0x00100007, SA = 0x00100001, SA_NEW = 0x00200002, OTHER_PEER = 0x00100008 };

static struct config config;
static struct timers *timers;
static struct l2tp *l2tp;
static uint64_t time_ms;

static struct l2tp_session_info up;
static unsigned up_count, down_count;
static uint32_t down_session;
static char down_cause[256];
static bool close_when_up;

static void session_up(void *context, const struct l2tp_session_info *info)
{
	up = *info;
	up_count++;
	if (close_when_up)
		assert_int_equal(l2tp_session_close(l2tp, info->session, CDN_ADMIN, "no"), 0);
}

static void session_down(void *context, uint32_t session, const char *cause)
{
	down_session = session;
	down_count++;
	snprintf(down_cause, sizeof(down_cause), "%s", cause);
	assert_int_equal(l2tp_session_close(l2tp, session, CDN_ADMIN, "again"), -ENOENT);
}

static const struct l2tp_events events = {.session_up = session_up, .session_down = session_down};

static int setup(void **state)
{
	memset(&config, 0, sizeof(config));
	strcpy(config.l2tp.host_name, "lns.example");
	config.l2tp.window = 8;
	config.l2tp.hello_ms = 60000;
	config.l2tp.retransmit_ms = 1000;
	config.l2tp.retransmit_max_ms = 8000;
	config.l2tp.retransmit_tries = 5;
	config.l2tp.sessions_per_tunnel = 100;
	config.dataplane.sessions = 1000;
	config.listener_count = 1;
	config.listeners[0].address = address_v4((const uint8_t[]){192, 0, 2, 1});
	fakes_reset();
	timers = timers_create(NULL, NULL);
	time_ms = 1000;
	timers_run(timers, time_ms);
	up_count = down_count = 0;
	close_when_up = false;
	l2tp = l2tp_create(&config, timers, &events, NULL);
	return l2tp ? 0 : -1;
}

static int teardown(void **state)
{
	l2tp_free(l2tp);
	timers_free(timers);
	return 0;
}

static void pass(uint64_t ms)
{
	uint64_t end = time_ms + ms;

	while (time_ms < end) {
		time_ms += end - time_ms < 10 ? end - time_ms : 10;
		timers_run(timers, time_ms);
	}
}

static struct l2tp_counters counters(void)
{
	struct l2tp_counters c;

	l2tp_counters(l2tp, &c);
	return c;
}

// The next command, which must be of that type.
static const struct fake_command *command(uint32_t type)
{
	const struct fake_command *c = fake_command_take();

	assert_non_null(c);
	assert_int_equal(c->type, type);
	return c;
}

static void no_commands(void)
{
	assert_int_equal(fake_command_count(), 0);
}

static void hear(struct lac *lac, uint16_t type, struct lac_heard *out)
{
	assert_int_equal(lac_hear_message(lac, out), type);
	assert_int_equal(out->header.tunnel, lac->tunnel);
}

static void hear_stop(struct lac *lac, uint16_t result, uint16_t error)
{
	struct lac_heard heard;
	struct message_end end;

	hear(lac, MESSAGE_STOPCCN, &heard);
	message_end(&heard.m, &end);
	assert_int_equal(end.result, result);
	assert_int_equal(end.error, error);
	assert_true(message_has(&heard.m, AVP_ASSIGNED_TUNNEL));
}

static void hear_cdn(struct lac *lac, uint16_t session, uint16_t result, uint16_t error)
{
	struct lac_heard heard;
	struct message_end end;

	hear(lac, MESSAGE_CDN, &heard);
	message_end(&heard.m, &end);
	assert_int_equal(heard.header.session, session);
	assert_int_equal(end.result, result);
	assert_int_equal(end.error, error);
}

static void hear_nothing(struct lac *lac)
{
	struct lac_heard heard;

	assert_int_equal(lac_hear_message(lac, &heard), MESSAGE_TYPE_NONE);
}

static void tunnel_up(struct lac *lac)
{
	lac_open(lac, l2tp, PEER, SA, 41);
	lac_tunnel_up(lac);
	command(COMMAND_TUNNEL_ADD);
}

static uint16_t session_up_on(struct lac *lac, uint16_t session)
{
	uint16_t id = lac_session_up(lac, session);

	assert_int_not_equal(id, 0);
	command(COMMAND_SESSION_ADD);
	return id;
}

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

static void test_authentication(void **state)
{
	struct lac lac;
	struct lac_heard heard;
	struct build b;
	uint8_t response[16];

	strcpy(config.l2tp.secret, "tunnel secret");
	config.l2tp.secret_length = 13;
	for (int good = 1; good >= 0; good--) {
		lac_open(&lac, l2tp, PEER, SA, 40 + good);
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
	lac_open(&lac, l2tp, PEER, SA, 44);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_from_sccrq_to_iccn),
		TEST(test_waits_for_the_dataplane),
		TEST(test_sccrq_again_is_acknowledged),
		TEST(test_dataplane_refuses_tunnel),
		TEST(test_dataplane_refuses_session),
		TEST(test_sccrq_refusals),
		TEST(test_unknown_optional),
		TEST(test_cannot_be_answered),
		TEST(test_clear_is_refused),
		TEST(test_bound_to_the_peer),
		TEST(test_peer_sa),
		TEST(test_peer_down),
		TEST(test_peer_down_while_installing),
		TEST(test_full_ring_delays_delete),
		TEST(test_peer_stops),
		TEST(test_peer_stops_before_sccrp),
		TEST(test_we_stop),
		TEST(test_session_close),
		TEST(test_peer_ends_session),
		TEST(test_session_refusals),
		TEST(test_out_of_turn),
		TEST(test_unknown_message_type),
		TEST(test_sequencing_required),
		TEST(test_client_restarts),
		TEST(test_session_restarts),
		TEST(test_authentication),
		TEST(test_hello),
		TEST(test_answers_hello),
		TEST(test_setup_expires),
		TEST(test_limits),
		TEST(test_close_all),
		TEST(test_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

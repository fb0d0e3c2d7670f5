// SPDX-License-Identifier: Apache-2.0

// LCP again in the middle of a session, with the real PPP above the real record: before the peer
// hears a word, the dataplane is told to forward nothing, and it is told otherwise only when
// somebody has proven who he is.

#include "controlplane/aaa.h"
#include "controlplane/fakes.h"
#include "controlplane/numbers.h"
#include "controlplane/ppp/wire.h"
#include "controlplane/subscriber.h"
#include "controlplane/users.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SESSION = 5, OPEN = SESSION_IP4_OPEN | SESSION_IP6_OPEN };

// ---- the layers below

int l2tp_session_close(struct l2tp *l2tp, uint32_t session, uint16_t result, const char *message)
{
	return 0;
}

int ike_user_answer(struct ike *ike, const uint8_t *spi_i, const uint8_t *spi_r,
	const struct ppp_verdict *verdict)
{
	return -ENOENT;
}

int ike_access_answer(
	struct ike *ike, uint32_t peer, const struct ike_access *access, const char *reason)
{
	return -ENOENT;
}

int ike_peer_close(struct ike *ike, uint32_t peer, const char *cause)
{
	return -ENOENT;
}

// ---- a gateway with one user

static const char text[] = "ports:\n"
			   "  - {name: s, side: subscriber, device: x, addresses: [192.0.2.1/24]}\n"
			   "  - {name: n, side: network, device: y, addresses: [198.51.100.1/24]}\n"
			   "listeners: [{name: l, address: 192.0.2.1}]\n"
			   "ike: {psks: [{peer: any, secret: abcdefgh}]}\n"
			   "ppp: {local-address: 100.64.0.1, auth: [pap], pap-in-clear: true}\n"
			   "pools: [{name: p, prefixes: [100.64.0.8/32],\n"
			   "         ipv6-prefixes: ['2001:db8:64::/64']}]\n"
			   "users: [{name: alice, password: right-password}]\n";

static struct {
	struct config *config;
	struct timers *timers;
	struct pools *pools;
	struct pools6 *pools6;
	struct users *users;
	struct aaa *aaa;
	struct numbers numbers;
	struct subscribers *subscribers;
	const char *password; // that the client says
	uint8_t id;
	unsigned acked, closed, opened; // in order: our Ack of LCP, SESSION_SET that closes, opens
	unsigned accepted;              // our answer to the password
	bool is_open;                   // as the dataplane was told
} g;

static int set_up(void **state)
{
	memset(&g, 0, sizeof(g));
	fakes_reset();
	assert_int_equal(config_parse(text, sizeof(text) - 1, "test", &g.config, stderr), 0);
	g.timers = timers_create(NULL, NULL);
	g.pools = pools_create(g.config);
	g.pools6 = pools6_create(g.config);
	g.users = users_create(g.config);
	g.aaa = aaa_create(g.config, g.users, NULL);
	assert_int_equal(numbers_open(&g.numbers, 16), 0);
	g.config->dataplane.sessions = 16;
	g.subscribers =
		subscribers_create(g.config, g.timers, g.pools, g.pools6, g.aaa, &g.numbers);
	g.password = "right-password";
	return 0;
}

static int tear_down(void **state)
{
	subscribers_free(g.subscribers);
	numbers_close(&g.numbers);
	aaa_free(g.aaa);
	users_free(g.users);
	pools_free(g.pools);
	pools6_free(g.pools6);
	timers_free(g.timers);
	config_free(g.config);
	return 0;
}

// ---- the client

static void say(uint16_t protocol, uint8_t code, uint8_t id, const void *body, size_t length)
{
	uint8_t packet[200];
	struct build out = build_in(packet, sizeof(packet));

	wire_begin(&out, protocol, code, id);
	build_bytes(&out, body, length);
	subscribers_input(g.subscribers, SESSION, packet, wire_finish(&out));
}

static void say_view(uint16_t protocol, uint8_t code, uint8_t id, struct view body)
{
	say(protocol, code, id, body.at, view_left(&body));
}

static void say_password(void)
{
	uint8_t body[64];
	struct build out = build_in(body, sizeof(body));

	build_u8(&out, 5);
	build_bytes(&out, "alice", 5);
	build_u8(&out, (uint8_t)strlen(g.password));
	build_bytes(&out, g.password, strlen(g.password));
	say(PPP_PAP, PAP_REQUEST, ++g.id, body, build_length(&out));
}

static void hear(const struct fake_packet *p)
{
	struct view v = view_of(p->data, p->length);
	uint16_t protocol = view_u16(&v);
	struct wire_control c;

	assert_int_equal(wire_control_parse(v, &c), 0);
	if (c.code == CODE_CONFIGURE_REQUEST && protocol != PPP_PAP) {
		say_view(protocol, CODE_CONFIGURE_ACK, c.id, c.body);
		if (protocol == PPP_IPV6CP)
			say(PPP_IPV6CP, CODE_CONFIGURE_REQUEST, ++g.id, "\1\12\1\2\3\4\5\6\7\10",
				10);
	} else if (c.code == CODE_CONFIGURE_ACK && protocol == PPP_LCP) {
		g.acked = p->order;
		say_password();
	} else if (protocol == PPP_PAP) {
		g.accepted = p->order;
		if (c.code == PAP_ACK)
			say(PPP_IPCP, CODE_CONFIGURE_REQUEST, ++g.id, "\3\6\0\0\0\0", 6);
	} else if (c.code == CODE_CONFIGURE_NAK) {
		say_view(protocol, CODE_CONFIGURE_REQUEST, ++g.id, c.body);
	}
}

static void look_at(const struct fake_command *c)
{
	bool open;

	if (c->type != COMMAND_SESSION_SET)
		return;
	open = c->session_set.flags & OPEN;
	if (open && !g.is_open)
		g.opened = c->order;
	if (!open && g.is_open)
		g.closed = c->order;
	g.is_open = open;
}

static void run(void)
{
	const struct fake_command *c;
	const struct fake_packet *p;

	while (fake_command_count() || fake_sent_count()) {
		while ((c = fake_command_take()))
			look_at(c);
		p = fake_sent_take();
		if (p && p->kind == PACKET_PPP)
			hear(p);
	}
}

static void dial(void)
{
	g.acked = g.closed = g.opened = g.accepted = 0;
	say(PPP_LCP, CODE_CONFIGURE_REQUEST, ++g.id, "\1\4\5\170", 4);
	run();
}

static void come_up(void)
{
	struct l2tp_session_info i = {.session = SESSION, .tunnel = 3, .session_id = 4};

	subscribers_session_up(g.subscribers, &i);
	dial();
	assert_true(g.is_open);
	assert_true(g.accepted && g.opened > g.accepted);
}

static void the_session_is_closed_before_the_peer_hears_a_word(void **state)
{
	come_up();
	for (int n = 0; n < 3; n++) {
		dial();
		assert_true(g.closed && g.closed < g.acked);
		assert_true(g.acked < g.accepted && g.accepted < g.opened);
		assert_true(g.is_open);
	}
}

// The dataplane takes its time; until it has answered the peer hears nothing at all.
static void nothing_is_said_until_it_is_closed(void **state)
{
	const struct fake_packet *p;

	come_up();
	fake_install_hold(true);
	say(PPP_LCP, CODE_CONFIGURE_REQUEST, ++g.id, "\1\4\5\170", 4);
	assert_int_equal(fake_sent_count(), 0);
	fake_install_hold(false);
	fake_install_release();
	p = fake_sent_take();
	assert_non_null(p);
	assert_memory_equal(p->data, "\xc0\x21\1", 3); // our request, and then our Ack
	hear(p);
	p = fake_sent_take();
	assert_memory_equal(p->data, "\xc0\x21\2", 3);
	hear(p);
	run();
	assert_true(g.is_open);
}

// Its end comes while something is held.
static void what_is_held_may_go(void **state)
{
	come_up();
	fake_install_hold(true);
	say(PPP_LCP, CODE_CONFIGURE_REQUEST, ++g.id, "\1\4\5\170", 4);
	subscribers_session_down(g.subscribers, SESSION, "test");
	fake_install_release();
	assert_int_equal(fake_sent_count(), 0);
	fake_install_hold(false);
	timers_run(g.timers, timers_now(g.timers) + 1000);
	assert_int_equal(fake_sent_count(), 0);
}

static void nothing_opens_without_the_password(void **state)
{
	come_up();
	g.password = "guess";
	dial();
	assert_true(g.closed && g.closed < g.acked);
	assert_int_equal(g.opened, 0);
	assert_false(g.is_open);
	// Nor does what the peer says out of its turn.
	say(PPP_IPCP, CODE_CONFIGURE_REQUEST, ++g.id, "\3\6\144\100\0\10", 6);
	run();
	assert_false(g.is_open);
}

// LCP is not through yet, and the network protocols are spoken as if it were.
static void nothing_opens_in_between(void **state)
{
	const struct fake_command *c;

	come_up();
	g.closed = 0;
	// A request that is no acknowledgement of ours: LCP goes on, and so far nothing is proven.
	say(PPP_LCP, CODE_CONFIGURE_REQUEST, ++g.id, "\1\4\5\170\21\4\5\334", 8);
	while ((c = fake_command_take()))
		look_at(c);
	assert_true(g.closed > 0);
	assert_false(g.is_open);
	while (fake_sent_take())
		;
	say(PPP_IPCP, CODE_CONFIGURE_REQUEST, ++g.id, "\3\6\144\100\0\10", 6);
	say(PPP_IPV6CP, CODE_CONFIGURE_REQUEST, ++g.id, "\1\12\1\2\3\4\5\6\7\10", 10);
	say(PPP_PAP, PAP_REQUEST, ++g.id, "\5alice\16right-password", 21);
	assert_int_equal(fake_sent_count(), 0);
	assert_int_equal(fake_command_count(), 0);
	assert_false(g.is_open);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {CASE(the_session_is_closed_before_the_peer_hears_a_word),
		CASE(nothing_opens_without_the_password), CASE(nothing_opens_in_between),
		CASE(nothing_is_said_until_it_is_closed), CASE(what_is_held_may_go)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

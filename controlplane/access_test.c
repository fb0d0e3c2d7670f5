// SPDX-License-Identifier: Apache-2.0

// Subscribers without L2TP, between an IKE that is this test's own and the dataplane's fake: who
// gets in and with what, what the dataplane is told and when, and that whatever ends it, nothing is
// left: address, prefix, tunnel id, session index, record.

#include "controlplane/fakes.h"
#include "controlplane/numbers.h"
#include "controlplane/auth/auth.h"
#include "controlplane/aaa.h"
#include "controlplane/radius/coa.h"
#include "controlplane/radius/request.h"
#include "controlplane/subscriber.h"
#include "controlplane/users.h"

#include "contract/ids.h"
#include "contract/stats.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
	SESSIONS = 4,
	PEER = 0x00500001,
	OTHER = 0x00500002,
	PAIR = 0x00700001,
	NEXT = 0x00700002,
};

// ---- PPP and L2TP have no part in it

const uint8_t ppp_identifier[PPP_IDENTIFIER] = {[7] = 1};

struct ppp *ppp_create(const struct config_ppp *config, struct timers *timers,
	const struct ppp_events *events, void *context, const struct log_subject *subject)
{
	fail();
	return NULL;
}

void ppp_free(struct ppp *p)
{
	fail();
}

void ppp_start(struct ppp *p)
{
	fail();
}

void ppp_input(struct ppp *p, const uint8_t *packet, size_t length)
{
	fail();
}

void ppp_authenticated(struct ppp *p, const struct ppp_verdict *verdict)
{
	fail();
}

void ppp_network(struct ppp *p, const struct ppp_addresses *addresses)
{
	fail();
}

void ppp_probe(struct ppp *p, uint16_t largest)
{
	fail();
}

const struct ppp_quality *ppp_quality(const struct ppp *p)
{
	fail();
	return NULL;
}

void ppp_undecided(struct ppp *p)
{
	fail();
}

void ppp_close(struct ppp *p, const char *cause)
{
	fail();
}

int l2tp_session_close(struct l2tp *l2tp, uint32_t session, uint16_t result, const char *message)
{
	fail();
	return 0;
}

// ---- the gateway

static const char text[] =
	"ports:\n"
	"  - {name: s, side: subscriber, device: x, addresses: [192.0.2.1/24]}\n"
	"  - {name: n, side: network, device: y, addresses: [198.51.100.1/24]}\n"
	"listeners: [{name: l, address: 192.0.2.1}]\n"
	"ike: {psks: [{peer: any, secret: abcdefgh}]}\n"
	"ppp: {local-address: 100.64.0.1, dns: [192.0.2.53],\n"
	"  ipv6-dns: ['2001:db8::53'], wins: [192.0.2.54]}\n"
	"pools:\n"
	"  - {name: p, prefixes: [100.64.0.8/30], ipv6-prefixes: ['2001:db8:64::/63']}\n"
	"  - {name: guests, prefixes: [100.64.1.8/32]}\n"
	"groups:\n"
	"  - {name: home, police-uplink: 5Mbit/s}\n"
	"  - {name: short, session-timeout: 100s, idle-timeout: 30s, ip: [ipv4]}\n"
	"  - {name: visitors, police-uplink: 1Mbit/s}\n"
	"default-group: home\n"
	"remote-access: {pool: guests, group: visitors}\n"
	"users:\n"
	"  - {name: alice, password: right-password}\n"
	"  - {name: carol, password: x, group: short, pool: guests,\n"
	"     routes: [192.168.7.0/24, '2001:db8:7::/48']}\n"
	"  - {name: frank, password: right-password, address: 203.0.113.9}\n";

static struct {
	struct config *config;
	struct timers *timers;
	struct pools *pools;
	struct pools6 *pools6;
	struct users *users;
	struct aaa *aaa;
	struct numbers numbers;
	struct subscribers *subscribers;
} g;

// ---- the IKE of the test

static struct {
	int answers, refusals, closed;
	int user_answers;
	struct ppp_verdict verdict;
	bool gone; // the peer is, when it is answered
	struct ike_access access;
	char reason[128];
} ike;

int ike_access_answer(
	struct ike *i, uint32_t peer, const struct ike_access *access, const char *reason)
{
	if (ike.gone)
		return -ENOENT;
	ike.answers++;
	if (access)
		ike.access = *access;
	else
		ike.refusals++;
	snprintf(ike.reason, sizeof(ike.reason), "%s", reason ? reason : "");
	return 0;
}

int ike_user_answer(struct ike *i, const uint8_t *spi_i, const uint8_t *spi_r,
	const struct ppp_verdict *verdict)
{
	ike.user_answers++;
	ike.verdict = *verdict;
	return ike.gone ? -ENOENT : 0;
}

// As ike/peer.c does it: peer_down comes before this returns.
int ike_peer_close(struct ike *i, uint32_t peer, const char *cause)
{
	if (ike.gone)
		return -ENOENT;
	ike.closed++;
	subscribers_peer_down(g.subscribers, peer, "closed");
	return 0;
}

static int set_up(void **state)
{
	fakes_reset();
	memset(&ike, 0, sizeof(ike));
	assert_int_equal(config_parse(text, sizeof(text) - 1, "test", &g.config, stderr), 0);
	g.config->dataplane.sessions = SESSIONS;
	g.timers = timers_create(NULL, NULL);
	g.pools = pools_create(g.config);
	g.pools6 = pools6_create(g.config);
	g.users = users_create(g.config);
	g.aaa = aaa_create(g.config, g.users, NULL);
	assert_int_equal(numbers_open(&g.numbers, SESSIONS), 0);
	g.subscribers =
		subscribers_create(g.config, g.timers, g.pools, g.pools6, g.aaa, &g.numbers);
	return 0;
}

static void count_used(void *context, const struct pool_info *info)
{
	*(uint32_t *)context += info->used;
}

static uint32_t in_use(void)
{
	uint32_t used = 0;

	pools_each(g.pools, count_used, &used);
	return used + pools6_info(g.pools6, 0).used +
	       (LIMIT_TUNNELS - 1 - g.numbers.tunnels.count) +
	       (SESSIONS - g.numbers.sessions.count);
}

static int tear_down(void **state)
{
	timers_run(g.timers, timers_now(g.timers) + 1); // the buried go
	subscribers_free(g.subscribers);
	assert_int_equal(in_use(), 0);
	numbers_close(&g.numbers);
	aaa_free(g.aaa);
	users_free(g.users);
	pools_free(g.pools);
	pools6_free(g.pools6);
	timers_free(g.timers);
	config_free(g.config);
	return 0;
}

static void keep_info(void *context, const struct subscriber_info *info)
{
	*(struct subscriber_info *)context = *info;
}

static struct subscriber_info info(void)
{
	struct subscriber_info i = {.state = SUBSCRIBER_STATES};

	subscribers_each(g.subscribers, keep_info, &i);
	return i;
}

static struct subscribers_counters counters(void)
{
	struct subscribers_counters c;

	subscribers_counters(g.subscribers, &c);
	return c;
}

static struct ike_access_request request(const char *name, uint32_t peer)
{
	return (struct ike_access_request){.peer = peer,
		.attempt = 77,
		.flow = {.local = address_v4((const uint8_t[]){192, 0, 2, 1}),
			.remote = address_v4((const uint8_t[]){203, 0, 113, 7}),
			.local_port = 4500,
			.remote_port = 31000},
		.name = name,
		.want4 = true,
		.want6 = true,
		.method = "psk"};
}

static void ask(const char *name, uint32_t peer)
{
	struct ike_access_request r = request(name, peer);

	subscribers_access_ask(g.subscribers, &r);
}

static const struct fake_command *expect(enum command type)
{
	const struct fake_command *c = fake_command_take();

	assert_non_null(c);
	assert_int_equal(c->type, type);
	return c;
}

static void forget_commands(void)
{
	while (fake_command_take())
		;
}

// ---- tests

static void test_way_up(void **state)
{
	struct flow moved;
	const uint32_t both = SESSION_IP4_OPEN | SESSION_IP6_OPEN;
	const struct fake_command *c;
	char address[ADDRESS_TEXT];

	timers_set_now(g.timers, 1000);
	ask("alice", PEER);
	assert_int_equal(ike.answers, 1);
	assert_int_equal(ike.refusals, 0);
	assert_string_equal(address_format(&ike.access.address4, address), "100.64.0.9");
	assert_int_equal(ike.access.prefix6.length, 64);
	assert_string_equal(address_format(&ike.access.dns[0], address), "192.0.2.53");
	assert_string_equal(address_format(&ike.access.wins[0], address), "192.0.2.54");
	assert_string_equal(address_format(&ike.access.dns6[0], address), "2001:db8::53");
	assert_true(ike.access.session < SESSIONS);
	assert_int_equal(info().state, SUBSCRIBER_NETWORK);
	assert_int_equal(fake_command_count(), 0); // not before there is a pair
	timers_set_now(g.timers, 1250);
	fake_install_mtu(1418);
	subscribers_peer_sa(g.subscribers, PEER, PAIR);
	c = expect(COMMAND_TUNNEL_ADD);
	assert_int_equal(c->tunnel_add.kind, TUNNEL_ESP);
	assert_int_equal(c->tunnel_add.peer, PEER);
	assert_int_equal(c->tunnel_add.sa, PAIR);
	assert_int_equal(c->tunnel_add.peer_tunnel | c->tunnel_add.local_port, 0);
	assert_int_not_equal(c->tunnel_add.tunnel, 0);
	c = expect(COMMAND_SESSION_ADD);
	assert_int_equal(c->session_add.session, ike.access.session);
	assert_int_not_equal(c->session_add.session_id, 0);
	c = expect(COMMAND_SESSION_SET);
	assert_int_equal(c->session_set.flags & both, 0);
	c = expect(COMMAND_SESSION_SET);
	assert_int_equal(c->session_set.flags, SESSION_IP4_OPEN);
	c = expect(COMMAND_SESSION_SET);
	assert_int_equal(c->session_set.flags, both);
	assert_int_equal(c->session_set.group, 1);
	assert_int_equal(c->session_set.police_uplink.kbit, 5000);
	assert_int_equal(info().state, SUBSCRIBER_UP);
	assert_string_equal(info().access, "ikev2");
	assert_string_equal(info().method, "psk");
	assert_string_equal(info().user, "alice");
	assert_string_equal(info().pool, "p");
	assert_int_equal(info().mtu, 1418);
	assert_int_equal(info().setup_ms, 250);
	assert_int_equal(info().l2tp.flow.remote_port, 31000);
	moved = info().l2tp.flow;
	moved.remote_port = 32000;
	subscribers_peer_moved(g.subscribers, PEER, &moved);
	assert_int_equal(info().l2tp.flow.remote_port, 32000);
	subscribers_peer_moved(g.subscribers, OTHER, &moved); // of whom nothing is known
	assert_int_equal(counters().forwarding, 1);
}

static void pass_to(uint64_t now_ms)
{
	timers_set_now(g.timers, now_ms);
	timers_run(g.timers, now_ms);
}

// What a group and a user of the config say is done: one protocol, routes, times.
static void test_grant(void **state)
{
	ask("carol", PEER);
	assert_int_equal(ike.access.prefix6.address.version, IP_NONE);
	timers_set_now(g.timers, 1000);
	subscribers_peer_sa(g.subscribers, PEER, PAIR);
	for (int i = 0; i < 4; i++)
		assert_non_null(fake_command_take());
	assert_int_equal(expect(COMMAND_ROUTE_ADD)->route.prefix.length, 24);
	assert_int_equal(expect(COMMAND_ROUTE_ADD)->route.prefix.length, 48);
	fake_stats(ike.access.session)->uplink.last = 20000 * 1000000ULL;
	pass_to(31001);
	assert_int_equal(info().state, SUBSCRIBER_UP);
	fake_stats(ike.access.session)->downlink.last = 45000 * 1000000ULL;
	pass_to(74999);
	assert_int_equal(ike.closed, 0);
	pass_to(75001);
	assert_int_equal(ike.closed, 1);
	expect(COMMAND_ROUTE_DELETE);
	expect(COMMAND_ROUTE_DELETE);
}

static void test_session_timeout(void **state)
{
	ask("carol", PEER);
	timers_set_now(g.timers, 1000);
	subscribers_peer_sa(g.subscribers, PEER, PAIR);
	for (uint64_t now = 1; now <= 101; now += 20) {
		assert_int_equal(ike.closed, 0);
		fake_stats(ike.access.session)->uplink.last = now * 1000000000ULL;
		pass_to(now * 1000);
	}
	assert_int_equal(ike.closed, 1);
}

// What CoA changes holds at once, for those who are meant, or for nobody.
static void test_change(void **state)
{
	struct coa_match m = {.session_id = "", .user = "carol", .calling = "", .called = ""};
	struct grant change = {
		.from = {[GRANT_POLICE_DOWNLINK] = FROM_COA, [GRANT_SESSION_TIMEOUT] = FROM_COA},
		.police_downlink = {.kbit = 9000},
		.session_timeout_s = 50};
	struct grant_more more = {.route_count = 2};
	const struct fake_command *c;
	char id[ACCT_SESSION_ID];

	ask("carol", PEER);
	timers_set_now(g.timers, 1000);
	subscribers_peer_sa(g.subscribers, PEER, PAIR);
	forget_commands();
	m.user = "alice";
	assert_int_equal(subscribers_change_matching(g.subscribers, &m, &change), 0);
	m.user = "carol";
	change.from[GRANT_ADDRESS] = FROM_COA;
	assert_int_equal(subscribers_change_matching(g.subscribers, &m, &change), -EOPNOTSUPP);
	assert_int_equal(fake_command_count(), 0);
	change.from[GRANT_ADDRESS] = FROM_NOWHERE;
	assert_int_equal(subscribers_change_matching(g.subscribers, &m, &change), 1);
	c = expect(COMMAND_SESSION_SET);
	assert_int_equal(c->session_set.police_downlink.kbit, 9000);
	assert_int_equal(c->session_set.flags, SESSION_IP4_OPEN); // it goes on all the time
	assert_int_equal(c->session_set.group, 2);
	assert_int_equal(fake_command_count(), 0); // the routes stay
	// Of two routes one stays untouched, one goes, and one comes.
	change = (struct grant){.from = {[GRANT_ROUTES] = FROM_COA}, .more = &more};
	assert_int_equal(prefix_parse("192.168.7.0/24", &more.routes[0], NULL), 0);
	assert_int_equal(prefix_parse("192.168.9.0/24", &more.routes[1], NULL), 0);
	assert_int_equal(subscribers_change_matching(g.subscribers, &m, &change), 1);
	expect(COMMAND_SESSION_SET);
	assert_int_equal(expect(COMMAND_ROUTE_DELETE)->route.prefix.length, 48);
	assert_int_equal(expect(COMMAND_ROUTE_ADD)->route.prefix.address.bytes[2], 9);
	assert_int_equal(fake_command_count(), 0);
	change = (struct grant){.from = {[GRANT_GROUP] = FROM_COA}, .group = 1};
	request_session_id(info().id, id);
	m.session_id = id;
	assert_int_equal(subscribers_change_matching(g.subscribers, &m, &change), 1);
	c = expect(COMMAND_SESSION_SET);
	assert_int_equal(c->session_set.group, 1);
	assert_int_equal(c->session_set.police_uplink.kbit, 5000);
	assert_int_equal(c->session_set.police_downlink.kbit, 9000); // CoA goes before the group
	pass_to(51 * 1000 - 1);
	assert_int_equal(ike.closed, 0);
	pass_to(51 * 1000 + 1); // the changed session-timeout, from the beginning
	assert_int_equal(ike.closed, 1);
	expect(COMMAND_ROUTE_DELETE);
	expect(COMMAND_ROUTE_DELETE);
	m.user = "";
	assert_int_equal(subscribers_disconnect_matching(g.subscribers, &m, "coa"), 0);
}

static void say_password(const char *name, const char *password, uint64_t attempt)
{
	struct ppp_credentials c = {.method = PPP_AUTH_PAP};
	const struct ike_user_request r = {.attempt = attempt, .credentials = &c};

	c.name_length = (uint16_t)snprintf(c.name, sizeof(c.name), "%s", name);
	c.password_length =
		(uint16_t)snprintf((char *)c.password, sizeof(c.password), "%s", password);
	subscribers_user_ask(g.subscribers, &r);
}

// What the judge grants is kept until the peer asks for addresses, once, and not for ever.
static void test_eap(void **state)
{
	struct ike_access_request r = request("alice", PEER);

	r.eap = true;
	say_password("alice", "wrong-password", r.attempt);
	assert_int_equal(ike.user_answers, 1);
	assert_false(ike.verdict.accepted);
	subscribers_access_ask(g.subscribers, &r);
	assert_int_equal(ike.refusals, 1);
	say_password("alice", "right-password", r.attempt);
	assert_true(ike.verdict.accepted);
	subscribers_access_ask(g.subscribers, &r);
	assert_int_equal(ike.refusals, 1);
	assert_string_equal(info().group->name, "home");
	subscribers_peer_down(g.subscribers, PEER, "dead");
	subscribers_access_ask(g.subscribers, &r); // it was taken
	assert_int_equal(ike.refusals, 2);
	say_password("alice", "right-password", r.attempt);
	timers_run(g.timers, timers_now(g.timers) + 600 * 1000);
	subscribers_access_ask(g.subscribers, &r); // too late
	assert_int_equal(ike.refusals, 3);
	say_password("alice", "right-password", r.attempt);
	subscribers_user_gone(g.subscribers, r.attempt);
	subscribers_user_gone(g.subscribers, r.attempt + 1); // which is nobody
	subscribers_access_ask(g.subscribers, &r);
	assert_int_equal(ike.refusals, 4);
	say_password("alice", "right-password", r.attempt + 1024); // never taken
	ike.gone = true;
	say_password("alice", "right-password", 3);
	assert_int_equal(ike.user_answers, 6);
}

// Who is no user gets in by certificate or pre-shared key, not by EAP.
static void test_guests(void **state)
{
	struct ike_access_request r = request("CN=laptop 7, O=Example", PEER);
	char address[ADDRESS_TEXT];

	r.eap = true;
	subscribers_access_ask(g.subscribers, &r);
	assert_int_equal(ike.refusals, 1);
	assert_string_equal(ike.reason, "authentication failed: unknown user");
	assert_int_equal(counters().refused, 1);
	assert_int_equal(counters().present, 0);
	assert_int_equal(in_use(), 0);
	r.eap = false;
	subscribers_access_ask(g.subscribers, &r);
	assert_int_equal(ike.refusals, 1);
	assert_string_equal(address_format(&ike.access.address4, address), "100.64.1.8");
	assert_int_equal(ike.access.prefix6.address.version, IP_NONE); // that pool has none
	subscribers_peer_sa(g.subscribers, PEER, PAIR);
	assert_string_equal(info().group->name, "visitors");
	assert_string_equal(info().user, "CN=laptop 7, O=Example");
	ask("somebody", OTHER); // the pool is empty now, and there is no prefix either
	assert_int_equal(ike.refusals, 2);
	assert_string_equal(ike.reason, "no address");
	assert_int_equal(counters().present, 1);
}

static void test_one_version(void **state)
{
	struct ike_access_request r = request("alice", PEER);

	r.want4 = false;
	subscribers_access_ask(g.subscribers, &r);
	assert_int_equal(ike.access.address4.version, IP_NONE);
	assert_int_equal(ike.access.dns[0].version, IP_NONE);
	assert_int_equal(ike.access.prefix6.length, 64);
	subscribers_peer_sa(g.subscribers, PEER, PAIR);
	assert_int_equal(info().state, SUBSCRIBER_UP);
	subscribers_peer_down(g.subscribers, PEER, "test");
	r.want6 = false;
	subscribers_access_ask(g.subscribers, &r);
	assert_int_equal(ike.refusals, 1);
	r.want4 = true;
	subscribers_access_ask(g.subscribers, &r);
	assert_int_equal(ike.access.address4.version, IP_V4);
	assert_int_equal(ike.access.prefix6.address.version, IP_NONE);
	subscribers_peer_sa(g.subscribers, PEER, PAIR);
	assert_int_equal(info().state, SUBSCRIBER_UP);
}

// A rekey: the tunnel sends through the new pair, and what fits is asked for again.
static void test_rekey(void **state)
{
	ask("alice", PEER);
	subscribers_peer_sa(g.subscribers, PEER, PAIR);
	forget_commands();
	subscribers_peer_sa(g.subscribers, PEER, PAIR); // nothing new
	assert_int_equal(fake_command_count(), 0);
	assert_false(subscribers_peer_sa(g.subscribers, OTHER, NEXT)); // of nobody here
	assert_int_equal(fake_command_count(), 0);
	fake_install_mtu(1300);
	subscribers_peer_sa(g.subscribers, PEER, NEXT);
	assert_int_equal(expect(COMMAND_TUNNEL_SET_SA)->tunnel_set_sa.sa, NEXT);
	assert_int_equal(expect(COMMAND_SESSION_SET)->session_set.flags,
		SESSION_IP4_OPEN | SESSION_IP6_OPEN);
	assert_int_equal(info().mtu, 1300);
	assert_int_equal(info().state, SUBSCRIBER_UP);
}

// While the first pair is still being told, a second one comes.
static void test_rekey_while_installing(void **state)
{
	ask("alice", PEER);
	fake_install_hold(true);
	subscribers_peer_sa(g.subscribers, PEER, PAIR);
	assert_int_equal(info().state, SUBSCRIBER_INSTALL);
	forget_commands();
	subscribers_peer_sa(g.subscribers, PEER, NEXT);
	assert_int_equal(expect(COMMAND_TUNNEL_SET_SA)->tunnel_set_sa.sa, NEXT);
	fake_install_release();
	assert_int_equal(info().state, SUBSCRIBER_UP);
	fake_install_hold(false);
}

static void go_to(enum subscriber_state state)
{
	ask("alice", PEER);
	if (state == SUBSCRIBER_NETWORK)
		return;
	fake_install_hold(state == SUBSCRIBER_INSTALL);
	subscribers_peer_sa(g.subscribers, PEER, PAIR);
	assert_int_equal(info().state, state);
}

// Whatever ends it, in whatever state, nothing is left, and its tunnel went before IKE's answer.
static void test_every_end(void **state)
{
	for (enum subscriber_state s = SUBSCRIBER_NETWORK; s <= SUBSCRIBER_UP; s++) {
		for (int how = 0; how < 4; how++) {
			const struct fake_command *c;
			uint32_t last = 0;

			ike.closed = 0;
			go_to(s);
			ike.gone = how == 3;
			if (how == 0)
				subscribers_peer_down(g.subscribers, PEER, "test");
			else if (how == 1)
				assert_int_equal(
					subscribers_disconnect(g.subscribers, info().id, "test"),
					0);
			else
				subscribers_close_all(g.subscribers, "test");
			assert_int_equal(ike.closed, how == 1 || how == 2);
			assert_int_equal(counters().present, 0);
			assert_int_equal(counters().forwarding, 0);
			assert_int_equal(in_use(), 0);
			while ((c = fake_command_take()))
				last = c->type;
			assert_int_equal(last, s == SUBSCRIBER_NETWORK ? 0 : COMMAND_TUNNEL_DELETE);
			fake_install_hold(false);
			fake_install_release();
			timers_run(g.timers, timers_now(g.timers) + 1);
			ike.gone = false;
			subscribers_peer_down(g.subscribers, PEER, "again");
		}
	}
}

// What the dataplane refuses, now or later, ends it.
static void test_dataplane_refuses(void **state)
{
	ask("alice", PEER);
	fake_install_full(true);
	subscribers_peer_sa(g.subscribers, PEER, PAIR);
	assert_int_equal(ike.closed, 1);
	fake_install_full(false);
	assert_int_equal(in_use(), 0);
	ask("alice", PEER);
	fake_install_answer(-ENOENT);
	subscribers_peer_sa(g.subscribers, PEER, PAIR);
	assert_int_equal(ike.closed, 2);
	assert_int_equal(in_use(), 0);
	assert_int_equal(counters().present, 0);
}

static void test_peer_gone_before_the_answer(void **state)
{
	ike.gone = true;
	ask("alice", PEER);
	assert_int_equal(counters().present, 0);
	assert_int_equal(in_use(), 0);
}

static void test_no_room(void **state)
{
	for (uint32_t i = 0; i < SESSIONS; i++)
		idpool_take(&g.numbers.sessions);
	ask("alice", PEER);
	assert_int_equal(ike.refusals, 1);
	assert_string_equal(ike.reason, "no session is free");
	assert_int_equal(counters().present, 0);
	for (uint32_t i = 0; i < SESSIONS; i++)
		idpool_give(&g.numbers.sessions, i);
	ask("alice", PEER);
	ask("alice", PEER); // one that asks twice
	assert_int_equal(ike.refusals, 2);
	assert_int_equal(counters().present, 1);
}

// A user with a fixed address comes again from elsewhere: the older one gives way.
static void test_fixed_address_comes_again(void **state)
{
	char address[ADDRESS_TEXT];

	ask("frank", PEER);
	subscribers_peer_sa(g.subscribers, PEER, PAIR);
	ask("frank", OTHER);
	assert_int_equal(ike.closed, 1);
	assert_int_equal(ike.refusals, 0);
	assert_string_equal(address_format(&ike.access.address4, address), "203.0.113.9");
	assert_int_equal(counters().present, 1);
	assert_int_equal(info().l2tp.peer, OTHER);
}

// No advertisement comes unasked: the host would take it for its own network's.
static void test_advertises_when_asked(void **state)
{
	uint8_t solicitation[48] = {0x60, [5] = 8, [6] = 58, [7] = 255, [8] = 0xfe, 0x80, [16] = 1,
		2, 3, 4, 5, 6, 7, 8, [24] = 0xff, 2, [39] = 2, [40] = 133, [42] = 0x6d, 0x23};

	go_to(SUBSCRIBER_UP);
	assert_int_equal(fake_sent_count(), 0);
	subscribers_input_ip6(g.subscribers, info().session, solicitation, sizeof(solicitation));
	assert_int_equal(fake_sent_count(), 1);
	timers_run(g.timers, timers_now(g.timers) + 3600 * 1000);
	assert_int_equal(fake_sent_count(), 1);
	subscribers_input(g.subscribers, info().session, solicitation, 4); // no PPP here
}

static void test_path_mtu(void **state)
{
	struct event_path_mtu event = {.mtu = 1400};

	fake_install_mtu(1418);
	go_to(SUBSCRIBER_UP);
	event.tunnel = info().l2tp.tunnel;
	fake_install_mtu(1318);
	subscribers_path_mtu(g.subscribers, &event);
	timers_run(g.timers, timers_now(g.timers) + 10);
	assert_int_equal(info().mtu, 1318);
}

int main(void)
{
#define ACCESS(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		ACCESS(test_way_up),
		ACCESS(test_grant),
		ACCESS(test_session_timeout),
		ACCESS(test_change),
		ACCESS(test_eap),
		ACCESS(test_guests),
		ACCESS(test_one_version),
		ACCESS(test_rekey),
		ACCESS(test_rekey_while_installing),
		ACCESS(test_every_end),
		ACCESS(test_dataplane_refuses),
		ACCESS(test_peer_gone_before_the_answer),
		ACCESS(test_no_room),
		ACCESS(test_fixed_address_comes_again),
		ACCESS(test_advertises_when_asked),
		ACCESS(test_path_mtu),
	};

	log_set_level(LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

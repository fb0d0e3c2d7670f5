// SPDX-License-Identifier: Apache-2.0

// subscriber.c between a PPP and an L2TP that are this test's own: each state, each way out of it,
// and that address, route and record are given back exactly once.

#include "controlplane/fakes.h"
#include "controlplane/numbers.h"
#include "controlplane/auth/auth.h"
#include "controlplane/aaa.h"
#include "controlplane/subscriber.h"
#include "controlplane/users.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// ---- the PPP of the test: what it was told, and a hand on what it says

struct ppp {
	const struct ppp_events *events;
	void *context;
	struct ppp_link link;
	struct ppp_verdict verdict;
	struct ppp_addresses addresses;
	int started, closed, networks, probes, undecided;
	uint16_t largest; // that it was told to probe
	char cause[64];
};

static struct ppp *ppp;
static int ppps;
const uint8_t ppp_identifier[PPP_IDENTIFIER] = {[7] = 1};

struct ppp *ppp_create(const struct config_ppp *config, struct timers *timers,
	const struct ppp_events *events, void *context, const struct log_subject *subject)
{
	ppp = calloc(1, sizeof(*ppp));
	ppp->events = events;
	ppp->context = context;
	ppps++;
	return ppp;
}

void ppp_free(struct ppp *p)
{
	free(p);
	ppps--;
}

void ppp_start(struct ppp *p)
{
	p->started++;
}

void ppp_input(struct ppp *p, const uint8_t *packet, size_t length)
{
}

void ppp_authenticated(struct ppp *p, const struct ppp_verdict *verdict)
{
	p->verdict = *verdict;
}

void ppp_undecided(struct ppp *p)
{
	p->undecided++;
}

void ppp_network(struct ppp *p, const struct ppp_addresses *addresses)
{
	p->addresses = *addresses;
	p->networks++;
}

void ppp_probe(struct ppp *p, uint16_t largest)
{
	p->probes++;
	p->largest = largest;
}

const struct ppp_quality *ppp_quality(const struct ppp *p)
{
	static const struct ppp_quality quality = {.echoes = 7};

	return &quality;
}

void ppp_close(struct ppp *p, const char *cause)
{
	p->closed++;
	snprintf(p->cause, sizeof(p->cause), "%s", cause);
}

int auth_check(const struct ppp_credentials *c, const char *password, struct ppp_verdict *verdict)
{
	*verdict =
		(struct ppp_verdict){.accepted = strcmp((const char *)c->password, password) == 0};
	return 0;
}

// ---- the L2TP of the test

static int cdns;

int l2tp_session_close(struct l2tp *l2tp, uint32_t session, uint16_t result, const char *message)
{
	cdns++;
	return 0;
}

// ---- no IKE in this test

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

// ---- a gateway with one user and a pool of one address

static const char text[] = "ports:\n"
			   "  - {name: s, side: subscriber, device: x, addresses: [192.0.2.1/24]}\n"
			   "  - {name: n, side: network, device: y, addresses: [198.51.100.1/24]}\n"
			   "listeners: [{name: l, address: 192.0.2.1}]\n"
			   "ike: {psks: [{peer: any, secret: abcdefgh}]}\n"
			   "ppp: {local-address: 100.64.0.1}\n"
			   "pools: [{name: p, prefixes: [100.64.0.8/32],\n"
			   "         ipv6-prefixes: ['2001:db8:64::/64']}]\n"
			   "filters: [{name: f, otherwise: deny}]\n"
			   "groups:\n"
			   "  - {name: x, filter-uplink: f}\n"
			   "  - {name: home, police-uplink: 5Mbit/s, shape-downlink: 1Gbit/s, "
			   "shape-downlink-burst: 4KiB}\n"
			   "default-group: home\n"
			   "users:\n"
			   "  - {name: xaver, password: right-password, group: x}\n"
			   "  - {name: alice, password: right-password}\n"
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

static int set_up(void **state)
{
	fakes_reset();
	cdns = 0;
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
	return 0;
}

static int tear_down(void **state)
{
	subscribers_free(g.subscribers);
	numbers_close(&g.numbers);
	assert_int_equal(ppps, 0);
	aaa_free(g.aaa);
	users_free(g.users);
	pools_free(g.pools);
	pools6_free(g.pools6);
	timers_free(g.timers);
	config_free(g.config);
	return 0;
}

static void count_used(void *context, const struct pool_info *info)
{
	*(uint32_t *)context += info->used;
}

static uint32_t addresses_used(void)
{
	uint32_t used = 0;

	pools_each(g.pools, count_used, &used);
	return used + pools6_info(g.pools6, 0).used;
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

static void session_up(uint32_t session)
{
	struct l2tp_session_info i = {.session = session, .tunnel = 3, .session_id = 4};

	subscribers_session_up(g.subscribers, &i);
}

static void lcp_up(void)
{
	struct ppp_link link = {.magic = 0x11223344, .peer_mru = 1400, .send_pfc = true};

	ppp->events->lcp_up(ppp->context, &link);
}

static void answer_as(const char *name, const char *password)
{
	struct ppp_credentials c = {.method = PPP_AUTH_PAP};

	c.name_length = (uint16_t)strlen(name);
	strcpy(c.name, name);
	strcpy((char *)c.password, password);
	ppp->events->authenticate(ppp->context, &c);
}

static void ip4_up(void)
{
	ppp->events->ip4_up(ppp->context, &ppp->addresses);
}

// Goes the way until the state; each step is what the layers below would say.
static void go_to(enum subscriber_state state)
{
	session_up(5);
	if (state == SUBSCRIBER_LCP)
		return;
	lcp_up();
	if (state == SUBSCRIBER_AUTHENTICATE)
		return;
	answer_as("alice", "right-password");
	ppp->events->accepted(ppp->context);
	if (state == SUBSCRIBER_NETWORK)
		return;
	fake_install_hold(state == SUBSCRIBER_INSTALL);
	ip4_up();
	if (state == SUBSCRIBER_CLOSING)
		assert_int_equal(subscribers_disconnect(g.subscribers, info().id, "test"), 0);
}

static const struct command_session_set *last_session_set(void)
{
	static struct command_session_set last;
	const struct fake_command *c;

	memset(&last, 0, sizeof(last));
	while ((c = fake_command_take()))
		if (c->type == COMMAND_SESSION_SET)
			last = c->session_set;
	return &last;
}

static void test_way_up(void **state)
{
	char address[ADDRESS_TEXT];

	timers_set_now(g.timers, 1000);
	session_up(5);
	assert_int_equal(ppp->started, 1);
	lcp_up();
	assert_int_equal(last_session_set()->flags, SESSION_LCP_OPEN | SESSION_SEND_PFC);
	answer_as("alice", "right-password");
	assert_true(ppp->verdict.accepted);
	ppp->events->accepted(ppp->context);
	assert_string_equal(address_format(&ppp->addresses.peer, address), "100.64.0.8");
	timers_set_now(g.timers, 1250);
	ip4_up();
	assert_int_equal(
		last_session_set()->flags, SESSION_LCP_OPEN | SESSION_SEND_PFC | SESSION_IP4_OPEN);
	assert_int_equal(info().state, SUBSCRIBER_UP);
	assert_int_equal(info().setup_ms, 250);
	assert_string_equal(info().user, "alice");
	assert_string_equal(info().pool, "p");
	assert_int_equal(addresses_used(), 2);
}

// The dataplane says the MTU, PPP looks whether the path carries it, and what it finds goes back.
static void test_path_mtu(void **state)
{
	const struct event_path_mtu event = {.tunnel = 3, .mtu = 1400}, other = {.tunnel = 4};

	fake_install_mtu(1438);
	go_to(SUBSCRIBER_UP);
	assert_int_equal(ppp->probes, 1);
	assert_int_equal(ppp->largest, 1438);
	assert_int_equal(info().mtu, 1438);
	fake_install_mtu(1300);
	ppp->events->path_mtu(ppp->context, 1300);
	assert_int_equal(last_session_set()->mtu, 1300);
	assert_int_equal(info().mtu, 1300);
	assert_int_equal(info().path_mtu, 1300);
	assert_int_equal(ppp->probes, 1);
	// A router says something else: from the beginning.
	fake_install_mtu(1338);
	subscribers_path_mtu(g.subscribers, &other);
	timers_run(g.timers, timers_now(g.timers) + 10);
	assert_int_equal(ppp->probes, 1);
	subscribers_path_mtu(g.subscribers, &event);
	timers_run(g.timers, timers_now(g.timers) + 10);
	assert_int_equal(last_session_set()->mtu, 0);
	assert_int_equal(ppp->probes, 2);
	assert_int_equal(ppp->largest, 1338);
	assert_int_equal(info().path_mtu, 0);
	// IPv4 goes and comes back after a smaller size was found.
	ppp->events->path_mtu(ppp->context, 1290);
	ppp->events->ip4_down(ppp->context, "test");
	ip4_up();
	assert_int_equal(info().state, SUBSCRIBER_UP);
	assert_int_equal(ppp->probes, 3);
	assert_int_equal(ppp->largest, 1338);
	// What fails changes nothing.
	fake_install_answer(-ENOENT);
	ppp->events->path_mtu(ppp->context, 1310);
	assert_int_equal(info().mtu, 1338);
	g.config->ppp.path_mtu_probe = false;
	fake_install_answer(0);
	subscribers_path_mtu(g.subscribers, &event);
	timers_run(g.timers, timers_now(g.timers) + 10);
	assert_int_equal(ppp->probes, 3);
}

static const uint8_t identifier[8] = {1, 2, 3, 4, 5, 6, 7, 8};

// What PPP says of one network protocol and the other, in both orders.
static void test_both_protocols(void **state)
{
	const uint32_t both = SESSION_IP4_OPEN | SESSION_IP6_OPEN;

	for (int first = 0; first < 2; first++) {
		go_to(SUBSCRIBER_NETWORK);
		assert_true(ppp->addresses.ip6);
		if (first)
			ppp->events->ip6_up(ppp->context, identifier);
		ip4_up();
		assert_int_equal(info().state, SUBSCRIBER_UP);
		if (!first)
			ppp->events->ip6_up(ppp->context, identifier);
		assert_int_equal(last_session_set()->flags & both, both);
		assert_int_equal(info().prefix6.length, 64);
		ppp->events->ip4_down(ppp->context, "test");
		assert_int_equal(last_session_set()->flags & both, SESSION_IP6_OPEN);
		assert_int_equal(info().state, SUBSCRIBER_UP);
		ip4_up();
		ppp->events->ip6_down(ppp->context, "test");
		assert_int_equal(last_session_set()->flags & both, SESSION_IP4_OPEN);
		ppp->events->ip4_down(ppp->context, "test");
		assert_int_equal(info().state, SUBSCRIBER_NETWORK);
		assert_int_equal(last_session_set()->flags & both, 0);
		subscribers_session_down(g.subscribers, 5, "test");
		timers_run(g.timers, timers_now(g.timers) + 1);
		assert_int_equal(addresses_used(), 0);
	}
}

static unsigned advertisements(void)
{
	const struct fake_packet *p;
	unsigned count = 0;

	while ((p = fake_sent_take()))
		if (p->kind == PACKET_IP6 && p->length > 56 && p->data[40] == 134)
			count++;
	return count;
}

static void test_advertises(void **state)
{
	// From fe80::102:304:506:708 to ff02::2, without options.
	uint8_t solicitation[48] = {0x60, [5] = 8, [6] = 58, [7] = 255, [8] = 0xfe, 0x80, [16] = 1,
		2, 3, 4, 5, 6, 7, 8, [24] = 0xff, 2, [39] = 2, [40] = 133, [42] = 0x6d, 0x23};

	go_to(SUBSCRIBER_UP);
	assert_int_equal(advertisements(), 0);
	subscribers_input_ip6(g.subscribers, 5, solicitation, sizeof(solicitation));
	assert_int_equal(advertisements(), 0);
	ppp->events->ip6_up(ppp->context, identifier);
	assert_int_equal(advertisements(), 1);
	subscribers_input_ip6(g.subscribers, 5, solicitation, sizeof(solicitation));
	assert_int_equal(advertisements(), 1);
	solicitation[7] = 254; // came over a router
	subscribers_input_ip6(g.subscribers, 5, solicitation, sizeof(solicitation));
	subscribers_input_ip6(g.subscribers, 5, solicitation, 47);
	subscribers_input_ip6(g.subscribers, 6, solicitation, sizeof(solicitation));
	assert_int_equal(advertisements(), 0);
	timers_run(g.timers, timers_now(g.timers) + 601 * 1000);
	assert_int_equal(advertisements(), 1);
	ppp->events->ip6_down(ppp->context, "test");
	timers_run(g.timers, timers_now(g.timers) + 601 * 1000);
	assert_int_equal(advertisements(), 0);
}

// The user's own group, or the default one; with its rates, and from the moment that it forwards.
static void test_group(void **state)
{
	const struct command_session_set *c;

	session_up(5);
	lcp_up();
	assert_int_equal(last_session_set()->group, 0);
	answer_as("alice", "right-password");
	ppp->events->accepted(ppp->context);
	ip4_up();
	c = last_session_set();
	assert_int_equal(c->group, 2);
	assert_int_equal(c->police_uplink.kbit, 5000);
	assert_int_equal(c->police_uplink.burst, 0);
	assert_int_equal(c->police_downlink.kbit, 0);
	assert_int_equal(c->shape_downlink.kbit, 1000000);
	assert_int_equal(c->shape_downlink.burst, 4096);
	assert_string_equal(info().group->name, "home");
	subscribers_session_down(g.subscribers, 5, "test");
	timers_run(g.timers, 1);
	session_up(6);
	lcp_up();
	answer_as("xaver", "right-password");
	ppp->events->accepted(ppp->context);
	ip4_up();
	c = last_session_set();
	assert_int_equal(c->group, 1);
	assert_int_equal(c->police_uplink.kbit, 0);
	assert_string_equal(info().group->name, "x");
}

// Whatever ends it, in whatever state: nothing of it is left.
static void test_every_end(void **state)
{
	for (enum subscriber_state s = 0; s < SUBSCRIBER_STATES; s++) {
		for (int end = 0; end < 4; end++) {
			struct subscribers_counters c;

			cdns = 0;
			go_to(s);
			assert_int_equal(info().state, s);
			if (end == 0) {
				subscribers_session_down(g.subscribers, 5, "test");
			} else if (end == 1) {
				ppp->events->down(ppp->context, "test");
			} else if (end == 2) {
				ppp->events->ended(ppp->context, "peer");
				assert_int_equal(info().state, SUBSCRIBER_CLOSING);
				assert_int_equal(cdns, 0);
				ppp->events->down(ppp->context, "peer");
			} else {
				subscribers_close_all(g.subscribers, "test");
				ppp->events->down(ppp->context, "closed");
			}
			assert_int_equal(cdns, end ? 1 : 0);
			fake_install_hold(false);
			fake_install_release();
			assert_int_equal(last_session_set()->flags & SESSION_IP4_OPEN, 0);
			assert_int_equal(addresses_used(), 0);
			assert_int_equal(info().state, SUBSCRIBER_STATES);
			timers_run(g.timers, timers_now(g.timers) + 1);
			assert_int_equal(ppps, 0);
			subscribers_counters(g.subscribers, &c);
			assert_int_equal(c.present, 0);
			assert_int_equal(c.forwarding, 0);
		}
	}
}

// The client ends PPP: it forwards no more, L2TP stays, and the client may end that.
static void test_client_ends(void **state)
{
	go_to(SUBSCRIBER_UP);
	ppp->events->ended(ppp->context, "peer-terminated");
	assert_int_equal(last_session_set()->flags & SESSION_IP4_OPEN, 0);
	assert_int_equal(info().state, SUBSCRIBER_CLOSING);
	assert_int_equal(subscribers_disconnect(g.subscribers, info().id, "too late"), 0);
	assert_int_equal(ppp->closed, 0);
	assert_int_equal(cdns, 0);
	subscribers_session_down(g.subscribers, 5, "test");
	assert_int_equal(cdns, 0);
	assert_int_equal(info().state, SUBSCRIBER_STATES);
	assert_int_equal(addresses_used(), 0);
	timers_run(g.timers, timers_now(g.timers) + 1);
	assert_int_equal(ppps, 0);
}

static void test_refused(void **state)
{
	static const char *const wrong[][2] = {{"alice", "wrong"}, {"nobody", "right-password"},
		{"nobody", "the password of nobody"}};

	for (size_t i = 0; i < 3; i++) {
		go_to(SUBSCRIBER_AUTHENTICATE);
		answer_as(wrong[i][0], wrong[i][1]);
		assert_false(ppp->verdict.accepted);
		ppp->events->accepted(ppp->context); // even then: no account, no address
		assert_int_equal(addresses_used(), 0);
		subscribers_session_down(g.subscribers, 5, "test");
		timers_run(g.timers, timers_now(g.timers) + 1);
	}
}

static void test_pool_empty(void **state)
{
	struct ppp *first;

	go_to(SUBSCRIBER_UP);
	first = ppp;
	session_up(6);
	lcp_up();
	answer_as("alice", "right-password");
	ppp->events->accepted(ppp->context);
	assert_int_equal(ppp->networks, 0);
	assert_int_equal(ppp->closed, 1);
	assert_int_equal(first->closed, 0);
}

static struct ppp *log_in_as(const char *name, uint32_t session)
{
	session_up(session);
	lcp_up();
	answer_as(name, "right-password");
	ppp->events->accepted(ppp->context);
	if (ppp->networks)
		ip4_up();
	return ppp;
}

// The route and the address are the newer session's, whatever becomes of the older one.
static void test_fixed_address_comes_again(void **state)
{
	struct ppp *old = log_in_as("frank", 5), *new;
	struct subscribers_counters c;
	char address[ADDRESS_TEXT];

	assert_int_equal(info().state, SUBSCRIBER_UP);
	(void)last_session_set();
	new = log_in_as("frank", 6);
	assert_ptr_not_equal(old, new);
	assert_string_equal(address_format(&new->addresses.peer, address), "203.0.113.9");
	assert_int_equal(old->closed, 1);
	assert_int_equal(new->closed, 0);
	subscribers_counters(g.subscribers, &c);
	assert_int_equal(c.forwarding, 1);
	old->events->down(old->context, "closed");
	assert_int_equal(cdns, 1);
	timers_run(g.timers, timers_now(g.timers) + 1);
	assert_int_equal(ppps, 1);
	assert_int_equal(info().session, 6);
	assert_int_equal(info().state, SUBSCRIBER_UP);
	// The address was not given back by the old one: it is displaced once more, not free.
	(void)log_in_as("frank", 7);
	assert_int_equal(new->closed, 1);
}

static void test_install_fails(void **state)
{
	go_to(SUBSCRIBER_NETWORK);
	fake_install_answer(-ENOSPC);
	ip4_up();
	assert_int_equal(info().state, SUBSCRIBER_CLOSING);
	assert_int_equal(ppp->closed, 1);
}

static void test_link_cannot_be_told(void **state)
{
	session_up(5);
	fake_install_full(true);
	lcp_up();
	fake_install_full(false);
	assert_int_equal(info().state, SUBSCRIBER_CLOSING);
	assert_int_equal(ppp->closed, 1);
	assert_string_equal(ppp->cause, "dataplane: No buffer space available");
}

// LCP again in mid-session: forwarding stops before authentication, and the address is kept.
static void test_renegotiation(void **state)
{
	go_to(SUBSCRIBER_UP);
	ppp->events->ip4_down(ppp->context, "lcp");
	assert_int_equal(last_session_set()->flags & SESSION_IP4_OPEN, 0);
	lcp_up();
	assert_int_equal(info().state, SUBSCRIBER_AUTHENTICATE);
	ip4_up(); // not before it has said who it is
	assert_int_equal(info().state, SUBSCRIBER_AUTHENTICATE);
	answer_as("alice", "right-password");
	ppp->events->accepted(ppp->context);
	ip4_up();
	assert_int_equal(info().state, SUBSCRIBER_UP);
	assert_int_equal(addresses_used(), 2);
}

static void test_unknown(void **state)
{
	assert_int_equal(subscribers_disconnect(g.subscribers, 99, "test"), -ENOENT);
	subscribers_session_down(g.subscribers, 5, "test");
	subscribers_session_down(g.subscribers, 0xffffffff, "test");
	subscribers_input(g.subscribers, 0xffffffff, (const uint8_t *)"", 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_way_up, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_both_protocols, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_advertises, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_group, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_every_end, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_client_ends, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_pool_empty, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_fixed_address_comes_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_link_cannot_be_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_install_fails, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_path_mtu, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_renegotiation, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_unknown, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

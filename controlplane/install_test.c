// SPDX-License-Identifier: Apache-2.0

// install.c against a ring of this test: what is posted in which order, what is undone, and that
// every done is called exactly once.

#include "controlplane/install.h"
#include "controlplane/install_reply.h"

#include "controlplane/dataplane.h"

#include "contract/config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { ROOM = 64 };

static struct {
	uint32_t type;
	uint64_t request;
	uint8_t body[MESSAGE_BODY];
} ring[4096];
static size_t posted, answered;
static size_t ring_room = ROOM;
static bool connected = true;

int dataplane_post(uint32_t type, const void *body, uint32_t size, uint64_t request)
{
	assert_int_equal(command_size(type), size);
	assert_non_null(body);
	if (!connected)
		return -ENOTCONN;
	if (posted - answered >= ring_room)
		return -ENOBUFS;
	ring[posted].type = type;
	memcpy(ring[posted].body, body, size);
	ring[posted++].request = request;
	return 0;
}

// Answers the oldest command that is not yet answered.
static void answer(int error)
{
	struct event_reply reply = {.error = error, .command = ring[answered].type};

	assert_true(answered < posted);
	answered++;
	assert_int_equal(install_reply(ring[answered - 1].request, &reply), 0);
}

struct done {
	int calls, error;
};

static void note(void *context, int error)
{
	struct done *d = context;

	d->calls++;
	d->error = error;
}

static int fresh(void **state)
{
	install_channel_down();
	install_groups(NULL);
	posted = answered = 0;
	ring_room = ROOM;
	connected = true;
	return 0;
}

static struct command_session_set open_command(void)
{
	struct command_session_set c = {.session = 7, .flags = SESSION_IP4_OPEN | SESSION_LCP_OPEN};

	assert_int_equal(address_parse("100.64.0.9", &c.ip4), 0);
	return c;
}

static void test_answers_in_order(void **state)
{
	struct command_sa_add sa = {.spi_in = 0x100001};
	struct command_tunnel_add tunnel = {.tunnel = 5};
	struct done first = {0}, second = {0};

	assert_int_equal(install_sa_add(&sa, note, &first), 0);
	assert_int_equal(install_tunnel_add(&tunnel, note, &second), 0);
	answer(0);
	assert_int_equal(first.calls, 1);
	assert_int_equal(second.calls, 0);
	answer(-EPERM);
	assert_int_equal(second.error, -EPERM);
}

static void test_strange_answers(void **state)
{
	struct event_reply reply = {.command = COMMAND_SA_DELETE};

	assert_int_equal(install_reply(1, &reply), -EPROTO);
	assert_int_equal(install_tunnel_delete(5), 0);
	assert_int_equal(install_reply(ring[0].request + 1, &reply), -EPROTO);
	assert_int_equal(
		install_reply(ring[0].request, &reply), -EPROTO); // another command's number
}

static int open_session(const struct command_session_set *c, struct done *done)
{
	const struct command_session_set before = {.session = c->session};
	const struct ip_prefix route = {.address = c->ip4, .length = 32};

	return install_subscriber(&before, c, &route, note, done);
}

static void test_subscriber_opens(void **state)
{
	struct command_session_set c = open_command();
	struct done done = {0};

	assert_int_equal(open_session(&c, &done), 0);
	answer(0);
	assert_int_equal(done.calls, 0);
	answer(0);
	assert_int_equal(done.calls, 1);
	assert_int_equal(done.error, 0);
	assert_int_equal(posted, 2);
}

// Whichever step fails, the other one is taken back.
static void test_subscriber_is_undone(void **state)
{
	struct command_session_set c = open_command();
	struct done done = {0};

	assert_int_equal(open_session(&c, &done), 0);
	answer(0);
	answer(-ENOSPC);
	assert_int_equal(done.calls, 1);
	assert_int_equal(done.error, -ENOSPC);
	assert_int_equal(posted, 3);
	assert_int_equal(ring[2].type, COMMAND_SESSION_SET);
	answer(0);

	assert_int_equal(open_session(&c, &done), 0);
	answer(-ENOENT);
	answer(0);
	assert_int_equal(done.calls, 2);
	assert_int_equal(done.error, -ENOENT);
	assert_int_equal(ring[posted - 1].type, COMMAND_ROUTE_DELETE);
}

static void test_second_step_finds_no_room(void **state)
{
	struct command_session_set c = open_command();
	struct done done = {0};

	ring_room = 1;
	assert_int_equal(open_session(&c, &done), -ENOBUFS);
	answer(0); // SESSION_SET; its undoing was waiting and goes out now
	assert_int_equal(posted, 2);
	assert_int_equal(ring[1].type, COMMAND_SESSION_SET);
	answer(0);
	assert_int_equal(done.calls, 0);
}

static void test_removals_are_never_lost(void **state)
{
	struct command_sa_add sa = {.spi_in = 0x100001};

	for (int i = 0; i < 3 * ROOM; i++)
		assert_int_equal(install_session_delete((uint32_t)i), 0);
	assert_int_equal(posted, ROOM);
	// While removals wait nothing may overtake them.
	answer(0);
	assert_int_equal(install_sa_add(&sa, NULL, NULL), -ENOBUFS);
	while (answered < posted)
		answer(0);
	assert_int_equal(posted, 3 * ROOM);
	assert_int_equal(install_sa_add(&sa, NULL, NULL), 0);
}

// An SA cannot be deleted while a tunnel sends through it: both wait, in their order.
static void test_tunnel_leaves_the_sa_first(void **state)
{
	struct command_sa_add sa = {.spi_in = 0x100001};

	while (install_sa_add(&sa, NULL, NULL) == 0)
		;
	assert_int_equal(install_tunnel_set_sa(5, 6), 0);
	assert_int_equal(install_sa_delete(7), 0);
	while (answered < posted)
		answer(0);
	assert_int_equal(ring[posted - 2].type, COMMAND_TUNNEL_SET_SA);
	assert_int_equal(ring[posted - 1].type, COMMAND_SA_DELETE);
}

static void test_forgotten(void **state)
{
	struct command_session_set c = open_command();
	struct command_tunnel_add tunnel = {.tunnel = 5};
	struct done done = {0};

	assert_int_equal(open_session(&c, &done), 0);
	assert_int_equal(install_tunnel_add(&tunnel, note, &done), 0);
	install_forget(&done);
	answer(0);
	answer(-ENOSPC);
	answer(0);
	assert_int_equal(done.calls, 0);
	assert_int_equal(ring[posted - 1].type, COMMAND_SESSION_SET); // undone all the same
}

static void test_channel_goes(void **state)
{
	struct command_session_set c = open_command();
	struct done done = {0};

	assert_int_equal(open_session(&c, &done), 0);
	connected = false;
	install_channel_down();
	assert_int_equal(done.calls, 1);
	assert_int_equal(done.error, -ENOTCONN);
	assert_int_equal(open_session(&c, &done), -ENOTCONN);
	connected = true;
	install_channel_up();
	assert_int_equal(ring[posted - 2].type, COMMAND_RESET);
	assert_int_equal(ring[posted - 1].type, COMMAND_IKE_ADMIT);
}

enum { RULES = 1000 };

static struct config config;
static struct config_rule many[RULES];

// A filter of many rules, one of none, and three groups.
static void configure(void)
{
	memset(&config, 0, sizeof(config));
	for (int i = 0; i < RULES; i++)
		many[i] = (struct config_rule){.action = FILTER_PERMIT,
			.protocol = 6,
			.from_port = {0, 65535},
			.to_port = {(uint16_t)i, (uint16_t)i}};
	config.filter_count = 2;
	strcpy(config.filters[0].name, "long");
	config.filters[0].rules = many;
	config.filters[0].rule_count = RULES;
	strcpy(config.filters[1].name, "empty");
	config.filters[1].otherwise = FILTER_PERMIT;
	config.group_count = 3;
	strcpy(config.groups[0].name, "a");
	strcpy(config.groups[0].filter_uplink, "long");
	strcpy(config.groups[1].name, "b");
	strcpy(config.groups[1].filter_downlink, "empty");
	strcpy(config.groups[2].name, "c");
	config.groups[2].subscriber_to_subscriber = true;
	install_groups(&config);
}

static void answer_all(void)
{
	while (answered < posted)
		answer(0);
}

// RESET first and the key of our SPIs, then each filter in its order, then the groups; never more
// than the ring holds.
static void test_groups_are_told(void **state)
{
	struct command_filter_rules rules;
	struct command_group_set group;
	size_t messages = (RULES + FILTER_RULES_MESSAGE - 1) / FILTER_RULES_MESSAGE, at = 2;
	uint16_t port = 0;

	configure();
	ring_room = 40;
	install_channel_up();
	assert_false(install_group_works(1));
	answer_all();
	assert_int_equal(posted, 2 + 1 + messages + 1 + 2 + 3);
	assert_int_equal(ring[0].type, COMMAND_RESET);
	assert_int_equal(ring[1].type, COMMAND_IKE_ADMIT);
	assert_int_equal(ring[at++].type, COMMAND_FILTER_BEGIN);
	for (; ring[at].type == COMMAND_FILTER_RULES; at++) {
		memcpy(&rules, ring[at].body, sizeof(rules));
		assert_int_equal(rules.filter, 1);
		for (uint16_t i = 0; i < rules.count; i++)
			assert_int_equal(rules.rules[i].to_port[0], port++);
	}
	assert_int_equal(port, RULES);
	assert_int_equal(ring[at++].type, COMMAND_FILTER_COMMIT);
	assert_int_equal(ring[at++].type, COMMAND_FILTER_BEGIN);
	assert_int_equal(ring[at++].type, COMMAND_FILTER_COMMIT);
	memcpy(&group, ring[at].body, sizeof(group));
	assert_int_equal(ring[at].type, COMMAND_GROUP_SET);
	assert_int_equal(group.group, 1);
	assert_int_equal(group.filter_uplink, 1);
	assert_int_equal(group.filter_downlink, 0);
	assert_int_equal(group.flags, GROUP_ISOLATED);
	memcpy(&group, ring[at + 1].body, sizeof(group));
	assert_int_equal(group.filter_downlink, 2);
	memcpy(&group, ring[at + 2].body, sizeof(group));
	assert_int_equal(group.group, 3);
	assert_int_equal(group.flags, 0);
	assert_true(install_group_works(1) && install_group_works(3));
	// Another dataplane is told all of it again.
	install_channel_down();
	assert_false(install_group_works(1));
	posted = answered = 0;
	install_channel_up();
	answer_all();
	assert_int_equal(posted, 2 + 1 + messages + 1 + 2 + 3);
}

// Nobody forwards before the groups are in place.
static void test_subscribers_wait_for_groups(void **state)
{
	struct command_session_set c = open_command();
	struct ip_prefix route = {.address = c.ip4, .length = 32};
	struct done first = {0}, second = {0}, third = {0};

	configure();
	install_channel_up();
	c.group = 1;
	assert_int_equal(open_session(&c, &first), 0);
	c.session = 8;
	assert_int_equal(open_session(&c, &second), 0);
	c.session = 9;
	assert_int_equal(open_session(&c, &third), 0);
	install_forget(&second); // it changed its mind
	c.session = 8;
	assert_int_equal(install_subscriber_undo(&c, &route), 0);
	answer_all();
	assert_int_equal(first.calls + third.calls, 2);
	assert_int_equal(first.error + third.error, 0);
	assert_int_equal(second.calls, 0);
	for (size_t i = posted - 4; i < posted; i++)
		assert_int_equal(
			ring[i].type, (posted - i) % 2 ? COMMAND_ROUTE_ADD : COMMAND_SESSION_SET);
	assert_int_equal(ring[posted - 5].type, COMMAND_GROUP_SET);
}

// Of two protocols that wait, the one that is left goes on alone.
static void test_one_of_two_protocols_waits_on(void **state)
{
	struct command_session_set before = {.session = 7}, four = open_command(), both = four, set;
	struct command_session_set six = {.session = 7, .flags = SESSION_IP6_OPEN};
	struct ip_prefix route4 = {.address = four.ip4, .length = 32}, route6;
	struct done first = {0}, second = {0};

	assert_int_equal(prefix_parse("2001:db8::/64", &route6, NULL), 0);
	both.flags |= SESSION_IP6_OPEN;
	both.ip6 = six.ip6 = route6;
	ring_room = 2 * ROOM;
	configure();
	install_channel_up();
	assert_int_equal(install_subscriber(&before, &four, &route4, note, &first), 0);
	assert_int_equal(install_subscriber(&four, &both, &route6, note, &second), 0);
	// Whatever else is said of it, it stays closed.
	both.mtu = 1300;
	assert_int_equal(install_session_set(&both, NULL, NULL), 0);
	memcpy(&set, ring[posted - 1].body, sizeof(set));
	assert_int_equal(set.flags, SESSION_LCP_OPEN);
	assert_int_equal(set.mtu, 1300);
	install_forget(&first);
	assert_int_equal(install_subscriber_undo(&six, &route4), 0);
	answer_all();
	assert_int_equal(first.calls, 0);
	assert_int_equal(second.calls, 1);
	assert_int_equal(second.error, 0);
	assert_int_equal(ring[posted - 3].type, COMMAND_GROUP_SET);
	memcpy(&set, ring[posted - 2].body, sizeof(set));
	assert_int_equal(set.flags, SESSION_IP6_OPEN);
}

// A group that the dataplane does not take serves nobody; the others do.
static void test_refused_group(void **state)
{
	struct command_session_set c = open_command();
	struct done waited = {0}, other = {0};

	configure();
	install_channel_up();
	c.group = 1;
	assert_int_equal(open_session(&c, &waited), 0);
	while (answered < posted)
		answer(ring[answered].type == COMMAND_FILTER_COMMIT && ring[answered].body[0] == 1
				? -ENOMEM
			: ring[answered].type == COMMAND_GROUP_SET && ring[answered].body[0] == 1
				? -ENOENT
				: 0);
	assert_int_equal(waited.calls, 1);
	assert_int_equal(waited.error, -EACCES);
	assert_false(install_group_works(1));
	assert_int_equal(open_session(&c, &other), -EACCES);
	c.group = 2;
	assert_int_equal(open_session(&c, &other), 0);
	answer_all();
	assert_int_equal(other.calls, 1);
	assert_int_equal(other.error, 0);
}

static void test_channel_goes_while_groups_are_told(void **state)
{
	struct command_session_set c = open_command();
	struct done done = {0};

	configure();
	install_channel_up();
	c.group = 1;
	answer(0);
	assert_int_equal(open_session(&c, &done), 0);
	connected = false;
	install_channel_down();
	assert_int_equal(done.calls, 1);
	assert_int_equal(done.error, -ENOTCONN);
	connected = true;
	posted = answered = 0;
	install_channel_up();
	answer_all();
	assert_true(install_group_works(1));
	assert_int_equal(done.calls, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_answers_in_order, fresh),
		cmocka_unit_test_setup(test_strange_answers, fresh),
		cmocka_unit_test_setup(test_subscriber_opens, fresh),
		cmocka_unit_test_setup(test_subscriber_is_undone, fresh),
		cmocka_unit_test_setup(test_second_step_finds_no_room, fresh),
		cmocka_unit_test_setup(test_removals_are_never_lost, fresh),
		cmocka_unit_test_setup(test_tunnel_leaves_the_sa_first, fresh),
		cmocka_unit_test_setup(test_forgotten, fresh),
		cmocka_unit_test_setup(test_channel_goes, fresh),
		cmocka_unit_test_setup(test_groups_are_told, fresh),
		cmocka_unit_test_setup(test_subscribers_wait_for_groups, fresh),
		cmocka_unit_test_setup(test_one_of_two_protocols_waits_on, fresh),
		cmocka_unit_test_setup(test_refused_group, fresh),
		cmocka_unit_test_setup(test_channel_goes_while_groups_are_told, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0

// install.c against a ring of this test: what is posted in which order, what is undone, and that
// every done is called exactly once.

#include "controlplane/install.h"
#include "controlplane/install_reply.h"

#include "controlplane/dataplane.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { ROOM = 64 };

static struct {
	uint32_t type;
	uint64_t request;
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
	assert_int_equal(ring[posted - 1].type, COMMAND_RESET);
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

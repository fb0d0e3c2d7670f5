// SPDX-License-Identifier: Apache-2.0

// The channel on its socket: handed over, refused to a second one, given up when the peer hangs up
// or breaks a ring, and made anew for the next one. And what lies in it: the sealed counters.

#include "dataplane/test_lab.h"

#include "contract/version.h"

#include "dataplane/channel_server.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/culvert-test-XXXXXX";
static char path[64];
static struct channel_server server;

struct client {
	int socket;
	struct channel_offer offer;
	int fds[CHANNEL_FDS];
	struct channel channel;
};

static int start(void **state)
{
	if (lab_start(state) < 0 || !mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/dataplane.sock", folder);
	server = (struct channel_server){.worker = lab.worker,
		.workers = lab.workers,
		.stats = &lab.stats,
		.qsbr = lab.qsbr};
	return channel_server_open(&server, path, "");
}

static int stop(void **state)
{
	channel_server_close(&server);
	if (access(path, F_OK) == 0 || rmdir(folder) < 0)
		return -1;
	return lab_stop(state);
}

static void client_connect(struct client *c)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	memset(c, 0, sizeof(*c));
	memcpy(a.sun_path, path, strlen(path));
	c->socket = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(c->socket, (struct sockaddr *)&a, sizeof(a)), 0);
}

// The offer; false when it is a refusal.
static bool client_take(struct client *c)
{
	char control[CMSG_SPACE(sizeof(c->fds))] __attribute__((aligned(8)));
	struct iovec iov = {.iov_base = &c->offer, .iov_len = sizeof(c->offer)};
	struct msghdr m = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control)};

	assert_int_equal(recvmsg(c->socket, &m, 0), sizeof(c->offer));
	assert_int_equal(c->offer.magic, CHANNEL_MAGIC);
	assert_int_equal(c->offer.version, CONTRACT_VERSION);
	if (c->offer.error)
		return false;
	assert_int_equal(m.msg_controllen, sizeof(control));
	memcpy(c->fds, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(c->fds));
	assert_int_equal(channel_map(&c->channel, c->fds[CHANNEL_FD_REGION], c->offer.workers,
				 CHANNEL_CONTROLPLANE, c->fds[CHANNEL_FD_WAKE_CONTROL],
				 c->fds[CHANNEL_FD_WAKE_CLERK]),
		0);
	return true;
}

static void client_close(struct client *c)
{
	close(c->socket);
	if (!c->channel.head)
		return;
	channel_unmap(&c->channel);
	for (int i = 0; i < CHANNEL_FDS; i++)
		close(c->fds[i]);
}

static struct channel *of_worker(uint16_t i)
{
	return atomic_load(&lab.worker[i].channel);
}

static void test_hands_over(void **state)
{
	struct client one, two;
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	client_connect(&one);
	assert_true(channel_server_accept(&server));
	assert_true(client_take(&one));
	assert_int_equal(one.offer.workers, lab.workers);
	assert_int_equal(one.offer.boot, lab.stats.header->boot);
	assert_ptr_equal(of_worker(0), server.channel);
	assert_ptr_equal(of_worker(1), server.channel);
	assert_false(channel_server_lost(&server));
	client_connect(&two);
	assert_false(channel_server_accept(&server));
	assert_false(client_take(&two));
	assert_int_equal(two.offer.error, -EBUSY);
	client_close(&two);
	assert_false(channel_server_lost(&server));
	client_close(&one);
	assert_true(channel_server_lost(&server));
	channel_server_disconnect(&server);
	assert_null(of_worker(0));
	assert_null(of_worker(1));
}

// The one before is gone, but nobody has looked yet: the next is not refused.
static void test_next_one_at_once(void **state)
{
	struct client one, two;

	client_connect(&one);
	assert_true(channel_server_accept(&server));
	assert_true(client_take(&one));
	assert_non_null(ring_slot(&one.channel.command));
	ring_push(&one.channel.command);
	client_close(&one);
	client_connect(&two);
	assert_true(channel_server_accept(&server));
	assert_true(client_take(&two));
	assert_null(ring_front(&server.channel->command)); // nothing of the first one's is left
	client_close(&two);
	channel_server_disconnect(&server);
}

static void test_broken_ring(void **state)
{
	struct client one;

	client_connect(&one);
	assert_true(channel_server_accept(&server));
	assert_true(client_take(&one));
	one.channel.head->command.produced = 0x80000000;
	assert_null(ring_front(&server.channel->command));
	assert_true(channel_server_lost(&server));
	channel_server_disconnect(&server);
	client_close(&one);
}

// It keeps its end of the eventfd and goes on writing to it: the clerk does not hear it any more.
static void test_one_that_is_gone_wakes_nobody(void **state)
{
	struct epoll_event e = {.events = EPOLLIN};
	struct client one;

	client_connect(&one);
	assert_true(channel_server_accept(&server));
	assert_true(client_take(&one));
	server.epoll = epoll_create1(EPOLL_CLOEXEC);
	assert_int_equal(epoll_ctl(server.epoll, EPOLL_CTL_ADD, server.wake, &e), 0);
	assert_int_equal(eventfd_write(one.fds[CHANNEL_FD_WAKE_CLERK], 1), 0);
	assert_int_equal(epoll_wait(server.epoll, &e, 1, 0), 1);
	channel_server_disconnect(&server);
	assert_int_equal(epoll_wait(server.epoll, &e, 1, 0), 0);
	close(server.epoll);
	server.epoll = -1;
	client_close(&one);
}

static void test_counters_are_sealed(void **state)
{
	struct client one;
	void *map;

	client_connect(&one);
	assert_true(channel_server_accept(&server));
	assert_true(client_take(&one));
	map = mmap(NULL, one.offer.stats_size, PROT_READ | PROT_WRITE, MAP_SHARED,
		one.fds[CHANNEL_FD_STATS], 0);
	assert_ptr_equal(map, MAP_FAILED);
	assert_int_equal(ftruncate(one.fds[CHANNEL_FD_STATS], 1), -1);
	assert_int_equal(pwrite(one.fds[CHANNEL_FD_STATS], "x", 1, 0), -1);
	map = mmap(NULL, one.offer.stats_size, PROT_READ, MAP_SHARED, one.fds[CHANNEL_FD_STATS], 0);
	assert_ptr_not_equal(map, MAP_FAILED);
	assert_int_equal(((const struct stats_header *)map)->boot, one.offer.boot);
	assert_int_equal(((const struct stats_header *)map)->size, one.offer.stats_size);
	munmap(map, one.offer.stats_size);
	client_close(&one);
	channel_server_disconnect(&server);
}

// A second dataplane does not take the socket away; one that was killed leaves nothing in the way.
static void test_socket_is_ours(void **state)
{
	struct channel_server second = server;
	char other[96];
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	assert_int_equal(channel_server_open(&second, path, ""), -EADDRINUSE);
	assert_int_equal(access(path, F_OK), 0);
	snprintf(other, sizeof(other), "%s/stale.sock", folder);
	memcpy(a.sun_path, other, strlen(other));
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	close(fd);
	assert_int_equal(channel_server_open(&second, other, ""), 0);
	channel_server_close(&second);
	assert_int_equal(channel_server_accept(&server), false); // the attempt above
	channel_server_disconnect(&server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hands_over),
		cmocka_unit_test(test_next_one_at_once),
		cmocka_unit_test(test_broken_ring),
		cmocka_unit_test(test_one_that_is_gone_wakes_nobody),
		cmocka_unit_test(test_counters_are_sealed),
		cmocka_unit_test(test_socket_is_ours),
	};

	return cmocka_run_group_tests(tests, start, stop);
}

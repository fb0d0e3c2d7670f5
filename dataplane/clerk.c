// SPDX-License-Identifier: Apache-2.0

#include "dataplane/clerk.h"

#include "dataplane/channel_server.h"
#include "dataplane/command.h"
#include "dataplane/log.h"
#include "dataplane/path_mtu.h"
#include "dataplane/resolver.h"
#include "dataplane/stats.h"
#include "dataplane/table.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

enum {
	EVENTS = 8,
	COMMANDS = 64,  // applied in one turn, before packets are looked at again
	WAIT_MS = 1000, // between two looks at all ports
	TELL_MS = 100,  // between two looks at what workers have to say about SAs
	FREE_MS = 10,   // while something waits for a quiescent state
};

static const uint64_t MS = 1000000; // nanoseconds

// What clerk_run works with, on its own stack.
struct turn {
	const struct clerk *c;
	struct channel_server server;
	int epoll;
	int signals;
	bool stop;
	bool more;      // there is work left: do not sleep
	uint64_t now;   // nanoseconds, CLOCK_MONOTONIC
	uint64_t ticks; // when the next tick is due
};

static uint64_t clock_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 * MS + (uint64_t)t.tv_nsec;
}

static int watch(struct turn *t, int fd)
{
	struct epoll_event e = {.events = EPOLLIN | EPOLLRDHUP, .data.fd = fd};

	return epoll_ctl(t->epoll, EPOLL_CTL_ADD, fd, &e) < 0 ? -errno : 0;
}

// False when the event ring is full: an answer must wait, anything else is lost.
static bool post(struct turn *t, const struct message *m)
{
	struct message *slot = ring_slot(&t->server.channel->event);

	if (!slot)
		return false;
	memcpy(slot, m, sizeof(*m));
	ring_push(&t->server.channel->event);
	return true;
}

static void reply(struct turn *t, const struct message *command, int error, uint32_t value)
{
	const struct event_reply body = {.error = error, .command = command->type, .value = value};
	struct message m = {.type = EVENT_REPLY, .size = sizeof(body), .request = command->request};

	memcpy(m.body, &body, sizeof(body));
	(void)post(t, &m); // there was room before the command was taken
	if (error < 0)
		log_event(LOG_COMMAND_REFUSED, "s:s, s:s, s:I", "command",
			command_name(command->type), "reason", strerror(-error), "request",
			(long long)command->request);
}

// A command is only taken while there is room for its answer.
static void serve_commands(struct turn *t)
{
	struct channel *c = t->server.channel;
	const struct message *slot;
	int count = 0;

	while (count < COMMANDS && ring_slot(&c->event) && (slot = ring_front(&c->command))) {
		struct message m = *slot; // the other side may go on writing to the slot
		uint32_t value;
		int error;

		ring_pop(&c->command);
		error = command_apply(t->c, &m, &value);
		reply(t, &m, error, value);
		count++;
	}
	if (count)
		channel_wake_control(c);
	t->more = t->more || count == COMMANDS;
}

static void tell_events(struct turn *t)
{
	bool told = false;
	struct message m;

	while (ring_slot(&t->server.channel->event) &&
		(sa_event_next(t->c->tables, &m) || path_mtu_event_next(t->c->tables, &m)))
		told = post(t, &m);
	if (told)
		channel_wake_control(t->server.channel);
}

static void tell_link(struct turn *t, const struct port *p)
{
	const struct event_port_link body = {.port = p->index, .up = p->up};
	struct message m = {.type = EVENT_PORT_LINK, .size = sizeof(body)};

	log_event(LOG_PORT_LINK, "s:s, s:b", "port", p->name, "up", p->up);
	if (p->up)
		resolver_announce(t->c->resolver, p->index);
	if (!t->server.channel)
		return;
	memcpy(m.body, &body, sizeof(body));
	if (post(t, &m))
		channel_wake_control(t->server.channel);
}

// The device counts all of its ports together: what each has is the sum of what the workers say.
static void sum_port(const struct clerk *c, uint16_t port, struct stats_port *s)
{
	struct port_count sum = {0};

	for (uint16_t i = 0; i < c->workers; i++) {
		const struct port_count *n = &c->worker[i].port_count[port];

		sum.rx_packets += __atomic_load_n(&n->rx_packets, __ATOMIC_RELAXED);
		sum.rx_bytes += __atomic_load_n(&n->rx_bytes, __ATOMIC_RELAXED);
		sum.tx_packets += __atomic_load_n(&n->tx_packets, __ATOMIC_RELAXED);
		sum.tx_bytes += __atomic_load_n(&n->tx_bytes, __ATOMIC_RELAXED);
	}
	s->rx_packets = sum.rx_packets;
	s->rx_bytes = sum.rx_bytes;
	s->tx_packets = sum.tx_packets;
	s->tx_bytes = sum.tx_bytes;
}

// Once a second.
static void tick(struct turn *t)
{
	const struct clerk *c = t->c;

	for (uint16_t i = 0; i < c->ports; i++) {
		struct stats_port *s = &c->stats->port[i];

		if (port_sample(&c->port[i], s))
			tell_link(t, &c->port[i]);
		if (c->port[i].shared)
			sum_port(c, i, s);
		s->neighbours = neighbours_count(c->resolver->neighbours, i);
		s->clerk_lost = c->resolver->lost[i];
	}
	resolver_tick(c->resolver, t->now);
	path_mtu_tick(c->tables, t->now);
	t->ticks = t->now + WAIT_MS * MS;
}

static void connect_peer(struct turn *t)
{
	if (!channel_server_accept(&t->server))
		return;
	if (watch(t, t->server.peer) < 0 || watch(t, t->server.wake) < 0)
		channel_server_disconnect(&t->server);
}

static void handle(struct turn *t, int fd)
{
	eventfd_t value;

	if (fd == t->signals)
		t->stop = true;
	else if (fd == t->server.listener)
		connect_peer(t);
	else if (fd == t->c->bell->eventfd || fd == t->server.wake)
		(void)eventfd_read(fd, &value);
	// The peer's own socket is looked at in each turn.
}

// All that there is to do now.
static void work(struct turn *t)
{
	t->now = clock_now();
	t->more = resolver_work(t->c->resolver, t->now) >= BURST;
	if (channel_server_lost(&t->server))
		channel_server_disconnect(&t->server);
	sa_moves(t->c->tables);
	if (t->server.channel) {
		serve_commands(t);
		tell_events(t);
	}
	if (t->now >= t->ticks)
		tick(t);
}

// Says that we are about to sleep and looks at the rings once more. Returns how long, in
// milliseconds.
static int prepare_sleep(struct turn *t)
{
	uint64_t left = t->ticks > t->now ? (t->ticks - t->now) / MS + 1 : 0;
	int wait = left < WAIT_MS ? (int)left : WAIT_MS;
	struct channel *c = t->server.channel;

	if (c && wait > TELL_MS)
		wait = TELL_MS;
	if (reclaim_poll(t->c->tables) && wait > FREE_MS)
		wait = FREE_MS;
	__atomic_store_n(&t->c->bell->sleeps, 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (c)
		channel_will_sleep(c);
	if (t->more || !resolver_idle(t->c->resolver) || !sa_moves_idle(t->c->tables))
		return 0;
	// What is left in the command ring while there is no room for answers waits for TELL_MS.
	return c && ring_front(&c->command) && ring_slot(&c->event) ? 0 : wait;
}

static int open_signals(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

static int open_all(struct turn *t)
{
	const struct clerk *c = t->c;
	int error = channel_server_open(&t->server, c->config->dataplane.socket, c->config->user);

	if (error < 0)
		return error;
	t->signals = open_signals();
	t->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (t->signals < 0 || t->epoll < 0)
		return -errno;
	t->server.epoll = t->epoll;
	error = watch(t, t->signals);
	error = error ? error : watch(t, t->server.listener);
	return error ? error : watch(t, c->bell->eventfd);
}

static void serve(struct turn *t)
{
	while (!t->stop) {
		struct epoll_event events[EVENTS];
		int count;

		work(t);
		count = epoll_wait(t->epoll, events, EVENTS, prepare_sleep(t));
		for (int i = 0; i < count; i++)
			handle(t, events[i].data.fd);
	}
}

int clerk_run(const struct clerk *c)
{
	struct turn t = {.c = c,
		.epoll = -1,
		.signals = -1,
		.server = {.worker = c->worker,
			.workers = c->workers,
			.stats = c->stats,
			.qsbr = c->qsbr}};
	int error = open_all(&t);

	if (error == 0) {
		log_event(LOG_READY, "s:s, s:i, s:i", "socket", c->config->dataplane.socket,
			"workers", c->workers, "ports", c->ports);
		serve(&t);
		log_event(LOG_STOP, NULL);
	}
	channel_server_close(&t.server);
	if (t.signals >= 0)
		close(t.signals);
	if (t.epoll >= 0)
		close(t.epoll);
	return error;
}

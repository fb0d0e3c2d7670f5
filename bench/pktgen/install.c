// SPDX-License-Identifier: Apache-2.0

#include "install.h"

#include "contract/channel.h"
#include "contract/messages.h"
#include "contract/version.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	UNANSWERED_MOST = LIMIT_RING_MESSAGES / 2,
	ANSWER_MS = 10000, // the dataplane answers in microseconds
};

struct installer {
	int socket;
	int fds[CHANNEL_FDS];
	struct channel_offer offer;
	struct channel channel;
	uint64_t sent;     // commands
	uint64_t answered; // of them
};

static int say(int error, const char *what)
{
	fprintf(stderr, "culvert-pktgen: %s: %s\n", what, strerror(-error));
	return error;
}

static int take_offer(struct installer *in)
{
	char control[CMSG_SPACE(sizeof(in->fds))] __attribute__((aligned(8)));
	struct iovec iov = {.iov_base = &in->offer, .iov_len = sizeof(in->offer)};
	struct msghdr m = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control)};

	if (recvmsg(in->socket, &m, MSG_CMSG_CLOEXEC) != (ssize_t)sizeof(in->offer) ||
		in->offer.magic != CHANNEL_MAGIC)
		return say(-EPROTO, "the socket is no dataplane's");
	if (in->offer.version != CONTRACT_VERSION)
		return say(-EPROTO, "the dataplane speaks another version of the contract");
	if (in->offer.error)
		return say(in->offer.error, "a control plane is connected; stop it first");
	if (m.msg_controllen != sizeof(control))
		return say(-EPROTO, "the dataplane handed over no channel");
	memcpy(in->fds, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(in->fds));
	return channel_map(&in->channel, in->fds[CHANNEL_FD_REGION], in->offer.workers,
		CHANNEL_CONTROLPLANE, in->fds[CHANNEL_FD_WAKE_CONTROL],
		in->fds[CHANNEL_FD_WAKE_CLERK]);
}

static int take_channel(struct installer *in, const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(a.sun_path))
		return say(-ENAMETOOLONG, path);
	memcpy(a.sun_path, path, strlen(path));
	in->socket = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (in->socket < 0 || connect(in->socket, (struct sockaddr *)&a, sizeof(a)) < 0)
		return say(-errno, path);
	return take_offer(in);
}

static void let_go(struct installer *in)
{
	if (in->channel.head)
		channel_unmap(&in->channel);
	for (int i = 0; i < CHANNEL_FDS; i++)
		if (in->fds[i] >= 0)
			close(in->fds[i]);
	if (in->socket >= 0)
		close(in->socket);
}

// Takes the answers that are there. 0, or what the dataplane refused something with.
static int take_answers(struct installer *in)
{
	const struct message *m;
	struct event_reply reply;

	while ((m = ring_front(&in->channel.event))) {
		bool is_reply = m->type == EVENT_REPLY;

		memcpy(&reply, m->body, sizeof(reply));
		ring_pop(&in->channel.event);
		if (!is_reply)
			continue;
		in->answered++;
		if (reply.error)
			return say(reply.error, command_name(reply.command));
	}
	return channel_broken(&in->channel) ? say(-EPROTO, "the channel broke") : 0;
}

// Waits until no more than so many commands are unanswered.
static int wait_answers(struct installer *in, uint64_t most)
{
	struct pollfd p = {.fd = in->fds[CHANNEL_FD_WAKE_CONTROL], .events = POLLIN};
	eventfd_t value;
	int error;

	for (;;) {
		error = take_answers(in);
		if (error || in->sent - in->answered <= most)
			return error;
		channel_will_sleep(&in->channel);
		error = take_answers(in);
		if (error || in->sent - in->answered <= most)
			return error;
		if (poll(&p, 1, ANSWER_MS) <= 0)
			return say(-ETIMEDOUT, "the dataplane does not answer");
		(void)eventfd_read(p.fd, &value);
	}
}

static int post(struct installer *in, uint32_t type, const void *body)
{
	int error = wait_answers(in, UNANSWERED_MOST);
	struct message *m = error ? NULL : ring_slot(&in->channel.command);

	if (!m)
		return error ? error : say(-ENOBUFS, "the command ring is full");
	*m = (struct message){.type = type, .size = command_size(type), .request = ++in->sent};
	memcpy(m->body, body, m->size);
	ring_push(&in->channel.command);
	channel_wake_clerk(&in->channel);
	return 0;
}

static int install_session(struct installer *in, const struct population *p, uint32_t i)
{
	const struct command_sa_add sa = population_sa_add(p, i);
	const struct command_tunnel_add tunnel = population_tunnel_add(p, i);
	const struct command_session_add add = population_session_add(p, i);
	const struct command_session_set set = population_session_set(i);
	const struct command_route route = population_route(i);
	int error = 0;

	if (population_has_esp(p))
		error = post(in, COMMAND_SA_ADD, &sa);
	if (!error && population_opens_tunnel(p, i))
		error = post(in, COMMAND_TUNNEL_ADD, &tunnel);
	error = error ? error : post(in, COMMAND_SESSION_ADD, &add);
	error = error ? error : post(in, COMMAND_SESSION_SET, &set);
	return error ? error : post(in, COMMAND_ROUTE_ADD, &route);
}

static int install_all(struct installer *in, const struct population *p)
{
	const struct command_reset reset = {0};
	int error;

	if (p->sessions > in->offer.sessions ||
		(population_has_esp(p) && p->sessions > in->offer.sas))
		return say(-ENOSPC, "dataplane.sessions and dataplane.sas are too small");
	error = post(in, COMMAND_RESET, &reset);
	for (uint32_t i = 0; error == 0 && i < p->sessions; i++)
		error = install_session(in, p, i);
	return error ? error : wait_answers(in, 0);
}

int install_population(const char *socket, const struct population *p)
{
	struct installer in = {.socket = -1, .fds = {-1, -1, -1, -1}};
	int error = take_channel(&in, socket);

	error = error ? error : install_all(&in, p);
	let_go(&in);
	return error;
}

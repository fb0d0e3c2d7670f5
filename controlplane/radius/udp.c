// SPDX-License-Identifier: Apache-2.0

// UDP source ports. Each socket is connected to the server's port, so the system drops what comes
// from elsewhere, and tells us of ICMP. That nobody listens there (ECONNREFUSED) ends nothing by
// itself: anybody on the way can say so. The request counts as tried, and is sent again when its
// time comes.

#include "internal.h"

#include "controlplane/log.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_AT_ONCE = 64 }; // packets of a socket before the others have their turn

struct udp {
	uv_poll_t poll;
	struct path path;
	int fd;
};

socklen_t endpoint_fill(
	struct sockaddr_storage *out, const struct ip_address *address, uint16_t port)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

	memset(out, 0, sizeof(*out));
	if (address->version == IP_V4) {
		memcpy(&in.sin_addr, address->bytes, 4);
		memcpy(out, &in, sizeof(in));
		return sizeof(in);
	}
	memcpy(&in6.sin6_addr, address->bytes, 16);
	memcpy(out, &in6, sizeof(in6));
	return sizeof(in6);
}

// The socket, or -errno.
static int connected(const struct link *link)
{
	const struct ip_address *to = &link->server->config->address;
	const struct ip_address *from = &link->radius->config->radius.source;
	struct sockaddr_storage local, remote;
	socklen_t local_length = endpoint_fill(&local, from, 0);
	socklen_t length = endpoint_fill(&remote, to, link->port);
	int fd = socket(remote.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int error;

	if (fd < 0)
		return -errno;
	if ((from->version != to->version ||
		    bind(fd, (struct sockaddr *)&local, local_length) == 0) &&
		connect(fd, (struct sockaddr *)&remote, length) == 0)
		return fd;
	error = -errno;
	close(fd);
	return error;
}

static void read_all(struct udp *u)
{
	struct radius *r = u->path.link->radius;

	for (unsigned i = 0; i < READ_AT_ONCE; i++) {
		ssize_t n = recv(u->fd, r->input, sizeof(r->input), 0);

		if (n >= 0)
			(void)path_input(&u->path, r->input, (size_t)n);
		else if (errno == ECONNREFUSED)
			u->path.link->server->counters.refused++;
		else if (errno != EINTR)
			return;
	}
}

static void readable(uv_poll_t *poll, int status, int events)
{
	struct udp *u = poll->data;

	(void)events;
	radius_wake(u->path.link->radius);
	read_all(u);
	// After an error (ICMP) libuv looks no more, though recv has taken the error away.
	if (status < 0)
		(void)uv_poll_start(poll, UV_READABLE, readable);
}

struct path *udp_open(struct link *link)
{
	struct udp *u = calloc(1, sizeof(*u));
	int fd = u ? connected(link) : -ENOMEM;

	if (fd >= 0 && uv_poll_init(link->radius->loop, &u->poll, fd) == 0) {
		u->fd = fd;
		u->poll.data = u;
		path_init(&u->path, link);
		(void)uv_poll_start(&u->poll, UV_READABLE, readable);
		return &u->path;
	}
	log_event(LOG_RADIUS_SOCKET, NULL, "s:s, s:s", "server", link->server->config->name,
		"error", strerror(fd < 0 ? -fd : ENOMEM));
	if (fd >= 0)
		close(fd);
	free(u);
	return NULL;
}

static struct udp *udp_of(struct path *p)
{
	return (struct udp *)((char *)p - offsetof(struct udp, path));
}

static void closed(uv_handle_t *handle)
{
	free(handle->data);
}

void udp_close(struct path *p)
{
	struct udp *u = udp_of(p);

	uv_close((uv_handle_t *)&u->poll, closed);
	close(u->fd);
}

void udp_send(struct path *p, const uint8_t *bytes, size_t length)
{
	struct udp *u = udp_of(p);

	// The first error may be an older packet's, and then this one has not been sent.
	if (send(u->fd, bytes, length, 0) >= 0 || errno != ECONNREFUSED)
		return;
	p->link->server->counters.refused++;
	(void)send(u->fd, bytes, length, 0);
}

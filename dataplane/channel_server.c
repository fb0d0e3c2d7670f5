// SPDX-License-Identifier: Apache-2.0

#include "dataplane/channel_server.h"

#include "dataplane/log.h"

#include "contract/version.h"

#include <errno.h>
#include <libgen.h>
#include <pwd.h>
#include <rte_rcu_qsbr.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 4 };

static int fail(const char *path, const char *what, int error, const char *fix)
{
	log_event(LOG_FAILED, "s:s, s:s, s:s, s:s", "what", what, "socket", path, "reason",
		strerror(-error), "fix", fix);
	return error;
}

static int set_address(struct sockaddr_un *a, const char *path)
{
	*a = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(a->sun_path))
		return -ENAMETOOLONG;
	memcpy(a->sun_path, path, strlen(path));
	return 0;
}

// A socket file that nobody answers on is left over from a dataplane that was killed.
static int remove_stale(const struct sockaddr_un *a)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	int error = 0;

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)a, sizeof(*a)) == 0)
		error = -EADDRINUSE;
	else if (errno == ECONNREFUSED)
		unlink(a->sun_path);
	close(fd);
	return error;
}

// The folder, if it is not there, and then the socket, are the group's of that user.
static void make_folder(const char *path)
{
	char copy[CONFIG_TEXT];

	snprintf(copy, sizeof(copy), "%s", path);
	mkdir(dirname(copy), 0755); // if it cannot be made, bind says why
}

static int give_to_user(const char *path, const char *user)
{
	const struct passwd *p;

	if (chmod(path, 0660) < 0)
		return -errno;
	if (!*user)
		return 0;
	p = getpwnam(user);
	if (!p)
		return -ENOENT;
	return chown(path, (uid_t)-1, p->pw_gid) < 0 ? -errno : 0;
}

static int listen_at(struct channel_server *s, const struct sockaddr_un *a, const char *user)
{
	mode_t mask = umask(0177);
	int error = bind(s->listener, (const struct sockaddr *)a, sizeof(*a)) < 0 ? -errno : 0;

	umask(mask);
	if (error < 0)
		return fail(s->path, "cannot make the socket", error,
			"check that dataplane.socket is in a folder that this user may write");
	error = give_to_user(s->path, user);
	if (error < 0)
		return fail(s->path, "cannot give the socket to the user of the control plane",
			error, "create the user, or correct `user` in the config");
	return listen(s->listener, BACKLOG) < 0 ? -errno : 0;
}

int channel_server_open(struct channel_server *s, const char *path, const char *user)
{
	struct sockaddr_un a;
	int error = set_address(&a, path);

	s->path = path;
	s->listener = -1;
	s->peer = -1;
	s->wake = -1;
	s->wake_control = -1;
	s->epoll = -1;
	if (error < 0)
		return fail(
			path, "the path is too long", error, "choose a shorter dataplane.socket");
	make_folder(path);
	error = remove_stale(&a);
	if (error == -EADDRINUSE)
		return fail(path, "another dataplane serves this socket", error,
			"stop it, or give this one a dataplane.socket of its own");
	s->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->listener < 0)
		return -errno;
	error = listen_at(s, &a, user);
	if (error < 0) {
		close(s->listener);
		s->listener = -1;
	}
	return error;
}

static int send_offer(int peer, const struct channel_offer *offer, const int *fds)
{
	union {
		char bytes[CMSG_SPACE(CHANNEL_FDS * sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	struct iovec iov = {.iov_base = (void *)(uintptr_t)offer, .iov_len = sizeof(*offer)};
	struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};

	if (fds) {
		struct cmsghdr *c;

		message.msg_control = control.bytes;
		message.msg_controllen = sizeof(control.bytes);
		c = CMSG_FIRSTHDR(&message);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(CHANNEL_FDS * sizeof(int));
		memcpy(CMSG_DATA(c), fds, CHANNEL_FDS * sizeof(int));
	}
	return sendmsg(peer, &message, MSG_NOSIGNAL) == sizeof(*offer) ? 0 : -EPIPE;
}

static void refuse(int peer, int error)
{
	struct channel_offer offer = {
		.magic = CHANNEL_MAGIC, .version = CONTRACT_VERSION, .error = error};

	log_event(LOG_CHANNEL_REFUSED, "s:s", "reason", strerror(-error));
	(void)send_offer(peer, &offer, NULL);
	close(peer);
}

static void publish(struct channel_server *s, struct channel *c)
{
	for (uint16_t i = 0; i < s->workers; i++)
		atomic_store_explicit(&s->worker[i].channel, c, memory_order_release);
}

static int make_channel(struct channel_server *s, int region)
{
	int error;

	s->channel = calloc(1, sizeof(*s->channel));
	s->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	s->wake_control = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!s->channel || s->wake < 0 || s->wake_control < 0)
		return -ENOMEM;
	error = channel_map(
		s->channel, region, s->workers, CHANNEL_DATAPLANE, s->wake_control, s->wake);
	if (error < 0) {
		free(s->channel);
		s->channel = NULL;
	}
	return error;
}

static int offer_channel(struct channel_server *s, int region)
{
	const struct stats_header *h = s->stats->header;
	const struct channel_offer offer = {
		.magic = CHANNEL_MAGIC,
		.version = CONTRACT_VERSION,
		.workers = s->workers,
		.sas = h->sas,
		.sessions = h->sessions,
		.region_size = channel_size(s->workers),
		.stats_size = s->stats->size,
		.boot = h->boot,
	};
	const int fds[CHANNEL_FDS] = {
		[CHANNEL_FD_REGION] = region,
		[CHANNEL_FD_STATS] = s->stats->fd,
		[CHANNEL_FD_WAKE_CONTROL] = s->wake_control,
		[CHANNEL_FD_WAKE_CLERK] = s->wake,
	};

	return send_offer(s->peer, &offer, fds);
}

bool channel_server_accept(struct channel_server *s)
{
	int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	int region, error;

	if (fd < 0)
		return false;
	if (s->peer >= 0 && channel_server_lost(s))
		channel_server_disconnect(s);
	if (s->peer >= 0) {
		refuse(fd, -EBUSY);
		return false;
	}
	s->peer = fd;
	region = channel_create_region(s->workers);
	error = region < 0 ? region : make_channel(s, region);
	if (error == 0)
		error = offer_channel(s, region);
	if (region >= 0)
		close(region);
	if (error < 0) {
		log_event(LOG_FAILED, "s:s, s:s", "what", "cannot hand over a channel", "reason",
			strerror(-error));
		channel_server_disconnect(s);
		return false;
	}
	publish(s, s->channel);
	log_event(LOG_CHANNEL_UP, NULL);
	return true;
}

bool channel_server_lost(struct channel_server *s)
{
	char byte;
	ssize_t n;

	if (s->peer < 0)
		return false;
	if (s->channel && channel_broken(s->channel)) {
		log_event(LOG_CHANNEL_BROKEN, NULL);
		return true;
	}
	// Nothing is ever said on the socket after the offer: data is as wrong as an end.
	n = recv(s->peer, &byte, sizeof(byte), MSG_DONTWAIT);
	return n >= 0 || (errno != EAGAIN && errno != EINTR);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void channel_server_disconnect(struct channel_server *s)
{
	if (s->peer < 0)
		return;
	publish(s, NULL);
	// Workers that still have the pointer are done with it after their round.
	rte_rcu_qsbr_synchronize(s->qsbr, RTE_QSBR_THRID_INVALID);
	if (s->channel) {
		channel_unmap(s->channel);
		free(s->channel);
		s->channel = NULL;
		log_event(LOG_CHANNEL_DOWN, NULL);
	}
	// The other side has this eventfd too: to close ours is not enough to be rid of its events.
	if (s->epoll >= 0 && s->wake >= 0)
		(void)epoll_ctl(s->epoll, EPOLL_CTL_DEL, s->wake, NULL);
	close_fd(&s->peer);
	close_fd(&s->wake);
	close_fd(&s->wake_control);
}

void channel_server_close(struct channel_server *s)
{
	channel_server_disconnect(s);
	if (s->listener < 0)
		return;
	close_fd(&s->listener);
	unlink(s->path);
}

// SPDX-License-Identifier: Apache-2.0

// The API's sockets, and libmicrohttpd on the control plane's event loop: each daemon has an epoll
// descriptor of its own, which the loop watches; when it is readable, or the daemon's own timeout
// is due, the daemon runs once. No thread is started, so handlers see the state between events.

#include "api.h"
#include "route.h"

#include "controlplane/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

struct server {
	struct api *api;
	struct MHD_Daemon *daemon; // NULL = not open
	uv_poll_t poll;            // its epoll descriptor
	uv_timer_t timer;          // its timeout
	bool loopback;             // by TCP
};

struct api {
	struct api_source source;
	uv_loop_t *loop;
	struct server servers[2]; // Unix, TCP
	char path[CONFIG_TEXT];   // of the Unix socket that we made; empty = none
	unsigned open_handles;
};

// Counts a handle out; the last frees the api.
static void handle_closed(uv_handle_t *handle)
{
	struct server *s = handle->data;

	if (--s->api->open_handles == 0)
		free(s->api);
}

static void run_daemon(struct server *s);

static void timer_due(uv_timer_t *timer)
{
	run_daemon(timer->data);
}

static void poll_ready(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	run_daemon(poll->data);
}

static void run_daemon(struct server *s)
{
	MHD_UNSIGNED_LONG_LONG ms;

	MHD_run(s->daemon);
	if (MHD_get_timeout(s->daemon, &ms) == MHD_YES)
		uv_timer_start(&s->timer, timer_due, ms, 0);
	else
		uv_timer_stop(&s->timer);
}

static enum MHD_Result request_in(void *context, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *upload, size_t *upload_size,
	void **request)
{
	struct server *s = context;

	(void)version;
	(void)upload;
	return route_request(
		&s->api->source, s->loopback, connection, url, method, upload_size, request);
}

// Takes the listening descriptor in any case.
static int server_start(struct server *s, int fd)
{
	const union MHD_DaemonInfo *info;

	s->daemon = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, request_in, s,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned)API_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)API_TIMEOUT_S,
		MHD_OPTION_END);
	if (!s->daemon) {
		close(fd);
		return -ENOMEM;
	}
	info = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (!info || uv_poll_init(s->api->loop, &s->poll, info->epoll_fd) < 0) {
		MHD_stop_daemon(s->daemon);
		s->daemon = NULL;
		return -ENOMEM;
	}
	uv_timer_init(s->api->loop, &s->timer);
	s->poll.data = s->timer.data = s;
	s->api->open_handles += 2;
	return uv_poll_start(&s->poll, UV_READABLE, poll_ready);
}

// True when a control plane answers on the socket; a file that none does is left over.
static bool is_served(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool served;

	if (fd < 0)
		return false;
	served = connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0;
	close(fd);
	return served;
}

// The folder of a path, when it is not there.
static void make_folder(const char *path)
{
	char folder[CONFIG_TEXT];
	char *slash;

	snprintf(folder, sizeof(folder), "%s", path);
	slash = strrchr(folder, '/');
	if (slash && slash != folder) {
		*slash = '\0';
		(void)mkdir(folder, 0755);
	}
}

static int unix_bind(int fd, const struct sockaddr_un *address)
{
	// The mode is right from the first moment; nobody can connect in between.
	mode_t before = umask(0117);
	int error = bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? -errno : 0;

	umask(before);
	return error;
}

// Root makes the socket, but the user that the control plane becomes has it, and its group uses it.
static void unix_chown(const char *path, const char *user)
{
	const struct passwd *pw = geteuid() == 0 && *user ? getpwnam(user) : NULL;

	if (pw && lchown(path, pw->pw_uid, pw->pw_gid) < 0)
		log_event(LOG_API_FAILED, NULL, "s:s, s:s, s:s", "reason",
			"cannot hand the socket to the user of the config", "socket", path, "error",
			strerror(errno));
}

static int unix_listen(const char *path, const char *user)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct stat st;
	int fd, error;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	if (is_served(&address))
		return -EADDRINUSE;
	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
		(void)unlink(path);
	make_folder(path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	error = unix_bind(fd, &address);
	if (error == 0 && listen(fd, API_CONNECTIONS) < 0)
		error = -errno;
	if (error) {
		close(fd);
		return error;
	}
	unix_chown(path, user);
	return fd;
}

static int tcp_listen(const struct ip_address *a, uint16_t port)
{
	struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	bool v4 = a->version == IP_V4;
	int fd, one = 1, error;

	memcpy(&four.sin_addr, a->bytes, 4);
	memcpy(&six.sin6_addr, a->bytes, 16);
	fd = socket(v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	// A restart must not wait for the old connections' TIME-WAIT.
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	error = v4 ? bind(fd, (struct sockaddr *)&four, sizeof(four))
		   : bind(fd, (struct sockaddr *)&six, sizeof(six));
	if (error == 0)
		error = listen(fd, API_CONNECTIONS);
	if (error == 0)
		return fd;
	error = -errno;
	close(fd);
	return error;
}

static int failed(const char *where, int error)
{
	log_event(LOG_API_FAILED, NULL, "s:s, s:s, s:s, s:s", "reason", "cannot listen", "socket",
		where, "error", strerror(-error), "fix",
		error == -EADDRINUSE ? "stop the other control plane, or change api in the config"
				     : "change api in the config, or the rights of the folder");
	return error;
}

static int open_sockets(struct api *api, const struct config *config)
{
	char where[ADDRESS_TEXT];
	int fd = unix_listen(config->api.socket, config->user), error;

	if (fd < 0)
		return failed(config->api.socket, fd);
	snprintf(api->path, sizeof(api->path), "%s", config->api.socket);
	error = server_start(&api->servers[0], fd);
	if (error < 0 || config->api.tcp.version == IP_NONE)
		return error < 0 ? failed(api->path, error) : 0;
	address_port_format(&config->api.tcp, config->api.tcp_port, where);
	fd = tcp_listen(&config->api.tcp, config->api.tcp_port);
	if (fd < 0)
		return failed(where, fd);
	error = server_start(&api->servers[1], fd);
	return error < 0 ? failed(where, error) : 0;
}

int api_create(uv_loop_t *loop, const struct config *config, const struct api_source *source,
	struct api **out)
{
	struct api *api = calloc(1, sizeof(*api));
	int error;

	*out = NULL;
	if (!api)
		return -ENOMEM;
	api->source = *source;
	api->loop = loop;
	api->servers[0].api = api->servers[1].api = api;
	api->servers[1].loopback = true;
	error = open_sockets(api, config);
	if (error)
		api_free(api);
	else
		*out = api;
	return error;
}

void api_free(struct api *api)
{
	if (!api)
		return;
	if (*api->path)
		(void)unlink(api->path);
	if (api->open_handles == 0) {
		free(api);
		return;
	}
	for (unsigned i = 0; i < 2; i++) {
		struct server *s = &api->servers[i];

		if (!s->daemon)
			continue;
		uv_close((uv_handle_t *)&s->poll, handle_closed);
		uv_close((uv_handle_t *)&s->timer, handle_closed);
		MHD_stop_daemon(s->daemon);
	}
}

// SPDX-License-Identifier: Apache-2.0

// The client of the channel. It connects to the dataplane's socket, takes the offer, maps both
// regions and from then on looks at its rings once in every round of the event loop, right before
// the loop sleeps. When anything is wrong with the channel it lets go of it and seeks a new one.
//
// Nothing that is read from the region is used before it was copied and checked.

#include "dataplane.h"

#include "install.h"
#include "install_reply.h"
#include "log.h"

#include "contract/channel.h"
#include "contract/ids.h"
#include "contract/stats.h"
#include "contract/version.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

enum {
	RETRY_MS = 200,    // between attempts to connect
	TURN_PACKETS = 64, // taken from each punt ring in one round of the loop
	POSTED_MAX = 16,   // commands that the clerk is not told of at once
};

enum state { IDLE, WAITING_FOR_OFFER, UP };

// The one channel of this process.
static struct {
	enum state state;
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	const struct dataplane_events *events;
	void *context;
	uv_loop_t *loop;
	uv_timer_t retry;
	uv_prepare_t prepare;
	uv_idle_t idle; // runs while a ring is not yet empty: the loop must not sleep
	uv_poll_t *socket_poll;
	uv_poll_t *wake_poll;
	int socket;
	int wake_control, wake_clerk;
	struct channel channel;
	unsigned posted; // commands of which the clerk has not been told
	struct channel_offer offer;
	const uint8_t *stats;       // the mapped segment
	struct stats_header header; // a copy, checked
	bool refused_logged;
} d = {.socket = -1, .wake_control = -1, .wake_clerk = -1};

static void seek(uv_timer_t *timer);

static void poll_freed(uv_handle_t *handle)
{
	free(handle);
}

static void poll_stop(uv_poll_t **poll)
{
	if (!*poll)
		return;
	uv_poll_stop(*poll);
	uv_close((uv_handle_t *)*poll, poll_freed);
	*poll = NULL;
}

static int poll_start(uv_poll_t **poll, int fd, uv_poll_cb callback)
{
	*poll = malloc(sizeof(**poll));
	if (!*poll)
		return -ENOMEM;
	if (uv_poll_init(d.loop, *poll, fd) < 0) {
		free(*poll);
		*poll = NULL;
		return -EINVAL;
	}
	return uv_poll_start(*poll, UV_READABLE | UV_DISCONNECT, callback) < 0 ? -EINVAL : 0;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

// Once for all commands of a round of the loop, if they are few: waking it costs more than they.
static void tell_clerk(void)
{
	if (d.posted)
		channel_wake_clerk(&d.channel);
	d.posted = 0;
}

static void let_go(void)
{
	if (d.channel.head)
		tell_clerk();
	poll_stop(&d.socket_poll);
	poll_stop(&d.wake_poll);
	if (d.channel.head)
		channel_unmap(&d.channel);
	if (d.stats)
		munmap((void *)(uintptr_t)d.stats, d.header.size);
	d.stats = NULL;
	close_fd(&d.socket);
	close_fd(&d.wake_control);
	close_fd(&d.wake_clerk);
	d.state = IDLE;
	uv_idle_stop(&d.idle);
}

// The channel is of no use any more: tell everybody and seek a new one.
static void lost(const char *reason)
{
	bool was_up = d.state == UP;

	let_go();
	if (was_up) {
		log_event(LOG_CHANNEL_LOST, NULL, "s:s", "reason", reason);
		install_channel_down();
		d.events->down(d.context);
	} else if (!d.refused_logged) {
		log_event(LOG_CHANNEL_LOST, NULL, "s:s, s:s", "reason", reason, "socket", d.path);
		d.refused_logged = true; // once, not five times a second
	}
	uv_timer_start(&d.retry, seek, RETRY_MS, 0);
}

static bool array_fits(uint32_t at, uint64_t count, size_t size)
{
	return at % 64 == 0 && at >= sizeof(struct stats_header) && count * size <= UINT32_MAX &&
	       at + count * size <= d.header.size;
}

static bool header_fits(uint64_t size)
{
	const struct stats_header *h = &d.header;

	return h->version == CONTRACT_VERSION && h->size == size && h->workers <= LIMIT_WORKERS &&
	       h->ports <= LIMIT_PORTS &&
	       array_fits(h->workers_at, h->workers, sizeof(struct stats_worker)) &&
	       array_fits(h->ports_at, h->ports, sizeof(struct stats_port)) &&
	       array_fits(h->sas_at, h->sas, sizeof(struct stats_sa)) &&
	       array_fits(h->sessions_at, h->sessions, sizeof(struct stats_session)) &&
	       h->groups <= LIMIT_GROUPS &&
	       array_fits(
		       h->groups_at, (uint64_t)h->workers * h->groups, sizeof(struct stats_group));
}

static int map_stats(int fd)
{
	struct stat st;
	void *p;

	if (fstat(fd, &st) < 0 || (uint64_t)st.st_size != d.offer.stats_size ||
		st.st_size > UINT32_MAX || (size_t)st.st_size < sizeof(struct stats_header))
		return -EPROTO;
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	memcpy(&d.header, p, sizeof(d.header));
	if (!header_fits((uint64_t)st.st_size)) {
		munmap(p, (size_t)st.st_size);
		return -EPROTO;
	}
	d.stats = p;
	return 0;
}

// A punted packet, copied out and put together.
struct punted {
	struct packet header; // of the first part; without data
	uint8_t data[PACKET_PARTS * PACKET_DATA];
	size_t length;
};

static bool header_is_sane(const struct packet *out)
{
	if (out->length > PACKET_DATA || out->part != 0 || out->parts == 0 ||
		out->parts > PACKET_PARTS)
		return false;
	if (out->parts > 1 && ((out->kind != PACKET_IKE && out->kind != PACKET_PPP) ||
				      out->length != PACKET_DATA))
		return false;
	if (out->kind == PACKET_PPP || out->kind == PACKET_IP6 || out->kind == PACKET_IP4) {
		if (out->session >= d.offer.sessions)
			return false;
	} else if ((out->kind != PACKET_IKE && out->kind != PACKET_L2TP) ||
		   (out->local.version != IP_V4 && out->local.version != IP_V6) ||
		   out->remote.version != out->local.version) {
		return false;
	}
	return true;
}

// The part that follows what is there already.
static bool take_part(const struct packet *shared, uint16_t part, struct punted *out)
{
	struct packet next;
	uint16_t length;

	if (!shared)
		return false;
	memcpy(&next, shared, PACKET_HEADER);
	length = next.length;
	if (next.part != part || length == 0 || length > PACKET_DATA ||
		(length < PACKET_DATA && part < out->header.parts - 1))
		return false;
	next.part = 0;
	next.length = out->header.length;
	if (memcmp(&next, &out->header, PACKET_HEADER) != 0)
		return false;
	memcpy(out->data + out->length, shared->data, length);
	out->length += length;
	return true;
}

// The packet at the front of the ring, which leaves it. False: the dataplane broke the contract,
// which puts all parts of a message into the ring at once.
static bool take_packet(struct ring *ring, const struct packet *shared, struct punted *out)
{
	memcpy(&out->header, shared, PACKET_HEADER);
	if (!header_is_sane(&out->header))
		return false;
	out->length = out->header.length;
	memcpy(out->data, shared->data, out->length);
	for (uint16_t i = 1; i < out->header.parts; i++)
		if (!take_part(ring_front_at(ring, i), i, out))
			return false;
	ring_pop_all(ring, out->header.parts);
	return out->length <= packet_most(out->header.kind);
}

static void take_packets(uint32_t worker)
{
	struct ring *ring = &d.channel.punt[worker];
	static struct punted packet;

	for (int i = 0; i < TURN_PACKETS && d.state == UP; i++) {
		const struct packet *shared = ring_front(ring);

		if (!shared)
			return;
		if (!take_packet(ring, shared, &packet))
			return lost("a punted packet that cannot be");
		d.events->packet(d.context, &packet.header, packet.data, packet.length);
	}
}

static void take_events(void)
{
	for (int i = 0; i < LIMIT_RING_MESSAGES && d.state == UP; i++) {
		const struct message *shared = ring_front(&d.channel.event);
		struct message m;

		if (!shared)
			return;
		m = *shared;
		ring_pop(&d.channel.event);
		if (m.size > MESSAGE_BODY || event_size(m.type) == 0 ||
			event_size(m.type) != m.size)
			return lost("an event that cannot be");
		if (m.type != EVENT_REPLY)
			d.events->event(d.context, m.type, m.body);
		else if (install_reply(
				 m.request, (const struct event_reply *)(const void *)m.body) < 0)
			return lost("an answer to no command");
	}
}

static bool rings_empty(void)
{
	if (ring_count(&d.channel.event))
		return false;
	for (uint32_t w = 0; w < d.channel.workers; w++)
		if (ring_count(&d.channel.punt[w]))
			return false;
	return true;
}

static void idle_round(uv_idle_t *handle)
{
	(void)handle; // its running alone keeps the loop from sleeping
}

// Right before the loop sleeps. Answers come before packets, so that what was installed is known.
static void before_sleep(uv_prepare_t *handle)
{
	(void)handle;
	if (d.state != UP)
		return;
	take_events();
	for (uint32_t w = 0; d.state == UP && w < d.channel.workers; w++)
		take_packets(w);
	if (d.state != UP)
		return;
	if (channel_broken(&d.channel))
		return lost("a ring position that cannot be");
	tell_clerk();
	channel_will_sleep(&d.channel);
	if (rings_empty())
		uv_idle_stop(&d.idle);
	else
		uv_idle_start(&d.idle, idle_round);
}

static void wake_readable(uv_poll_t *poll, int status, int events)
{
	eventfd_t value;

	(void)poll;
	(void)status;
	(void)events;
	if (eventfd_read(d.wake_control, &value) < 0 && errno != EAGAIN)
		lost("the wake-up descriptor failed");
}

// Receives the offer and its descriptors; fds are -1 where none came.
static int receive_offer(int fds[CHANNEL_FDS])
{
	char control[CMSG_SPACE(CHANNEL_FDS * sizeof(int))] __attribute__((aligned(8)));
	struct iovec iov = {.iov_base = &d.offer, .iov_len = sizeof(d.offer)};
	struct msghdr message = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(d.socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;
	size_t count = 0;

	for (int i = 0; i < CHANNEL_FDS; i++)
		fds[i] = -1;
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
		count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds, CMSG_DATA(c),
			(count < CHANNEL_FDS ? count : CHANNEL_FDS) * sizeof(int));
	}
	if (n != (ssize_t)sizeof(d.offer) || d.offer.magic != CHANNEL_MAGIC)
		return -EPROTO;
	if (d.offer.version != CONTRACT_VERSION)
		return -EPROTONOSUPPORT;
	if (d.offer.error)
		return d.offer.error < 0 ? d.offer.error : -EPROTO;
	if (count != CHANNEL_FDS || d.offer.sas > LIMIT_SAS || d.offer.sessions > LIMIT_SESSIONS)
		return -EPROTO;
	return 0;
}

static int take_offer(void)
{
	int fds[CHANNEL_FDS];
	int error = receive_offer(fds);

	d.wake_control = fds[CHANNEL_FD_WAKE_CONTROL];
	d.wake_clerk = fds[CHANNEL_FD_WAKE_CLERK];
	if (error == 0)
		error = map_stats(fds[CHANNEL_FD_STATS]);
	if (error == 0)
		error = channel_map(&d.channel, fds[CHANNEL_FD_REGION], d.offer.workers,
			CHANNEL_CONTROLPLANE, d.wake_control, d.wake_clerk);
	close_fd(&fds[CHANNEL_FD_REGION]);
	close_fd(&fds[CHANNEL_FD_STATS]);
	if (error == 0)
		error = poll_start(&d.wake_poll, d.wake_control, wake_readable);
	return error;
}

static const char *offer_error(int error)
{
	switch (error) {
	case -EBUSY:
		return "another control plane holds the channel";
	case -EPROTONOSUPPORT:
		return "the dataplane speaks another version of the contract: install both "
		       "programs of one version";
	case -EPROTO:
		return "the dataplane's offer makes no sense";
	default:
		return strerror(-error);
	}
}

static void socket_readable(uv_poll_t *poll, int status, int events)
{
	int error;

	(void)poll;
	if (d.state == UP || status < 0 || !(events & UV_READABLE))
		return lost("the dataplane closed the channel");
	error = take_offer();
	if (error < 0)
		return lost(offer_error(error));
	d.state = UP;
	d.refused_logged = false;
	log_event(LOG_CHANNEL_UP, NULL, "s:i, s:i, s:i", "workers", (int)d.offer.workers, "sas",
		(int)d.offer.sas, "sessions", (int)d.offer.sessions);
	install_channel_up();
	d.events->up(d.context, &d.offer);
}

static void seek(uv_timer_t *timer)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	(void)timer;
	memcpy(address.sun_path, d.path, sizeof(address.sun_path));
	d.socket = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (d.socket < 0 || connect(d.socket, (struct sockaddr *)&address, sizeof(address)) < 0)
		return lost(errno == ENOENT || errno == ECONNREFUSED
				    ? "no dataplane serves the socket"
				    : strerror(errno));
	d.state = WAITING_FOR_OFFER;
	if (poll_start(&d.socket_poll, d.socket, socket_readable) < 0)
		lost("no memory");
}

int dataplane_start(
	uv_loop_t *loop, const char *socket, const struct dataplane_events *events, void *context)
{
	if (strlen(socket) >= sizeof(d.path))
		return -ENAMETOOLONG;
	strcpy(d.path, socket);
	d.loop = loop;
	d.events = events;
	d.context = context;
	uv_timer_init(loop, &d.retry);
	uv_prepare_init(loop, &d.prepare);
	uv_idle_init(loop, &d.idle);
	uv_prepare_start(&d.prepare, before_sleep);
	uv_timer_start(&d.retry, seek, 0, 0);
	return 0;
}

void dataplane_stop(void)
{
	let_go();
	uv_close((uv_handle_t *)&d.retry, NULL);
	uv_close((uv_handle_t *)&d.prepare, NULL);
	uv_close((uv_handle_t *)&d.idle, NULL);
}

static const void *stats_array(uint32_t at, uint32_t entries, uint32_t *count)
{
	*count = d.stats ? entries : 0;
	return d.stats ? d.stats + at : NULL;
}

const struct stats_header *dataplane_stats(void)
{
	return d.stats ? &d.header : NULL;
}

const struct stats_worker *dataplane_stats_workers(uint32_t *count)
{
	return stats_array(d.header.workers_at, d.header.workers, count);
}

const struct stats_port *dataplane_stats_ports(uint32_t *count)
{
	return stats_array(d.header.ports_at, d.header.ports, count);
}

const struct stats_sa *dataplane_stats_sas(uint32_t *count)
{
	return stats_array(d.header.sas_at, d.header.sas, count);
}

const struct stats_session *dataplane_stats_sessions(uint32_t *count)
{
	return stats_array(d.header.sessions_at, d.header.sessions, count);
}

const struct stats_group *dataplane_stats_groups(uint32_t *count)
{
	return stats_array(d.header.groups_at, d.header.groups, count);
}

int dataplane_post(uint32_t type, const void *body, uint32_t size, uint64_t request)
{
	struct message *slot;

	if (d.state != UP)
		return -ENOTCONN;
	slot = ring_slot(&d.channel.command);
	if (!slot)
		return -ENOBUFS;
	*slot = (struct message){.type = type, .size = size, .request = request};
	memcpy(slot->body, body, size);
	ring_push(&d.channel.command);
	if (++d.posted == POSTED_MAX)
		tell_clerk();
	return 0;
}

// The workers poll their inject rings, so nobody needs to be woken. What belongs together goes to
// the same worker, so that it keeps its order.
static int inject(const struct packet *header, uint32_t affinity, const void *data, size_t length)
{
	size_t most = packet_most(header->kind);
	uint16_t parts = length > PACKET_DATA ? (length + PACKET_DATA - 1) / PACKET_DATA : 1;
	const uint8_t *bytes = data;
	struct packet *slot;
	struct ring *ring;

	if (d.state != UP)
		return -ENOTCONN;
	if (length > most)
		return -EMSGSIZE;
	ring = &d.channel.inject[affinity % d.channel.workers];
	// From the last one on: when that has room, so have the others.
	for (uint16_t i = parts; i-- > 0;) {
		size_t at = (size_t)i * PACKET_DATA;
		size_t size = length - at < PACKET_DATA ? length - at : PACKET_DATA;

		slot = ring_slot_at(ring, i);
		if (!slot)
			return -ENOBUFS;
		memcpy(slot, header, PACKET_HEADER);
		slot->part = i;
		slot->parts = parts;
		slot->length = (uint16_t)size;
		memcpy(slot->data, bytes + at, size);
	}
	ring_push_all(ring, parts);
	return 0;
}

static struct packet udp_header(uint16_t kind, const struct flow *flow)
{
	return (struct packet){
		.kind = kind,
		.session = SESSION_NONE,
		.local = flow->local,
		.remote = flow->remote,
		.local_port = flow->local_port,
		.remote_port = flow->remote_port,
	};
}

int dataplane_send_ike(const struct flow *flow, const void *message, size_t length)
{
	struct packet header = udp_header(PACKET_IKE, flow);

	if (flow->local_port == PORT_NAT_T)
		header.flags = PACKET_NAT_T;
	return inject(&header, flow->remote_port, message, length);
}

int dataplane_send_l2tp(const struct flow *flow, uint32_t sa, const void *message, size_t length)
{
	struct packet header = udp_header(PACKET_L2TP, flow);

	header.sa = sa;
	return inject(&header, id_index(sa), message, length);
}

int dataplane_send_ip6(uint32_t session, const void *packet, size_t length)
{
	struct packet header = {.kind = PACKET_IP6, .session = session};

	return inject(&header, session, packet, length);
}

int dataplane_send_ip4(uint32_t session, const void *packet, size_t length)
{
	struct packet header = {.kind = PACKET_IP4, .session = session};

	return inject(&header, session, packet, length);
}

int dataplane_send_ppp(uint32_t session, const void *packet, size_t length)
{
	struct packet header = {.kind = PACKET_PPP, .session = session};

	return inject(&header, session, packet, length);
}

int dataplane_send_ppp_whole(uint32_t session, const void *packet, size_t length)
{
	struct packet header = {.kind = PACKET_PPP, .flags = PACKET_DF, .session = session};

	return inject(&header, session, packet, length);
}

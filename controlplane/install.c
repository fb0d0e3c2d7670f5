// SPDX-License-Identifier: Apache-2.0

// The queue of commands that wait for their answer, and the two things that take several steps.
//
// Answers come in the order of the commands, so the queue is first in, first out, and an answer
// to anything but the oldest command means that the dataplane broke the contract.
//
// A removal must never be lost, also when the ring is full: it then waits in the backlog, and
// while something waits there nothing new is accepted, so the order stays. TUNNEL_SET_SA counts as
// one, because it removes the tunnel from an SA that is deleted next.

#include "install.h"

#include "dataplane.h"
#include "install_groups.h"
#include "install_reply.h"
#include "log.h"

#include "contract/ike_spi.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum {
	PENDING = 4 * LIMIT_RING_MESSAGES, // commands without an answer, a power of two
	IKE_FIRSTS = 8192,                 // first IKE messages of strangers in a second
};

struct pending {
	install_done done; // one of the two, or none
	install_set_done set_done;
	void *context;
	uint32_t type;
};

static struct pending pending[PENDING];
static uint64_t next_request = 1; // number of the next command
static uint64_t next_answer = 1;  // number of the command that is answered next

// Removals that did not fit.
struct removal {
	uint32_t type;
	uint32_t size;
	union {
		struct command_sa_delete sa;
		struct command_tunnel_set_sa set_sa;
		struct command_tunnel_delete tunnel;
		struct command_session_delete session;
		struct command_route route;
		struct command_session_set set;
	};
};
static struct removal *backlog;
static size_t backlog_first, backlog_count, backlog_room;

static int post_now(
	uint32_t type, const void *body, uint32_t size, install_done done, void *context)
{
	int error;

	if (next_request - next_answer == PENDING)
		return -ENOBUFS;
	error = dataplane_post(type, body, size, next_request);
	if (error < 0)
		return error;
	pending[next_request++ % PENDING] =
		(struct pending){.done = done, .context = context, .type = type};
	return 0;
}

int install_post(uint32_t type, const void *body, uint32_t size, install_done done, void *context)
{
	return backlog_count ? -ENOBUFS : post_now(type, body, size, done, context);
}

static int post(uint32_t type, const void *body, uint32_t size, install_done done, void *context)
{
	int error = install_post(type, body, size, done, context);

	if (error < 0)
		log_event(LOG_INSTALL_FAILED, NULL, "s:s, s:s", "command", command_name(type),
			"reason", strerror(-error));
	return error;
}

static int backlog_add(uint32_t type, const void *body, uint32_t size)
{
	struct removal *r;

	if (backlog_first + backlog_count == backlog_room) {
		size_t room = backlog_room ? 2 * backlog_room : 256;
		struct removal *bigger = realloc(backlog, room * sizeof(*bigger));

		if (!bigger)
			return -ENOMEM;
		backlog = bigger;
		backlog_room = room;
	}
	r = &backlog[backlog_first + backlog_count++];
	*r = (struct removal){.type = type, .size = size};
	memcpy(&r->sa, body, size);
	return 0;
}

static void backlog_flush(void)
{
	while (backlog_count) {
		struct removal *r = &backlog[backlog_first];

		if (post_now(r->type, &r->sa, r->size, NULL, NULL) < 0)
			return;
		backlog_first++;
		backlog_count--;
	}
	backlog_first = 0;
}

// Like post, but what finds the ring full waits. Without a dataplane there is nothing to remove.
static int remove_later(uint32_t type, const void *body, uint32_t size)
{
	int error = backlog_count ? -ENOBUFS : post_now(type, body, size, NULL, NULL);

	return error == -ENOBUFS ? backlog_add(type, body, size) : error;
}

static void answer(const struct pending *p, int error, uint32_t value)
{
	if (p->done)
		p->done(p->context, error);
	else if (p->set_done)
		p->set_done(p->context, error, (uint16_t)(value <= UINT16_MAX ? value : 0));
}

static void openings_fail(int error);

const uint8_t *install_ike_key(void)
{
	static uint8_t key[IKE_SPI_KEY];
	static bool drawn;

	if (!drawn && getrandom(key, sizeof(key), 0) == (ssize_t)sizeof(key))
		drawn = true;
	return drawn ? key : NULL;
}

static uint32_t ike_firsts = IKE_FIRSTS;

// Without a key the workers let all IKE messages pass.
static void tell_ike_key(void)
{
	struct command_ike_admit admit = {.firsts_per_second = ike_firsts};
	const uint8_t *key = install_ike_key();

	if (!key)
		return;
	memcpy(admit.key, key, sizeof(admit.key));
	(void)install_post(COMMAND_IKE_ADMIT, &admit, sizeof(admit), NULL, NULL);
}

void install_ike_firsts(uint32_t per_second)
{
	ike_firsts = per_second ? per_second : IKE_FIRSTS;
	tell_ike_key();
}

void install_channel_up(void)
{
	struct command_reset reset = {0};

	(void)post(COMMAND_RESET, &reset, sizeof(reset), NULL, NULL);
	tell_ike_key();
	install_groups_up();
}

void install_channel_down(void)
{
	backlog_first = backlog_count = 0;
	install_groups_down();
	openings_fail(-ENOTCONN);
	while (next_answer != next_request) {
		struct pending p = pending[next_answer++ % PENDING];

		answer(&p, -ENOTCONN, 0);
	}
}

int install_reply(uint64_t request, const struct event_reply *reply)
{
	struct pending p;

	if (next_answer == next_request || request != next_answer)
		return -EPROTO;
	p = pending[next_answer++ % PENDING];
	if (p.type != reply->command)
		return -EPROTO;
	if (reply->error)
		log_event(LOG_INSTALL_FAILED, NULL, "s:s, s:s", "command", command_name(p.type),
			"reason", strerror(reply->error < 0 ? -reply->error : reply->error));
	answer(&p, reply->error, reply->value);
	backlog_flush();
	install_groups_more();
	return 0;
}

int install_sa_add(const struct command_sa_add *command, install_done done, void *context)
{
	return post(COMMAND_SA_ADD, command, sizeof(*command), done, context);
}

int install_sa_move(const struct command_sa_move *command)
{
	return remove_later(COMMAND_SA_MOVE, command, sizeof(*command));
}

int install_sa_delete(uint32_t spi_in)
{
	struct command_sa_delete c = {.spi_in = spi_in};

	return remove_later(COMMAND_SA_DELETE, &c, sizeof(c));
}

int install_tunnel_add(const struct command_tunnel_add *command, install_done done, void *context)
{
	return post(COMMAND_TUNNEL_ADD, command, sizeof(*command), done, context);
}

int install_tunnel_set_sa(uint16_t tunnel, uint32_t sa)
{
	struct command_tunnel_set_sa c = {.tunnel = tunnel, .sa = sa};

	return remove_later(COMMAND_TUNNEL_SET_SA, &c, sizeof(c));
}

int install_tunnel_delete(uint16_t tunnel)
{
	struct command_tunnel_delete c = {.tunnel = tunnel};

	return remove_later(COMMAND_TUNNEL_DELETE, &c, sizeof(c));
}

int install_session_add(const struct command_session_add *command, install_done done, void *context)
{
	return post(COMMAND_SESSION_ADD, command, sizeof(*command), done, context);
}

int install_session_delete(uint32_t session)
{
	struct command_session_delete c = {.session = session};

	return remove_later(COMMAND_SESSION_DELETE, &c, sizeof(c));
}

// ---- opening a subscriber: SESSION_SET, then ROUTE_ADD

// What its two answers need; freed with the second one.
struct opening {
	struct opening *next;
	bool waits; // for the groups: nothing is posted yet
	struct command_session_set open;
	struct command_session_set before; // what undoes SESSION_SET
	struct command_route route;
	install_done done;
	void *context;
	int error; // of SESSION_SET
};

static struct opening *openings;

static void opening_free(struct opening *o)
{
	for (struct opening **at = &openings; *at; at = &(*at)->next)
		if (*at == o) {
			*at = o->next;
			break;
		}
	free(o);
}

static void session_is_set(void *context, int error)
{
	struct opening *o = context;

	o->error = error;
}

static void route_is_added(void *context, int error)
{
	struct opening *o = context;

	if (error == 0 && o->error)
		(void)remove_later(COMMAND_ROUTE_DELETE, &o->route, sizeof(o->route));
	if (error && o->error == 0)
		(void)remove_later(COMMAND_SESSION_SET, &o->before, sizeof(o->before));
	if (o->done)
		o->done(o->context, o->error ? o->error : error);
	opening_free(o);
}

// Posts both commands; after an error it is still the caller's.
static int opening_post(struct opening *o)
{
	int error = post(COMMAND_SESSION_SET, &o->open, sizeof(o->open), session_is_set, o);

	if (error < 0)
		return error;
	error = post(COMMAND_ROUTE_ADD, &o->route, sizeof(o->route), route_is_added, o);
	if (error < 0) {
		(void)remove_later(COMMAND_SESSION_SET, &o->before, sizeof(o->before));
		install_forget(o);
	}
	return error;
}

// For one that waited.
static void opening_end(struct opening *o, int error)
{
	install_done done = o->done;
	void *context = o->context;

	opening_free(o);
	if (done)
		done(context, error);
}

// The one that waits longest: IPv4 and IPv6 of a session are opened in their order.
static struct opening *opening_waiting(void)
{
	struct opening *oldest = NULL;

	for (struct opening *o = openings; o; o = o->next)
		if (o->waits)
			oldest = o;
	return oldest;
}

static void openings_fail(int error)
{
	struct opening *o;

	while ((o = opening_waiting()))
		opening_end(o, error);
}

void install_open_waiting(void)
{
	struct opening *o;

	while ((o = opening_waiting())) {
		int error = install_group_refused(o->open.group) ? -EACCES : 0;

		o->waits = false;
		error = error ? error : opening_post(o);
		if (error < 0)
			opening_end(o, error);
	}
}

static struct command_route route_to(uint32_t session, const struct ip_prefix *prefix)
{
	return (struct command_route){
		.prefix = *prefix, .session = session, .kind = NEXT_HOP_SESSION};
}

int install_subscriber(const struct command_session_set *before,
	const struct command_session_set *command, const struct ip_prefix *route, install_done done,
	void *context)
{
	struct opening *o;
	int error = 0;

	if (install_group_refused(command->group))
		return -EACCES;
	o = calloc(1, sizeof(*o));
	if (!o)
		return -ENOMEM;
	o->before = *before;
	o->open = *command;
	o->route = route_to(command->session, route);
	o->done = done;
	o->context = context;
	o->waits = !install_groups_done();
	o->next = openings;
	openings = o;
	if (!o->waits)
		error = opening_post(o);
	if (error < 0)
		opening_free(o);
	return error;
}

static struct opening *opening_of(uint32_t session, const struct ip_prefix *route)
{
	struct opening *o = openings;

	while (o && !(o->waits && o->open.session == session &&
			    (!route || memcmp(&o->route.prefix, route, sizeof(*route)) == 0)))
		o = o->next;
	return o;
}

static struct command_session_set closed_form(const struct command_session_set *open)
{
	struct command_session_set c = *open;

	c.flags &= ~(uint32_t)(SESSION_IP4_OPEN | SESSION_IP6_OPEN);
	memset(&c.ip4, 0, sizeof(c.ip4));
	memset(&c.ip6, 0, sizeof(c.ip6));
	return c;
}

// Takes back what waits; the other protocol of the session, if it waits too, goes on alone. False:
// it is posted already, or there is none.
static bool opening_take_back(
	const struct command_session_set *command, const struct ip_prefix *route)
{
	struct opening *o = opening_of(command->session, route);

	if (!o)
		return false;
	opening_free(o);
	o = opening_of(command->session, NULL);
	if (o) {
		o->open = *command;
		o->before = closed_form(command);
	}
	return true;
}

int install_subscriber_undo(
	const struct command_session_set *command, const struct ip_prefix *route)
{
	int error;

	if (opening_take_back(command, route))
		return 0;
	error = install_route_delete(command->session, route);
	return error < 0 ? error : remove_later(COMMAND_SESSION_SET, command, sizeof(*command));
}

static void opening_change(struct command_session_set *c, const struct command_session_set *to)
{
	c->mtu = to->mtu;
	c->group = to->group;
	c->police_uplink = to->police_uplink;
	c->police_downlink = to->police_downlink;
	c->shape_downlink = to->shape_downlink;
}

// What may be said of a session now: while its opening waits it stays closed, and the rest holds
// for the opening too.
static struct command_session_set opening_keep(const struct command_session_set *command)
{
	bool waits = false;

	for (struct opening *o = openings; o; o = o->next)
		if (o->waits && o->open.session == command->session) {
			opening_change(&o->before, command);
			opening_change(&o->open, command);
			waits = true;
		}
	return waits ? closed_form(command) : *command;
}

int install_session_set(
	const struct command_session_set *command, install_set_done done, void *context)
{
	struct command_session_set c = opening_keep(command);
	int error = post(COMMAND_SESSION_SET, &c, sizeof(c), NULL, context);

	if (error == 0)
		pending[(next_request - 1) % PENDING].set_done = done;
	return error;
}

int install_route_add(
	uint32_t session, const struct ip_prefix *prefix, install_done done, void *context)
{
	struct command_route r = route_to(session, prefix);

	return post(COMMAND_ROUTE_ADD, &r, sizeof(r), done, context);
}

int install_route_delete(uint32_t session, const struct ip_prefix *prefix)
{
	struct command_route r = route_to(session, prefix);

	return remove_later(COMMAND_ROUTE_DELETE, &r, sizeof(r));
}

void install_forget(const void *context)
{
	for (uint64_t i = next_answer; i != next_request; i++)
		if (pending[i % PENDING].context == context) {
			pending[i % PENDING].done = NULL;
			pending[i % PENDING].set_done = NULL;
		}
	for (struct opening *o = openings; o; o = o->next)
		if (o->context == context)
			o->done = NULL;
}

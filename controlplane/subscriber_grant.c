// SPDX-License-Identifier: Apache-2.0

// What holds for a subscriber, put to work: the group and the rates that the dataplane is told, the
// networks behind it, and the times after which it ends.
//
// A network is routed to one subscriber at a time. Who comes second does not get it, which is an
// event.

#include "subscriber_record.h"

#include "contract/stats.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// ---- the grant

static int hold_group(const struct grant *g)
{
	return install_group_hold(g->group, g->filter_uplink, g->filter_downlink, g->isolated);
}

void subscriber_grant_end(struct subscriber *s)
{
	if (s->granted)
		install_group_release(s->group);
	s->granted = false;
	grant_free(&s->grant);
}

int subscriber_grant(struct subscriber *s, struct grant *grant)
{
	int group = hold_group(grant);

	subscriber_grant_end(s);
	if (group < 0) {
		grant_free(grant);
		return group;
	}
	s->grant = *grant;
	s->group = (uint16_t)group;
	s->granted = true;
	return 0;
}

void subscriber_form_grant(const struct subscriber *s, struct command_session_set *out)
{
	if (!s->granted)
		return;
	out->group = s->group;
	grant_form(&s->grant, out);
}

void subscriber_who(struct subscriber *s)
{
	s->who = (struct aaa_subject){
		.attempt = s->id,
		.flow = s->l2tp.flow,
		.session = s->session,
		.access = s->road->word,
		.ipsec = s->l2tp.peer != 0,
		.calling = s->l2tp.calling,
		.called = s->l2tp.called,
		.lac = s->l2tp.host_name,
		.tx_speed = s->l2tp.tx_speed,
		.rx_speed = s->l2tp.rx_speed,
	};
}

// ---- networks behind it

static void refuse_route(const struct subscriber *s, const struct ip_prefix *route, int error)
{
	char text[ADDRESS_TEXT];

	log_event(LOG_ROUTE_REFUSED, &s->subject, "s:s, s:s", "route", prefix_format(route, text),
		"reason", error == -EEXIST ? "it leads elsewhere already" : strerror(-error));
}

// The dataplane refused it, or has it.
static void route_answered(void *context, int error)
{
	struct behind *b = context;

	if (error == 0)
		return;
	refuse_route(b->s, &b->route, error);
	memset(&b->route, 0, sizeof(b->route));
}

// The place of that route; of IP_NONE a free one.
static struct behind *place_of(struct subscriber *s, const struct ip_prefix *route)
{
	for (unsigned i = 0; s->behind && i < GRANT_ROUTES_MOST; i++)
		if (memcmp(&s->behind[i].route, route, sizeof(*route)) == 0)
			return &s->behind[i];
	return NULL;
}

static void add_route(struct subscriber *s, const struct ip_prefix *route)
{
	static const struct ip_prefix none;
	struct behind *b = place_of(s, &none);
	int error;

	if (!b)
		return;
	*b = (struct behind){.s = s, .route = *route};
	error = install_route_add(s->session, route, route_answered, b);
	if (error < 0)
		route_answered(b, error);
}

static void remove_route(struct behind *b)
{
	if (b->route.address.version == IP_NONE)
		return;
	install_forget(b);
	(void)install_route_delete(b->s->session, &b->route);
	memset(&b->route, 0, sizeof(b->route));
}

static bool is_granted(const struct grant_more *more, const struct ip_prefix *route)
{
	for (uint16_t i = 0; more && i < more->route_count; i++)
		if (memcmp(&more->routes[i], route, sizeof(*route)) == 0)
			return true;
	return false;
}

// As they are granted now: those that are there already stay, without a packet lost.
static void set_routes(struct subscriber *s)
{
	const struct grant_more *more = s->grant.more;
	uint16_t count = more ? more->route_count : 0;

	for (unsigned i = 0; s->behind && i < GRANT_ROUTES_MOST; i++)
		if (!is_granted(more, &s->behind[i].route))
			remove_route(&s->behind[i]);
	if (count && !s->behind)
		s->behind = calloc(GRANT_ROUTES_MOST, sizeof(*s->behind));
	for (uint16_t i = 0; i < count; i++)
		if (!place_of(s, &more->routes[i]))
			add_route(s, &more->routes[i]);
}

static void remove_routes(struct subscriber *s)
{
	for (unsigned i = 0; s->behind && i < GRANT_ROUTES_MOST; i++)
		remove_route(&s->behind[i]);
	free(s->behind);
	s->behind = NULL;
}

// ---- times

static void session_over(void *context)
{
	subscriber_close(context, "session-timeout");
}

// Milliseconds of the timers' clock: its newest packet, or when it came up.
static uint64_t last_packet(const struct subscriber *s)
{
	uint32_t count;
	const struct stats_session *all = dataplane_stats_sessions(&count);
	uint64_t last = 0;

	if (all && s->session < count)
		last = all[s->session].uplink.last > all[s->session].downlink.last
			       ? all[s->session].uplink.last
			       : all[s->session].downlink.last;
	last /= 1000000;
	return last > s->up_since ? last : s->up_since;
}

static void look_idle(void *context)
{
	struct subscriber *s = context;
	uint64_t end = last_packet(s) + s->grant.idle_timeout_s * 1000ULL;
	uint64_t now = timers_now(s->all->timers);

	if (end <= now)
		subscriber_close(s, "idle-timeout");
	else
		(void)timer_start(s->all->timers, &s->idle, end - now, look_idle, s);
}

// A session-timeout counts from the beginning, also when it is changed on the way.
static void watch_session(struct subscriber *s)
{
	uint64_t end = s->up_since + s->grant.session_timeout_s * 1000ULL;
	uint64_t now = timers_now(s->all->timers);

	(void)timer_start(
		s->all->timers, &s->session_end, end > now ? end - now : 0, session_over, s);
}

void subscriber_grant_up(struct subscriber *s)
{
	set_routes(s);
	timer_stop(s->all->timers, &s->session_end);
	timer_stop(s->all->timers, &s->idle);
	if (s->grant.session_timeout_s)
		watch_session(s);
	if (s->grant.idle_timeout_s)
		(void)timer_start(
			s->all->timers, &s->idle, s->grant.idle_timeout_s * 1000ULL, look_idle, s);
}

void subscriber_grant_down(struct subscriber *s)
{
	timer_stop(s->all->timers, &s->session_end);
	timer_stop(s->all->timers, &s->idle);
	remove_routes(s);
}

void subscriber_grant_change(struct subscriber *s, struct grant *grant, uint16_t group)
{
	struct command_session_set c;
	uint16_t old = s->group;

	grant_free(&s->grant);
	s->grant = *grant;
	s->group = group;
	c = subscriber_form(s);
	(void)install_session_set(&c, subscriber_mtu_known, s);
	install_group_release(old);
	if (!s->up_since)
		return;
	subscriber_grant_up(s);
	subscriber_account(s);
}

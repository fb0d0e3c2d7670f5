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

static void add_route(struct subscriber *s, const struct ip_prefix *route)
{
	struct behind *b = &s->behind[s->behind_count];
	int error;

	*b = (struct behind){.s = s, .route = *route};
	s->behind_count++;
	error = install_route_add(s->session, route, route_answered, b);
	if (error < 0)
		route_answered(b, error);
}

static void add_routes(struct subscriber *s)
{
	const struct grant_more *more = s->grant.more;
	uint16_t count = more ? more->route_count : 0;

	if (count == 0 || s->behind)
		return;
	s->behind = calloc(count, sizeof(*s->behind));
	for (uint16_t i = 0; s->behind && i < count; i++)
		add_route(s, &more->routes[i]);
}

static void remove_routes(struct subscriber *s)
{
	for (uint16_t i = 0; i < s->behind_count; i++) {
		install_forget(&s->behind[i]);
		if (s->behind[i].route.address.version != IP_NONE)
			(void)install_route_delete(s->session, &s->behind[i].route);
	}
	free(s->behind);
	s->behind = NULL;
	s->behind_count = 0;
}

// Those that are there already stay as they are.
static void change_routes(struct subscriber *s, const struct grant_more *more)
{
	struct ip_prefix kept[GRANT_ROUTES_MOST];
	bool same = s->behind_count == (more ? more->route_count : 0);

	for (uint16_t i = 0; same && i < s->behind_count; i++)
		kept[i] = s->behind[i].route;
	if (same && (!more || memcmp(kept, more->routes, s->behind_count * sizeof(kept[0])) == 0))
		return;
	remove_routes(s);
	add_routes(s);
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
	add_routes(s);
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
	change_routes(s, s->grant.more);
	subscriber_grant_up(s);
	subscriber_account(s);
}

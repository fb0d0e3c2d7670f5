// SPDX-License-Identifier: Apache-2.0

#include "grant.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct grant_more *grant_more(struct grant *g)
{
	if (!g->more)
		g->more = calloc(1, sizeof(*g->more));
	return g->more;
}

void grant_free(struct grant *g)
{
	free(g->more);
	memset(g, 0, sizeof(*g));
}

const struct config_group *grant_group(const struct config *config, const struct grant *g)
{
	return g->group ? &config->groups[g->group - 1] : NULL;
}

// ---- the user of the config

static bool has_address(const struct ip_address *a)
{
	return a->version != IP_NONE;
}

static void take_name(struct grant *g, enum grant_item item, char *to, const char *name)
{
	if (!*name)
		return;
	memcpy(to, name, LIMIT_NAME);
	g->from[item] = FROM_USER;
}

static int take_routes(struct grant *g, const struct config_user *u)
{
	struct grant_more *more = u->route_count ? grant_more(g) : NULL;

	if (u->route_count == 0)
		return 0;
	if (!more)
		return -ENOMEM;
	memcpy(more->routes, u->routes, u->route_count * sizeof(u->routes[0]));
	more->route_count = u->route_count;
	g->from[GRANT_ROUTES] = FROM_USER;
	return 0;
}

int grant_of_user(const struct config *config, const struct config_user *user, struct grant *out)
{
	memset(out, 0, sizeof(*out));
	if (!user)
		return 0;
	out->group = config_group_number(config, user->group);
	out->from[GRANT_GROUP] = out->group ? FROM_USER : FROM_NOWHERE;
	out->address = user->address;
	out->from[GRANT_ADDRESS] = has_address(&user->address) ? FROM_USER : FROM_NOWHERE;
	out->prefix6 = user->prefix6;
	out->from[GRANT_PREFIX6] = has_address(&user->prefix6.address) ? FROM_USER : FROM_NOWHERE;
	out->delegated = user->delegated;
	out->from[GRANT_DELEGATED] =
		has_address(&user->delegated.address) ? FROM_USER : FROM_NOWHERE;
	take_name(out, GRANT_POOL, out->pool, user->pool);
	return take_routes(out, user);
}

// ---- what is left open

// Whether an item is still open and a source has it; says then where it is from.
static bool open_for(struct grant *g, enum grant_item item, bool there, enum grant_from from)
{
	if (g->from[item] != FROM_NOWHERE || !there)
		return false;
	g->from[item] = (uint8_t)from;
	return true;
}

static void take_servers(struct grant *g, enum grant_item item, struct ip_address to[2],
	const struct ip_address from[2], enum grant_from source)
{
	if (open_for(g, item, has_address(&from[0]), source))
		memcpy(to, from, 2 * sizeof(from[0]));
}

static void take_rate(struct grant *g, enum grant_item item, struct config_rate *to,
	const struct config_rate *from)
{
	if (open_for(g, item, from->kbit != 0, FROM_GROUP))
		*to = *from;
}

static void take_seconds(struct grant *g, enum grant_item item, uint32_t *to, uint32_t seconds,
	enum grant_from source)
{
	if (open_for(g, item, seconds != 0, source))
		*to = seconds;
}

static void take_filters(
	const struct config *config, struct grant *g, const struct config_group *group)
{
	uint16_t up = config_filter_number(config, group->filter_uplink);
	uint16_t down = config_filter_number(config, group->filter_downlink);

	if (open_for(g, GRANT_FILTER_UPLINK, up != 0, FROM_GROUP))
		g->filter_uplink = up;
	if (open_for(g, GRANT_FILTER_DOWNLINK, down != 0, FROM_GROUP))
		g->filter_downlink = down;
	if (open_for(g, GRANT_ISOLATED, true, FROM_GROUP))
		g->isolated = !group->subscriber_to_subscriber;
}

static void take_group(
	const struct config *config, struct grant *g, const struct config_group *group)
{
	if (open_for(g, GRANT_FAMILIES, true, FROM_GROUP)) {
		g->ip4 = group->ip4;
		g->ip6 = group->ip6;
	}
	if (open_for(g, GRANT_POOL, *group->pool != '\0', FROM_GROUP))
		memcpy(g->pool, group->pool, sizeof(g->pool));
	take_servers(g, GRANT_DNS, g->dns, group->dns, FROM_GROUP);
	take_servers(g, GRANT_WINS, g->wins, group->wins, FROM_GROUP);
	take_servers(g, GRANT_DNS6, g->dns6, group->dns6, FROM_GROUP);
	(void)open_for(g, GRANT_DOMAIN, *group->domain != '\0', FROM_GROUP);
	(void)open_for(g, GRANT_TOLD_ROUTES, group->route_count != 0, FROM_GROUP);
	take_filters(config, g, group);
	take_rate(g, GRANT_POLICE_UPLINK, &g->police_uplink, &group->police_uplink);
	take_rate(g, GRANT_POLICE_DOWNLINK, &g->police_downlink, &group->police_downlink);
	take_rate(g, GRANT_SHAPE_DOWNLINK, &g->shape_downlink, &group->shape_downlink);
	take_seconds(g, GRANT_SESSION_TIMEOUT, &g->session_timeout_s, group->session_timeout_s,
		FROM_GROUP);
	take_seconds(g, GRANT_IDLE_TIMEOUT, &g->idle_timeout_s, group->idle_timeout_s, FROM_GROUP);
	take_seconds(g, GRANT_INTERIM, &g->interim_s, group->interim_s, FROM_GROUP);
}

static void take_defaults(const struct config *config, struct grant *g)
{
	if (open_for(g, GRANT_FAMILIES, true, FROM_DEFAULT))
		g->ip4 = g->ip6 = true;
	if (open_for(g, GRANT_POOL, config->pool_count != 0, FROM_DEFAULT))
		memcpy(g->pool, config->pools[0].name, sizeof(g->pool));
	take_servers(g, GRANT_DNS, g->dns, config->ppp.dns, FROM_DEFAULT);
	take_servers(g, GRANT_WINS, g->wins, config->ppp.wins, FROM_DEFAULT);
	take_servers(g, GRANT_DNS6, g->dns6, config->ppp.dns6, FROM_DEFAULT);
	take_seconds(g, GRANT_INTERIM, &g->interim_s, config->radius.interim_s, FROM_DEFAULT);
}

void grant_complete(const struct config *config, struct grant *g)
{
	const struct config_group *group;

	if (open_for(g, GRANT_GROUP, *config->default_group != '\0', FROM_DEFAULT))
		g->group = config_group_number(config, config->default_group);
	group = grant_group(config, g);
	if (group)
		take_group(config, g, group);
	take_defaults(config, g);
}

// ---- changes

// The members of each item, for what is taken over whole.
#define MEMBER(item, member) \
	{ \
		GRANT_##item, offsetof(struct grant, member), \
			sizeof(((struct grant *)NULL)->member) \
	}
static const struct {
	uint8_t item;
	size_t offset, size;
} members[] = {
	MEMBER(GROUP, group),
	MEMBER(FAMILIES, ip4),
	MEMBER(FAMILIES, ip6),
	MEMBER(ADDRESS, address),
	MEMBER(POOL, pool),
	MEMBER(PREFIX6, prefix6),
	MEMBER(ADDRESS6, address6),
	MEMBER(POOL6, pool6),
	MEMBER(INTERFACE_ID, identifier),
	MEMBER(DELEGATED, delegated),
	MEMBER(DELEGATED_POOL, delegated_pool),
	MEMBER(DNS, dns),
	MEMBER(WINS, wins),
	MEMBER(DNS6, dns6),
	MEMBER(FILTER_UPLINK, filter_uplink),
	MEMBER(FILTER_DOWNLINK, filter_downlink),
	MEMBER(ISOLATED, isolated),
	MEMBER(POLICE_UPLINK, police_uplink),
	MEMBER(POLICE_DOWNLINK, police_downlink),
	MEMBER(SHAPE_DOWNLINK, shape_downlink),
	MEMBER(SESSION_TIMEOUT, session_timeout_s),
	MEMBER(IDLE_TIMEOUT, idle_timeout_s),
	MEMBER(INTERIM, interim_s),
	MEMBER(USER_NAME, user),
};
enum { MEMBERS = sizeof(members) / sizeof(members[0]) };

static int change_more(struct grant *g, const struct grant *change)
{
	struct grant_more *more;

	if (!change->more)
		return 0;
	more = grant_more(g);
	if (!more)
		return -ENOMEM;
	if (change->from[GRANT_ROUTES]) {
		memcpy(more->routes, change->more->routes, sizeof(more->routes));
		more->route_count = change->more->route_count;
	}
	if (change->from[GRANT_CLASS]) {
		memcpy(more->classes, change->more->classes, sizeof(more->classes));
		memcpy(more->class_length, change->more->class_length, sizeof(more->class_length));
		more->class_count = change->more->class_count;
	}
	return 0;
}

// Another group: what the old one gave is open again.
static void forget_group(struct grant *g)
{
	for (unsigned i = 0; i < MEMBERS; i++)
		if (members[i].item != GRANT_GROUP && g->from[members[i].item] == FROM_GROUP)
			memset((char *)g + members[i].offset, 0, members[i].size);
	for (unsigned i = 0; i < GRANT_ITEMS; i++)
		if (i != GRANT_GROUP && (g->from[i] == FROM_GROUP || g->from[i] == FROM_DEFAULT))
			g->from[i] = FROM_NOWHERE;
}

int grant_change(const struct config *config, struct grant *g, const struct grant *change)
{
	if (change_more(g, change))
		return -ENOMEM;
	if (change->from[GRANT_GROUP])
		forget_group(g);
	for (unsigned i = 0; i < MEMBERS; i++)
		if (change->from[members[i].item])
			memcpy((char *)g + members[i].offset,
				(const char *)change + members[i].offset, members[i].size);
	for (unsigned i = 0; i < GRANT_ITEMS; i++)
		if (change->from[i])
			g->from[i] = change->from[i];
	grant_complete(config, g);
	return 0;
}

static struct rate rate_form(const struct config_rate *r)
{
	return (struct rate){.kbit = r->kbit, .burst = r->burst};
}

void grant_form(const struct grant *g, struct command_session_set *out)
{
	out->police_uplink = rate_form(&g->police_uplink);
	out->police_downlink = rate_form(&g->police_downlink);
	out->shape_downlink = rate_form(&g->shape_downlink);
}

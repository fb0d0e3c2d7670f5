// SPDX-License-Identifier: Apache-2.0

// Whom a CoA-Request or a Disconnect-Request means, and what becomes of them (radius/coa.h). What
// changes is worked out for all who are meant before it is done to anyone.

#include "subscriber_record.h"

#include "radius/coa.h"
#include "radius/request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// A number that a LAC told, or the address that stands for it in requests.
static bool is_station(const char *number, const struct ip_address *otherwise, const char *wanted)
{
	char text[ADDRESS_TEXT];

	return strcmp(*number ? number : address_format(otherwise, text), wanted) == 0;
}

static bool is_session(const struct subscriber *s, const char *session_id)
{
	char text[ACCT_SESSION_ID];

	request_session_id(s->id, text);
	return strcmp(text, session_id) == 0;
}

static bool is_user(const struct subscriber *s, const char *user)
{
	return strcmp(s->user, user) == 0 || (*s->grant.user && strcmp(s->grant.user, user) == 0);
}

static bool is_prefix(const struct subscriber *s, const struct ip_prefix *prefix)
{
	return memcmp(&s->family[V6].route, prefix, sizeof(*prefix)) == 0;
}

static bool has_address6(const struct subscriber *s, const struct ip_address *address)
{
	return address_equal(&s->grant.address6, address) ||
	       (s->family[V6].route.address.version == IP_V6 &&
		       prefix_contains(&s->family[V6].route, address));
}

static bool is_where(const struct subscriber *s, const struct coa_match *m)
{
	if (m->address.version != IP_NONE &&
		!address_equal(&s->family[V4].route.address, &m->address))
		return false;
	if (m->address6.version != IP_NONE && !has_address6(s, &m->address6))
		return false;
	if (m->prefix6.address.version != IP_NONE && !is_prefix(s, &m->prefix6))
		return false;
	return !m->has_port || s->session == m->port;
}

static bool is_meant(const struct subscriber *s, const struct coa_match *m)
{
	const struct flow *flow = &s->l2tp.flow;

	if (!s->granted || s->state == SUBSCRIBER_CLOSING)
		return false;
	if (*m->session_id && !is_session(s, m->session_id))
		return false;
	if (*m->user && !is_user(s, m->user))
		return false;
	if (*m->calling && !is_station(s->l2tp.calling, &flow->remote, m->calling))
		return false;
	if (*m->called && !is_station(s->l2tp.called, &flow->local, m->called))
		return false;
	return is_where(s, m);
}

// The first, or the next after s. A NAS-Port or an Acct-Session-Id means one at most, which is
// found at once.
static struct subscriber *next_meant(
	const struct subscribers *all, const struct coa_match *m, struct subscriber *s)
{
	uint64_t id = *m->session_id ? request_session_attempt(m->session_id) : 0;

	if (m->has_port || *m->session_id) {
		if (s)
			return NULL;
		if (*m->session_id)
			s = subscriber_find(all, id);
		else
			s = m->port < all->sessions ? all->by_session[m->port] : NULL;
		return s && is_meant(s, m) ? s : NULL;
	}
	for (s = s ? s->next : all->first; s && !is_meant(s, m);)
		s = s->next;
	return s;
}

int subscribers_disconnect_matching(
	struct subscribers *all, const struct coa_match *match, const char *cause)
{
	struct subscriber *s, *next = next_meant(all, match, NULL);
	int count = 0;

	for (; (s = next); count++) {
		next = next_meant(all, match, s);
		subscriber_close(s, cause);
	}
	return count;
}

// ---- changes

struct change {
	struct change *next;
	struct subscriber *s;
	struct grant grant;
	int group;
};

static void change_drop(struct change *c)
{
	grant_free(&c->grant);
	if (c->group >= 0)
		install_group_release((uint16_t)c->group);
	free(c);
}

static int grant_copy(const struct grant *from, struct grant *to)
{
	*to = *from;
	to->more = NULL;
	if (!from->more)
		return 0;
	if (!grant_more(to))
		return -ENOMEM;
	*to->more = *from->more;
	return 0;
}

static int change_make(struct subscriber *s, const struct grant *to, struct change **list)
{
	struct change *c = calloc(1, sizeof(*c));
	int error;

	if (!c)
		return -ENOMEM;
	c->s = s;
	c->group = -1;
	error = grant_copy(&s->grant, &c->grant);
	if (error == 0)
		error = grant_change(s->all->config, &c->grant, to);
	if (error == 0) {
		const struct grant *g = &c->grant;

		c->group = install_group_hold(
			g->group, g->filter_uplink, g->filter_downlink, g->isolated);
		error = c->group < 0 ? c->group : 0;
	}
	if (error < 0) {
		change_drop(c);
		return error;
	}
	c->next = *list;
	*list = c;
	return 0;
}

// What is agreed with the client when it comes up cannot change behind its back.
static bool can_change(const struct grant *change)
{
	static const enum grant_item items[] = {GRANT_GROUP, GRANT_ROUTES, GRANT_FILTER_UPLINK,
		GRANT_FILTER_DOWNLINK, GRANT_ISOLATED, GRANT_POLICE_UPLINK, GRANT_POLICE_DOWNLINK,
		GRANT_SHAPE_DOWNLINK, GRANT_SESSION_TIMEOUT, GRANT_IDLE_TIMEOUT, GRANT_INTERIM,
		GRANT_CLASS};
	uint8_t left[GRANT_ITEMS];

	memcpy(left, change->from, sizeof(left));
	for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++)
		left[items[i]] = FROM_NOWHERE;
	for (unsigned i = 0; i < GRANT_ITEMS; i++)
		if (left[i] != FROM_NOWHERE)
			return false;
	return true;
}

int subscribers_change_matching(
	struct subscribers *all, const struct coa_match *match, const struct grant *change)
{
	struct change *list = NULL, *c;
	int error = can_change(change) ? 0 : -EOPNOTSUPP, count = 0;

	for (struct subscriber *s = next_meant(all, match, NULL); s && error == 0;
		s = next_meant(all, match, s))
		error = change_make(s, change, &list);
	for (; (c = list); count++) {
		list = c->next;
		if (error < 0) {
			change_drop(c);
			continue;
		}
		subscriber_grant_change(c->s, &c->grant, (uint16_t)c->group);
		free(c);
	}
	return error < 0 ? error : count;
}

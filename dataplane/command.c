// SPDX-License-Identifier: Apache-2.0

#include "dataplane/command.h"

#include "dataplane/admit.h"
#include "dataplane/group.h"
#include "dataplane/route.h"
#include "dataplane/session.h"
#include "dataplane/table.h"

#include <errno.h>
#include <string.h>

static int reset(const struct clerk *c, const void *body)
{
	routes_clear(c->routes);
	tables_clear(c->tables);
	return 0;
}

static int add_sa(const struct clerk *c, const void *body)
{
	return sa_add(c->tables, body);
}

static int delete_sa(const struct clerk *c, const void *body)
{
	return sa_delete(c->tables, body);
}

static int move_sa(const struct clerk *c, const void *body)
{
	return sa_move(c->tables, body);
}

static int admit_ike(const struct clerk *c, const void *body)
{
	return ike_admit_set(c->tables->ike_admit, body);
}

static int add_tunnel(const struct clerk *c, const void *body)
{
	return tunnel_add(c->tables, body);
}

static int set_tunnel_sa(const struct clerk *c, const void *body)
{
	return tunnel_set_sa(c->tables, body);
}

static int delete_tunnel(const struct clerk *c, const void *body)
{
	return tunnel_delete(c->tables, body);
}

static int add_session(const struct clerk *c, const void *body)
{
	return session_add(c->tables, body);
}

static int set_session(const struct clerk *c, const void *body)
{
	return session_set(c->tables, body);
}

static int delete_session(const struct clerk *c, const void *body)
{
	return session_delete(c->tables, body);
}

static int add_route(const struct clerk *c, const void *body)
{
	const struct command_route *r = body;

	if (r->kind == NEXT_HOP_SESSION && !session_live(c->tables, r->session))
		return -ENOENT;
	return route_add(c->routes, r);
}

static int delete_route(const struct clerk *c, const void *body)
{
	return route_delete(c->routes, body);
}

static int begin_filter(const struct clerk *c, const void *body)
{
	return filter_begin(c->tables, body);
}

static int add_filter_rules(const struct clerk *c, const void *body)
{
	return filter_rules(c->tables, body);
}

static int commit_filter(const struct clerk *c, const void *body)
{
	return filter_commit(c->tables, body);
}

static int delete_filter(const struct clerk *c, const void *body)
{
	return filter_delete(c->tables, body);
}

static int set_group(const struct clerk *c, const void *body)
{
	return group_set(c->tables, body);
}

static int (*const handlers[])(const struct clerk *c, const void *body) = {
	[COMMAND_RESET] = reset,
	[COMMAND_SA_ADD] = add_sa,
	[COMMAND_SA_DELETE] = delete_sa,
	[COMMAND_SA_MOVE] = move_sa,
	[COMMAND_IKE_ADMIT] = admit_ike,
	[COMMAND_TUNNEL_ADD] = add_tunnel,
	[COMMAND_TUNNEL_SET_SA] = set_tunnel_sa,
	[COMMAND_TUNNEL_DELETE] = delete_tunnel,
	[COMMAND_SESSION_ADD] = add_session,
	[COMMAND_SESSION_SET] = set_session,
	[COMMAND_SESSION_DELETE] = delete_session,
	[COMMAND_ROUTE_ADD] = add_route,
	[COMMAND_ROUTE_DELETE] = delete_route,
	[COMMAND_FILTER_BEGIN] = begin_filter,
	[COMMAND_FILTER_RULES] = add_filter_rules,
	[COMMAND_FILTER_COMMIT] = commit_filter,
	[COMMAND_FILTER_DELETE] = delete_filter,
	[COMMAND_GROUP_SET] = set_group,
};

int command_apply(const struct clerk *c, const struct message *m, uint32_t *value)
{
	struct command_session_set set;
	int error;

	*value = 0;
	if (m->type >= sizeof(handlers) / sizeof(handlers[0]) || !handlers[m->type])
		return -ENOSYS;
	if (m->size != command_size(m->type))
		return -EMSGSIZE;
	error = handlers[m->type](c, m->body);
	if (error == 0 && m->type == COMMAND_SESSION_SET) {
		memcpy(&set, m->body, sizeof(set));
		*value = c->tables->session[set.session].downlink.mtu;
	}
	return error;
}

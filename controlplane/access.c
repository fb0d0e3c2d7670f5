// SPDX-License-Identifier: Apache-2.0

// Subscribers that come by IKEv2 alone (RFC 7296 section 2.19): no L2TP, no PPP, their IP packets
// lie in ESP itself. Such a one has the record, the states, the pools, the groups and the place in
// the list that every subscriber has (subscriber.c); here is what is different. IKE asks when the
// peer has proven who it is, and is told its addresses and its session before there is a pair of
// SAs, because the dataplane has to know which session a pair is of. With the first pair the
// session is installed, in a tunnel of kind TUNNEL_ESP; later ones move it. When IKE says that the
// peer is gone, all goes back before this returns, since the pairs go next.
//
// Who a peer is: by EAP the one that the judge has accepted (access_user.c); by certificate or
// pre-shared key the user of that name, or when none is called so a guest with the pool and group
// of remote-access.

#include "subscriber_record.h"

#include "install.h"
#include "numbers.h"

#include "contract/ids.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct subscriber *by_peer(const struct subscribers *all, uint32_t peer)
{
	uint32_t index = id_index(peer);
	struct subscriber *s = index < all->peers ? all->by_peer[index] : NULL;

	return s && s->l2tp.peer == peer ? s : NULL;
}

// ---- what the record wants

static void offer(struct subscriber *s)
{
	const struct grant *g = &s->grant;
	struct ike_access access = {.session = s->session,
		.address4 = s->family[V4].route.address,
		.prefix6 = s->family[V6].route};

	if (access.address4.version != IP_NONE) {
		memcpy(access.dns, g->dns, sizeof(access.dns));
		memcpy(access.wins, g->wins, sizeof(access.wins));
	}
	if (access.prefix6.address.version != IP_NONE)
		memcpy(access.dns6, g->dns6, sizeof(access.dns6));
	s->access.answered = true;
	if (ike_access_answer(s->all->ike, s->l2tp.peer, &access, NULL) < 0)
		subscribers_peer_down(s->all, s->l2tp.peer, "the peer is gone");
}

static void form(const struct subscriber *s, struct command_session_set *c)
{
	(void)s;
	(void)c; // it has nothing of PPP
}

static void close_peer(struct subscriber *s)
{
	if (s->access.answered) {
		if (ike_peer_close(s->all->ike, s->l2tp.peer, s->cause) < 0)
			subscriber_handle(s, ON_LINK_DOWN);
		return;
	}
	s->access.answered = true;
	(void)ike_access_answer(s->all->ike, s->l2tp.peer, NULL, s->cause);
	subscriber_handle(s, ON_LINK_DOWN);
}

// The peer has been closed, or was refused.
static void end(struct subscriber *s)
{
	(void)s;
}

static void give_numbers(struct subscribers *all, uint32_t tunnel, uint32_t session)
{
	if (tunnel != IDPOOL_NONE)
		idpool_give(&all->numbers->tunnels, tunnel);
	if (session != IDPOOL_NONE)
		idpool_give(&all->numbers->sessions, session);
}

// The commands keep their order, so the numbers are free for the next one now.
static void bury(struct subscriber *s)
{
	if (s->access.installed)
		(void)install_tunnel_delete(s->l2tp.tunnel);
	give_numbers(s->all, s->l2tp.tunnel, s->session);
	s->all->by_peer[id_index(s->l2tp.peer)] = NULL;
}

static void free_nothing(struct subscriber *s)
{
	(void)s;
}

static const struct road road = {
	.word = "ikev2",
	.offer = offer,
	.form = form,
	.close = close_peer,
	.end = end,
	.bury = bury,
	.free = free_nothing,
};

// ---- the dataplane

void access_install(struct subscriber *s)
{
	const struct command_tunnel_add tunnel = {
		.tunnel = s->l2tp.tunnel,
		.kind = TUNNEL_ESP,
		.peer = s->l2tp.peer,
		.sa = s->access.sa,
		.local = s->l2tp.flow.local,
		.remote = s->l2tp.flow.remote,
	};
	// The ids are on no wire.
	const struct command_session_add session = {.session = s->session,
		.tunnel = s->l2tp.tunnel,
		.session_id = 1,
		.peer_session = 1};
	int error = install_tunnel_add(&tunnel, NULL, NULL);

	s->access.installed = error == 0;
	if (error == 0)
		error = install_session_add(&session, NULL, NULL);
	// What the dataplane refuses of these two, it refuses of all that follows.
	if (error == 0)
		subscriber_tell_link(s);
	else
		subscriber_failed(s, error);
}

// Another pair may have other headers, so the MTU is asked for again.
void access_change_pair(struct subscriber *s)
{
	if (!s->access.installed)
		return;
	(void)install_tunnel_set_sa(s->l2tp.tunnel, s->access.sa);
	if (s->state <= SUBSCRIBER_UP)
		subscriber_path_found(s, 0);
}

// ---- what IKE says

void subscribers_set_ike(struct subscribers *all, struct ike *ike)
{
	all->ike = ike;
}

// NULL when there is no room, or the peer is there already.
static struct subscriber *create(
	struct subscribers *all, const struct ike_access_request *request, uint64_t id)
{
	uint32_t index = id_index(request->peer), tunnel, session;
	struct l2tp_session_info info = {.peer = request->peer, .flow = request->flow};
	struct subscriber *s = NULL;

	if (index >= all->peers || all->by_peer[index])
		return NULL;
	tunnel = idpool_take(&all->numbers->tunnels);
	session = idpool_take(&all->numbers->sessions);
	info.tunnel = (uint16_t)tunnel;
	info.session = session;
	if (tunnel != IDPOOL_NONE && session != IDPOOL_NONE)
		s = subscriber_create(all, &road, &info, id);
	if (!s) {
		give_numbers(all, tunnel, session);
		return NULL;
	}
	s->state = SUBSCRIBER_AUTHENTICATE;
	s->wants[V4] = request->want4;
	s->wants[V6] = request->want6;
	s->subject.attempt = request->attempt;
	snprintf(s->user, sizeof(s->user), "%s", request->name);
	snprintf(s->access.method, sizeof(s->access.method), "%s", request->method);
	s->method = s->access.method;
	all->by_peer[index] = s;
	return s;
}

static void refuse(struct subscriber *s, const char *reason)
{
	char cause[sizeof(s->cause)];

	s->all->counters.refused++;
	log_event(LOG_AUTH_FAILED, &s->subject, "s:s, s:s", "method", s->method, "reason", reason);
	snprintf(cause, sizeof(cause), "authentication failed: %s", reason);
	subscriber_close(s, cause);
}

static int granted(struct subscribers *all, const struct ike_access_request *request,
	struct access_granted *out)
{
	if (request->eap)
		return access_user_take(all, request->attempt, out);
	return aaa_grant(all->aaa, request->name, &out->grant);
}

void subscribers_access_ask(void *context, const struct ike_access_request *request)
{
	struct subscribers *all = context;
	struct access_granted g = {0};
	int error = granted(all, request, &g);
	struct subscriber *s = create(all, request, g.id);

	all->counters.started++;
	if (s && error == 0)
		error = subscriber_grant(s, &g.grant);
	else
		grant_free(&g.grant);
	if (!s) {
		all->counters.failed++;
		(void)ike_access_answer(all->ike, request->peer, NULL, "no session is free");
		return;
	}
	if (error < 0) {
		refuse(s, error == -ENOENT   ? "unknown user"
			  : error == -ENOSPC ? "its filters have no room in the dataplane"
					     : "no memory");
		return;
	}
	s->judge = g.judge;
	log_event(LOG_AUTH_OK, &s->subject, "s:s", "method", s->method);
	subscriber_handle(s, ON_ACCEPTED);
}

bool subscribers_peer_sa(void *context, uint32_t peer, uint32_t sa)
{
	struct subscriber *s = by_peer(context, peer);

	if (!s)
		return false;
	if (s->access.sa != sa) {
		s->access.sa = sa;
		subscriber_handle(s, ON_PAIR);
	}
	return true;
}

void subscribers_peer_down(void *context, uint32_t peer, const char *cause)
{
	struct subscriber *s = by_peer(context, peer);

	if (!s)
		return;
	if (!s->cause[0])
		snprintf(s->cause, sizeof(s->cause), "ike: %s", cause);
	subscriber_handle(s, ON_SESSION_DOWN);
}

// What is told of the subscriber from here on has the new address.
void subscribers_peer_moved(void *context, uint32_t peer, const struct flow *flow)
{
	struct subscriber *s = by_peer(context, peer);

	if (!s)
		return;
	s->l2tp.flow = *flow;
	s->subject.peer = flow->remote;
	s->subject.peer_port = flow->remote_port;
}

// SPDX-License-Identifier: Apache-2.0

// The way of a subscriber through its states. Every transition stands in one table, below; an
// event that the table does not know in a state is ignored there. The record moves to its next
// state first and acts then, because an action may bring the next event at once.
//
// A record is freed by a timer of 0 ms, never from within a call of the layers below it.

#include "subscriber_record.h"

#include "group.h"
#include "install.h"
#include "ra.h"
#include "auth/auth.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum event_of_subscriber {
	ON_LINK_UP,        // LCP opened, the first time or again
	ON_ACCEPTED,       // authenticated, and the peer knows
	ON_IP4_UP,         // IPCP opened
	ON_IP4_DOWN,       // IPCP or LCP went down
	ON_IP6_UP,         // IPV6CP opened
	ON_IP6_DOWN,       // IPV6CP or LCP went down
	ON_NETWORK_DOWN,   // neither is open any more
	ON_INSTALLED,      // the dataplane forwards
	ON_INSTALL_FAILED, // it does not
	ON_CLOSE,          // somebody wants it to end
	ON_PPP_DOWN,       // PPP is over
	ON_SESSION_DOWN,   // the L2TP session is gone
	EVENTS,
};

static const char *const state_words[SUBSCRIBER_STATES] = {
	[SUBSCRIBER_LCP] = "lcp",
	[SUBSCRIBER_AUTHENTICATE] = "authenticate",
	[SUBSCRIBER_NETWORK] = "network",
	[SUBSCRIBER_INSTALL] = "install",
	[SUBSCRIBER_UP] = "up",
	[SUBSCRIBER_CLOSING] = "closing",
};

static void handle(struct subscriber *s, enum event_of_subscriber event);

static void request_close(struct subscriber *s, const char *cause)
{
	if (!s->cause[0])
		snprintf(s->cause, sizeof(s->cause), "%s", cause);
	handle(s, ON_CLOSE);
}

// ---- what the dataplane is told

struct command_session_set subscriber_form(const struct subscriber *s)
{
	struct command_session_set c = {
		.session = s->session,
		.flags = SESSION_LCP_OPEN,
		.magic = s->link.magic,
		.peer_mru = s->link.peer_mru,
		.mtu = s->path_mtu ? s->path_mtu : s->all->config->ppp.mtu,
	};

	if (s->link.send_pfc)
		c.flags |= SESSION_SEND_PFC;
	if (s->link.send_acfc)
		c.flags |= SESSION_SEND_ACFC;
	if (s->family[V4].opened) {
		c.flags |= SESSION_IP4_OPEN;
		c.ip4 = s->family[V4].route.address;
	}
	if (s->family[V6].opened) {
		c.flags |= SESSION_IP6_OPEN;
		c.ip6 = s->family[V6].route;
	}
	group_form(s->all->config, s->account, &c);
	return c;
}

static void failed(struct subscriber *s, int error)
{
	snprintf(s->cause, sizeof(s->cause), "dataplane: %s", strerror(-error));
	handle(s, ON_INSTALL_FAILED);
}

static void advertise(void *context);

static void family_installed(void *context, int error)
{
	struct family *f = context;
	struct subscriber *s = f->s;

	if (error) {
		f->opened = false; // install.c has undone it
		failed(s, error);
		return;
	}
	if (f == &s->family[V6])
		advertise(s);
	handle(s, ON_INSTALLED);
}

static void tell_link(struct subscriber *s)
{
	struct command_session_set c;
	int error;

	s->path_mtu = 0;
	c = subscriber_form(s);
	error = install_session_set(&c, subscriber_mtu_known, s);
	if (error < 0)
		failed(s, error);
}

static void family_open(struct family *f)
{
	struct command_session_set before = subscriber_form(f->s), c;
	int error;

	if (f->opened || f->route.address.version == IP_NONE)
		return;
	f->opened = true;
	c = subscriber_form(f->s);
	error = install_subscriber(&before, &c, &f->route, family_installed, f);
	if (error < 0)
		family_installed(f, error);
}

static void family_close(struct family *f)
{
	struct command_session_set c;

	if (!f->opened)
		return;
	f->opened = false;
	install_forget(f);
	c = subscriber_form(f->s);
	(void)install_subscriber_undo(&c, &f->route);
}

static void open_ip4(struct subscriber *s)
{
	family_open(&s->family[V4]);
}

static void open_ip6(struct subscriber *s)
{
	family_open(&s->family[V6]);
}

static void stop_advertising(struct subscriber *s)
{
	timer_stop(s->all->timers, &s->advertise);
}

static void stop_forwarding(struct subscriber *s)
{
	stop_advertising(s);
	family_close(&s->family[V4]);
	family_close(&s->family[V6]);
	if (s->up_since)
		s->all->counters.forwarding--;
	s->up_since = 0;
}

static void close_family(struct subscriber *s, struct family *f)
{
	family_close(f);
	if (!s->family[V4].opened && !s->family[V6].opened)
		handle(s, ON_NETWORK_DOWN);
}

static void close_ip4(struct subscriber *s)
{
	close_family(s, &s->family[V4]);
}

static void close_ip6(struct subscriber *s)
{
	stop_advertising(s);
	close_family(s, &s->family[V6]);
}

// ---- router advertisements

enum {
	ADVERTISE_MS = 600 * 1000,
	ROUTER_S = 1800,
	PREFIX_S = 7200,
};

// Says to the client what its prefix is, now and again later.
static void advertise(void *context)
{
	struct subscriber *s = context;
	struct ra ra = {.prefix = s->family[V6].route, .router_s = ROUTER_S, .prefix_s = PREFIX_S};
	uint8_t packet[RA_PACKET];

	if (!s->family[V6].opened)
		return;
	memcpy(ra.identifier, ppp_identifier, sizeof(ra.identifier));
	memcpy(ra.dns, s->all->config->ppp.dns6, sizeof(ra.dns));
	(void)dataplane_send_ip6(s->session, packet, ra_build(&ra, packet));
	(void)timer_start(s->all->timers, &s->advertise, ADVERTISE_MS, advertise, s);
}

void subscribers_input_ip6(
	struct subscribers *all, uint32_t session, const uint8_t *packet, size_t length)
{
	struct subscriber *s = session < all->sessions ? all->by_session[session] : NULL;

	if (s && ra_is_solicitation(packet, length))
		advertise(s);
	else
		log_event(LOG_IP6_IGNORED, s ? &s->subject : NULL, "s:i, s:i", "session",
			(int)session, "length", (int)length);
}

// ---- the other actions of the table

static void give_address(struct subscriber *s)
{
	struct ip_prefix *v4 = &s->family[V4].route, *v6 = &s->family[V6].route;

	if (v4->address.version != IP_NONE)
		pools_give(s->all->pools, &v4->address);
	pools6_give(s->all->pools6, v6);
	memset(v4, 0, sizeof(*v4));
	memset(v6, 0, sizeof(*v6));
}

// A user with a fixed address or prefix came again while an earlier session of his lingers: his
// client lost it without a word, and only the newer one can be alive. The old one gives way at
// once, with its routes, before PPP has said goodbye.
static bool displace(const struct subscriber *s, int family, const struct ip_address *fixed)
{
	struct subscriber *old = s->all->first;

	while (old && (old == s || old->account != s->account ||
			      !address_equal(&old->family[family].route.address, fixed)))
		old = old->next;
	if (!old)
		return false;
	request_close(old, "the user came again");
	give_address(old);
	return true;
}

static int take_address(struct subscriber *s)
{
	const struct config_user *u = s->account;
	struct ip_prefix *route = &s->family[V4].route;
	int error = pools_take(s->all->pools, u->pool, s->user, &u->address, &route->address);

	if (error == -EADDRINUSE && displace(s, V4, &u->address))
		error = pools_take(s->all->pools, u->pool, s->user, &u->address, &route->address);
	route->length = 32;
	return error;
}

// Without a prefix there is no IPv6, and IPv4 goes on.
static void take_prefix(struct subscriber *s)
{
	const struct config_user *u = s->account;
	struct ip_prefix *route = &s->family[V6].route;
	int error = pools6_take(s->all->pools6, u->pool, s->user, &u->prefix6, route);

	if (error == -EADDRINUSE && displace(s, V6, &u->prefix6.address))
		error = pools6_take(s->all->pools6, u->pool, s->user, &u->prefix6, route);
	if (error < 0 && error != -ENOENT)
		log_event(LOG_POOL_EMPTY, &s->subject, "s:s, s:s", "pool", u->pool, "reason",
			error == -EADDRINUSE ? "the user's fixed prefix is in use"
					     : "no IPv6 prefix is free");
}

static void offer_addresses(struct subscriber *s)
{
	const struct config_ppp *ppp = &s->all->config->ppp;
	struct ppp_addresses addresses = {.local = ppp->local,
		.peer = s->family[V4].route.address,
		.ip6 = s->family[V6].route.address.version == IP_V6};

	memcpy(addresses.dns, ppp->dns, sizeof(addresses.dns));
	memcpy(addresses.wins, ppp->wins, sizeof(addresses.wins));
	ppp_network(s->ppp, &addresses);
}

static void assign_address(struct subscriber *s)
{
	int error = 0;

	s->all->counters.authenticated++;
	if (s->family[V4].route.address.version == IP_NONE)
		error = take_address(s);
	if (error < 0) {
		log_event(LOG_POOL_EMPTY, &s->subject, "s:s, s:s", "pool", s->account->pool,
			"reason",
			error == -EADDRINUSE ? "the user's fixed address is in use"
					     : "no address is free");
		snprintf(s->cause, sizeof(s->cause), "no address");
		handle(s, ON_CLOSE);
		return;
	}
	if (s->family[V6].route.address.version == IP_NONE)
		take_prefix(s);
	offer_addresses(s);
}

static void announce(struct subscriber *s)
{
	uint64_t now = timers_now(s->all->timers);
	char text[ADDRESS_TEXT], prefix[ADDRESS_TEXT];

	s->up_since = now ? now : 1;
	s->setup_ms = (uint32_t)(now - s->since);
	s->was_up = true;
	s->all->counters.up++;
	s->all->counters.forwarding++;
	log_event(LOG_SUBSCRIBER_UP, &s->subject, "s:s, s:s*, s:I", "address",
		address_format(&s->family[V4].route.address, text), "prefix",
		s->family[V6].route.address.version == IP_V6
			? prefix_format(&s->family[V6].route, prefix)
			: NULL,
		"setup_ms", (long long)s->setup_ms);
}

static void announce_and_probe(struct subscriber *s)
{
	announce(s);
	subscriber_probe(s);
}

static void close_ppp(struct subscriber *s)
{
	ppp_close(s->ppp, s->cause);
}

static void stop_and_close(struct subscriber *s)
{
	stop_forwarding(s);
	close_ppp(s);
}

static void free_now(void *context)
{
	struct subscriber *s = context;

	ppp_free(s->ppp);
	free(s);
}

// The end of the record: its address goes back, it can no longer be found, and a timer frees it.
static void bury(struct subscriber *s)
{
	struct subscribers *all = s->all;

	stop_forwarding(s);
	install_forget(s);
	timer_stop(all->timers, &s->ask);
	give_address(s);
	log_event(LOG_SUBSCRIBER_DOWN, &s->subject, "s:s", "cause", s->cause);
	if (!s->was_up)
		all->counters.failed++;
	all->counters.present--;
	all->by_session[s->session] = NULL;
	if (s->next)
		s->next->previous = s->previous;
	if (s->previous)
		s->previous->next = s->next;
	else
		all->first = s->next;
	s->buried = true;
	if (timer_start(all->timers, &s->burial, 0, free_now, s) < 0)
		s->state = SUBSCRIBER_CLOSING; // no memory for a timer slot: the record stays,
					       // unreachable
}

enum { CDN_ADMINISTRATIVE = 3 }; // RFC 2661 section 4.4.2: closed for administrative reasons

static void end_session(struct subscriber *s)
{
	(void)l2tp_session_close(s->all->l2tp, s->session, CDN_ADMINISTRATIVE, s->cause);
	bury(s);
}

static void stop_and_end_session(struct subscriber *s)
{
	stop_forwarding(s);
	end_session(s);
}

// ---- the table

struct transition {
	bool known;
	enum subscriber_state next;
	void (*act)(struct subscriber *s); // NULL = nothing
};

#define TO(state, action) \
	{ \
		true, SUBSCRIBER_##state, action \
	}

static const struct transition table[SUBSCRIBER_STATES][EVENTS] =
	{
		[SUBSCRIBER_LCP] =
			{
				[ON_LINK_UP] = TO(AUTHENTICATE, tell_link),
				[ON_INSTALL_FAILED] = TO(CLOSING, close_ppp),
				[ON_CLOSE] = TO(CLOSING, close_ppp),
				[ON_PPP_DOWN] = TO(CLOSING, end_session),
				[ON_SESSION_DOWN] = TO(CLOSING, bury),
			},
		[SUBSCRIBER_AUTHENTICATE] =
			{
				[ON_LINK_UP] = TO(AUTHENTICATE, tell_link),
				[ON_ACCEPTED] = TO(NETWORK, assign_address),
				[ON_INSTALL_FAILED] = TO(CLOSING, close_ppp),
				[ON_CLOSE] = TO(CLOSING, close_ppp),
				[ON_PPP_DOWN] = TO(CLOSING, end_session),
				[ON_SESSION_DOWN] = TO(CLOSING, bury),
			},
		[SUBSCRIBER_NETWORK] =
			{
				[ON_LINK_UP] = TO(AUTHENTICATE, tell_link),
				[ON_IP4_UP] = TO(INSTALL, open_ip4),
				[ON_IP6_UP] = TO(INSTALL, open_ip6),
				[ON_INSTALL_FAILED] = TO(CLOSING, close_ppp),
				[ON_CLOSE] = TO(CLOSING, close_ppp),
				[ON_PPP_DOWN] = TO(CLOSING, end_session),
				[ON_SESSION_DOWN] = TO(CLOSING, bury),
			},
		[SUBSCRIBER_INSTALL] =
			{
				[ON_INSTALLED] = TO(UP, announce_and_probe),
				[ON_INSTALL_FAILED] = TO(CLOSING, stop_and_close),
				[ON_IP4_UP] = TO(INSTALL, open_ip4),
				[ON_IP6_UP] = TO(INSTALL, open_ip6),
				[ON_IP4_DOWN] = TO(INSTALL, close_ip4),
				[ON_IP6_DOWN] = TO(INSTALL, close_ip6),
				[ON_NETWORK_DOWN] = TO(NETWORK, stop_forwarding),
				[ON_CLOSE] = TO(CLOSING, stop_and_close),
				[ON_PPP_DOWN] = TO(CLOSING, stop_and_end_session),
				[ON_SESSION_DOWN] = TO(CLOSING, bury),
			},
		[SUBSCRIBER_UP] =
			{
				[ON_INSTALL_FAILED] = TO(CLOSING, stop_and_close),
				[ON_IP4_UP] = TO(UP, open_ip4),
				[ON_IP6_UP] = TO(UP, open_ip6),
				[ON_IP4_DOWN] = TO(UP, close_ip4),
				[ON_IP6_DOWN] = TO(UP, close_ip6),
				[ON_NETWORK_DOWN] = TO(NETWORK, stop_forwarding),
				[ON_CLOSE] = TO(CLOSING, stop_and_close),
				[ON_PPP_DOWN] = TO(CLOSING, stop_and_end_session),
				[ON_SESSION_DOWN] = TO(CLOSING, bury),
			},
		[SUBSCRIBER_CLOSING] =
			{
				[ON_PPP_DOWN] = TO(CLOSING, end_session),
				[ON_SESSION_DOWN] = TO(CLOSING, bury),
			},
};

static void handle(struct subscriber *s, enum event_of_subscriber event)
{
	const struct transition *t = &table[s->state][event];

	if (s->buried || !t->known)
		return;
	s->state = t->next;
	if (t->act)
		t->act(s);
}

// ---- what PPP says

static void on_send(void *context, const uint8_t *packet, size_t length)
{
	struct subscriber *s = context;

	if (!s->buried)
		(void)dataplane_send_ppp(s->session, packet, length);
}

static void on_send_probe(void *context, const uint8_t *packet, size_t length)
{
	struct subscriber *s = context;

	if (!s->buried)
		(void)dataplane_send_ppp_whole(s->session, packet, length);
}

static void on_path_mtu(void *context, uint16_t mtu)
{
	struct subscriber *s = context;

	if (!s->buried)
		subscriber_path_found(s, mtu);
}

static void on_lcp_up(void *context, const struct ppp_link *link)
{
	struct subscriber *s = context;

	s->link = *link;
	handle(s, ON_LINK_UP);
}

// What an unknown user's answer is checked against, so that it takes as long as a known one's.
static const char no_password[] = "the password of nobody";

static void on_authenticate(void *context, const struct ppp_credentials *c)
{
	struct subscriber *s = context;
	const struct config_user *account = users_find(s->all->users, c->name, c->name_length);
	struct ppp_verdict verdict = {0};
	int error = auth_check(c, account ? account->password : no_password, &verdict);
	const char *reason = error < 0 ? "malformed answer"
			     : account ? "wrong password"
				       : "unknown user";
	bool accepted = error == 0 && account && verdict.accepted;

	if (!accepted && verdict.accepted)
		verdict = (struct ppp_verdict){.mschap_error = 691};
	// Somebody else under the same session: the address goes with the old name.
	if (strcmp(s->user, c->name) != 0)
		give_address(s);
	memcpy(s->user, c->name, sizeof(s->user));
	s->account = accepted ? account : NULL;
	if (accepted) {
		log_event(LOG_AUTH_OK, &s->subject, "s:s", "method", ppp_auth_word(c->method));
	} else {
		s->all->counters.refused++;
		snprintf(s->cause, sizeof(s->cause), "authentication failed: %s", reason);
		log_event(LOG_AUTH_FAILED, &s->subject, "s:s, s:s", "method",
			ppp_auth_word(c->method), "reason", reason);
	}
	ppp_authenticated(s->ppp, &verdict);
}

static void on_accepted(void *context)
{
	struct subscriber *s = context;

	if (s->account)
		handle(s, ON_ACCEPTED);
}

static void on_ip4_up(void *context, const struct ppp_addresses *addresses)
{
	(void)addresses; // what we gave it, and nothing else opens IPCP
	handle(context, ON_IP4_UP);
}

static void on_ip4_down(void *context, const char *cause)
{
	(void)cause;
	handle(context, ON_IP4_DOWN);
}

static void on_ip6_up(void *context, const uint8_t *identifier)
{
	(void)identifier; // the client's addresses are in its prefix, whatever it is
	handle(context, ON_IP6_UP);
}

static void on_ip6_down(void *context, const char *cause)
{
	(void)cause;
	handle(context, ON_IP6_DOWN);
}

static void on_down(void *context, const char *cause)
{
	struct subscriber *s = context;

	if (!s->cause[0])
		snprintf(s->cause, sizeof(s->cause), "ppp: %s", cause);
	handle(s, ON_PPP_DOWN);
}

static const struct ppp_events ppp_events = {
	.send = on_send,
	.send_probe = on_send_probe,
	.path_mtu = on_path_mtu,
	.lcp_up = on_lcp_up,
	.authenticate = on_authenticate,
	.accepted = on_accepted,
	.ip4_up = on_ip4_up,
	.ip4_down = on_ip4_down,
	.ip6_up = on_ip6_up,
	.ip6_down = on_ip6_down,
	.down = on_down,
};

// ---- what L2TP and the gateway say

struct subscribers *subscribers_create(const struct config *config, struct timers *timers,
	struct pools *pools, struct pools6 *pools6, const struct users *users, uint32_t sessions)
{
	struct subscribers *all = calloc(1, sizeof(*all));

	if (!all)
		return NULL;
	*all = (struct subscribers){
		.config = config,
		.timers = timers,
		.pools = pools,
		.pools6 = pools6,
		.users = users,
		.sessions = sessions,
		.next_id = 1,
	};
	all->by_session = calloc(sessions, sizeof(struct subscriber *));
	if (!all->by_session) {
		free(all);
		return NULL;
	}
	return all;
}

void subscribers_free(struct subscribers *all)
{
	if (!all)
		return;
	while (all->first) {
		struct subscriber *s = all->first;

		if (!s->cause[0])
			snprintf(s->cause, sizeof(s->cause), "stop");
		bury(s);
		timer_stop(all->timers, &s->burial);
		free_now(s);
	}
	free(all->by_session);
	free(all);
}

void subscribers_set_l2tp(struct subscribers *all, struct l2tp *l2tp)
{
	all->l2tp = l2tp;
}

static struct subscriber *create(struct subscribers *all, const struct l2tp_session_info *info)
{
	struct subscriber *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->all = all;
	s->id = all->next_id++;
	s->session = info->session;
	s->l2tp = *info;
	for (int i = 0; i < FAMILIES; i++)
		s->family[i].s = s;
	s->since = timers_now(all->timers);
	s->subject = (struct log_subject){
		.attempt = s->id,
		.user = s->user,
		.peer = info->flow.remote,
		.peer_port = info->flow.remote_port,
		.peer_id = info->peer,
		.tunnel = info->tunnel,
		.session_id = info->session_id,
	};
	s->ppp = ppp_create(&all->config->ppp, all->timers, &ppp_events, s, &s->subject);
	if (!s->ppp) {
		free(s);
		return NULL;
	}
	s->next = all->first;
	if (s->next)
		s->next->previous = s;
	all->first = s;
	all->by_session[s->session] = s;
	all->counters.present++;
	return s;
}

void subscribers_session_up(void *context, const struct l2tp_session_info *info)
{
	struct subscribers *all = context;
	struct subscriber *s;

	all->counters.started++;
	if (info->session >= all->sessions || all->by_session[info->session])
		return;
	s = create(all, info);
	if (s)
		ppp_start(s->ppp);
	else
		(void)l2tp_session_close(
			all->l2tp, info->session, 4, "no memory"); // RFC 2661 4.4.2: no resources
}

void subscribers_session_down(void *context, uint32_t session, const char *cause)
{
	struct subscribers *all = context;
	struct subscriber *s = session < all->sessions ? all->by_session[session] : NULL;

	if (!s)
		return;
	if (!s->cause[0])
		snprintf(s->cause, sizeof(s->cause), "l2tp: %s", cause);
	handle(s, ON_SESSION_DOWN);
}

void subscribers_input(
	struct subscribers *all, uint32_t session, const uint8_t *packet, size_t length)
{
	struct subscriber *s = session < all->sessions ? all->by_session[session] : NULL;

	if (s)
		ppp_input(s->ppp, packet, length);
}

int subscribers_disconnect(struct subscribers *all, uint64_t id, const char *cause)
{
	for (struct subscriber *s = all->first; s; s = s->next)
		if (s->id == id) {
			request_close(s, cause);
			return 0;
		}
	return -ENOENT;
}

void subscribers_close_all(struct subscribers *all, const char *cause)
{
	struct subscriber *next;

	for (struct subscriber *s = all->first; s; s = next) {
		next = s->next;
		request_close(s, cause);
	}
}

static struct subscriber_info info_of(const struct subscriber *s)
{
	uint64_t now = timers_now(s->all->timers);

	return (struct subscriber_info){
		.id = s->id,
		.state = s->state,
		.state_word = state_words[s->state],
		.user = s->user,
		.address = s->family[V4].route.address,
		.prefix6 = s->family[V6].route,
		.pool = users_pool(s->all->config, s->account),
		.group = group_of_user(s->all->config, s->account),
		.link = s->link,
		.mtu = s->mtu,
		.path_mtu = s->path_mtu,
		.session = s->session,
		.l2tp = s->l2tp,
		.age_ms = now - s->since,
		.up_ms = s->up_since ? now - s->up_since + 1 : 0,
		.setup_ms = s->setup_ms,
	};
}

void subscribers_each(const struct subscribers *all,
	void (*each)(void *context, const struct subscriber_info *info), void *context)
{
	for (const struct subscriber *s = all->first; s; s = s->next) {
		struct subscriber_info info = info_of(s);

		each(context, &info);
	}
}

void subscribers_counters(const struct subscribers *all, struct subscribers_counters *out)
{
	*out = all->counters;
}

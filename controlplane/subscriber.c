// SPDX-License-Identifier: Apache-2.0

// The way of a subscriber through its states. Every transition stands in one table, below; an
// event that the table does not know in a state is ignored there. The record moves to its next
// state first and acts then, because an action may bring the next event at once.
//
// A record is freed by a timer of 0 ms, never from within a call of the layers below it.

#include "subscriber.h"

#include "install.h"
#include "ppp/auth.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum event_of_subscriber {
	ON_LINK_UP,        // LCP opened, the first time or again
	ON_ACCEPTED,       // authenticated, and the peer knows
	ON_IP4_UP,         // IPCP opened
	ON_IP4_DOWN,       // IPCP or LCP went down
	ON_INSTALLED,      // the dataplane forwards
	ON_INSTALL_FAILED, // it does not
	ON_CLOSE,          // somebody wants it to end
	ON_PPP_DOWN,       // PPP is over
	ON_SESSION_DOWN,   // the L2TP session is gone
	EVENTS,
};

struct subscriber {
	struct subscribers *all;
	struct subscriber *next, *previous;
	uint64_t id;
	enum subscriber_state state;
	bool buried; // waits for its timer to be freed
	bool opened; // the dataplane was told to forward, and not yet to stop
	bool was_up;
	uint32_t session;
	struct l2tp_session_info l2tp;
	struct ppp *ppp;
	struct ppp_link link;
	char user[PPP_NAME];
	const struct config_user *account;
	struct ip_address address; // taken from the pools, or IP_NONE
	char cause[128];           // why it ends
	struct log_subject subject;
	struct timer burial;
	uint64_t since, up_since; // milliseconds of the timers' clock; up_since 0 = never
	uint32_t setup_ms;
};

struct subscribers {
	const struct config *config;
	struct timers *timers;
	struct pools *pools;
	const struct users *users;
	struct l2tp *l2tp;
	struct subscriber **by_session;
	uint32_t sessions;
	struct subscriber *first;
	uint64_t next_id;
	struct subscribers_counters counters;
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

static struct command_session_set session_form(const struct subscriber *s)
{
	struct command_session_set c = {
		.session = s->session,
		.flags = SESSION_LCP_OPEN,
		.magic = s->link.magic,
		.peer_mru = s->link.peer_mru,
		.mtu = s->all->config->ppp.mtu,
	};

	if (s->link.send_pfc)
		c.flags |= SESSION_SEND_PFC;
	if (s->link.send_acfc)
		c.flags |= SESSION_SEND_ACFC;
	return c;
}

static void installed(void *context, int error)
{
	struct subscriber *s = context;

	if (error) {
		s->opened = false; // install.c has undone it
		snprintf(s->cause, sizeof(s->cause), "dataplane: %s", strerror(-error));
	}
	handle(s, error ? ON_INSTALL_FAILED : ON_INSTALLED);
}

static void tell_link(struct subscriber *s)
{
	struct command_session_set c = session_form(s);
	int error = install_session_set(&c, NULL, NULL);

	if (error < 0)
		installed(s, error);
}

static void open_forwarding(struct subscriber *s)
{
	struct command_session_set c = session_form(s);
	int error;

	c.flags |= SESSION_IP4_OPEN;
	c.ip4 = s->address;
	s->opened = true;
	error = install_subscriber(&c, installed, s);
	if (error < 0)
		installed(s, error);
}

static void stop_forwarding(struct subscriber *s)
{
	struct command_session_set c = session_form(s);
	struct ip_prefix route = {.address = s->address, .length = 32};

	if (!s->opened)
		return;
	s->opened = false;
	install_forget(s);
	(void)install_subscriber_undo(&c, &route);
	if (s->up_since)
		s->all->counters.forwarding--;
	s->up_since = 0;
}

// ---- the other actions of the table

static void give_address(struct subscriber *s)
{
	if (s->address.version != IP_NONE)
		pools_give(s->all->pools, &s->address);
	memset(&s->address, 0, sizeof(s->address));
}

// A user with a fixed address came again while an earlier session of his lingers: his client lost
// it without a word, and only the newer one can be alive. The old one gives way at once, with its
// route, before PPP has said goodbye.
static bool displace(const struct subscriber *s)
{
	struct subscriber *old = s->all->first;

	while (old && (old == s || old->account != s->account ||
			      !address_equal(&old->address, &s->account->address)))
		old = old->next;
	if (!old)
		return false;
	request_close(old, "the user came again");
	give_address(old);
	return true;
}

static int take_address(struct subscriber *s)
{
	const struct config_user *account = s->account;
	int error =
		pools_take(s->all->pools, account->pool, s->user, &account->address, &s->address);

	if (error == -EADDRINUSE && displace(s))
		error = pools_take(
			s->all->pools, account->pool, s->user, &account->address, &s->address);
	return error;
}

static void assign_address(struct subscriber *s)
{
	const struct config_ppp *ppp = &s->all->config->ppp;
	struct ppp_addresses addresses = {.local = ppp->local};
	int error = 0;

	s->all->counters.authenticated++;
	if (s->address.version == IP_NONE)
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
	addresses.peer = s->address;
	memcpy(addresses.dns, ppp->dns, sizeof(addresses.dns));
	memcpy(addresses.wins, ppp->wins, sizeof(addresses.wins));
	ppp_network(s->ppp, &addresses);
}

static void announce(struct subscriber *s)
{
	uint64_t now = timers_now(s->all->timers);
	char text[ADDRESS_TEXT];

	s->up_since = now ? now : 1;
	s->setup_ms = (uint32_t)(now - s->since);
	s->was_up = true;
	s->all->counters.up++;
	s->all->counters.forwarding++;
	log_event(LOG_SUBSCRIBER_UP, &s->subject, "s:s, s:I", "address",
		address_format(&s->address, text), "setup_ms", (long long)s->setup_ms);
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
				[ON_IP4_UP] = TO(INSTALL, open_forwarding),
				[ON_INSTALL_FAILED] = TO(CLOSING, close_ppp),
				[ON_CLOSE] = TO(CLOSING, close_ppp),
				[ON_PPP_DOWN] = TO(CLOSING, end_session),
				[ON_SESSION_DOWN] = TO(CLOSING, bury),
			},
		[SUBSCRIBER_INSTALL] =
			{
				[ON_INSTALLED] = TO(UP, announce),
				[ON_INSTALL_FAILED] = TO(CLOSING, close_ppp),
				[ON_IP4_DOWN] = TO(NETWORK, stop_forwarding),
				[ON_CLOSE] = TO(CLOSING, stop_and_close),
				[ON_PPP_DOWN] = TO(CLOSING, stop_and_end_session),
				[ON_SESSION_DOWN] = TO(CLOSING, bury),
			},
		[SUBSCRIBER_UP] =
			{
				[ON_IP4_DOWN] = TO(NETWORK, stop_forwarding),
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

static void on_down(void *context, const char *cause)
{
	struct subscriber *s = context;

	if (!s->cause[0])
		snprintf(s->cause, sizeof(s->cause), "ppp: %s", cause);
	handle(s, ON_PPP_DOWN);
}

static const struct ppp_events ppp_events = {
	.send = on_send,
	.lcp_up = on_lcp_up,
	.authenticate = on_authenticate,
	.accepted = on_accepted,
	.ip4_up = on_ip4_up,
	.ip4_down = on_ip4_down,
	.down = on_down,
};

// ---- what L2TP and the gateway say

struct subscribers *subscribers_create(const struct config *config, struct timers *timers,
	struct pools *pools, const struct users *users, uint32_t sessions)
{
	struct subscribers *all = calloc(1, sizeof(*all));

	if (!all)
		return NULL;
	*all = (struct subscribers){
		.config = config,
		.timers = timers,
		.pools = pools,
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

// The pool that its address is from; none for a fixed address.
static const char *pool_of(const struct subscriber *s)
{
	if (!s->account || s->account->address.version != IP_NONE)
		return "";
	return s->account->pool[0] ? s->account->pool : s->all->config->pools[0].name;
}

static struct subscriber_info info_of(const struct subscriber *s)
{
	uint64_t now = timers_now(s->all->timers);

	return (struct subscriber_info){
		.id = s->id,
		.state = s->state,
		.state_word = state_words[s->state],
		.user = s->user,
		.address = s->address,
		.pool = pool_of(s),
		.link = s->link,
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

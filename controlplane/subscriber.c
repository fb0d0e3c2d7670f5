// SPDX-License-Identifier: Apache-2.0

// The way of a subscriber through its states, whichever road it came on. Every transition stands in
// one table, below; an event that the table does not know in a state is ignored there. The record
// moves to its next state first and acts then, because an action may bring the next event at once.
//
// A record is freed by a timer of 0 ms, never from within a call of the layers below it.

#include "subscriber_record.h"

#include "install.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const state_words[SUBSCRIBER_STATES] = {
	[SUBSCRIBER_LCP] = "lcp",
	[SUBSCRIBER_AUTHENTICATE] = "authenticate",
	[SUBSCRIBER_NETWORK] = "network",
	[SUBSCRIBER_INSTALL] = "install",
	[SUBSCRIBER_UP] = "up",
	[SUBSCRIBER_CLOSING] = "closing",
};

void subscriber_close(struct subscriber *s, const char *cause)
{
	if (!s->cause[0])
		snprintf(s->cause, sizeof(s->cause), "%s", cause);
	subscriber_handle(s, ON_CLOSE);
}

// ---- what the dataplane is told

struct command_session_set subscriber_form(const struct subscriber *s)
{
	struct command_session_set c = {
		.session = s->session,
		.mtu = s->path_mtu ? s->path_mtu : s->all->config->ppp.mtu,
	};

	s->road->form(s, &c);
	if (s->family[V4].opened) {
		c.flags |= SESSION_IP4_OPEN;
		c.ip4 = s->family[V4].route.address;
	}
	if (s->family[V6].opened) {
		c.flags |= SESSION_IP6_OPEN;
		c.ip6 = s->family[V6].route;
	}
	subscriber_form_grant(s, &c);
	return c;
}

void subscriber_failed(struct subscriber *s, int error)
{
	snprintf(s->cause, sizeof(s->cause), "dataplane: %s", strerror(-error));
	subscriber_handle(s, ON_INSTALL_FAILED);
}

static void family_installed(void *context, int error)
{
	struct family *f = context;
	struct subscriber *s = f->s;

	if (error) {
		f->opened = false; // install.c has undone it
		subscriber_failed(s, error);
		return;
	}
	if (f == &s->family[V6])
		subscriber_ip6_up(s);
	if (s->up_since)
		subscriber_account(s); // the other protocol has come later
	subscriber_handle(s, ON_INSTALLED);
}

void subscriber_tell_link(struct subscriber *s)
{
	struct command_session_set c;
	int error;

	s->path_mtu = 0;
	c = subscriber_form(s);
	error = install_session_set(&c, subscriber_mtu_known, s);
	if (error < 0)
		subscriber_failed(s, error);
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

static void stop_forwarding(struct subscriber *s)
{
	subscriber_ip6_down(s);
	subscriber_grant_down(s);
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
		subscriber_handle(s, ON_NETWORK_DOWN);
}

static void close_ip4(struct subscriber *s)
{
	close_family(s, &s->family[V4]);
}

static void close_ip6(struct subscriber *s)
{
	subscriber_ip6_down(s);
	close_family(s, &s->family[V6]);
}

// ---- the other actions of the table

void subscriber_give_address(struct subscriber *s)
{
	struct ip_prefix *v4 = &s->family[V4].route, *v6 = &s->family[V6].route;

	subscriber_lease_end(s, "its addresses go back");
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

	while (old && (old == s || strcmp(old->user, s->user) != 0 ||
			      !address_equal(&old->family[family].route.address, fixed)))
		old = old->next;
	if (!old)
		return false;
	subscriber_close(old, "the user came again");
	subscriber_give_address(old);
	return true;
}

static int take_address(struct subscriber *s)
{
	const struct grant *g = &s->grant;
	struct ip_prefix *route = &s->family[V4].route;
	int error = pools_take(s->all->pools, g->pool, s->user, &g->address, &route->address);

	if (error == -EADDRINUSE && displace(s, V4, &g->address))
		error = pools_take(s->all->pools, g->pool, s->user, &g->address, &route->address);
	route->length = 32;
	return error;
}

// Without a prefix there is no IPv6, and IPv4 goes on.
static void take_prefix(struct subscriber *s)
{
	const struct grant *g = &s->grant;
	const char *pool = *g->pool6 ? g->pool6 : g->pool;
	struct ip_prefix *route = &s->family[V6].route;
	int error = pools6_take(s->all->pools6, pool, s->user, &g->prefix6, route);

	if (error == -EADDRINUSE && displace(s, V6, &g->prefix6.address))
		error = pools6_take(s->all->pools6, pool, s->user, &g->prefix6, route);
	if (error < 0 && error != -ENOENT)
		log_event(LOG_POOL_EMPTY, &s->subject, "s:s, s:s", "pool", pool, "reason",
			error == -EADDRINUSE ? "the user's fixed prefix is in use"
					     : "no IPv6 prefix is free");
}

static bool has(const struct subscriber *s, int family)
{
	return s->family[family].route.address.version != IP_NONE;
}

// An address that is not what holds for it now: it was given by an earlier grant.
static void drop_other_addresses(struct subscriber *s)
{
	const struct grant *g = &s->grant;
	struct ip_prefix *v4 = &s->family[V4].route, *v6 = &s->family[V6].route;

	if (has(s, V4) && (!g->ip4 || (g->address.version != IP_NONE &&
					      !address_equal(&g->address, &v4->address)))) {
		pools_give(s->all->pools, &v4->address);
		memset(v4, 0, sizeof(*v4));
	}
	if (has(s, V6) && (!g->ip6 || (g->prefix6.address.version != IP_NONE &&
					      memcmp(&g->prefix6, v6, sizeof(*v6)) != 0))) {
		pools6_give(s->all->pools6, v6);
		memset(v6, 0, sizeof(*v6));
	}
}

static void refuse_without_address(struct subscriber *s, int error)
{
	log_event(LOG_POOL_EMPTY, &s->subject, "s:s, s:s", "pool", s->grant.pool, "reason",
		error == -EADDRINUSE ? "the user's fixed address is in use" : "no address is free");
	subscriber_close(s, "no address");
}

static void assign_address(struct subscriber *s)
{
	int error = 0;

	s->all->counters.authenticated++;
	drop_other_addresses(s);
	if (s->wants[V4] && s->grant.ip4 && !has(s, V4))
		error = take_address(s);
	// A pool without IPv4 is no trouble as long as there is IPv6.
	if (error == -ENOENT)
		error = 0;
	if (error == 0 && s->wants[V6] && s->grant.ip6 && !has(s, V6))
		take_prefix(s);
	if (error < 0 || !(has(s, V4) || has(s, V6)))
		refuse_without_address(s, error);
	else
		s->road->offer(s);
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
	log_event(LOG_SUBSCRIBER_UP, &s->subject, "s:s, s:s*, s:s*, s:I", "access", s->road->word,
		"address", has(s, V4) ? address_format(&s->family[V4].route.address, text) : NULL,
		"prefix",
		s->family[V6].route.address.version == IP_V6
			? prefix_format(&s->family[V6].route, prefix)
			: NULL,
		"setup_ms", (long long)s->setup_ms);
}

// Without L2TP: the protocols that it has an address of are open with the first pair.
static void open_all(struct subscriber *s)
{
	access_install(s);
	for (int i = 0; i < FAMILIES && s->state <= SUBSCRIBER_UP; i++)
		family_open(&s->family[i]);
}

static void announce_and_probe(struct subscriber *s)
{
	announce(s);
	subscriber_grant_up(s);
	subscriber_account(s);
	subscriber_probe(s);
}

static void close_link(struct subscriber *s)
{
	s->road->close(s);
}

static void stop_and_close(struct subscriber *s)
{
	stop_forwarding(s);
	close_link(s);
}

static void free_now(void *context)
{
	struct subscriber *s = context;

	s->road->free(s);
	free(s);
}

static void forget_id(struct subscriber *s)
{
	struct subscriber **place = &s->all->by_id[s->id % s->all->sessions];

	while (*place && *place != s)
		place = &(*place)->id_next;
	if (*place)
		*place = s->id_next;
}

// The end of the record: its address goes back, it can no longer be found, and a timer frees it.
static void bury(struct subscriber *s)
{
	struct subscribers *all = s->all;

	subscriber_account_end(s);
	stop_forwarding(s);
	install_forget(s);
	timer_stop(all->timers, &s->ask);
	aaa_forget(all->aaa, s);
	subscriber_give_address(s);
	s->road->bury(s);
	subscriber_grant_end(s);
	log_event(LOG_SUBSCRIBER_DOWN, &s->subject, "s:s", "cause", s->cause);
	if (!s->was_up)
		all->counters.failed++;
	all->counters.present--;
	if (s->session < all->sessions)
		all->by_session[s->session] = NULL;
	forget_id(s);
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

static void end_session(struct subscriber *s)
{
	s->road->end(s);
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

static const struct transition table[SUBSCRIBER_STATES][SUBSCRIBER_EVENTS] =
	{
		[SUBSCRIBER_LCP] =
			{
				[ON_LINK_UP] = TO(AUTHENTICATE, subscriber_tell_link),
				[ON_INSTALL_FAILED] = TO(CLOSING, close_link),
				[ON_CLOSE] = TO(CLOSING, close_link),
				[ON_LINK_ENDED] = TO(CLOSING, NULL),
				[ON_LINK_DOWN] = TO(CLOSING, end_session),
				[ON_SESSION_DOWN] = TO(CLOSING, bury),
			},
		[SUBSCRIBER_AUTHENTICATE] =
			{
				[ON_LINK_UP] = TO(AUTHENTICATE, subscriber_tell_link),
				[ON_ACCEPTED] = TO(NETWORK, assign_address),
				[ON_INSTALL_FAILED] = TO(CLOSING, close_link),
				[ON_CLOSE] = TO(CLOSING, close_link),
				[ON_LINK_ENDED] = TO(CLOSING, NULL),
				[ON_LINK_DOWN] = TO(CLOSING, end_session),
				[ON_SESSION_DOWN] = TO(CLOSING, bury),
			},
		[SUBSCRIBER_NETWORK] =
			{
				[ON_LINK_UP] = TO(AUTHENTICATE, subscriber_tell_link),
				[ON_IP4_UP] = TO(INSTALL, open_ip4),
				[ON_IP6_UP] = TO(INSTALL, open_ip6),
				[ON_PAIR] = TO(INSTALL, open_all),
				[ON_INSTALL_FAILED] = TO(CLOSING, close_link),
				[ON_CLOSE] = TO(CLOSING, close_link),
				[ON_LINK_ENDED] = TO(CLOSING, NULL),
				[ON_LINK_DOWN] = TO(CLOSING, end_session),
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
				[ON_PAIR] = TO(INSTALL, access_change_pair),
				[ON_CLOSE] = TO(CLOSING, stop_and_close),
				[ON_LINK_ENDED] = TO(CLOSING, stop_forwarding),
				[ON_LINK_DOWN] = TO(CLOSING, stop_and_end_session),
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
				[ON_PAIR] = TO(UP, access_change_pair),
				[ON_CLOSE] = TO(CLOSING, stop_and_close),
				[ON_LINK_ENDED] = TO(CLOSING, stop_forwarding),
				[ON_LINK_DOWN] = TO(CLOSING, stop_and_end_session),
				[ON_SESSION_DOWN] = TO(CLOSING, bury),
			},
		[SUBSCRIBER_CLOSING] =
			{
				[ON_PAIR] = TO(CLOSING, access_change_pair),
				[ON_LINK_DOWN] = TO(CLOSING, end_session),
				[ON_SESSION_DOWN] = TO(CLOSING, bury),
			},
};

void subscriber_handle(struct subscriber *s, enum subscriber_event event)
{
	const struct transition *t = &table[s->state][event];

	if (s->buried || !t->known)
		return;
	s->state = t->next;
	if (t->act)
		t->act(s);
}

// ---- life

// A password in clear is asked for inside IPsec alone.
static struct config_ppp ppp_in_clear(const struct config *config)
{
	struct config_ppp out = config->ppp;

	out.auth.count = 0;
	for (uint16_t i = 0; i < config->ppp.auth.count; i++)
		if (config->ppp.auth.values[i] != PPP_AUTH_PAP || config->ppp.pap_in_clear)
			out.auth.values[out.auth.count++] = config->ppp.auth.values[i];
	return out;
}

struct subscribers *subscribers_create(const struct config *config, struct timers *timers,
	struct pools *pools, struct pools6 *pools6, struct aaa *aaa, struct numbers *numbers)
{
	uint32_t sessions = config->dataplane.sessions, peers = config->dataplane.sas;

	struct subscribers *all = calloc(1, sizeof(*all));

	if (!all)
		return NULL;
	*all = (struct subscribers){
		.config = config,
		.ppp_in_clear = ppp_in_clear(config),
		.timers = timers,
		.pools = pools,
		.pools6 = pools6,
		.aaa = aaa,
		.numbers = numbers,
		.sessions = sessions,
		.peers = peers,
		.next_id = 1,
	};
	subscriber_lease_duid(config, all->duid);
	all->by_session = calloc(sessions, sizeof(struct subscriber *));
	all->by_peer = calloc(peers, sizeof(struct subscriber *));
	all->by_id = calloc(sessions, sizeof(struct subscriber *));
	if (!all->by_session || !all->by_peer || !all->by_id) {
		subscribers_free(all);
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
	access_users_free(all);
	free(all->by_session);
	free(all->by_peer);
	free(all->by_id);
	free(all);
}

struct subscriber *subscriber_find(const struct subscribers *all, uint64_t id)
{
	struct subscriber *s = all->by_id[id % all->sessions];

	while (s && s->id != id)
		s = s->id_next;
	return s;
}

struct subscriber *subscriber_create(struct subscribers *all, const struct road *road,
	const struct l2tp_session_info *info, uint64_t id)
{
	struct subscriber *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->all = all;
	s->road = road;
	s->id = id ? id : all->next_id++;
	s->id_next = all->by_id[s->id % all->sessions];
	all->by_id[s->id % all->sessions] = s;
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
	s->next = all->first;
	if (s->next)
		s->next->previous = s;
	all->first = s;
	if (s->session < all->sessions)
		all->by_session[s->session] = s;
	all->counters.present++;
	return s;
}

int subscribers_disconnect(struct subscribers *all, uint64_t id, const char *cause)
{
	struct subscriber *s = subscriber_find(all, id);

	if (!s)
		return -ENOENT;
	subscriber_close(s, cause);
	return 0;
}

void subscribers_close_all(struct subscribers *all, const char *cause)
{
	struct subscriber *next;

	for (struct subscriber *s = all->first; s; s = next) {
		next = s->next;
		subscriber_close(s, cause);
	}
}

static struct subscriber_info info_of(const struct subscriber *s)
{
	uint64_t now = timers_now(s->all->timers);

	struct subscriber_info info = {
		.id = s->id,
		.state = s->state,
		.state_word = state_words[s->state],
		.user = s->user,
		.address = s->family[V4].route.address,
		.prefix6 = s->family[V6].route,
		.pool = s->granted && s->grant.address.version == IP_NONE ? s->grant.pool : "",
		.group = grant_group(s->all->config, &s->grant),
		.grant = s->granted ? &s->grant : NULL,
		.access = s->road->word,
		.method = s->method,
		.link = s->link,
		.quality = s->ppp ? ppp_quality(s->ppp) : NULL,
		.mtu = s->mtu,
		.path_mtu = s->path_mtu,
		.session = s->session,
		.l2tp = s->l2tp,
		.age_ms = now - s->since,
		.up_ms = s->up_since ? now - s->up_since + 1 : 0,
		.setup_ms = s->setup_ms,
	};

	subscriber_lease_info(s, &info.address6, &info.delegated);
	return info;
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

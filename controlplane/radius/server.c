// SPDX-License-Identifier: Apache-2.0

// Which link a call takes, and the life of a link:
//
//   live --silent for all tries of a call--> asked --no answer to PROBES--> dead
//   asked --any answer--> live
//   dead --hold-off, then an answer to Status-Server--> live
//   without Status-Server: live --silent--> dead --hold-off--> ready --a call--> tried
//   tried --an answer--> live, --silent--> dead, --the call is gone--> ready

#include "internal.h"

#include "controlplane/log.h"

static const char *const kind_words[] = {"authentication", "accounting"};

// ---- complaints

void server_complain(struct server *s, enum complaint cause)
{
	static const char *const words[COMPLAINTS] = {
		[COMPLAINT_MALFORMED] = "malformed",
		[COMPLAINT_AUTHENTICATOR] = "wrong authenticator: is the secret the same?",
		[COMPLAINT_MESSAGE_AUTHENTICATOR] = "wrong Message-Authenticator",
		[COMPLAINT_NO_MESSAGE_AUTHENTICATOR] =
			("no Message-Authenticator: let the server send it, or set "
			 "message-authenticator: optional"),
		[COMPLAINT_UNEXPECTED] = "to no request on the way: late, or twice",
		[COMPLAINT_CODE] = "of a code that does not answer the request",
	};
	struct radius *r = s->radius;
	uint64_t now = radius_now(r);

	s->bad[cause]++;
	if (s->said[cause] && now - s->said_ms[cause] < COMPLAIN_MS)
		return;
	log_event(LOG_RADIUS_BAD_REPLY, NULL, "s:s, s:s, s:I", "server", s->config->name, "reason",
		words[cause], "count", (long long)(s->bad[cause] - s->said[cause]));
	s->said[cause] = s->bad[cause];
	s->said_ms[cause] = now;
}

// ---- choice

uint32_t link_capacity(const struct link *link)
{
	// One id of a connection is for Status-Server.
	return link->tls ? PATH_IDS - 1 : (uint32_t)link->path_most * PATH_IDS;
}

static bool is_full(const struct link *link)
{
	return link->queued >= link_capacity(link);
}

static bool may_take(const struct link *link, bool asked)
{
	return asked ? link->life == LIFE_ASKED
		     : link->life == LIFE_LIVE || link->life == LIFE_READY;
}

// The lowest priority among those that take one more; 0: none does.
static uint16_t lowest(
	const struct radius *r, enum radius_kind kind, bool asked, bool moving, bool *full)
{
	uint16_t best = 0;

	for (unsigned i = 0; i < r->count; i++) {
		const struct link *link = r->servers[i].links[kind];
		uint16_t priority = r->servers[i].config->priority;

		if (!link || !may_take(link, asked))
			continue;
		if (!moving && is_full(link))
			*full = true;
		else if (!best || priority < best)
			best = priority;
	}
	return best;
}

// By turns, so that each gets its share in every row of calls as long as the weights together.
static struct link *by_weight(
	struct radius *r, enum radius_kind kind, uint16_t priority, bool asked, bool moving)
{
	struct link *best = NULL;
	int64_t sum = 0;

	for (unsigned i = 0; i < r->count; i++) {
		const struct config_radius_server *s = r->servers[i].config;
		struct link *link = r->servers[i].links[kind];

		if (!link || s->priority != priority || !may_take(link, asked) ||
			(!moving && is_full(link)))
			continue;
		sum += s->weight;
		link->credit[kind] += s->weight;
		if (!best || link->credit[kind] > best->credit[kind])
			best = link;
	}
	if (best)
		best->credit[kind] -= sum;
	return best;
}

static enum choice choose_one(
	struct radius *r, enum radius_kind kind, uint16_t server, bool moving, struct link **out)
{
	*out = server < r->count ? r->servers[server].links[kind] : NULL;
	if (!*out || (!may_take(*out, false) && !may_take(*out, true)))
		return CHOICE_NONE;
	return !moving && is_full(*out) ? CHOICE_FULL : CHOICE_OK;
}

// Those that are silent come last, whatever their priority.
enum choice server_choose(
	struct radius *r, enum radius_kind kind, uint16_t server, bool moving, struct link **out)
{
	bool full = false;

	if (server != RADIUS_ANY_SERVER)
		return choose_one(r, kind, server, moving, out);
	*out = NULL;
	for (int asked = 0; asked < 2; asked++) {
		uint16_t priority = lowest(r, kind, asked, moving, &full);

		if (priority == 0)
			continue;
		*out = by_weight(r, kind, priority, asked, moving);
		return CHOICE_OK;
	}
	return full ? CHOICE_FULL : CHOICE_NONE;
}

bool radius_alive(const struct radius *r, enum radius_kind kind)
{
	for (unsigned i = 0; i < r->count; i++) {
		const struct link *link = r->servers[i].links[kind];

		if (link && link->life != LIFE_DEAD && link->life != LIFE_TRIED)
			return true;
	}
	return false;
}

// ---- death and return

static void say(const struct link *link, enum log_event event, const char *why)
{
	const struct server *s = link->server;

	log_event(event, NULL, "s:s, s:s, s:s, s:I", "server", s->config->name, "kind",
		link->tls ? "both" : kind_words[link->kind], "reason", why, "after_ms",
		(long long)(radius_now(link->radius) - link->since_ms));
}

static void probe_forget(struct link *link)
{
	struct call *probe = link->probe;

	link->probe = NULL;
	if (probe)
		call_free(probe);
}

static void link_live(struct link *link)
{
	bool back = link->life != LIFE_ASKED;

	link->life = LIFE_LIVE;
	link->trial = NULL;
	timer_stop(link->radius->timers, &link->timer);
	if (!back)
		return;
	say(link, LOG_RADIUS_BACK, NULL);
	link->since_ms = radius_now(link->radius);
	link_pump(link);
}

void link_answered(struct link *link)
{
	link->answered_ms = radius_now(link->radius);
	if (link->tls)
		tls_proven(link);
	if (link->life != LIFE_LIVE)
		link_live(link);
}

// Each of its calls asks another server, or is over.
static void move(struct link *link, struct call_list *list)
{
	struct call *c;

	while ((c = TAILQ_FIRST(list)) != NULL) {
		struct link *other;
		enum choice choice =
			server_choose(link->radius, c->asked.kind, c->asked.server, true, &other);

		if (choice == CHOICE_NONE) {
			call_over(c, RADIUS_NO_SERVER);
			continue;
		}
		call_leave(c);
		call_go(c, other);
	}
}

static void hold_off_over(void *context);

void link_dead(struct link *link, const char *why)
{
	struct radius *r = link->radius;
	bool known = link->life == LIFE_DEAD || link->life == LIFE_TRIED;

	link->life = LIFE_DEAD;
	link->trial = NULL;
	probe_forget(link);
	if (link->tls)
		tls_rest(link);
	if (!known) {
		say(link, LOG_RADIUS_DEAD, why);
		link->since_ms = radius_now(r);
		link->server->counters.deaths++;
	}
	(void)timer_start(
		r->timers, &link->timer, r->config->radius.hold_off_ms, hold_off_over, link);
	move(link, &link->sent);
	move(link, &link->waiting);
}

void link_ready(struct link *link)
{
	link->trial = NULL;
	link->life = LIFE_READY;
}

void link_lost(struct link *link)
{
	probe_forget(link);
	link_requeue(link);
}

// ---- Status-Server

void link_ask(struct link *link)
{
	if (link->probe)
		return;
	link->probes = 1;
	link->asked_ms = radius_now(link->radius);
	link->probe = call_probe(link);
	if (!link->probe && link->life != LIFE_LIVE)
		link_dead(link, "no memory for Status-Server");
}

void link_probe_over(struct link *link, bool answered)
{
	probe_forget(link);
	if (answered) {
		link_answered(link);
		return;
	}
	// Somebody else was answered meanwhile.
	if (link->life == LIFE_LIVE && link->answered_ms >= link->asked_ms)
		return;
	if (link->probes < PROBES) {
		link->probes++;
		link->probe = call_probe(link);
	}
	if (!link->probe)
		link_dead(link, "it answers neither requests nor Status-Server");
}

static void hold_off_over(void *context)
{
	struct link *link = context;

	if (link->tls)
		tls_retry(link);
	else if (link->server->config->status_server)
		link_ask(link);
	else
		link_ready(link);
}

// ---- silence

// Status-Server costs nothing, so it is sent when the last try was met with silence; where there is
// none the server has had all tries of the call.
void link_silent(struct link *link, const struct call *c)
{
	uint64_t now = radius_now(link->radius);
	bool status = link->server->config->status_server;
	uint64_t since = status ? now - c->interval_ms : c->link_ms;

	if (link->life == LIFE_TRIED && c == link->trial) {
		link_dead(link, NULL);
		return;
	}
	if (link->life != LIFE_LIVE || link->answered_ms > since)
		return;
	if (!status) {
		link_dead(link, "it answers no requests");
		return;
	}
	link->life = LIFE_ASKED;
	link_ask(link);
}

// SPDX-License-Identifier: Apache-2.0

// The life of a call: written for the server that was chosen, sent, sent again, answered or given
// up. One thread, the loop's; every call has one timer of timers.h, which is for what comes next:
// the next request, or the end of its patience.
//
// Over TLS nothing is sent again on the same connection (RFC 6613 section 2.6.1 leaves that to
// TCP); the times are the same, for they say when the server is silent.

#include "internal.h"
#include "types.h"

#include "controlplane/log.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

enum {
	JITTER_PERCENT = 10, // by which a timeout may be shorter (RFC 5080 section 2.2.1)
};

static void call_due(void *context);

// ---- lists

static void list_put(struct call *c, struct call_list *list)
{
	if (c->list)
		TAILQ_REMOVE(c->list, c, next);
	c->list = list;
	if (list)
		TAILQ_INSERT_TAIL(list, c, next);
}

static struct call_bucket *bucket_of(struct radius *r, const void *context)
{
	uint64_t hash = (uint64_t)(uintptr_t)context * 0x9e3779b97f4a7c15;

	return &r->buckets[hash >> 52];
}
_Static_assert(CONTEXT_BUCKETS == 1 << 12, "bucket_of takes the upper 12 bits");

// ---- time

static uint64_t random_below(uint64_t most)
{
	static uint64_t state = 0x853c49e6748fea9b;

	// What it decides is no secret: that a thousand calls are not sent again at once.
	state = state * 6364136223846793005 + 1442695040888963407;
	return (state >> 33) % most;
}

// So many milliseconds, a little less, and never beyond the call's patience.
static void call_wait(struct call *c, uint32_t ms)
{
	uint64_t now = radius_now(c->radius), left;
	uint64_t shorter = ms - random_below((uint64_t)ms * JITTER_PERCENT / 100 + 1);

	left = c->deadline_ms > now ? c->deadline_ms - now : 0;
	// It cannot fail: the call had its place among the timers from the first.
	(void)timer_start(
		c->radius->timers, &c->timer, shorter < left ? shorter : left, call_due, c);
}

// ---- the packet

static void put_nas(struct radius_build *b, const struct config *config)
{
	const struct config_radius *r = &config->radius;

	radius_put_text(b, RADIUS_NAS_IDENTIFIER,
		*r->nas_identifier ? r->nas_identifier : config->l2tp.host_name);
	if (r->nas_address.version == IP_V4)
		radius_put_ip4(b, RADIUS_NAS_IP_ADDRESS, &r->nas_address);
	else if (r->nas_address.version == IP_V6)
		radius_put_ip6(b, RADIUS_NAS_IPV6_ADDRESS, &r->nas_address);
}

static void packet_free(struct call *c)
{
	if (c->bytes)
		OPENSSL_cleanse(c->bytes, c->length);
	free(c->bytes);
	c->bytes = NULL;
	c->length = 0;
}

static int packet_keep(struct call *c, const struct radius_build *b, int length)
{
	packet_free(c);
	if (length < 0)
		return length;
	c->bytes = malloc((size_t)length);
	if (!c->bytes)
		return -ENOMEM;
	memcpy(c->bytes, b->bytes, (size_t)length);
	c->length = (uint16_t)length;
	memcpy(c->authenticator, radius_authenticator(b), RADIUS_AUTHENTICATOR);
	return 0;
}

// Builds the packet for the server of its link and the id that it has.
static int packet_write(struct call *c)
{
	const struct config_radius_server *s = c->link->server->config;
	const struct radius_secret secret = {s->secret, s->secret_length};
	struct radius_build *b = &c->radius->build;
	int error = radius_begin(b, c->asked.code, &secret);

	if (error == 0)
		put_nas(b, c->radius->config);
	if (error == 0 && c->asked.write)
		error = c->asked.write(c->asked.context, b);
	if (error == 0)
		error = packet_keep(c, b, radius_finish(b, c->id, NULL));
	OPENSSL_cleanse(b->bytes, b->length);
	return error;
}

// ---- sending

static void count_sent(struct call *c)
{
	struct server *s = c->link->server;

	if (c->status)
		s->counters.status_requests++;
	else if (c->tries)
		s->counters.kind[c->asked.kind].retransmits++;
	else
		s->counters.kind[c->asked.kind].requests++;
}

static void call_send(struct call *c)
{
	count_sent(c);
	path_send(c->path, c);
	c->tries++;
	call_wait(c, c->interval_ms);
}

// The first request on this link. false: there is no id, or it is over.
static bool call_begin(struct call *c)
{
	struct link *link = c->link;
	struct path *p = link_path(link);

	if (!p)
		return false;
	path_take(p, c);
	link->queued--;
	link->on_the_way++;
	list_put(c, &link->sent);
	if (packet_write(c)) {
		call_over(c, RADIUS_NO_REQUEST);
		return true;
	}
	c->tries = 0;
	c->interval_ms = link->server->config->timeout_ms;
	c->link_ms = radius_now(c->radius);
	call_send(c);
	return true;
}

static void pump_again(void *context)
{
	link_pump(context);
}

void link_pump(struct link *link)
{
	unsigned sent = 0;

	while (!TAILQ_EMPTY(&link->waiting) && sent++ < PUMP_CALLS)
		if (!call_begin(TAILQ_FIRST(&link->waiting)))
			return;
	if (!TAILQ_EMPTY(&link->waiting) && !timer_running(&link->pump))
		(void)timer_start(
			link->radius->timers, &link->pump, PUMP_PAUSE_MS, pump_again, link);
}

void call_go(struct call *c, struct link *link)
{
	uint64_t now = radius_now(c->radius);

	c->link = link;
	link->queued++;
	if (link->life == LIFE_READY) {
		link->life = LIFE_TRIED;
		link->trial = c;
	}
	list_put(c, &link->waiting);
	(void)timer_start(c->radius->timers, &c->timer,
		c->deadline_ms > now ? c->deadline_ms - now : 0, call_due, c);
	if (link->queued == 1)
		link_pump(link);
	else if (!timer_running(&link->pump))
		(void)timer_start(c->radius->timers, &link->pump, PUMP_PAUSE_MS, pump_again, link);
}

void call_leave(struct call *c)
{
	struct link *link = c->link;

	if (link && c->list == &link->sent)
		link->on_the_way--;
	else if (link && c->list == &link->waiting)
		link->queued--;
	if (c->path)
		path_give(c);
	list_put(c, NULL);
	packet_free(c);
	timer_stop(c->radius->timers, &c->timer);
	c->link = NULL;
}

// Back to the head of those that wait, in their order.
void link_requeue(struct link *link)
{
	struct call *c;

	while ((c = TAILQ_LAST(&link->sent, call_list)) != NULL) {
		path_give(c);
		packet_free(c);
		link->on_the_way--;
		link->queued++;
		TAILQ_REMOVE(&link->sent, c, next);
		TAILQ_INSERT_HEAD(&link->waiting, c, next);
		c->list = &link->waiting;
		call_wait(c, UINT32_MAX);
	}
}

// ---- the end of a call

void call_free(struct call *c)
{
	struct radius *r = c->radius;
	struct link *link = c->link;

	if (link && link->trial == c)
		link_ready(link);
	call_leave(c);
	LIST_REMOVE(c, bucket);
	r->calls--;
	free(c);
	if (link)
		link_pump(link);
}

// Takes the call out of everything before it is told, so that whoever is told may do anything.
static void call_tell(struct call *c, const struct radius_result *result)
{
	void (*done)(void *context, const struct radius_result *told) = c->asked.done;
	void *context = c->asked.context;

	call_free(c);
	done(context, result);
}

static void tell_over(void *context)
{
	struct radius *r = context;
	size_t left = r->calls;

	while (!TAILQ_EMPTY(&r->over) && left--) {
		struct call *c = TAILQ_FIRST(&r->over);

		call_tell(c, &(struct radius_result){.outcome = c->outcome,
				     .server = RADIUS_ANY_SERVER,
				     .ms = (uint32_t)(radius_now(r) - c->began_ms)});
	}
	if (!TAILQ_EMPTY(&r->over))
		(void)timer_start(r->timers, &r->over_timer, 0, tell_over, r);
}

void call_over(struct call *c, enum radius_outcome outcome)
{
	struct radius *r = c->radius;
	struct link *link = c->link;

	if (link && link->trial == c)
		link_ready(link);
	call_leave(c);
	c->outcome = outcome;
	list_put(c, &r->over);
	if (!timer_running(&r->over_timer))
		(void)timer_start(r->timers, &r->over_timer, 0, tell_over, r);
}

static unsigned bucket_of_latency(uint64_t ms)
{
	unsigned bucket = 0;

	while (bucket < RADIUS_BUCKETS - 1 && ms >= (uint64_t)1 << bucket)
		bucket++;
	return bucket;
}

static void count_answer(const struct call *c, uint8_t code, uint64_t ms)
{
	struct radius_server_kind *k = &c->link->server->counters.kind[c->asked.kind];

	k->answers++;
	k->accepts += code == RADIUS_ACCESS_ACCEPT;
	k->rejects += code == RADIUS_ACCESS_REJECT;
	k->challenges += code == RADIUS_ACCESS_CHALLENGE;
	k->latency[bucket_of_latency(ms)]++;
	// In eighths, as TCP does it; the first one counts whole.
	k->smoothed_ms = k->answers == 1 ? (uint32_t)ms
					 : (uint32_t)((7 * (uint64_t)k->smoothed_ms + ms + 4) / 8);
}

void call_answered(struct call *c, const struct radius_packet *reply)
{
	const struct config_radius_server *s = c->link->server->config;
	uint64_t now = radius_now(c->radius);
	uint8_t authenticator[RADIUS_AUTHENTICATOR];
	struct radius_result result = {.outcome = RADIUS_ANSWERED,
		.reply = reply,
		.authenticator = authenticator,
		.secret = {s->secret, s->secret_length},
		.server = c->link->server->number,
		.ms = (uint32_t)(now - c->began_ms)};
	struct link *link = c->link;

	memcpy(authenticator, c->authenticator, sizeof(authenticator));
	if (c->status) {
		link->server->counters.status_answers++;
		link_probe_over(link, true);
		return;
	}
	count_answer(c, reply->code, now - c->link_ms);
	link_answered(link);
	call_tell(c, &result);
}

// ---- what comes when nothing came

// Accounting is written anew, for it says how late it is; another packet needs another id.
static int call_rewrite(struct call *c)
{
	struct path *p;

	path_give(c);
	p = link_path(c->link);
	if (p)
		path_take(p, c);
	return p ? packet_write(c) : -ENOBUFS;
}

static void call_again(struct call *c, uint32_t interval)
{
	c->interval_ms = interval < TIMEOUT_MOST_MS ? interval : TIMEOUT_MOST_MS;
	if (c->link->tls) {
		c->tries++;
		call_wait(c, c->interval_ms);
	} else if (c->asked.kind == RADIUS_ACCOUNTING && call_rewrite(c)) {
		call_over(c, RADIUS_NO_REQUEST);
	} else {
		call_send(c);
	}
}

static void call_due(void *context)
{
	struct call *c = context;
	struct link *link = c->link;

	if (c->status) {
		link_probe_over(link, false);
		return;
	}
	if (radius_now(c->radius) >= c->deadline_ms) {
		call_over(c, RADIUS_NO_ANSWER);
		if (link)
			link_pump(link);
		return;
	}
	link->server->counters.kind[c->asked.kind].timeouts++;
	if (c->tries < link->server->config->tries) {
		call_again(c, 2 * c->interval_ms);
		return;
	}
	link_silent(link, c);
	// A dead link keeps no calls: then it is with another one, or over.
	if (c->link == link && c->path)
		call_again(c, TIMEOUT_MOST_MS);
}

struct call *call_probe(struct link *link)
{
	struct radius *r = link->radius;
	struct call *c = calloc(1, sizeof(*c));
	struct path *p = link->probe_path;

	if (!c)
		return NULL;
	c->radius = r;
	c->status = true;
	c->asked.kind = link->kind;
	c->asked.code = RADIUS_STATUS_SERVER;
	c->link = link;
	c->began_ms = radius_now(r);
	c->deadline_ms = UINT64_MAX;
	c->interval_ms = link->server->config->timeout_ms;
	LIST_INSERT_HEAD(bucket_of(r, c), c, bucket);
	r->calls++;
	if (path_take(p, c) < 0 || packet_write(c) ||
		timer_start(r->timers, &c->timer, 0, call_due, c)) {
		call_free(c);
		return NULL;
	}
	call_send(c);
	return c;
}

// ---- for the callers

static struct call *call_make(struct radius *r, const struct radius_call *asked)
{
	struct call *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->radius = r;
	c->asked = *asked;
	c->began_ms = radius_now(r);
	c->deadline_ms = c->began_ms + asked->patience_ms;
	if (timer_start(r->timers, &c->timer, asked->patience_ms, call_due, c)) {
		free(c);
		return NULL;
	}
	LIST_INSERT_HEAD(bucket_of(r, asked->context), c, bucket);
	r->calls++;
	return c;
}

int radius_send(struct radius *r, const struct radius_call *asked)
{
	struct link *link;
	enum choice choice = server_choose(r, asked->kind, asked->server, false, &link);
	struct call *c;

	if (choice == CHOICE_FULL || r->calls >= r->calls_most)
		return -ENOBUFS;
	c = call_make(r, asked);
	if (!c)
		return -ENOMEM;
	if (choice == CHOICE_NONE)
		call_over(c, RADIUS_NO_SERVER);
	else
		call_go(c, link);
	return 0;
}

void radius_forget(struct radius *r, const void *context)
{
	struct call *c, *after;

	for (c = LIST_FIRST(bucket_of(r, context)); c; c = after) {
		after = LIST_NEXT(c, bucket);
		if (!c->status && c->asked.context == context)
			call_free(c);
	}
}

// SPDX-License-Identifier: Apache-2.0

// The client is made from the config and taken apart here. Whatever needs a file is read here, and
// the first socket of each port is opened, while the process may still say what is wrong.

#include "internal.h"
#include "tls_context.h"

#include "controlplane/log.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>

enum { WHY = 1024 };

static struct link *link_make(struct server *s, enum radius_kind kind, uint16_t port)
{
	struct link *link = calloc(1, sizeof(*link));

	if (!link)
		return NULL;
	link->path_most = s->config->source_ports;
	link->paths = calloc(link->path_most, sizeof(struct path *));
	if (!link->paths) {
		free(link);
		return NULL;
	}
	link->radius = s->radius;
	link->server = s;
	link->kind = kind;
	link->port = port;
	link->since_ms = link->answered_ms = radius_now(s->radius);
	TAILQ_INIT(&link->sent);
	TAILQ_INIT(&link->waiting);
	TAILQ_INIT(&link->roomy);
	return link;
}

static bool link_open_udp(struct link *link)
{
	struct path *p = udp_open(link);

	link->probe_path = udp_open(link);
	if (!p)
		return false;
	link->paths[link->path_count++] = p;
	TAILQ_INSERT_TAIL(&link->roomy, p, next);
	return link->probe_path != NULL;
}

static bool link_open_tls(struct link *link)
{
	char why[WHY] = "no memory";

	if (tls_open(link, why, sizeof(why)) == 0) {
		link->probe_path = tls_path(link);
		return true;
	}
	log_event(LOG_CONTROLPLANE_FAILED, NULL, "s:s, s:s, s:s", "reason",
		"TLS of a radius server", "name", link->server->config->name, "error", why);
	return false;
}

static bool add(struct server *s, enum radius_kind kind, uint16_t port)
{
	bool tls = s->config->transport == RADIUS_TLS;
	struct link *link;

	if (port == 0)
		return true;
	s->links[kind] = link = tls && kind == RADIUS_ACCOUNTING && s->links[RADIUS_AUTH]
					? s->links[RADIUS_AUTH]
					: link_make(s, kind, port);
	if (!link)
		return false;
	s->radius->calls_most += 2 * link_capacity(link);
	if (link->kind != kind)
		return true;
	return tls ? link_open_tls(link) : link_open_udp(link);
}

static bool add_server(struct radius *r, uint16_t number)
{
	struct server *s = &r->servers[number];

	s->radius = r;
	s->number = number;
	s->config = &r->config->radius.servers[number];
	s->counters.config = s->config;
	r->count++;
	return add(s, RADIUS_AUTH, s->config->auth_port) &&
	       add(s, RADIUS_ACCOUNTING, s->config->accounting_port);
}

struct radius *radius_create(
	const struct config *config, struct timers *timers, struct uv_loop_s *loop)
{
	struct radius *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->config = config;
	r->timers = timers;
	r->loop = loop;
	TAILQ_INIT(&r->over);
	for (uint16_t i = 0; i < config->radius.server_count; i++) {
		if (!add_server(r, i)) {
			radius_free(r);
			return NULL;
		}
	}
	return r;
}

// ---- the end

static void link_free(struct link *link)
{
	struct timers *timers = link->radius->timers;

	link->life = LIFE_DEAD; // so that nothing more is sent
	timer_stop(timers, &link->timer);
	timer_stop(timers, &link->pump);
	for (unsigned i = 0; i < link->path_count; i++)
		udp_close(link->paths[i]);
	if (link->tls)
		tls_close(link);
	else if (link->probe_path)
		udp_close(link->probe_path);
	free(link->paths);
	free(link);
}

static void server_free(struct server *s)
{
	struct link *a = s->links[RADIUS_AUTH], *b = s->links[RADIUS_ACCOUNTING];

	if (a)
		link_free(a);
	if (b && b != a)
		link_free(b);
	s->links[RADIUS_AUTH] = s->links[RADIUS_ACCOUNTING] = NULL;
}

static void set_dead(struct server *s)
{
	for (unsigned k = 0; k < RADIUS_KINDS; k++)
		if (s->links[k])
			s->links[k]->life = LIFE_DEAD;
}

void radius_close(struct radius *r)
{
	if (!r)
		return;
	for (unsigned i = 0; i < r->count; i++)
		set_dead(&r->servers[i]);
	for (unsigned i = 0; i < CONTEXT_BUCKETS; i++)
		while (!LIST_EMPTY(&r->buckets[i]))
			call_free(LIST_FIRST(&r->buckets[i]));
	for (unsigned i = 0; i < r->count; i++)
		server_free(&r->servers[i]);
	timer_stop(r->timers, &r->over_timer);
}

void radius_free(struct radius *r)
{
	if (!r)
		return;
	radius_close(r);
	OPENSSL_cleanse(r->input, sizeof(r->input));
	free(r);
}

// ---- what is seen

static void info_kind(const struct server *s, unsigned kind, struct radius_server_kind *out)
{
	const struct link *link = s->links[kind];

	out->asked = link != NULL;
	if (!link)
		return;
	out->dead = link->life == LIFE_DEAD || link->life == LIFE_READY || link->life == LIFE_TRIED;
	out->connected = !link->tls || tls_ready(link);
	out->since_ms = radius_now(s->radius) - link->since_ms;
	out->on_the_way = link->on_the_way;
	out->waiting = link->queued;
	out->sockets = link->tls ? out->connected : link->path_count;
}

static void server_info(const struct server *s, struct radius_server_info *out)
{
	*out = s->counters;
	for (unsigned k = 0; k < RADIUS_KINDS; k++)
		info_kind(s, k, &out->kind[k]);
	out->malformed = s->bad[COMPLAINT_MALFORMED];
	out->wrong_authenticator = s->bad[COMPLAINT_AUTHENTICATOR];
	out->wrong_message_authenticator = s->bad[COMPLAINT_MESSAGE_AUTHENTICATOR];
	out->no_message_authenticator = s->bad[COMPLAINT_NO_MESSAGE_AUTHENTICATOR];
	out->unexpected = s->bad[COMPLAINT_UNEXPECTED];
	out->wrong_code = s->bad[COMPLAINT_CODE];
}

void radius_each_server(const struct radius *r,
	void (*each)(void *context, const struct radius_server_info *info), void *context)
{
	for (unsigned i = 0; i < r->count; i++) {
		struct radius_server_info info;

		server_info(&r->servers[i], &info);
		each(context, &info);
	}
}

int radius_check(const struct config *config, char *why, size_t size)
{
	for (uint16_t i = 0; i < config->radius.server_count; i++) {
		const struct config_radius_server *s = &config->radius.servers[i];
		SSL_CTX *context;

		if (s->transport != RADIUS_TLS)
			continue;
		context = tls_context_create(s, why, size);
		if (!context)
			return -EINVAL;
		SSL_CTX_free(context);
	}
	return 0;
}

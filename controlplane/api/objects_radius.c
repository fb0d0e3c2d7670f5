// SPDX-License-Identifier: Apache-2.0

// See objects_radius.h.

#include "objects_radius.h"

#include "controlplane/radius/accounting.h"
#include "controlplane/radius/client.h"
#include "controlplane/radius/coa.h"
#include "objects.h"
#include "value.h"

struct lists {
	json_t *servers, *dropped;
};

static json_t *latency(const struct radius_server_kind *k)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < RADIUS_BUCKETS; i++) {
		bool last = i == RADIUS_BUCKETS - 1;

		json_array_append_new(
			list, json_pack("{s:o, s:I}", "below_ms",
				      last ? json_null() : json_integer((json_int_t)1 << i),
				      "answers", (json_int_t)k->latency[i]));
	}
	return list;
}

static json_t *kind_object(const struct radius_server_info *i, unsigned kind)
{
	const struct config_radius_server *c = i->config;
	const struct radius_server_kind *k = &i->kind[kind];
	bool auth = kind == RADIUS_AUTH;
	char address[ADDRESS_TEXT];
	json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:i, s:i}", "server", c->name, "kind",
		auth ? "authentication" : "accounting", "address",
		address_port_format(&c->address, auth ? c->auth_port : c->accounting_port, address),
		"transport", c->transport == RADIUS_TLS ? "tls" : "udp", "state",
		k->dead ? "dead" : "live", "connected", (int)k->connected, "priority",
		(int)c->priority, "weight", (int)c->weight);

	if (!o)
		return NULL;
	json_object_update_new(
		o, json_pack("{s:I, s:i, s:i, s:i, s:I, s:I, s:I, s:I, s:o, s:o}", "since_ms",
			   (json_int_t)k->since_ms, "on_the_way", (int)k->on_the_way, "waiting",
			   (int)k->waiting, "sockets", (int)k->sockets, "requests",
			   (json_int_t)k->requests, "retransmits", (json_int_t)k->retransmits,
			   "answers", (json_int_t)k->answers, "timeouts", (json_int_t)k->timeouts,
			   "smoothed_ms", k->answers ? json_integer(k->smoothed_ms) : json_null(),
			   "latency", latency(k)));
	if (auth)
		json_object_update_new(o,
			json_pack("{s:I, s:I, s:I}", "accepts", (json_int_t)k->accepts, "rejects",
				(json_int_t)k->rejects, "challenges", (json_int_t)k->challenges));
	return o;
}

static json_t *dropped_object(const struct radius_server_info *i)
{
	return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "server",
		i->config->name, "malformed", (json_int_t)i->malformed, "wrong_authenticator",
		(json_int_t)i->wrong_authenticator, "wrong_message_authenticator",
		(json_int_t)i->wrong_message_authenticator, "no_message_authenticator",
		(json_int_t)i->no_message_authenticator, "unexpected", (json_int_t)i->unexpected,
		"wrong_code", (json_int_t)i->wrong_code, "refused", (json_int_t)i->refused,
		"deaths", (json_int_t)i->deaths, "status_requests", (json_int_t)i->status_requests,
		"status_answers", (json_int_t)i->status_answers);
}

static void put(void *context, const struct radius_server_info *info)
{
	struct lists *l = context;

	for (unsigned kind = 0; kind < RADIUS_KINDS; kind++)
		if (info->kind[kind].asked)
			json_array_append_new(l->servers, kind_object(info, kind));
	json_array_append_new(l->dropped, dropped_object(info));
}

static json_t *accounting_list(const struct accounting *a)
{
	struct accounting_info i;

	if (!a)
		return json_array();
	accounting_info(a, &i);
	return json_pack("[{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}]", "sessions",
		(json_int_t)i.sessions, "started", (json_int_t)i.started, "stopped",
		(json_int_t)i.stopped, "sent", (json_int_t)i.sent, "answered",
		(json_int_t)i.answered, "lost", (json_int_t)i.lost, "waiting",
		(json_int_t)i.waiting, "waiting_bytes", (json_int_t)i.spool_bytes, "oldest_ms",
		(json_int_t)i.oldest_s * 1000);
}

static json_t *coa_list(const struct coa *c)
{
	struct coa_info i;

	if (!c)
		return json_array();
	coa_info(c, &i);
	return json_pack("[{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}]", "requests",
		(json_int_t)i.requests, "acks", (json_int_t)i.acks, "naks", (json_int_t)i.naks,
		"repeated", (json_int_t)i.repeated, "foreign", (json_int_t)i.foreign, "malformed",
		(json_int_t)i.malformed, "wrong_authenticator", (json_int_t)i.wrong_authenticator,
		"wrong_message_authenticator", (json_int_t)i.wrong_message_authenticator,
		"outdated", (json_int_t)i.outdated);
}

json_t *objects_radius(void *context, const struct api_query *query)
{
	const struct objects *o = context;
	struct lists l = {json_array(), json_array()};

	(void)query;
	if (o->radius)
		radius_each_server(o->radius, put, &l);
	return json_pack("{s:o, s:o, s:o, s:o, s:n}", "radius", l.servers, "radius_dropped",
		l.dropped, "accounting", accounting_list(o->accounting), "coa", coa_list(o->coa),
		"next");
}

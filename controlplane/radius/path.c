// SPDX-License-Identifier: Apache-2.0

// Ids, and replies. A reply is held against the request that has its id on the path on which it
// came; cheap questions come before the dear ones, and what is wrong changes nothing but a counter.

#include "internal.h"

#include <errno.h>

void path_init(struct path *p, struct link *link)
{
	p->link = link;
	for (unsigned i = 0; i < PATH_IDS; i++)
		p->free[i] = (uint8_t)i;
	p->count = PATH_IDS;
}

int path_take(struct path *p, struct call *c)
{
	if (p->count == 0)
		return -1;
	c->id = p->free[p->first];
	c->path = p;
	p->first = (p->first + 1) % PATH_IDS;
	p->slots[c->id] = c;
	if (--p->count == 0 && p != p->link->probe_path)
		TAILQ_REMOVE(&p->link->roomy, p, next);
	return c->id;
}

void path_give(struct call *c)
{
	struct path *p = c->path;

	p->slots[c->id] = NULL;
	p->free[(p->first + p->count) % PATH_IDS] = c->id;
	if (p->count++ == 0 && p != p->link->probe_path)
		TAILQ_INSERT_TAIL(&p->link->roomy, p, next);
	c->path = NULL;
}

// One more socket, as long as the config allows it.
static struct path *open_more(struct link *link)
{
	struct path *p;

	if (link->tls || link->path_count == link->path_most)
		return NULL;
	p = udp_open(link);
	if (!p)
		return NULL;
	link->paths[link->path_count++] = p;
	TAILQ_INSERT_TAIL(&link->roomy, p, next);
	return p;
}

struct path *link_path(struct link *link)
{
	struct path *p = link->tls ? link->probe_path : TAILQ_FIRST(&link->roomy);

	if (link->life == LIFE_DEAD)
		return NULL;
	if (link->tls) // one id is kept for Status-Server
		return tls_ready(link) && p->count > !link->probe ? p : NULL;
	return p ? p : open_more(link);
}

void path_send(struct path *p, const struct call *c)
{
	if (p->link->tls)
		tls_send(p->link, c->bytes, c->length);
	else
		udp_send(p, c->bytes, c->length);
}

// ---- replies

// Which codes may answer (RFC 2865 section 4, RFC 2866 section 4.2, RFC 5997 section 3.2; over TLS
// a server answers Status-Server by either, because one port serves both kinds).
static bool answers(const struct call *c, uint8_t code)
{
	switch (c->asked.code) {
	case RADIUS_ACCESS_REQUEST:
		return code == RADIUS_ACCESS_ACCEPT || code == RADIUS_ACCESS_REJECT ||
		       code == RADIUS_ACCESS_CHALLENGE;
	case RADIUS_STATUS_SERVER:
		return code == RADIUS_ACCESS_ACCEPT || code == RADIUS_ACCOUNTING_RESPONSE;
	default:
		return code == RADIUS_ACCOUNTING_RESPONSE;
	}
}

static int complain(struct path *p, enum complaint cause, int error)
{
	server_complain(p->link->server, cause);
	return error;
}

// What is wrong with its proofs; -1: nothing. Accounting-Responses have no Message-Authenticator
// unless they were asked with one (RFC 5080 section 2.2.2 leaves it to the server).
static int disproof(const struct call *c, const struct radius_packet *reply)
{
	const struct config_radius_server *s = c->link->server->config;
	const struct radius_secret secret = {s->secret, s->secret_length};
	bool must = s->message_authenticator && reply->code != RADIUS_ACCOUNTING_RESPONSE;

	switch (radius_prove_reply(reply, c->authenticator, &secret, must)) {
	case RADIUS_PROVEN:
		return -1;
	case RADIUS_NO_MESSAGE_AUTHENTICATOR:
		return COMPLAINT_NO_MESSAGE_AUTHENTICATOR;
	case RADIUS_WRONG_MESSAGE_AUTHENTICATOR:
		return COMPLAINT_MESSAGE_AUTHENTICATOR;
	default:
		return COMPLAINT_AUTHENTICATOR;
	}
}

int path_input(struct path *p, const uint8_t *bytes, size_t length)
{
	struct radius_packet reply;
	struct call *c;
	int wrong;

	if (radius_parse(bytes, length, &reply) < 0)
		return complain(p, COMPLAINT_MALFORMED, -EBADMSG);
	c = p->slots[reply.id];
	if (!c)
		return complain(p, COMPLAINT_UNEXPECTED, 0);
	if (!answers(c, reply.code))
		return complain(p, COMPLAINT_CODE, 0);
	wrong = disproof(c, &reply);
	if (wrong >= 0)
		return complain(p, (enum complaint)wrong,
			wrong == COMPLAINT_NO_MESSAGE_AUTHENTICATOR ? 0 : -EBADMSG);
	call_answered(c, &reply);
	return 0;
}

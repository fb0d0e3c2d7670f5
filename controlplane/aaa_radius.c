// SPDX-License-Identifier: Apache-2.0

// A question to RADIUS: the request from who asks and his proof, and what the reply means.

#include "aaa_question.h"

#include "radius/client.h"
#include "radius/reply.h"
#include "radius/request.h"

#include "log.h"

#include <jansson.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

enum { REASON = 320 }; // bytes: words of ours and the server's message

static int write_request(void *context, struct radius_build *b)
{
	struct question *q = context;

	request_put_subject(b, q->aaa->config, q->subject);
	return request_put_credentials(b, q->credentials, q->state, q->state_length);
}

static void complain(void *context, const struct reply_complaint *c)
{
	const struct question *q = context;
	const struct log_subject subject = {.attempt = q->subject->attempt,
		.user = q->credentials->name,
		.peer = q->subject->flow.remote,
		.peer_port = q->subject->flow.remote_port};

	// The value is escaped already.
	log_event(LOG_RADIUS_NOT_HONOURED, &subject, "s:s, s:o, s:s", "attribute", c->name, "value",
		json_string(c->value), "reason", c->reason);
}

static void accept(
	struct question *q, const struct radius_result *result, const struct reply_verdict *v)
{
	struct grant grant = {0};
	int error = reply_grant(q->aaa->config, result->reply, FROM_RADIUS, &grant, complain, q);

	if (error < 0) {
		grant_free(&grant);
		question_refuse(q, "radius",
			error == -ENOENT ? "it names a filter or a group that is not there"
					 : "no memory",
			error != -ENOENT);
		return;
	}
	grant_complete(q->aaa->config, &grant);
	question_answer(q,
		&(struct aaa_answer){.verdict = &v->verdict, .grant = &grant, .source = "radius"});
}

// With what the server says to the user, so that whoever reads the log knows what he was told.
static void refuse(struct question *q, const struct reply_verdict *v)
{
	char reason[REASON];

	snprintf(reason, sizeof(reason), "%s%s%s", v->reason, *v->message ? ": " : "", v->message);
	question_answer(q,
		&(struct aaa_answer){.verdict = &v->verdict, .source = "radius", .reason = reason});
}

static void replied(struct question *q, const struct radius_result *result)
{
	struct reply_verdict v;

	reply_verdict(result, q->credentials, &v);
	if (v.verdict.turn == EAP_MORE) {
		memcpy(q->state, v.state, v.state_length);
		q->state_length = v.state_length;
		q->server = result->server;
	}
	if (v.verdict.accepted)
		accept(q, result, &v);
	else if (v.verdict.turn == EAP_MORE)
		question_answer(q, &(struct aaa_answer){.verdict = &v.verdict, .source = "radius"});
	else
		refuse(q, &v);
	OPENSSL_cleanse(&v, sizeof(v));
}

// Nobody answers: the next source may know the name. An EAP conversation that a server has begun
// can be carried on by no one else.
static void unreachable(struct question *q, enum radius_outcome outcome)
{
	if (q->state_length) {
		question_refuse(q, "radius", "the RADIUS server of the conversation is gone", true);
		return;
	}
	question_next(q, outcome == RADIUS_NO_SERVER    ? "no RADIUS server is alive"
			 : outcome == RADIUS_NO_REQUEST ? "the request cannot be made"
							: "no RADIUS server answers");
}

static void on_result(void *context, const struct radius_result *result)
{
	struct question *q = context;

	if (result->outcome == RADIUS_ANSWERED)
		replied(q, result);
	else
		unreachable(q, result->outcome);
}

void question_ask_radius(struct question *q)
{
	const struct radius_call call = {
		.kind = RADIUS_AUTH,
		.code = RADIUS_ACCESS_REQUEST,
		.server = q->server,
		.patience_ms = q->aaa->config->radius.patience_ms,
		.write = write_request,
		.done = on_result,
		.context = q,
	};

	if (!q->aaa->radius || radius_send(q->aaa->radius, &call) < 0)
		unreachable(q, RADIUS_NO_REQUEST);
}

void question_forget_radius(struct question *q)
{
	if (q->aaa->radius)
		radius_forget(q->aaa->radius, q);
}

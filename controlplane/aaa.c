// SPDX-License-Identifier: Apache-2.0

// A question is kept, with what an EAP conversation has to remember, under the context that asks.
// It goes through the sources of radius.auth in their order: the users of the config answer for the
// names that they have, RADIUS for all. A name that no source knows is refused by the last one, in
// the time that a known one takes.

#include "aaa_question.h"

#include "radius/client.h"

#include "users.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct question **place_of(struct aaa *aaa, const void *context)
{
	uintptr_t n = (uintptr_t)context >> 4;
	struct question **place = &aaa->buckets[(n ^ n >> 12) % BUCKETS];

	while (*place && (*place)->context != context)
		place = &(*place)->next;
	return place;
}

static void question_free(struct question **place)
{
	struct question *q = *place;

	*place = q->next;
	OPENSSL_cleanse(q, sizeof(*q));
	free(q);
}

struct aaa *aaa_create(
	const struct config *config, const struct users *users, struct radius *radius)
{
	struct aaa *aaa = calloc(1, sizeof(*aaa));

	if (!aaa)
		return NULL;
	aaa->config = config;
	aaa->users = users;
	aaa->radius = radius;
	return aaa;
}

void aaa_free(struct aaa *aaa)
{
	for (unsigned i = 0; aaa && i < BUCKETS; i++)
		while (aaa->buckets[i])
			question_free(&aaa->buckets[i]);
	free(aaa);
}

void aaa_forget(struct aaa *aaa, const void *context)
{
	struct question **place = place_of(aaa, context);

	if (!*place)
		return;
	question_forget_radius(*place);
	question_free(place);
}

// The question is answered; only a conversation that goes on is kept.
void question_answer(struct question *q, const struct aaa_answer *a)
{
	const struct aaa_answer copy = *a;
	aaa_done done = q->done;
	void *context = q->context;

	q->credentials = NULL;
	if (a->verdict->turn == EAP_DECIDED)
		question_free(place_of(q->aaa, context));
	done(context, &copy);
}

void question_refuse(struct question *q, const char *source, const char *reason, bool unreachable)
{
	// RFC 2759 section 6: 649 says that it is not the password, so nobody is asked for it
	// again.
	const struct ppp_verdict verdict = {.mschap_error = unreachable ? 649 : 691};

	question_answer(q, &(struct aaa_answer){.verdict = &verdict,
				   .source = source,
				   .reason = reason,
				   .unreachable = unreachable});
}

// ---- the users of the config

static void grant_user(
	struct question *q, const struct config_user *user, const struct ppp_verdict *verdict)
{
	struct grant grant;

	if (grant_of_user(q->aaa->config, user, &grant) < 0) {
		grant_free(&grant);
		question_refuse(q, "users", "no memory", true);
		return;
	}
	grant_complete(q->aaa->config, &grant);
	question_answer(q, &(struct aaa_answer){.verdict = verdict,
				   .grant = &grant,
				   .account = user->name,
				   .source = "users"});
}

static void ask_users(struct question *q)
{
	const struct config_user *user;
	struct ppp_verdict verdict;
	const char *reason = NULL;

	user = users_judge(q->aaa->users, q->credentials, &verdict, &reason);
	if (user)
		grant_user(q, user, &verdict);
	else
		question_answer(
			q, &(struct aaa_answer){
				   .verdict = &verdict, .source = "users", .reason = reason});
	OPENSSL_cleanse(&verdict, sizeof(verdict));
}

// ---- who is asked

static void ask_source(struct question *q)
{
	const struct config_list *auth = &q->aaa->config->radius.auth;
	const struct ppp_credentials *c = q->credentials;
	bool last = q->source + 1 >= auth->count;

	if (q->source < auth->count && auth->values[q->source] == AUTH_RADIUS) {
		question_ask_radius(q);
		return;
	}
	if (!last && !users_find(q->aaa->users, c->name, c->name_length)) {
		q->source++;
		ask_source(q);
		return;
	}
	ask_users(q);
}

void aaa_ask(struct aaa *aaa, const struct aaa_subject *subject,
	const struct ppp_credentials *credentials, aaa_done done, void *context)
{
	static const struct ppp_verdict none = {.mschap_error = 649};
	struct question **place = place_of(aaa, context);
	struct question *q = *place;

	if (!q) {
		q = calloc(1, sizeof(*q));
		if (!q) {
			done(context, &(struct aaa_answer){.verdict = &none,
					      .source = "users",
					      .reason = "no memory",
					      .unreachable = true});
			return;
		}
		q->aaa = aaa;
		q->context = context;
		q->server = RADIUS_ANY_SERVER;
		q->next = *place;
		*place = q;
	}
	q->subject = subject;
	q->credentials = credentials;
	q->done = done;
	ask_source(q);
}

void question_next(struct question *q, const char *reason)
{
	if (q->source + 1 >= q->aaa->config->radius.auth.count) {
		question_refuse(q, "radius", reason, true);
		return;
	}
	q->source++;
	ask_source(q);
}

// ---- who needs no password

int aaa_grant(struct aaa *aaa, const char *name, struct grant *out)
{
	const struct config_remote_access *r = &aaa->config->remote_access;
	const struct config_user *user = users_find(aaa->users, name, strlen(name));
	int error = grant_of_user(aaa->config, user, out);

	if (!user && *r->pool) {
		memcpy(out->pool, r->pool, sizeof(out->pool));
		out->from[GRANT_POOL] = FROM_DEFAULT;
	}
	if (!user && *r->group) {
		out->group = config_group_number(aaa->config, r->group);
		out->from[GRANT_GROUP] = FROM_DEFAULT;
	}
	grant_complete(aaa->config, out);
	return error;
}

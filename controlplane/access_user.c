// SPDX-License-Identifier: Apache-2.0

// Peers of IKEv2 that prove by EAP who they are, from their first answer until they ask for
// addresses: what they say is handed to the judge, and what he grants is kept until access.c takes
// it. IKE may forget such a peer at any time, so nothing here points into it; what is never taken
// goes with its time.

#include "subscriber_record.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

enum {
	USERS = 1024,         // buckets
	TAKE_MS = 120 * 1000, // that a verdict is kept, and that a peer has for its next answer
};

struct access_user {
	struct access_user *next;
	struct subscribers *all;
	uint64_t attempt;
	uint64_t id; // that the subscriber will have
	uint8_t spi_i[8], spi_r[8];
	struct ppp_credentials credentials;
	uint8_t *eap; // a copy, that credentials point to
	struct aaa_subject who;
	struct log_subject subject;
	struct timer timer;
	bool granted;
	const char *judge;
	struct grant grant;
};

struct access_users {
	struct access_user *buckets[USERS];
};

static struct access_user **place_of(struct subscribers *all, uint64_t attempt)
{
	struct access_user **place = &all->access_users->buckets[attempt % USERS];

	while (*place && (*place)->attempt != attempt)
		place = &(*place)->next;
	return place;
}

static void forget_credentials(struct access_user *u)
{
	if (u->eap)
		OPENSSL_cleanse(u->eap, u->credentials.eap_length);
	free(u->eap);
	u->eap = NULL;
	OPENSSL_cleanse(&u->credentials, sizeof(u->credentials));
}

static void user_free(struct access_user **place)
{
	struct access_user *u = *place;

	*place = u->next;
	aaa_forget(u->all->aaa, u);
	timer_stop(u->all->timers, &u->timer);
	forget_credentials(u);
	grant_free(&u->grant);
	free(u);
}

static void too_late(void *context)
{
	struct access_user *u = context;

	user_free(place_of(u->all, u->attempt));
}

static void wait_for_peer(struct access_user *u)
{
	(void)timer_start(u->all->timers, &u->timer, TAKE_MS, too_late, u);
}

// ---- the judge

static const char *method_of(const struct access_user *u)
{
	return u->credentials.method == PPP_AUTH_EAP ? "eap" : "eap-mschapv2";
}

static void judged(struct access_user *u, const struct aaa_answer *a)
{
	if (a->grant) {
		u->grant = *a->grant;
		u->granted = true;
		u->judge = a->source;
		log_event(LOG_AUTH_OK, &u->subject, "s:s, s:s", "method", method_of(u), "source",
			a->source);
		return;
	}
	log_event(LOG_AUTH_FAILED, &u->subject, "s:s, s:s, s:s", "method", method_of(u), "source",
		a->source, "reason", a->reason);
}

static void on_verdict(void *context, const struct aaa_answer *a)
{
	struct access_user *u = context;
	uint64_t attempt = u->attempt;
	struct subscribers *all = u->all;
	int error;

	if (a->verdict->turn == EAP_DECIDED)
		judged(u, a);
	wait_for_peer(u);
	// The next question, or access.c, may come from within.
	error = ike_user_answer(all->ike, u->spi_i, u->spi_r, a->verdict);
	u = *place_of(all, attempt);
	if (u && (error < 0 || (a->verdict->turn == EAP_DECIDED && !a->grant)))
		user_free(place_of(all, attempt));
}

// ---- IKE

static struct access_user *user_of(struct subscribers *all, const struct ike_user_request *request)
{
	struct access_user **place, *u;

	if (!all->access_users)
		all->access_users = calloc(1, sizeof(*all->access_users));
	if (!all->access_users)
		return NULL;
	place = place_of(all, request->attempt);
	if (*place)
		return *place;
	u = calloc(1, sizeof(*u));
	if (!u)
		return NULL;
	u->all = all;
	u->attempt = request->attempt;
	u->id = all->next_id++;
	memcpy(u->spi_i, request->spi_i, sizeof(u->spi_i));
	memcpy(u->spi_r, request->spi_r, sizeof(u->spi_r));
	*place = u;
	return u;
}

static int keep_credentials(struct access_user *u, const struct ppp_credentials *c)
{
	forget_credentials(u);
	u->credentials = *c;
	u->credentials.eap = NULL;
	u->credentials.eap_length = 0;
	if (c->eap_length == 0)
		return 0;
	u->eap = malloc(c->eap_length);
	if (!u->eap)
		return -ENOMEM;
	memcpy(u->eap, c->eap, c->eap_length);
	u->credentials.eap = u->eap;
	u->credentials.eap_length = c->eap_length;
	return 0;
}

static void keep_subject(struct access_user *u, const struct ike_user_request *request)
{
	u->who = (struct aaa_subject){.attempt = u->id,
		.flow = request->flow,
		.access = "ikev2",
		.ipsec = true,
		.calling = "",
		.called = "",
		.lac = ""};
	u->subject = (struct log_subject){.attempt = request->attempt,
		.user = u->credentials.name,
		.peer = request->flow.remote,
		.peer_port = request->flow.remote_port};
}

void subscribers_user_ask(void *context, const struct ike_user_request *request)
{
	static const struct ppp_verdict none = {.mschap_error = 649};
	struct subscribers *all = context;
	struct access_user *u = user_of(all, request);

	if (!u || keep_credentials(u, request->credentials) < 0) {
		(void)ike_user_answer(all->ike, request->spi_i, request->spi_r, &none);
		return;
	}
	keep_subject(u, request);
	// While the judge thinks, his patience is what ends it.
	timer_stop(all->timers, &u->timer);
	aaa_ask(all->aaa, &u->who, &u->credentials, on_verdict, u);
}

// Its IKE SA waits for nothing any more: a question that is open need not be answered.
void subscribers_user_gone(void *context, uint64_t attempt)
{
	struct subscribers *all = context;
	struct access_user **place = all->access_users ? place_of(all, attempt) : NULL;

	if (place && *place)
		user_free(place);
}

int access_user_take(struct subscribers *all, uint64_t attempt, struct access_granted *out)
{
	struct access_user **place;

	if (!all->access_users)
		return -ENOENT;
	place = place_of(all, attempt);
	if (!*place || !(*place)->granted)
		return -ENOENT;
	out->id = (*place)->id;
	out->judge = (*place)->judge;
	out->grant = (*place)->grant;
	memset(&(*place)->grant, 0, sizeof((*place)->grant));
	user_free(place);
	return 0;
}

void access_users_free(struct subscribers *all)
{
	for (unsigned i = 0; all->access_users && i < USERS; i++)
		while (all->access_users->buckets[i])
			user_free(&all->access_users->buckets[i]);
	free(all->access_users);
}

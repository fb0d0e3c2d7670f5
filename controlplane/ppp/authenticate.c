// SPDX-License-Identifier: Apache-2.0

// Who asks twice is answered once. When LCP begins again while a question is with the caller, that
// answer is waited for and thrown away before the next question is asked, since nothing in an
// answer says what it answers.

#include "internal.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

static void credentials_free(struct ppp_credentials **c)
{
	if (*c)
		OPENSSL_cleanse(*c, sizeof(**c));
	free(*c);
	*c = NULL;
}

struct ppp_credentials *authenticate_credentials(struct ppp *ppp, uint8_t id, struct view name)
{
	struct ppp_credentials *c;

	if (view_left(&name) >= PPP_NAME)
		return NULL;
	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->method = ppp->auth.method;
	c->id = id;
	c->name_length = (uint16_t)view_left(&name);
	view_copy(&name, c->name, c->name_length);
	return c;
}

static void question_put(struct ppp *ppp)
{
	ppp->auth.asking = true;
	ppp->events.authenticate(ppp->context, ppp->auth.asked);
}

void authenticate_ask(struct ppp *ppp, struct ppp_credentials *credentials)
{
	struct authenticate *auth = &ppp->auth;

	timer_stop(ppp->timers, &auth->timer);
	if (auth->asking) {
		credentials_free(&auth->next);
		auth->next = credentials;
		return;
	}
	auth->asked = credentials;
	question_put(ppp);
}

// Each firing is one more challenge, or with PAP just so much more patience.
static void timer_fire(void *context)
{
	struct ppp *ppp = context;
	struct authenticate *auth = &ppp->auth;

	if (auth->left == 0) {
		ppp_close(ppp, "authentication-timeout");
		return;
	}
	auth->left--;
	(void)timer_start(ppp->timers, &auth->timer, ppp->config->restart_ms, timer_fire, ppp);
	if (auth->method != PPP_AUTH_PAP)
		chap_challenge(ppp);
}

void authenticate_start(struct ppp *ppp, unsigned method)
{
	struct authenticate *auth = &ppp->auth;

	auth->method = (uint8_t)method;
	auth->left = ppp->config->max_configure;
	if (method != PPP_AUTH_PAP && !chap_start(ppp))
		ppp_close(ppp, "no-random-numbers");
	else
		timer_fire(ppp);
}

void authenticate_stop(struct ppp *ppp)
{
	struct authenticate *auth = &ppp->auth;

	timer_stop(ppp->timers, &auth->timer);
	auth->method = 0;
	auth->stale = auth->asking;
	credentials_free(&auth->next);
	free(auth->answer);
	auth->answer = NULL;
}

void authenticate_free(struct ppp *ppp)
{
	authenticate_stop(ppp);
	credentials_free(&ppp->auth.asked);
}

static void answer_send(struct ppp *ppp, const struct ppp_verdict *verdict)
{
	struct authenticate *auth = &ppp->auth;
	uint8_t packet[AUTH_ANSWER];
	struct build out = build_in(packet, sizeof(packet));
	size_t length;

	if (auth->method == PPP_AUTH_PAP)
		pap_answer(ppp, verdict, &out);
	else
		chap_answer(ppp, verdict, &out);
	length = wire_finish(&out);
	auth->answer = malloc(sizeof(packet));
	if (auth->answer) {
		memcpy(auth->answer, packet, length);
		auth->answer_length = (uint16_t)length;
	}
	ppp_send(ppp, packet, length);
}

void authenticate_repeat(struct ppp *ppp, uint8_t id)
{
	struct authenticate *auth = &ppp->auth;

	if (!auth->answer)
		return;
	auth->answer[WIRE_PROTOCOL + 1] = id;
	ppp_send(ppp, auth->answer, auth->answer_length);
}

static void stale_answer(struct ppp *ppp)
{
	struct authenticate *auth = &ppp->auth;

	auth->stale = false;
	if (!auth->next)
		return;
	auth->asked = auth->next;
	auth->next = NULL;
	question_put(ppp);
}

void authenticate_verdict(struct ppp *ppp, const struct ppp_verdict *verdict)
{
	struct authenticate *auth = &ppp->auth;

	if (!auth->asking)
		return;
	auth->asking = false;
	credentials_free(&auth->asked);
	if (auth->stale) {
		stale_answer(ppp);
		return;
	}
	answer_send(ppp, verdict);
	// Whoever takes what we send may have closed the session.
	if (ppp->phase != PHASE_AUTHENTICATE)
		return;
	if (verdict->accepted)
		ppp_accepted(ppp);
	else
		ppp_close(ppp, "authentication");
}

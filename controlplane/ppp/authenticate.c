// SPDX-License-Identifier: Apache-2.0

// Who asks twice is answered once. When LCP begins again while a question is with the caller, that
// answer is waited for and thrown away before the next question is asked, since nothing in an
// answer says what it answers. While any answer is waited for, the time of the set-up stands still.

#include "internal.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

static void credentials_free(struct ppp_credentials **c)
{
	// A packet of EAP lies behind it.
	if (*c)
		OPENSSL_cleanse(*c, sizeof(**c) + (*c)->eap_length);
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
	ppp->auth.asked->again = ppp->auth.again;
	ppp->events.authenticate(ppp->context, ppp->auth.asked);
}

void authenticate_ask(struct ppp *ppp, struct ppp_credentials *credentials)
{
	struct authenticate *auth = &ppp->auth;

	timer_stop(ppp->timers, &auth->timer);
	ppp_setup_pause(ppp);
	if (auth->asking) {
		credentials_free(&auth->next);
		auth->next = credentials;
		return;
	}
	auth->asked = credentials;
	question_put(ppp);
}

// Each firing is one more request, or with PAP just so much more patience.
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
	if (auth->method == PPP_AUTH_EAP)
		ppp_eap_again(ppp);
	else if (auth->method != PPP_AUTH_PAP)
		chap_challenge(ppp);
}

void authenticate_wait(struct ppp *ppp)
{
	struct authenticate *auth = &ppp->auth;

	auth->left = ppp->config->max_configure - 1;
	(void)timer_start(ppp->timers, &auth->timer, ppp->config->restart_ms, timer_fire, ppp);
}

bool authenticate_open(const struct ppp *ppp)
{
	return ppp->phase == PHASE_AUTHENTICATE || ppp->auth.again;
}

static void challenge(struct ppp *ppp)
{
	if (!chap_start(ppp)) {
		ppp_close(ppp, "no-random-numbers");
		return;
	}
	authenticate_wait(ppp);
	chap_challenge(ppp);
}

void authenticate_start(struct ppp *ppp, unsigned method)
{
	ppp->auth.method = (uint8_t)method;
	if (method == PPP_AUTH_PAP)
		authenticate_wait(ppp);
	else if (method != PPP_AUTH_EAP)
		challenge(ppp);
	else if (!ppp_eap_start(ppp))
		ppp_close(ppp, "no-memory");
}

static void answer_forget(struct authenticate *auth)
{
	free(auth->answer);
	auth->answer = NULL;
}

// The same name has to prove itself again, and its traffic goes on meanwhile (RFC 1994 section 2).
static void again(void *context)
{
	struct ppp *ppp = context;

	answer_forget(&ppp->auth);
	ppp->auth.again = true;
	challenge(ppp);
}

// Whoever came at the same time is not asked at the same time again.
static void rest(struct ppp *ppp)
{
	uint32_t interval = ppp->config->chap_interval_ms;

	if (interval && ppp->auth.name)
		(void)timer_start(ppp->timers, &ppp->auth.timer,
			interval - ppp_random32() % (interval / 10 + 1), again, ppp);
}

void authenticate_stop(struct ppp *ppp)
{
	struct authenticate *auth = &ppp->auth;

	timer_stop(ppp->timers, &auth->timer);
	auth->method = 0;
	auth->again = false;
	auth->stale = auth->asking;
	credentials_free(&auth->next);
	answer_forget(auth);
	free(auth->name);
	auth->name = NULL;
	ppp_eap_stop(ppp);
}

void authenticate_free(struct ppp *ppp)
{
	authenticate_stop(ppp);
	credentials_free(&ppp->auth.asked);
}

void authenticate_answer(struct ppp *ppp, const struct ppp_verdict *verdict)
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

void authenticate_end(struct ppp *ppp, bool accepted)
{
	struct authenticate *auth = &ppp->auth;

	timer_stop(ppp->timers, &auth->timer);
	// Whoever takes what we send may have closed the session.
	if (!authenticate_open(ppp) || ppp->phase >= PHASE_CLOSING)
		return;
	if (!accepted) {
		ppp_close(ppp, "authentication");
		return;
	}
	rest(ppp);
	if (auth->again)
		auth->again = false;
	else
		ppp_accepted(ppp);
}

// Who it was, for the next time.
static void keep_name(struct ppp *ppp)
{
	struct authenticate *auth = &ppp->auth;
	const struct ppp_credentials *c = auth->asked;

	if (auth->name || !ppp->config->chap_interval_ms ||
		(c->method != PPP_AUTH_CHAP_MD5 && c->method != PPP_AUTH_MSCHAPV2) ||
		auth->method != c->method)
		return;
	auth->name = malloc(PPP_NAME);
	if (auth->name)
		memcpy(auth->name, c->name, PPP_NAME);
}

void authenticate_verdict(struct ppp *ppp, const struct ppp_verdict *verdict)
{
	struct authenticate *auth = &ppp->auth;

	if (!auth->asking)
		return;
	auth->asking = false;
	if (!auth->stale)
		keep_name(ppp);
	credentials_free(&auth->asked);
	if (auth->stale) {
		stale_answer(ppp);
		return;
	}
	ppp_setup_resume(ppp);
	if (auth->method == PPP_AUTH_EAP) {
		ppp_eap_verdict(ppp, verdict);
		return;
	}
	authenticate_answer(ppp, verdict);
	authenticate_end(ppp, verdict->accepted);
}

void authenticate_undecided(struct ppp *ppp)
{
	const struct ppp_verdict refused = {0};
	struct authenticate *auth = &ppp->auth;

	if (!auth->asking)
		return;
	if (auth->stale || !auth->again) {
		authenticate_verdict(ppp, &refused);
		return;
	}
	auth->asking = auth->again = false;
	credentials_free(&auth->asked);
	ppp_setup_resume(ppp);
	rest(ppp);
}

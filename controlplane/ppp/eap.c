// SPDX-License-Identifier: Apache-2.0

// EAP in PPP (RFC 3748; option 3 of LCP with 0xc227), the authenticator's end. What is said is
// controlplane/eap's business; here its packets get their header, its requests are sent again until
// they are answered, its questions go to the caller of the session, and its end is acted upon, but
// not from within it. A Response that comes again after the end hears the end again.

#include "internal.h"

#include "controlplane/eap/eap.h"
#include "controlplane/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { REQUEST = 1, ID_AT = 1 }; // of a packet of EAP

// ---- events of EAP

static void on_send(void *context, const uint8_t *packet, size_t length)
{
	uint8_t bytes[WIRE_PROTOCOL + EAP_PACKET];
	struct build out = build_in(bytes, sizeof(bytes));
	struct ppp *ppp = context;

	if (ppp->auth.eap_end)
		return;
	if (packet[0] == REQUEST)
		authenticate_wait(ppp);
	build_u16(&out, PPP_EAP);
	build_bytes(&out, packet, length);
	ppp_send(ppp, bytes, build_length(&out));
}

// The packet lies behind the credentials.
static void on_ask(void *context, const struct ppp_credentials *credentials)
{
	struct ppp *ppp = context;
	struct ppp_credentials *c;
	uint8_t *packet;

	if (ppp->auth.eap_end)
		return;
	c = malloc(sizeof(*c) + credentials->eap_length);
	if (!c) {
		ppp_close(ppp, "no-memory");
		return;
	}
	*c = *credentials;
	if (c->eap) {
		packet = (uint8_t *)(c + 1);
		memcpy(packet, credentials->eap, credentials->eap_length);
		c->eap = packet;
	}
	authenticate_ask(ppp, c);
}

static void on_done(void *context, const struct eap_result *result)
{
	struct ppp *ppp = context;

	ppp->auth.eap_done = true;
	ppp->auth.eap_good = result->good;
	if (!result->good && !result->judged && !ppp->auth.eap_end)
		log_event(LOG_AUTH_FAILED, ppp->subject, "s:s, s:s", "method", "eap", "reason",
			result->reason);
}

// ---- in and out of it

static void keep_answer(struct authenticate *auth)
{
	size_t length;
	const uint8_t *last = eap_last(auth->eap, &length);

	auth->answer = malloc(WIRE_PROTOCOL + length);
	if (!auth->answer)
		return;
	auth->answer[0] = PPP_EAP >> 8;
	auth->answer[1] = PPP_EAP & 0xff;
	memcpy(auth->answer + WIRE_PROTOCOL, last, length);
	auth->answer_length = (uint16_t)(WIRE_PROTOCOL + length);
	auth->id = last[ID_AT];
}

static void leave(struct ppp *ppp)
{
	struct authenticate *auth = &ppp->auth;

	if (--auth->eap_busy || !auth->eap || !(auth->eap_end || auth->eap_done))
		return;
	if (!auth->eap_end)
		keep_answer(auth);
	eap_free(auth->eap);
	auth->eap = NULL;
	if (!auth->eap_end)
		authenticate_end(ppp, auth->eap_good);
}

bool ppp_eap_start(struct ppp *ppp)
{
	static const struct eap_events events = {.send = on_send, .ask = on_ask, .done = on_done};
	const struct eap_ways ways = {.pass = true, .ours = true, .most = ppp->link.peer_mru};
	struct authenticate *auth = &ppp->auth;

	if (auth->eap)
		return false;
	auth->eap = eap_create(&ways, &events, ppp);
	if (!auth->eap)
		return false;
	auth->eap_end = auth->eap_done = false;
	auth->eap_busy = 1;
	eap_start(auth->eap);
	leave(ppp);
	return true;
}

void ppp_eap_stop(struct ppp *ppp)
{
	struct authenticate *auth = &ppp->auth;

	auth->eap_end = true;
	if (auth->eap_busy)
		return;
	eap_free(auth->eap);
	auth->eap = NULL;
}

void ppp_eap_again(struct ppp *ppp)
{
	uint8_t bytes[WIRE_PROTOCOL + EAP_PACKET];
	struct build out = build_in(bytes, sizeof(bytes));
	size_t length;
	const uint8_t *last = ppp->auth.eap ? eap_last(ppp->auth.eap, &length) : NULL;

	if (!last)
		return;
	build_u16(&out, PPP_EAP);
	build_bytes(&out, last, length);
	ppp_send(ppp, bytes, build_length(&out));
}

void ppp_eap_input(struct ppp *ppp, struct view packet)
{
	struct authenticate *auth = &ppp->auth;
	struct wire_control control;

	if (auth->method != PPP_AUTH_EAP || wire_control_parse(packet, &control) < 0)
		return;
	if (!auth->eap) {
		if (auth->answer && control.id == auth->id)
			authenticate_repeat(ppp, control.id);
		return;
	}
	if (auth->eap_busy || ppp->phase != PHASE_AUTHENTICATE)
		return;
	auth->eap_busy = 1;
	(void)eap_input(auth->eap, packet.at, view_left(&packet));
	leave(ppp);
}

void ppp_eap_verdict(struct ppp *ppp, const struct ppp_verdict *verdict)
{
	struct authenticate *auth = &ppp->auth;

	if (!auth->eap || auth->eap_end)
		return;
	auth->eap_busy++;
	(void)eap_answer(auth->eap, verdict);
	leave(ppp);
}

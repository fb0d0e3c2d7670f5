// SPDX-License-Identifier: Apache-2.0

// CHAP (RFC 1994 section 4), the authenticator's end, with MD5 or as MS-CHAPv2 (RFC 2759). A
// challenge that is sent again is the same one under the same identifier, so that a response to
// either counts. MS-CHAP's change of passwords is not offered.

#include "internal.h"

#include "controlplane/auth/mschap.h"
#include "controlplane/log.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/rand.h>

static const char our_name[] = "culvert";

enum { MD5_RESPONSE = 16, WRONG = 691 /* RFC 2759 section 6 */ };

bool chap_start(struct ppp *ppp)
{
	ppp->auth.id++;
	return RAND_bytes(ppp->auth.challenge, AUTH_CHALLENGE) == 1;
}

void chap_challenge(struct ppp *ppp)
{
	uint8_t packet[AUTH_ANSWER];
	struct build out = build_in(packet, sizeof(packet));

	wire_begin(&out, PPP_CHAP, CHAP_CHALLENGE, ppp->auth.id);
	build_u8(&out, AUTH_CHALLENGE);
	build_bytes(&out, ppp->auth.challenge, AUTH_CHALLENGE);
	build_bytes(&out, our_name, sizeof(our_name) - 1);
	ppp_send_built(ppp, &out);
}

void chap_answer(struct ppp *ppp, const struct ppp_verdict *verdict, struct build *out)
{
	size_t length = strnlen(verdict->message, sizeof(verdict->message) - 1);
	char failure[256];

	wire_begin(out, PPP_CHAP, verdict->accepted ? CHAP_SUCCESS : CHAP_FAILURE, ppp->auth.id);
	if (ppp->auth.method == PPP_AUTH_MSCHAPV2 && !verdict->accepted) {
		length = mschap_failure(
			verdict->mschap_error, verdict->message, failure, sizeof(failure));
		build_bytes(out, failure, length);
	} else {
		build_bytes(out, verdict->message, length);
	}
}

// Somebody else in the middle of a session is nobody's business to judge.
static void refuse_other(struct ppp *ppp)
{
	const struct ppp_verdict verdict = {
		.mschap_error = WRONG, .message = "Authentication failed"};

	log_event(LOG_AUTH_FAILED, ppp->subject, "s:s, s:s", "method",
		lcp_auth_word(ppp->auth.method), "reason", "another name than before");
	timer_stop(ppp->timers, &ppp->auth.timer);
	authenticate_answer(ppp, &verdict);
	authenticate_end(ppp, false);
}

void chap_input(struct ppp *ppp, struct view packet)
{
	struct authenticate *auth = &ppp->auth;
	struct ppp_credentials *c;
	struct wire_control control;
	struct wire_chap response;
	size_t size = auth->method == PPP_AUTH_MSCHAPV2 ? MSCHAP_RESPONSE : MD5_RESPONSE;

	if ((auth->method != PPP_AUTH_MSCHAPV2 && auth->method != PPP_AUTH_CHAP_MD5) ||
		wire_control_parse(packet, &control) < 0 || control.code != CHAP_RESPONSE ||
		control.id != auth->id || wire_chap_parse(control.body, &response) < 0)
		return;
	if (auth->answer) {
		authenticate_repeat(ppp, control.id);
		return;
	}
	if (!authenticate_open(ppp) || (auth->asking && !auth->stale) ||
		view_left(&response.value) != size)
		return;
	c = authenticate_credentials(ppp, control.id, response.name);
	if (!c)
		return;
	if (auth->again && memcmp(c->name, auth->name, PPP_NAME) != 0) {
		free(c);
		refuse_other(ppp);
		return;
	}
	c->response_length = (uint16_t)size;
	view_copy(&response.value, c->response, size);
	c->challenge_length = AUTH_CHALLENGE;
	memcpy(c->challenge, auth->challenge, AUTH_CHALLENGE);
	authenticate_ask(ppp, c);
}

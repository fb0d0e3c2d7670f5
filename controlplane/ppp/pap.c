// SPDX-License-Identifier: Apache-2.0

// PAP (RFC 1334 section 2), the authenticator's end.

#include "internal.h"

#include <stdlib.h>
#include <string.h>

void pap_answer(struct ppp *ppp, const struct ppp_verdict *verdict, struct build *out)
{
	size_t length = strnlen(verdict->message, sizeof(verdict->message) - 1);

	wire_begin(out, PPP_PAP, verdict->accepted ? PAP_ACK : PAP_NAK, ppp->auth.id);
	build_u8(out, (uint8_t)length);
	build_bytes(out, verdict->message, length);
}

// A repeated request gets the answer of the first one, whatever it says now.
void pap_input(struct ppp *ppp, struct view packet)
{
	struct authenticate *auth = &ppp->auth;
	struct ppp_credentials *c;
	struct wire_control control;
	struct wire_pap request;

	if (auth->method != PPP_AUTH_PAP || wire_control_parse(packet, &control) < 0 ||
		control.code != PAP_REQUEST || wire_pap_parse(control.body, &request) < 0)
		return;
	auth->id = control.id;
	if (auth->answer) {
		authenticate_repeat(ppp, control.id);
		return;
	}
	if (!authenticate_open(ppp) || (auth->asking && !auth->stale))
		return;
	c = authenticate_credentials(ppp, control.id, request.name);
	if (!c)
		return;
	c->password_length = (uint16_t)view_left(&request.password);
	view_copy(&request.password, c->password, c->password_length);
	authenticate_ask(ppp, c);
}

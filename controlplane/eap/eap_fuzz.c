// SPDX-License-Identifier: Apache-2.0

// The authenticator against a peer that sends what the bytes say, in frames of one byte of length
// each. The first byte chooses the ways. The high bit of a frame's length asks for a right
// identifier, so that the states are reached. The verdict comes at once or later; in a pass-through
// the frame behind is what the server sends, which is a stranger too.

#include "eap.h"
#include "packet.h"

#include "contract/config.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct run {
	struct eap *eap;
	struct view input;
	unsigned sends, asks, dones;
	bool good, late, asked, passing, msk;
};

static void on_send(void *context, const uint8_t *packet, size_t length)
{
	struct run *r = context;
	struct eap_packet p;
	size_t last;

	r->sends++;
	if (r->dones || eap_packet_parse(packet, length, &p) || length > EAP_PACKET ||
		p.code == EAP_RESPONSE || eap_last(r->eap, &last) != packet || last != length)
		abort();
}

static void verdict(struct run *r)
{
	struct ppp_verdict v = {.accepted = r->good, .has_msk = r->msk, .message = "S=1 M=x"};
	uint8_t *copy = NULL;

	if (r->passing) {
		uint8_t head = view_u8(&r->input), n = head & 0x3f;
		struct view frame =
			view_sub(&r->input, n < view_left(&r->input) ? n : view_left(&r->input));

		v.turn = head >> 6;
		v.eap_length = (uint16_t)view_left(&frame);
		copy = malloc(v.eap_length + 1);
		memcpy(copy, frame.at, v.eap_length);
		if (v.eap_length > 3 && (copy[0] & 0x80)) {
			copy[0] = EAP_REQUEST;
			copy[2] = 0;
			copy[3] = (uint8_t)v.eap_length;
		}
		v.eap = v.eap_length ? copy : NULL;
	}
	r->asked = false;
	if (eap_answer(r->eap, &v))
		abort();
	if (!r->asked && eap_answer(r->eap, &v) == 0)
		abort();
	free(copy);
}

static void on_ask(void *context, const struct ppp_credentials *c)
{
	struct run *r = context;
	struct eap_packet p;

	r->asks++;
	r->asked = true;
	r->passing = c->method == PPP_AUTH_EAP;
	if (r->asks > EAP_ROUNDS || c->name_length >= PPP_NAME || c->name[c->name_length])
		abort();
	if (r->passing && (eap_packet_parse(c->eap, c->eap_length, &p) || p.code != EAP_RESPONSE ||
				  p.length != c->eap_length))
		abort();
	if (!r->late)
		verdict(r);
}

static void on_done(void *context, const struct eap_result *result)
{
	struct run *r = context;

	if (r->dones++ || result->good != !result->reason || (result->good && !r->asks) ||
		(result->msk && !result->good))
		abort();
}

static void frame(struct run *r)
{
	uint8_t head = view_u8(&r->input), n = head & 0x7f;
	struct view rest = view_sub(&r->input, n < view_left(&r->input) ? n : view_left(&r->input));
	size_t length = view_left(&rest), last;
	uint8_t *copy = malloc(length ? length : 1);

	memcpy(copy, rest.at, length);
	if ((head & 0x80) && length > 1) {
		copy[1] = eap_last(r->eap, &last)[1];
		// MS-CHAPv2's identifier is that of its challenge.
		if (length > 6 && strcmp(eap_state(r->eap), "mschapv2") == 0)
			copy[6] = copy[1];
	}
	r->good = length & 1;
	r->late = length & 2;
	r->msk = length & 4;
	(void)eap_input(r->eap, copy, length);
	free(copy);
	if (r->asked)
		verdict(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct eap_events events = {on_send, on_ask, on_done};
	struct run r = {.input = view_of(data, size)};
	uint8_t choice = view_u8(&r.input);
	const struct eap_ways ways = {
		.pass = choice & 1, .ours = !(choice & 2), .want_msk = choice & 4};

	r.eap = eap_create(&ways, &events, &r);
	if (!r.eap)
		return 0;
	eap_start(r.eap);
	while (view_left(&r.input) && !r.dones)
		frame(&r);
	eap_free(r.eap);
	return 0;
}

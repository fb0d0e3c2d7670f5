// SPDX-License-Identifier: Apache-2.0

// The authenticator against a peer that sends what the bytes say, in frames of one byte of length
// each. The high bit of the length asks for a right identifier, so that the states are reached; the
// verdict comes at once or later, as the frame's first byte has it.

#include "eap.h"
#include "packet.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct run {
	struct eap *eap;
	unsigned sends, asks, dones;
	bool good, late;
};

static void on_send(void *context, const uint8_t *packet, size_t length)
{
	struct run *r = context;
	struct eap_packet p;

	r->sends++;
	if (r->dones || eap_packet_parse(packet, length, &p) || length > EAP_PACKET)
		abort();
}

static void verdict(struct run *r)
{
	struct ppp_verdict v = {.accepted = r->good, .has_msk = true, .message = "S=1 M=x"};

	if (eap_answer(r->eap, &v) || eap_answer(r->eap, &v) == 0)
		abort();
}

static void on_ask(void *context, const struct ppp_credentials *c)
{
	struct run *r = context;

	r->asks++;
	if (c->name_length >= PPP_NAME || c->name[c->name_length])
		abort();
	if (!r->late)
		verdict(r);
}

static void on_done(void *context, const struct eap_result *result)
{
	struct run *r = context;

	if (r->dones++ || result->good != !result->reason || (result->good && !r->asks))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct eap_events events = {on_send, on_ask, on_done};
	struct run r = {0};
	struct view v = view_of(data, size);

	r.eap = eap_create(&events, &r);
	if (!r.eap)
		return 0;
	eap_start(r.eap);
	while (view_left(&v) && !r.dones) {
		uint8_t head = view_u8(&v), n = head & 0x7f;
		struct view frame = view_sub(&v, n < view_left(&v) ? n : view_left(&v));
		size_t length = view_left(&frame), last;
		uint8_t *copy = malloc(length ? length : 1);

		memcpy(copy, frame.at, length);
		if ((head & 0x80) && length > 1) {
			copy[1] = eap_last(r.eap, &last)[1];
			// MS-CHAPv2's identifier is that of its challenge.
			if (length > 6 && strcmp(eap_state(r.eap), "mschapv2") == 0)
				copy[6] = copy[1];
		}
		r.good = length & 1;
		r.late = length & 2;
		(void)eap_input(r.eap, copy, length);
		free(copy);
		if (strcmp(eap_state(r.eap), "verdict") == 0)
			verdict(&r);
	}
	eap_free(r.eap);
	return 0;
}

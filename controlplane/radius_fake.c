// SPDX-License-Identifier: Apache-2.0

// What stands in for radius/client.h in unit tests: a request is written and kept, and answered
// when the test says so.

#include "radius_fake.h"

#include <errno.h>
#include <string.h>

static const struct radius_secret secret = {"fake", 4};
static bool is_there;
static struct radius_call asked;
static struct radius_build request;

int radius_send(struct radius *radius, const struct radius_call *call)
{
	int error;

	if (!is_there || asked.context)
		return -ENOBUFS;
	error = radius_begin(&request, call->code, &secret);
	if (!error)
		error = call->write(call->context, &request);
	if (!error && radius_finish(&request, 1, NULL) < 0)
		error = -E2BIG;
	if (!error)
		asked = *call;
	return error;
}

void radius_forget(struct radius *radius, const void *context)
{
	if (asked.context == context)
		memset(&asked, 0, sizeof(asked));
}

bool radius_alive(const struct radius *radius, enum radius_kind kind)
{
	return is_there;
}

void fake_radius_there(bool there)
{
	is_there = there;
	memset(&asked, 0, sizeof(asked));
}

const struct radius_call *fake_radius_asked(struct radius_packet *out)
{
	if (!asked.context || radius_parse(request.bytes, request.length, out))
		return NULL;
	return &asked;
}

void fake_radius_answer(enum radius_outcome outcome, struct radius_build *reply, uint16_t server)
{
	const struct radius_call call = asked;
	struct radius_packet p;
	struct radius_result result = {.outcome = outcome,
		.reply = &p,
		.authenticator = radius_authenticator(&request),
		.secret = secret,
		.server = server};

	memset(&asked, 0, sizeof(asked));
	if (reply && (radius_finish(reply, 1, result.authenticator) < 0 ||
			     radius_parse(reply->bytes, reply->length, &p)))
		return;
	if (call.context)
		call.done(call.context, &result);
}

// SPDX-License-Identifier: Apache-2.0

// What a server may send: the stream of TLS cut into pieces, and replies to requests that are out
// there, proven or not. The input is a row of steps, each an operation, a length and bytes. Sockets
// lead to a port of loopback where nobody listens to what we say.

#include "internal.h"
#include "stream.h"

#include "controlplane/log.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MOST = 2048 }; // of it that is looked at

enum step {
	STEP_STREAM, // bytes of a stream, and a new one when it is broken
	STEP_REPLY,  // as they are
	STEP_PROVEN, // behind a header that answers a request, with its proof
	STEP_SEND,
	STEP_FORGET,
	STEP_TIME,
	STEPS,
};

static struct config config;
static struct timers *timers;
static struct radius *radius;
static uv_loop_t loop;
static unsigned open_calls;
static char contexts[8];

static void done(void *context, const struct radius_result *result)
{
	struct radius_cursor cursor = {0};
	struct radius_attribute a;

	open_calls--;
	if (result->outcome == RADIUS_ANSWERED)
		while (radius_next(result->reply, &cursor, &a))
			if (a.length && a.value[0] == a.value[a.length - 1])
				(void)radius_find(result->reply, (uint8_t)a.type, &a);
}

static void send_one(uint8_t what)
{
	const struct radius_call call = {.kind = what & 1 ? RADIUS_ACCOUNTING : RADIUS_AUTH,
		.code = what & 1 ? RADIUS_ACCOUNTING_REQUEST : RADIUS_ACCESS_REQUEST,
		.server = what & 2 ? 0 : RADIUS_ANY_SERVER,
		.patience_ms = 1000u * what,
		.done = done,
		.context = &contexts[what % sizeof(contexts)]};

	if (radius_send(radius, &call) == 0)
		open_calls++;
}

static struct path *path_of(uint8_t what)
{
	return radius->servers[0].links[what & 1]->paths[0];
}

// The first byte chooses the path and the request, the second one the code.
static void prove(struct view v)
{
	struct path *p = path_of(view_u8(&v));
	uint8_t code = view_u8(&v), id = view_u8(&v);
	const struct radius_secret secret = {"s", 1};
	struct radius_build b;
	size_t n = view_left(&v);
	int length;

	for (unsigned i = 0; i < PATH_IDS && !p->slots[id]; i++)
		id++;
	if (!p->slots[id] || radius_begin(&b, code, &secret))
		return;
	if (n > RADIUS_PACKET - b.length)
		n = RADIUS_PACKET - b.length;
	if (n)
		view_copy(&v, b.bytes + b.length, n);
	b.length += n;
	length = radius_finish(&b, id, p->slots[id]->authenticator);
	if (length > 0)
		(void)path_input(p, b.bytes, (size_t)length);
}

static void stream(struct stream *s, struct view v)
{
	int n;

	while ((n = stream_take(s, &v)) > 0) {
		if (n < RADIUS_HEADER || n > RADIUS_PACKET)
			abort();
		(void)path_input(path_of(0), s->bytes, (size_t)n);
	}
	if (n < 0)
		memset(s, 0, sizeof(*s));
	else if (view_left(&v))
		abort();
}

static void step(struct stream *s, enum step what, struct view v)
{
	switch (what) {
	case STEP_STREAM:
		stream(s, v);
		break;
	case STEP_REPLY:
		(void)path_input(path_of((uint8_t)view_left(&v)), v.at, view_left(&v));
		break;
	case STEP_PROVEN:
		prove(v);
		break;
	case STEP_SEND:
		send_one(view_u8(&v));
		break;
	case STEP_FORGET:
		// Forgotten calls are not told, so they cannot be counted.
		open_calls = 1u << 30;
		radius_forget(radius, &contexts[view_u8(&v) % sizeof(contexts)]);
		break;
	default:
		(void)timers_run(timers, timers_now(timers) + 100u * view_u8(&v));
	}
}

static void setup(void)
{
	struct config_radius_server *s = &config.radius.servers[0];

	log_set_level(LEVEL_ERROR);
	config.radius.server_count = 1;
	config.radius.hold_off_ms = 30000;
	*s = (struct config_radius_server){.name = "s",
		.auth_port = 9,
		.accounting_port = 9,
		.secret = "s",
		.secret_length = 1,
		.timeout_ms = 2000,
		.tries = 3,
		.priority = 1,
		.weight = 1,
		.message_authenticator = true,
		.status_server = true,
		.source_ports = 1};
	(void)address_parse("127.0.0.1", &s->address);
	if (uv_loop_init(&loop))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view v = view_of(data, size < INPUT_MOST ? size : INPUT_MOST);
	static struct stream s;

	if (!config.radius.server_count)
		setup();
	memset(&s, 0, sizeof(s));
	open_calls = 0;
	timers = timers_create(NULL, NULL);
	timers_set_now(timers, uv_now(&loop) + 100000);
	radius = radius_create(&config, timers, &loop);
	if (!timers || !radius)
		abort();
	send_one(120);
	send_one(121);
	while (view_left(&v)) {
		enum step what = view_u8(&v) % STEPS;
		size_t length = view_u8(&v);

		step(&s, what, view_sub(&v, length < view_left(&v) ? length : view_left(&v)));
	}
	// Every call is told of its end once, and within its patience.
	(void)timers_run(timers, timers_now(timers) + 256000);
	for (unsigned i = 0; i < 4; i++)
		(void)timers_run(timers, timers_now(timers) + 60000);
	if (open_calls != 0 && open_calls < 1u << 29)
		abort();
	radius_free(radius);
	uv_run(&loop, UV_RUN_NOWAIT);
	timers_free(timers);
	return 0;
}

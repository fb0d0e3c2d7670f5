// SPDX-License-Identifier: Apache-2.0

#include "controlplane/log.h"
#include "fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { USER_NAME = 1, STARTED_MS = 100000 };

struct config fixture_config;
struct radius *fixture_radius;
uv_loop_t fixture_loop;
struct timers *fixture_timers;
static unsigned logged[LOG_EVENT_COUNT];

static void count_log(void *context, enum log_event event, const char *line)
{
	logged[event]++;
}

unsigned fixture_logged(enum log_event event)
{
	return logged[event];
}

int fixture_setup(void **state)
{
	struct config_radius *r = &fixture_config.radius;

	memset(&fixture_config, 0, sizeof(fixture_config));
	memset(logged, 0, sizeof(logged));
	snprintf(fixture_config.l2tp.host_name, sizeof(fixture_config.l2tp.host_name), "culvert");
	r->patience_ms = 120000;
	r->hold_off_ms = 30000;
	log_set_level(LEVEL_DEBUG);
	log_set_sink(count_log, NULL);
	assert_int_equal(uv_loop_init(&fixture_loop), 0);
	fixture_timers = timers_create(NULL, NULL);
	// Ahead of the loop's clock, which therefore never moves it.
	timers_set_now(fixture_timers, uv_now(&fixture_loop) + STARTED_MS);
	return 0;
}

int fixture_teardown(void **state)
{
	radius_free(fixture_radius);
	fixture_radius = NULL;
	uv_run(&fixture_loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&fixture_loop), 0);
	timers_free(fixture_timers);
	log_set_sink(NULL, NULL);
	return 0;
}

static int bound(uint16_t port, uint16_t *out)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
	socklen_t length = sizeof(in);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &length), 0);
	*out = ntohs(in.sin_port);
	return fd;
}

void fixture_server(struct fake_server *f, unsigned number)
{
	struct config_radius_server *s = &fixture_config.radius.servers[number];

	f->fd = bound(0, &f->port);
	*s = (struct config_radius_server){.auth_port = f->port,
		.accounting_port = f->port,
		.secret = "secret",
		.secret_length = FIXTURE_SECRET_LENGTH,
		.timeout_ms = 2000,
		.tries = 3,
		.priority = 1,
		.weight = 1,
		.message_authenticator = true,
		.status_server = true,
		.source_ports = 16};
	snprintf(s->name, sizeof(s->name), "server-%u", number);
	(void)address_parse("127.0.0.1", &s->address);
	if (fixture_config.radius.server_count <= number)
		fixture_config.radius.server_count = (uint16_t)(number + 1);
}

void fixture_begin(void)
{
	fixture_radius = radius_create(&fixture_config, fixture_timers, &fixture_loop);
	assert_non_null(fixture_radius);
}

// ---- time

uint64_t fixture_now(void)
{
	return timers_now(fixture_timers);
}

void fixture_settle(void)
{
	for (unsigned i = 0; i < 4; i++) {
		uv_run(&fixture_loop, UV_RUN_NOWAIT);
		(void)timers_run(fixture_timers, fixture_now());
	}
}

void fixture_pass(uint64_t ms)
{
	uint64_t until = fixture_now() + ms, next;

	fixture_settle();
	while ((next = timers_run(fixture_timers, fixture_now())) <= until) {
		timers_set_now(fixture_timers, next);
		fixture_settle();
	}
	timers_set_now(fixture_timers, until);
	fixture_settle();
}

// ---- calls

static int write_request(void *context, struct radius_build *b)
{
	radius_put_text(b, USER_NAME, "alice");
	radius_put(b, 25, &context, sizeof(context));
	return 0;
}

static void note(void *context, const struct radius_result *result)
{
	struct outcome *o = context;

	assert_false(o->done);
	*o = (struct outcome){.done = true,
		.outcome = result->outcome,
		.code = result->reply ? result->reply->code : 0,
		.server = result->server,
		.ms = result->ms};
}

int fixture_try_send(
	struct outcome *o, enum radius_kind kind, uint32_t patience_ms, uint16_t server)
{
	const struct radius_call call = {
		.kind = kind,
		.code = kind == RADIUS_AUTH ? RADIUS_ACCESS_REQUEST : RADIUS_ACCOUNTING_REQUEST,
		.server = server,
		.patience_ms = patience_ms,
		.write = write_request,
		.done = note,
		.context = o,
	};

	memset(o, 0, sizeof(*o));
	return radius_send(fixture_radius, &call);
}

void fixture_send(struct outcome *o, enum radius_kind kind, uint32_t patience_ms)
{
	assert_int_equal(fixture_try_send(o, kind, patience_ms, RADIUS_ANY_SERVER), 0);
	fixture_settle();
}

// ---- the fake servers

bool fake_receive(const struct fake_server *f, struct fake_request *out)
{
	struct sockaddr_in from;
	socklen_t length = sizeof(from);
	ssize_t n = recvfrom(
		f->fd, out->bytes, sizeof(out->bytes), 0, (struct sockaddr *)&from, &length);

	if (n < 0)
		return false;
	assert_int_equal(radius_parse(out->bytes, (size_t)n, &out->packet), 0);
	out->from = ntohl(from.sin_addr.s_addr);
	out->from_port = ntohs(from.sin_port);
	return true;
}

size_t fake_build(const struct fake_request *request, uint8_t code, uint8_t out[RADIUS_PACKET])
{
	const struct radius_secret secret = {"secret", FIXTURE_SECRET_LENGTH};
	struct radius_build b;
	int length;

	assert_int_equal(radius_begin(&b, code, &secret), 0);
	radius_put_text(&b, 18, "hello");
	length = radius_finish(&b, request->packet.id, request->packet.authenticator);
	assert_true(length > 0);
	memcpy(out, b.bytes, (size_t)length);
	return (size_t)length;
}

void fake_send(const struct fake_server *f, uint16_t to_port, const void *bytes, size_t length)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(to_port)};

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(
		sendto(f->fd, bytes, length, 0, (struct sockaddr *)&in, sizeof(in)), length);
}

void fake_answer(const struct fake_server *f, const struct fake_request *request, uint8_t code)
{
	uint8_t bytes[RADIUS_PACKET];

	fake_send(f, request->from_port, bytes, fake_build(request, code, bytes));
}

unsigned fake_answer_all(const struct fake_server *f)
{
	struct fake_request request;
	unsigned n = 0;

	while (fake_receive(f, &request)) {
		fake_answer(f, &request,
			request.packet.code == RADIUS_ACCOUNTING_REQUEST
				? RADIUS_ACCOUNTING_RESPONSE
				: RADIUS_ACCESS_ACCEPT);
		n++;
	}
	fixture_settle();
	return n;
}

void fake_close(struct fake_server *f)
{
	close(f->fd);
	f->fd = -1;
}

void fake_open_again(struct fake_server *f)
{
	f->fd = bound(f->port, &f->port);
}

static void copy_info(void *context, const struct radius_server_info *info)
{
	struct radius_server_info *all = context;

	all[info->config - fixture_config.radius.servers] = *info;
}

struct radius_server_info fixture_info(unsigned server)
{
	struct radius_server_info all[CONFIG_RADIUS] = {0};

	radius_each_server(fixture_radius, copy_info, all);
	return all[server];
}

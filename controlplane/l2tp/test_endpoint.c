// SPDX-License-Identifier: Apache-2.0

#include "test_endpoint.h"

#include "tunnel.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct config config;
struct l2tp *l2tp;
struct l2tp_session_info up;
unsigned up_count, down_count;
uint32_t down_session;
char down_cause[256];
bool close_when_up;

static struct timers *timers;
static struct numbers numbers;
static uint64_t time_ms;

static void session_up(void *context, const struct l2tp_session_info *info)
{
	up = *info;
	up_count++;
	if (close_when_up)
		assert_int_equal(l2tp_session_close(l2tp, info->session, CDN_ADMIN, "no"), 0);
}

static void session_down(void *context, uint32_t session, const char *cause)
{
	down_session = session;
	down_count++;
	snprintf(down_cause, sizeof(down_cause), "%s", cause);
	assert_int_equal(l2tp_session_close(l2tp, session, CDN_ADMIN, "again"), -ENOENT);
}

static const struct l2tp_events events = {.session_up = session_up, .session_down = session_down};

int setup(void **state)
{
	memset(&config, 0, sizeof(config));
	strcpy(config.l2tp.host_name, "lns.example");
	config.l2tp.window = 8;
	config.l2tp.hello_ms = 60000;
	config.l2tp.retransmit_ms = 1000;
	config.l2tp.retransmit_max_ms = 8000;
	config.l2tp.retransmit_tries = 5;
	config.l2tp.sessions_per_tunnel = 100;
	config.dataplane.sessions = 1000;
	config.listener_count = 1;
	config.listeners[0].address = address_v4((const uint8_t[]){192, 0, 2, 1});
	fakes_reset();
	timers = timers_create(NULL, NULL);
	time_ms = 1000;
	timers_run(timers, time_ms);
	up_count = down_count = 0;
	close_when_up = false;
	if (numbers_open(&numbers, config.dataplane.sessions))
		return -1;
	l2tp = l2tp_create(&config, timers, &numbers, &events, NULL);
	return l2tp ? 0 : -1;
}

int teardown(void **state)
{
	l2tp_free(l2tp);
	numbers_close(&numbers);
	timers_free(timers);
	return 0;
}

void pass(uint64_t ms)
{
	uint64_t end = time_ms + ms;

	while (time_ms < end) {
		time_ms += end - time_ms < 10 ? end - time_ms : 10;
		timers_run(timers, time_ms);
	}
}

struct l2tp_counters counters(void)
{
	struct l2tp_counters c;

	l2tp_counters(l2tp, &c);
	return c;
}

const struct fake_command *command(uint32_t type)
{
	const struct fake_command *c = fake_command_take();

	assert_non_null(c);
	assert_int_equal(c->type, type);
	return c;
}

void no_commands(void)
{
	assert_int_equal(fake_command_count(), 0);
}

void hear(struct lac *lac, uint16_t type, struct lac_heard *out)
{
	assert_int_equal(lac_hear_message(lac, out), type);
	assert_int_equal(out->header.tunnel, lac->tunnel);
}

void hear_stop(struct lac *lac, uint16_t result, uint16_t error)
{
	struct lac_heard heard;
	struct message_end end;

	hear(lac, MESSAGE_STOPCCN, &heard);
	message_end(&heard.m, &end);
	assert_int_equal(end.result, result);
	assert_int_equal(end.error, error);
	assert_true(message_has(&heard.m, AVP_ASSIGNED_TUNNEL));
}

void hear_cdn(struct lac *lac, uint16_t session, uint16_t result, uint16_t error)
{
	struct lac_heard heard;
	struct message_end end;

	hear(lac, MESSAGE_CDN, &heard);
	message_end(&heard.m, &end);
	assert_int_equal(heard.header.session, session);
	assert_int_equal(end.result, result);
	assert_int_equal(end.error, error);
}

void hear_nothing(struct lac *lac)
{
	struct lac_heard heard;

	assert_int_equal(lac_hear_message(lac, &heard), MESSAGE_TYPE_NONE);
}

void tunnel_up(struct lac *lac)
{
	lac_open(lac, l2tp, PEER, SA, 41);
	lac_tunnel_up(lac);
	command(COMMAND_TUNNEL_ADD);
}

uint16_t session_up_on(struct lac *lac, uint16_t session)
{
	uint16_t id = lac_session_up(lac, session);

	assert_int_not_equal(id, 0);
	command(COMMAND_SESSION_ADD);
	return id;
}

// SPDX-License-Identifier: Apache-2.0

// Asks the RADIUS servers of a config as the gateway does, without a gateway: for tests against
// real servers.
//
//   radius_ask CONFIG MOST NAME:PASSWORD:COUNT...
//
// At most MOST requests are on the way at the same time, the first NAME's begun first. PASSWORD is
// sent as PAP; without one (NAME::COUNT) it is an Accounting-Request, Start. A line of JSON for
// each NAME says what came of it, and one says what is known of the servers.

#include "client.h"
#include "types.h"

#include "controlplane/log.h"

#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

enum { WORDS = 16, ACCT_START = 1 };

struct word {
	char *name, *password;
	unsigned left; // to be begun
	unsigned count, accepted, rejected, accounted, no_server, no_answer, other;
	uint32_t most_ms;
	uint64_t ended_ms; // the last of them, from the start
};

// A request, sent again as the same.
struct one {
	struct word *word;
	unsigned number;
};

static struct word words[WORDS];
static unsigned word_count, on_the_way, most;
static uint64_t began_ms;
static struct config *config;
static struct timers *timers;
static struct radius *radius;
static uv_loop_t loop;
static uv_timer_t timer;
static uv_check_t check;

static void timer_due(uv_timer_t *handle)
{
	uint64_t now, next;

	uv_update_time(&loop);
	now = uv_now(&loop);
	next = timers_run(timers, now);
	if (next != UINT64_MAX)
		uv_timer_start(&timer, timer_due, next > now ? next - now : 0, 0);
}

static void wake(void *context, uint64_t due)
{
	uint64_t now = uv_now(&loop);

	uv_timer_start(&timer, timer_due, due > now ? due - now : 0, 0);
}

static void round_done(uv_check_t *handle)
{
	timers_set_now(timers, uv_now(&loop));
}

// ---- requests

static int put(void *context, struct radius_build *b)
{
	const struct one *one = context;
	const struct word *w = one->word;
	char session[32];

	radius_put_text(b, RADIUS_USER_NAME, w->name);
	if (*w->password) {
		radius_put_password(b, (const uint8_t *)w->password, strlen(w->password));
		return 0;
	}
	snprintf(session, sizeof(session), "ask-%u-%u", (unsigned)getpid(), one->number);
	radius_put_text(b, RADIUS_ACCT_SESSION_ID, session);
	radius_put_u32(b, RADIUS_ACCT_STATUS_TYPE, ACCT_START);
	return 0;
}

static void begin_more(void);

static void count(struct word *w, const struct radius_result *result)
{
	w->no_server += result->outcome == RADIUS_NO_SERVER;
	w->no_answer += result->outcome == RADIUS_NO_ANSWER;
	w->other += result->outcome == RADIUS_NO_REQUEST;
	if (result->outcome != RADIUS_ANSWERED)
		return;
	w->accepted += result->reply->code == RADIUS_ACCESS_ACCEPT;
	w->rejected += result->reply->code == RADIUS_ACCESS_REJECT;
	w->accounted += result->reply->code == RADIUS_ACCOUNTING_RESPONSE;
}

static void done(void *context, const struct radius_result *result)
{
	struct one *one = context;
	struct word *w = one->word;

	free(one);
	on_the_way--;
	count(w, result);
	w->most_ms = result->ms > w->most_ms ? result->ms : w->most_ms;
	w->ended_ms = timers_now(timers) - began_ms;
	begin_more();
}

static bool begin(struct word *w)
{
	static unsigned number;
	struct one *one = malloc(sizeof(*one));
	const struct radius_call call = {
		.kind = *w->password ? RADIUS_AUTH : RADIUS_ACCOUNTING,
		.code = *w->password ? RADIUS_ACCESS_REQUEST : RADIUS_ACCOUNTING_REQUEST,
		.server = RADIUS_ANY_SERVER,
		.patience_ms = config->radius.patience_ms,
		.write = put,
		.done = done,
		.context = one,
	};

	if (!one)
		return false;
	*one = (struct one){w, number++};
	if (radius_send(radius, &call) < 0) {
		free(one);
		return false;
	}
	w->left--;
	on_the_way++;
	return true;
}

static void begin_more(void)
{
	for (unsigned i = 0; i < word_count; i++)
		while (words[i].left && on_the_way < most)
			if (!begin(&words[i]))
				return;
	if (on_the_way == 0)
		uv_stop(&loop);
}

// ---- what is said

static void say(json_t *object)
{
	json_dumpf(object, stdout, JSON_COMPACT);
	puts("");
	json_decref(object);
}

static void say_word(const struct word *w)
{
	say(json_pack("{s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i}", "name", w->name,
		"count", (int)w->count, "accepted", (int)w->accepted, "rejected", (int)w->rejected,
		"accounted", (int)w->accounted, "no_server", (int)w->no_server, "no_answer",
		(int)w->no_answer, "other", (int)w->other, "most_ms", (int)w->most_ms, "ended_ms",
		(int)w->ended_ms));
}

static void say_server(void *context, const struct radius_server_info *i)
{
	const struct radius_server_kind *a = &i->kind[RADIUS_AUTH],
					*b = &i->kind[RADIUS_ACCOUNTING];

	say(json_pack("{s:s, s:b, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i}", "server",
		i->config->name, "dead", (int)a->dead, "answers", (int)a->answers, "accounted",
		(int)b->answers, "retransmits", (int)(a->retransmits + b->retransmits), "deaths",
		(int)i->deaths, "status_answers", (int)i->status_answers, "sockets",
		(int)a->sockets, "late", (int)i->unexpected, "bad",
		(int)(i->malformed + i->wrong_authenticator + i->wrong_message_authenticator +
			i->no_message_authenticator + i->wrong_code)));
}

static bool take_word(char *text, struct word *w)
{
	w->name = strtok(text, ":");
	w->password = text + strlen(text) + 1;
	text = strchr(w->password, ':');
	if (!w->name || !text)
		return false;
	*text++ = '\0';
	w->count = w->left = (unsigned)atoi(text);
	return w->count > 0;
}

static void close_handle(uv_handle_t *handle, void *context)
{
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

static void run(void)
{
	uv_check_init(&loop, &check);
	uv_check_start(&check, round_done);
	timers_set_now(timers, uv_now(&loop));
	began_ms = timers_now(timers);
	begin_more();
	if (on_the_way)
		uv_run(&loop, UV_RUN_DEFAULT);
	for (unsigned i = 0; i < word_count; i++)
		say_word(&words[i]);
	radius_each_server(radius, say_server, NULL);
	radius_close(radius);
	uv_walk(&loop, close_handle, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
}

int main(int argc, char **argv)
{
	for (int i = 3; i < argc && word_count < WORDS; i++)
		if (!take_word(argv[i], &words[word_count++]))
			return 2;
	if (!word_count || config_load(argv[1], &config, stderr) < 0)
		return 2;
	most = (unsigned)atoi(argv[2]);
	signal(SIGPIPE, SIG_IGN);
	uv_loop_init(&loop);
	uv_timer_init(&loop, &timer);
	timers = timers_create(wake, NULL);
	timers_set_now(timers, uv_now(&loop));
	radius = radius_create(config, timers, &loop);
	if (!radius)
		return 1;
	run();
	radius_free(radius);
	timers_free(timers);
	uv_loop_close(&loop);
	config_free(config);
	return 0;
}

// SPDX-License-Identifier: Apache-2.0

// Accounting against servers that the test plays: what is asked is kept and answered by hand. The
// spool is a real file.

#include "accounting.h"
#include "client.h"
#include "reports.h"
#include "request.h"
#include "types.h"

#include "controlplane/timer.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

// ---- the servers

enum { CALLS = 4096 };

static struct {
	bool alive;
	struct radius_call calls[CALLS];
	size_t first, count;
	size_t room; // calls that are taken before -ENOBUFS
} server;

int radius_send(struct radius *radius, const struct radius_call *call)
{
	if (server.count - server.first >= server.room)
		return -ENOBUFS;
	server.calls[server.count++] = *call;
	return 0;
}

void radius_forget(struct radius *radius, const void *context)
{
	for (size_t i = server.first; i < server.count; i++)
		if (server.calls[i].context == context)
			server.calls[i].done = NULL;
}

bool radius_alive(const struct radius *radius, enum radius_kind kind)
{
	return server.alive;
}

// What the oldest request that is not answered says.
static struct radius_build asked;
static struct radius_packet packet;

static const struct radius_call *oldest(void)
{
	static const struct radius_secret secret = {"s", 1};

	assert_true(server.first < server.count);
	assert_int_equal(radius_begin(&asked, RADIUS_ACCOUNTING_REQUEST, &secret), 0);
	assert_int_equal(
		server.calls[server.first].write(server.calls[server.first].context, &asked), 0);
	assert_true(radius_finish(&asked, 1, NULL) > 0);
	assert_int_equal(radius_parse(asked.bytes, asked.length, &packet), 0);
	return &server.calls[server.first];
}

static uint32_t number(uint8_t type)
{
	struct radius_attribute a;

	if (!radius_find(&packet, type, &a))
		return UINT32_MAX;
	return (uint32_t)a.value[0] << 24 | (uint32_t)a.value[1] << 16 | (uint32_t)a.value[2] << 8 |
	       a.value[3];
}

static const char *text(uint8_t type)
{
	static char out[RADIUS_VALUE + 1];
	struct radius_attribute a;

	out[0] = '\0';
	if (radius_find(&packet, type, &a))
		snprintf(out, sizeof(out), "%.*s", (int)a.length, (const char *)a.value);
	return out;
}

static void end(enum radius_outcome outcome)
{
	const struct radius_result result = {.outcome = outcome};
	struct radius_call *call = &server.calls[server.first++];

	if (call->done)
		call->done(call->context, &result);
}

// The next report is this one, and is taken.
static void expect(enum report_kind kind)
{
	(void)oldest();
	assert_int_equal(number(RADIUS_ACCT_STATUS_TYPE), kind);
	end(RADIUS_ANSWERED);
}

// ---- the gateway

static struct config config;
static struct timers *timers;
static struct accounting *accounting;
static char folder[64];

static struct accounting_count counted;

static bool counter(void *context, struct accounting_count *out)
{
	*out = counted;
	return true;
}

static struct aaa_subject who = {.access = "l2tp", .calling = "+49", .called = "", .lac = "lac"};
static struct grant_more more = {.class_count = 1, .classes = {"klass"}, .class_length = {5}};
static struct grant grant = {.interim_s = 100, .more = &more};

static struct accounting_session *start(uint64_t attempt)
{
	struct accounting_facts facts = {.who = &who,
		.user = "alice",
		.grant = &grant,
		.auth = "radius",
		.address = address_v4((const uint8_t[]){100, 64, 0, 9})};

	who.attempt = attempt;
	return accounting_start(accounting, &facts, counter, NULL);
}

static void go(uint64_t ms)
{
	(void)timers_run(timers, timers_now(timers) + ms);
}

static void boot(void)
{
	accounting = accounting_create(&config, timers, (struct radius *)&server);
	assert_non_null(accounting);
}

static int set_up(void **state)
{
	memset(&server, 0, sizeof(server));
	memset(&config, 0, sizeof(config));
	memset(&counted, 0, sizeof(counted));
	server.alive = true;
	server.room = CALLS;
	config.radius.accounting = true;
	config.radius.server_count = 1;
	config.radius.servers[0].accounting_port = 1813;
	config.radius.spool_mib = 1;
	snprintf(folder, sizeof(folder), "/tmp/culvert-spool-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(config.radius.spool, sizeof(config.radius.spool), "%s/some/spool", folder);
	timers = timers_create(NULL, NULL);
	boot();
	return 0;
}

static int tear_down(void **state)
{
	char command[128];

	accounting_free(accounting);
	timers_free(timers);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command);
}

static struct accounting_info info(void)
{
	struct accounting_info i;

	accounting_info(accounting, &i);
	return i;
}

// ---- tests

static void test_life(void **state)
{
	struct accounting_session *s;

	expect(REPORT_ON);
	s = start(7);
	(void)oldest();
	assert_string_equal(text(RADIUS_USER_NAME), "alice");
	assert_string_equal(text(RADIUS_CLASS), "klass");
	assert_int_equal(number(RADIUS_ACCT_AUTHENTIC), 1);
	assert_int_equal(number(RADIUS_FRAMED_IP_ADDRESS), 0x64400009);
	assert_int_equal(number(RADIUS_ACCT_DELAY_TIME), 0);
	assert_int_equal(number(RADIUS_ACCT_INPUT_OCTETS), UINT32_MAX);
	expect(REPORT_START);
	counted = (struct accounting_count){0x500000007, 11, 0x300000009, 13};
	go(100 * 1000);
	(void)oldest();
	assert_int_equal(number(RADIUS_ACCT_INPUT_OCTETS), 7);
	assert_int_equal(number(RADIUS_ACCT_INPUT_GIGAWORDS), 5);
	assert_int_equal(number(RADIUS_ACCT_OUTPUT_OCTETS), 9);
	assert_int_equal(number(RADIUS_ACCT_OUTPUT_GIGAWORDS), 3);
	assert_int_equal(number(RADIUS_ACCT_INPUT_PACKETS), 11);
	assert_int_equal(number(RADIUS_ACCT_OUTPUT_PACKETS), 13);
	expect(REPORT_INTERIM);
	counted.in_packets = 12;
	accounting_stop(s, ACCT_IDLE_TIMEOUT);
	(void)oldest();
	assert_int_equal(number(RADIUS_ACCT_TERMINATE_CAUSE), 4);
	assert_int_equal(number(RADIUS_ACCT_INPUT_PACKETS), 12);
	expect(REPORT_STOP);
	accounting_close(accounting);
	expect(REPORT_OFF);
	assert_int_equal(info().waiting, 0);
	assert_int_equal(info().answered, 5);
	assert_int_equal(info().spool_bytes, 0);
}

// Of one session one after the other, of several side by side.
static void test_order(void **state)
{
	struct accounting_session *a, *b;

	expect(REPORT_ON);
	a = start(1);
	b = start(2);
	accounting_stop(a, ACCT_USER_REQUEST);
	assert_int_equal(server.count - server.first, 2);
	expect(REPORT_START); // of a: its Stop may go now
	expect(REPORT_START);
	expect(REPORT_STOP);
	accounting_stop(b, ACCT_USER_REQUEST);
	expect(REPORT_STOP);
}

// What a dead server does not take is kept, interim reports once, and sent when it is back.
static void test_server_dead(void **state)
{
	struct accounting_session *s;

	end(RADIUS_NO_ANSWER); // of On
	server.alive = false;
	s = start(1);
	for (int i = 0; i < 600; i++)
		go(1000);
	assert_int_equal(server.first, server.count);
	assert_int_equal(info().waiting, 3); // On, Start, the newest interim
	accounting_stop(s, ACCT_USER_REQUEST);
	assert_int_equal(info().waiting, 4);
	server.alive = true;
	go(2000);
	expect(REPORT_ON);
	expect(REPORT_START);
	expect(REPORT_INTERIM);
	expect(REPORT_STOP);
	assert_int_equal(info().waiting, 0);
	assert_int_equal(info().lost, 0);
}

// A control plane that dies owes the Stops of its sessions to the next one.
static void test_reboot(void **state)
{
	expect(REPORT_ON);
	assert_non_null(start(1));
	expect(REPORT_START);
	counted.in_bytes = 77;
	go(100 * 1000);
	assert_non_null(start(2));
	expect(REPORT_INTERIM);
	go(1);                       // the Start of 2 is in the file, and unanswered
	accounting_free(accounting); // without a word, like a kill
	server.first = server.count;
	boot();
	(void)oldest();
	for (int stops = 0, starts = 0; stops < 2; end(RADIUS_ANSWERED)) {
		(void)oldest();
		starts += number(RADIUS_ACCT_STATUS_TYPE) == REPORT_START;
		if (number(RADIUS_ACCT_STATUS_TYPE) != REPORT_STOP)
			continue;
		stops++;
		assert_int_equal(number(RADIUS_ACCT_TERMINATE_CAUSE), ACCT_NAS_REBOOT);
		if (number(RADIUS_ACCT_INPUT_OCTETS) == 0)
			assert_int_equal(starts, 1);
		else
			assert_int_equal(number(RADIUS_ACCT_INPUT_OCTETS), 77);
	}
	expect(REPORT_ON); // behind them
	assert_int_equal(info().waiting, 0);
	go(1);
	accounting_free(accounting);
	server.first = server.count;
	boot();
	expect(REPORT_ON); // and only once
	assert_int_equal(info().waiting, 0);
}

// Beyond the bound the interim reports go first, then the oldest; memory does not grow.
static void test_bound(void **state)
{
	enum { SESSIONS = 6000 };
	static struct accounting_session *s[SESSIONS];

	expect(REPORT_ON);
	server.alive = false;
	for (unsigned i = 0; i < SESSIONS; i++) {
		s[i] = start(i + 1);
		assert_non_null(s[i]);
		assert_true(info().spool_bytes <= 1 << 20);
	}
	assert_true(info().lost > 0);
	for (unsigned i = 0; i < SESSIONS; i++)
		accounting_stop(s[i], ACCT_USER_REQUEST);
	assert_true(info().spool_bytes <= 1 << 20);
	assert_int_equal(info().waiting + info().lost, 2 * SESSIONS);
	server.alive = true;
	go(2000);
	while (server.first < server.count)
		end(RADIUS_ANSWERED);
	assert_int_equal(info().waiting, 0);
}

// A file of another program, or a broken one, is put aside.
static void test_broken_file(void **state)
{
	char path[128];
	FILE *f;

	accounting_free(accounting);
	server.first = server.count;
	snprintf(path, sizeof(path), "%s/some/spool/accounting.mdb", folder);
	f = fopen(path, "w");
	for (int i = 0; i < 4096; i++)
		fputs("rubbish ", f);
	fclose(f);
	boot();
	expect(REPORT_ON);
	strcat(path, ".broken");
	assert_int_equal(access(path, F_OK), 0);
}

static void test_causes(void **state)
{
	assert_int_equal(acct_cause_of("idle-timeout"), ACCT_IDLE_TIMEOUT);
	assert_int_equal(acct_cause_of("ppp: peer-terminated"), ACCT_USER_REQUEST);
	assert_int_equal(acct_cause_of("ppp: echo-timeout"), ACCT_LOST_CARRIER);
	assert_int_equal(acct_cause_of("l2tp: the peer does not acknowledge"), ACCT_LOST_CARRIER);
	assert_int_equal(acct_cause_of("l2tp: the peer started again"), ACCT_USER_REQUEST);
	assert_int_equal(acct_cause_of("l2tp: StopCCN with result 6, error 0"), ACCT_USER_REQUEST);
	assert_int_equal(acct_cause_of("l2tp: CDN with result 1, error 0"), ACCT_LOST_CARRIER);
	assert_int_equal(acct_cause_of("l2tp: CDN with result 3, error 0"), ACCT_USER_REQUEST);
	assert_int_equal(acct_cause_of("disconnected by the API"), ACCT_ADMIN_RESET);
	assert_int_equal(acct_cause_of("coa: disconnect"), ACCT_ADMIN_RESET);
	assert_int_equal(acct_cause_of("stop"), ACCT_ADMIN_REBOOT);
	assert_int_equal(acct_cause_of("something new"), ACCT_NAS_REQUEST);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_life),
		TEST(test_order),
		TEST(test_server_dead),
		TEST(test_reboot),
		TEST(test_bound),
		TEST(test_broken_file),
		cmocka_unit_test(test_causes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

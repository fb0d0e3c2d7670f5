// SPDX-License-Identifier: Apache-2.0

// The sources of radius.auth one after the other, RADIUS among them.

#include "aaa.h"
#include "log.h"
#include "radius_fake.h"
#include "users.h"

#include "radius/types.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char text[] =
	"dataplane: {socket: /tmp/s, hugepages: false}\n"
	"ports:\n"
	"  - {name: access, side: subscriber, device: net_null0, addresses: [192.0.2.1/24]}\n"
	"  - {name: core, side: network, device: net_null1, addresses: [198.51.100.1/24]}\n"
	"listeners: [{name: l, address: 192.0.2.1, ipsec: optional}]\n"
	"ppp: {auth: [pap], pap-in-clear: true, local-address: 100.64.0.1}\n"
	"pools: [{name: default, prefixes: [100.64.0.0/16]}]\n"
	"groups: [{name: home, session-timeout: 1h}, {name: office}]\n"
	"default-group: home\n"
	"users: [{name: bob, password: bob-secret}, {name: eve, password: x, group: office}]\n"
	"radius:\n"
	"  servers: [{name: r, address: 192.0.2.9, secret: x}]\n"
	"  auth: [";

static const struct radius_secret secret = {"fake", 4};
static struct config *config;
static struct users *users;
static struct aaa *aaa;
static struct aaa_subject subject = {
	.attempt = 7, .access = "l2tp", .calling = "", .called = "", .lac = ""};
static struct ppp_credentials credentials;
static unsigned answers;
static struct {
	bool accepted, unreachable;
	uint8_t turn;
	char reason[400], source[16], account[32], message[256];
	struct grant grant;
} got;
static char logged[2048];

static void sink(void *context, enum log_event event, const char *line)
{
	snprintf(logged, sizeof(logged), "%s", line);
}

static void begin(const char *sources)
{
	char whole[2048];
	int n = snprintf(whole, sizeof(whole), "%s%s]\n", text, sources);

	assert_int_equal(config_parse(whole, (size_t)n, "f", &config, stderr), 0);
	users = users_create(config);
	// The fake never looks at it.
	aaa = aaa_create(config, users, (struct radius *)&answers);
	answers = 0;
	logged[0] = '\0';
	log_set_sink(sink, NULL);
	fake_radius_there(true);
}

static int end(void **state)
{
	aaa_free(aaa);
	users_free(users);
	config_free(config);
	grant_free(&got.grant);
	log_set_sink(NULL, NULL);
	return 0;
}

static void on_answer(void *context, const struct aaa_answer *a)
{
	answers++;
	grant_free(&got.grant);
	got.accepted = a->verdict->accepted;
	got.turn = a->verdict->turn;
	got.unreachable = a->unreachable;
	snprintf(got.reason, sizeof(got.reason), "%s", a->reason ? a->reason : "");
	snprintf(got.source, sizeof(got.source), "%s", a->source);
	snprintf(got.account, sizeof(got.account), "%s", a->account ? a->account : "");
	snprintf(got.message, sizeof(got.message), "%s", a->verdict->message);
	if (a->grant) {
		got.grant = *a->grant;
		memset(a->grant, 0, sizeof(*a->grant));
	}
}

static void ask(const char *name, const char *password)
{
	credentials = (struct ppp_credentials){.method = PPP_AUTH_PAP,
		.name_length = (uint16_t)strlen(name),
		.password_length = (uint16_t)strlen(password)};
	memcpy(credentials.name, name, credentials.name_length);
	memcpy(credentials.password, password, credentials.password_length);
	aaa_ask(aaa, &subject, &credentials, on_answer, &got);
}

static struct radius_build *reply(uint8_t code)
{
	static struct radius_build b;

	assert_int_equal(radius_begin(&b, code, &secret), 0);
	return &b;
}

static const struct radius_call *asked(void)
{
	struct radius_packet p;

	return fake_radius_asked(&p);
}

static void test_accept(void **state)
{
	static const uint8_t address[4] = {203, 0, 113, 7};
	struct radius_build *b;
	struct radius_attribute a;
	struct radius_packet p;

	begin("radius");
	ask("anna", "anna-secret");
	assert_int_equal(answers, 0);
	assert_non_null(fake_radius_asked(&p));
	assert_int_equal(asked()->server, RADIUS_ANY_SERVER);
	assert_int_equal(asked()->patience_ms, config->radius.patience_ms);
	assert_true(radius_find(&p, RADIUS_USER_NAME, &a));
	assert_memory_equal(a.value, "anna", 4);
	assert_true(radius_find(&p, RADIUS_ACCT_SESSION_ID, &a));
	b = reply(RADIUS_ACCESS_ACCEPT);
	radius_put(b, RADIUS_FRAMED_IP_ADDRESS, address, 4);
	radius_put_text(b, RADIUS_FRAMED_POOL, "none\n");
	fake_radius_answer(RADIUS_ANSWERED, b, 0);
	assert_int_equal(answers, 1);
	assert_true(got.accepted);
	assert_string_equal(got.source, "radius");
	assert_string_equal(got.account, "");
	assert_memory_equal(got.grant.address.bytes, address, 4);
	assert_int_equal(got.grant.from[GRANT_ADDRESS], FROM_RADIUS);
	// Completed by the default group.
	assert_int_equal(got.grant.session_timeout_s, 3600);
	assert_non_null(strstr(logged, "radius-not-honoured"));
	assert_non_null(strstr(logged, "Framed-Pool"));
	assert_non_null(strstr(logged, "none\\\\x0a"));
	assert_non_null(strstr(logged, "anna"));
	assert_null(asked());
}

static void test_reject(void **state)
{
	struct radius_build *b;

	begin("radius, users");
	ask("bob", "bob-secret");
	b = reply(RADIUS_ACCESS_REJECT);
	radius_put_text(b, RADIUS_REPLY_MESSAGE, "not today\n");
	fake_radius_answer(RADIUS_ANSWERED, b, 0);
	// A refusal is one: the next source is not asked.
	assert_int_equal(answers, 1);
	assert_false(got.accepted);
	assert_false(got.unreachable);
	assert_string_equal(got.reason, "the RADIUS server refuses: not today\\x0a");
	assert_string_equal(got.message, "not today\\x0a");
}

static void test_nobody_answers(void **state)
{
	begin("radius, users");
	ask("bob", "bob-secret");
	fake_radius_answer(RADIUS_NO_ANSWER, NULL, 0);
	assert_int_equal(answers, 1);
	assert_true(got.accepted);
	assert_string_equal(got.source, "users");
	ask("anna", "x");
	fake_radius_answer(RADIUS_NO_SERVER, NULL, 0);
	assert_false(got.accepted);
	assert_string_equal(got.source, "users");
}

static void test_nobody_answers_at_all(void **state)
{
	begin("radius");
	ask("bob", "bob-secret");
	fake_radius_answer(RADIUS_NO_SERVER, NULL, 0);
	assert_false(got.accepted);
	assert_true(got.unreachable);
	assert_string_equal(got.reason, "no RADIUS server is alive");
}

static void test_users_first(void **state)
{
	begin("users, radius");
	ask("bob", "bob-secret");
	assert_int_equal(answers, 1);
	assert_true(got.accepted);
	assert_string_equal(got.source, "users");
	ask("anna", "x");
	assert_int_equal(answers, 1);
	assert_non_null(asked());
	fake_radius_answer(RADIUS_ANSWERED, reply(RADIUS_ACCESS_ACCEPT), 0);
	assert_true(got.accepted);
}

static void ask_eap(uint8_t id)
{
	static uint8_t packet[6] = {2, 0, 0, 6, 1, 'a'};

	packet[1] = id;
	credentials = (struct ppp_credentials){.method = PPP_AUTH_EAP,
		.name = "anna",
		.name_length = 4,
		.eap = packet,
		.eap_length = sizeof(packet)};
	aaa_ask(aaa, &subject, &credentials, on_answer, &got);
}

static void challenge(uint16_t server)
{
	static const uint8_t packet[6] = {1, 2, 0, 6, 13, 0x20};
	struct radius_build *b = reply(RADIUS_ACCESS_CHALLENGE);

	radius_put_eap(b, packet, sizeof(packet));
	radius_put_text(b, RADIUS_STATE, "state");
	fake_radius_answer(RADIUS_ANSWERED, b, server);
}

static void test_eap_conversation(void **state)
{
	static const uint8_t success[4] = {3, 2, 0, 4};
	struct radius_attribute a;
	struct radius_packet p;
	struct radius_build *b;

	begin("radius, users");
	ask_eap(1);
	assert_non_null(fake_radius_asked(&p));
	assert_false(radius_find(&p, RADIUS_STATE, &a));
	challenge(3);
	assert_int_equal(got.turn, EAP_MORE);
	assert_false(got.accepted);
	ask_eap(2);
	// To the same server, with its State.
	assert_non_null(fake_radius_asked(&p));
	assert_int_equal(asked()->server, 3);
	assert_true(radius_find(&p, RADIUS_STATE, &a));
	assert_memory_equal(a.value, "state", 5);
	b = reply(RADIUS_ACCESS_ACCEPT);
	radius_put_eap(b, success, sizeof(success));
	fake_radius_answer(RADIUS_ANSWERED, b, 3);
	assert_true(got.accepted);
	assert_int_equal(got.turn, EAP_DECIDED);
	assert_int_equal(answers, 2);
	// The next conversation knows nothing of this one.
	ask_eap(1);
	assert_int_equal(asked()->server, RADIUS_ANY_SERVER);
	aaa_forget(aaa, &got);
	assert_null(asked());
}

// Whoever else there is cannot carry on what a server has begun.
static void test_eap_breaks_off(void **state)
{
	begin("radius, users");
	ask_eap(1);
	challenge(3);
	ask_eap(2);
	fake_radius_answer(RADIUS_NO_ANSWER, NULL, 3);
	assert_false(got.accepted);
	assert_true(got.unreachable);
	assert_int_equal(got.turn, EAP_DECIDED);
}

static void test_forgotten(void **state)
{
	begin("radius");
	ask("anna", "x");
	aaa_forget(aaa, &got);
	fake_radius_answer(RADIUS_ANSWERED, reply(RADIUS_ACCESS_ACCEPT), 0);
	assert_int_equal(answers, 0);
}

// A name that does not fit an attribute is not asked about.
static void test_what_cannot_be_asked(void **state)
{
	char name[256];

	memset(name, 'a', 254);
	name[254] = '\0';
	begin("radius");
	ask(name, "x");
	assert_int_equal(answers, 1);
	assert_false(got.accepted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_accept, end),
		cmocka_unit_test_teardown(test_reject, end),
		cmocka_unit_test_teardown(test_nobody_answers, end),
		cmocka_unit_test_teardown(test_nobody_answers_at_all, end),
		cmocka_unit_test_teardown(test_users_first, end),
		cmocka_unit_test_teardown(test_eap_conversation, end),
		cmocka_unit_test_teardown(test_eap_breaks_off, end),
		cmocka_unit_test_teardown(test_forgotten, end),
		cmocka_unit_test_teardown(test_what_cannot_be_asked, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

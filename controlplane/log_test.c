// SPDX-License-Identifier: Apache-2.0

#include "controlplane/log.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char seen[16384];

static void keep(void *context, enum log_event event, const char *line)
{
	snprintf(seen, sizeof(seen), "%s", line);
}

static const char *field(const char *key)
{
	static char value[4096];
	json_t *line = json_loads(seen, 0, NULL);

	assert_non_null(line);
	snprintf(value, sizeof(value), "%s", json_string_value(json_object_get(line, key)));
	json_decref(line);
	return value;
}

static void test_fields(void **state)
{
	struct log_subject subject = {.user = "eve\"\n\x1b[31m", .peer_port = 4500};

	assert_int_equal(address_parse("192.0.2.9", &subject.peer), 0);
	log_event(LOG_AUTH_FAILED, &subject, "s:s, s:i, s:b", "reason", "wrong password", "code",
		691, "last", 1);
	assert_string_equal(field("event"), "auth-failed");
	assert_string_equal(field("level"), "warning");
	assert_string_equal(field("peer"), "192.0.2.9:4500");
	assert_string_equal(field("user"), "eve\"\\x0a\\x1b[31m");
	assert_string_equal(field("reason"), "wrong password");
	assert_non_null(strstr(seen, "\"code\":691"));
}

static void test_level(void **state)
{
	seen[0] = '\0';
	log_event(LOG_IKE_DPD, NULL, NULL);
	assert_string_equal(seen, "");
	log_set_level(LEVEL_DEBUG);
	log_event(LOG_IKE_DPD, NULL, NULL);
	assert_string_equal(field("event"), "ike-dpd");
	log_set_level(LEVEL_INFO);
}

static void test_text(void **state)
{
	static const struct {
		const char *in;
		size_t length;
		const char *out;
	} cases[] = {
		{"plain", 5, "plain"},
		{"a\\b", 3, "a\\x5cb"},
		{"m\xc3\xbcller", 7, "m\xc3\xbcller"},
		{"\xc3", 1, "\\xc3"},
		{"\xc0\xaf", 2, "\\xc0\\xaf"},
		{"\xed\xa0\x80", 3, "\\xed\\xa0\\x80"},
		{"a\0b", 3, "a\\x00b"},
		{"\xe2\x80\xae"
		 "x",
			4, "\\xe2\\x80\\xaex"},
		{"", 0, ""},
	};
	char out[64];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(
			log_text(cases[i].in, cases[i].length, out, sizeof(out)), cases[i].out);
	assert_string_equal(log_text("\x01\x02\x03", 3, out, 9), "\\x01\\x02");
}

static void test_too_long(void **state)
{
	static char text[2000];

	memset(text, 'x', sizeof(text) - 1);
	log_event(LOG_IKE_REFUSED, NULL, "s:s, s:s, s:s, s:s, s:s", "a", text, "b", text, "c", text,
		"d", text, "e", text);

	assert_string_equal(field("event"), "ike-refused");
}

static void count(void *context, enum log_event event, const char *line)
{
	unsigned *lines = context;

	(*lines)++;
	keep(NULL, event, line);
}

// In a second that begins in between, as many again may be written.
static void test_strangers_are_limited(void **state)
{
	unsigned lines = 0, most = LOG_LINES_PER_SECOND;

	log_set_sink(count, &lines);
	for (unsigned i = 0; i < 10 * most; i++)
		log_event(LOG_IKE_INVALID, NULL, "s:s", "reason", "test");
	assert_in_range(lines, most, 2 * most);
	lines = 0;
	for (unsigned i = 0; i < 10 * most; i++)
		log_event(LOG_SUBSCRIBER_UP, NULL, NULL);
	assert_int_equal(lines, 10 * most);
	do
		log_event(LOG_IKE_INVALID, NULL, "s:s", "reason", "test");
	while (lines == 10 * most);
	assert_non_null(strstr(seen, "\"not_logged\":"));
	log_set_sink(keep, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_level),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_strangers_are_limited),
	};

	log_set_sink(keep, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

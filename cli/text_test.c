// SPDX-License-Identifier: Apache-2.0

#include "text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_escape(void **state)
{
	static const char *const cases[][2] = {
		{"alice", "alice"},
		{"", ""},
		{"a\x1b[2Jb", "a\\x1b[2Jb"},
		{"\x7f\n\t", "\\x7f\\x0a\\x09"},
		{"z\xc3\xbcrich", "z\xc3\xbcrich"},
		{"\xc2\x9b"
		 "31m",
			"\\xc2\\x9b31m"},
		{"\xe2\x80\xae"
		 "evil",
			"\\xe2\\x80\\xae"
			"evil"},
		{"\xff\xc3", "\\xff\\xc3"},
		{"\xc0\xaf", "\\xc0\\xaf"},
		{"\xed\xa0\x80", "\\xed\\xa0\\x80"},
	};
	char out[TEXT_MOST], endless[4096];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(text_escape(cases[i][0], out), cases[i][1]);
	memset(endless, '\x01', sizeof(endless));
	endless[sizeof(endless) - 1] = '\0';
	assert_true(strlen(text_escape(endless, out)) < TEXT_MOST);
}

static void test_cut(void **state)
{
	char text[32] = "z\xc3\xbcrich";

	assert_int_equal(text_width(text), 6);
	text_cut(text, 6);
	assert_string_equal(text, "z\xc3\xbcrich");
	text_cut(text, 3);
	assert_string_equal(text, "z\xc3\xbc~");
	text_cut(text, 2);
	assert_string_equal(text, "z~");
}

static void test_units(void **state)
{
	char out[TEXT_MOST];

	assert_string_equal(text_bytes(0, out), "0 B");
	assert_string_equal(text_bytes(999, out), "999 B");
	assert_string_equal(text_bytes(1000, out), "1.00 kB");
	assert_string_equal(text_bytes(999999, out), "1.00 MB");
	assert_string_equal(text_bytes(45600000000, out), "45.6 GB");
	assert_string_equal(text_bytes(UINT64_MAX, out), "18.4 EB");
	assert_string_equal(text_count(123456, out), "123k");
	assert_string_equal(text_duration(0, out), "0s");
	assert_string_equal(text_duration(59999, out), "59s");
	assert_string_equal(text_duration(65000, out), "1m05s");
	assert_string_equal(text_duration(3723000, out), "1h02m");
	assert_string_equal(text_duration(93784000, out), "1d02h");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_escape),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_units),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

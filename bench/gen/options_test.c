// SPDX-License-Identifier: Apache-2.0

#include "options.h"

#include "contract/algorithm.h"
#include "contract/config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct options o;

static int parse(const char *line)
{
	static char text[512];
	char *argv[64] = {"culvert-gen"};
	int argc = 1;

	snprintf(text, sizeof(text), "--subscriber-port a --network-port b %s", line);
	for (char *word = strtok(text, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	return options_parse(&o, argc, argv);
}

static void test_defaults(void **state)
{
	assert_int_equal(parse(""), 0);
	assert_int_equal(o.subscribers, 1);
	assert_int_equal(o.gateway, 0xc0000201);
	assert_int_equal(o.cipher, ESP_CIPHER_AES_GCM_128);
	assert_int_equal(o.integrity, ESP_INTEGRITY_NONE);
	assert_int_equal(o.size_count, 3);
	assert_int_equal(o.way_count, 0);
	assert_true(o.loss > 0.0000099 && o.loss < 0.0000101);
}

static void test_all_kinds(void **state)
{
	assert_int_equal(parse("--size 64,imix --direction up,both --outer 10.1.2.3 --plain "
			       "--packets 5000000000 --cipher aes-cbc-256 --auth pap --rate 1e6"),
		0);
	assert_int_equal(o.size_count, 2);
	assert_int_equal(o.sizes[1], OPTIONS_IMIX);
	assert_int_equal(o.way_count, 2);
	assert_int_equal(o.ways[1], WAY_BOTH);
	assert_int_equal(o.outer, 0x0a010203);
	assert_true(o.plain);
	assert_int_equal(o.packets, 5000000000);
	assert_int_equal(o.integrity, ESP_INTEGRITY_HMAC_SHA1_96);
	assert_int_equal(o.auth, PPP_AUTH_PAP);
	assert_true(o.rate == 1e6);
}

static void test_refuses(void **state)
{
	static const char *const lines[] = {"--nonsense", "--size 20", "--size 64,9000",
		"--direction sideways", "--gateway 1.2.3", "--subscribers 0", "--subscribers -1",
		"--subscribers", "--cipher rot13", "--rate -5", "--plain --behind-nat 3",
		"--traffic-while-held --hold 3", "--same-inner"};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_int_equal(parse(lines[i]), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_all_kinds), cmocka_unit_test(test_refuses)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

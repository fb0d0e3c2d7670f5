// SPDX-License-Identifier: Apache-2.0

#include "contract/address.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_parse(void **state)
{
	static const struct {
		const char *text;
		const char *back; // NULL = refused
	} cases[] = {
		{"192.0.2.0/24", "192.0.2.0/24"},
		{"192.0.2.1", "192.0.2.1/32"},
		{"0.0.0.0/0", "0.0.0.0/0"},
		{"2001:db8::/32", "2001:db8::/32"},
		{"::1", "::1/128"},
		{"192.0.2.1/24", NULL},
		{"192.0.2.0/33", NULL},
		{"192.0.2.0/", NULL},
		{"192.0.2.0/-1", NULL},
		{"192.0.2.0/2x", NULL},
		{"192.0.2/24", NULL},
		{"", NULL},
		{"2001:db8::1/64", NULL},
		{"2001:db8::/129", NULL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[ADDRESS_TEXT];
		struct ip_prefix p;

		if (!cases[i].back) {
			assert_int_equal(prefix_parse(cases[i].text, &p, NULL), -EINVAL);
			continue;
		}
		assert_int_equal(prefix_parse(cases[i].text, &p, NULL), 0);
		assert_string_equal(prefix_format(&p, text), cases[i].back);
	}
}

static void test_host_bits(void **state)
{
	struct ip_address host;
	struct ip_prefix p;
	char text[ADDRESS_TEXT];

	assert_int_equal(prefix_parse("192.0.2.77/26", &p, &host), 0);
	assert_string_equal(prefix_format(&p, text), "192.0.2.64/26");
	assert_string_equal(address_format(&host, text), "192.0.2.77");
	assert_string_equal(address_port_format(&host, 4500, text), "192.0.2.77:4500");
}

static void test_contains(void **state)
{
	struct ip_prefix p;
	struct ip_address a;

	assert_int_equal(prefix_parse("100.64.0.0/10", &p, NULL), 0);
	assert_int_equal(address_parse("100.127.255.255", &a), 0);
	assert_true(prefix_contains(&p, &a));
	assert_int_equal(address_parse("100.128.0.0", &a), 0);
	assert_false(prefix_contains(&p, &a));
	assert_int_equal(address_parse("::", &a), 0);
	assert_false(prefix_contains(&p, &a));
	assert_int_equal(
		address_to_u32(&(struct ip_address){.version = IP_V4, .bytes = {1, 2, 3, 4}}),
		0x01020304);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_host_bits),
		cmocka_unit_test(test_contains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

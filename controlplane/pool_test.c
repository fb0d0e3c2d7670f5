// SPDX-License-Identifier: Apache-2.0

#include "pool.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct config config;
static struct config_user users[2];

static void pool_is(const char *name, const char *first, const char *second)
{
	struct config_pool *p = &config.pools[config.pool_count++];

	snprintf(p->name, sizeof(p->name), "%s", name);
	p->prefix_count = 0;
	prefix_parse(first, &p->prefixes[p->prefix_count++], NULL);
	if (second)
		prefix_parse(second, &p->prefixes[p->prefix_count++], NULL);
}

static void config_clear(void)
{
	memset(&config, 0, sizeof(config));
	memset(users, 0, sizeof(users));
}

// Takes and says what it got, or the error's name.
static const char *take(struct pools *pools, const char *pool, const char *user, const char *fixed)
{
	static char text[ADDRESS_TEXT];
	struct ip_address want = {0}, got;
	int error;

	if (fixed)
		address_parse(fixed, &want);
	error = pools_take(pools, pool, user, &want, &got);
	return error ? strerrorname_np(-error) : address_format(&got, text);
}

static void give(struct pools *pools, const char *address)
{
	struct ip_address a;

	address_parse(address, &a);
	pools_give(pools, &a);
}

static struct pool_info seen;

static void see(void *context, const struct pool_info *info)
{
	seen = *info;
}

static void assert_counts(const struct pools *pools, uint32_t size, uint32_t used)
{
	pools_each(pools, see, NULL);
	assert_int_equal(seen.size, size);
	assert_int_equal(seen.used, used);
}

static void test_all_and_no_more(void **state)
{
	struct pools *pools;

	config_clear();
	pool_is("a", "10.0.0.0/29", "10.1.0.0/31");
	address_parse("10.0.0.2", &config.ppp.local);
	config.port_count = 1;
	config.ports[0].address_count = 1;
	address_parse("10.0.0.3", &config.ports[0].addresses[0].address);
	pools = pools_create(&config);
	assert_counts(pools, 6, 0);
	assert_string_equal(take(pools, "", "u1", NULL), "10.0.0.1");
	assert_string_equal(take(pools, NULL, "u2", NULL), "10.0.0.4");
	assert_string_equal(take(pools, "a", NULL, NULL), "10.0.0.5");
	assert_string_equal(take(pools, "a", "u4", NULL), "10.0.0.6");
	assert_string_equal(take(pools, "a", "u5", NULL), "10.1.0.0");
	assert_string_equal(take(pools, "a", "u6", NULL), "10.1.0.1");
	assert_string_equal(take(pools, "a", "u7", NULL), "ENOSPC");
	assert_string_equal(take(pools, "b", "u7", NULL), "ENOENT");
	assert_counts(pools, 6, 6);
	give(pools, "10.0.0.4");
	give(pools, "10.0.0.4");
	give(pools, "10.0.0.2");
	give(pools, "10.0.0.0");
	give(pools, "192.0.2.1");
	assert_counts(pools, 6, 5);
	assert_string_equal(take(pools, "a", "u7", NULL), "10.0.0.4");
	assert_string_equal(take(pools, "a", "u8", NULL), "ENOSPC");
	pools_free(pools);
}

// The same again if it can be; otherwise what has been free longest.
static void test_preference(void **state)
{
	struct pools *pools;

	config_clear();
	pool_is("a", "10.0.0.0/29", NULL);
	pools = pools_create(&config);
	for (int i = 1; i <= 6; i++)
		take(pools, "a", (char[]){'u', (char)('0' + i), 0}, NULL);
	give(pools, "10.0.0.3");
	give(pools, "10.0.0.5");
	give(pools, "10.0.0.2");
	assert_string_equal(take(pools, "a", "u5", NULL), "10.0.0.5");
	assert_string_equal(take(pools, "a", "stranger", NULL), "10.0.0.3");
	assert_string_equal(take(pools, "a", "u3", NULL), "10.0.0.2"); // 3 is out
	assert_string_equal(take(pools, "a", "u2", NULL), "ENOSPC");
	give(pools, "10.0.0.2");
	assert_string_equal(take(pools, "a", "u2", NULL), "10.0.0.2");
	pools_free(pools);
}

static void test_fixed(void **state)
{
	struct pools *pools;

	config_clear();
	pool_is("a", "10.0.0.0/29", NULL);
	config.users = users;
	config.user_count = 2;
	address_parse("10.0.0.1", &users[0].address);
	address_parse("192.0.2.7", &users[1].address);
	address_parse("10.0.0.6", &config.ppp.local);
	config.port_count = 1;
	config.ports[0].address_count = 1;
	address_parse("192.0.2.1", &config.ports[0].addresses[0].address);
	pools = pools_create(&config);
	assert_string_equal(take(pools, "a", "x", NULL), "10.0.0.2"); // 1 is the user's alone
	assert_string_equal(take(pools, "a", "y", "10.0.0.1"), "10.0.0.1");
	assert_string_equal(take(pools, "a", "y", "10.0.0.1"), "EADDRINUSE");
	give(pools, "10.0.0.1");
	assert_string_equal(take(pools, "a", "x", NULL), "10.0.0.3");
	assert_string_equal(take(pools, "a", "y", "10.0.0.1"), "10.0.0.1");
	assert_string_equal(take(pools, "a", "y", "10.0.0.6"), "EADDRNOTAVAIL");
	assert_string_equal(take(pools, "a", "y", "2001:db8::1"), "EADDRNOTAVAIL");
	// One that is nobody's by the config, on the way of the frontier.
	assert_string_equal(take(pools, "a", "z", "10.0.0.4"), "10.0.0.4");
	assert_string_equal(take(pools, "a", "x", NULL), "10.0.0.5");
	assert_string_equal(take(pools, "a", "x", NULL), "ENOSPC");
	give(pools, "10.0.0.4");
	assert_string_equal(take(pools, "a", "x", NULL), "10.0.0.4");
	// Outside of the pools.
	assert_string_equal(take(pools, "a", "o", "192.0.2.1"), "EADDRNOTAVAIL");
	give(pools, "192.0.2.1");
	assert_string_equal(take(pools, "a", "o", "192.0.2.1"), "EADDRNOTAVAIL");
	assert_string_equal(take(pools, "a", "o", "192.0.2.7"), "192.0.2.7");
	assert_string_equal(take(pools, "a", "o", "192.0.2.7"), "EADDRINUSE");
	give(pools, "192.0.2.7");
	assert_string_equal(take(pools, "a", "o", "192.0.2.7"), "192.0.2.7");
	pools_free(pools);
}

static void test_refused(void **state)
{
	config_clear();
	pool_is("a", "10.0.0.0/24", NULL);
	pool_is("b", "10.0.0.128/25", NULL);
	assert_null(pools_create(&config));
	config_clear();
	pool_is("a", "10.0.0.128/25", NULL);
	pool_is("b", "10.0.0.0/24", NULL);
	assert_null(pools_create(&config));
	config_clear();
	pool_is("a", "2001:db8::/64", NULL);
	assert_null(pools_create(&config));
	config_clear();
	pool_is("a", "10.0.0.0/7", NULL);
	assert_null(pools_create(&config));
}

// Random taking and giving: never the same twice, and the counts agree.
static void test_random(void **state)
{
	enum { N = 1 << 12 };
	static bool out[N];
	struct pools *pools;
	uint32_t used = 0;

	config_clear();
	memset(out, 0, sizeof(out));
	pool_is("a", "10.0.0.0/20", NULL);
	pools = pools_create(&config);
	srand(2);
	for (int i = 0; i < 100000; i++) {
		struct ip_address a;
		char user[16];

		snprintf(user, sizeof(user), "u%d", rand() % 6000);
		if (rand() % 5 < 3 && pools_take(pools, "a", user, NULL, &a) == 0) {
			uint32_t place = address_to_u32(&a) - 0x0a000000;

			assert_in_range(place, 1, N - 2);
			assert_false(out[place]);
			out[place] = true;
			used++;
		} else {
			uint32_t place = (uint32_t)rand() % N;

			a = address_from_u32(0x0a000000 + place);
			pools_give(pools, &a);
			used -= out[place];
			out[place] = false;
		}
	}
	assert_counts(pools, N - 2, used);
	pools_free(pools);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_and_no_more),
		cmocka_unit_test(test_preference),
		cmocka_unit_test(test_fixed),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0

#include "pool6.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct config config;
static struct config_user users[2];
static const struct ip_prefix none;

static struct ip_prefix prefix(const char *text)
{
	struct ip_prefix p;

	assert_int_equal(prefix_parse(text, &p, NULL), 0);
	return p;
}

static int setup(void **state)
{
	memset(&config, 0, sizeof(config));
	memset(users, 0, sizeof(users));
	config.pool_count = 2;
	strcpy(config.pools[0].name, "none");
	strcpy(config.pools[1].name, "six");
	config.pools[1].prefixes6[0] = prefix("2001:db8:1::/62");
	config.pools[1].prefixes6[1] = prefix("2001:db8:2::/63");
	config.pools[1].prefix6_count = 2;
	config.users = users;
	config.user_count = 2;
	users[0].prefix6 = prefix("2001:db8:1:2::/64");
	users[1].prefix6 = prefix("2001:db8:9::/64");
	return 0;
}

static void gives_each_prefix_once(void **state)
{
	struct pools6 *pools = pools6_create(&config);
	struct ip_prefix taken[5], more;
	char user[8];

	assert_non_null(pools);
	assert_int_equal(pools6_info(pools, 1).size, 6);
	for (int i = 0; i < 5; i++) {
		snprintf(user, sizeof(user), "u%d", i);
		assert_int_equal(pools6_take(pools, "six", user, &none, &taken[i]), 0);
		assert_int_equal(taken[i].length, 64);
		assert_true(prefix_contains(&config.pools[1].prefixes6[0], &taken[i].address) ||
			    prefix_contains(&config.pools[1].prefixes6[1], &taken[i].address));
		assert_memory_not_equal(&taken[i], &users[0].prefix6, sizeof(taken[i]));
		for (int j = 0; j < i; j++)
			assert_memory_not_equal(&taken[i], &taken[j], sizeof(taken[i]));
	}
	// The sixth is some user's own.
	assert_int_equal(pools6_take(pools, "six", "x", &none, &more), -ENOSPC);
	assert_int_equal(pools6_take(pools, "six", "x", &users[0].prefix6, &more), 0);
	assert_int_equal(pools6_info(pools, 1).used, 6);
	pools6_give(pools, &taken[3]);
	pools6_give(pools, &taken[3]);
	assert_int_equal(pools6_info(pools, 1).used, 5);
	assert_int_equal(pools6_take(pools, "six", "x", &none, &more), 0);
	assert_memory_equal(&more, &taken[3], sizeof(more));
	pools6_free(pools);
}

static void gives_a_user_the_same_again(void **state)
{
	struct pools6 *pools = pools6_create(&config);
	struct ip_prefix first, other, again;

	assert_int_equal(pools6_take(pools, "six", "alice", &none, &first), 0);
	pools6_give(pools, &first);
	assert_int_equal(pools6_take(pools, "six", "bob", &none, &other), 0);
	pools6_give(pools, &other);
	assert_int_equal(pools6_take(pools, "six", "alice", &none, &again), 0);
	assert_memory_equal(&first, &again, sizeof(first));
	pools6_free(pools);
}

static void knows_fixed_prefixes(void **state)
{
	struct pools6 *pools = pools6_create(&config);
	const struct ip_prefix foreign = prefix("2001:db8:77::/64");
	struct ip_prefix out;

	assert_int_equal(pools6_take(pools, "", "bob", &users[1].prefix6, &out), 0);
	assert_memory_equal(&out, &users[1].prefix6, sizeof(out));
	assert_int_equal(pools6_take(pools, "", "bob", &users[1].prefix6, &out), -EADDRINUSE);
	pools6_give(pools, &users[1].prefix6);
	assert_int_equal(pools6_take(pools, "", "bob", &users[1].prefix6, &out), 0);
	// One that nobody in the config has, as RADIUS may say.
	assert_int_equal(pools6_take(pools, "", "bob", &foreign, &out), 0);
	assert_int_equal(pools6_take(pools, "", "eve", &foreign, &out), -EADDRINUSE);
	assert_int_equal(pools6_take(pools, "none", "bob", &none, &out), -ENOENT);
	assert_int_equal(pools6_take(pools, "", "bob", &none, &out), -ENOENT);
	assert_int_equal(pools6_take(pools, "nowhere", "bob", &none, &out), -ENOENT);
	pools6_give(pools, &foreign);
	assert_int_equal(pools6_take(pools, "", "eve", &foreign, &out), 0);
	pools6_give(pools, &none);
	pools6_free(pools);
}

static int setup_delegated(void **state)
{
	setup(state);
	config.pools[1].delegated[0] = prefix("2001:db8:d000::/54");
	config.pools[1].delegated[1] = prefix("2001:db8:e000::/55");
	config.pools[1].delegated_count = 2;
	config.pools[1].delegated_length = 56;
	users[0].delegated = prefix("2001:db8:d000:100::/56");
	users[1].delegated = prefix("2001:db8:f000::/48");
	return 0;
}

static void delegates(void **state)
{
	struct pools6 *pools = pools6_create(&config);
	const struct ip_prefix wish = prefix("2001:db8:e000:100::/56");
	const struct ip_prefix kept = users[0].delegated, inside = prefix("2001:db8:d000::/64");
	struct ip_prefix out, taken[6];
	char user[8];

	assert_int_equal(pools6_delegated_info(pools, 1).size, 6);
	assert_int_equal(pools6_delegate(pools, "six", "alice", &none, &wish, &out), 0);
	assert_memory_equal(&out, &wish, sizeof(out));
	// Neither what is out, nor what is another user's, nor what is no prefix of the pool.
	assert_int_equal(pools6_delegate(pools, "six", "bob", &none, &wish, &taken[0]), 0);
	assert_memory_not_equal(&taken[0], &wish, sizeof(out));
	assert_int_equal(pools6_delegate(pools, "six", "carol", &none, &kept, &taken[1]), 0);
	assert_memory_not_equal(&taken[1], &kept, sizeof(out));
	assert_int_equal(pools6_delegate(pools, "six", "dave", &none, &inside, &taken[2]), 0);
	assert_int_equal(taken[2].length, 56);
	assert_int_equal(pools6_delegate(pools, "six", "erin", &none, NULL, &taken[3]), 0);
	assert_int_equal(pools6_delegate(pools, "six", "frank", &none, NULL, &out), -ENOSPC);
	assert_int_equal(pools6_delegate(pools, "six", "u", &users[0].delegated, NULL, &out), 0);
	assert_int_equal(pools6_delegated_info(pools, 1).used, 6);
	assert_int_equal(
		pools6_delegate(pools, "six", "u", &users[0].delegated, NULL, &out), -EADDRINUSE);
	for (int i = 0; i < 4; i++)
		pools6_give(pools, &taken[i]);
	pools6_give(pools, &users[0].delegated);
	pools6_give(pools, &users[0].delegated);
	assert_int_equal(pools6_delegated_info(pools, 1).used, 1);
	// Whoever was there in between.
	for (int i = 0; i < 2; i++) {
		snprintf(user, sizeof(user), "u%d", i);
		assert_int_equal(pools6_delegate(pools, "six", user, &none, NULL, &taken[4]), 0);
		pools6_give(pools, &taken[4]);
	}
	assert_int_equal(pools6_delegate(pools, "six", "erin", &none, NULL, &out), 0);
	assert_memory_equal(&out, &taken[3], sizeof(out));
	assert_int_equal(pools6_delegate(pools, "six", "v", &users[1].delegated, NULL, &out), 0);
	assert_int_equal(out.length, 48);
	assert_int_equal(pools6_delegate(pools, "none", "v", &none, NULL, &out), -ENOENT);
	assert_int_equal(pools6_info(pools, 1).used, 0);
	pools6_free(pools);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(gives_each_prefix_once, setup),
		cmocka_unit_test_setup(gives_a_user_the_same_again, setup),
		cmocka_unit_test_setup(knows_fixed_prefixes, setup),
		cmocka_unit_test_setup(delegates, setup_delegated),
	};

	return cmocka_run_group_tests_name("pool6", tests, NULL, NULL);
}

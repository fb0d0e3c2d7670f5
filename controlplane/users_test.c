// SPDX-License-Identifier: Apache-2.0

#include "users.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_find(void **state)
{
	enum { N = 1000 };
	static struct config config;
	static struct config_user list[N];
	struct users *users;

	for (int i = 0; i < N; i++)
		snprintf(list[i].name, sizeof(list[i].name), "user%d", (i * 7919) % N);
	config.users = list;
	config.user_count = N;
	users = users_create(&config);
	for (int i = 0; i < N; i++) {
		char name[32];
		const struct config_user *u;

		snprintf(name, sizeof(name), "user%d", i);
		u = users_find(users, name, strlen(name));
		assert_non_null(u);
		assert_string_equal(u->name, name);
	}
	assert_null(users_find(users, "user", 4));
	assert_null(users_find(users, "user10000", 9));
	assert_null(users_find(users, "user1\0", 6));
	assert_null(users_find(users, "USER1", 5));
	assert_null(users_find(users, "", 0));
	assert_null(users_find(users, "\xff\xff", 2));
	users_free(users);
	config.user_count = 0;
	users = users_create(&config);
	assert_null(users_find(users, "user1", 5));
	users_free(users);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_find)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

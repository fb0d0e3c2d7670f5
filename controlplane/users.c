// SPDX-License-Identifier: Apache-2.0

// An array of pointers, sorted by name once, and a binary search.

#include "users.h"

#include "controlplane/auth/auth.h"

#include <stdlib.h>
#include <string.h>

struct users {
	uint32_t count;
	const struct config_user *sorted[];
};

struct key {
	const void *name;
	size_t length;
};

static int by_name(const void *a, const void *b)
{
	const struct config_user *const *left = a;
	const struct config_user *const *right = b;

	return strcmp((*left)->name, (*right)->name);
}

static int against_key(const void *key, const void *element)
{
	const struct key *k = key;
	const struct config_user *const *user = element;
	size_t length = strlen((*user)->name);
	int order = memcmp(k->name, (*user)->name, k->length < length ? k->length : length);

	if (order)
		return order;
	return (k->length > length) - (k->length < length);
}

struct users *users_create(const struct config *config)
{
	struct users *users =
		malloc(sizeof(*users) + config->user_count * sizeof(struct config_user *));

	if (!users)
		return NULL;
	users->count = config->user_count;
	for (uint32_t i = 0; i < users->count; i++)
		users->sorted[i] = &config->users[i];
	if (users->count)
		qsort(users->sorted, users->count, sizeof(users->sorted[0]), by_name);
	return users;
}

void users_free(struct users *users)
{
	free(users);
}

const struct config_user *users_find(const struct users *users, const void *name, size_t length)
{
	const struct key key = {.name = name, .length = length};
	const struct config_user *const *found;

	if (length == 0 || users->count == 0)
		return NULL;
	found = bsearch(&key, users->sorted, users->count, sizeof(users->sorted[0]), against_key);
	return found ? *found : NULL;
}

// What an unknown user's answer is checked against.
static const char no_password[] = "the password of nobody";

const struct config_user *users_judge(const struct users *users,
	const struct ppp_credentials *credentials, struct ppp_verdict *verdict, const char **reason)
{
	const struct config_user *user =
		users_find(users, credentials->name, credentials->name_length);
	int error;

	*reason = NULL;
	if (credentials->method == PPP_AUTH_EAP) {
		*verdict = (struct ppp_verdict){.turn = EAP_OURS};
		return NULL;
	}
	error = auth_check(credentials, user ? user->password : no_password, verdict);
	if (error == 0 && user && verdict->accepted)
		return user;
	*reason = error < 0 ? "malformed answer" : user ? "wrong password" : "unknown user";
	if (verdict->accepted)
		*verdict = (struct ppp_verdict){.mschap_error = 691};
	return NULL;
}

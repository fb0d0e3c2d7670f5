// SPDX-License-Identifier: Apache-2.0
#pragma once

// The users of the config by name. A name is raw bytes from the wire and must match whole. The
// search may take longer for one name than for another, since names are no secret; what a password
// is compared with is auth/auth.h's business, which takes its time even for a user who does not
// exist.

#include "contract/config.h"

#include <stddef.h>

struct users;

// The config must outlive it. NULL without memory.
struct users *users_create(const struct config *config);
void users_free(struct users *users);

// NULL when there is none of that name. A name with a NUL in it is nobody's.
const struct config_user *users_find(const struct users *users, const void *name, size_t length);

// The verdict on what somebody has answered: the user, or NULL and *reason in words for the log. An
// unknown user takes as long as a known one, and is told the same.
struct ppp_credentials;
struct ppp_verdict;
const struct config_user *users_judge(const struct users *users,
	const struct ppp_credentials *credentials, struct ppp_verdict *verdict,
	const char **reason);

// SPDX-License-Identifier: Apache-2.0
#pragma once

// Which group a user is in, and what that means for a session.

#include "contract/config.h"
#include "contract/messages.h"

// The user's own group, or the default one; NULL without either, and for no user.
const struct config_group *group_of_user(
	const struct config *config, const struct config_user *user);
// Puts number and rates of that group into the command; without one nothing changes.
void group_form(const struct config *config, const struct config_user *user,
	struct command_session_set *out);

// SPDX-License-Identifier: Apache-2.0

#include "group.h"

#include <stddef.h>

const struct config_group *group_of_user(
	const struct config *config, const struct config_user *user)
{
	uint16_t number = 0;

	if (user)
		number = config_group_number(
			config, user->group[0] ? user->group : config->default_group);
	return number ? &config->groups[number - 1] : NULL;
}

static struct rate rate_form(const struct config_rate *r)
{
	return (struct rate){.kbit = r->kbit, .burst = r->burst};
}

void group_form(const struct config *config, const struct config_user *user,
	struct command_session_set *out)
{
	const struct config_group *group = group_of_user(config, user);

	if (!group)
		return;
	out->group = (uint16_t)(group - config->groups + 1);
	out->police_uplink = rate_form(&group->police_uplink);
	out->police_downlink = rate_form(&group->police_downlink);
	out->shape_downlink = rate_form(&group->shape_downlink);
}

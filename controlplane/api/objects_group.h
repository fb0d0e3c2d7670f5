// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the API shows of groups and filters: the config, whether the dataplane has it, and what the
// workers counted. The functions are those of struct api_source; context is struct objects.

#include "api.h"

json_t *objects_group_groups(void *context, const struct api_query *query);
json_t *objects_group_filters(void *context, const struct api_query *query);
// Puts the group of a subscriber and its rates into the object; group may be NULL.
void objects_group_set(json_t *object, const struct config_group *group);

// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the API shows of algorithms and keys: who uses which, and who could not connect any more if
// some were forbidden. The functions are those of struct api_source; context is struct objects.

#include "api.h"

json_t *objects_policy_algorithms(void *context, const struct api_query *query);
json_t *objects_policy_check(void *context, const struct api_query *query);
json_t *objects_policy_psks(void *context, const struct api_query *query);

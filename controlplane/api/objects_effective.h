// SPDX-License-Identifier: Apache-2.0
#pragma once

// What holds for a user, and where each value comes from: of each of his sessions, and when he has
// none what the config says of him.

#include "api.h"

json_t *objects_effective(void *context, const struct api_query *query);

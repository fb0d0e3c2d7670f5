// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the API shows of RADIUS servers: each with a line for authentication and one for accounting,
// and what it sent that was dropped. The function is one of struct api_source; context is struct
// objects.

#include "api.h"

json_t *objects_radius(void *context, const struct api_query *query);

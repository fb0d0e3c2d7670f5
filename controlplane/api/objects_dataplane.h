// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the API shows of the dataplane: workers, ports and drops, read from the stats segment. The
// functions are those of struct api_source; without a dataplane their lists are empty.

#include "api.h"

json_t *objects_dataplane_workers(void *context, const struct api_query *query);
json_t *objects_dataplane_ports(void *context, const struct api_query *query);
json_t *objects_dataplane_drops(void *context, const struct api_query *query);
// Its part of /v1/status.
json_t *objects_dataplane_status(void);

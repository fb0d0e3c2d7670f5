// SPDX-License-Identifier: Apache-2.0
#pragma once

// What takes two cores: two workers against one, and the two ways of being idle.

#include "house.h"

#include <jansson.h>
#include <stdbool.h>

// The gateway must have been opened with two workers, and the second lcore be idle. Adds "workers",
// "idle" and "round_trip_ns" to the report. quick: only shows that all runs. 0 or -errno.
int threads_run(struct house *h, json_t *report, bool quick);

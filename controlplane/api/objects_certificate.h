// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the API shows of certificates: ours and those of our authorities, the days that they have
// left, and what the authorities have revoked. The function is one of struct api_source; context is
// struct objects.

#include "api.h"

json_t *objects_certificate_certificates(void *context, const struct api_query *query);

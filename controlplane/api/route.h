// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "api.h"

#include <microhttpd.h>

// Answers one request, or one piece of it, as libmicrohttpd hands it over. loopback: it came by
// TCP, where a browser can be made to ask, so Host is looked at as well.
enum MHD_Result route_request(const struct api_source *source, bool loopback,
	struct MHD_Connection *connection, const char *url, const char *method, size_t *upload_size,
	void **request);

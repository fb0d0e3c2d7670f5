// SPDX-License-Identifier: Apache-2.0

// Any packet that parses, as a proven CoA-Request or Disconnect-Request.

#include "coa_request.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct config config = {.l2tp.host_name = "culvert"};
	static struct coa_request r;
	struct radius_cursor cursor = {0};
	struct radius_attribute a;
	struct radius_packet p;

	if (radius_parse(data, size, &p) < 0)
		return 0;
	coa_request_read(&config, &p, &r);
	// What it passes on is a packet too.
	if (r.change.length < RADIUS_HEADER || r.change.length > RADIUS_PACKET)
		abort();
	while (radius_next(&r.change, &cursor, &a))
		if (a.length > RADIUS_VALUE)
			abort();
	return 0;
}

// SPDX-License-Identifier: Apache-2.0

#include "domain.h"

#include <string.h>

enum { LABEL = 63 };

size_t domain_encode(const char *name, uint8_t out[DOMAIN_BYTES])
{
	size_t length = 0;

	while (*name) {
		size_t label = strcspn(name, ".");

		if (label == 0 || label > LABEL || length + 1 + label + 1 > DOMAIN_BYTES)
			return 0;
		out[length] = (uint8_t)label;
		memcpy(out + length + 1, name, label);
		length += 1 + label;
		name += label;
		name += *name == '.';
	}
	if (length)
		out[length++] = 0;
	return length;
}

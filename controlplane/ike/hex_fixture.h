// SPDX-License-Identifier: Apache-2.0
#pragma once

// Bytes of test vectors, as hex digits.

#include "wire.h"

#include <stdlib.h>

struct bytes {
	uint8_t at[256];
	size_t length;
};

static inline struct bytes unhex(const char *text)
{
	struct bytes b = {.length = strlen(text) / 2};

	for (size_t i = 0; i < b.length; i++) {
		const char pair[3] = {text[2 * i], text[2 * i + 1], 0};

		b.at[i] = (uint8_t)strtoul(pair, NULL, 16);
	}
	return b;
}

static inline struct span span(const struct bytes *b)
{
	return SPAN(b->at, b->length);
}

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stddef.h>

// Text for the log that grows in a buffer of size bytes and is cut at its end.
struct text {
	char *out;
	size_t size, length;
};

void text_add(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

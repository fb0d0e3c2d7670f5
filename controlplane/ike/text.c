// SPDX-License-Identifier: Apache-2.0

// See text.h.

#include "text.h"

#include <stdarg.h>
#include <stdio.h>

void text_add(struct text *t, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(t->out + t->length, t->size - t->length, format, args);
	va_end(args);
	if (n > 0)
		t->length += (size_t)n;
	if (t->length >= t->size)
		t->length = t->size - 1;
}

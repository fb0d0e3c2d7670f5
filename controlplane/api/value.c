// SPDX-License-Identifier: Apache-2.0

#include "value.h"

#include "controlplane/log.h"

#include <string.h>

json_t *value_number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

json_t *value_wire(const char *bytes, size_t most)
{
	char text[VALUE_TEXT];
	size_t n = strnlen(bytes, most);

	return n ? json_string(log_text(bytes, n, text, sizeof(text))) : json_null();
}

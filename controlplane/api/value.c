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

json_t *value_text(const char *text)
{
	return text && *text ? json_string(text) : json_null();
}

json_t *value_address(const struct ip_address *a)
{
	char text[ADDRESS_TEXT];

	return a->version == IP_NONE ? json_null() : json_string(address_format(a, text));
}

json_t *value_prefix(const struct ip_prefix *p)
{
	char text[ADDRESS_TEXT];

	return p->address.version == IP_NONE ? json_null() : json_string(prefix_format(p, text));
}

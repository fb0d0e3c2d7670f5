// SPDX-License-Identifier: Apache-2.0

#include "attribute.h"

#include <errno.h>
#include <string.h>

int attribute_number(const struct radius_attribute *a, uint32_t *out)
{
	struct view v = view_of(a->value, a->length);

	*out = view_u32(&v);
	return v.failed || view_left(&v) ? -EBADMSG : 0;
}

int attribute_address(
	const struct radius_attribute *a, enum ip_version version, struct ip_address *out)
{
	if (a->length != (version == IP_V4 ? 4 : 16))
		return -EBADMSG;
	*out = version == IP_V4 ? address_v4(a->value) : address_v6(a->value);
	return 0;
}

int attribute_prefix6(const struct radius_attribute *a, struct ip_prefix *out)
{
	struct view v = view_of(a->value, a->length);
	uint8_t bytes[16] = {0}, bits, mask;
	size_t n;

	view_skip(&v, 1);
	bits = view_u8(&v);
	n = view_left(&v);
	if (v.failed || bits > 128 || n > sizeof(bytes) || n * 8 < bits)
		return -EBADMSG;
	view_copy(&v, bytes, n);
	for (unsigned i = 0; i < sizeof(bytes); i++) {
		mask = i * 8 >= bits ? 0xff : bits - i * 8 >= 8 ? 0 : 0xff >> (bits - i * 8);
		if (bytes[i] & mask)
			return -EBADMSG;
	}
	*out = (struct ip_prefix){.address = address_v6(bytes), .length = bits};
	return 0;
}

int attribute_text(const struct radius_attribute *a, char out[VALUE_TEXT])
{
	if (a->length == 0 || memchr(a->value, 0, a->length))
		return -EBADMSG;
	memcpy(out, a->value, a->length);
	out[a->length] = '\0';
	return 0;
}

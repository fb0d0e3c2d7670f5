// SPDX-License-Identifier: Apache-2.0
#pragma once

// Values of attributes. Pure; all return 0, or -EBADMSG for a length or a form that is not the
// type's.

#include "wire.h"

enum { VALUE_TEXT = RADIUS_VALUE + 1 }; // bytes of a text with its NUL

int attribute_number(const struct radius_attribute *a, uint32_t *out);
// 4 or 16 bytes.
int attribute_address(
	const struct radius_attribute *a, enum ip_version version, struct ip_address *out);
// RFC 3162 section 2.3: as many bytes as the length asks for or more, and no bits behind it.
int attribute_prefix6(const struct radius_attribute *a, struct ip_prefix *out);
// Not empty, and without a NUL.
int attribute_text(const struct radius_attribute *a, char out[VALUE_TEXT]);

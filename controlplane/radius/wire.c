// SPDX-License-Identifier: Apache-2.0

// Reading RADIUS packets (RFC 2865 section 3 and 5). A packet that radius_parse took can be walked
// without any further check of lengths but those inside of Vendor-Specific.
// Proofs are in wire_prove.c, writing is in wire_build.c.

#include "wire.h"
#include "wire_internal.h"

#include <errno.h>
#include <string.h>

static bool attributes_fit(struct view v)
{
	while (view_left(&v)) {
		view_skip(&v, 1);

		uint8_t length = view_u8(&v);

		if (length < ATTRIBUTE_HEADER)
			return false;
		view_skip(&v, length - ATTRIBUTE_HEADER);
	}
	return !v.failed;
}

int radius_parse(const uint8_t *bytes, size_t length, struct radius_packet *out)
{
	struct view v = view_of(bytes, length);

	memset(out, 0, sizeof(*out));
	if (length < RADIUS_HEADER)
		return -EBADMSG;
	out->code = view_u8(&v);
	out->id = view_u8(&v);
	out->bytes = bytes;
	out->length = view_u16(&v);
	if (out->length < RADIUS_HEADER || out->length > RADIUS_PACKET || out->length > length)
		return -EBADMSG;
	view_copy(&v, out->authenticator, RADIUS_AUTHENTICATOR);
	if (!attributes_fit(view_of(bytes + RADIUS_HEADER, out->length - RADIUS_HEADER)))
		return -EBADMSG;
	return 0;
}

// Is a Vendor-Specific value as RFC 2865 section 5.26 recommends it: a vendor, then one or more
// attributes that fill it to its end? Some vendors have other forms, which nobody can guess.
static bool is_recommended(const uint8_t *value, size_t length)
{
	struct view v = view_of(value, length);

	return view_u32(&v) && view_left(&v) && attributes_fit(v);
}

bool radius_next(const struct radius_packet *packet, struct radius_cursor *cursor,
	struct radius_attribute *out)
{
	size_t at = cursor->at ? cursor->at : RADIUS_HEADER;
	const uint8_t *p = packet->bytes + at;
	bool inside = at < cursor->vendor_end;

	if (at >= packet->length)
		return false;
	if (!inside && p[0] == TYPE_VENDOR_SPECIFIC &&
		is_recommended(p + ATTRIBUTE_HEADER, p[1] - ATTRIBUTE_HEADER)) {
		struct view v = view_of(p + ATTRIBUTE_HEADER, VENDOR_ID);

		cursor->vendor = view_u32(&v);
		cursor->vendor_end = at + p[1];
		at += ATTRIBUTE_HEADER + VENDOR_ID;
		p += ATTRIBUTE_HEADER + VENDOR_ID;
		inside = true;
	}
	*out = (struct radius_attribute){
		.vendor = inside ? cursor->vendor : 0,
		.type = p[0],
		.value = p + ATTRIBUTE_HEADER,
		.length = p[1] - ATTRIBUTE_HEADER,
	};
	cursor->at = at + p[1];
	return true;
}

bool radius_find(const struct radius_packet *packet, uint8_t type, struct radius_attribute *out)
{
	struct radius_cursor cursor = {0};

	while (radius_next(packet, &cursor, out))
		if (!out->vendor && out->type == type)
			return true;
	return false;
}

// SPDX-License-Identifier: Apache-2.0

// See l2tp_header.h. Reserved bits are ignored, as the RFC asks.

#include "dataplane/l2tp_header.h"

#include "contract/view.h"

#include <errno.h>

// The rest of a data message after flags and length.
static int data_parse(const uint8_t *bytes, struct view *v, struct l2tp_header *h)
{
	h->tunnel = view_u16(v);
	h->session = view_u16(v);
	if (h->flags & L2TP_SEQUENCE) {
		h->ns = view_u16(v);
		view_skip(v, 2); // Nr is reserved in data messages
	}
	if (h->flags & L2TP_OFFSET)
		view_skip(v, view_u16(v));
	if (v->failed)
		return -EBADMSG;
	h->payload = (uint16_t)(v->at - bytes);
	h->end = (uint16_t)(v->end - bytes);
	return 0;
}

int l2tp_header_parse(const uint8_t *bytes, size_t length, struct l2tp_header *h)
{
	struct view v = view_of(bytes, length);

	*h = (struct l2tp_header){.flags = view_u16(&v)};
	if (v.failed || length > UINT16_MAX)
		return -EBADMSG;
	if ((h->flags & L2TP_VERSION_MASK) != L2TP_VERSION)
		return -EPROTONOSUPPORT;
	if (h->flags & L2TP_TYPE)
		return 0;
	if (h->flags & L2TP_LENGTH) {
		uint16_t said = view_u16(&v);

		if (v.failed || said > length || said < v.at - bytes)
			return -EBADMSG;
		v.end = bytes + said; // what follows is padding
	}
	return data_parse(bytes, &v, h);
}

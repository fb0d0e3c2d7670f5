// SPDX-License-Identifier: Apache-2.0

#include "wire.h"

#include "avp.h"

#include <errno.h>

enum {
	FLAG_CONTROL = 0x8000,
	FLAG_LENGTH = 0x4000,
	FLAG_SEQUENCE = 0x0800,
	FLAG_OFFSET = 0x0200,
	FLAG_PRIORITY = 0x0100,
	FLAGS_SENT = FLAG_CONTROL | FLAG_LENGTH | FLAG_SEQUENCE,
	VERSION_MASK = 0x000f,
	VERSION = 2,
	LENGTH_OFFSET = 2,

	AVP_MANDATORY = 0x8000,
	AVP_HIDDEN = 0x4000,
	AVP_RESERVED = 0x3c00,
	AVP_LENGTH = 0x03ff,
};

// The bits that are fixed for a control message; the others are ignored (section 3.1).
static int check_flags(uint16_t flags)
{
	if ((flags & VERSION_MASK) != VERSION)
		return -EPROTONOSUPPORT;
	if ((flags & (FLAGS_SENT | FLAG_OFFSET | FLAG_PRIORITY)) != FLAGS_SENT)
		return -EINVAL;
	return 0;
}

int wire_header_parse(const uint8_t *message, size_t length, struct wire_header *out)
{
	struct view v;
	uint16_t flags, said;
	int error;

	*out = (struct wire_header){0};
	if (length < 2)
		return -EBADMSG;
	v = view_of(message, length);
	flags = view_u16(&v);
	said = view_u16(&v);
	out->tunnel = view_u16(&v);
	out->session = view_u16(&v);
	out->ns = view_u16(&v);
	out->nr = view_u16(&v);
	error = check_flags(flags);
	if (error)
		return error;
	if (v.failed || said < WIRE_HEADER || said > length)
		return -EBADMSG;
	out->avps = view_sub(&v, said - WIRE_HEADER);
	return 0;
}

int wire_avp_next(struct view *avps, struct wire_avp *out)
{
	uint16_t first;
	uint16_t length;

	if (view_left(avps) == 0)
		return 0;
	first = view_u16(avps);
	length = first & AVP_LENGTH;
	out->mandatory = first & AVP_MANDATORY;
	out->hidden = first & AVP_HIDDEN;
	out->reserved = first & AVP_RESERVED;
	out->vendor = view_u16(avps);
	out->type = view_u16(avps);
	if (avps->failed || length < WIRE_AVP_HEADER)
		return -EBADMSG;
	out->length = length - WIRE_AVP_HEADER;
	out->value = view_take(avps, out->length);
	return out->value ? 1 : -EBADMSG;
}

struct build wire_message_begin(
	void *buffer, size_t size, uint16_t tunnel, uint16_t session, uint16_t type)
{
	struct build b = build_in(buffer, size);

	build_u16(&b, FLAGS_SENT | VERSION);
	build_u16(&b, 0);
	build_u16(&b, tunnel);
	build_u16(&b, session);
	build_u32(&b, 0);
	wire_avp_u16(&b, AVP_MESSAGE_TYPE, true, type);
	return b;
}

int wire_message_end(struct build *b)
{
	if (b->failed)
		return -EMSGSIZE;
	build_patch_u16(b, LENGTH_OFFSET, build_length(b));
	return build_length(b);
}

void wire_zlb(uint8_t *out, uint16_t tunnel, uint16_t ns, uint16_t nr)
{
	struct build b = build_in(out, WIRE_HEADER);

	build_u16(&b, FLAGS_SENT | VERSION);
	build_u16(&b, WIRE_HEADER);
	build_u16(&b, tunnel);
	build_u16(&b, 0);
	build_u16(&b, ns);
	build_u16(&b, nr);
}

static void avp_header(struct build *b, uint16_t type, bool mandatory, size_t length)
{
	if (length > WIRE_AVP_MAX - WIRE_AVP_HEADER) {
		b->failed = true;
		return;
	}
	build_u16(b, (mandatory ? AVP_MANDATORY : 0) | (WIRE_AVP_HEADER + length));
	build_u16(b, 0);
	build_u16(b, type);
}

void wire_avp_bytes(
	struct build *b, uint16_t type, bool mandatory, const void *value, size_t length)
{
	avp_header(b, type, mandatory, length);
	build_bytes(b, value, length);
}

void wire_avp_u16(struct build *b, uint16_t type, bool mandatory, uint16_t value)
{
	avp_header(b, type, mandatory, 2);
	build_u16(b, value);
}

void wire_avp_u32(struct build *b, uint16_t type, bool mandatory, uint32_t value)
{
	avp_header(b, type, mandatory, 4);
	build_u32(b, value);
}

void wire_avp_result(struct build *b, uint16_t result, uint16_t error, const char *text)
{
	size_t length = text ? strnlen(text, WIRE_TEXT_MAX) : 0;
	bool more = error || length;

	avp_header(b, AVP_RESULT_CODE, true, 2 + (more ? 2 + length : 0));
	build_u16(b, result);
	if (!more)
		return;
	build_u16(b, error);
	build_bytes(b, text, length);
}

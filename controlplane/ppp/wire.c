// SPDX-License-Identifier: Apache-2.0

// Both directions of the control packets' bytes. Nothing here knows a state: a parser says what
// lies where, and what the lengths allow; whether that makes sense is for fsm, lcp, ipcp, pap
// and chap to say.

#include "wire.h"

#include <errno.h>

int wire_control_parse(struct view packet, struct wire_control *out)
{
	uint16_t length;

	out->code = view_u8(&packet);
	out->id = view_u8(&packet);
	length = view_u16(&packet);
	if (packet.failed || length < WIRE_HEADER)
		return -EBADMSG;
	out->body = view_sub(&packet, length - WIRE_HEADER);
	return out->body.failed ? -EBADMSG : 0;
}

int wire_option_next(struct view *list, struct wire_option *out)
{
	uint8_t length;

	if (view_left(list) == 0)
		return 0;
	out->type = view_u8(list);
	length = view_u8(list);
	if (list->failed || length < WIRE_OPTION_HEADER)
		return -EBADMSG;
	out->data = view_sub(list, length - WIRE_OPTION_HEADER);
	return out->data.failed ? -EBADMSG : 1;
}

bool wire_options_valid(struct view list)
{
	struct wire_option option;
	int more;

	do
		more = wire_option_next(&list, &option);
	while (more > 0);
	return more == 0;
}

int wire_pap_parse(struct view body, struct wire_pap *out)
{
	out->name = view_sub(&body, view_u8(&body));
	out->password = view_sub(&body, view_u8(&body));
	return body.failed || out->name.failed || out->password.failed ? -EBADMSG : 0;
}

int wire_chap_parse(struct view body, struct wire_chap *out)
{
	uint8_t size = view_u8(&body);

	out->value = view_sub(&body, size);
	if (size == 0 || body.failed)
		return -EBADMSG;
	out->name = view_sub(&body, view_left(&body));
	return 0;
}

void wire_begin(struct build *out, uint16_t protocol, uint8_t code, uint8_t id)
{
	build_u16(out, protocol);
	build_u8(out, code);
	build_u8(out, id);
	build_u16(out, 0);
}

size_t wire_finish(struct build *out)
{
	size_t length = build_length(out);

	if (out->failed || length > UINT16_MAX)
		return 0;
	build_patch_u16(out, WIRE_PROTOCOL + 2, (uint16_t)(length - WIRE_PROTOCOL));
	return length;
}

void wire_option_bytes(struct build *out, uint8_t type, const void *bytes, uint8_t length)
{
	if (length > UINT8_MAX - WIRE_OPTION_HEADER) {
		out->failed = true;
		return;
	}
	build_u8(out, type);
	build_u8(out, (uint8_t)(length + WIRE_OPTION_HEADER));
	build_bytes(out, bytes, length);
}

void wire_option_u16(struct build *out, uint8_t type, uint16_t v)
{
	wire_option_bytes(out, type, (const uint8_t[2]){v >> 8, v & 0xff}, 2);
}

void wire_option_u32(struct build *out, uint8_t type, uint32_t v)
{
	const uint8_t bytes[4] = {v >> 24, v >> 16 & 0xff, v >> 8 & 0xff, v & 0xff};

	wire_option_bytes(out, type, bytes, sizeof(bytes));
}

void wire_option_copy(struct build *out, const struct wire_option *option)
{
	wire_option_bytes(out, option->type, option->data.at, (uint8_t)view_left(&option->data));
}

void wire_view(struct build *out, struct view v, size_t max)
{
	size_t length = view_left(&v);

	build_bytes(out, v.at, length < max ? length : max);
}

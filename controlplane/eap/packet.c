// SPDX-License-Identifier: Apache-2.0

// See packet.h.

#include "packet.h"

#include <errno.h>

int eap_packet_parse(const uint8_t *packet, size_t length, struct eap_packet *out)
{
	struct view v = view_of(packet, length);
	uint16_t size;

	out->code = view_u8(&v);
	out->id = view_u8(&v);
	size = view_u16(&v);
	if (v.failed || size < EAP_HEADER || out->code < EAP_REQUEST || out->code > EAP_FAILURE)
		return -EBADMSG;
	out->length = size;
	out->data = view_sub(&v, size - EAP_HEADER);
	out->type = 0;
	if (out->code == EAP_REQUEST || out->code == EAP_RESPONSE)
		out->type = view_u8(&out->data);
	return v.failed || out->data.failed ? -EBADMSG : 0;
}

int eap_mschap_parse(struct view data, struct eap_mschap *out)
{
	uint16_t size;

	*out = (struct eap_mschap){.code = view_u8(&data)};
	if (data.failed)
		return -EBADMSG;
	if (out->code == EAP_MSCHAP_SUCCESS || out->code == EAP_MSCHAP_FAILURE)
		return 0;
	out->id = view_u8(&data);
	size = view_u16(&data);
	if (out->code != EAP_MSCHAP_RESPONSE || data.failed || size < EAP_MSCHAP_HEADER)
		return -EBADMSG;
	// Some clients count the bytes of EAP's header as well, so what is there counts.
	out->value = view_sub(&data, view_u8(&data));
	out->name = data;
	return data.failed || out->value.failed ? -EBADMSG : 0;
}

void eap_packet_begin(struct build *b, uint8_t code, uint8_t id, uint8_t type)
{
	build_u8(b, code);
	build_u8(b, id);
	build_u16(b, 0);
	if (type)
		build_u8(b, type);
}

size_t eap_packet_end(struct build *b)
{
	build_patch_u16(b, 2, build_length(b));
	return b->failed ? 0 : build_length(b);
}

void eap_mschap_begin(struct build *b, uint8_t eap_id, uint8_t code, uint8_t id)
{
	eap_packet_begin(b, EAP_REQUEST, eap_id, EAP_MSCHAPV2);
	build_u8(b, code);
	build_u8(b, id);
	build_u16(b, 0);
}

size_t eap_mschap_end(struct build *b)
{
	build_patch_u16(b, EAP_HEADER + 3, build_length(b) - EAP_HEADER - 1);
	return eap_packet_end(b);
}

// SPDX-License-Identifier: Apache-2.0

// See wire.h. One function for each structure of RFC 2408 section 3, all on the one cursor.

#include "wire.h"

#include <errno.h>

enum {
	GENERIC_HEADER = 4, // next payload, reserved, length (section 3.2)
	ATTRIBUTE_SHORT = 0x8000,
};

int isakmp_header_parse(const void *message, size_t length, struct isakmp_header *out)
{
	struct view v = view_of(message, length);

	view_copy(&v, out->initiator, ISAKMP_COOKIE);
	view_copy(&v, out->responder, ISAKMP_COOKIE);
	out->next = view_u8(&v);
	out->version = view_u8(&v);
	out->exchange = view_u8(&v);
	out->flags = view_u8(&v);
	out->message_id = view_u32(&v);
	out->length = view_u32(&v);
	if (v.failed || out->length < ISAKMP_HEADER || out->length > length)
		return -EBADMSG;
	return 0;
}

int isakmp_chain_parse(uint8_t first, const void *bytes, size_t length, struct isakmp_chain *out)
{
	struct view v = view_of(bytes, length);
	uint8_t type = first;

	out->count = 0;
	while (type != ISAKMP_END) {
		uint8_t next = view_u8(&v);
		uint16_t size;

		view_skip(&v, 1);
		size = view_u16(&v);
		if (v.failed || size < GENERIC_HEADER || out->count == ISAKMP_PAYLOADS)
			return -EBADMSG;
		out->parts[out->count].type = type;
		out->parts[out->count++].body = span_take(&v, size - GENERIC_HEADER);
		if (v.failed)
			return -EBADMSG;
		type = next;
	}
	out->end = v.at;
	return 0;
}

const struct isakmp_part *isakmp_chain_find(
	const struct isakmp_chain *chain, uint8_t type, size_t nth)
{
	for (size_t i = 0; i < chain->count; i++)
		if (chain->parts[i].type == type && nth-- == 0)
			return &chain->parts[i];
	return NULL;
}

// The transforms of one proposal, all of its bytes.
static int transforms_parse(struct view v, size_t count, struct isakmp_sa *out)
{
	for (size_t i = 0; i < count; i++) {
		struct isakmp_transform *t = &out->transforms[out->transform_count];
		struct view body;
		uint16_t size;

		view_skip(&v, 2);
		size = view_u16(&v);
		if (v.failed || size < GENERIC_HEADER || out->transform_count == ISAKMP_TRANSFORMS)
			return -EBADMSG;
		body = view_sub(&v, size - GENERIC_HEADER);
		t->number = view_u8(&body);
		t->id = view_u8(&body);
		view_skip(&body, 2);
		t->attributes = span_rest(&body);
		if (body.failed)
			return -EBADMSG;
		out->transform_count++;
	}
	return 0;
}

int isakmp_proposal_parse(
	struct view *v, struct isakmp_proposal *out, struct view *transforms, bool *more)
{
	uint16_t size;

	*more = view_u8(v) == ISAKMP_PROPOSAL;
	view_skip(v, 1);
	size = view_u16(v);
	if (v->failed || size < GENERIC_HEADER)
		return -EBADMSG;
	*transforms = view_sub(v, size - GENERIC_HEADER);
	out->number = view_u8(transforms);
	out->protocol = view_u8(transforms);
	out->spi.length = view_u8(transforms);
	out->count = view_u8(transforms);
	out->spi = span_take(transforms, out->spi.length);
	return transforms->failed ? -EBADMSG : 0;
}

// One proposal payload; *more says whether another follows.
static int proposal_parse(struct view *v, struct isakmp_sa *out, bool *more)
{
	struct isakmp_proposal *p = &out->proposals[out->proposal_count];
	struct view transforms;

	if (out->proposal_count == ISAKMP_PROPOSALS ||
		isakmp_proposal_parse(v, p, &transforms, more))
		return -EBADMSG;
	p->first = out->transform_count;
	if (p->spi.length > ISAKMP_SPI || transforms_parse(transforms, p->count, out))
		return -EBADMSG;
	out->proposal_count++;
	return 0;
}

int isakmp_sa_parse(struct span body, struct isakmp_sa *out)
{
	struct view v = span_view(body);
	bool more = true;

	out->proposal_count = out->transform_count = 0;
	if (view_u32(&v) != ISAKMP_DOI_IPSEC || view_u32(&v) != ISAKMP_SITUATION_IDENTITY)
		return -EBADMSG;
	while (more)
		if (proposal_parse(&v, out, &more))
			return -EBADMSG;
	return 0;
}

static uint64_t number_of(struct span s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s.length; i++) {
		if (n >> 56)
			return UINT64_MAX;
		n = n << 8 | s.at[i];
	}
	return n;
}

bool isakmp_attribute_next(struct span *rest, struct isakmp_attribute *out)
{
	struct view v = span_view(*rest);
	uint16_t type = view_u16(&v);
	uint16_t value = view_u16(&v);

	if (v.failed)
		return false;
	out->type = type & ~ATTRIBUTE_SHORT;
	out->bytes = (struct span){0};
	out->value = value;
	if (!(type & ATTRIBUTE_SHORT)) {
		out->bytes = span_take(&v, value);
		out->value = number_of(out->bytes);
	}
	if (v.failed)
		return false;
	*rest = span_rest(&v);
	return true;
}

int isakmp_id_parse(struct span body, struct isakmp_id_body *out)
{
	struct view v = span_view(body);

	out->type = view_u8(&v);
	out->protocol = view_u8(&v);
	out->port = view_u16(&v);
	out->data = span_rest(&v);
	return v.failed ? -EBADMSG : 0;
}

int isakmp_notify_parse(struct span body, struct isakmp_notify_body *out)
{
	struct view v = span_view(body);
	uint8_t spi_size;

	view_skip(&v, 4); // the DOI: some peers send 0
	out->protocol = view_u8(&v);
	spi_size = view_u8(&v);
	out->type = view_u16(&v);
	out->spi = span_take(&v, spi_size);
	out->data = span_rest(&v);
	return v.failed ? -EBADMSG : 0;
}

int isakmp_delete_parse(struct span body, struct isakmp_delete_body *out)
{
	struct view v = span_view(body);

	view_skip(&v, 4);
	out->protocol = view_u8(&v);
	out->spi_size = view_u8(&v);
	out->count = view_u16(&v);
	out->spis = span_take(&v, (size_t)out->count * out->spi_size);
	return v.failed ? -EBADMSG : 0;
}

int isakmp_nat_oa_parse(struct span body, struct ip_address *address)
{
	struct view v = span_view(body);
	uint8_t type = view_u8(&v), bytes[16];

	view_skip(&v, 3);
	if (type != ID_IPV4_ADDR && type != ID_IPV6_ADDR)
		return -EBADMSG;
	view_copy(&v, bytes, type == ID_IPV6_ADDR ? 16 : 4);
	if (v.failed)
		return -EBADMSG;
	*address = type == ID_IPV6_ADDR ? address_v6(bytes) : address_v4(bytes);
	return 0;
}

void isakmp_put_address(struct build *b, const struct ip_address *address)
{
	build_bytes(b, address->bytes, address->version == IP_V6 ? 16 : 4);
}

uint8_t isakmp_id_type(const struct ip_address *address)
{
	return address->version == IP_V6 ? ID_IPV6_ADDR : ID_IPV4_ADDR;
}

struct isakmp_out isakmp_out_begin(void *buffer, size_t size, const struct isakmp_header *h)
{
	struct isakmp_out o = {.b = build_in(buffer, size)};

	build_bytes(&o.b, h->initiator, ISAKMP_COOKIE);
	build_bytes(&o.b, h->responder, ISAKMP_COOKIE);
	o.next_at = build_length(&o.b);
	build_u8(&o.b, ISAKMP_END);
	build_u8(&o.b, h->version);
	build_u8(&o.b, h->exchange);
	build_u8(&o.b, h->flags);
	build_u32(&o.b, h->message_id);
	build_u32(&o.b, 0);
	return o;
}

void isakmp_out_open(struct isakmp_out *o, uint8_t type)
{
	if (!o->b.failed)
		o->b.start[o->next_at] = type;
	o->open_at = o->next_at = build_length(&o->b);
	build_u32(&o->b, 0);
}

void isakmp_out_close(struct isakmp_out *o)
{
	build_patch_u16(&o->b, o->open_at + 2, build_length(&o->b) - o->open_at);
}

void isakmp_out_payload(struct isakmp_out *o, uint8_t type, const void *body, size_t length)
{
	isakmp_out_open(o, type);
	build_bytes(&o->b, body, length);
	isakmp_out_close(o);
}

void isakmp_out_notify(struct isakmp_out *o, uint8_t protocol, const void *spi, size_t spi_size,
	uint16_t type, const void *data, size_t length)
{
	isakmp_out_open(o, ISAKMP_NOTIFY);
	build_u32(&o->b, ISAKMP_DOI_IPSEC);
	build_u8(&o->b, protocol);
	build_u8(&o->b, spi_size);
	build_u16(&o->b, type);
	build_bytes(&o->b, spi, spi_size);
	build_bytes(&o->b, data, length);
	isakmp_out_close(o);
}

void isakmp_out_delete(
	struct isakmp_out *o, uint8_t protocol, uint8_t spi_size, uint16_t count, const void *spis)
{
	isakmp_out_open(o, ISAKMP_DELETE);
	build_u32(&o->b, ISAKMP_DOI_IPSEC);
	build_u8(&o->b, protocol);
	build_u8(&o->b, spi_size);
	build_u16(&o->b, count);
	build_bytes(&o->b, spis, (size_t)spi_size * count);
	isakmp_out_close(o);
}

void isakmp_out_sa(struct isakmp_out *o, const struct isakmp_proposal *proposal, const void *spi,
	size_t spi_size, const struct isakmp_transform *transform)
{
	size_t transform_size = GENERIC_HEADER + 4 + transform->attributes.length;

	isakmp_out_open(o, ISAKMP_SA);
	build_u32(&o->b, ISAKMP_DOI_IPSEC);
	build_u32(&o->b, ISAKMP_SITUATION_IDENTITY);
	build_u16(&o->b, 0); // no further proposal
	build_u16(&o->b, GENERIC_HEADER + 4 + spi_size + transform_size);
	build_u8(&o->b, proposal->number);
	build_u8(&o->b, proposal->protocol);
	build_u8(&o->b, spi_size);
	build_u8(&o->b, 1);
	build_bytes(&o->b, spi, spi_size);
	build_u16(&o->b, 0); // no further transform
	build_u16(&o->b, transform_size);
	build_u8(&o->b, transform->number);
	build_u8(&o->b, transform->id);
	build_u16(&o->b, 0);
	build_bytes(&o->b, transform->attributes.at, transform->attributes.length);
	isakmp_out_close(o);
}

size_t isakmp_out_end(struct isakmp_out *o)
{
	size_t length = build_length(&o->b);

	build_patch_u16(&o->b, ISAKMP_HEADER - 4, length >> 16);
	build_patch_u16(&o->b, ISAKMP_HEADER - 2, length & 0xffff);
	return o->b.failed ? 0 : length;
}

void isakmp_out_pad(struct isakmp_out *o, size_t block)
{
	size_t over = (build_length(&o->b) - ISAKMP_HEADER) % block;

	if (over)
		build_zero(&o->b, block - over);
}

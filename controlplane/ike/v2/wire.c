// SPDX-License-Identifier: Apache-2.0

// See wire.h. One function for each structure of RFC 7296 section 3, all on the one cursor.

#include "wire.h"

#include <errno.h>

enum {
	GENERIC_HEADER = 4, // next payload, critical, length (section 3.2)
	CRITICAL = 0x80,
	MORE_PROPOSALS = 2,
	MORE_TRANSFORMS = 3,
	TRANSFORM_HEADER = 8,
	ATTRIBUTE_SHORT = 0x8000,
	ATTRIBUTE_KEY_LENGTH = 14,
	SELECTOR_HEADER = 8, // type, protocol, length, ports
	CP_TYPE_MASK = 0x7fff,
};

static int result(const struct view *v)
{
	return v->failed ? -EBADMSG : 0;
}

static bool payload_known(uint8_t type)
{
	return (type >= V2_SA && type <= V2_EAP) || type == V2_SKF;
}

static int part_parse(struct view *v, uint8_t type, struct v2_part *out)
{
	uint16_t size;

	out->type = type;
	out->next = view_u8(v);
	out->critical = view_u8(v) & CRITICAL;
	size = view_u16(v);
	if (v->failed || size < GENERIC_HEADER)
		return -EBADMSG;
	out->body = span_take(v, size - GENERIC_HEADER);
	return result(v);
}

int v2_chain_parse(uint8_t first, const void *bytes, size_t length, struct v2_chain *out)
{
	struct view v = view_of(bytes, length);
	uint8_t type = first;

	out->count = 0;
	out->unsupported = 0;
	while (type != V2_END) {
		struct v2_part *part = &out->parts[out->count];

		if (out->count == V2_PAYLOADS || part_parse(&v, type, part))
			return -EBADMSG;
		out->count++;
		if (part->critical && !payload_known(type) && !out->unsupported)
			out->unsupported = type;
		type = type == V2_SK || type == V2_SKF ? V2_END : part->next;
	}
	return view_left(&v) ? -EBADMSG : 0;
}

const struct v2_part *v2_chain_find(const struct v2_chain *chain, uint8_t type, size_t nth)
{
	for (size_t i = 0; i < chain->count; i++)
		if (chain->parts[i].type == type && nth-- == 0)
			return &chain->parts[i];
	return NULL;
}

bool v2_chain_notify(const struct v2_chain *chain, uint16_t type, struct v2_notify *out)
{
	for (size_t i = 0; i < chain->count; i++)
		if (chain->parts[i].type == V2_NOTIFY &&
			v2_notify_parse(chain->parts[i].body, out) == 0 && out->type == type)
			return true;
	return false;
}

// Of a transform: only Key Length is known, and it has the short form (section 3.3.5).
static void attributes_parse(struct view v, struct v2_transform *t)
{
	t->key_bits = 0;
	t->usable = true;
	while (view_left(&v)) {
		uint16_t type = view_u16(&v), value = view_u16(&v);

		if (type == (ATTRIBUTE_SHORT | ATTRIBUTE_KEY_LENGTH) && value > 0)
			t->key_bits = value;
		else
			t->usable = false;
		if (!(type & ATTRIBUTE_SHORT))
			view_skip(&v, value);
	}
	if (v.failed)
		t->usable = false;
}

// One transform; *more says whether another follows.
static int transform_parse(struct view *v, struct v2_sa *out, bool *more)
{
	struct v2_transform *t = &out->transforms[out->transform_count];
	struct view body;
	uint16_t size;

	*more = view_u8(v) == MORE_TRANSFORMS;
	view_skip(v, 1);
	size = view_u16(v);
	if (v->failed || size < TRANSFORM_HEADER || out->transform_count == V2_TRANSFORMS)
		return -EBADMSG;
	body = view_sub(v, size - GENERIC_HEADER);
	t->type = view_u8(&body);
	view_skip(&body, 1);
	t->id = view_u16(&body);
	if (body.failed)
		return -EBADMSG;
	attributes_parse(body, t);
	out->transform_count++;
	return 0;
}

// Exactly count transforms, which fill all bytes.
static int transforms_parse(struct view v, size_t count, struct v2_sa *out)
{
	for (size_t i = 0; i < count; i++) {
		bool more;

		if (transform_parse(&v, out, &more) || more != (i + 1 < count))
			return -EBADMSG;
	}
	return view_left(&v) ? -EBADMSG : 0;
}

// One proposal; *more says whether another follows.
static int proposal_parse(struct view *v, struct v2_sa *out, bool *more)
{
	struct isakmp_proposal *p = &out->proposals[out->proposal_count];
	struct view transforms;

	if (out->proposal_count == V2_PROPOSALS || isakmp_proposal_parse(v, p, &transforms, more))
		return -EBADMSG;
	p->first = out->transform_count;
	if (transforms_parse(transforms, p->count, out))
		return -EBADMSG;
	out->proposal_count++;
	return 0;
}

int v2_sa_parse(struct span body, struct v2_sa *out)
{
	struct view v = span_view(body);
	bool more = true;

	out->proposal_count = out->transform_count = 0;
	while (more)
		if (proposal_parse(&v, out, &more))
			return -EBADMSG;
	return view_left(&v) ? -EBADMSG : 0;
}

int v2_ke_parse(struct span body, struct v2_ke *out)
{
	struct view v = span_view(body);

	out->group = view_u16(&v);
	view_skip(&v, 2);
	out->value = span_rest(&v);
	return result(&v);
}

int v2_id_parse(struct span body, struct v2_id *out)
{
	struct view v = span_view(body);

	out->type = view_u8(&v);
	view_skip(&v, 3);
	out->data = span_rest(&v);
	return result(&v);
}

int v2_cert_parse(struct span body, struct v2_cert *out)
{
	struct view v = span_view(body);

	out->encoding = view_u8(&v);
	out->data = span_rest(&v);
	return result(&v);
}

int v2_auth_parse(struct span body, struct v2_auth *out)
{
	struct view v = span_view(body);

	out->method = view_u8(&v);
	view_skip(&v, 3);
	out->data = span_rest(&v);
	return result(&v);
}

int v2_nonce_parse(struct span body, struct span *out)
{
	*out = body;
	return body.length < V2_NONCE_MIN || body.length > V2_NONCE_MAX ? -EBADMSG : 0;
}

int v2_notify_parse(struct span body, struct v2_notify *out)
{
	struct view v = span_view(body);
	uint8_t spi_size;

	out->protocol = view_u8(&v);
	spi_size = view_u8(&v);
	out->type = view_u16(&v);
	out->spi = span_take(&v, spi_size);
	out->data = span_rest(&v);
	return result(&v);
}

int v2_delete_parse(struct span body, struct v2_delete *out)
{
	struct view v = span_view(body);

	out->protocol = view_u8(&v);
	out->spi_size = view_u8(&v);
	out->count = view_u16(&v);
	out->spis = span_take(&v, (size_t)out->count * out->spi_size);
	return v.failed || view_left(&v) ? -EBADMSG : 0;
}

static struct ip_address take_address(struct view *v, bool six)
{
	uint8_t bytes[16];

	view_copy(v, bytes, six ? 16 : 4);
	return six ? address_v6(bytes) : address_v4(bytes);
}

static int selector_parse(struct view *v, struct v2_selectors *out)
{
	struct v2_selector *s = &out->list[out->count];
	uint8_t type = view_u8(v), protocol = view_u8(v);
	uint16_t size = view_u16(v);
	struct view body;

	if (v->failed || size < GENERIC_HEADER)
		return -EBADMSG;
	body = view_sub(v, size - GENERIC_HEADER);
	if (v->failed)
		return -EBADMSG;
	if (type != V2_TS_IPV4_RANGE && type != V2_TS_IPV6_RANGE) {
		out->unknown++;
		return 0;
	}
	s->protocol = protocol;
	s->port_first = view_u16(&body);
	s->port_last = view_u16(&body);
	s->first = take_address(&body, type == V2_TS_IPV6_RANGE);
	s->last = take_address(&body, type == V2_TS_IPV6_RANGE);
	if (body.failed || view_left(&body) || memcmp(s->first.bytes, s->last.bytes, 16) > 0)
		return -EBADMSG;
	out->count++;
	return 0;
}

int v2_selectors_parse(struct span body, struct v2_selectors *out)
{
	struct view v = span_view(body);
	uint8_t count = view_u8(&v);

	out->count = out->unknown = 0;
	view_skip(&v, 3);
	if (v.failed || count == 0 || count > V2_SELECTORS)
		return -EBADMSG;
	for (uint8_t i = 0; i < count; i++)
		if (selector_parse(&v, out))
			return -EBADMSG;
	return view_left(&v) ? -EBADMSG : 0;
}

bool v2_cp_next(struct span *rest, struct v2_cp_attribute *out)
{
	struct view v = span_view(*rest);

	out->type = view_u16(&v) & CP_TYPE_MASK;
	out->value = span_take(&v, view_u16(&v));
	if (v.failed)
		return false;
	*rest = span_rest(&v);
	return true;
}

int v2_cp_parse(struct span body, struct v2_cp *out)
{
	struct view v = span_view(body);
	struct v2_cp_attribute a;
	struct span rest;

	out->type = view_u8(&v);
	view_skip(&v, 3);
	out->attributes = rest = span_rest(&v);
	if (v.failed)
		return -EBADMSG;
	while (v2_cp_next(&rest, &a))
		;
	return rest.length ? -EBADMSG : 0;
}

static void put_span(struct isakmp_out *o, struct span s)
{
	build_bytes(&o->b, s.at, s.length);
}

static void put_transform(struct isakmp_out *o, const struct v2_transform *t, bool more)
{
	build_u16(&o->b, (more ? MORE_TRANSFORMS : 0) << 8);
	build_u16(&o->b, TRANSFORM_HEADER + (t->key_bits ? 4 : 0));
	build_u16(&o->b, t->type << 8);
	build_u16(&o->b, t->id);
	if (t->key_bits) {
		build_u16(&o->b, ATTRIBUTE_SHORT | ATTRIBUTE_KEY_LENGTH);
		build_u16(&o->b, t->key_bits);
	}
}

static void put_proposal(struct isakmp_out *o, const struct v2_proposal_out *p, bool more)
{
	size_t at = build_length(&o->b);

	build_u16(&o->b, (more ? MORE_PROPOSALS : 0) << 8);
	build_u16(&o->b, 0);
	build_u8(&o->b, p->number);
	build_u8(&o->b, p->protocol);
	build_u8(&o->b, p->spi.length);
	build_u8(&o->b, p->count);
	put_span(o, p->spi);
	for (size_t i = 0; i < p->count; i++)
		put_transform(o, &p->transforms[i], i + 1 < p->count);
	build_patch_u16(&o->b, at + 2, build_length(&o->b) - at);
}

void v2_put_sa(struct isakmp_out *o, const struct v2_proposal_out *proposals, size_t count)
{
	isakmp_out_open(o, V2_SA);
	for (size_t i = 0; i < count; i++)
		put_proposal(o, &proposals[i], i + 1 < count);
	isakmp_out_close(o);
}

void v2_put_ke(struct isakmp_out *o, uint16_t group, struct span value)
{
	isakmp_out_open(o, V2_KE);
	build_u16(&o->b, group);
	build_u16(&o->b, 0);
	put_span(o, value);
	isakmp_out_close(o);
}

// A payload that begins with one number and three zeros.
static void put_typed(struct isakmp_out *o, uint8_t payload, uint8_t type, struct span data)
{
	isakmp_out_open(o, payload);
	build_u32(&o->b, (uint32_t)type << 24);
	put_span(o, data);
	isakmp_out_close(o);
}

void v2_put_id(struct isakmp_out *o, uint8_t payload, uint8_t type, struct span data)
{
	put_typed(o, payload, type, data);
}

void v2_put_auth(struct isakmp_out *o, uint8_t method, struct span data)
{
	put_typed(o, V2_AUTH, method, data);
}

void v2_put_cert(struct isakmp_out *o, uint8_t payload, uint8_t encoding, struct span data)
{
	isakmp_out_open(o, payload);
	build_u8(&o->b, encoding);
	put_span(o, data);
	isakmp_out_close(o);
}

void v2_put_notify(
	struct isakmp_out *o, uint8_t protocol, struct span spi, uint16_t type, struct span data)
{
	isakmp_out_open(o, V2_NOTIFY);
	build_u8(&o->b, protocol);
	build_u8(&o->b, spi.length);
	build_u16(&o->b, type);
	put_span(o, spi);
	put_span(o, data);
	isakmp_out_close(o);
}

void v2_put_status(struct isakmp_out *o, uint16_t type, struct span data)
{
	v2_put_notify(o, V2_PROTO_NONE, SPAN(NULL, 0), type, data);
}

void v2_put_delete(
	struct isakmp_out *o, uint8_t protocol, uint8_t spi_size, uint16_t count, const void *spis)
{
	isakmp_out_open(o, V2_DELETE);
	build_u8(&o->b, protocol);
	build_u8(&o->b, spi_size);
	build_u16(&o->b, count);
	build_bytes(&o->b, spis, (size_t)spi_size * count);
	isakmp_out_close(o);
}

static void put_selector(struct isakmp_out *o, const struct v2_selector *s)
{
	bool six = s->first.version == IP_V6;

	build_u8(&o->b, six ? V2_TS_IPV6_RANGE : V2_TS_IPV4_RANGE);
	build_u8(&o->b, s->protocol);
	build_u16(&o->b, SELECTOR_HEADER + (six ? 32 : 8));
	build_u16(&o->b, s->port_first);
	build_u16(&o->b, s->port_last);
	isakmp_put_address(&o->b, &s->first);
	isakmp_put_address(&o->b, &s->last);
}

void v2_put_selectors(
	struct isakmp_out *o, uint8_t payload, const struct v2_selector *list, size_t count)
{
	isakmp_out_open(o, payload);
	build_u32(&o->b, (uint32_t)count << 24);
	for (size_t i = 0; i < count; i++)
		put_selector(o, &list[i]);
	isakmp_out_close(o);
}

void v2_cp_open(struct isakmp_out *o, uint8_t type)
{
	isakmp_out_open(o, V2_CP);
	build_u32(&o->b, (uint32_t)type << 24);
}

void v2_cp_put(struct isakmp_out *o, uint16_t type, struct span value)
{
	build_u16(&o->b, type);
	build_u16(&o->b, value.length);
	put_span(o, value);
}

void v2_cp_put_address(struct isakmp_out *o, uint16_t type, const struct ip_address *address)
{
	build_u16(&o->b, type);
	build_u16(&o->b, address->version == IP_V6 ? 16 : 4);
	isakmp_put_address(&o->b, address);
}

void v2_cp_put_prefix(
	struct isakmp_out *o, uint16_t type, const struct ip_address *address, uint8_t length)
{
	bool six = address->version == IP_V6;

	build_u16(&o->b, type);
	build_u16(&o->b, six ? 17 : 8);
	isakmp_put_address(&o->b, address);
	if (six)
		build_u8(&o->b, length);
	else
		build_u32(&o->b, length ? UINT32_MAX << (32 - length) : 0);
}

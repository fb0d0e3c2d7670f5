// SPDX-License-Identifier: Apache-2.0

// See sealed.h. The IV of an AEAD must not come twice under one key (RFC 5282 section 3.1): it is
// the count of what was sealed with that key, which lies beside the key and goes where the key
// goes. What is sent again is the same bytes, not sealed anew. The IV of CBC is random.

#include "sealed.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdlib.h>

enum {
	GENERIC_HEADER = 4,
	FRAGMENT_HEADER = 4, // number and total (RFC 7383 section 2.5)
	UDP_HEADERS = 8 + 4, // UDP and the non-ESP marker (RFC 3948 section 2.2)
	IP4_HEADER = 20,
	IP6_HEADER = 40,
};

// What a seal takes of a message, in bytes.
struct shape {
	size_t iv, block, icv;
};

static size_t integrity_icv(unsigned hash)
{
	switch (hash) {
	case IKE_MD5:
	case IKE_SHA1:
		return 12;
	case IKE_SHA256:
		return 16;
	case IKE_SHA384:
		return 24;
	case IKE_SHA512:
		return 32;
	}
	return 0;
}

static struct shape shape_of(const struct v2_seal *seal)
{
	size_t block = ike_encryption_block(seal->encryption);

	if (ike_encryption_is_aead(seal->encryption))
		return (struct shape){IKE_AEAD_IV, 1, IKE_AEAD_ICV};
	return (struct shape){block, block, integrity_icv(seal->hash)};
}

struct v2_seal v2_seal_of(const struct v2_suite *suite, struct v2_keys *keys, bool from_initiator)
{
	return (struct v2_seal){.encryption = suite->encryption,
		.hash = suite->hash,
		.e = from_initiator ? keys->ei : keys->er,
		.a = from_initiator ? keys->ai : keys->ar,
		.sealed = from_initiator ? &keys->sealed_i : &keys->sealed_r};
}

static int integrity(const struct v2_seal *seal, struct span bytes, uint8_t *out)
{
	return ike_prf(seal->hash, SPAN(seal->a, ike_hash_size(seal->hash)), &bytes, 1, out);
}

// IV, ciphertext and ICV, behind the clear bytes that are authenticated with them.
struct envelope {
	struct span clear; // from the header on
	struct span iv, text, icv;
};

static int envelope_of(const struct shape *shape, const uint8_t *message, size_t length,
	struct span body, struct envelope *out)
{
	if (shape->block == 0 || shape->icv == 0 || body.at + body.length != message + length ||
		body.length < shape->iv + shape->block + shape->icv)
		return -EBADMSG;
	out->clear = SPAN(message, (size_t)(body.at - message));
	out->iv = SPAN(body.at, shape->iv);
	out->text = SPAN(body.at + shape->iv, body.length - shape->iv - shape->icv);
	out->icv = SPAN(body.at + body.length - shape->icv, shape->icv);
	return out->text.length % shape->block ? -EBADMSG : 0;
}

static int open_cbc(const struct v2_seal *seal, const struct envelope *e, uint8_t *plain)
{
	uint8_t mac[IKE_HASH_MAX], iv[IKE_BLOCK_MAX];
	struct span all = SPAN(e->clear.at, (size_t)(e->icv.at - e->clear.at));

	if (integrity(seal, all, mac) || CRYPTO_memcmp(mac, e->icv.at, e->icv.length))
		return -EBADMSG;
	memcpy(iv, e->iv.at, e->iv.length);
	memcpy(plain, e->text.at, e->text.length);
	return ike_decrypt(seal->encryption, seal->e, iv, plain, e->text.length) ? -EBADMSG : 0;
}

static int open_aead(const struct v2_seal *seal, const struct envelope *e, uint8_t *plain)
{
	memcpy(plain, e->text.at, e->text.length);
	if (ike_aead_open(seal->encryption, seal->e, e->iv.at, e->clear, plain, e->text.length,
		    e->icv.at) == 0)
		return 0;
	OPENSSL_cleanse(plain, e->text.length);
	return -EBADMSG;
}

// The plaintext of body, which is IV, ciphertext and ICV; *length is without the padding.
static int open_body(const struct v2_seal *seal, const struct isakmp_header *h,
	const uint8_t *message, struct span body, uint8_t *plain, size_t *length)
{
	struct shape shape = shape_of(seal);
	struct envelope e;
	int error = envelope_of(&shape, message, h->length, body, &e);

	if (error)
		return error;
	error = ike_encryption_is_aead(seal->encryption) ? open_aead(seal, &e, plain)
							 : open_cbc(seal, &e, plain);
	if (error)
		return error;
	*length = e.text.length - 1;
	if (plain[*length] > *length)
		return -EPROTO;
	*length -= plain[*length];
	return 0;
}

// The SK or SKF payload, which is the last one.
static const struct v2_part *sealed_part(const struct v2_chain *outer, uint8_t type)
{
	const struct v2_part *part = outer->count ? &outer->parts[outer->count - 1] : NULL;

	return part && part->type == type ? part : NULL;
}

int v2_open(const struct v2_seal *seal, const struct isakmp_header *h, const uint8_t *message,
	const struct v2_chain *outer, uint8_t *plain, struct v2_chain *inner)
{
	const struct v2_part *part = sealed_part(outer, V2_SK);
	size_t length;
	int error;

	if (!part)
		return -EBADMSG;
	error = open_body(seal, h, message, part->body, plain, &length);
	if (error)
		return error;
	return v2_chain_parse(part->next, plain, length, inner) ? -EPROTO : 0;
}

struct numbers {
	uint16_t number, total;
	struct span body; // behind them
};

static int numbers_parse(const struct v2_chain *outer, struct numbers *out)
{
	const struct v2_part *part = sealed_part(outer, V2_SKF);
	struct view v;

	if (!part)
		return -EBADMSG;
	v = view_of(part->body.at, part->body.length);
	out->number = view_u16(&v);
	out->total = view_u16(&v);
	out->body = SPAN(v.at, view_left(&v));
	if (v.failed || out->number == 0 || out->number > out->total || out->total > V2_FRAGMENTS)
		return -EBADMSG;
	return 0;
}

uint16_t v2_fragment_number(const struct v2_chain *outer)
{
	struct numbers n;

	return numbers_parse(outer, &n) ? 0 : n.number;
}

void v2_fragments_clear(struct v2_fragments *f)
{
	for (size_t i = 0; i < V2_FRAGMENTS; i++) {
		if (f->parts[i].bytes)
			OPENSSL_cleanse(f->parts[i].bytes, f->parts[i].length);
		free(f->parts[i].bytes);
	}
	memset(f, 0, sizeof(*f));
}

// Makes room for what the fragment belongs to. -EBADMSG for one of a smaller total number.
static int fragments_admit(struct v2_fragments *f, uint32_t message_id, uint16_t total)
{
	if (f->total && f->message_id == message_id && total < f->total)
		return -EBADMSG;
	if (f->total != total || f->message_id != message_id)
		v2_fragments_clear(f);
	f->message_id = message_id;
	f->total = total;
	return 0;
}

static int fragments_keep(
	struct v2_fragments *f, uint16_t number, const uint8_t *plain, size_t length)
{
	uint8_t *copy;

	if (f->bytes + length > LIMIT_IKE_MESSAGE) {
		v2_fragments_clear(f);
		return -EPROTO;
	}
	copy = malloc(length ? length : 1);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, plain, length);
	f->parts[number - 1].bytes = copy;
	f->parts[number - 1].length = length;
	f->bytes += length;
	f->count++;
	return 0;
}

// All are here: writes them one behind the other and forgets them.
static int fragments_join(
	struct v2_fragments *f, uint8_t *plain, size_t size, struct v2_chain *inner)
{
	struct build b = build_in(plain, size);
	uint8_t next = f->next;

	for (size_t i = 0; i < f->total; i++)
		build_bytes(&b, f->parts[i].bytes, f->parts[i].length);
	v2_fragments_clear(f);
	if (b.failed || v2_chain_parse(next, plain, build_length(&b), inner))
		return -EPROTO;
	return 0;
}

int v2_fragment_open(struct v2_fragments *f, const struct v2_seal *seal,
	const struct isakmp_header *h, const uint8_t *message, const struct v2_chain *outer,
	uint8_t *plain, size_t size, struct v2_chain *inner)
{
	struct numbers n;
	size_t length;
	int error = numbers_parse(outer, &n);

	if (!error && n.body.length > size)
		return -EBADMSG;
	if (!error)
		error = open_body(seal, h, message, n.body, plain, &length);
	if (!error)
		error = fragments_admit(f, h->message_id, n.total);
	if (error)
		return error;
	if (f->parts[n.number - 1].bytes)
		return -EAGAIN;
	if (n.number == 1)
		f->next = sealed_part(outer, V2_SKF)->next;
	error = fragments_keep(f, n.number, plain, length);
	if (error)
		return error;
	return f->count < f->total ? -EAGAIN : fragments_join(f, plain, size, inner);
}

void v2_message_clear(struct v2_message *m)
{
	free(m->bytes);
	memset(m, 0, sizeof(*m));
}

int v2_message_plain(struct v2_message *m, const uint8_t *bytes, size_t length)
{
	v2_message_clear(m);
	m->bytes = malloc(length ? length : 1);
	if (!m->bytes)
		return -ENOMEM;
	memcpy(m->bytes, bytes, length);
	m->length = length;
	m->count = 1;
	m->lengths[0] = length;
	return 0;
}

struct span v2_message_part(const struct v2_message *m, size_t n)
{
	size_t at = 0;

	if (n >= m->count)
		return SPAN(NULL, 0);
	for (size_t i = 0; i < n; i++)
		at += m->lengths[i];
	return SPAN(m->bytes + at, m->lengths[n]);
}

void v2_sealed_begin(struct v2_sealed *s, const struct v2_seal *seal, const struct isakmp_header *h)
{
	s->seal = *seal;
	s->header = *h;
	s->out = isakmp_out_begin(s->buffer, sizeof(s->buffer), h);
	isakmp_out_open(&s->out, V2_SK);
	build_zero(&s->out.b, shape_of(seal).iv);
}

// An IV that its key has not had yet.
static int next_iv(const struct v2_seal *seal, size_t size, uint8_t *iv)
{
	struct build b = build_in(iv, size);

	if (!ike_encryption_is_aead(seal->encryption))
		return RAND_bytes(iv, (int)size) == 1 ? 0 : -EINVAL;
	if (!seal->sealed || *seal->sealed == UINT64_MAX)
		return -EINVAL;
	build_u64(&b, (*seal->sealed)++);
	return 0;
}

// Pads what is written from text on, which follows the IV, and gives the ICV its room. open_at is
// that of the SK or SKF payload.
static int finish(const struct v2_seal *seal, struct isakmp_out *o, size_t open_at, size_t text)
{
	struct shape shape = shape_of(seal);
	size_t over = (build_length(&o->b) - text + 1) % shape.block;
	size_t pad = over ? shape.block - over : 0, end;
	uint8_t *start = o->b.start, iv[IKE_BLOCK_MAX], mac[IKE_HASH_MAX];

	build_zero(&o->b, pad);
	build_u8(&o->b, pad);
	end = build_length(&o->b);
	build_zero(&o->b, shape.icv);
	o->open_at = open_at;
	isakmp_out_close(o);
	if (!isakmp_out_end(o))
		return -EMSGSIZE;
	if (next_iv(seal, shape.iv, iv))
		return -EINVAL;
	memcpy(start + text - shape.iv, iv, shape.iv);
	if (ike_encryption_is_aead(seal->encryption))
		return ike_aead_seal(seal->encryption, seal->e, iv, SPAN(start, text - shape.iv),
			start + text, end - text, start + end);
	if (ike_encrypt(seal->encryption, seal->e, iv, start + text, end - text) ||
		integrity(seal, SPAN(start, end), mac))
		return -EINVAL;
	memcpy(start + end, mac, shape.icv);
	return 0;
}

// Bytes of plaintext that a fragment of at most room bytes holds; 0 when there is none.
static size_t fragment_text(const struct shape *shape, size_t room)
{
	size_t headers = ISAKMP_HEADER + GENERIC_HEADER + FRAGMENT_HEADER + shape->iv + shape->icv;
	size_t text = room > headers ? room - headers : 0;

	text -= text % shape->block;
	return text ? text - 1 : 0;
}

// One fragment, appended to *out, which has room bytes of room for it.
static int fragment_put(const struct v2_sealed *s, uint8_t next, uint16_t number, uint16_t total,
	struct span text, size_t room, struct v2_message *out)
{
	struct isakmp_out o = isakmp_out_begin(out->bytes + out->length, room, &s->header);
	size_t open_at, text_at;
	int error;

	isakmp_out_open(&o, V2_SKF);
	open_at = o.open_at;
	build_u16(&o.b, number);
	build_u16(&o.b, total);
	build_zero(&o.b, shape_of(&s->seal).iv);
	text_at = build_length(&o.b);
	build_bytes(&o.b, text.at, text.length);
	if (!o.b.failed)
		o.b.start[open_at] = number == 1 ? next : V2_END;
	error = finish(&s->seal, &o, open_at, text_at);
	if (error)
		return error;
	out->lengths[out->count++] = build_length(&o.b);
	out->length += build_length(&o.b);
	return 0;
}

static int fragments_put(const struct v2_sealed *s, struct span text, uint8_t next, size_t room,
	struct v2_message *out)
{
	struct shape shape = shape_of(&s->seal);
	size_t each = fragment_text(&shape, room),
	       total = each ? (text.length + each - 1) / each : 0;
	int error = 0;

	if (total == 0 || total > V2_FRAGMENTS || room > UINT16_MAX)
		return -EMSGSIZE;
	out->bytes = malloc(total * room);
	if (!out->bytes)
		return -ENOMEM;
	for (size_t i = 0; i < total && !error; i++) {
		size_t n = text.length - i * each < each ? text.length - i * each : each;

		error = fragment_put(s, next, i + 1, total, SPAN(text.at + i * each, n), room, out);
	}
	return error;
}

int v2_sealed_end(struct v2_sealed *s, size_t room, struct v2_message *out)
{
	struct shape shape = shape_of(&s->seal);
	size_t text = ISAKMP_HEADER + GENERIC_HEADER + shape.iv, length = build_length(&s->out.b);
	size_t whole = length + shape.block + shape.icv; // or a little less
	int error;

	v2_message_clear(out);
	if (s->out.b.failed || shape.block == 0 || shape.icv == 0)
		error = shape.block == 0 || shape.icv == 0 ? -EINVAL : -EMSGSIZE;
	else if (room && whole > room)
		error = fragments_put(s, SPAN(s->buffer + text, length - text),
			s->buffer[ISAKMP_HEADER], room, out);
	else
		error = finish(&s->seal, &s->out, ISAKMP_HEADER, text);
	if (!error && out->count == 0)
		error = v2_message_plain(out, s->buffer, build_length(&s->out.b));
	if (error)
		v2_message_clear(out);
	OPENSSL_cleanse(s->buffer, length);
	return error;
}

size_t v2_fragment_room(uint16_t fragment_size, bool ip6)
{
	size_t headers = UDP_HEADERS + (ip6 ? IP6_HEADER : IP4_HEADER);

	return fragment_size > headers ? fragment_size - headers : 0;
}

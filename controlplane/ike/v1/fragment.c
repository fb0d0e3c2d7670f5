// SPDX-License-Identifier: Apache-2.0

// See fragment.h.

#include "fragment.h"

#include "contract/limits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int fragment_parse(struct span body, struct fragment *out)
{
	struct view v = view_of(body.at, body.length);

	out->id = view_u16(&v);
	out->number = view_u8(&v);
	out->last = view_u8(&v) & FRAGMENT_LAST;
	if (v.failed || body.length == FRAGMENT_HEADER || out->number == 0 ||
		out->number > FRAGMENTS)
		return -EBADMSG;
	out->piece = SPAN(body.at + FRAGMENT_HEADER, body.length - FRAGMENT_HEADER);
	return 0;
}

void fragment_box_empty(struct fragment_box *box)
{
	for (size_t i = 0; i < FRAGMENTS; i++)
		free(box->pieces[i].bytes);
	memset(box, 0, sizeof(*box));
}

static bool same_piece(const struct fragment_box *box, const struct fragment *f)
{
	size_t i = f->number - 1u;

	return box->pieces[i].bytes && box->pieces[i].length == f->piece.length &&
	       memcmp(box->pieces[i].bytes, f->piece.at, f->piece.length) == 0;
}

// Whether the fragment cannot be of the message that the box has.
static bool contradicts(const struct fragment_box *box, const struct fragment *f)
{
	if (box->count == 0)
		return false;
	if (f->id != box->id || (box->pieces[f->number - 1u].bytes && !same_piece(box, f)))
		return true;
	if (box->last && (f->last ? f->number != box->last : f->number >= box->last))
		return true;
	if (f->last)
		for (size_t i = f->number; i < FRAGMENTS; i++)
			if (box->pieces[i].bytes)
				return true;
	return false;
}

int fragment_add(struct fragment_box *box, const struct fragment *f)
{
	size_t i = f->number - 1u;

	if (contradicts(box, f))
		fragment_box_empty(box);
	if (box->pieces[i].bytes)
		return 0;
	if (box->bytes + f->piece.length > LIMIT_IKE_MESSAGE) {
		fragment_box_empty(box);
		return -EMSGSIZE;
	}
	box->pieces[i].bytes = malloc(f->piece.length);
	if (!box->pieces[i].bytes)
		return -ENOMEM;
	memcpy(box->pieces[i].bytes, f->piece.at, f->piece.length);
	box->pieces[i].length = (uint16_t)f->piece.length;
	box->bytes += f->piece.length;
	box->id = f->id;
	box->count++;
	if (f->last)
		box->last = f->number;
	return 0;
}

bool fragment_complete(const struct fragment_box *box)
{
	return box->last && box->count == box->last;
}

uint8_t *fragment_take(struct fragment_box *box, size_t *length)
{
	uint8_t *out = malloc(box->bytes);
	size_t at = 0;

	if (out)
		for (size_t i = 0; i < box->last; i++) {
			memcpy(out + at, box->pieces[i].bytes, box->pieces[i].length);
			at += box->pieces[i].length;
		}
	*length = at;
	fragment_box_empty(box);
	return out;
}

unsigned fragment_count(size_t length, size_t piece)
{
	size_t count = piece ? (length + piece - 1) / piece : 0;

	return count <= FRAGMENTS ? (unsigned)count : 0;
}

size_t fragment_write(const uint8_t *message, size_t length, size_t piece, unsigned number,
	unsigned count, uint16_t id, uint8_t *out, size_t size)
{
	size_t at = (number - 1) * piece, n = number < count ? piece : length - at;
	struct isakmp_header h;
	struct isakmp_out o;

	if (isakmp_header_parse(message, length, &h))
		return 0;
	// The piece may be encrypted, the fragment is not.
	h.flags &= (uint8_t)~ISAKMP_ENCRYPTED;
	o = isakmp_out_begin(out, size, &h);
	isakmp_out_open(&o, ISAKMP_FRAGMENT);
	build_u16(&o.b, id);
	build_u8(&o.b, (uint8_t)number);
	build_u8(&o.b, number == count ? FRAGMENT_LAST : 0);
	build_bytes(&o.b, message + at, n);
	isakmp_out_close(&o);
	return isakmp_out_end(&o);
}

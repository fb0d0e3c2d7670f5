// SPDX-License-Identifier: Apache-2.0

#include "stream.h"

#include <errno.h>

enum { LENGTH_END = 4 }; // code, id, length

static void fill(struct stream *s, struct view *in, size_t until)
{
	size_t n = until - s->have;

	if (n > view_left(in))
		n = view_left(in);
	if (n)
		view_copy(in, s->bytes + s->have, n);
	s->have += (uint16_t)n;
}

int stream_take(struct stream *s, struct view *in)
{
	size_t length;

	if (s->whole)
		s->have = 0;
	s->whole = false;
	if (s->have < LENGTH_END)
		fill(s, in, LENGTH_END);
	if (s->have < LENGTH_END)
		return 0;
	length = (size_t)s->bytes[2] << 8 | s->bytes[3];
	if (length < RADIUS_HEADER || length > RADIUS_PACKET)
		return -EBADMSG;
	fill(s, in, length);
	if (s->have < length)
		return 0;
	s->whole = true;
	return (int)length;
}

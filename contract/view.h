// SPDX-License-Identifier: Apache-2.0
#pragma once

// The one cursor that every parser reads through. It cannot pass its end: a read beyond sets
// failed, returns zeros and stays at the end, so a parser may read all its fields and ask once.
// Numbers on the wire are big-endian; what comes back is in host byte order.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct view {
	const uint8_t *at;  // the next byte
	const uint8_t *end; // one past the last byte
	bool failed;        // a read went beyond the end
};

// Nothing at all may be given as NULL and 0, to which C does not let us add even zero.
static inline struct view view_of(const void *bytes, size_t length)
{
	const uint8_t *p = bytes;

	return (struct view){.at = p, .end = length ? p + length : p};
}

static inline size_t view_left(const struct view *v)
{
	return (size_t)(v->end - v->at);
}

// The next n bytes in place, or NULL (and failed) when there are fewer.
static inline const uint8_t *view_take(struct view *v, size_t n)
{
	const uint8_t *p = v->at;

	if (n > view_left(v)) {
		v->failed = true;
		v->at = v->end;
		return NULL;
	}
	v->at += n;
	return p;
}

// The next n bytes as a view of their own; an empty one when there are fewer.
static inline struct view view_sub(struct view *v, size_t n)
{
	const uint8_t *p = view_take(v, n);

	return p ? view_of(p, n) : (struct view){.at = v->end, .end = v->end, .failed = true};
}

static inline void view_skip(struct view *v, size_t n)
{
	(void)view_take(v, n);
}

static inline uint8_t view_u8(struct view *v)
{
	const uint8_t *p = view_take(v, 1);

	return p ? p[0] : 0;
}

static inline uint16_t view_u16(struct view *v)
{
	const uint8_t *p = view_take(v, 2);

	return p ? (uint16_t)(p[0] << 8 | p[1]) : 0;
}

static inline uint32_t view_u32(struct view *v)
{
	const uint8_t *p = view_take(v, 4);

	return p ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3] : 0;
}

static inline uint64_t view_u64(struct view *v)
{
	uint64_t high = view_u32(v);

	return high << 32 | view_u32(v);
}

// Copies n bytes to out; zeros when there are fewer.
static inline void view_copy(struct view *v, void *out, size_t n)
{
	const uint8_t *p = view_take(v, n);

	if (p)
		memcpy(out, p, n);
	else
		memset(out, 0, n);
}

// SPDX-License-Identifier: Apache-2.0
#pragma once

// The writing twin of view.h: appends big-endian fields to a buffer of fixed size and cannot pass
// its end. A write that does not fit sets failed and writes nothing; ask once when all is written.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct build {
	uint8_t *start;
	size_t length; // bytes written
	size_t size;   // bytes of the buffer
	bool failed;   // a write did not fit
};

static inline struct build build_in(void *buffer, size_t size)
{
	return (struct build){.start = buffer, .size = size};
}

static inline size_t build_length(const struct build *b)
{
	return b->length;
}

// Room for n bytes to be filled in by the caller, or NULL (and failed).
static inline uint8_t *build_room(struct build *b, size_t n)
{
	uint8_t *p = b->start + b->length;

	if (b->failed || n > b->size - b->length) {
		b->failed = true;
		return NULL;
	}
	b->length += n;
	return p;
}

static inline void build_bytes(struct build *b, const void *bytes, size_t n)
{
	uint8_t *p = build_room(b, n);

	if (p && n)
		memcpy(p, bytes, n);
}

static inline void build_zero(struct build *b, size_t n)
{
	uint8_t *p = build_room(b, n);

	if (p)
		memset(p, 0, n);
}

static inline void build_u8(struct build *b, uint8_t v)
{
	build_bytes(b, &v, 1);
}

static inline void build_u16(struct build *b, uint16_t v)
{
	build_bytes(b, (const uint8_t[2]){v >> 8, v & 0xff}, 2);
}

static inline void build_u32(struct build *b, uint32_t v)
{
	build_u16(b, v >> 16);
	build_u16(b, v & 0xffff);
}

static inline void build_u64(struct build *b, uint64_t v)
{
	build_u32(b, v >> 32);
	build_u32(b, v & 0xffffffff);
}

// Writes v over the two bytes at offset, which were written before: a length known only later.
static inline void build_patch_u16(struct build *b, size_t offset, uint16_t v)
{
	if (b->failed || offset + 2 > build_length(b))
		return;
	b->start[offset] = v >> 8;
	b->start[offset + 1] = v & 0xff;
}

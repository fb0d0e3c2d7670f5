// SPDX-License-Identifier: Apache-2.0

#include "text.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

// Bytes of the well-formed UTF-8 character at p (RFC 3629), and what it is. 0 = none.
static size_t utf8_read(const uint8_t *p, uint32_t *c)
{
	size_t n = *p < 0x80   ? 1
		   : *p < 0xc2 ? 0
		   : *p < 0xe0 ? 2
		   : *p < 0xf0 ? 3
		   : *p < 0xf5 ? 4
			       : 0;

	*c = n > 1 ? *p & (0x7fu >> n) : *p;
	for (size_t i = 1; i < n; i++) {
		// The final NUL ends this as well.
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		*c = *c << 6 | (p[i] & 0x3f);
	}
	if ((n == 3 && *c < 0x800) || (n == 4 && *c < 0x10000) || *c > 0x10ffff)
		return 0;
	return n;
}

static bool is_printable(uint32_t c)
{
	bool control = c < 0x20 || (c >= 0x7f && c < 0xa0);
	bool surrogate = c >= 0xd800 && c < 0xe000;
	bool direction = (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
			 (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;

	return !control && !surrogate && !direction;
}

const char *text_escape(const char *text, char out[TEXT_MOST])
{
	const uint8_t *p = (const uint8_t *)text;
	size_t at = 0;

	while (*p && at + 5 < TEXT_MOST) {
		uint32_t c;
		size_t n = utf8_read(p, &c);

		if (n && is_printable(c)) {
			memcpy(out + at, p, n);
			at += n;
			p += n;
		} else {
			at += (size_t)sprintf(out + at, "\\x%02x", *p++);
		}
	}
	out[at] = '\0';
	return out;
}

size_t text_width(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += ((uint8_t)*text & 0xc0) != 0x80;
	return width;
}

void text_cut(char *text, size_t width)
{
	size_t column = 0;
	char *p = text;

	if (width == 0 || text_width(text) <= width)
		return;
	// To the start of the character in the last column.
	for (; *p; p++)
		if (((uint8_t)*p & 0xc0) != 0x80 && column++ == width - 1)
			break;
	strcpy(p, "~");
}

static const char *scaled(uint64_t value, const char *const units[], const char *space, char *out)
{
	double v = (double)value;
	size_t unit = 0;

	while (v >= 999.5 && units[unit + 1]) {
		v /= 1000;
		unit++;
	}
	if (unit == 0)
		snprintf(out, TEXT_MOST, "%" PRIu64 "%s%s", value, space, units[0]);
	else
		snprintf(out, TEXT_MOST, "%.*f%s%s",
			v < 9.995   ? 2
			: v < 99.95 ? 1
				    : 0,
			v, space, units[unit]);
	return out;
}

const char *text_bytes(uint64_t bytes, char out[TEXT_MOST])
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB", NULL};

	return scaled(bytes, units, " ", out);
}

const char *text_count(uint64_t count, char out[TEXT_MOST])
{
	static const char *const units[] = {"", "k", "M", "G", "T", "P", "E", NULL};

	return scaled(count, units, "", out);
}

const char *text_duration(uint64_t ms, char out[TEXT_MOST])
{
	uint64_t s = ms / 1000;

	if (s < 60)
		snprintf(out, TEXT_MOST, "%" PRIu64 "s", s);
	else if (s < 3600)
		snprintf(out, TEXT_MOST, "%" PRIu64 "m%02" PRIu64 "s", s / 60, s % 60);
	else if (s < 86400)
		snprintf(out, TEXT_MOST, "%" PRIu64 "h%02" PRIu64 "m", s / 3600, s / 60 % 60);
	else
		snprintf(out, TEXT_MOST, "%" PRIu64 "d%02" PRIu64 "h", s / 86400, s / 3600 % 24);
	return out;
}

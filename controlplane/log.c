// SPDX-License-Identifier: Apache-2.0

// A full or closed standard error loses lines, never blocks us for good and never ends us.
//
// A stranger must not fill the disk: of what he can cause, so many lines a second are written for
// each event, and the next line says how many were not.

#include "log.h"

#include "contract/log_line.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
	VALUE = 2048, // bytes of one text after escaping
};

#define LOG_WORD(name, word, level, meaning)  word,
#define LOG_LEVEL(name, word, level, meaning) level,

static const char *const words[] = {LOG_EVENT_LIST(LOG_WORD)};
static const uint8_t levels[] = {LOG_EVENT_LIST(LOG_LEVEL)};

static struct limit {
	time_t second;   // the monotonic clock's
	uint32_t lines;  // in it
	uint32_t silent; // lines that were not written since the last that was
} limits[LOG_EVENT_COUNT];

static enum log_level threshold = LEVEL_INFO;
static void (*line_sink)(void *context, enum log_event event, const char *line);
static void *line_sink_context;

void log_set_level(enum log_level level)
{
	threshold = level;
}

void log_set_sink(
	void (*sink)(void *context, enum log_event event, const char *line), void *context)
{
	line_sink = sink;
	line_sink_context = context;
}

// Bytes of the UTF-8 sequence at p that is printable and well formed (RFC 3629), or 0.
static size_t utf8_sequence(const uint8_t *p, size_t left)
{
	uint32_t c = p[0];
	size_t n = c < 0x80                ? 1
		   : c >= 0xc2 && c < 0xe0 ? 2
		   : c >= 0xe0 && c < 0xf0 ? 3
		   : c >= 0xf0 && c < 0xf5 ? 4
					   : 0;

	if (n == 0 || n > left)
		return 0;
	if (n == 1)
		return c >= 0x20 && c != 0x7f && c != '\\' ? 1 : 0;
	c &= 0x7f >> n;
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < 0xa0 || (n == 3 && c < 0x800) || (n == 4 && c < 0x10000) || c > 0x10ffff)
		return 0;
	// Surrogates, and the characters that turn the direction of what follows.
	if ((c >= 0xd800 && c < 0xe000) || (c >= 0x200b && c <= 0x200f) ||
		(c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff)
		return 0;
	return n;
}

const char *log_text(const void *bytes, size_t length, char *out, size_t size)
{
	const uint8_t *p = bytes;
	size_t at = 0;

	for (size_t i = 0; i < length;) {
		size_t n = utf8_sequence(p + i, length - i);

		if (at + (n ? n : 4) >= size)
			break;
		if (n) {
			memcpy(out + at, p + i, n);
			at += n;
			i += n;
		} else {
			at += (size_t)snprintf(out + at, size - at, "\\x%02x", p[i++]);
		}
	}
	if (size)
		out[at] = '\0';
	return out;
}

static json_t *text_value(const char *text)
{
	char escaped[VALUE];

	return text ? json_string(log_text(text, strlen(text), escaped, sizeof(escaped)))
		    : json_null();
}

static void add_subject(json_t *line, const struct log_subject *s)
{
	char text[ADDRESS_TEXT];

	if (!s)
		return;
	if (s->attempt)
		json_object_set_new(line, "attempt", json_integer((json_int_t)s->attempt));
	if (s->user && *s->user)
		json_object_set_new(line, "user", text_value(s->user));
	if (s->peer.version != IP_NONE)
		json_object_set_new(line, "peer",
			json_string(address_port_format(&s->peer, s->peer_port, text)));
	if (s->peer_id)
		json_object_set_new(line, "peer_id", json_integer(s->peer_id));
	if (s->tunnel)
		json_object_set_new(line, "tunnel", json_integer(s->tunnel));
	if (s->session_id)
		json_object_set_new(line, "session_id", json_integer(s->session_id));
}

static void write_line(enum log_event event, const json_t *line)
{
	char text[LOG_LINE];
	size_t n = log_line_text(line, words[event], text);

	if (line_sink)
		line_sink(line_sink_context, event, text);
	log_line_write(text, n);
}

// What somebody who has proven nothing can cause at will.
static bool stranger_can_cause(enum log_event event)
{
	switch (event) {
	case LOG_IKE_START:
	case LOG_TUNNEL_START:
	case LOG_SESSION_START:
	case LOG_PPP_REJECTED:
		return true;
	default:
		return levels[event] == LEVEL_WARNING;
	}
}

// May a line about this event be written now? *silent = how many were not, before.
static bool pass(enum log_event event, uint32_t *silent)
{
	struct limit *limit = &limits[event];
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (now.tv_sec != limit->second) {
		limit->second = now.tv_sec;
		limit->lines = 0;
	}
	if (++limit->lines > LOG_LINES_PER_SECOND) {
		limit->silent++;
		return false;
	}
	*silent = limit->silent;
	limit->silent = 0;
	return true;
}

void log_event(enum log_event event, const struct log_subject *subject, const char *format, ...)
{
	uint32_t silent = 0;
	json_t *line;
	va_list arguments;

	if (event >= LOG_EVENT_COUNT || levels[event] > threshold ||
		(stranger_can_cause(event) && !pass(event, &silent)))
		return;
	line = log_line_begin(levels[event], words[event]);
	if (!line)
		return;
	add_subject(line, subject);
	va_start(arguments, format);
	log_line_add(line, text_value, format, &arguments);
	va_end(arguments);
	if (silent)
		json_object_set_new(line, "not_logged", json_integer(silent));
	write_line(event, line);
	json_decref(line);
}

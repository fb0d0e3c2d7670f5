// SPDX-License-Identifier: Apache-2.0

// Lines are made with jansson and written with one write(2) each, so that two processes that
// share standard error do not mix. A full or closed standard error loses lines, never blocks us
// for good and never ends us.

#include "log.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	LINE = 8192,  // bytes of a line with its newline
	VALUE = 2048, // bytes of one text after escaping
};

#define LOG_WORD(name, word, level, meaning)  word,
#define LOG_LEVEL(name, word, level, meaning) level,

static const char *const words[] = {LOG_EVENT_LIST(LOG_WORD)};
static const uint8_t levels[] = {LOG_EVENT_LIST(LOG_LEVEL)};
static const char *const level_words[] = {"error", "warning", "info", "debug"};

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

// Each "s:T" of the format is a key, which is an argument, and a value of type T.
static void add_fields(json_t *line, const char *format, va_list arguments)
{
	for (const char *f = format; f && *f; f++) {
		const char *key;

		// The format repeats "s:T, "; what counts is the letter after each colon.
		if (*f != ':' || !f[1])
			continue;
		key = va_arg(arguments, const char *);
		switch (f[1]) {
		case 's':
			json_object_set_new(line, key, text_value(va_arg(arguments, const char *)));
			break;
		case 'i':
			json_object_set_new(line, key, json_integer(va_arg(arguments, int)));
			break;
		case 'I':
			json_object_set_new(line, key, json_integer(va_arg(arguments, long long)));
			break;
		case 'b':
			json_object_set_new(line, key, json_boolean(va_arg(arguments, int)));
			break;
		case 'o':
			json_object_set_new(line, key, va_arg(arguments, json_t *));
			break;
		default:
			return; // the types of what follows are not known
		}
	}
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

static void add_head(json_t *line, enum log_event event)
{
	struct timespec now;
	struct tm tm;
	char seconds[32], text[64];

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(seconds, sizeof(seconds), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, sizeof(text), "%s.%06ldZ", seconds, now.tv_nsec / 1000);
	json_object_set_new(line, "time", json_string(text));
	json_object_set_new(line, "level", json_string(level_words[levels[event]]));
	json_object_set_new(line, "event", json_string(words[event]));
}

static void write_line(enum log_event event, json_t *line)
{
	char text[LINE];
	size_t n = json_dumpb(line, text, sizeof(text) - 1, JSON_COMPACT);

	if (n > sizeof(text) - 2) {
		// Too long: what it is about, without the fields.
		n = (size_t)snprintf(
			text, sizeof(text), "{\"event\":\"%s\",\"cut\":true}", words[event]);
	}
	text[n] = '\0';
	if (line_sink)
		line_sink(line_sink_context, event, text);
	text[n] = '\n';
	while (write(STDERR_FILENO, text, n + 1) < 0 && errno == EINTR)
		;
}

void log_event(enum log_event event, const struct log_subject *subject, const char *format, ...)
{
	json_t *line;
	va_list arguments;

	if (event >= LOG_EVENT_COUNT || levels[event] > threshold)
		return;
	line = json_object();
	if (!line)
		return;
	add_head(line, event);
	add_subject(line, subject);
	va_start(arguments, format);
	add_fields(line, format, arguments);
	va_end(arguments);
	write_line(event, line);
	json_decref(line);
}

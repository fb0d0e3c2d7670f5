// SPDX-License-Identifier: Apache-2.0

#include "dataplane/log.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { LINE = 4096 }; // bytes of a line with its newline

#define LOG_WORD(name, word, level, meaning)  word,
#define LOG_LEVEL(name, word, level, meaning) level,

static const char *const words[] = {LOG_EVENT_LIST(LOG_WORD)};
static const uint8_t levels[] = {LOG_EVENT_LIST(LOG_LEVEL)};
static const char *const level_words[] = {"error", "warning", "info", "debug"};

static enum log_level threshold = LEVEL_INFO;

void log_set_level(enum log_level level)
{
	threshold = level;
}

// Text that is no UTF-8 cannot be JSON; none of ours comes from the wire.
static json_t *text_value(const char *text)
{
	json_t *value = text ? json_string(text) : NULL;

	return value ? value : json_null();
}

static json_t *next_value(char type, va_list *arguments)
{
	switch (type) {
	case 's':
		return text_value(va_arg(*arguments, const char *));
	case 'i':
		return json_integer(va_arg(*arguments, int));
	case 'I':
		return json_integer(va_arg(*arguments, long long));
	case 'b':
		return json_boolean(va_arg(*arguments, int));
	default:
		return NULL; // the types of what follows are not known
	}
}

static void add_fields(json_t *line, const char *format, va_list *arguments)
{
	for (const char *f = format; f && *f; f++) {
		const char *key;
		json_t *value;

		if (*f != ':' || !f[1])
			continue;
		key = va_arg(*arguments, const char *);
		value = next_value(f[1], arguments);
		if (!value)
			return;
		json_object_set_new(line, key, value);
	}
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

void log_event(enum log_event event, const char *format, ...)
{
	json_t *line;
	va_list arguments;
	char text[LINE];
	size_t n;

	if (event >= LOG_EVENT_COUNT || levels[event] > threshold)
		return;
	line = json_object();
	if (!line)
		return;
	add_head(line, event);
	va_start(arguments, format);
	add_fields(line, format, &arguments);
	va_end(arguments);
	n = json_dumpb(line, text, sizeof(text) - 1, JSON_COMPACT);
	json_decref(line);
	if (n > sizeof(text) - 2)
		n = (size_t)snprintf(
			text, sizeof(text), "{\"event\":\"%s\",\"cut\":true}", words[event]);
	text[n] = '\n';
	while (write(STDERR_FILENO, text, n + 1) < 0 && errno == EINTR)
		;
}

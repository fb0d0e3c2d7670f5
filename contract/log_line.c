// SPDX-License-Identifier: Apache-2.0

#include "log_line.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static json_t *time_value(void)
{
	struct timespec now;
	struct tm tm;
	char seconds[32], text[64];

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(seconds, sizeof(seconds), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, sizeof(text), "%s.%06ldZ", seconds, now.tv_nsec / 1000);
	return json_string(text);
}

json_t *log_line_begin(enum log_level level, const char *word)
{
	static const char *const words[] = {"error", "warning", "info", "debug"};
	json_t *line = json_object();

	if (!line)
		return NULL;
	json_object_set_new(line, "time", time_value());
	json_object_set_new(line, "level", json_string(words[level]));
	json_object_set_new(line, "event", json_string(word));
	return line;
}

static json_t *next_value(char type, json_t *(*text)(const char *text), va_list *arguments)
{
	switch (type) {
	case 's':
		return text(va_arg(*arguments, const char *));
	case 'i':
		return json_integer(va_arg(*arguments, int));
	case 'I':
		return json_integer(va_arg(*arguments, long long));
	case 'b':
		return json_boolean(va_arg(*arguments, int));
	case 'o':
		return va_arg(*arguments, json_t *);
	default:
		return NULL; // the types of what follows are not known
	}
}

void log_line_add(
	json_t *line, json_t *(*text)(const char *text), const char *format, va_list *arguments)
{
	// The format repeats "s:T, "; what counts is the letter after each colon.
	for (const char *f = format; f && *f; f++) {
		const char *key;
		json_t *value;

		if (*f != ':' || !f[1])
			continue;
		key = va_arg(*arguments, const char *);
		value = next_value(f[1], text, arguments);
		if (!value)
			return;
		json_object_set_new(line, key, value);
	}
}

size_t log_line_text(const json_t *line, const char *word, char text[LOG_LINE])
{
	size_t n = json_dumpb(line, text, LOG_LINE - 2, JSON_COMPACT);

	if (n == 0 || n > LOG_LINE - 2)
		n = (size_t)snprintf(text, LOG_LINE, "{\"event\":\"%s\",\"cut\":true}", word);
	text[n] = '\0';
	return n;
}

void log_line_write(char *text, size_t length)
{
	text[length] = '\n';
	while (write(STDERR_FILENO, text, length + 1) < 0 && errno == EINTR)
		;
	text[length] = '\0';
}

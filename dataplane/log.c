// SPDX-License-Identifier: Apache-2.0

#include "dataplane/log.h"

#include "contract/log_line.h"

#define LOG_WORD(name, word, level, meaning)  word,
#define LOG_LEVEL(name, word, level, meaning) level,

static const char *const words[] = {LOG_EVENT_LIST(LOG_WORD)};
static const uint8_t levels[] = {LOG_EVENT_LIST(LOG_LEVEL)};

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

void log_event(enum log_event event, const char *format, ...)
{
	json_t *line;
	va_list arguments;
	char text[LOG_LINE];

	if (event >= LOG_EVENT_COUNT || levels[event] > threshold)
		return;
	line = log_line_begin(levels[event], words[event]);
	if (!line)
		return;
	va_start(arguments, format);
	log_line_add(line, text_value, format, &arguments);
	va_end(arguments);
	log_line_write(text, log_line_text(line, words[event], text));
	json_decref(line);
}

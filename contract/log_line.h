// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the log lines of both programs have in common: a JSON object that begins with time, level
// and event, written to standard error as one line by one write(2), so that programs that share it
// do not mix. No state: whether a line is written at all is its program's business.

#include "contract/config.h"

#include <jansson.h>
#include <stdarg.h>

enum {
	LOG_LINE = 8192, // bytes of a line with its newline
};

// A new object with the head of a line: wall clock in UTC, level and the event's word. NULL without
// memory.
json_t *log_line_begin(enum log_level level, const char *word);
// Adds the fields that format names in the manner of json_pack's object members, without braces:
// "s:s, s:i" and then key, value, key, value. Types: s (const char *, NULL is null), i (int),
// I (long long), b (int as boolean), o (json_t *, taken). text makes the value of a text.
void log_line_add(
	json_t *line, json_t *(*text)(const char *text), const char *format, va_list *arguments);
// The line as text, without newline: size is LOG_LINE. One that does not fit is reduced to what it
// is about. Returns its length.
size_t log_line_text(const json_t *line, const char *word, char text[LOG_LINE]);
// Writes text and a newline, for which there must be room. A closed or full standard error loses
// the line.
void log_line_write(char *text, size_t length);

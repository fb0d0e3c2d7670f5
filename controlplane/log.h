// SPDX-License-Identifier: Apache-2.0
#pragma once

// One event, one line of JSON. Every event name stands once, in log_events.h, with its level and
// its meaning; the docs are made from there. A line carries the time, level, event, and of the
// subject whatever is known; then the fields of the event itself. Never a key, password or hash.

#include "contract/address.h"
#include "contract/config.h"
#include "log_events.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_ENUM(name, word, level, meaning) LOG_##name,
enum log_event { LOG_EVENT_LIST(LOG_ENUM) LOG_EVENT_COUNT };
#undef LOG_ENUM

// Whom a line is about. Zero or NULL = not known yet, and left out.
struct log_subject {
	uint64_t attempt; // id of the connection attempt
	const char *user; // as the peer wrote it: log_event escapes it
	struct ip_address peer;
	uint16_t peer_port;
	uint32_t peer_id; // the IKE peer
	uint16_t tunnel;
	uint16_t session_id;
};

void log_set_level(enum log_level level);
// For tests and the API: called with each finished line (without newline) beside standard error.
void log_set_sink(
	void (*sink)(void *context, enum log_event event, const char *line), void *context);

enum { LOG_LINES_PER_SECOND = 50 }; // of one event that strangers can cause

// format and what follows are key and value pairs in the manner of json_pack's object members,
// without braces: "s:s, s:i", "reason", text, "code", 3. Types: s (text, escaped as log_text
// does), i (int), I (long long), b (int as boolean), o (json_t *, taken). NULL text is null.
// format NULL or "" = no fields. subject may be NULL. Bounded: a line of over 8 KiB is cut, and of
// warnings and of what strangers begin, more than LOG_LINES_PER_SECOND are only counted: the next
// line has the number as "not_logged".
void log_event(enum log_event event, const struct log_subject *subject, const char *format, ...);

// Bytes from the wire as text that may stand in JSON, a table or a terminal: printable UTF-8 stays,
// all else becomes \xNN. Returns out, cut to fit size.
const char *log_text(const void *bytes, size_t length, char *out, size_t size);

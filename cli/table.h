// SPDX-License-Identifier: Apache-2.0
#pragma once

// Lists of JSON objects as aligned tables.

#include <jansson.h>
#include <stdbool.h>

enum column_kind {
	COLUMN_TEXT,     // texts; lists of texts with spaces; left
	COLUMN_NUMBER,   // exact digits; right
	COLUMN_COUNT,    // 1.23M; right
	COLUMN_BYTES,    // 1.23 GB; right
	COLUMN_DURATION, // of milliseconds: 3h07m; right
	COLUMN_PERCENT,  // of a fraction; right
	COLUMN_YES,      // yes or no
	COLUMN_LINK,     // up or down
};

struct column {
	const char *title; // NULL ends the table
	const char *key;   // in the object: "user", "uplink.bytes"
	enum column_kind kind;
	bool shrinks; // is cut first when the table is too wide
};

// Prints to standard output. Wider than the terminal, it cuts the columns that shrink; to a file or
// a pipe nothing is cut, unless COLUMNS is set.
void table_print(const json_t *list, const struct column *columns);
// The value at a dotted key, or NULL.
const json_t *table_value(const json_t *object, const char *key);

// SPDX-License-Identifier: Apache-2.0

#include "table.h"

#include "text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
	COLUMNS_MOST = 16,
	GAP = 2,       // between columns
	NARROWEST = 6, // what a column that shrinks keeps
};

const json_t *table_value(const json_t *object, const char *key)
{
	while (object) {
		size_t n = strcspn(key, ".");
		char part[64];

		snprintf(part, sizeof(part), "%.*s", (int)n, key);
		object = json_object_get(object, part);
		if (!key[n])
			break;
		key += n + 1;
	}
	return object;
}

static void format_list(const json_t *value, char out[TEXT_MOST])
{
	size_t at = 0;

	for (size_t i = 0; i < json_array_size(value); i++) {
		const char *text = json_string_value(json_array_get(value, i));
		char escaped[TEXT_MOST];

		if (!text)
			continue;
		text_escape(text, escaped);
		if (at + strlen(escaped) + 2 > TEXT_MOST)
			break;
		at += (size_t)snprintf(out + at, TEXT_MOST - at, "%s%s", at ? " " : "", escaped);
	}
}

static void format_other(const json_t *value, char out[TEXT_MOST])
{
	if (json_is_array(value))
		format_list(value, out);
	else if (json_is_string(value))
		text_escape(json_string_value(value), out);
	else if (json_is_integer(value))
		snprintf(out, TEXT_MOST, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
}

// What a cell shows; "-" for what is not there.
static void format_cell(const json_t *object, const struct column *c, char out[TEXT_MOST])
{
	const json_t *value = table_value(object, c->key);
	uint64_t number = (uint64_t)json_integer_value(value);

	strcpy(out, "-");
	if (!value || json_is_null(value))
		return;
	if (json_is_string(value) || json_is_array(value)) {
		format_other(value, out);
		if (!*out)
			strcpy(out, "-");
		return;
	}
	switch (c->kind) {
	case COLUMN_COUNT:
		text_count(number, out);
		break;
	case COLUMN_BYTES:
		text_bytes(number, out);
		break;
	case COLUMN_DURATION:
		text_duration(number, out);
		break;
	case COLUMN_PERCENT:
		snprintf(out, TEXT_MOST, "%.1f%%", 100 * json_number_value(value));
		break;
	case COLUMN_YES:
		strcpy(out, json_is_true(value) ? "yes" : "no");
		break;
	case COLUMN_LINK:
		strcpy(out, json_is_true(value) ? "up" : "down");
		break;
	default:
		format_other(value, out);
	}
}

static bool is_right(const struct column *c)
{
	return c->kind >= COLUMN_NUMBER && c->kind <= COLUMN_PERCENT;
}

// Columns of the terminal; 0 = as many as it takes.
static size_t terminal_width(void)
{
	const char *set = getenv("COLUMNS");
	struct winsize size;

	if (set && atoi(set) > 0)
		return (size_t)atoi(set);
	if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
		return size.ws_col;
	return 0;
}

static size_t measure(const json_t *list, const struct column *columns, size_t widths[COLUMNS_MOST])
{
	size_t count = 0;

	for (; columns[count].title && count < COLUMNS_MOST; count++) {
		widths[count] = text_width(columns[count].title);
		for (size_t i = 0; i < json_array_size(list); i++) {
			char cell[TEXT_MOST];
			size_t w;

			format_cell(json_array_get(list, i), &columns[count], cell);
			w = text_width(cell);
			if (w > widths[count])
				widths[count] = w;
		}
	}
	return count;
}

// Takes columns from the widest of those that shrink, one at a time, until the table fits.
static void shrink(const struct column *columns, size_t count, size_t widths[COLUMNS_MOST])
{
	size_t terminal = terminal_width(), total = 0;

	for (size_t i = 0; i < count; i++)
		total += widths[i] + (i ? GAP : 0);
	while (terminal && total > terminal) {
		size_t widest = count;

		for (size_t i = 0; i < count; i++)
			if (columns[i].shrinks && widths[i] > NARROWEST &&
				(widest == count || widths[i] > widths[widest]))
				widest = i;
		if (widest == count)
			return;
		widths[widest]--;
		total--;
	}
}

static void print_cell(char *cell, const struct column *c, size_t width, bool last)
{
	size_t pad;

	text_cut(cell, width);
	pad = width - text_width(cell);
	if (is_right(c))
		printf("%*s%s", (int)pad, "", cell);
	else
		printf("%s%*s", cell, last ? 0 : (int)pad, "");
	if (!last)
		printf("%*s", GAP, "");
}

void table_print(const json_t *list, const struct column *columns)
{
	size_t widths[COLUMNS_MOST];
	size_t count = measure(list, columns, widths);
	char cell[TEXT_MOST];

	shrink(columns, count, widths);
	for (size_t c = 0; c < count; c++) {
		snprintf(cell, sizeof(cell), "%s", columns[c].title);
		print_cell(cell, &columns[c], widths[c], c + 1 == count);
	}
	putchar('\n');
	for (size_t i = 0; i < json_array_size(list); i++) {
		for (size_t c = 0; c < count; c++) {
			format_cell(json_array_get(list, i), &columns[c], cell);
			print_cell(cell, &columns[c], widths[c], c + 1 == count);
		}
		putchar('\n');
	}
}

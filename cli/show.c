// SPDX-License-Identifier: Apache-2.0

// What all commands of `show` have in common: filters to a query, pages to one answer, and the
// answer to tables or JSON.

#include "command.h"
#include "table.h"

#include <stdio.h>
#include <string.h>

void show_json(const json_t *body)
{
	json_dumpf(body, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	putchar('\n');
}

// Adds "&name=value" to the path; false when it does not fit.
static bool add_text(char *path, size_t size, const char *name, const char *value)
{
	char escaped[1024];
	size_t n = strlen(path);

	if (!value)
		return true;
	if (!client_escape(value, escaped, sizeof(escaped)))
		return false;
	return (size_t)snprintf(path + n, size - n, "%c%s=%s", strchr(path, '?') ? '&' : '?', name,
		       escaped) < size - n;
}

static bool add_number(char *path, size_t size, const char *name, json_int_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT, value);
	return add_text(path, size, name, text);
}

// The path of one page. after is the answer's `next`, or NULL for the first one.
static bool page_path(const struct arguments *a, const struct command *c, const json_t *after,
	size_t have, char *path, size_t size)
{
	enum { PAGE = 1000 };
	unsigned want = PAGE;

	snprintf(path, size, "%s", c->path);
	if (a->limit && a->limit - have < PAGE)
		want = a->limit - (unsigned)have;
	if (c->options & OPTION_LIMIT && !add_number(path, size, "limit", want))
		return false;
	if (after && !add_number(path, size, "after", json_integer_value(after)))
		return false;
	return add_text(path, size, "user", a->user) && add_text(path, size, "peer", a->peer) &&
	       add_text(path, size, "address", a->address) &&
	       add_text(path, size, "forbid", a->forbid);
}

// Puts the lists of a page behind those of the pages before it.
static void join(json_t *whole, json_t *page, const struct listing *l)
{
	for (; l->key; l++)
		json_array_extend(json_object_get(whole, l->key), json_object_get(page, l->key));
	json_object_set(whole, "next", json_object_get(page, "next"));
}

static size_t listed(const json_t *body, const struct listing *l)
{
	return json_array_size(json_object_get(body, l->key));
}

// As many pages as --limit asks for.
enum exit_code show_get(const struct arguments *a, const struct command *c, json_t **body)
{
	json_t *next = NULL;
	size_t have = 0;

	*body = NULL;
	do {
		char path[4096];
		json_t *page;
		int code;

		if (!page_path(a, c, next, have, path, sizeof(path))) {
			fprintf(stderr, "culvert: a filter is too long\n");
			return EXIT_USAGE;
		}
		code = client_do(a->client, "GET", path, &page);
		if (code != EXIT_OK)
			return code;
		if (!*body) {
			*body = page;
		} else {
			join(*body, page, c->listings);
			json_decref(page);
		}
		next = json_object_get(*body, "next");
		have = c->listings ? listed(*body, c->listings) : 0;
	} while (json_is_integer(next) && (!a->limit || have < a->limit));
	return EXIT_OK;
}

static void print_listings(const json_t *body, const struct listing *listings)
{
	for (const struct listing *l = listings; l->key; l++) {
		const json_t *list = json_object_get(body, l->key);

		if (l != listings)
			putchar('\n');
		if (json_array_size(list) == 0)
			printf("%s\n", l->nothing);
		else
			table_print(list, l->columns);
	}
}

enum exit_code show_run(const struct arguments *a, const struct command *c)
{
	json_t *body;
	enum exit_code code = show_get(a, c, &body);

	if (code == EXIT_OK && a->json)
		show_json(body);
	else if (code == EXIT_OK)
		print_listings(body, c->listings);
	json_decref(body);
	return code;
}

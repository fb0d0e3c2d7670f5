// SPDX-License-Identifier: Apache-2.0

// Reading the configuration file: bytes to YAML document, document to struct config by the schema,
// the checks between sections, and the list of errors in the order of the file.
//
// libyaml's document API keeps line and column of every node, which is all that good errors need;
// the walk over the nodes is ours. Nothing here logs, and there is no state between calls.

#include "config_schema.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	ERRORS_MOST = 100,     // shown of one file
	FILE_MOST = 256 << 20, // bytes: room for a million users
};

struct config_error {
	yaml_mark_t mark;
	size_t order;
	char *text;
};

struct config_place {
	const void *field;
	yaml_mark_t mark;
};

// Makes room for one more element. False without memory, which config_parse then reports.
static bool grow(struct config_load *load, void **array, size_t count, size_t *room, size_t size)
{
	size_t want = *room ? *room * 2 : 64;
	void *more;

	if (count < *room)
		return true;
	more = realloc(*array, want * size);
	if (!more) {
		load->no_memory = true;
		return false;
	}
	*array = more;
	*room = want;
	return true;
}

void config_error(struct config_load *load, yaml_mark_t mark, const char *format, ...)
{
	struct config_error e = {mark, load->error_count, NULL};
	va_list arguments;

	if (!grow(load, (void **)&load->errors, load->error_count, &load->error_room, sizeof(e)))
		return;
	va_start(arguments, format);
	if (vasprintf(&e.text, format, arguments) < 0)
		e.text = NULL;
	va_end(arguments);
	load->errors[load->error_count++] = e;
}

void config_place_set(struct config_load *load, const void *field, yaml_mark_t mark)
{
	struct config_place p = {field, mark};

	// Defaults come from nowhere.
	if (mark.index == 0)
		return;
	if (grow(load, (void **)&load->places, load->place_count, &load->place_room, sizeof(p)))
		load->places[load->place_count++] = p;
}

yaml_mark_t config_place(const struct config_load *load, const void *field)
{
	for (size_t i = load->place_count; i > 0; i--)
		if (load->places[i - 1].field == field)
			return load->places[i - 1].mark;
	return (yaml_mark_t){0};
}

static int compare_errors(const void *left, const void *right)
{
	const struct config_error *a = left, *b = right;

	if (a->mark.line != b->mark.line)
		return a->mark.line < b->mark.line ? -1 : 1;
	if (a->mark.column != b->mark.column)
		return a->mark.column < b->mark.column ? -1 : 1;
	return a->order < b->order ? -1 : 1;
}

static void print_errors(struct config_load *load, FILE *errors)
{
	if (load->error_count)
		qsort(load->errors, load->error_count, sizeof(*load->errors), compare_errors);
	for (size_t i = 0; i < load->error_count && i < ERRORS_MOST; i++) {
		const struct config_error *e = &load->errors[i];

		fprintf(errors, "%s:%zu:%zu: %s\n", load->name, e->mark.line + 1,
			e->mark.column + 1, e->text ? e->text : "out of memory");
	}
	if (load->error_count > ERRORS_MOST)
		fprintf(errors, "%s:1:1: %zu more errors: mend the ones above first\n", load->name,
			load->error_count - ERRORS_MOST);
	if (load->no_memory)
		fprintf(errors, "%s:1:1: out of memory: give the process more\n", load->name);
}

// libyaml's reader knows the offset of a bad byte alone.
static yaml_mark_t mark_of_offset(const char *text, size_t length, size_t offset)
{
	yaml_mark_t mark = {.index = offset};

	for (size_t i = 0; i < offset && i < length; i++) {
		mark.column++;
		if (text[i] == '\n') {
			mark.line++;
			mark.column = 0;
		}
	}
	return mark;
}

static void refuse_yaml(
	struct config_load *load, const yaml_parser_t *parser, const char *text, size_t length)
{
	const char *problem = parser->problem ? parser->problem : "unknown problem";

	if (parser->error == YAML_READER_ERROR)
		config_error(load, mark_of_offset(text, length, parser->problem_offset),
			"not valid UTF-8 (%s): save the file as UTF-8 text", problem);
	else if (parser->error == YAML_MEMORY_ERROR)
		load->no_memory = true;
	else
		config_error(load, parser->problem_mark,
			"not valid YAML (%s): look at indentation, colons, quotes and brackets "
			"here",
			problem);
}

// The secrets in the document go before its memory does.
static void wipe_document(yaml_document_t *document)
{
	for (yaml_node_t *n = document->nodes.start; n < document->nodes.top; n++)
		if (n->type == YAML_SCALAR_NODE)
			explicit_bzero(n->data.scalar.value, n->data.scalar.length);
	yaml_document_delete(document);
}

// A second document in the file would be ignored; that is surely not what was meant.
static void refuse_second(
	struct config_load *load, yaml_parser_t *parser, const char *text, size_t length)
{
	yaml_document_t more;
	yaml_node_t *root;

	if (!yaml_parser_load(parser, &more)) {
		refuse_yaml(load, parser, text, length);
		return;
	}
	root = yaml_document_get_root_node(&more);
	if (root)
		config_error(load, root->start_mark,
			"a second YAML document: keep one, without a line of ---");
	wipe_document(&more);
}

static void load_document(
	struct config_load *load, yaml_parser_t *parser, const char *text, size_t length)
{
	yaml_document_t document;

	if (!yaml_parser_load(parser, &document)) {
		refuse_yaml(load, parser, text, length);
		return;
	}
	load->document = &document;
	config_walk(load, yaml_document_get_root_node(&document));
	config_policy(load);
	config_check(load);
	if (yaml_document_get_root_node(&document))
		refuse_second(load, parser, text, length);
	load->document = NULL;
	wipe_document(&document);
}

static void free_load(struct config_load *load)
{
	for (size_t i = 0; i < load->error_count; i++)
		free(load->errors[i].text);
	free(load->errors);
	free(load->places);
}

int config_parse(
	const char *text, size_t length, const char *name, struct config **out, FILE *errors)
{
	struct config_load load = {.name = name, .config = calloc(1, sizeof(struct config))};
	yaml_parser_t parser;
	int error = 0;

	*out = NULL;
	if (!load.config || !yaml_parser_initialize(&parser)) {
		load.no_memory = true;
	} else {
		yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
		load_document(&load, &parser, text, length);
		yaml_parser_delete(&parser);
	}
	if (load.error_count)
		error = -EINVAL;
	if (load.no_memory)
		error = -ENOMEM;
	print_errors(&load, errors);
	free_load(&load);
	if (error)
		config_free(load.config);
	else
		*out = load.config;
	return error;
}

// Reads until the end. Returns the length or -errno; *text is to be wiped and freed.
static ssize_t read_all(int fd, char **text)
{
	size_t room = 1 << 16, length = 0;
	ssize_t n;

	*text = malloc(room);
	if (!*text)
		return -ENOMEM;
	while ((n = read(fd, *text + length, room - length)) > 0) {
		char *more;

		length += (size_t)n;
		if (length < room)
			continue;
		if (room >= FILE_MOST)
			return -EFBIG;
		more = realloc(*text, room *= 2);
		if (!more)
			return -ENOMEM;
		*text = more;
	}
	return n < 0 ? -errno : (ssize_t)length;
}

static int load_descriptor(int fd, const char *path, struct config **out, FILE *errors)
{
	char *text = NULL;
	ssize_t n = read_all(fd, &text);
	int error = (int)n;

	if (n >= 0) {
		error = config_parse(text, (size_t)n, path, out, errors);
		explicit_bzero(text, (size_t)n);
	} else {
		fprintf(errors, "%s:1:1: cannot be read: %s\n", path, strerror(-error));
	}
	free(text);
	return error;
}

int config_load(const char *path, struct config **out, FILE *errors)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY), error;

	*out = NULL;
	if (fd < 0) {
		error = -errno;
		fprintf(errors, "%s:1:1: cannot be opened (%s): %s\n", path, strerror(-error),
			error == -ENOENT ? "check the path" : "make it readable");
		return error;
	}
	error = load_descriptor(fd, path, out, errors);
	close(fd);
	return error;
}

void config_free(struct config *c)
{
	if (!c)
		return;
	if (c->psks)
		explicit_bzero(c->psks, c->psk_count * sizeof(*c->psks));
	if (c->users)
		explicit_bzero(c->users, c->user_count * sizeof(*c->users));
	if (c->ppks)
		explicit_bzero(c->ppks, c->ppk_count * sizeof(*c->ppks));
	for (unsigned i = 0; i < c->filter_count; i++)
		free(c->filters[i].rules);
	free(c->psks);
	free(c->ppks);
	free(c->users);
	free(c->routes);
	explicit_bzero(c, sizeof(*c));
	free(c);
}

static const char *word_of(const struct config_word *words, unsigned v)
{
	for (; words->word; words++)
		if (words->value == v)
			return words->word;
	return "?";
}

const char *ike_encryption_word(unsigned v)
{
	return word_of(ike_encryption_words, v);
}

const char *ike_hash_word(unsigned v)
{
	return word_of(ike_hash_words, v);
}

const char *ike_group_word(unsigned v)
{
	return word_of(ike_group_words, v);
}

const char *ppp_auth_word(unsigned v)
{
	return word_of(ppp_auth_words, v);
}

const char *config_action_word(unsigned v)
{
	return word_of(action_words, v);
}

const char *config_protocol_word(unsigned v)
{
	const char *word = word_of(protocol_words, v);

	return *word == '?' ? NULL : word;
}

uint16_t config_filter_number(const struct config *c, const char *name)
{
	for (uint16_t i = 0; *name && i < c->filter_count; i++)
		if (strcmp(c->filters[i].name, name) == 0)
			return i + 1;
	return 0;
}

const struct config_listener *config_listener_at(
	const struct config *c, const struct ip_address *local)
{
	for (uint16_t i = 0; i < c->listener_count; i++)
		if (address_equal(&c->listeners[i].address, local))
			return &c->listeners[i];
	return NULL;
}

uint16_t config_group_number(const struct config *c, const char *name)
{
	for (uint16_t i = 0; *name && i < c->group_count; i++)
		if (strcmp(c->groups[i].name, name) == 0)
			return i + 1;
	return 0;
}

// SPDX-License-Identifier: Apache-2.0

// Follows the schema through the YAML document: keys, lists, maps, what is missing, what is there
// twice, and defaults. It goes no deeper than the schema does, so that aliases in the file cannot
// make it run in circles.

#include "config_schema.h"

#include <stdlib.h>
#include <string.h>

static void walk_section(struct config_load *load, const struct config_section *section,
	const yaml_node_t *node, yaml_mark_t mark, void *base);

bool config_is_null(const yaml_node_t *node)
{
	const char *text;

	if (!node)
		return true;
	if (node->type != YAML_SCALAR_NODE || node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return false;
	text = (const char *)node->data.scalar.value;
	return *text == '\0' || strcmp(text, "~") == 0 || strcmp(text, "null") == 0;
}

static const char *say_type(const yaml_node_t *node)
{
	switch (node->type) {
	case YAML_SEQUENCE_NODE:
		return "a list";
	case YAML_MAPPING_NODE:
		return "a map";
	default:
		return "a single value";
	}
}

// Refuses what is not of the wanted shape, and tags such as !!int, which mean nothing here.
static bool check_shape(struct config_load *load, const struct config_section *section,
	const struct config_field *field, const yaml_node_t *node, yaml_node_type_t wanted)
{
	static const char *const fixes[] = {
		[YAML_SCALAR_NODE] = "write a single value",
		[YAML_SEQUENCE_NODE] = "write a list, for example [...]",
		[YAML_MAPPING_NODE] = "write keys and values, for example {...}",
	};
	static const char *const tags[] = {
		[YAML_SCALAR_NODE] = YAML_DEFAULT_SCALAR_TAG,
		[YAML_SEQUENCE_NODE] = YAML_DEFAULT_SEQUENCE_TAG,
		[YAML_MAPPING_NODE] = YAML_DEFAULT_MAPPING_TAG,
	};
	char key[CONFIG_SAY];

	snprintf(key, sizeof(key), "%s", section->name);
	if (field)
		config_say_field(section, field, key);
	if (!*key)
		snprintf(key, sizeof(key), "the file");
	if (node->type != wanted)
		config_error(
			load, node->start_mark, "%s is %s: %s", key, say_type(node), fixes[wanted]);
	else if (strcmp((const char *)node->tag, tags[wanted]) != 0)
		config_error(load, node->start_mark, "%s has a YAML tag: remove it", key);
	else
		return true;
	return false;
}

static void *field_at(struct config_load *load, const struct config_field *field, void *base)
{
	return (char *)(field->global ? (void *)load->config : base) + field->offset;
}

static void store_count(
	struct config_load *load, const struct config_field *field, void *base, size_t count)
{
	void *from = field->global ? load->config : base;

	if (field->count_size)
		config_store((char *)from + field->count_offset, field->count_size, count);
}

// Fills the field from the default of the schema.
static void walk_initial(struct config_load *load, const struct config_section *section,
	const struct config_field *field, void *base)
{
	const yaml_mark_t nowhere = {0};
	char *at = field_at(load, field, base);
	const char *text = field->initial;
	size_t count = 0;

	if (!field->most) {
		config_value(load, section, field, text, strlen(text), nowhere, base, at);
		return;
	}
	while (*text) {
		char word[64];
		size_t n = strcspn(text, " ");

		snprintf(word, sizeof(word), "%.*s", (int)n, text);
		config_value(load, section, field, word, strlen(word), nowhere, base,
			at + count++ * field->size);
		text += n + strspn(text + n, " ");
	}
	store_count(load, field, base, count);
}

static void walk_item(struct config_load *load, const struct config_section *section,
	const struct config_field *field, const yaml_node_t *node, void *base, char *at)
{
	if (field->kind == KIND_SECTION) {
		if (check_shape(load, section, field, node, YAML_MAPPING_NODE))
			walk_section(load, field->maps, node, node->start_mark, at);
	} else if (check_shape(load, section, field, node, YAML_SCALAR_NODE)) {
		config_value(load, section, field, (const char *)node->data.scalar.value,
			node->data.scalar.length, node->start_mark, base, at);
	}
}

// The same scalar twice in one list.
static void check_repeats(struct config_load *load, const struct config_section *section,
	const struct config_field *field, const yaml_node_t *node)
{
	const yaml_node_item_t *first = node->data.sequence.items.start;
	char key[CONFIG_SAY], shown[CONFIG_SAY];

	for (const yaml_node_item_t *i = first;
		!field->repeats && i < node->data.sequence.items.top; i++)
		for (const yaml_node_item_t *j = first; j < i; j++) {
			const yaml_node_t *a = yaml_document_get_node(load->document, *i);
			const yaml_node_t *b = yaml_document_get_node(load->document, *j);

			if (a->type != YAML_SCALAR_NODE || b->type != YAML_SCALAR_NODE ||
				strcmp((char *)a->data.scalar.value,
					(char *)b->data.scalar.value) != 0)
				continue;
			config_error(load, a->start_mark, "%s has '%s' twice: remove one",
				config_say_field(section, field, key),
				config_say_value((char *)a->data.scalar.value,
					a->data.scalar.length, shown));
			break;
		}
}

// One value in place of a list of one.
static void walk_single(struct config_load *load, const struct config_section *section,
	const struct config_field *field, const yaml_node_t *node, void *base)
{
	walk_item(load, section, field, node, base, field_at(load, field, base));
	store_count(load, field, base, 1);
}

static void walk_list(struct config_load *load, const struct config_section *section,
	const struct config_field *field, const yaml_node_t *node, void *base)
{
	char *at = field_at(load, field, base), key[CONFIG_SAY];
	size_t count;

	if (!check_shape(load, section, field, node, YAML_SEQUENCE_NODE))
		return;
	count = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
	config_say_field(section, field, key);
	if (count > field->most) {
		config_error(load, node->start_mark, "%s has %zu entries: keep it to %u", key,
			count, field->most);
		return;
	}
	if (count == 0 && (field->required || field->initial || field->kind == KIND_WORD)) {
		config_error(load, node->start_mark,
			"%s is an empty list: write at least one entry", key);
		return;
	}
	if (field->kind != KIND_SECTION && field->kind != KIND_TEXT)
		check_repeats(load, section, field, node);
	if (field->heap) {
		char *room = calloc(count ? count : 1, field->size);

		if (!room) {
			load->no_memory = true;
			return;
		}
		memcpy(at, &room, sizeof(room));
		at = room;
	}
	for (size_t i = 0; i < count; i++)
		walk_item(load, section, field,
			yaml_document_get_node(load->document, node->data.sequence.items.start[i]),
			base, at + i * field->size);
	store_count(load, field, base, count);
}

static void walk_absent(struct config_load *load, const struct config_section *section,
	const struct config_field *field, yaml_mark_t mark, void *base)
{
	char key[CONFIG_SAY];

	if (field->required)
		config_error(load, mark, "%s is missing: add it, for example %s: %s",
			config_say_field(section, field, key), field->key, field->example);
	else if (field->kind == KIND_SECTION && !field->most)
		walk_section(load, field->maps, NULL, mark, field_at(load, field, base));
	else if (field->initial)
		walk_initial(load, section, field, base);
}

static void walk_field(struct config_load *load, const struct config_section *section,
	const struct config_field *field, const yaml_node_t *node, void *base)
{
	char *at = field_at(load, field, base), key[CONFIG_SAY];

	config_place_set(load, at, node->start_mark);
	if (field->kind == KIND_SECRET)
		config_secret(load, section, field, node, base);
	else if (config_is_null(node) && (field->required || field->kind != KIND_SECTION))
		config_error(load, node->start_mark, "%s has no value: write one or remove the key",
			config_say_field(section, field, key));
	else if (config_is_null(node))
		walk_absent(load, section, field, node->start_mark, base);
	else if (field->single && node->type == YAML_SCALAR_NODE)
		walk_single(load, section, field, node, base);
	else if (field->most)
		walk_list(load, section, field, node, base);
	else if (field->kind == KIND_SECTION)
		walk_section(load, field->maps, node, node->start_mark, at);
	else
		walk_item(load, section, field, node, base, at);
}

static void refuse_key(
	struct config_load *load, const struct config_section *section, const yaml_node_t *key)
{
	const char *text = (const char *)key->data.scalar.value;
	size_t length = key->data.scalar.length;
	const char *close = config_closest_key(text, length, section);
	char shown[CONFIG_SAY], keys[CONFIG_SAY], where[64] = "";

	if (*section->name)
		snprintf(where, sizeof(where), " in %s", section->name);
	config_say_value(text, length, shown);
	config_say_keys(section, keys);
	if (close)
		config_error(load, key->start_mark,
			"unknown key '%s'%s: did you mean %s? known keys: %s", shown, where, close,
			keys);
	else
		config_error(load, key->start_mark, "unknown key '%s'%s: use one of %s", shown,
			where, keys);
}

static const struct config_field *find_field(
	const struct config_section *section, const yaml_node_t *key, size_t *index)
{
	const struct config_field *f = section->fields;

	for (*index = 0; f->key; f++, ++*index)
		if (strlen(f->key) == key->data.scalar.length &&
			memcmp(f->key, key->data.scalar.value, key->data.scalar.length) == 0)
			return f;
	return NULL;
}

// Sorts the map's values by the fields of the schema.
static void collect(struct config_load *load, const struct config_section *section,
	const yaml_node_t *node, const yaml_node_t *keys[CONFIG_FIELDS],
	const yaml_node_t *values[CONFIG_FIELDS])
{
	const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	char name[CONFIG_SAY];

	for (; pair < node->data.mapping.pairs.top; pair++) {
		const yaml_node_t *key = yaml_document_get_node(load->document, pair->key);
		const struct config_field *field;
		size_t i;

		if (key->type != YAML_SCALAR_NODE) {
			config_error(load, key->start_mark, "%s is not a key: write one word",
				say_type(key));
			continue;
		}
		field = find_field(section, key, &i);
		if (!field) {
			refuse_key(load, section, key);
		} else if (keys[i]) {
			config_error(load, key->start_mark,
				"%s is there twice, first on line %zu: remove one",
				config_say_field(section, field, name),
				keys[i]->start_mark.line + 1);
		} else {
			keys[i] = key;
			values[i] = yaml_document_get_node(load->document, pair->value);
		}
	}
}

static void walk_section(struct config_load *load, const struct config_section *section,
	const yaml_node_t *node, yaml_mark_t mark, void *base)
{
	const yaml_node_t *keys[CONFIG_FIELDS] = {NULL}, *values[CONFIG_FIELDS] = {NULL};
	const struct config_field *field = section->fields;

	if (config_is_null(node))
		node = NULL;
	if (node && !check_shape(load, section, NULL, node, YAML_MAPPING_NODE)) {
		if (section == &config_file)
			load->broken = UINT32_MAX;
		return;
	}
	if (node)
		collect(load, section, node, keys, values);
	for (size_t i = 0; field->key && i < CONFIG_FIELDS; i++, field++) {
		size_t before = load->error_count;

		if (values[i])
			walk_field(load, section, field, values[i], base);
		else
			walk_absent(load, section, field, mark, base);
		if (section == &config_file && load->error_count != before)
			load->broken |= 1u << i;
	}
}

void config_walk(struct config_load *load, const yaml_node_t *root)
{
	walk_section(load, &config_file, root, (yaml_mark_t){0}, load->config);
}

bool config_walked(const struct config_load *load, const char *key)
{
	for (size_t i = 0; config_file.fields[i].key; i++)
		if (strcmp(config_file.fields[i].key, key) == 0)
			return !(load->broken & 1u << i);
	return false;
}

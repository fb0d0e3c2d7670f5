// SPDX-License-Identifier: Apache-2.0

// Secrets of the configuration: as they are, or in a file of their own. No error here repeats a
// word of what was written where a secret belongs.

#include "config_schema.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct secret {
	struct config_load *load;
	const struct config_section *section;
	const struct config_field *field;
	yaml_mark_t mark;
	char *at; // field->size bytes
};

static bool refuse(const struct secret *s, const char *problem, const char *fix)
{
	char key[CONFIG_SAY];

	config_error(s->load, s->mark, "%s %s: %s", config_say_field(s->section, s->field, key),
		problem, fix);
	return false;
}

// About a secret file, which may be named.
static bool refuse_file(
	const struct secret *s, const char *path, const char *problem, const char *fix)
{
	char key[CONFIG_SAY], shown[CONFIG_SAY];

	config_error(s->load, s->mark, "%s: secret file %s %s: %s",
		config_say_field(s->section, s->field, key),
		config_say_value(path, strlen(path), shown), problem, fix);
	return false;
}

static bool store(const struct secret *s, void *base, const char *text, size_t length)
{
	if (length == 0)
		return refuse(s, "is empty", "write the secret");
	if (memchr(text, '\0', length))
		return refuse(s, "has a NUL in it", "remove it");
	if (length >= s->field->size)
		return refuse(s, "is longer than 255 bytes", "choose a shorter one");
	memcpy(s->at, text, length);
	s->at[length] = '\0';
	if (s->field->count_size)
		config_store((char *)base + s->field->count_offset, s->field->count_size, length);
	return true;
}

static bool check_file(const struct secret *s, const char *path, const struct stat *st)
{
	char fix[CONFIG_TEXT + 32];

	if (!S_ISREG(st->st_mode))
		return refuse_file(s, path, "is not a regular file", "name the file itself");
	if (st->st_mode & 077) {
		snprintf(fix, sizeof(fix), "chmod 600 %s", path);
		return refuse_file(s, path, "may be read by others than its owner", fix);
	}
	if (st->st_uid != 0 && st->st_uid != geteuid()) {
		snprintf(fix, sizeof(fix), "chown root %s", path);
		return refuse_file(s, path, "belongs to another user", fix);
	}
	return true;
}

bool config_full_path(const struct config_load *load, const char *path, char out[CONFIG_TEXT])
{
	const char *slash = strrchr(load->name, '/');
	int folder = slash && *path != '/' ? (int)(slash - load->name) + 1 : 0;

	return snprintf(out, CONFIG_TEXT, "%.*s%s", folder, load->name, path) < CONFIG_TEXT;
}

static bool read_descriptor(const struct secret *s, int fd, const char *path, void *base)
{
	char text[CONFIG_TEXT + 2];
	struct stat st;
	ssize_t n;
	bool ok;

	if (fstat(fd, &st) < 0)
		return refuse_file(s, path, "cannot be looked at", strerror(errno));
	if (!check_file(s, path, &st))
		return false;
	n = read(fd, text, sizeof(text));
	if (n < 0)
		return refuse_file(s, path, "cannot be read", strerror(errno));
	// The newline that every editor puts at the end is not part of the secret.
	if (n > 0 && text[n - 1] == '\n')
		n--;
	ok = store(s, base, text, (size_t)n);
	explicit_bzero(text, sizeof(text));
	return ok;
}

static bool read_file(const struct secret *s, const char *name, void *base)
{
	char path[CONFIG_TEXT];
	struct stat st;
	bool ok;
	int fd;

	if (!config_full_path(s->load, name, path))
		return refuse(s, "names a file by too long a path", "shorten it");
	// Looked at before it is opened: to open a device can have effects.
	if (stat(path, &st) == 0 && !check_file(s, path, &st))
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT)
		return refuse_file(s, path, "is not there", "write it, with mode 600");
	if (fd < 0)
		return refuse_file(s, path, "cannot be opened", strerror(errno));
	ok = read_descriptor(s, fd, path, base);
	close(fd);
	return ok;
}

static bool is_scalar(const yaml_node_t *node)
{
	return node && node->type == YAML_SCALAR_NODE;
}

static bool read_map(const struct secret *s, const yaml_node_t *node, void *base)
{
	const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	const yaml_node_t *key, *value;

	if (node->data.mapping.pairs.top - pair != 1)
		return refuse(s, "is a map with other keys than file",
			"write the secret in quotes, or {file: PATH}");
	key = yaml_document_get_node(s->load->document, pair->key);
	value = yaml_document_get_node(s->load->document, pair->value);
	if (!is_scalar(key) || !is_scalar(value) ||
		strcmp((const char *)key->data.scalar.value, "file") != 0 ||
		value->data.scalar.length == 0 ||
		strlen((const char *)value->data.scalar.value) != value->data.scalar.length)
		return refuse(s, "is a map with other keys than file",
			"write the secret in quotes, or {file: PATH}");
	return read_file(s, (const char *)value->data.scalar.value, base);
}

bool config_secret(struct config_load *load, const struct config_section *section,
	const struct config_field *field, const yaml_node_t *node, void *base)
{
	const struct secret s = {
		load, section, field, node->start_mark, (char *)base + field->offset};

	config_place_set(load, s.at, node->start_mark);
	if (config_is_null(node))
		return refuse(&s, "is empty", "write the secret");
	if (node->type == YAML_MAPPING_NODE)
		return read_map(&s, node, base);
	if (node->type != YAML_SCALAR_NODE)
		return refuse(&s, "is a list", "write the secret in quotes, or {file: PATH}");
	return store(&s, base, (const char *)node->data.scalar.value, node->data.scalar.length);
}

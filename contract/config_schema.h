// SPDX-License-Identifier: Apache-2.0
#pragma once

// How the configuration file is described to the code that reads it: one table, in config_schema.c,
// with a line for each key. Only the config_*.c files include this header.
//
//   config.c         file, YAML, errors, free
//   config_walk.c    follows the table through the YAML document
//   config_value.c   one scalar into one field
//   config_secret.c  secrets, and the files that hold them
//   config_schema.c  the table; of radius in config_schema_radius.c
//   config_check.c   what must agree between sections
//   config_group.c   the same for filters and groups
//   config_policy.c  algorithms by ike.policy
//   config_radius.c  what must agree in radius

#include "config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <yaml.h>

enum config_kind {
	KIND_TEXT,     // low = 1: a name of letters, digits, '.', '_' and '-'; high = bytes at most
	KIND_PATH,     // of a file, made absolute; low = 1: or http://..., which stays
	KIND_SECRET,   // literal, or {file: PATH}; never shown
	KIND_BOOL,     // true or false
	KIND_INTEGER,  // low to high
	KIND_DURATION, // low to high in units of scale milliseconds
	KIND_SIZE,     // low to high in units of scale bytes
	KIND_RATE,     // low to high in kbit/s
	KIND_PORTS,    // 443 or 1024-65535 into two uint16_t, or the word any
	KIND_ADDRESS,  // low = IP_V4: no other version
	KIND_PREFIX,   // the same; the word any where words are given
	KIND_INTERFACE, // 192.0.2.1/24 into struct config_interface
	KIND_ENDPOINT,  // 127.0.0.1:8080 into address and the uint16_t at count_offset
	KIND_WORD,      // one of words
	KIND_FLAG,      // word that sets the bool at offset + value of the section
	KIND_SECTION,   // a map with a table of its own
};

struct config_word {
	const char *word; // NULL ends the list
	uint32_t value;   // what is stored; KIND_FLAG: where in the section the bool is
};

struct config_section;

struct config_field {
	const char *key;                   // NULL ends the table
	const char *initial;               // default as in the file; a list's words with spaces
	const char *example;               // shown when the value is missing or has no unit
	const char *help;                  // one line for people
	const struct config_word *words;   // all that are known, or what may stand for a number
	const struct config_section *maps; // KIND_SECTION
	int64_t low, high;                 // bounds, in the unit of the field
	uint32_t scale;                    // see KIND_DURATION and KIND_SIZE
	uint32_t offset;                   // of the field in the struct of its section
	uint32_t size;                     // bytes of the field, or of one element of a list
	uint32_t count_offset;             // of the number of elements; of a secret's length
	uint32_t most;                     // elements of a list, 0 = no list
	uint8_t count_size;                // bytes of that number, 0 = not kept
	uint8_t kind;                      // enum config_kind
	bool required;                     // error when absent
	bool heap;                         // the field is a pointer to elements to be allocated
	bool single;                       // of a list: one value may stand for a list of one
	bool repeats;                      // of a list: the same value may be there twice
	bool global;                       // offset is in struct config, whatever the section
};

struct config_section {
	const char *name; // where it is: "dataplane", "ports"; empty for the file itself
	const struct config_field *fields;
};

enum { CONFIG_FIELDS = 48 }; // keys of one section at most

enum { CONFIG_PORT_AUTO = 65535 }; // until config_check_radius has chosen

struct config_interface {
	struct ip_address address;
	struct ip_prefix network;
};

extern const struct config_section config_file, config_radius_section;
extern const struct config_word ike_encryption_words[], ike_hash_words[], ike_group_words[],
	ppp_auth_words[], action_words[], protocol_words[];

// What one reading of a file carries along.
struct config_load {
	const char *name; // of the file
	yaml_document_t *document;
	struct config *config;
	struct config_error *errors;
	size_t error_count, error_room;
	struct config_place *places; // where in the file the fields came from
	size_t place_count, place_room;
	uint32_t broken; // bit n: key n of config_file had an error
	bool no_memory;
};

// Adds an error: text is "what is wrong: what to do".
void config_error(struct config_load *load, yaml_mark_t mark, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
// Remembers and finds where a field of the config came from; the start of the file when it is a
// default.
void config_place_set(struct config_load *load, const void *field, yaml_mark_t mark);
yaml_mark_t config_place(const struct config_load *load, const void *field);

// Fills the config from the document, defaults included. root may be NULL (an empty file).
void config_walk(struct config_load *load, const yaml_node_t *root);
// True when key of the file was read without an error.
bool config_walked(const struct config_load *load, const char *key);

// Stores one scalar at address at. Returns false after an error.
bool config_value(struct config_load *load, const struct config_section *section,
	const struct config_field *field, const char *text, size_t length, yaml_mark_t mark,
	void *base, void *at);
bool config_secret(struct config_load *load, const struct config_section *section,
	const struct config_field *field, const yaml_node_t *node, void *base);
// A path relative to the folder of the configuration file. False when it is too long.
bool config_full_path(const struct config_load *load, const char *path, char out[CONFIG_TEXT]);
// A null or an absent value: "", ~ and null without quotes.
bool config_is_null(const yaml_node_t *node);
// Writes a number where size bytes have room for it.
void config_store(void *at, size_t size, uint64_t value);

// Fills the lists of algorithms that were left out. Before config_check.
void config_policy(struct config_load *load);
void config_check(struct config_load *load);
void config_check_groups(struct config_load *load);
void config_check_radius(struct config_load *load);
bool config_pool_known(const struct config *c, const char *name);
// Texts of count elements of size bytes that must differ; first is that of element 0.
void config_check_names(
	struct config_load *load, const char *what, const char *first, size_t count, size_t size);

// For the texts of errors. All write to a buffer that the caller gives, and return it.
enum { CONFIG_SAY = 1024 };
const char *config_say_value(const char *text, size_t length, char *out); // escaped, cut
const char *config_say_field(
	const struct config_section *section, const struct config_field *field, char *out);
const char *config_say_words(const struct config_word *words, char *out);
const char *config_say_keys(const struct config_section *section, char *out);
// The closest of the candidates that next gives, or NULL when none is close.
const char *config_closest_word(const char *text, size_t length, const struct config_word *words);
const char *config_closest_key(
	const char *text, size_t length, const struct config_section *section);

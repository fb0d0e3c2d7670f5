// SPDX-License-Identifier: Apache-2.0

// One scalar of the configuration file into one field of a struct, by what the schema says of it;
// and the words that errors about values need.

#include "config_schema.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct unit {
	const char *word;
	uint64_t factor;
};

// Ascending; milliseconds and bytes.
static const struct unit durations[] = {
	{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}, {0}};
static const struct unit sizes[] = {
	{"KiB", 1ull << 10}, {"MiB", 1ull << 20}, {"GiB", 1ull << 30}, {"TiB", 1ull << 40}, {0}};
static const struct unit rates[] = {{"kbit/s", 1}, {"Mbit/s", 1000}, {"Gbit/s", 1000000}, {0}};

// All that a value's parser needs, so that it can say what is wrong.
struct value {
	struct config_load *load;
	const struct config_section *section;
	const struct config_field *field;
	const char *text; // with a NUL at length
	size_t length;
	yaml_mark_t mark;
	void *base; // of the section's struct
	void *at;
};

void config_store(void *at, size_t size, uint64_t value)
{
	switch (size) {
	case 1:
		*(uint8_t *)at = (uint8_t)value;
		break;
	case 2:
		*(uint16_t *)at = (uint16_t)value;
		break;
	default:
		*(uint32_t *)at = (uint32_t)value;
	}
}

const char *config_say_value(const char *text, size_t length, char *out)
{
	enum { SHOWN = 48 };
	char *to = out;

	for (size_t i = 0; i < length && i < SHOWN; i++) {
		uint8_t c = (uint8_t)text[i];

		if (c >= ' ' && c < 0x7f)
			*to++ = (char)c;
		else
			to += sprintf(to, "\\x%02x", c);
	}
	strcpy(to, length > SHOWN ? "..." : "");
	return out;
}

const char *config_say_field(
	const struct config_section *section, const struct config_field *field, char *out)
{
	snprintf(out, CONFIG_SAY, "%s%s%s", section->name, *section->name ? "." : "", field->key);
	return out;
}

const char *config_say_words(const struct config_word *words, char *out)
{
	size_t n = 0;

	*out = '\0';
	for (const struct config_word *w = words; w->word && n < CONFIG_SAY; w++)
		n += (size_t)snprintf(out + n, CONFIG_SAY - n, "%s%s", n ? ", " : "", w->word);
	return out;
}

const char *config_say_keys(const struct config_section *section, char *out)
{
	size_t n = 0;

	*out = '\0';
	for (const struct config_field *f = section->fields; f->key && n < CONFIG_SAY; f++)
		n += (size_t)snprintf(out + n, CONFIG_SAY - n, "%s%s", n ? ", " : "", f->key);
	return out;
}

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

// Edits (insert, delete, replace a character) that make word of text; large when text is long.
static unsigned edit_distance(const char *text, size_t length, const char *word)
{
	enum { LONGEST = 40 };
	size_t width = strlen(word);
	unsigned row[LONGEST + 1];

	if (length > LONGEST || width > LONGEST)
		return LONGEST;
	for (size_t j = 0; j <= width; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= length; i++) {
		unsigned corner = row[0];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= width; j++) {
			unsigned above = row[j];

			row[j] = least(least(above, row[j - 1]) + 1,
				corner + (text[i - 1] != word[j - 1]));
			corner = above;
		}
	}
	return row[width];
}

// Keeps the closer of two; a third of the letters may differ.
static void closer(const char *text, size_t length, const char *word, const char **best,
	unsigned *best_distance)
{
	unsigned d = edit_distance(text, length, word);

	if (d < *best_distance && 3 * d <= strlen(word) + 2) {
		*best = word;
		*best_distance = d;
	}
}

const char *config_closest_word(const char *text, size_t length, const struct config_word *words)
{
	const char *best = NULL;
	unsigned distance = UINT32_MAX;

	for (const struct config_word *w = words; w->word; w++)
		closer(text, length, w->word, &best, &distance);
	return best;
}

const char *config_closest_key(
	const char *text, size_t length, const struct config_section *section)
{
	const char *best = NULL;
	unsigned distance = UINT32_MAX;

	for (const struct config_field *f = section->fields; f->key; f++)
		closer(text, length, f->key, &best, &distance);
	return best;
}

// "KEY 'VALUE' PROBLEM: FIX". Returns false, for the caller to return.
static bool refuse(const struct value *v, const char *problem, const char *fix)
{
	char key[CONFIG_SAY], shown[CONFIG_SAY];

	config_error(v->load, v->mark, "%s '%s' %s: %s",
		config_say_field(v->section, v->field, key),
		config_say_value(v->text, v->length, shown), problem, fix);
	return false;
}

static const struct config_word *find_word(const struct value *v)
{
	for (const struct config_word *w = v->field->words; w && w->word; w++)
		if (strcmp(w->word, v->text) == 0)
			return w;
	return NULL;
}

static bool refuse_word(const struct value *v)
{
	const char *close = config_closest_word(v->text, v->length, v->field->words);
	char words[CONFIG_SAY], fix[CONFIG_SAY + 128];

	config_say_words(v->field->words, words);
	if (close)
		snprintf(fix, sizeof(fix), "did you mean %s? known words: %s", close, words);
	else
		snprintf(fix, sizeof(fix), "use one of %s", words);
	return refuse(v, "is not known", fix);
}

static bool store_word(const struct value *v)
{
	const struct config_word *w = find_word(v);

	if (!w)
		return refuse_word(v);
	if (v->field->kind == KIND_FLAG)
		*((bool *)v->base + w->value) = true;
	else
		config_store(v->at, v->field->size, w->value);
	return true;
}

static bool store_bool(const struct value *v)
{
	bool yes = strcmp(v->text, "true") == 0;

	if (!yes && strcmp(v->text, "false") != 0)
		return refuse(v, "is neither true nor false", "write true or false");
	*(bool *)v->at = yes;
	return true;
}

static bool is_name(const struct value *v)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._-";

	return strspn(v->text, allowed) == v->length;
}

static bool store_text(const struct value *v)
{
	size_t most = v->field->high ? (size_t)v->field->high : v->field->size - 1u;
	char problem[64];

	if (v->field->kind == KIND_TEXT && v->field->low && !is_name(v))
		return refuse(v, "is not a name", "use letters, digits, '.', '_' and '-' alone");
	for (size_t i = 0; i < v->length; i++)
		if ((uint8_t)v->text[i] < ' ' || v->text[i] == 0x7f)
			return refuse(v, "has a control character", "remove it");
	if (v->length > most) {
		snprintf(problem, sizeof(problem), "is longer than %zu bytes", most);
		return refuse(v, problem, "shorten it");
	}
	memcpy(v->at, v->text, v->length + 1);
	return true;
}

// Digits, and where they end. False without digits, or when they overflow.
static bool read_digits(const char *text, uint64_t *number, const char **end)
{
	char *after;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*number = strtoull(text, &after, 10);
	*end = after;
	return errno == 0;
}

// A number in the words of its units: the largest that divides it.
static const char *say_units(uint64_t number, const struct unit *units, char out[32])
{
	const struct unit *best = units;

	for (const struct unit *u = units; u->word; u++)
		if (number % u->factor == 0)
			best = u;
	if (number % best->factor != 0)
		snprintf(out, 32, "%" PRIu64, number);
	else
		snprintf(out, 32, "%" PRIu64 "%s", number / best->factor, best->word);
	return out;
}

static bool check_range(const struct value *v, uint64_t number, const struct unit *units)
{
	const struct config_field *f = v->field;
	char fix[160], low[32], high[32], extra[64] = "";

	if (number >= (uint64_t)f->low && number <= (uint64_t)f->high)
		return true;
	if (units) {
		say_units((uint64_t)f->low * f->scale, units, low);
		say_units((uint64_t)f->high * f->scale, units, high);
	} else {
		snprintf(low, sizeof(low), "%" PRId64, f->low);
		snprintf(high, sizeof(high), "%" PRId64, f->high);
	}
	if (f->words)
		snprintf(extra, sizeof(extra), ", or %.40s", f->words->word);
	snprintf(fix, sizeof(fix), "use %s to %s%s", low, high, extra);
	return refuse(v, "is out of range", fix);
}

static bool store_integer(const struct value *v)
{
	uint64_t number;
	const char *end;
	char fix[CONFIG_SAY + 160], words[CONFIG_SAY] = "";

	if (find_word(v))
		return store_word(v);
	if (!read_digits(v->text, &number, &end) || *end != '\0') {
		if (v->field->words)
			config_say_words(v->field->words, words);
		snprintf(fix, sizeof(fix), "write %" PRId64 " to %" PRId64 " in digits alone%s%s",
			v->field->low, v->field->high, *words ? ", or " : "", words);
		return refuse(v, "is not a whole number", fix);
	}
	if (!check_range(v, number, NULL))
		return false;
	config_store(v->at, v->field->size, number);
	return true;
}

static const struct unit *find_unit(const struct unit *units, const char *word)
{
	for (const struct unit *u = units; u->word; u++)
		if (strcmp(u->word, word) == 0)
			return u;
	return NULL;
}

// Each scale of the schema is one of the units.
static const struct unit *find_factor(const struct unit *units, uint64_t factor)
{
	while (units[1].word && units->factor != factor)
		units++;
	return units;
}

static bool refuse_unit(const struct value *v, const char *problem, const struct unit *units)
{
	char fix[160], known[64] = "";

	for (const struct unit *u = units; u->word; u++)
		snprintf(known + strlen(known), sizeof(known) - strlen(known), "%s%s",
			*known ? ", " : "", u->word);
	snprintf(fix, sizeof(fix), "write a whole number with a unit (%s), for example %s", known,
		v->field->example);
	return refuse(v, problem, fix);
}

static bool store_units(const struct value *v, const struct unit *units)
{
	const struct config_field *f = v->field;
	const struct unit *unit;
	const char *end;
	uint64_t number;
	char fix[128];

	if (find_word(v))
		return store_word(v);
	if (!read_digits(v->text, &number, &end))
		return refuse_unit(v, "is not a number with a unit", units);
	if (*end == '\0')
		return refuse_unit(v, "has no unit", units);
	unit = find_unit(units, end);
	if (!unit)
		return refuse_unit(v, "has no unit that is known", units);
	if (number > INT64_MAX / unit->factor)
		return check_range(v, INT64_MAX, units);
	number *= unit->factor;
	if (!check_range(v, number / f->scale, units))
		return false;
	if (number % f->scale != 0) {
		snprintf(fix, sizeof(fix), "write whole %s, for example %s",
			find_factor(units, f->scale)->word, f->example);
		return refuse(v, "is too fine", fix);
	}
	config_store(v->at, f->size, number / f->scale);
	return true;
}

static bool check_version(const struct value *v, const struct ip_address *a)
{
	if (v->field->low == IP_NONE || v->field->low == a->version)
		return true;
	return a->version == IP_V6
		       ? refuse(v, "is IPv6, which does not belong here", "write an IPv4 one")
		       : refuse(v, "is IPv4, which does not belong here", "write an IPv6 one");
}

static bool store_address(const struct value *v)
{
	struct ip_address a;

	if (address_parse(v->text, &a) < 0)
		return refuse(v, "is not an IP address",
			strchr(v->text, '/') ? "leave out the prefix length"
					     : "write one, for example 192.0.2.1");
	if (!check_version(v, &a))
		return false;
	memcpy(v->at, &a, sizeof(a));
	return true;
}

static bool store_prefix(const struct value *v)
{
	const struct config_word *any = find_word(v);
	struct ip_prefix p = {.address.version = any ? (uint8_t)any->value : IP_NONE};
	struct ip_address host;
	char fix[128], network[ADDRESS_TEXT];

	if (!any) {
		if (prefix_parse(v->text, &p, &host) < 0)
			return refuse(v, "is not a prefix",
				v->field->words ? "write any, an address or a prefix, for example "
						  "192.0.2.0/24"
						: "write one, for example 192.0.2.0/24");
		if (!check_version(v, &host))
			return false;
		if (!address_equal(&p.address, &host)) {
			snprintf(fix, sizeof(fix), "write %s", prefix_format(&p, network));
			return refuse(v, "has bits beyond its length", fix);
		}
	}
	memcpy(v->at, &p, sizeof(p));
	return true;
}

static bool store_ports(const struct value *v)
{
	uint64_t first = 0, last = UINT16_MAX;
	uint16_t ports[2];
	const char *end;
	bool right = true;

	if (!find_word(v)) {
		right = read_digits(v->text, &first, &end);
		last = first;
		if (right && *end == '-')
			right = read_digits(end + 1, &last, &end);
		right = right && *end == '\0' && last <= UINT16_MAX;
	}
	if (!right)
		return refuse(v, "is no port and no range of ports",
			"write 0 to 65535, for example 443 or 1024-65535, or any");
	if (first > last)
		return refuse(v, "ends before it begins", "write the lower port first");
	ports[0] = (uint16_t)first;
	ports[1] = (uint16_t)last;
	memcpy(v->at, ports, sizeof(ports));
	return true;
}

static bool store_interface(const struct value *v)
{
	struct config_interface i;

	if (!strchr(v->text, '/') || prefix_parse(v->text, &i.network, &i.address) < 0)
		return refuse(v, "is not an address with the length of its network",
			"write both, for example 192.0.2.1/24");
	if (!check_version(v, &i.address))
		return false;
	memcpy(v->at, &i, sizeof(i));
	return true;
}

static bool store_endpoint(const struct value *v)
{
	const char *colon = strrchr(v->text, ':'), *end;
	bool brackets = *v->text == '[';
	char host[ADDRESS_TEXT] = "";
	struct ip_address a;
	uint64_t port;
	size_t n = colon ? (size_t)(colon - v->text) : 0;

	if (n > 2u * brackets && n < sizeof(host) && (!brackets || colon[-1] == ']'))
		memcpy(host, v->text + brackets, n - 2u * brackets);
	if (!*host || address_parse(host, &a) < 0 || (a.version == IP_V6) != brackets ||
		!read_digits(colon + 1, &port, &end) || *end || port == 0 || port > UINT16_MAX)
		return refuse(v, "is not an address and a port",
			"write both, for example 127.0.0.1:8080 or [::1]:8080");
	memcpy(v->at, &a, sizeof(a));
	config_store((char *)v->base + v->field->count_offset, v->field->count_size, port);
	return true;
}

static bool store_path(const struct value *v)
{
	if (v->field->low && strncasecmp(v->text, "http://", 7) == 0)
		return store_text(v);
	if (v->field->low && strstr(v->text, "://"))
		return refuse(v, "is neither a path nor http://...",
			"write one of both; what is fetched is signed and needs no TLS");
	if (!config_full_path(v->load, v->text, v->at))
		return refuse(v, "is too long a path", "shorten it");
	return true;
}

bool config_value(struct config_load *load, const struct config_section *section,
	const struct config_field *field, const char *text, size_t length, yaml_mark_t mark,
	void *base, void *at)
{
	const struct value v = {load, section, field, text, length, mark, base, at};

	if (length == 0)
		return refuse(&v, "is empty", "write a value or remove the key");
	if (memchr(text, '\0', length))
		return refuse(&v, "has a NUL in it", "remove it");
	config_place_set(load, at, mark);
	switch (field->kind) {
	case KIND_TEXT:
		return store_text(&v);
	case KIND_PATH:
		return store_path(&v);
	case KIND_BOOL:
		return store_bool(&v);
	case KIND_INTEGER:
		return store_integer(&v);
	case KIND_DURATION:
		return store_units(&v, durations);
	case KIND_SIZE:
		return store_units(&v, sizes);
	case KIND_RATE:
		return store_units(&v, rates);
	case KIND_PORTS:
		return store_ports(&v);
	case KIND_ADDRESS:
		return store_address(&v);
	case KIND_PREFIX:
		return store_prefix(&v);
	case KIND_INTERFACE:
		return store_interface(&v);
	case KIND_ENDPOINT:
		return store_endpoint(&v);
	default:
		return store_word(&v);
	}
}

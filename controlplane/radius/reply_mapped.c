// SPDX-License-Identifier: Apache-2.0

// Attributes that the configuration says the meaning of (radius.attributes). A value is a text when
// it reads as one of what is meant, otherwise an integer or an address of as many bytes.

#include "reply_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS = 15 }; // of a number at most

// What is mapped, and its value.
struct mapped {
	const struct config_attribute *to;
	const struct radius_attribute *a;
	char text[VALUE_TEXT]; // without the prefix; empty when it is no text
};

static bool is_digits(const char *text)
{
	size_t n = strspn(text, "0123456789");

	return n && n <= DIGITS && text[n] == '\0';
}

static const char *mapped_rate(struct reading *r, const struct mapped *m, enum grant_item item)
{
	static const uint32_t bits[] = {
		[UNIT_BIT] = 1, [UNIT_KBIT] = 1000, [UNIT_MBIT] = 1000000, [UNIT_BYTE] = 8};
	struct config_rate rate;
	uint64_t number;
	uint32_t integer;
	int error;

	if (*m->text && !is_digits(m->text) && rate_parse(m->text, &rate) == 0)
		return set_rate(r, item, &rate);
	if (is_digits(m->text))
		number = strtoull(m->text, NULL, 10);
	else if (!*m->to->prefix && attribute_number(m->a, &integer) == 0)
		number = integer;
	else
		return rate_error(-1);
	error = rate_of_bits(number * bits[m->to->unit], &rate);
	return error ? rate_error(error) : set_rate(r, item, &rate);
}

static const char *mapped_seconds(struct reading *r, const struct mapped *m, enum grant_item item)
{
	uint32_t number;
	uint64_t digits;

	if (is_digits(m->text)) {
		digits = strtoull(m->text, NULL, 10);
		number = digits > UINT32_MAX ? UINT32_MAX : (uint32_t)digits;
	} else if (*m->to->prefix || attribute_number(m->a, &number)) {
		return "does not read as a number of seconds";
	}
	return set_seconds(r, item, number);
}

static const char *mapped_server(struct reading *r, struct mapped *m, enum grant_item item)
{
	enum ip_version version = item == GRANT_DNS6 ? IP_V6 : IP_V4;
	const struct ip_address *first = version == IP_V6 ? r->grant->dns6 : r->grant->dns;
	struct ip_address address;

	// Four bytes of text are shorter than any address as text.
	if (!*m->to->prefix && attribute_address(m->a, version, &address) == 0 &&
		address_parse(m->text, &(struct ip_address){0}))
		return set_server(r, item, r->seen[item] && first[0].version != IP_NONE, &address);
	return *m->text ? set_servers(r, item, m->text) : "does not read as an address";
}

static const char *apply(struct reading *r, struct mapped *m)
{
	switch (m->to->meaning) {
	case MEANING_GROUP:
		return set_group(r, m->text);
	case MEANING_POOL:
		return set_pool(r, GRANT_POOL, m->text);
	case MEANING_FILTER_UPLINK:
		return set_filter(r, GRANT_FILTER_UPLINK, m->text);
	case MEANING_FILTER_DOWNLINK:
		return set_filter(r, GRANT_FILTER_DOWNLINK, m->text);
	case MEANING_POLICE_UPLINK:
		return mapped_rate(r, m, GRANT_POLICE_UPLINK);
	case MEANING_POLICE_DOWNLINK:
		return mapped_rate(r, m, GRANT_POLICE_DOWNLINK);
	case MEANING_SHAPE_DOWNLINK:
		return mapped_rate(r, m, GRANT_SHAPE_DOWNLINK);
	case MEANING_SESSION_TIMEOUT:
		return mapped_seconds(r, m, GRANT_SESSION_TIMEOUT);
	case MEANING_IDLE_TIMEOUT:
		return mapped_seconds(r, m, GRANT_IDLE_TIMEOUT);
	case MEANING_DNS:
		return mapped_server(r, m, GRANT_DNS);
	case MEANING_DNS6:
		return mapped_server(r, m, GRANT_DNS6);
	case MEANING_ROUTE:
		return set_route(r, m->text, strchr(m->text, ':') ? IP_V6 : IP_V4);
	default:
		return NULL;
	}
}

static bool has_prefix(const struct radius_attribute *a, const char *prefix)
{
	size_t n = strlen(prefix);

	return a->length >= n && memcmp(a->value, prefix, n) == 0;
}

const char *take_mapped(struct reading *r, const struct radius_attribute *a, bool *known)
{
	const struct config_radius *config = &r->config->radius;
	char text[VALUE_TEXT];

	*known = false;
	for (unsigned i = 0; i < config->attribute_count; i++) {
		struct mapped m = {.to = &config->attributes[i], .a = a};

		if (m.to->vendor != a->vendor || m.to->type != a->type ||
			!has_prefix(a, m.to->prefix))
			continue;
		*known = true;
		if (attribute_text(a, text) == 0)
			snprintf(m.text, sizeof(m.text), "%s", text + strlen(m.to->prefix));
		return apply(r, &m);
	}
	return NULL;
}

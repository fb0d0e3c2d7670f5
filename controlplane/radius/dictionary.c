// SPDX-License-Identifier: Apache-2.0

#include "dictionary.h"
#include "attribute.h"

#include "controlplane/log.h"

#include <stdio.h>
#include <string.h>

#define ENTRY(vendor, type, name, kind, does, refused) {vendor, type, DICTIONARY_##kind, name},
static const struct dictionary_entry entries[] = {DICTIONARY_LIST(ENTRY)};

const struct dictionary_entry *dictionary_find(uint32_t vendor, uint16_t type)
{
	for (unsigned i = 0; i < sizeof(entries) / sizeof(entries[0]); i++)
		if (entries[i].vendor == vendor && entries[i].type == type)
			return &entries[i];
	return NULL;
}

const char *dictionary_name(uint32_t vendor, uint16_t type, char text[DICTIONARY_NAME])
{
	const struct dictionary_entry *e = dictionary_find(vendor, type);

	if (e)
		snprintf(text, DICTIONARY_NAME, "%s", e->name);
	else if (vendor)
		snprintf(text, DICTIONARY_NAME, "vendor %u type %u", vendor, type);
	else
		snprintf(text, DICTIONARY_NAME, "type %u", type);
	return text;
}

static const char *hexadecimal(const struct radius_attribute *a, char text[DICTIONARY_VALUE])
{
	size_t at = 0;

	text[0] = '\0';
	for (size_t i = 0; i < a->length && at + 3 <= DICTIONARY_VALUE; i++, at += 2)
		snprintf(text + at, 3, "%02x", a->value[i]);
	return text;
}

const char *dictionary_value(const struct radius_attribute *a, char text[DICTIONARY_VALUE])
{
	const struct dictionary_entry *e = dictionary_find(a->vendor, a->type);
	struct ip_address address;
	struct ip_prefix prefix;
	uint32_t number;

	switch (e ? e->kind : DICTIONARY_BYTES) {
	case DICTIONARY_SECRET:
		return strcpy(text, "(hidden)");
	case DICTIONARY_TEXT:
		return log_text(a->value, a->length, text, DICTIONARY_VALUE);
	case DICTIONARY_NUMBER:
		if (attribute_number(a, &number))
			break;
		snprintf(text, DICTIONARY_VALUE, "%u", number);
		return text;
	case DICTIONARY_IP4:
	case DICTIONARY_IP6:
		if (attribute_address(a, e->kind == DICTIONARY_IP4 ? IP_V4 : IP_V6, &address))
			break;
		return address_format(&address, text);
	case DICTIONARY_PREFIX6:
		if (attribute_prefix6(a, &prefix))
			break;
		return prefix_format(&prefix, text);
	}
	return hexadecimal(a, text);
}

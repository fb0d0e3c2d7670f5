// SPDX-License-Identifier: Apache-2.0

// A grant in words, for people: what each item is, and where it comes from.

#include "grant.h"

#include <stdio.h>
#include <string.h>

enum { TEXT = 1600 }; // bytes of a value: 32 prefixes

static const char *const words[] = {
#define WORD(name, word) [GRANT_##name] = word,
	GRANT_LIST(WORD)
#undef WORD
};

static void add(char *out, const char *text)
{
	size_t length = strlen(out);

	snprintf(out + length, TEXT - length, "%s%s", length ? ", " : "", text);
}

static void say_prefixes(const struct ip_prefix *prefixes, unsigned count, char *out)
{
	char text[ADDRESS_TEXT];

	for (unsigned i = 0; i < count; i++)
		add(out, prefix_format(&prefixes[i], text));
}

static void say_addresses(const struct ip_address *addresses, unsigned count, char *out)
{
	char text[ADDRESS_TEXT];

	for (unsigned i = 0; i < count && addresses[i].version != IP_NONE; i++)
		add(out, address_format(&addresses[i], text));
}

static void say_rate(const struct config_rate *r, char *out)
{
	if (r->kbit % 1000 == 0)
		snprintf(out, TEXT, "%uMbit/s", r->kbit / 1000);
	else
		snprintf(out, TEXT, "%ukbit/s", r->kbit);
	if (r->burst)
		snprintf(out + strlen(out), TEXT - strlen(out), ", %u bytes at once", r->burst);
}

static void say_hex(const uint8_t *bytes, size_t length, char *out)
{
	for (size_t i = 0; i < length && 2 * i + 3 < TEXT; i++)
		snprintf(out + 2 * i, TEXT - 2 * i, "%02x", bytes[i]);
}

// The names of the wire: what is no plain ASCII is shown in hex.
static void say_raw(const char *text, char *out)
{
	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		size_t length = strlen(out);

		if (*c >= ' ' && *c < 127 && *c != '\\')
			snprintf(out + length, TEXT - length, "%c", *c);
		else
			snprintf(out + length, TEXT - length, "\\x%02x", *c);
	}
}

static void say_filter(const struct config *config, uint16_t number, char *out)
{
	snprintf(out, TEXT, "%s", number ? config->filters[number - 1].name : "none");
}

static void say_classes(const struct grant_more *more, char *out)
{
	char text[2 * GRANT_CLASS_BYTES + 3];

	for (unsigned i = 0; more && i < more->class_count; i++) {
		text[0] = '\0';
		for (unsigned k = 0; k < more->class_length[i]; k++)
			snprintf(text + 2 * k, sizeof(text) - 2 * k, "%02x", more->classes[i][k]);
		add(out, text);
	}
}

static void say_families(const struct grant *g, char *out)
{
	snprintf(out, TEXT, "%s%s%s", g->ip4 ? "ipv4" : "", g->ip4 && g->ip6 ? ", " : "",
		g->ip6 ? "ipv6" : "");
}

// Addresses, prefixes, pools: what IP there is.
static bool say_ip(const struct grant *g, enum grant_item item, char *out)
{
	switch (item) {
	case GRANT_FAMILIES:
		say_families(g, out);
		return true;
	case GRANT_ADDRESS:
		say_addresses(&g->address, 1, out);
		return true;
	case GRANT_POOL:
		snprintf(out, TEXT, "%s", g->pool);
		return true;
	case GRANT_PREFIX6:
		say_prefixes(&g->prefix6, 1, out);
		return true;
	case GRANT_ADDRESS6:
		say_addresses(&g->address6, 1, out);
		return true;
	case GRANT_POOL6:
		snprintf(out, TEXT, "%s", g->pool6);
		return true;
	case GRANT_INTERFACE_ID:
		say_hex(g->identifier, sizeof(g->identifier), out);
		return true;
	case GRANT_DELEGATED:
		say_prefixes(&g->delegated, 1, out);
		return true;
	case GRANT_DELEGATED_POOL:
		snprintf(out, TEXT, "%s", g->delegated_pool);
		return true;
	default:
		return false;
	}
}

// What the client is told.
static bool say_told(
	const struct config_group *group, const struct grant *g, enum grant_item item, char *out)
{
	switch (item) {
	case GRANT_DNS:
		say_addresses(g->dns, 2, out);
		return true;
	case GRANT_WINS:
		say_addresses(g->wins, 2, out);
		return true;
	case GRANT_DNS6:
		say_addresses(g->dns6, 2, out);
		return true;
	case GRANT_DOMAIN:
		snprintf(out, TEXT, "%s", group ? group->domain : "");
		return true;
	case GRANT_TOLD_ROUTES:
		if (group)
			say_prefixes(group->routes, group->route_count, out);
		return true;
	case GRANT_ROUTES:
		if (g->more)
			say_prefixes(g->more->routes, g->more->route_count, out);
		return true;
	default:
		return false;
	}
}

// Filters, rates and times.
static bool say_limits(
	const struct config *config, const struct grant *g, enum grant_item item, char *out)
{
	switch (item) {
	case GRANT_FILTER_UPLINK:
		say_filter(config, g->filter_uplink, out);
		return true;
	case GRANT_FILTER_DOWNLINK:
		say_filter(config, g->filter_downlink, out);
		return true;
	case GRANT_ISOLATED:
		snprintf(out, TEXT, "%s", g->isolated ? "false" : "true");
		return true;
	case GRANT_POLICE_UPLINK:
		say_rate(&g->police_uplink, out);
		return true;
	case GRANT_POLICE_DOWNLINK:
		say_rate(&g->police_downlink, out);
		return true;
	case GRANT_SHAPE_DOWNLINK:
		say_rate(&g->shape_downlink, out);
		return true;
	case GRANT_SESSION_TIMEOUT:
		snprintf(out, TEXT, "%us", g->session_timeout_s);
		return true;
	case GRANT_IDLE_TIMEOUT:
		snprintf(out, TEXT, "%us", g->idle_timeout_s);
		return true;
	case GRANT_INTERIM:
		snprintf(out, TEXT, "%us", g->interim_s);
		return true;
	default:
		return false;
	}
}

static void say(const struct config *config, const struct grant *g, enum grant_item item, char *out)
{
	const struct config_group *group = grant_group(config, g);

	out[0] = '\0';
	if (say_ip(g, item, out) || say_told(group, g, item, out) ||
		say_limits(config, g, item, out))
		return;
	if (item == GRANT_GROUP)
		snprintf(out, TEXT, "%s", group ? group->name : "none");
	else if (item == GRANT_CLASS)
		say_classes(g->more, out);
	else if (item == GRANT_USER_NAME)
		say_raw(g->user, out);
}

static const char *say_from(
	const struct config_group *group, enum grant_from from, char out[LIMIT_NAME + 8])
{
	static const char *const sources[] = {
		[FROM_NOWHERE] = "nowhere",
		[FROM_DEFAULT] = "default",
		[FROM_GROUP] = "group",
		[FROM_USER] = "user",
		[FROM_RADIUS] = "radius",
		[FROM_COA] = "coa",
	};

	if (from == FROM_GROUP && group)
		snprintf(out, LIMIT_NAME + 8, "group %s", group->name);
	else
		snprintf(out, LIMIT_NAME + 8, "%s", sources[from]);
	return out;
}

void grant_each(const struct config *config, const struct grant *g,
	void (*each)(void *context, const char *word, const char *value, const char *from),
	void *context)
{
	char value[TEXT], from[LIMIT_NAME + 8];

	for (unsigned i = 0; i < GRANT_ITEMS; i++) {
		if (g->from[i] == FROM_NOWHERE)
			continue;
		say(config, g, (enum grant_item)i, value);
		each(context, words[i], value,
			say_from(grant_group(config, g), (enum grant_from)g->from[i], from));
	}
}

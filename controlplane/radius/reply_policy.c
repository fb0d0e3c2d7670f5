// SPDX-License-Identifier: Apache-2.0

// What replies say of pools, groups, filters, rates and times.

#include "reply_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	YEAR_S = 365 * 24 * 3600, // what is more was meant as no limit, or not at all
	INTERIM_LEAST_S = 60,     // RFC 2869 section 2.1
};

static const char no_text[] = "is no text";

// ---- pools

static const struct config_pool *pool_named(const struct config *config, const char *name)
{
	for (unsigned i = 0; i < config->pool_count; i++)
		if (strcmp(config->pools[i].name, name) == 0)
			return &config->pools[i];
	return NULL;
}

const char *set_pool(struct reading *r, enum grant_item item, const char *name)
{
	const struct config_pool *pool = pool_named(r->config, name);
	char *to = item == GRANT_POOL    ? r->grant->pool
		   : item == GRANT_POOL6 ? r->grant->pool6
					 : r->grant->delegated_pool;
	const char *reason;

	if (!pool)
		return "is no pool of the configuration";
	if ((item == GRANT_POOL && !pool->prefix_count) ||
		(item == GRANT_POOL6 && !pool->prefix6_count) ||
		(item == GRANT_DELEGATED_POOL && !pool->delegated_count))
		return "is a pool without such addresses";
	reason = reading_claim(r, item);
	if (!reason)
		memcpy(to, pool->name, LIMIT_NAME);
	return reason;
}

static const char *take_pool_name(
	struct reading *r, const struct radius_attribute *a, enum grant_item item)
{
	char text[VALUE_TEXT];

	return attribute_text(a, text) ? no_text : set_pool(r, item, text);
}

const char *take_pool(struct reading *r, const struct radius_attribute *a)
{
	return take_pool_name(r, a, GRANT_POOL);
}

const char *take_pool6(struct reading *r, const struct radius_attribute *a)
{
	return take_pool_name(r, a, GRANT_POOL6);
}

// Read after Framed-IPv6-Pool. The address that DHCPv6 assigns is one of the link's prefix.
const char *take_stateful_pool(struct reading *r, const struct radius_attribute *a)
{
	char text[VALUE_TEXT];

	if (attribute_text(a, text))
		return no_text;
	if (!r->seen[GRANT_POOL6])
		return set_pool(r, GRANT_POOL6, text);
	return strcmp(text, r->grant->pool6) == 0 ? NULL : "is another pool than the prefix is of";
}

const char *take_delegated_pool(struct reading *r, const struct radius_attribute *a)
{
	return take_pool_name(r, a, GRANT_DELEGATED_POOL);
}

// ---- groups, filters, rates

const char *set_group(struct reading *r, const char *name)
{
	uint16_t number = config_group_number(r->config, name);
	const char *reason;

	if (!number) {
		reading_lacks(r);
		return "is no group of the configuration";
	}
	reason = reading_claim(r, GRANT_GROUP);
	if (!reason)
		r->grant->group = number;
	return reason;
}

const char *take_group(struct reading *r, const struct radius_attribute *a)
{
	char text[VALUE_TEXT];

	return attribute_text(a, text) ? no_text : set_group(r, text);
}

const char *set_filter(struct reading *r, enum grant_item item, const char *name)
{
	uint16_t number = config_filter_number(r->config, name);
	const char *reason;

	if (!number) {
		reading_lacks(r);
		return "is no filter of the configuration";
	}
	reason = reading_claim(r, item);
	if (!reason)
		*(item == GRANT_FILTER_UPLINK ? &r->grant->filter_uplink
					      : &r->grant->filter_downlink) = number;
	return reason;
}

const char *rate_error(int error)
{
	return error == -ERANGE    ? "is a rate below 8 kbit/s or above 400 Gbit/s"
	       : error == -ENOTSUP ? "asks for more than a rate"
	       : error             ? "does not read as a rate"
				   : NULL;
}

const char *set_rate(struct reading *r, enum grant_item item, const struct config_rate *rate)
{
	const char *reason = reading_claim(r, item);

	if (!reason)
		*(item == GRANT_POLICE_UPLINK          ? &r->grant->police_uplink
			: item == GRANT_SHAPE_DOWNLINK ? &r->grant->shape_downlink
						       : &r->grant->police_downlink) = *rate;
	return reason;
}

// What the subscriber sends is policed; what it gets waits its turn.
static const char *set_pair(
	struct reading *r, const struct rate_pair *pair, enum grant_item downlink)
{
	const char *up = NULL, *down = NULL;

	if (pair->has_uplink)
		up = set_rate(r, GRANT_POLICE_UPLINK, &pair->uplink);
	if (pair->has_downlink)
		down = set_rate(r, downlink, &pair->downlink);
	return up ? up : down;
}

enum direction { BOTH, UPLINK, DOWNLINK };

// Cuts ".in" or ".out" off.
static enum direction cut_direction(char *text)
{
	size_t n = strlen(text);

	if (n > 3 && strcmp(text + n - 3, ".in") == 0) {
		text[n - 3] = '\0';
		return UPLINK;
	}
	if (n > 4 && strcmp(text + n - 4, ".out") == 0) {
		text[n - 4] = '\0';
		return DOWNLINK;
	}
	return BOTH;
}

static const char *filter_of(struct reading *r, char *text)
{
	// A filter may be called "web.in".
	enum direction d = config_filter_number(r->config, text) ? BOTH : cut_direction(text);
	const char *up = NULL, *down = NULL;

	if (d != DOWNLINK)
		up = set_filter(r, GRANT_FILTER_UPLINK, text);
	if (d != UPLINK)
		down = set_filter(r, GRANT_FILTER_DOWNLINK, text);
	return up ? up : down;
}

static const char *rate_of(struct reading *r, char *text)
{
	enum direction d = cut_direction(text);
	struct rate_pair pair = {0};
	int error;

	if (d == BOTH) {
		error = rate_parse_pair(text, &pair);
	} else {
		error = rate_parse(text, d == UPLINK ? &pair.uplink : &pair.downlink);
		pair.has_uplink = d == UPLINK;
		pair.has_downlink = d == DOWNLINK;
	}
	return error ? rate_error(error) : set_pair(r, &pair, GRANT_SHAPE_DOWNLINK);
}

const char *take_filter_id(struct reading *r, const struct radius_attribute *a)
{
	char text[VALUE_TEXT];

	if (attribute_text(a, text))
		return no_text;
	switch (r->config->radius.filter_id) {
	case FILTER_ID_GROUP:
		return set_group(r, text);
	case FILTER_ID_RATE:
		return rate_of(r, text);
	default:
		return filter_of(r, text);
	}
}

static const char *take_bits(
	struct reading *r, const struct radius_attribute *a, enum grant_item item)
{
	struct config_rate rate;
	uint32_t bits;
	int error;

	if (attribute_number(a, &bits))
		return "is of a wrong length";
	error = rate_of_bits(bits, &rate);
	return error ? rate_error(error) : set_rate(r, item, &rate);
}

const char *take_wispr_up(struct reading *r, const struct radius_attribute *a)
{
	return take_bits(r, a, GRANT_POLICE_UPLINK);
}

const char *take_wispr_down(struct reading *r, const struct radius_attribute *a)
{
	return take_bits(r, a, GRANT_SHAPE_DOWNLINK);
}

const char *take_mikrotik(struct reading *r, const struct radius_attribute *a)
{
	char text[VALUE_TEXT];
	struct rate_pair pair;
	int error;

	if (attribute_text(a, text))
		return no_text;
	error = rate_parse_mikrotik(text, &pair);
	return error ? rate_error(error) : set_pair(r, &pair, GRANT_SHAPE_DOWNLINK);
}

// ---- Cisco-AVPair

static const char *cisco_rate_limit(struct reading *r, char *value)
{
	struct rate_pair pair;
	int error = rate_parse_cisco(value, &pair);

	return error ? rate_error(error) : set_pair(r, &pair, GRANT_POLICE_DOWNLINK);
}

static const char *cisco_policy_in(struct reading *r, char *value)
{
	struct config_rate rate;
	int error = rate_parse(value, &rate);

	return error ? rate_error(error) : set_rate(r, GRANT_POLICE_UPLINK, &rate);
}

static const char *cisco_policy_out(struct reading *r, char *value)
{
	struct config_rate rate;
	int error = rate_parse(value, &rate);

	return error ? rate_error(error) : set_rate(r, GRANT_SHAPE_DOWNLINK, &rate);
}

static const char *cisco_pool(struct reading *r, char *value)
{
	return set_pool(r, GRANT_POOL, value);
}

static const char *cisco_dns(struct reading *r, char *value)
{
	return set_servers(r, GRANT_DNS, value);
}

static const char *cisco_wins(struct reading *r, char *value)
{
	return set_servers(r, GRANT_WINS, value);
}

static const char *cisco_route(struct reading *r, char *value)
{
	return set_route(r, value, IP_V4);
}

static const char *cisco_filter_in(struct reading *r, char *value)
{
	return set_filter(r, GRANT_FILTER_UPLINK, value);
}

static const char *cisco_filter_out(struct reading *r, char *value)
{
	return set_filter(r, GRANT_FILTER_DOWNLINK, value);
}

static const struct {
	const char *key;
	const char *(*take)(struct reading *r, char *value);
} cisco[] = {
	{"lcp:interface-config", cisco_rate_limit},
	{"ip:sub-qos-policy-in", cisco_policy_in},
	{"ip:sub-qos-policy-out", cisco_policy_out},
	{"ip:addr-pool", cisco_pool},
	{"ip:dns-servers", cisco_dns},
	{"ip:wins-servers", cisco_wins},
	{"ip:route", cisco_route},
	{"ip:inacl", cisco_filter_in},
	{"ip:outacl", cisco_filter_out},
};

// "key=value" or, for what may be ignored, "key*value"; a key may be numbered ("key#1").
const char *take_cisco(struct reading *r, const struct radius_attribute *a)
{
	char text[VALUE_TEXT], *value, *number;

	if (attribute_text(a, text))
		return no_text;
	value = strpbrk(text, "=*");
	if (!value)
		return "has no value";
	*value++ = '\0';
	number = strchr(text, '#');
	if (number && number[1 + strspn(number + 1, "0123456789")] == '\0')
		*number = '\0';
	for (unsigned i = 0; i < sizeof(cisco) / sizeof(cisco[0]); i++)
		if (strcmp(text, cisco[i].key) == 0)
			return cisco[i].take(r, value);
	return "is none of those that are understood";
}

// ---- times, class, name

const char *set_seconds(struct reading *r, enum grant_item item, uint32_t seconds)
{
	const char *reason;

	if (seconds == 0)
		return "is 0";
	if (seconds > YEAR_S)
		return "is more than a year";
	if (item == GRANT_INTERIM && seconds < INTERIM_LEAST_S)
		return "is less than 60 seconds";
	reason = reading_claim(r, item);
	if (!reason)
		*(item == GRANT_SESSION_TIMEOUT      ? &r->grant->session_timeout_s
			: item == GRANT_IDLE_TIMEOUT ? &r->grant->idle_timeout_s
						     : &r->grant->interim_s) = seconds;
	return reason;
}

static const char *take_seconds(
	struct reading *r, const struct radius_attribute *a, enum grant_item item)
{
	uint32_t seconds;

	return attribute_number(a, &seconds) ? "is of a wrong length"
					     : set_seconds(r, item, seconds);
}

const char *take_session_timeout(struct reading *r, const struct radius_attribute *a)
{
	return take_seconds(r, a, GRANT_SESSION_TIMEOUT);
}

const char *take_idle_timeout(struct reading *r, const struct radius_attribute *a)
{
	return take_seconds(r, a, GRANT_IDLE_TIMEOUT);
}

const char *take_interim(struct reading *r, const struct radius_attribute *a)
{
	return take_seconds(r, a, GRANT_INTERIM);
}

const char *take_class(struct reading *r, const struct radius_attribute *a)
{
	struct grant_more *more = grant_more(r->grant);

	if (!more) {
		r->error = -ENOMEM;
		return "finds no memory";
	}
	if (a->length == 0)
		return "is empty";
	if (!r->seen[GRANT_CLASS]) {
		(void)reading_claim(r, GRANT_CLASS);
		more->class_count = 0;
	}
	if (more->class_count == GRANT_CLASSES_MOST)
		return "is one Class too many";
	memcpy(more->classes[more->class_count], a->value, a->length);
	more->class_length[more->class_count++] = (uint8_t)a->length;
	return NULL;
}

const char *take_user_name(struct reading *r, const struct radius_attribute *a)
{
	char text[VALUE_TEXT];
	const char *reason = attribute_text(a, text) ? no_text : reading_claim(r, GRANT_USER_NAME);

	if (!reason)
		snprintf(r->grant->user, sizeof(r->grant->user), "%s", text);
	return reason;
}

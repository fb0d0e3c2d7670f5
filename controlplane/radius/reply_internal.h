// SPDX-License-Identifier: Apache-2.0
#pragma once

// Between reply.c and what reads the single attributes; nobody else includes this.

#include "rate.h"
#include "reply.h"
#include "attribute.h"

// One packet being read.
struct reading {
	const struct config *config;
	struct grant *grant;
	uint8_t from;           // enum grant_from
	bool seen[GRANT_ITEMS]; // of this packet
	int error;              // -ENOMEM, -ENOENT
	reply_complain complain;
	void *context;
};

// All of these return NULL when the attribute is honoured, or why not.
typedef const char *(*reply_take)(struct reading *r, const struct radius_attribute *a);

// The item is this packet's from now on; of two values the first one holds.
const char *reading_claim(struct reading *r, enum grant_item item);

// What it names, and what would hold somebody back, is not there.
void reading_lacks(struct reading *r);

const char *take_address(struct reading *r, const struct radius_attribute *a);
const char *take_netmask(struct reading *r, const struct radius_attribute *a);
const char *take_route(struct reading *r, const struct radius_attribute *a);
const char *take_route6(struct reading *r, const struct radius_attribute *a);
const char *take_prefix6(struct reading *r, const struct radius_attribute *a);
const char *take_address6(struct reading *r, const struct radius_attribute *a);
const char *take_delegated(struct reading *r, const struct radius_attribute *a);
const char *take_interface_id(struct reading *r, const struct radius_attribute *a);
const char *take_dns1(struct reading *r, const struct radius_attribute *a);
const char *take_dns2(struct reading *r, const struct radius_attribute *a);
const char *take_wins1(struct reading *r, const struct radius_attribute *a);
const char *take_wins2(struct reading *r, const struct radius_attribute *a);
const char *take_dns6(struct reading *r, const struct radius_attribute *a);
const char *take_pool(struct reading *r, const struct radius_attribute *a);
const char *take_pool6(struct reading *r, const struct radius_attribute *a);
const char *take_stateful_pool(struct reading *r, const struct radius_attribute *a);
const char *take_delegated_pool(struct reading *r, const struct radius_attribute *a);
const char *take_filter_id(struct reading *r, const struct radius_attribute *a);
const char *take_group(struct reading *r, const struct radius_attribute *a);
const char *take_session_timeout(struct reading *r, const struct radius_attribute *a);
const char *take_idle_timeout(struct reading *r, const struct radius_attribute *a);
const char *take_interim(struct reading *r, const struct radius_attribute *a);
const char *take_class(struct reading *r, const struct radius_attribute *a);
const char *take_user_name(struct reading *r, const struct radius_attribute *a);
const char *take_wispr_up(struct reading *r, const struct radius_attribute *a);
const char *take_wispr_down(struct reading *r, const struct radius_attribute *a);
const char *take_mikrotik(struct reading *r, const struct radius_attribute *a);
const char *take_cisco(struct reading *r, const struct radius_attribute *a);
// What the config's table says of it: *known is false when it says nothing.
const char *take_mapped(struct reading *r, const struct radius_attribute *a, bool *known);

// The same from texts, for what has several values in one.
const char *set_route(struct reading *r, const char *text, enum ip_version version);
const char *set_server(
	struct reading *r, enum grant_item item, unsigned slot, const struct ip_address *a);
const char *set_servers(struct reading *r, enum grant_item item, char *text);
const char *set_pool(struct reading *r, enum grant_item item, const char *name);
const char *set_filter(struct reading *r, enum grant_item item, const char *name);
const char *set_group(struct reading *r, const char *name);
const char *set_seconds(struct reading *r, enum grant_item item, uint32_t seconds);
const char *set_rate(struct reading *r, enum grant_item item, const struct config_rate *rate);
const char *rate_error(int error); // of rate.h, in words; NULL for 0

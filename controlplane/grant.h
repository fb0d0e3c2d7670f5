// SPDX-License-Identifier: Apache-2.0
#pragma once

// What holds for a subscriber, and where each value comes from. A value is what RADIUS said last
// (by CoA or in its Access-Accept), otherwise what the user of the config has, otherwise what his
// group has, otherwise what holds for everybody. Plain data with one list on the heap.
//
// A grant begins with what one source says (grant_of_user, or radius/reply.h) and is completed by
// grant_complete, which knows the groups; then it is used.

#include "contract/config.h"
#include "contract/messages.h"

#include <stdbool.h>
#include <stdint.h>

enum grant_from {
	FROM_NOWHERE = 0, // it has none
	FROM_DEFAULT,     // of everybody
	FROM_GROUP,
	FROM_USER, // of the config
	FROM_RADIUS,
	FROM_COA,
};

// The values that a grant has: the word of API and CLI, and the member of the
// same name below.
#define GRANT_LIST(X) \
	X(GROUP, "group") \
	X(FAMILIES, "ip") \
	X(ADDRESS, "address") \
	X(POOL, "pool") \
	X(PREFIX6, "ipv6-prefix") \
	X(ADDRESS6, "ipv6-address") \
	X(POOL6, "ipv6-pool") \
	X(INTERFACE_ID, "interface-id") \
	X(DELEGATED, "delegated-prefix") \
	X(DELEGATED_POOL, "delegated-pool") \
	X(ROUTES, "routes-behind") \
	X(DNS, "dns") \
	X(WINS, "wins") \
	X(DNS6, "ipv6-dns") \
	X(DOMAIN, "domain") \
	X(TOLD_ROUTES, "routes") \
	X(FILTER_UPLINK, "filter-uplink") \
	X(FILTER_DOWNLINK, "filter-downlink") \
	X(ISOLATED, "subscriber-to-subscriber") \
	X(POLICE_UPLINK, "police-uplink") \
	X(POLICE_DOWNLINK, "police-downlink") \
	X(SHAPE_DOWNLINK, "shape-downlink") \
	X(SESSION_TIMEOUT, "session-timeout") \
	X(IDLE_TIMEOUT, "idle-timeout") \
	X(INTERIM, "interim") \
	X(CLASS, "class") \
	X(USER_NAME, "user-name")

#define GRANT_ENUM(name, word) GRANT_##name,
enum grant_item { GRANT_LIST(GRANT_ENUM) GRANT_ITEMS };
#undef GRANT_ENUM

enum {
	GRANT_ROUTES_MOST = 32, // behind one client
	GRANT_CLASSES_MOST = 8,
	GRANT_CLASS_BYTES = 253, // of a Class attribute (RFC 2865 section 5.25)
};

// What only some have, with its length counted: on the heap.
struct grant_more {
	struct ip_prefix routes[GRANT_ROUTES_MOST]; // behind the client: routed to it
	uint16_t route_count;
	uint8_t classes[GRANT_CLASSES_MOST][GRANT_CLASS_BYTES];
	uint8_t class_length[GRANT_CLASSES_MOST];
	uint16_t class_count;
};

struct grant {
	uint8_t from[GRANT_ITEMS]; // enum grant_from
	uint16_t group;            // number as config_group_number has it; 0 = none
	uint16_t filter_uplink;    // number as config_filter_number has it; 0 = none
	uint16_t filter_downlink;
	bool isolated;                   // nothing from and to other subscribers
	bool ip4, ip6;                   // which of the two it gets
	struct ip_address address;       // fixed, or IP_NONE: from the pool
	struct ip_prefix prefix6;        // fixed, or IP_NONE: from the pool
	struct ip_address address6;      // that DHCPv6 assigns; IP_NONE: one of its prefix
	struct ip_prefix delegated;      // fixed, or IP_NONE: from the pool
	char pool[LIMIT_NAME];           // empty: the first one
	char pool6[LIMIT_NAME];          // of prefixes; empty: as pool
	char delegated_pool[LIMIT_NAME]; // empty: as pool6
	uint8_t identifier[8];           // IPv6 interface identifier for the client, as on the wire
	struct ip_address dns[2], wins[2], dns6[2]; // IP_NONE where there is none
	struct config_rate police_uplink, police_downlink, shape_downlink;
	uint32_t session_timeout_s, idle_timeout_s, interim_s; // 0 = none
	char user[CONFIG_TEXT];  // User-Name of the Access-Accept, for accounting; or empty
	struct grant_more *more; // NULL: neither routes behind it nor classes
};

// What the config says of this user; NULL: of nobody in particular.
int grant_of_user(const struct config *config, const struct config_user *user, struct grant *out);
// The list on the heap, to be filled; NULL without memory.
struct grant_more *grant_more(struct grant *g);
// Fills what the sources before left open: from the group, then from what holds for everybody.
// g->group is looked at first.
void grant_complete(const struct config *config, struct grant *g);
// What CoA changes: every item that change has is taken over, and with a group all that the old
// one gave is what the new one gives. 0 or -ENOMEM, and then nothing has changed.
int grant_change(const struct config *config, struct grant *g, const struct grant *change);
void grant_free(struct grant *g);

// Rates as the dataplane is told them; the group is install.h's business (install_group_hold).
void grant_form(const struct grant *g, struct command_session_set *out);

// The group of the config, or NULL.
const struct config_group *grant_group(const struct config *config, const struct grant *g);
// Each item that it has: word, value as text (escaped), and where it comes from in words
// ("radius", "user", "group home", "default").
void grant_each(const struct config *config, const struct grant *g,
	void (*each)(void *context, const char *word, const char *value, const char *from),
	void *context);

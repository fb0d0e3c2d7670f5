// SPDX-License-Identifier: Apache-2.0
#pragma once

// Groups of subscribers and the filters that they use, by number, as contract/messages.h describes
// them. One writer, the clerk; workers read a group as one word and a filter by its pointer, and
// what was replaced is freed when no worker can see it any more (reclaim.c).

#include "dataplane/table.h"

#include <string.h>

struct filter;

// A group in one word, so that a worker never sees half of a change. All zero: never set.
struct group {
	uint16_t filter_uplink; // 0 = none
	uint16_t filter_downlink;
	uint16_t flags; // enum group_flag
	uint16_t set;   // 1: by GROUP_SET; its packets are counted
} __attribute__((aligned(8)));
_Static_assert(sizeof(struct group) == sizeof(uint64_t), "read and written whole");

// A filter that is being described: BEGIN and RULES, up to COMMIT.
struct filter_draft {
	uint16_t filter; // 0 = none
	uint16_t count;
	uint8_t otherwise;
	struct filter_rule rules[LIMIT_FILTER_RULES];
};

struct groups {
	uint64_t group[LIMIT_GROUPS];         // struct group; atomic
	struct filter *filter[LIMIT_FILTERS]; // NULL = none; atomic
	struct filter_draft draft;            // clerk only
};

static inline uint64_t group_word(const struct tables *t, uint16_t group)
{
	return __atomic_load_n(&t->groups->group[group], __ATOMIC_ACQUIRE);
}

static inline struct group group_of(uint64_t word)
{
	struct group g;

	memcpy(&g, &word, sizeof(g));
	return g;
}

// The commands of contract/messages.h: 0 or the -errno that is written there.
int filter_begin(struct tables *t, const struct command_filter_begin *c);
int filter_rules(struct tables *t, const struct command_filter_rules *c);
int filter_commit(struct tables *t, const struct command_filter *c);
int filter_delete(struct tables *t, const struct command_filter *c);
int group_set(struct tables *t, const struct command_group_set *c);
// No group is set and no filter is there; for RESET.
void groups_clear(struct tables *t);

// SPDX-License-Identifier: Apache-2.0

// See group.h. A filter that cannot be compiled changes nothing: the one of that number that was
// there before holds.

#include "dataplane/group.h"

#include "dataplane/filter.h"

#include <errno.h>

static bool filter_number_valid(uint16_t filter)
{
	return filter >= 1 && filter < LIMIT_FILTERS;
}

static bool filter_exists(const struct tables *t, uint16_t filter)
{
	return filter_number_valid(filter) && t->groups->filter[filter];
}

static void filter_put(struct tables *t, uint16_t filter, struct filter *f)
{
	struct filter *old = t->groups->filter[filter];

	__atomic_store_n(&t->groups->filter[filter], f, __ATOMIC_RELEASE);
	if (old)
		reclaim_later(t, old, filter_free);
}

int filter_begin(struct tables *t, const struct command_filter_begin *c)
{
	struct filter_draft *d = &t->groups->draft;

	if (!filter_number_valid(c->filter) || c->otherwise > FILTER_PERMIT)
		return -EINVAL;
	d->filter = c->filter;
	d->otherwise = c->otherwise;
	d->count = 0;
	return 0;
}

int filter_rules(struct tables *t, const struct command_filter_rules *c)
{
	struct filter_draft *d = &t->groups->draft;

	if (c->count < 1 || c->count > FILTER_RULES_MESSAGE || !filter_number_valid(c->filter))
		return -EINVAL;
	if (d->filter != c->filter)
		return -ENOENT;
	if (d->count + c->count > LIMIT_FILTER_RULES)
		return -ENOSPC;
	for (uint16_t i = 0; i < c->count; i++)
		if (!filter_rule_valid(&c->rules[i]))
			return -EINVAL;
	memcpy(d->rules + d->count, c->rules, c->count * sizeof(c->rules[0]));
	d->count += c->count;
	return 0;
}

int filter_commit(struct tables *t, const struct command_filter *c)
{
	struct filter_draft *d = &t->groups->draft;
	struct filter *f;
	int error;

	if (!filter_number_valid(c->filter))
		return -EINVAL;
	if (d->filter != c->filter)
		return -ENOENT;
	error = filter_compile(d->rules, d->count, d->otherwise, &f);
	d->filter = 0;
	if (error == 0)
		filter_put(t, c->filter, f);
	return error;
}

static bool filter_used(const struct tables *t, uint16_t filter)
{
	for (uint16_t i = 0; i < LIMIT_GROUPS; i++) {
		struct group g = group_of(group_word(t, i));

		if (g.filter_uplink == filter || g.filter_downlink == filter)
			return true;
	}
	return false;
}

int filter_delete(struct tables *t, const struct command_filter *c)
{
	if (!filter_exists(t, c->filter))
		return -ENOENT;
	if (filter_used(t, c->filter))
		return -EBUSY;
	filter_put(t, c->filter, NULL);
	return 0;
}

int group_set(struct tables *t, const struct command_group_set *c)
{
	struct group g = {.filter_uplink = c->filter_uplink,
		.filter_downlink = c->filter_downlink,
		.flags = c->flags,
		.set = 1};
	uint64_t word;

	if (c->group >= LIMIT_GROUPS || c->flags & ~GROUP_FLAGS_ALL)
		return -EINVAL;
	if ((c->filter_uplink && !filter_exists(t, c->filter_uplink)) ||
		(c->filter_downlink && !filter_exists(t, c->filter_downlink)))
		return -ENOENT;
	memcpy(&word, &g, sizeof(word));
	__atomic_store_n(&t->groups->group[c->group], word, __ATOMIC_RELEASE);
	return 0;
}

void groups_clear(struct tables *t)
{
	for (uint16_t i = 0; i < LIMIT_GROUPS; i++)
		__atomic_store_n(&t->groups->group[i], 0, __ATOMIC_RELEASE);
	for (uint16_t i = 1; i < LIMIT_FILTERS; i++)
		if (t->groups->filter[i])
			filter_put(t, i, NULL);
	t->groups->draft.filter = 0;
}

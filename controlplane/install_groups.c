// SPDX-License-Identifier: Apache-2.0

// Tells a dataplane the filters and groups of the config, in that order, when its tables are empty.
// A filter may be hundreds of messages: so many are on the way at a time, and each answer brings
// the next. A cursor into the config says what is next; nothing is kept beside it.
//
// A subscriber whose filters are not his group's (RADIUS named others) gets a group of its own
// there, shared by all who want the same, with a number behind those of the config.
//
// It fails closed: while groups are being told, subscribers wait, and a group that the dataplane
// does not have as it should (a filter that cannot be compiled) opens nobody.

#include "install_groups.h"

#include "log.h"

#include "contract/config.h"

#include <errno.h>
#include <string.h>

enum { ON_THE_WAY = 64 }; // commands without an answer; the ring has room for many more

// A group that the config does not have.
struct special {
	uint16_t base; // the group of the config whose users are in it
	uint16_t filter_uplink, filter_downlink;
	bool isolated;
	bool told;
	uint32_t held; // by so many subscribers; 0: the place is free
};

static struct {
	const struct config *config;
	struct special specials[LIMIT_GROUPS];
	uint16_t special_count; // places that were ever used
	bool up;
	uint16_t filter; // index of the one that is being told
	bool begun;      // its BEGIN is out
	uint32_t rule;   // of its next RULES
	uint16_t group;  // index of the next one
	unsigned unanswered;
	bool refused[LIMIT_GROUPS]; // by number
} g;

void install_groups(const struct config *config)
{
	g.config = config;
}

bool install_group_refused(uint16_t group)
{
	return group < LIMIT_GROUPS && g.refused[group];
}

bool install_group_works(uint16_t group)
{
	return g.up && install_groups_done() && !install_group_refused(group);
}

static bool specials_told(void)
{
	for (uint16_t i = 0; i < g.special_count; i++)
		if (g.specials[i].held && !g.specials[i].told)
			return false;
	return true;
}

static bool all_told(void)
{
	return !g.config || (g.filter == g.config->filter_count &&
				    g.group == g.config->group_count && specials_told());
}

bool install_groups_done(void)
{
	return !g.up || (all_told() && g.unanswered == 0);
}

// context is a place in g.refused, or NULL.
static void answered(void *context, int error)
{
	bool *refused = context;

	g.unanswered--;
	if (error && refused && g.up) {
		uint16_t base = install_group_base((uint16_t)(refused - g.refused));

		*refused = true;
		log_event(LOG_GROUP_REFUSED, NULL, "s:s, s:s", "group",
			base ? g.config->groups[base - 1].name : "", "reason", strerror(-error));
	}
	if (g.up && install_groups_done())
		install_open_waiting();
}

// group: the number of the group that is told, or 0.
static int tell(uint32_t type, const void *body, uint32_t size, uint16_t group)
{
	int error = install_post(type, body, size, answered, group ? &g.refused[group] : NULL);

	g.unanswered += error == 0;
	return error;
}

static struct filter_rule rule_form(const struct config_rule *r)
{
	return (struct filter_rule){
		.from = r->from,
		.to = r->to,
		.from_port = {r->from_port[0], r->from_port[1]},
		.to_port = {r->to_port[0], r->to_port[1]},
		.protocol = r->protocol,
		.action = r->action,
	};
}

static int tell_begin(const struct config_filter *f, uint16_t number)
{
	const struct command_filter_begin c = {.filter = number, .otherwise = f->otherwise};
	int error = tell(COMMAND_FILTER_BEGIN, &c, sizeof(c), 0);

	g.begun = error == 0;
	return error;
}

static int tell_rules(const struct config_filter *f, uint16_t number)
{
	struct command_filter_rules c = {.filter = number};
	int error;

	for (; c.count < FILTER_RULES_MESSAGE && g.rule + c.count < f->rule_count; c.count++)
		c.rules[c.count] = rule_form(&f->rules[g.rule + c.count]);
	error = tell(COMMAND_FILTER_RULES, &c, sizeof(c), 0);
	if (error == 0)
		g.rule += c.count;
	return error;
}

static int tell_commit(uint16_t number)
{
	const struct command_filter c = {.filter = number};
	int error = tell(COMMAND_FILTER_COMMIT, &c, sizeof(c), 0);

	if (error == 0) {
		g.filter++;
		g.begun = false;
		g.rule = 0;
	}
	return error;
}

static int tell_filter(void)
{
	const struct config_filter *f = &g.config->filters[g.filter];
	uint16_t number = g.filter + 1;

	if (!g.begun)
		return tell_begin(f, number);
	return g.rule < f->rule_count ? tell_rules(f, number) : tell_commit(number);
}

static int tell_group(void)
{
	const struct config_group *group = &g.config->groups[g.group];
	const struct command_group_set c = {
		.group = g.group + 1,
		.filter_uplink = config_filter_number(g.config, group->filter_uplink),
		.filter_downlink = config_filter_number(g.config, group->filter_downlink),
		.flags = group->subscriber_to_subscriber ? 0 : GROUP_ISOLATED,
	};
	int error = tell(COMMAND_GROUP_SET, &c, sizeof(c), c.group);

	g.group += error == 0;
	return error;
}

static uint16_t number_of(const struct special *s)
{
	return (uint16_t)(g.config->group_count + 1 + (s - g.specials));
}

static int tell_special(void)
{
	struct special *s = g.specials;
	struct command_group_set c;
	int error;

	while (!s->held || s->told)
		s++;
	c = (struct command_group_set){
		.group = number_of(s),
		.filter_uplink = s->filter_uplink,
		.filter_downlink = s->filter_downlink,
		.flags = s->isolated ? GROUP_ISOLATED : 0,
	};
	error = tell(COMMAND_GROUP_SET, &c, sizeof(c), c.group);
	s->told = error == 0;
	return error;
}

static int tell_next(void)
{
	if (g.filter < g.config->filter_count)
		return tell_filter();
	return g.group < g.config->group_count ? tell_group() : tell_special();
}

void install_groups_more(void)
{
	int error = 0;

	while (g.up && error == 0 && !all_told() && g.unanswered < ON_THE_WAY)
		error = tell_next();
}

// ---- groups that the config does not have

uint16_t install_group_base(uint16_t group)
{
	if (!g.config || group <= g.config->group_count)
		return group;
	return g.specials[group - g.config->group_count - 1].base;
}

static bool is_of_config(const struct special *want)
{
	const struct config_group *group = want->base ? &g.config->groups[want->base - 1] : NULL;

	if (!group)
		return !want->filter_uplink && !want->filter_downlink && !want->isolated;
	return want->filter_uplink == config_filter_number(g.config, group->filter_uplink) &&
	       want->filter_downlink == config_filter_number(g.config, group->filter_downlink) &&
	       want->isolated == !group->subscriber_to_subscriber;
}

static bool same(const struct special *a, const struct special *b)
{
	return a->base == b->base && a->filter_uplink == b->filter_uplink &&
	       a->filter_downlink == b->filter_downlink && a->isolated == b->isolated;
}

// One that is held already, otherwise a free place; NULL when there is neither.
static struct special *find_special(const struct special *want)
{
	struct special *unused = NULL;
	uint16_t room = (uint16_t)(LIMIT_GROUPS - 1 - g.config->group_count);

	for (uint16_t i = 0; i < g.special_count; i++) {
		if (g.specials[i].held && same(&g.specials[i], want))
			return &g.specials[i];
		if (!g.specials[i].held && !unused)
			unused = &g.specials[i];
	}
	if (!unused && g.special_count < room)
		unused = &g.specials[g.special_count++];
	return unused;
}

int install_group_hold(
	uint16_t base, uint16_t filter_uplink, uint16_t filter_downlink, bool isolated)
{
	const struct special want = {.base = base,
		.filter_uplink = filter_uplink,
		.filter_downlink = filter_downlink,
		.isolated = isolated};
	struct special *s;

	if (!g.config || is_of_config(&want))
		return base;
	s = find_special(&want);
	if (!s)
		return -ENOSPC;
	if (!s->held) {
		*s = want;
		g.refused[number_of(s)] = false;
	}
	s->held++;
	install_groups_more();
	return number_of(s);
}

void install_group_release(uint16_t group)
{
	if (g.config && group > g.config->group_count)
		g.specials[group - g.config->group_count - 1].held--;
}

// ---- a dataplane comes and goes

void install_groups_up(void)
{
	g.up = true;
	install_groups_more();
}

void install_groups_down(void)
{
	g.up = g.begun = false;
	g.filter = g.group = 0;
	g.rule = 0;
	for (uint16_t i = 0; i < g.special_count; i++)
		g.specials[i].told = false;
	memset(g.refused, 0, sizeof(g.refused));
}

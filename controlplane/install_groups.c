// SPDX-License-Identifier: Apache-2.0

// Tells a dataplane the filters and groups of the config, in that order, when its tables are empty.
// A filter may be hundreds of messages: so many are on the way at a time, and each answer brings
// the next. A cursor into the config says what is next; nothing is kept beside it.
//
// It fails closed: while groups are being told, subscribers wait, and a group that the dataplane
// does not have as it should (a filter that cannot be compiled) opens nobody.

#include "install_groups.h"

#include "log.h"

#include "contract/config.h"

#include <string.h>

enum { ON_THE_WAY = 64 }; // commands without an answer; the ring has room for many more

static struct {
	const struct config *config;
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

static bool all_told(void)
{
	return !g.config ||
	       (g.filter == g.config->filter_count && g.group == g.config->group_count);
}

bool install_groups_done(void)
{
	return !g.up || (all_told() && g.unanswered == 0);
}

static void answered(void *context, int error)
{
	const struct config_group *group = context;

	g.unanswered--;
	if (error && group && g.up) {
		g.refused[group - g.config->groups + 1] = true;
		log_event(LOG_GROUP_REFUSED, NULL, "s:s, s:s", "group", group->name, "reason",
			strerror(-error));
	}
	if (g.up && install_groups_done())
		install_open_waiting();
}

static int tell(uint32_t type, const void *body, uint32_t size, const struct config_group *group)
{
	int error = install_post(type, body, size, answered, (void *)(uintptr_t)group);

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
	int error = tell(COMMAND_FILTER_BEGIN, &c, sizeof(c), NULL);

	g.begun = error == 0;
	return error;
}

static int tell_rules(const struct config_filter *f, uint16_t number)
{
	struct command_filter_rules c = {.filter = number};
	int error;

	for (; c.count < FILTER_RULES_MESSAGE && g.rule + c.count < f->rule_count; c.count++)
		c.rules[c.count] = rule_form(&f->rules[g.rule + c.count]);
	error = tell(COMMAND_FILTER_RULES, &c, sizeof(c), NULL);
	if (error == 0)
		g.rule += c.count;
	return error;
}

static int tell_commit(uint16_t number)
{
	const struct command_filter c = {.filter = number};
	int error = tell(COMMAND_FILTER_COMMIT, &c, sizeof(c), NULL);

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
	int error = tell(COMMAND_GROUP_SET, &c, sizeof(c), group);

	g.group += error == 0;
	return error;
}

void install_groups_more(void)
{
	int error = 0;

	while (g.up && error == 0 && !all_told() && g.unanswered < ON_THE_WAY)
		error = g.filter < g.config->filter_count ? tell_filter() : tell_group();
}

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
	memset(g.refused, 0, sizeof(g.refused));
}

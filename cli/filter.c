// SPDX-License-Identifier: Apache-2.0

#include "command.h"
#include "table.h"
#include "text.h"

#include <stdio.h>

static const struct column columns[] = {
	{"FILTER", "name", COLUMN_TEXT, true},
	{"RULES", "rule_count", COLUMN_NUMBER},
	{"OTHERWISE", "otherwise", COLUMN_TEXT},
	{"UPLINK OF", "uplink.groups", COLUMN_TEXT, true},
	{"DENIED", "uplink.filtered", COLUMN_COUNT},
	{"DOWNLINK OF", "downlink.groups", COLUMN_TEXT, true},
	{"DENIED", "downlink.filtered", COLUMN_COUNT},
	{0},
};

static const struct column rules[] = {
	{"ACTION", "action", COLUMN_TEXT},
	{"PROTOCOL", "protocol", COLUMN_TEXT},
	{"FROM", "from", COLUMN_TEXT, true},
	{"PORT", "from_port", COLUMN_TEXT},
	{"TO", "to", COLUMN_TEXT, true},
	{"PORT", "to_port", COLUMN_TEXT},
	{0},
};

static const struct listing listings[] = {{"filters", columns, "There is no filter."}, {0}};

static void print_rules(const json_t *list)
{
	char name[TEXT_MOST];

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *filter = json_array_get(list, i);
		const json_t *own = json_object_get(filter, "rules");

		if (json_array_size(own) == 0)
			continue;
		printf("\nRules of %s:\n",
			text_escape(json_string_value(json_object_get(filter, "name")), name));
		table_print(own, rules);
	}
}

static enum exit_code run(const struct arguments *a, const struct command *c)
{
	json_t *body, *list;
	enum exit_code code = show_get(a, c, &body);

	list = json_object_get(body, "filters");
	if (code == EXIT_OK && a->json) {
		show_json(body);
	} else if (code == EXIT_OK && json_array_size(list) == 0) {
		puts(c->listings->nothing);
	} else if (code == EXIT_OK) {
		table_print(list, columns);
		print_rules(list);
	}
	json_decref(body);
	return code;
}

const struct command command_show_filters = {
	.verb = "show",
	.noun = "filters",
	.help = "what groups are permitted and denied, with packets",
	.detail = "DENIED are packets of uplink and of downlink. Of the rules, the first one that\n"
		  "matches a packet holds.\n",
	.path = "/v1/filters",
	.listings = listings,
	.run = run,
	.options = OPTION_LIMIT,
};

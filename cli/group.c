// SPDX-License-Identifier: Apache-2.0

#include "command.h"
#include "table.h"

#include <stdio.h>

static const struct column rules[] = {
	{"GROUP", "name", COLUMN_TEXT, true},
	{"IN PLACE", "installed", COLUMN_YES},
	{"TO OTHERS", "subscriber_to_subscriber", COLUMN_YES},
	{"FILTER UP", "filter_uplink", COLUMN_TEXT, true},
	{"FILTER DOWN", "filter_downlink", COLUMN_TEXT, true},
	{"UP", "police_uplink.bit_s", COLUMN_COUNT},
	{"DOWN", "police_downlink.bit_s", COLUMN_COUNT},
	{"SHAPED", "shape_downlink.bit_s", COLUMN_COUNT},
	{0},
};

static const struct column packets[] = {
	{"GROUP", "name", COLUMN_TEXT, true},
	{"UPLINK", "uplink.bytes", COLUMN_BYTES},
	{"FILTERED", "uplink.filtered", COLUMN_COUNT},
	{"POLICED", "uplink.policed", COLUMN_COUNT},
	{"DOWNLINK", "downlink.bytes", COLUMN_BYTES},
	{"FILTERED", "downlink.filtered", COLUMN_COUNT},
	{"POLICED", "downlink.policed", COLUMN_COUNT},
	{0},
};

static const struct listing listings[] = {{"groups", rules, "There is no group."}, {0}};

static enum exit_code run(const struct arguments *a, const struct command *c)
{
	json_t *body, *list;
	enum exit_code code = show_get(a, c, &body);

	list = json_object_get(body, "groups");
	if (code == EXIT_OK && a->json) {
		show_json(body);
	} else if (code == EXIT_OK && json_array_size(list) == 0) {
		puts(c->listings->nothing);
	} else if (code == EXIT_OK) {
		table_print(list, rules);
		putchar('\n');
		table_print(list, packets);
	}
	json_decref(body);
	return code;
}

const struct command command_show_groups = {
	.verb = "show",
	.noun = "groups",
	.help = "groups of subscribers, with packets",
	.detail =
		"UP, DOWN and SHAPED are the rates of each subscriber in bits a second. FILTERED\n"
		"and POLICED are packets that were dropped, of uplink and of downlink.\n",
	.path = "/v1/groups",
	.listings = listings,
	.run = run,
	.options = 0,
};

// SPDX-License-Identifier: Apache-2.0

#include "command.h"
#include "table.h"

#include <stdio.h>

static const struct column columns[] = {
	{"REASON", "reason", COLUMN_TEXT},
	{"PACKETS", "packets", COLUMN_NUMBER},
	{"MEANING", "meaning", COLUMN_TEXT, true},
	{0},
};

// Without --all, the reasons that have happened.
static enum exit_code run(const struct arguments *a, const struct command *c)
{
	json_t *body, *list, *shown;
	int code = client_do(a->client, "GET", c->path, &body);

	if (code != EXIT_OK)
		return code;
	list = json_object_get(body, "drops");
	shown = json_array();
	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *drop = json_array_get(list, i);

		if (a->all || json_integer_value(json_object_get(drop, "packets")) != 0)
			json_array_append(shown, drop);
	}
	if (a->json)
		show_json(body);
	else if (json_array_size(shown))
		table_print(shown, columns);
	else
		puts(json_array_size(list) ? "No packet has been dropped."
					   : "No dataplane is connected.");
	json_decref(shown);
	json_decref(body);
	return EXIT_OK;
}

const struct command command_show_drops = {
	.verb = "show",
	.noun = "drops",
	.help = "packets dropped, by reason",
	.detail = "Reasons that have not happened are left out without --all.\n",
	.path = "/v1/drops",
	.run = run,
	.options = OPTION_ALL,
};

// SPDX-License-Identifier: Apache-2.0

#include "command.h"
#include "table.h"
#include "text.h"

#include <stdio.h>

static const struct column columns[] = {
	{"WHAT", "item", COLUMN_TEXT},
	{"VALUE", "value", COLUMN_TEXT, true},
	{"FROM", "from", COLUMN_TEXT},
	{0},
};
static const struct listing listings[] = {{"effective", columns, ""}, {0}};

static void print_one(const json_t *one)
{
	const char *user = json_string_value(json_object_get(one, "user"));
	const char *address = json_string_value(json_object_get(one, "address"));
	char name[TEXT_MOST], where[TEXT_MOST];

	text_escape(user ? user : "", name);
	if (json_is_true(json_object_get(one, "connected")))
		printf("%s, connected, %s:\n\n", name,
			address ? text_escape(address, where) : "without an IPv4 address");
	else
		printf("%s, not connected; the config says:\n\n", name);
	table_print(json_object_get(one, "items"), columns);
}

static enum exit_code run(const struct arguments *a, const struct command *c)
{
	struct arguments of_user = *a;
	json_t *body, *list, *one;
	enum exit_code code;
	size_t i;

	of_user.user = a->operand;
	code = show_get(&of_user, c, &body);
	list = json_object_get(body, "effective");
	if (code == EXIT_OK && json_array_size(list) == 0) {
		char name[TEXT_MOST];

		fprintf(stderr,
			"culvert: %s is not connected and no user of the config: RADIUS decides "
			"when he comes\n",
			text_escape(a->operand, name));
		code = EXIT_NOT_FOUND;
	} else if (code == EXIT_OK && a->json) {
		show_json(body);
	} else if (code == EXIT_OK) {
		json_array_foreach(list, i, one)
		{
			if (i)
				putchar('\n');
			print_one(one);
		}
	}
	json_decref(body);
	return code;
}

const struct command command_show_effective = {
	.verb = "show",
	.noun = "effective",
	.operand = "USER",
	.help = "what holds for a user, and where it comes from",
	.detail = "FROM is radius or coa, the user or the group of the config, or default: what "
		  "holds for\neverybody.\n",
	.path = "/v1/effective",
	.listings = listings,
	.run = run,
};

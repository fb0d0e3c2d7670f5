// SPDX-License-Identifier: Apache-2.0

#include "command.h"
#include "table.h"

static const struct column columns[] = {
	{"NAME", "name", COLUMN_TEXT, true},
	{"SIZE", "size", COLUMN_NUMBER},
	{"USED", "used", COLUMN_NUMBER},
	{"FREE", "free", COLUMN_NUMBER},
	{"PREFIXES", "prefixes", COLUMN_TEXT, true},
	{"IPV6 USED", "ipv6_used", COLUMN_NUMBER},
	{"IPV6 PREFIXES", "ipv6_prefixes", COLUMN_TEXT, true},
	{"DELEGATED", "delegated_used", COLUMN_NUMBER},
	{0},
};

static const struct listing listings[] = {{"pools", columns, "There is no pool."}, {0}};

const struct command command_show_pools = {
	.verb = "show",
	.noun = "pools",
	.help = "addresses for clients",
	.path = "/v1/pools",
	.listings = listings,
	.run = show_run,
	.options = 0,
};

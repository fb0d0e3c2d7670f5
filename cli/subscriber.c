// SPDX-License-Identifier: Apache-2.0

#include "command.h"
#include "table.h"

static const struct column columns[] = {
	{"ID", "id", COLUMN_NUMBER},
	{"USER", "user", COLUMN_TEXT, true},
	{"ADDRESS", "address", COLUMN_TEXT},
	{"PEER", "peer", COLUMN_TEXT, true},
	{"ACCESS", "access", COLUMN_TEXT},
	{"STATE", "state", COLUMN_TEXT},
	{"UP", "up_ms", COLUMN_DURATION},
	{"UPLINK", "uplink.bytes", COLUMN_BYTES},
	{"DOWNLINK", "downlink.bytes", COLUMN_BYTES},
	{0},
};

static const struct listing listings[] = {
	{"subscribers", columns, "No subscriber is connected."}, {0}};

const struct command command_show_subscribers = {
	.verb = "show",
	.noun = "subscribers",
	.help = "who is connected",
	.path = "/v1/subscribers",
	.listings = listings,
	.run = show_run,
	.options = OPTION_USER | OPTION_PEER | OPTION_ADDRESS | OPTION_LIMIT,
};

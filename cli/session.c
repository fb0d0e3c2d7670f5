// SPDX-License-Identifier: Apache-2.0

#include "command.h"
#include "table.h"

static const struct column columns[] = {
	{"SESSION", "session", COLUMN_NUMBER},
	{"TUNNEL", "tunnel", COLUMN_NUMBER},
	{"ID", "session_id", COLUMN_NUMBER},
	{"PEER", "peer", COLUMN_TEXT, true},
	{"STATE", "state", COLUMN_TEXT},
	{"AGE", "age_ms", COLUMN_DURATION},
	{"UPLINK", "uplink.packets", COLUMN_COUNT},
	{"DOWNLINK", "downlink.packets", COLUMN_COUNT},
	{0},
};

static const struct listing listings[] = {{"sessions", columns, "There is no L2TP session."}, {0}};

const struct command command_show_sessions = {
	.verb = "show",
	.noun = "sessions",
	.help = "L2TP sessions, with packets",
	.path = "/v1/sessions",
	.listings = listings,
	.run = show_run,
	.options = OPTION_PEER | OPTION_LIMIT,
};

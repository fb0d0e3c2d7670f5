// SPDX-License-Identifier: Apache-2.0

#include "command.h"
#include "table.h"

static const struct column columns[] = {
	{"TUNNEL", "tunnel", COLUMN_NUMBER},
	{"PEER", "peer", COLUMN_TEXT, true},
	{"THEIRS", "peer_tunnel", COLUMN_NUMBER},
	{"HOST NAME", "host_name", COLUMN_TEXT, true},
	{"STATE", "state", COLUMN_TEXT},
	{"SESSIONS", "sessions", COLUMN_NUMBER},
	{"RESENT", "retransmits", COLUMN_COUNT},
	{"AGE", "age_ms", COLUMN_DURATION},
	{0},
};

static const struct listing listings[] = {{"tunnels", columns, "There is no L2TP tunnel."}, {0}};

const struct command command_show_tunnels = {
	.verb = "show",
	.noun = "tunnels",
	.help = "L2TP tunnels",
	.path = "/v1/tunnels",
	.listings = listings,
	.run = show_run,
	.options = OPTION_PEER | OPTION_LIMIT,
};

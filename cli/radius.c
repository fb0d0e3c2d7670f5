// SPDX-License-Identifier: Apache-2.0

#include "command.h"
#include "table.h"

static const struct column servers[] = {
	{"SERVER", "server", COLUMN_TEXT, true},
	{"KIND", "kind", COLUMN_TEXT, true},
	{"STATE", "state", COLUMN_TEXT},
	{"SINCE", "since_ms", COLUMN_DURATION},
	{"ON WAY", "on_the_way", COLUMN_COUNT},
	{"WAIT", "waiting", COLUMN_COUNT},
	{"ASKED", "requests", COLUMN_COUNT},
	{"ANSWERS", "answers", COLUMN_COUNT},
	{"TIMEOUTS", "timeouts", COLUMN_COUNT},
	{"MS", "smoothed_ms", COLUMN_NUMBER},
	{0},
};

static const struct column dropped[] = {
	{"SERVER", "server", COLUMN_TEXT, true},
	{"MALFORMED", "malformed", COLUMN_COUNT},
	{"FORGED", "wrong_authenticator", COLUMN_COUNT},
	{"WRONG MA", "wrong_message_authenticator", COLUMN_COUNT},
	{"NO MA", "no_message_authenticator", COLUMN_COUNT},
	{"LATE", "unexpected", COLUMN_COUNT},
	{"CODE", "wrong_code", COLUMN_COUNT},
	{"REFUSED", "refused", COLUMN_COUNT},
	{"DEATHS", "deaths", COLUMN_COUNT},
	{0},
};

static const struct listing listings[] = {
	{"radius", servers, "There is no RADIUS server."}, {"radius_dropped", dropped, ""}, {0}};

const struct command command_show_radius = {
	.verb = "show",
	.noun = "radius",
	.help = "RADIUS servers: who lives, what they answer and how fast",
	.detail = "The second table counts replies that were dropped: MA is the "
		  "Message-Authenticator,\nFORGED a wrong authenticator (is the secret the same?), "
		  "REFUSED the times that\nnobody listened. --json has addresses, accepts and "
		  "rejects, and the latency in steps.\n",
	.path = "/v1/radius",
	.listings = listings,
	.run = show_run,
	.options = 0,
};

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

static const struct column accounting[] = {
	{"SESSIONS", "sessions", COLUMN_COUNT},
	{"REPORTS SENT", "sent", COLUMN_COUNT},
	{"TAKEN", "answered", COLUMN_COUNT},
	{"WAITING", "waiting", COLUMN_COUNT},
	{"BYTES", "waiting_bytes", COLUMN_BYTES},
	{"OLDEST", "oldest_ms", COLUMN_DURATION},
	{"LOST", "lost", COLUMN_COUNT},
	{0},
};

static const struct column coa[] = {
	{"REQUESTS", "requests", COLUMN_COUNT},
	{"ACKS", "acks", COLUMN_COUNT},
	{"NAKS", "naks", COLUMN_COUNT},
	{"REPEATED", "repeated", COLUMN_COUNT},
	{"FOREIGN", "foreign", COLUMN_COUNT},
	{"FORGED", "wrong_authenticator", COLUMN_COUNT},
	{"WRONG MA", "wrong_message_authenticator", COLUMN_COUNT},
	{"OUTDATED", "outdated", COLUMN_COUNT},
	{0},
};

static const struct listing listings[] = {{"radius", servers, "There is no RADIUS server."},
	{"radius_dropped", dropped, ""}, {"accounting", accounting, "There is no accounting."},
	{"coa", coa, "CoA and Disconnect are not taken."}, {0}};

const struct command command_show_radius = {
	.verb = "show",
	.noun = "radius",
	.help = "RADIUS servers: who lives, what they answer and how fast",
	.detail =
		"The second table counts replies that were dropped: MA is the "
		"Message-Authenticator,\nFORGED a wrong authenticator (is the secret the same?), "
		"REFUSED the times that\nnobody listened. The third is of accounting: "
		"reports that no server has taken wait.\nThe last is of CoA and Disconnect: "
		"FOREIGN came from none of radius.coa-clients.\n --json has addresses, accepts and "
		"rejects, and the latency in steps.\n",
	.path = "/v1/radius",
	.listings = listings,
	.run = show_run,
	.options = 0,
};

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

static const struct column line_columns[] = {
	{"ID", "id", COLUMN_NUMBER},
	{"USER", "user", COLUMN_TEXT, true},
	{"PEER", "peer", COLUMN_TEXT, true},
	{"LOSS", "line.loss", COLUMN_PERCENT},
	{"RTT MS", "line.rtt_ms", COLUMN_NUMBER},
	{"MIN", "line.rtt_min_ms", COLUMN_NUMBER},
	{"MAX", "line.rtt_max_ms", COLUMN_NUMBER},
	{"ECHOES", "line.echoes", COLUMN_COUNT},
	{"LOST", "line.lost", COLUMN_COUNT},
	{0},
};

static const struct column address_columns[] = {
	{"ID", "id", COLUMN_NUMBER},
	{"USER", "user", COLUMN_TEXT, true},
	{"ADDRESS", "address", COLUMN_TEXT},
	{"IPV6 PREFIX", "ipv6_prefix", COLUMN_TEXT, true},
	{"IPV6 ADDRESS", "ipv6_address", COLUMN_TEXT, true},
	{"DELEGATED", "delegated_prefix", COLUMN_TEXT, true},
	{0},
};

static const struct listing address_listings[] = {
	{"subscribers", address_columns, "No subscriber is connected."}, {0}};

static const struct listing line_listings[] = {
	{"subscribers", line_columns, "No subscriber is connected."}, {0}};

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

const struct command command_show_lines = {
	.verb = "show",
	.noun = "lines",
	.help = "loss and round-trip time of who is connected",
	.detail = "By LCP echo: LOSS is of the newest 32, RTT is smoothed, ECHOES and LOST are "
		  "since the\n"
		  "session began. Without PPP, and while traffic spares the echoes, there is less "
		  "to see.\n",
	.path = "/v1/subscribers",
	.listings = line_listings,
	.run = show_run,
	.options = OPTION_USER | OPTION_PEER | OPTION_ADDRESS | OPTION_LIMIT,
};

const struct command command_show_addresses = {
	.verb = "show",
	.noun = "addresses",
	.help = "what addresses and prefixes who is connected has",
	.detail = "IPV6 ADDRESS and DELEGATED are leased by DHCPv6.\n",
	.path = "/v1/subscribers",
	.listings = address_listings,
	.run = show_run,
	.options = OPTION_USER | OPTION_PEER | OPTION_ADDRESS | OPTION_LIMIT,
};

// SPDX-License-Identifier: Apache-2.0

#include "command.h"
#include "table.h"

static const struct column columns[] = {
	{"NAME", "name", COLUMN_TEXT, true},
	{"SIDE", "side", COLUMN_TEXT},
	{"LINK", "link", COLUMN_LINK},
	{"MTU", "mtu", COLUMN_NUMBER},
	{"RECEIVED", "rx_packets", COLUMN_COUNT},
	{"", "rx_bytes", COLUMN_BYTES},
	{"LOST", "rx_lost", COLUMN_COUNT},
	{"SENT", "tx_packets", COLUMN_COUNT},
	{"", "tx_bytes", COLUMN_BYTES},
	{"FAILED", "tx_errors", COLUMN_COUNT},
	{0},
};

static const struct listing listings[] = {
	{"ports", columns, "There is no port: no dataplane is connected."}, {0}};

const struct command command_show_ports = {
	.verb = "show",
	.noun = "ports",
	.help = "network interfaces",
	.path = "/v1/ports",
	.listings = listings,
	.run = show_run,
	.options = 0,
};

// SPDX-License-Identifier: Apache-2.0

#include "command.h"
#include "table.h"

static const struct column columns[] = {
	{"WORKER", "worker", COLUMN_NUMBER},
	{"CPU", "lcore", COLUMN_NUMBER},
	{"BUSY", "busy", COLUMN_PERCENT},
	{"RECEIVED", "received", COLUMN_COUNT},
	{"SENT", "transmitted", COLUMN_COUNT},
	{"DROPPED", "dropped", COLUMN_COUNT},
	{"PUNTED", "punted", COLUMN_COUNT},
	{"INJECTED", "injected", COLUMN_COUNT},
	{"HELD", "held", COLUMN_COUNT},
	{0},
};

static const struct listing listings[] = {
	{"workers", columns, "There is no worker: no dataplane is connected."}, {0}};

const struct command command_show_workers = {
	.verb = "show",
	.noun = "workers",
	.help = "what each worker moved, in packets",
	.path = "/v1/workers",
	.listings = listings,
	.run = show_run,
	.options = 0,
};

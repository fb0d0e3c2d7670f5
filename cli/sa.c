// SPDX-License-Identifier: Apache-2.0

#include "command.h"
#include "table.h"

static const struct column ike_columns[] = {
	{"IKE PEER", "peer", COLUMN_TEXT, true},
	{"STATE", "state", COLUMN_TEXT},
	{"ENCRYPTION", "encryption", COLUMN_TEXT},
	{"HASH", "hash", COLUMN_TEXT},
	{"GROUP", "group", COLUMN_TEXT},
	{"AGE", "age_ms", COLUMN_DURATION},
	{"EXPIRES", "expires_ms", COLUMN_DURATION},
	{0},
};

static const struct column esp_columns[] = {
	{"ESP PEER", "peer", COLUMN_TEXT, true},
	{"SPI IN", "spi_in", COLUMN_TEXT},
	{"SPI OUT", "spi_out", COLUMN_TEXT},
	{"CIPHER", "cipher", COLUMN_TEXT},
	{"INTEGRITY", "integrity", COLUMN_TEXT, true},
	{"UPLINK", "uplink.bytes", COLUMN_BYTES},
	{"DOWNLINK", "downlink.bytes", COLUMN_BYTES},
	{0},
};

static const struct listing listings[] = {
	{"ike", ike_columns, "There is no IKE SA."},
	{"esp", esp_columns, "There is no pair of ESP SAs."},
	{0},
};

const struct command command_show_sas = {
	.verb = "show",
	.noun = "sas",
	.help = "IKE SAs and pairs of ESP SAs",
	.path = "/v1/sas",
	.listings = listings,
	.run = show_run,
	.options = OPTION_PEER | OPTION_LIMIT,
};

// SPDX-License-Identifier: Apache-2.0

#include "command.h"
#include "table.h"

static const struct column columns[] = {
	{"KIND", "kind", COLUMN_TEXT},
	{"SUBJECT", "subject", COLUMN_TEXT, true},
	{"KEY", "key", COLUMN_TEXT},
	{"ENDS", "ends", COLUMN_TEXT},
	{"DAYS", "days_left", COLUMN_NUMBER},
	{"REVOKED", "crl.entries", COLUMN_NUMBER},
	{"CRL", "crl.source", COLUMN_TEXT, true},
	{0},
};

static const struct listing listings[] = {
	{"certificates", columns, "There is no certificate."}, {0}};

const struct command command_show_certificates = {
	.verb = "show",
	.noun = "certificates",
	.help = "ours and the authorities', with the days that they have left",
	.detail = "KIND is own or authority; REVOKED is the number of certificates in the\n"
		  "authority's CRL. --json shows files, serial numbers and what is wrong with a "
		  "CRL.\n",
	.path = "/v1/certificates",
	.listings = listings,
	.run = show_run,
	.options = 0,
};

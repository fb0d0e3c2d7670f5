// SPDX-License-Identifier: Apache-2.0

#include "command.h"
#include "text.h"

#include "contract/config.h"

#include <stdio.h>

static void warn(const struct config *config)
{
	for (unsigned i = 0; config_warning(config, i); i++)
		fprintf(stderr, "warning: %s\n", config_warning(config, i));
}

static enum exit_code run(const struct arguments *a, const struct command *c)
{
	char shown[TEXT_MOST];
	struct config *config;

	if (config_load(a->operand, &config, stderr) < 0)
		return EXIT_FAILED;
	warn(config);
	config_free(config);
	if (a->json)
		puts("{\"ok\": true}");
	else
		printf("%s is in order.\n", text_escape(a->operand, shown));
	return EXIT_OK;
}

const struct command command_config_check = {
	.verb = "config",
	.noun = "check",
	.operand = "FILE",
	.help = "say what is wrong with a configuration file",
	.detail = "Each line: FILE:LINE:COLUMN: what is wrong: what to do.\n"
		  "What is in order but has a price is said as a warning.\n",
	.run = run,
	.offline = true,
};

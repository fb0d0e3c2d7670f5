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

// They are read by who has libcrypto, and with the rights of who starts it.
static void note_certificates(const struct config *config, const char *file)
{
	if (config->certificates.own_count + config->certificates.authority_count > 0)
		fprintf(stderr,
			"note: the files of its certificates were not looked at; "
			"`culvert-controlplane --check -c %s` does that\n",
			file);
}

static enum exit_code run(const struct arguments *a, const struct command *c)
{
	char shown[TEXT_MOST];
	struct config *config;

	if (config_load(a->operand, &config, stderr) < 0)
		return EXIT_FAILED;
	warn(config);
	note_certificates(config, text_escape(a->operand, shown));
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
		  "What is in order but has a price is said as a warning.\n"
		  "Files that the configuration names are not read: culvert-controlplane --check\n"
		  "-c FILE looks at those of certificates as well.\n",
	.run = run,
	.offline = true,
};

// SPDX-License-Identifier: Apache-2.0

// A file from a stranger: it must give a config or at least one line of error.

#include "contract/config.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config *c;
	char *lines = NULL;
	size_t length;
	FILE *errors = open_memstream(&lines, &length);
	int error;

	if (!errors)
		return 0;
	error = config_parse((const char *)data, size, "f", &c, errors);
	fclose(errors);
	if ((error == 0) != (length == 0) || (error == 0) != (c != NULL))
		abort();
	config_free(c);
	free(lines);
	return 0;
}

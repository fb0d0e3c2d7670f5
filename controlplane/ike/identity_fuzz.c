// SPDX-License-Identifier: Apache-2.0

// An ID payload's type and data, and the same bytes as words of the config.

#include "identity.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct identity a, b;
	char text[IDENTITY_TEXT], words[2048];
	uint8_t digest[IDENTITY_DIGEST];

	if (size < 1 || size > sizeof(words))
		return 0;
	memcpy(words, data + 1, size - 1);
	words[size - 1] = '\0';
	memset(&b, 0, sizeof(b));
	(void)identity_parse(&b, words);
	if (identity_make(&a, data[0], SPAN(data + 1, size - 1)))
		return 0;
	(void)identity_words(&a, text);
	identity_digest(&a, digest);
	(void)identity_equal(&a, &b);
	return 0;
}

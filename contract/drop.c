// SPDX-License-Identifier: Apache-2.0

#include "drop.h"

#define DROP_WORD(name, word, meaning)    word,
#define DROP_MEANING(name, word, meaning) meaning,

static const char *const words[DROP_COUNT] = {DROP_LIST(DROP_WORD)};
static const char *const meanings[DROP_COUNT] = {DROP_LIST(DROP_MEANING)};

const char *drop_word(unsigned reason)
{
	return reason < DROP_COUNT ? words[reason] : "unknown";
}

const char *drop_meaning(unsigned reason)
{
	return reason < DROP_COUNT ? meanings[reason] : "unknown";
}

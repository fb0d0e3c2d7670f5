// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the versions share to choose once more from an offer (struct ike_version): see policy.c.

#include "form.h"
#include "ike.h"

// Of one offer: the words of what would be chosen, or the offer in words when nothing would be.
struct policy_choice {
	char words[POLICY_TEXT];
	char offered[POLICY_OFFERED];
};

const char *policy_ike_words(
	char out[POLICY_TEXT], unsigned encryption, unsigned hash, unsigned group);
const char *policy_esp_words(char out[POLICY_TEXT], const struct esp_form *form);

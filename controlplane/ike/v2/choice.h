// SPDX-License-Identifier: Apache-2.0
#pragma once

// The choices of version 2 from offers that were kept, for struct ike_version.

#include "v2.h"

bool v2_choice_ike(const struct config_ike *config, struct span offer, struct policy_choice *out);
bool v2_choice_esp(const struct config_ike *config, struct span offer, uint32_t terms,
	struct policy_choice *out);
// Keeps what the peer offers for a pair, and under which terms, in the peer.
void v2_choice_esp_keep(struct ike_peer *peer, struct span body, const struct v2_esp_terms *terms);

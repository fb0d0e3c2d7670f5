// SPDX-License-Identifier: Apache-2.0
#pragma once

// The choices of version 1 from offers that were kept, for struct ike_version.

#include "proposal.h"
#include "v1.h"

bool choice_ike(const struct config_ike *config, struct span offer, struct policy_choice *out);
bool choice_esp(const struct config_ike *config, struct span offer, uint32_t terms,
	struct policy_choice *out);
// Keeps what the peer offers for a pair, and under which terms, in the peer.
void choice_esp_keep(struct ike_peer *peer, struct span body, const struct esp_terms *terms);

// SPDX-License-Identifier: Apache-2.0

// See choice.h.

#include "choice.h"

#include "controlplane/ike/peer.h"
#include "controlplane/ike/policy.h"
#include "proposal.h"

_Static_assert((int)POLICY_OFFERED >= (int)V2_PROPOSAL_TEXT, "v2_offer_words fits");

enum {
	TERMS_FIRST = 1,
	TERMS_GROUP_SHIFT = 8,
};

bool v2_choice_ike(const struct config_ike *config, struct span offer, struct policy_choice *out)
{
	struct v2_ike_choice choice;
	struct v2_sa sa;

	out->words[0] = out->offered[0] = 0;
	if (v2_sa_parse(offer, &sa))
		return false;
	if (v2_choose_ike(config, &sa, false, &choice)) {
		(void)v2_offer_words(&sa, out->offered);
		return false;
	}
	(void)policy_ike_words(
		out->words, choice.suite.encryption, choice.suite.hash, choice.suite.group);
	return true;
}

bool v2_choice_esp(const struct config_ike *config, struct span offer, uint32_t terms,
	struct policy_choice *out)
{
	const struct v2_esp_terms t = {
		.first = terms & TERMS_FIRST, .ke_group = terms >> TERMS_GROUP_SHIFT};
	struct v2_esp_choice choice;
	struct v2_sa sa;

	out->words[0] = out->offered[0] = 0;
	if (v2_sa_parse(offer, &sa))
		return false;
	if (v2_choose_esp(config, &sa, &t, &choice)) {
		(void)v2_offer_words(&sa, out->offered);
		return false;
	}
	(void)policy_esp_words(out->words, &choice.form);
	return true;
}

static void forget_spis(uint8_t *bytes, size_t length)
{
	struct v2_sa sa;

	if (v2_sa_parse(SPAN(bytes, length), &sa))
		return;
	for (size_t i = 0; i < sa.proposal_count; i++)
		offer_forget_spi(bytes, sa.proposals[i].spi);
}

void v2_choice_esp_keep(struct ike_peer *peer, struct span body, const struct v2_esp_terms *terms)
{
	peer_keep_esp_offer(peer, body, forget_spis,
		(terms->first ? TERMS_FIRST : 0) | terms->ke_group << TERMS_GROUP_SHIFT);
}

// SPDX-License-Identifier: Apache-2.0

// See choice.h.

#include "choice.h"

#include "controlplane/ike/policy.h"
#include "proposal.h"

#include <stdlib.h>

_Static_assert((int)POLICY_OFFERED >= (int)V2_PROPOSAL_TEXT, "v2_offer_words fits");

enum {
	TERMS_FIRST = 1,
	TERMS_GROUP_SHIFT = 8,
	SPI_OF_ALL = 1, // in the third byte: 256, the first that is not reserved
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

// The SPIs are another's in each exchange: with the same one in all, offers are alike.
static void forget_spis(uint8_t *bytes, size_t length)
{
	struct v2_sa sa;

	if (v2_sa_parse(SPAN(bytes, length), &sa))
		return;
	for (size_t i = 0; i < sa.proposal_count; i++) {
		uint8_t *spi = bytes + (sa.proposals[i].spi.at - bytes);

		if (sa.proposals[i].spi.length == 4)
			memcpy(spi, (const uint8_t[]){0, 0, SPI_OF_ALL, 0}, 4);
	}
}

void v2_choice_esp_keep(struct ike_peer *peer, struct span body, const struct v2_esp_terms *terms)
{
	uint8_t *bytes = malloc(body.length);

	if (!bytes)
		return;
	memcpy(bytes, body.at, body.length);
	forget_spis(bytes, body.length);
	offer_drop(peer->esp_offer);
	peer->esp_offer = offer_keep(&peer->ike->offers, SPAN(bytes, body.length));
	peer->esp_terms = (terms->first ? TERMS_FIRST : 0) | terms->ke_group << TERMS_GROUP_SHIFT;
	free(bytes);
}

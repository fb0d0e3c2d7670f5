// SPDX-License-Identifier: Apache-2.0

// See choice.h.

#include "choice.h"

#include "controlplane/ike/peer.h"
#include "controlplane/ike/policy.h"

enum {
	TERMS_PLAIN = 1,
	TERMS_UDP = 2,
	TERMS_DOUBTFUL = 4,
	TERMS_KE_SHIFT = 8,
	ANY_AUTH = 1 << IKE_AUTH_PSK | 1 << IKE_AUTH_RSA | 1 << IKE_AUTH_ECDSA_256 |
		   1 << IKE_AUTH_ECDSA_384 | 1 << IKE_AUTH_ECDSA_521,
};

static uint32_t terms_pack(const struct esp_terms *t)
{
	return (t->plain ? TERMS_PLAIN : 0) | (t->udp ? TERMS_UDP : 0) |
	       (t->doubtful_sha256 ? TERMS_DOUBTFUL : 0) |
	       (uint32_t)(t->ke_length << TERMS_KE_SHIFT);
}

static struct esp_terms terms_unpack(uint32_t t)
{
	return (struct esp_terms){.plain = t & TERMS_PLAIN,
		.udp = t & TERMS_UDP,
		.doubtful_sha256 = t & TERMS_DOUBTFUL,
		.ke_length = t >> TERMS_KE_SHIFT};
}

bool choice_ike(const struct config_ike *config, struct span offer, struct policy_choice *out)
{
	struct isakmp_sa sa;
	struct ike_choice choice;

	out->words[0] = out->offered[0] = 0;
	if (isakmp_sa_parse(offer, &sa))
		return false;
	if (proposal_choose_ike_by(config, &sa, ANY_AUTH, &choice)) {
		(void)proposal_ike_words(&sa, out->offered);
		return false;
	}
	(void)policy_ike_words(out->words, choice.encryption, choice.hash, choice.group);
	return true;
}

bool choice_esp(const struct config_ike *config, struct span offer, uint32_t terms,
	struct policy_choice *out)
{
	struct esp_terms t = terms_unpack(terms);
	struct isakmp_sa sa;
	struct esp_choice choice;

	out->words[0] = out->offered[0] = 0;
	if (isakmp_sa_parse(offer, &sa))
		return false;
	if (proposal_choose_esp(config, &sa, &t, &choice)) {
		(void)proposal_esp_words(&sa, out->offered);
		return false;
	}
	(void)policy_esp_words(out->words, &choice.form);
	return true;
}

static void forget_spis(uint8_t *bytes, size_t length)
{
	struct isakmp_sa sa;

	if (isakmp_sa_parse(SPAN(bytes, length), &sa))
		return;
	for (size_t i = 0; i < sa.proposal_count; i++)
		offer_forget_spi(bytes, sa.proposals[i].spi);
}

void choice_esp_keep(struct ike_peer *peer, struct span body, const struct esp_terms *terms)
{
	peer_keep_esp_offer(peer, body, forget_spis, terms_pack(terms));
}

// SPDX-License-Identifier: Apache-2.0
#pragma once

// Which of the peer's proposals we take, and the words for both sides' offers in the log. Pure.
//
// IKE (RFC 2409 appendix A): first those without a legacy algorithm, then by our order of
// encryption, then of hash, then of group. ESP (RFC 2407 section 4.4.4, 4.5): by our order of
// cipher, then of integrity; the peer's order decides between what is equal to us.

#include "contract/config.h"
#include "controlplane/ike/form.h"
#include "controlplane/ike/wire.h"

enum { PROPOSAL_TEXT = 1500 }; // bytes for any of the *_words functions, with the final NUL

struct ike_choice {
	struct isakmp_proposal proposal;
	struct isakmp_transform transform; // to be echoed
	unsigned encryption, hash, group;  // enums of the config
	uint64_t lifetime_s;               // the peer's; 0 when it named none
};

// What the circumstances allow for a pair of ESP SAs.
struct esp_terms {
	bool plain;       // transport mode
	bool udp;         // UDP-encapsulated transport mode
	size_t ke_length; // bytes of the peer's KE payload; 0 without one
};

struct esp_choice {
	struct isakmp_proposal proposal;
	struct isakmp_transform transform;
	struct esp_form form;
	unsigned group;      // of PFS; 0 without
	uint64_t lifetime_s; // 0 when the peer named none
};

// 0, or -ENOENT when nothing is acceptable.
int proposal_choose_ike(
	const struct config_ike *config, const struct isakmp_sa *offer, struct ike_choice *out);
int proposal_choose_esp(const struct config_ike *config, const struct isakmp_sa *offer,
	const struct esp_terms *terms, struct esp_choice *out);

// Why nothing was acceptable, as a sentence for the log.
const char *proposal_ike_reason(const struct config_ike *config, const struct isakmp_sa *offer);
const char *proposal_esp_reason(const struct config_ike *config, const struct isakmp_sa *offer,
	const struct esp_terms *terms);

// The peer's offer, and ours; write to out (PROPOSAL_TEXT bytes, cut to fit) and return it.
const char *proposal_ike_words(const struct isakmp_sa *offer, char *out);
const char *proposal_ike_ours(const struct config_ike *config, char *out);
const char *proposal_esp_words(const struct isakmp_sa *offer, char *out);
const char *proposal_esp_ours(const struct config_ike *config, char *out);

// The config's words; NULL for 0.
const char *proposal_encryption_word(unsigned encryption);
const char *proposal_hash_word(unsigned hash);
const char *proposal_group_word(unsigned group);

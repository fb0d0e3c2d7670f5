// SPDX-License-Identifier: Apache-2.0
#pragma once

// Which of the peer's proposals we take, and the words for both sides' offers in the log. Pure.
//
// AEAD ciphers of the IKE SA and x25519 are of version 2 alone and are passed over here.
//
// IKE (RFC 2409 appendix A): first those without a legacy algorithm, then by our order of
// encryption, then of hash, then of group. ESP (RFC 2407 section 4.4.4, 4.5): by our order of
// cipher, then of integrity; the peer's order decides between what is equal to us.

#include "contract/config.h"
#include "controlplane/ike/form.h"
#include "controlplane/ike/wire.h"

enum { PROPOSAL_TEXT = 1500 }; // bytes for any of the *_words functions, with the final NUL

// How both sides prove who they are, as IANA numbers it (RFC 2409 appendix A, RFC 4754).
enum ike_auth {
	IKE_AUTH_PSK = 1,
	IKE_AUTH_RSA = 3,
	IKE_AUTH_ECDSA_256 = 9,
	IKE_AUTH_ECDSA_384 = 10,
	IKE_AUTH_ECDSA_521 = 11,
};

struct ike_choice {
	struct isakmp_proposal proposal;
	struct isakmp_transform transform; // to be echoed
	unsigned encryption, hash, group;  // enums of the config
	unsigned auth;                     // enum ike_auth
	uint64_t lifetime_s, lifetime_kb;  // the peer's, in 1,024 bytes; 0 when it named none
};

// What the circumstances allow for a pair of ESP SAs.
struct esp_terms {
	bool plain;       // transport mode
	bool udp;         // UDP-encapsulated transport mode
	size_t ke_length; // bytes of the peer's KE payload; 0 without one
	// HMAC-SHA2-256 only when there is nothing else: some such peers cut it to 96 bits.
	bool doubtful_sha256;
};

struct esp_choice {
	struct isakmp_proposal proposal;
	struct isakmp_transform transform;
	struct esp_form form;
	unsigned group;                   // of PFS; 0 without
	uint64_t lifetime_s, lifetime_kb; // 0 when the peer named none
};

// 0, or -ENOENT when nothing is acceptable.
int proposal_choose_ike(
	const struct config_ike *config, const struct isakmp_sa *offer, struct ike_choice *out);
// The same with other methods than the pre-shared key: bit n of auths for number n of enum
// ike_auth. The method is that of the first transform that is acceptable; the order within it is as
// above.
int proposal_choose_ike_by(const struct config_ike *config, const struct isakmp_sa *offer,
	unsigned auths, struct ike_choice *out);
int proposal_choose_esp(const struct config_ike *config, const struct isakmp_sa *offer,
	const struct esp_terms *terms, struct esp_choice *out);

// Whether an offer for an IKE SA has no group but MODP-1024, as Android's up to version 11. Its
// versions 6 and 7 cut HMAC-SHA2-256 of ESP to 96 bits instead of the 128 of RFC 4868, which nobody
// can see in an offer; SHA2-512 and SHA1 they do as the RFCs say.
bool proposal_ike_is_old(const struct isakmp_sa *offer);

// Why nothing was acceptable, as a sentence for the log.
const char *proposal_ike_reason(const struct config_ike *config, const struct isakmp_sa *offer);
const char *proposal_ike_reason_by(
	const struct config_ike *config, const struct isakmp_sa *offer, unsigned auths);
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

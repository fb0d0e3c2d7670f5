// SPDX-License-Identifier: Apache-2.0
#pragma once

// Which of the peer's proposals we take in IKEv2 (RFC 7296 sections 2.7 and 3.3), and the words for
// both sides' offers in the log. Pure.
//
// As in IKEv1 (v1/proposal.h): first what has no legacy algorithm, then by our order of encryption,
// then of hash, then of group; ESP by our order of cipher, then of integrity; the peer's order
// decides between what is equal to us. Of the transforms of one proposal any combination counts.

#include "contract/config.h"
#include "controlplane/ike/form.h"
#include "keys.h"
#include "wire.h"

enum {
	V2_PROPOSAL_TEXT = 1500, // bytes for any of the *_words functions, with the final NUL
	V2_CHOSEN = 12,          // transforms of an accepted proposal at most
};

// What is accepted, to be echoed by v2_choice_put: one transform of each type that was offered.
struct v2_choice {
	uint8_t number, protocol;
	struct span spi; // the peer's: 8 bytes when an IKE SA is rekeyed, 4 of ESP; in the offer
	struct v2_transform transforms[V2_CHOSEN];
	size_t count;
};

struct v2_ike_choice {
	struct v2_choice echo;
	// suite.group is what the KE payload must be of: INVALID_KE_PAYLOAD names it if it is not.
	struct v2_suite suite;
};

struct v2_esp_choice {
	struct v2_choice echo;
	struct esp_form form; // encapsulation is left to the caller
	unsigned group;       // of PFS, as in struct v2_ike_choice; 0 without
};

struct v2_esp_terms {
	bool first;        // of IKE_AUTH: Diffie-Hellman groups in the offer mean nothing
	unsigned ke_group; // of the peer's KE payload; 0 without one
};

// SPIs: of IKE_SA_INIT none, of a rekey 8 bytes. 0, or -ENOENT when nothing is acceptable.
int v2_choose_ike(const struct config_ike *config, const struct v2_sa *offer, bool rekey,
	struct v2_ike_choice *out);
// PFS as the peer wants it: where it offers "none" as well as groups, a KE payload decides.
int v2_choose_esp(const struct config_ike *config, const struct v2_sa *offer,
	const struct v2_esp_terms *terms, struct v2_esp_choice *out);
// Our SA payload: the accepted proposal with our own SPI (empty in IKE_SA_INIT).
void v2_choice_put(struct isakmp_out *o, const struct v2_choice *choice, struct span spi);

// As initiator: an SA payload that offers just what is in use, and whether the answer is that.
// spi: 8 bytes of IKE, 4 of ESP. group 0: no PFS.
void v2_offer_ike(struct isakmp_out *o, const struct v2_suite *suite, struct span spi);
void v2_offer_esp(
	struct isakmp_out *o, const struct esp_form *form, unsigned group, struct span spi);
// 0 and the peer's SPI; -ENOENT when it is something else.
int v2_answer_ike(const struct v2_sa *answer, const struct v2_suite *suite, struct span *spi);
int v2_answer_esp(
	const struct v2_sa *answer, const struct esp_form *form, unsigned group, struct span *spi);

// Why nothing was acceptable, as a sentence for the log.
const char *v2_ike_reason(const struct config_ike *config, const struct v2_sa *offer);
const char *v2_esp_reason(const struct config_ike *config, const struct v2_sa *offer,
	const struct v2_esp_terms *terms);
// The peer's offer, and ours; write to out (V2_PROPOSAL_TEXT bytes, cut to fit) and return it.
const char *v2_offer_words(const struct v2_sa *offer, char *out);
const char *v2_ike_ours(const struct config_ike *config, char *out);
const char *v2_esp_ours(const struct config_ike *config, char *out);
// "aes-gcm-256/sha384/ecp-384": what was agreed on.
const char *v2_suite_words(const struct v2_suite *suite, char *out);

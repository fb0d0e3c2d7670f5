// SPDX-License-Identifier: Apache-2.0
#pragma once

// What an IKE SA has only in version 1 (RFC 2409): main mode until it is through, and the quick
// modes under way. state.h includes it; nobody else does.

#include "controlplane/ike/group.h"
#include "controlplane/ike/psk.h"
#include "controlplane/ike/wire.h"
#include "natt.h"
#include "proposal.h"

enum {
	LIFETIME_DEFAULT_S = 28800, // when a peer names none (RFC 2407 section 4.5.4)
	NONCE_MIN = 8,              // bytes (RFC 2409 section 5)
	SA_QUICKS = 8,              // quick modes under way in one IKE SA
	SA_MESSAGE_IDS = 32,        // finished quick modes that are remembered, to ignore replays
};

struct proof;

// What phase 1 needs until it is through.
struct phase1 {
	uint8_t *sa_body; // the initiator's SA payload, for the hashes
	size_t sa_length;
	uint8_t nonce_i[NONCE_MAX], nonce_r[NONCE_MAX];
	size_t nonce_i_length, nonce_r_length;
	uint8_t public_i[IKE_DH_MAX], public_r[IKE_DH_MAX];
	uint8_t third[SHA256_SIZE]; // digest of the message with KE, until it is answered
	size_t third_length;        // of that message
	// In aggressive mode: body of the ID payload, and of the SA payload that answers.
	uint8_t *id, *answer;
	size_t id_length, answer_length;
	unsigned auth;              // enum ike_auth
	struct proof *proof;        // by signatures; NULL when auth is the pre-shared key
	struct psk_list psks;       // that may be the peer's
	uint8_t secret[IKE_DH_MAX]; // of Diffie-Hellman, while it is not known which of them is
};

LIST_HEAD(quick_list, quick);
LIST_HEAD(quick_ours_list, quick_ours);

struct fragments;
struct begun;

struct v1_part {
	struct vendor_ids vendors;
	struct phase1 *phase1; // NULL once established
	struct begun *begun;   // phase 1 as initiator; NULL once established
	bool initiator;        // of phase 1
	unsigned auth;         // enum ike_auth of phase 1
	uint8_t id_type;       // of the peer's ID payload
	struct ike_keys keys;
	struct reply reply; // of phase 1
	struct quick_list quicks;
	struct quick_ours_list ours;          // quick modes that we have begun
	uint32_t message_ids[SA_MESSAGE_IDS]; // 0 = free
	unsigned message_id_next;
	uint64_t peer_lifetime_s;
	bool aggressive;             // the mode of phase 1
	bool old;                    // by its offer (proposal_ike_is_old)
	struct fragments *fragments; // of a message that is not whole yet, or NULL
	uint16_t fragment_id;        // of our newest message that went in fragments
};

enum quick_state {
	QUICK_WAIT_TRUST,   // whether the peer's certificates still hold
	QUICK_WAIT_DH,      // Diffie-Hellman of PFS under way
	QUICK_WAIT_INSTALL, // the dataplane gets the pair
	QUICK_WAIT_THIRD,   // second message sent
};

struct quick {
	struct ike_sa *sa;
	LIST_ENTRY(quick) of_sa;
	uint32_t message_id;
	enum quick_state state;
	struct flow flow; // where the first message came from
	uint8_t iv[IKE_BLOCK_MAX];
	uint8_t first[SHA256_SIZE]; // of the first message
	struct reply reply;
	uint8_t *plain;    // the first message in clear; chain and choice point into it
	size_t plain_size; // bytes
	struct isakmp_chain chain;
	struct esp_choice choice;
	uint64_t lifetime_s;
	uint64_t lifetime_kb; // 0 = no limit
	struct span nonce_i;
	uint8_t nonce_r[NONCE_OURS];
	uint8_t public_r[IKE_DH_MAX];
	struct dh_job *job;
	struct esp_pair *pair;
	struct timer timer; // sends the second message again
	unsigned tries;
};

enum quick_ours_state {
	OURS_WAIT_DH,
	OURS_WAIT_SECOND,
	OURS_WAIT_SECRET,
	OURS_WAIT_INSTALL,
	OURS_DONE,
};

struct quick_ours {
	struct ike_sa *sa;
	LIST_ENTRY(quick_ours) of_sa;
	uint32_t message_id;
	enum quick_ours_state state;
	uint32_t old;          // the pair that is renewed
	struct esp_pair *pair; // the new one, until it is handed over to the peer
	uint32_t spi;          // and from then on
	void *terms;           // as esp_pair.terms, for the new one
	uint8_t iv[IKE_BLOCK_MAX];
	struct reply sent;           // the newest of ours
	uint8_t second[SHA256_SIZE]; // of the second message
	uint64_t lifetime_s;
	uint8_t nonce_i[NONCE_OURS], nonce_r[NONCE_MAX];
	size_t nonce_r_length;
	uint8_t public_i[IKE_DH_MAX];
	struct ike_dh *dh;
	struct dh_job *job;
	struct timer timer; // sends again; in the end forgets
	unsigned tries;
};

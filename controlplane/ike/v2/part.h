// SPDX-License-Identifier: Apache-2.0
#pragma once

// What an IKE SA has only in version 2 (RFC 7296): what IKE_SA_INIT and IKE_AUTH need until they
// are through, the request of the peer that is being answered, and our own requests. state.h
// includes it; nobody else does.
//
// The window is 1 each way (section 2.3): the peer has one request under way, and so have we.

#include "contract/config.h"
#include "controlplane/auth/credentials.h"
#include "controlplane/ike/credential.h"
#include "controlplane/ike/group.h"
#include "controlplane/ike/identity.h"
#include "controlplane/ike/signature.h"
#include "proposal.h"
#include "sealed.h"

enum {
	V2_OUR_REQUESTS = 32,  // of ours that wait at once; what goes beyond is not asked
	V2_CHECK_TRIES = 3,    // at an address that is not proven, after the first
	V2_LINGER_MS = 5000,   // in which the last answer of an SA that failed is given again
	V2_COOKIE_MAX = 64,    // bytes (section 2.6)
	V2_COOKIE_OURS = 33,   // bytes of a cookie of ours: which secret, and its HMAC
	V2_SECRET_MS = 60000,  // before the secret of cookies is changed; the one before is good
	V2_REQUESTED = 8,      // CERTREQ payloads of a peer that are looked at
	V2_NARROWED = 32,      // traffic selectors of an answer, each side
	V2_PARTINGS = 2048,    // IKE SAs that are gone, and the peer does not know yet
	V2_PARTING_MS = 30000, // in which the peer may miss our answer to its Delete
	V2_PARTING_BUCKETS = 256,
	V2_NAT_SOURCES = 8, // NAT_DETECTION_SOURCE_IP of a peer that are looked at
};

struct v2_request;
struct v2_check;

// What is given to the first messages alone, until the SA is established.
struct v2_begin {
	uint8_t *first; // the peer's IKE_SA_INIT request, which it signs
	size_t first_length;
	uint8_t *second; // our answer, which we sign
	size_t second_length;
	uint8_t nonce_i[V2_NONCE_MAX], nonce_r[NONCE_OURS];
	size_t nonce_i_length;
	struct v2_choice choice;
	uint8_t public_r[IKE_DH_MAX];
	uint32_t hashes;    // of the peer's SIGNATURE_HASH_ALGORITHMS: bit n is number n
	bool nat_traversal; // the peer does it
	bool use_ppk;       // both sides can do RFC 8784
	struct identity id_i, id_r;
	unsigned method; // enum v2_auth_method of our AUTH
	uint8_t auth[SIGNATURE_MAX];
	size_t auth_length;
	const struct credential *own;             // held; NULL: a shared key
	void (*signed_for)(struct v2_request *r); // our signature is made
	const char *peer_method;                  // a word for the log
	bool initial_contact;
	struct v2_eap *eap; // NULL until the peer has begun it
};

struct v2_renewal;

// A child SA that the peer asks for, from its payloads to the pair.
struct v2_child {
	bool none;             // the peer wants no child
	uint16_t refusal;      // enum v2_notify_type: no child, and this says why; 0 = there is one
	uint16_t refusal_data; // of INVALID_KE_PAYLOAD: the group
	bool transport;
	uint32_t renewed; // our SPI of the pair that is replaced; 0 = none
	struct v2_esp_choice choice;
	struct v2_selector ts_i[V2_NARROWED], ts_r[V2_NARROWED];
	size_t ts_i_count, ts_r_count;
	struct span nonce_i;
	uint8_t nonce_r[NONCE_OURS];
	uint8_t public_r[IKE_DH_MAX];
	struct esp_pair *pair; // until it is confirmed
};

// A request of the peer that is being answered.
struct v2_request {
	struct ike_sa *sa;
	struct flow flow; // where it came from and the answer goes
	uint8_t exchange; // enum v2_exchange
	uint32_t message_id;
	uint8_t digest[SHA256_SIZE]; // of what calls for the answer again
	uint8_t *plain;              // what the chain points into
	size_t plain_size;           // bytes
	struct v2_chain chain;
	struct dh_job *dh;
	struct signature_job *signature;
	struct v2_child child;
	struct v2_ike_choice ike; // of a rekey of the IKE SA
	bool asked;               // access_ask was called, its answer is awaited
};

// A request of ours, in the clear while it waits.
struct v2_ours {
	TAILQ_ENTRY(v2_ours) of_sa;
	uint8_t exchange;
	uint8_t first; // type of the first payload
	// chain is NULL when no answer will come: the SA goes. May end the SA.
	void (*answered)(struct ike_sa *sa, void *context, const struct v2_chain *chain);
	void *context;
	size_t length;
	uint8_t payloads[];
};
TAILQ_HEAD(v2_ours_queue, v2_ours);

struct v2_state {
	struct v2_begin *begin; // NULL once established
	struct v2_suite suite;
	struct v2_keys keys;
	bool initiator;     // we are the original initiator of this IKE SA (after a rekey by us)
	bool dead;          // failed or deleted: only the last answer is given again
	bool closing;       // its Delete is on the way; nothing else is asked
	bool rekeyed;       // another IKE SA has its pairs
	bool fragmentation; // RFC 7383, both sides
	bool mobike;        // RFC 4555, both sides
	bool ppk;           // a PPK is in the keys
	bool has_access;    // remote access without L2TP: these are its addresses
	struct ike_access access;
	char name[PPP_NAME]; // of the user by EAP, raw; empty: none

	struct v2_check *check; // of an address that the peer says it has; NULL: none (mobike.h)
	struct v2_renewal *renewal_pair, *renewal_sa; // begun by us; NULL: none (renewal.h)

	// The peer's requests.
	uint32_t expected; // message id of the next one
	struct v2_request *request;
	struct v2_fragments fragments_in;
	uint8_t fragment_one[SHA256_SIZE]; // digest of fragment 1 of them
	struct v2_message answer;          // to the one before
	uint8_t answered[SHA256_SIZE];     // digest of what calls for it again

	// Ours.
	uint32_t next; // message id of the one under way, or of the next one
	struct v2_ours_queue ours;
	struct v2_ours *under_way;   // the first of the queue, when it has left
	struct v2_message message;   // of it
	struct v2_fragments answers; // of it, in fragments
	unsigned tries;
	struct timer timer; // sends it again
};

// Of the responder as a whole: what stays of SAs that are gone (parting.h). Those that were
// remembered first are first.
TAILQ_HEAD(v2_parting_queue, v2_parting);
LIST_HEAD(v2_parting_list, v2_parting);

struct v2_partings {
	struct v2_parting_queue all;
	struct v2_parting_list by_spi[V2_PARTING_BUCKETS]; // by ours
	size_t count;
};

// And the secrets of cookies.
struct v2_cookies {
	uint8_t secrets[2][SHA256_SIZE];
	uint8_t current;  // counts them; the low bit is the index
	uint64_t changed; // when; 0 = never
};

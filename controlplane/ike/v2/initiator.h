// SPDX-License-Identifier: Apache-2.0
#pragma once

// A small IKEv2 initiator for the unit tests: it speaks straight into ike_input and takes the
// answers from the fakes. Of the responder it shares the parsers, the derivation of keys and the
// seals, which have tests of their own; what the exchanges are made of it knows by itself, and a
// check that fails fails the test.

#include "controlplane/fakes.h"
#include "controlplane/ike/group.h"
#include "controlplane/ike/ike.h"
#include "sealed.h"

struct v2_initiator {
	// Settings, before IKE_SA_INIT.
	struct ike *ike;
	struct flow flow; // as the responder sees it: remote is the initiator
	const char *psk;
	struct v2_suite suite;
	unsigned ke_group; // of its KE payload, when it is not suite.group
	bool natt;         // sends NAT_DETECTION_*
	bool nat, nat_us;  // that do not fit
	bool fragmentation;
	size_t room; // bytes of its own datagrams; 0 = whole
	bool mobike, initial_contact;
	EVP_PKEY *key; // it proves itself with a signature by this, else with psk
	struct span cert;
	uint8_t method;           // enum v2_auth_method of it
	bool hashes;              // it sends SIGNATURE_HASH_ALGORITHMS
	EVP_PKEY *gateway;        // by which the responder must prove itself then
	const char *ppk, *ppk_id; // NULL: none
	uint8_t id[64];           // body of IDi
	size_t id_length;

	bool gateway_began; // this IKE SA is of a rekey that the gateway has begun

	// Settings of the next child.
	bool tunnel, no_child, rekey;
	uint32_t spi, rekey_spi; // its own
	struct v2_selector ts_i, ts_r;
	unsigned pfs;         // group, or 0
	const uint8_t *nonce; // 32 bytes; NULL: random
	bool gcm;             // instead of AES-CBC-256 with HMAC-SHA256

	// State.
	uint8_t spi_i[8], spi_r[8];
	uint8_t nonce_i[32], nonce_r[V2_NONCE_MAX];
	size_t nonce_r_length;
	uint8_t cookie[64];
	size_t cookie_length;
	uint8_t first[2048], second[2048];
	size_t first_length, second_length;
	struct ike_dh *dh;
	uint8_t public_i[IKE_DH_MAX];
	struct v2_keys keys;
	uint32_t next;      // message id of its next request
	uint32_t theirs;    // of the responder's next request
	uint8_t last[8192]; // newest message sent
	size_t last_length;
	uint8_t raw[LIMIT_IKE_MESSAGE]; // newest message taken
	size_t raw_length;
	struct flow answer_flow;
	uint8_t plain[LIMIT_IKE_MESSAGE];
	struct isakmp_header header; // of it
	struct v2_chain chain;

	// Of the newest child.
	uint32_t spi_responder;
	struct v2_selectors got_i, got_r;
	bool got_transport;
	uint8_t keys_in[V2_KEYMAT_MAX], keys_out[V2_KEYMAT_MAX];
};

void v2_initiator_init(struct v2_initiator *i, struct ike *ike, const char *remote, uint16_t port);
void v2_initiator_free(struct v2_initiator *i);
// Sends a message as it is.
void v2_initiator_send(struct v2_initiator *i, const void *message, size_t length);
// Takes the next message that the responder sent, sealed or not, into chain; false when there is
// none. Fragments are put together.
bool v2_initiator_take(struct v2_initiator *i);

// IKE_SA_INIT once: true when the SA is agreed on; else the notification is in chain.
bool v2_initiator_begin(struct v2_initiator *i);
// IKE_AUTH: true when the responder has proven itself and, unless no_child, there is a child.
bool v2_initiator_auth(struct v2_initiator *i);
bool v2_initiator_connect(struct v2_initiator *i);
// CREATE_CHILD_SA by the settings of the child.
bool v2_initiator_child(struct v2_initiator *i);

// A request of one's own: begin, put payloads, end; the answer is in chain. false without one.
void v2_initiator_request(struct v2_initiator *i, struct v2_sealed *s, uint8_t exchange);
bool v2_initiator_ask(struct v2_initiator *i, struct v2_sealed *s);
// Sends the newest message again.
void v2_initiator_again(struct v2_initiator *i);
// An answer of one's own to the responder's request of that exchange and message id.
void v2_initiator_answer_begin(
	struct v2_initiator *i, struct v2_sealed *s, uint8_t exchange, uint32_t message_id);
void v2_initiator_answer_end(struct v2_initiator *i, struct v2_sealed *s);
// An empty answer to the responder's request that was just taken.
void v2_initiator_answer(struct v2_initiator *i);
// The first error notification in chain, or 0.
uint16_t v2_initiator_error(const struct v2_initiator *i);
bool v2_initiator_notified(const struct v2_initiator *i, uint16_t type);

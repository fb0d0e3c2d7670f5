// SPDX-License-Identifier: Apache-2.0
#pragma once

// A small IKEv1 initiator for the unit tests: it speaks straight into ike_input and takes the
// answers from the fakes. It keeps to the RFCs by its own code where it can, and checks what it is
// told; a check that fails fails the test.

#include "controlplane/fakes.h"
#include "controlplane/ike/ike.h"
#include "controlplane/ike/crypto.h"
#include "controlplane/ike/group.h"
#include "natt.h"
#include "proposal.h"

enum { INITIATOR_MESSAGE = LIMIT_IKE_MESSAGE };

struct initiator {
	// Settings, before main mode.
	struct ike *ike;
	struct flow flow; // as the responder sees it: remote is the initiator
	const char *psk;
	unsigned encryption, hash, group;
	uint32_t lifetime_s;
	enum natt natt;
	bool nat;    // its NAT-D do not fit: there is a NAT
	bool nat_us; // the NAT is in front of the responder
	bool dpd;
	bool initial_contact; // in the fifth message
	// Body of an SA payload to send in place of one transform of the above; what is chosen of
	// it holds then. And further vendor ids.
	struct span sa_offer;
	const struct span *vendors;
	size_t vendor_count;
	// Bytes of a piece: what is longer goes in fragments, the last one first, but for the one
	// of the number withhold. 0 = whole.
	size_t cut;
	unsigned withhold;
	// To prove itself by signature: the method, its key, its certificates in DER. auth 0: psk.
	unsigned auth; // enum ike_auth
	EVP_PKEY *sign_key;
	struct span certs[4];
	size_t cert_count;
	uint8_t cert_encoding; // 0: as 4, X.509
	uint8_t id[64];        // body of the ID payload
	size_t id_length;

	// State.
	uint8_t cookie_i[8], cookie_r[8];
	uint8_t nonce_i[16], nonce_r[256];
	size_t nonce_r_length;
	uint8_t public_i[IKE_DH_MAX], public_r[IKE_DH_MAX];
	struct ike_dh *dh;
	uint8_t sa_body[1024];
	uint8_t chosen; // number of the transform
	size_t sa_length;
	struct ike_keys keys;
	uint8_t last[INITIATOR_MESSAGE]; // newest message sent
	size_t last_length;
	uint8_t answer[INITIATOR_MESSAGE]; // newest answer, payloads in clear
	size_t answer_length, answer_fragments;
	struct flow answer_flow;
	struct isakmp_chain chain; // of the answer
	uint16_t error; // of the newest encrypted notification in place of the sixth message
	uint32_t next_message_id;
};

// A pair as the initiator wants it and then has it.
struct initiator_quick {
	// Settings.
	uint8_t transform; // ESP transform id
	uint16_t key_bits, auth, mode, group, esn;
	uint32_t lifetime_s, lifetime_kb; // kb 0: none named
	struct span sa_offer; // as in struct initiator; spi is that of all its proposals
	bool no_ids;
	uint8_t id_i[20], id_r[20];
	size_t id_i_length, id_r_length;
	bool nat_oa;
	uint32_t spi; // its own

	// Result.
	uint32_t message_id;
	uint32_t spi_responder;
	uint8_t keys_in[128], keys_out[128]; // KEYMAT of its inbound and outbound SA
	uint8_t iv[IKE_BLOCK_MAX];
	uint8_t nonce_i[16], nonce_r[256];
	size_t nonce_r_length;
	uint8_t first[INITIATOR_MESSAGE];
	size_t first_length;
};

void initiator_init(struct initiator *i, struct ike *ike, const char *remote, uint16_t port);
void initiator_free(struct initiator *i);
// Sends a message as it is.
void initiator_send(struct initiator *i, const void *message, size_t length);
// Takes the next message that the responder sent; false when there is none.
bool initiator_take(struct initiator *i);

// Each step sends a message and reads the answer; false when there is none or an error.
bool initiator_first(struct initiator *i);
bool initiator_third(struct initiator *i);
bool initiator_fifth(struct initiator *i);
bool initiator_main(struct initiator *i);
// The hash of what it signs: ECDSA brings its own (RFC 4754).
unsigned initiator_proof_hash(const struct initiator *i);
// With signatures: certificates and signature of the fifth message in place of its hash; whether
// those of the sixth are good.
void initiator_prove(struct initiator *i, struct isakmp_out *out, struct span hash);
bool initiator_proven(struct initiator *i, struct span hash);
// Aggressive mode: first and second message; then the third, encrypted or not.
bool initiator_aggressive_first(struct initiator *i);
void initiator_aggressive_third(struct initiator *i, bool sealed);

void initiator_quick_init(struct initiator_quick *q, uint32_t spi);
bool initiator_quick_first(struct initiator *i, struct initiator_quick *q);
void initiator_quick_third(struct initiator *i, struct initiator_quick *q);
bool initiator_quick(struct initiator *i, struct initiator_quick *q);

// Informational messages.
void initiator_delete_esp(struct initiator *i, const uint32_t *spis, uint16_t count);
void initiator_delete(
	struct initiator *i, uint8_t protocol, uint8_t spi_size, uint16_t count, const void *spis);
void initiator_delete_isakmp(struct initiator *i);
void initiator_notify(struct initiator *i, uint16_t type, const void *data, size_t length);
// Reads the next message, an informational one, into chain; those of a quick mode or main mode that
// the gateway has begun are passed over.
bool initiator_informational(struct initiator *i);

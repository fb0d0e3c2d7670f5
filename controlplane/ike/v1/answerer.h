// SPDX-License-Identifier: Apache-2.0
#pragma once

// The initiator of the unit tests as the responder of a quick mode that the gateway begins, in
// steps so that a test can lose messages.

#include "initiator.h"

struct answerer {
	// Settings, before the second message.
	uint32_t spi;         // its own
	bool commit;          // with the commit bit
	uint32_t kilobytes;   // in RESPONDER-LIFETIME; 0 = without
	uint32_t seconds;     // the same
	bool other_transform; // chooses what was not offered
	bool other_ids;       // sends IDs back that are not ours
	bool forged;          // with a wrong HASH
	// Found in the first message.
	uint32_t message_id;
	uint32_t spi_gateway;
	uint8_t id_i[64], id_r[64];
	size_t id_i_length, id_r_length;
	unsigned nat_oas;
	uint16_t group;
	uint8_t sa_body[256];
	size_t sa_length;
	uint8_t nonce_i[256], nonce_r[16];
	size_t nonce_i_length;
	uint8_t public_i[IKE_DH_MAX];
	uint8_t keys_in[128], keys_out[128]; // KEYMAT of its inbound and its outbound SA
	uint8_t iv[IKE_BLOCK_MAX];
	uint8_t second[INITIATOR_MESSAGE];
	size_t second_length;
};

// Takes the gateway's next message, which must be a first one of quick mode; false: there is none.
bool answerer_first(struct initiator *i, struct answerer *a);
void answerer_second(struct initiator *i, struct answerer *a);
// The same bytes again.
void answerer_second_again(struct initiator *i, struct answerer *a);
// Takes and checks the third; false: there is none.
bool answerer_third(struct initiator *i, struct answerer *a);
// The fourth message of who set the commit bit: CONNECTED.
void answerer_fourth(struct initiator *i, struct answerer *a);

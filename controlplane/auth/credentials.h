// SPDX-License-Identifier: Apache-2.0
#pragma once

// Who somebody says to be, with the proof, and what is answered: between whoever speaks the
// protocol (PAP, CHAP, EAP) and whoever knows the users. Plain data.

#include <stdbool.h>
#include <stdint.h>

enum {
	PPP_NAME = 256, // bytes, with a final NUL
	PPP_SECRET = 256,
	AUTH_MSK = 64, // bytes: the Master Session Key of EAP (RFC 3748 section 7.10)
};

// What the peer answered. With PAP the password itself; wipe it after use.
struct ppp_credentials {
	uint8_t method;      // enum ppp_auth
	uint8_t id;          // of the CHAP exchange
	char name[PPP_NAME]; // raw bytes, name_length of them, with a NUL
	uint16_t name_length;
	uint8_t password[PPP_SECRET]; // PAP
	uint16_t password_length;
	uint8_t challenge[64]; // that we sent (CHAP)
	uint16_t challenge_length;
	uint8_t response[64]; // CHAP-MD5: 16 bytes; MS-CHAPv2: 49 (RFC 2759 section 4)
	uint16_t response_length;
	bool want_msk; // the verdict shall have the keys that come of it
	bool again;    // who was accepted proves himself once more while his traffic goes on
	// PPP_AUTH_EAP: the peer's EAP packet (RFC 3748 section 4); name is what its Identity said.
	const uint8_t *eap;
	uint16_t eap_length;
};

// What the judge of an EAP packet says besides.
enum eap_turn {
	EAP_DECIDED = 0, // accepted or not; eap is the Success or Failure for the peer, or nothing
	EAP_MORE,        // neither yet: eap is the next request for the peer
	EAP_OURS,        // a user of the config: the authenticator shall take a method of its own
};

struct ppp_verdict {
	bool accepted;
	uint8_t turn;          // enum eap_turn, of EAP alone
	char message[256];     // for the peer; MS-CHAPv2 success: begins with "S=..."
	uint16_t mschap_error; // MS-CHAPv2 failure: 691 wrong, 647 disabled, ... (RFC 2759 6)
	bool has_msk;          // accepted, and msk is there; wipe it after use
	uint8_t msk[AUTH_MSK]; // MS-CHAPv2: MasterReceiveKey and MasterSendKey of the server (RFC
			       // 3079 section 3.4), then zeros
	// PPP_AUTH_EAP: see turn. Valid during the call that tells the verdict.
	const uint8_t *eap;
	uint16_t eap_length;
};

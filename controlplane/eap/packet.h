// SPDX-License-Identifier: Apache-2.0
#pragma once

// Packets of EAP (RFC 3748 section 4) and what MS-CHAPv2 puts into them. Pure: bytes in, struct or
// error out; what is parsed points into the caller's bytes.

#include "contract/build.h"
#include "contract/view.h"

enum eap_code { EAP_REQUEST = 1, EAP_RESPONSE, EAP_SUCCESS, EAP_FAILURE };

enum eap_type {
	EAP_IDENTITY = 1,
	EAP_NOTIFICATION = 2,
	EAP_NAK = 3,
	EAP_MSCHAPV2 = 26,
	EAP_EXPANDED = 254,
};

enum eap_mschap_code {
	EAP_MSCHAP_CHALLENGE = 1,
	EAP_MSCHAP_RESPONSE,
	EAP_MSCHAP_SUCCESS,
	EAP_MSCHAP_FAILURE,
};

enum { EAP_HEADER = 4, EAP_MSCHAP_HEADER = 4 };

struct eap_packet {
	uint8_t code; // enum eap_code
	uint8_t id;
	uint8_t type;     // enum eap_type; 0 of Success and Failure
	uint16_t length;  // bytes of the packet: what is behind them is padding
	struct view data; // behind the type
};

struct eap_mschap {
	uint8_t code;            // enum eap_mschap_code
	uint8_t id;              // that of the challenge; 0 of an answer that is the code alone
	struct view value, name; // of a Response
};

// 0 or -EBADMSG. Bytes behind the length that the packet says are ignored (section 4.1).
int eap_packet_parse(const uint8_t *packet, size_t length, struct eap_packet *out);
// The data of an answer of type MS-CHAPv2: Response, or Success and Failure, which are one byte.
int eap_mschap_parse(struct view data, struct eap_mschap *out);

// Writes the header; the length is filled in by eap_packet_end, which returns it, 0 when the packet
// did not fit. type 0: Success and Failure.
void eap_packet_begin(struct build *b, uint8_t code, uint8_t id, uint8_t type);
size_t eap_packet_end(struct build *b);
// The same with the header of MS-CHAPv2 behind it.
void eap_mschap_begin(struct build *b, uint8_t eap_id, uint8_t code, uint8_t id);
size_t eap_mschap_end(struct build *b);

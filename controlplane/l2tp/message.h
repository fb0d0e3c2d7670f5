// SPDX-License-Identifier: Apache-2.0
#pragma once

// A control message with its AVPs decoded by the table of avp.h. Pure: bytes and the tunnel secret
// in, struct out. What is wrong with a message does not stop the decoding, so that the refusal can
// still name the tunnel or session that the message was about.

#include "avp.h"
#include "contract/packet.h"
#include "contract/view.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	MESSAGE_TYPE_NONE = 0,
	MESSAGE_WRONG_TEXT = 96, // bytes of the sentence that goes to peer and log
};

// General error codes (RFC 2661 section 4.4.2).
enum general_error {
	ERROR_NONE = 0,
	ERROR_LENGTH = 2,
	ERROR_VALUE = 3,
	ERROR_RESOURCES = 4,
	ERROR_SESSION = 5, // the session id is invalid in this context
	ERROR_VENDOR = 6,
	ERROR_UNKNOWN_AVP = 8, // an unknown AVP had the mandatory bit
};

// Bytes in the message, or in its plain buffer.
struct message_bytes {
	const uint8_t *at; // NULL = the AVP was not there
	uint16_t length;
};

// Numbers in host byte order; 0 when the AVP was not there (message_has tells).
struct control_message {
	uint16_t type; // enum message_type, or a number that is none; MESSAGE_TYPE_NONE
	bool type_mandatory;
	uint16_t wrong; // enum general_error of the first thing that is wrong, or 0
	char wrong_text[MESSAGE_WRONG_TEXT];
	uint64_t has; // bit n: AVP number n of the IETF, below 64

	uint16_t version; // Protocol Version: version in the high byte, revision in the low
	uint16_t firmware, assigned_tunnel, receive_window, assigned_session;
	uint16_t proxy_auth_type, proxy_auth_id;
	uint32_t framing_capabilities, bearer_capabilities, bearer_type, framing_type;
	uint32_t serial, minimum_bps, maximum_bps, tx_speed, rx_speed, physical_channel;
	struct message_bytes result, cause, disconnect; // see message_end
	struct message_bytes tie_breaker, host_name, vendor_name, challenge, challenge_response;
	struct message_bytes called, calling, sub_address, private_group, random_vector;
	struct message_bytes lcp_first_received, lcp_last_sent, lcp_last_received;
	struct message_bytes proxy_name, proxy_challenge, proxy_response;
	struct message_bytes call_errors, accm;

	uint16_t plain_used;
	uint8_t plain[PACKET_DATA]; // what hidden AVPs were revealed to
};

// Decodes what follows the header. A message whose first AVP is no Message Type has type
// MESSAGE_TYPE_NONE and wrong set. secret_length 0 = there is none, and hidden AVPs are unknown.
// An AVP that comes twice counts once, the first time; a known one that has no place in a message
// of this type is ignored.
void message_parse(
	struct view avps, const void *secret, size_t secret_length, struct control_message *out);

static inline bool message_has(const struct control_message *m, enum avp avp)
{
	return m->has >> avp & 1;
}

// Marks the message wrong, unless it is already.
void message_wrong(struct control_message *m, enum general_error error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

// Why a StopCCN or CDN came: result and error code, and all that it says as one sentence.
struct message_end {
	uint16_t result, error;
	char text[256]; // raw bytes of the peer in it, with a NUL
};
void message_end(const struct control_message *m, struct message_end *out);

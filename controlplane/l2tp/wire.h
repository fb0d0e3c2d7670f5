// SPDX-License-Identifier: Apache-2.0
#pragma once

// The L2TPv2 control header (RFC 2661 section 3.1) and the envelope of an AVP (section 4.1), read
// and written. Pure: no state, no knowledge of what the AVPs mean (avp.h, message.h).

#include "contract/build.h"
#include "contract/view.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	WIRE_HEADER = 12,       // bytes of a control header, which always has length, Ns and Nr
	WIRE_TUNNEL_OFFSET = 4, // of its fields
	WIRE_SESSION_OFFSET = 6,
	WIRE_NS_OFFSET = 8,
	WIRE_NR_OFFSET = 10,
	WIRE_AVP_HEADER = 6,
	WIRE_AVP_MAX = 1023, // bytes of an AVP with its header: the length field has 10 bits
	WIRE_MESSAGE = 1536, // bytes of the longest message that we build
	WIRE_VERSION_3 = 3,  // L2TPv3 (RFC 3931)
	WIRE_TEXT_MAX = 256, // bytes of an error message that we send
};

struct wire_header {
	uint16_t tunnel;  // of the receiver; 0 before the sender knows it
	uint16_t session; // of the receiver; 0 = the message is about the tunnel
	uint16_t ns, nr;
	struct view avps; // what follows the header, up to the length in it; empty = ZLB
};

// Reads a control header. What stands behind the header's length is ignored. Refuses:
// -EBADMSG shorter than a header or than its own length, or a length shorter than the header;
// -EPROTONOSUPPORT a version other than 2; -EINVAL no control message, or without length or
// sequence numbers, or with the offset or priority bit.
int wire_header_parse(const uint8_t *message, size_t length, struct wire_header *out);

struct wire_avp {
	bool mandatory;
	bool hidden;
	bool reserved; // a reserved bit is set: to be treated as unknown
	uint16_t vendor;
	uint16_t type;
	uint16_t length;      // bytes of value
	const uint8_t *value; // in the message
};

// The next AVP: 1 and *out, 0 at the end, -EBADMSG when its length lies; then nothing behind it
// can be read.
int wire_avp_next(struct view *avps, struct wire_avp *out);

// Starts a message of that type: the header with Ns and Nr 0 (the channel fills them in) and the
// Message Type AVP. wire_message_end patches the length and returns it, or -EMSGSIZE.
struct build wire_message_begin(
	void *buffer, size_t size, uint16_t tunnel, uint16_t session, uint16_t type);
int wire_message_end(struct build *b);
// An acknowledgement without a message (zero-length body, section 5.8). out: WIRE_HEADER bytes.
void wire_zlb(uint8_t *out, uint16_t tunnel, uint16_t ns, uint16_t nr);

// Append an AVP of the IETF. Values in host byte order.
void wire_avp_bytes(
	struct build *b, uint16_t type, bool mandatory, const void *value, size_t length);
void wire_avp_u16(struct build *b, uint16_t type, bool mandatory, uint16_t value);
void wire_avp_u32(struct build *b, uint16_t type, bool mandatory, uint32_t value);
// Result Code (section 4.4.2): error is written when it is not 0 or when there is a text, which
// may be NULL and is cut to WIRE_TEXT_MAX.
void wire_avp_result(struct build *b, uint16_t result, uint16_t error, const char *text);

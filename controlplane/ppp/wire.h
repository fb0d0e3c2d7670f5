// SPDX-License-Identifier: Apache-2.0
#pragma once

// The bytes of PPP control packets (RFC 1661 sections 5 and 6, RFC 1334, RFC 1994): parsing and
// building, pure. A packet begins with its two-byte protocol field; framing and compressed
// fields are the worker's business.

#include "contract/build.h"
#include "contract/view.h"

#include <stdbool.h>
#include <stdint.h>

enum ppp_protocol {
	PPP_IP4 = 0x0021,
	PPP_IP6 = 0x0057,
	PPP_IPCP = 0x8021,
	PPP_ECP = 0x8053,
	PPP_IPV6CP = 0x8057,
	PPP_CCP = 0x80fd,
	PPP_LCP = 0xc021,
	PPP_PAP = 0xc023,
	PPP_CHAP = 0xc223,
	PPP_EAP = 0xc227,
};

// LCP's codes; IPCP uses those up to Code-Reject (RFC 1661 section 5, RFC 1570 section 2).
enum ppp_code {
	CODE_CONFIGURE_REQUEST = 1,
	CODE_CONFIGURE_ACK = 2,
	CODE_CONFIGURE_NAK = 3,
	CODE_CONFIGURE_REJECT = 4,
	CODE_TERMINATE_REQUEST = 5,
	CODE_TERMINATE_ACK = 6,
	CODE_CODE_REJECT = 7,
	CODE_PROTOCOL_REJECT = 8,
	CODE_ECHO_REQUEST = 9,
	CODE_ECHO_REPLY = 10,
	CODE_DISCARD_REQUEST = 11,
	CODE_IDENTIFICATION = 12,
	CODE_TIME_REMAINING = 13,
};

enum pap_code { PAP_REQUEST = 1, PAP_ACK = 2, PAP_NAK = 3 };
enum chap_code { CHAP_CHALLENGE = 1, CHAP_RESPONSE = 2, CHAP_SUCCESS = 3, CHAP_FAILURE = 4 };

enum {
	WIRE_PACKET = 1502,     // bytes of the largest control packet that we build: 1500 by RFC
				// 1661 section 6.1, and the protocol field
	WIRE_PROTOCOL = 2,      // bytes of the protocol field
	WIRE_HEADER = 4,        // bytes of code, identifier and length
	WIRE_OPTION_HEADER = 2, // bytes of an option's type and length
};

// Code, identifier and what the length field covers; padding behind it is gone.
struct wire_control {
	uint8_t code;
	uint8_t id;
	struct view body;
};

struct wire_option {
	uint8_t type;
	struct view data; // without type and length
};

struct wire_pap {
	struct view name, password;
};

struct wire_chap {
	struct view value, name; // of a Challenge or a Response
};

// From the code field on. -EBADMSG when the length field is below 4 or beyond the end.
int wire_control_parse(struct view packet, struct wire_control *out);

// Takes the next option off the list: 1, 0 at the end of the list, or -EBADMSG when its length is
// below 2 or beyond the end.
int wire_option_next(struct view *list, struct wire_option *out);
// The whole list is well formed.
bool wire_options_valid(struct view list);

// The body of an Authenticate-Request (RFC 1334 section 2.2.1), of a Challenge or Response (RFC
// 1994 section 4.1). -EBADMSG when a length is beyond the end, or CHAP's value is empty.
int wire_pap_parse(struct view body, struct wire_pap *out);
int wire_chap_parse(struct view body, struct wire_chap *out);

// Begins a control packet with its protocol field; the length field is filled in by wire_finish,
// which returns the whole packet's length in bytes, or 0 when it did not fit.
void wire_begin(struct build *out, uint16_t protocol, uint8_t code, uint8_t id);
size_t wire_finish(struct build *out);

// Appends an option: with these bytes, with a number, or as it came.
void wire_option_bytes(struct build *out, uint8_t type, const void *bytes, uint8_t length);
void wire_option_u16(struct build *out, uint8_t type, uint16_t v);
void wire_option_u32(struct build *out, uint8_t type, uint32_t v);
void wire_option_copy(struct build *out, const struct wire_option *option);
// Appends what is left of the view, cut to max bytes.
void wire_view(struct build *out, struct view v, size_t max);

// SPDX-License-Identifier: Apache-2.0
#pragma once

// The header of an L2TPv2 data message (RFC 2661 section 3.1), read and written. Pure.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum l2tp_bit {
	L2TP_TYPE = 0x8000,     // T: control message
	L2TP_LENGTH = 0x4000,   // L
	L2TP_SEQUENCE = 0x0800, // S: Ns and Nr
	L2TP_OFFSET = 0x0200,   // O
	L2TP_PRIORITY = 0x0100, // P: nothing to do for us
	L2TP_VERSION_MASK = 0x000f,
	L2TP_VERSION = 2,
};

enum {
	L2TP_HEADER_SHORT = 6, // bytes: flags and ids
	L2TP_HEADER_MAX = 10,  // bytes that we put on at most: flags, ids, Ns, Nr
};

struct l2tp_header {
	uint16_t flags;  // enum l2tp_bit
	uint16_t tunnel; // host byte order
	uint16_t session;
	uint16_t ns;      // with L2TP_SEQUENCE
	uint16_t payload; // bytes from the start of the header to the payload
	uint16_t end;     // bytes from the start of the header to the payload's end
};

// -EBADMSG: a field does not fit into the bytes, the length field is wrong or the offset points
// beyond the end. -EPROTONOSUPPORT: a version other than 2. For a control message (L2TP_TYPE)
// only flags and version are looked at. At most 65535 bytes.
int l2tp_header_parse(const uint8_t *bytes, size_t length, struct l2tp_header *h);

// The same for the shortest form, which nearly all data messages have; false: any other.
static inline bool l2tp_header_parse_short(
	const uint8_t *bytes, size_t length, struct l2tp_header *h)
{
	if (length < L2TP_HEADER_SHORT || bytes[0] != 0 || bytes[1] != L2TP_VERSION)
		return false;
	h->flags = L2TP_VERSION;
	h->tunnel = (uint16_t)(bytes[2] << 8 | bytes[3]);
	h->session = (uint16_t)(bytes[4] << 8 | bytes[5]);
	h->ns = 0;
	h->payload = L2TP_HEADER_SHORT;
	h->end = (uint16_t)length;
	return true;
}

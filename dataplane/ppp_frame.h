// SPDX-License-Identifier: Apache-2.0
#pragma once

// The front of a PPP frame as it lies in an L2TP data message (RFC 1661 section 6.5, 6.6, RFC
// 1662 section 3.1), and the few numbers that the workers know. Pure.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum ppp_protocol {
	PPP_IP4 = 0x0021,
	PPP_IP6 = 0x0057,
	PPP_CONTROL = 0x8000, // this and above: LCP, NCPs, authentication
	PPP_LCP = 0xc021,
};

enum {
	PPP_ADDRESS = 0xff,
	PPP_CONTROL_FIELD = 0x03,
	PPP_FRONT_LONG = 4,   // bytes: address, control, protocol
	LCP_ECHO_REQUEST = 9, // RFC 1661 section 5.8
	LCP_ECHO_REPLY = 10,
};

// Address and control may be there or not, the protocol field may have one byte or two, each
// frame as it likes, whatever was negotiated. Returns the bytes up to the information field and
// the protocol, or 0 for a frame that is too short or whose protocol is no number of RFC 1661
// section 2 (the last byte odd, the first of two even).
uint16_t ppp_frame_parse(const uint8_t *frame, size_t length, uint16_t *protocol);

// Whether it is IPv4 in the long form, as nearly all frames are.
static inline bool ppp_frame_is_plain_ip4(const uint8_t *frame, size_t length)
{
	static const uint8_t front[PPP_FRONT_LONG] = {
		PPP_ADDRESS, PPP_CONTROL_FIELD, PPP_IP4 >> 8, PPP_IP4};

	return length >= sizeof(front) && memcmp(frame, front, sizeof(front)) == 0;
}

// What to do with an LCP packet (from its code on) in the worker.
enum lcp_echo {
	LCP_OTHER = 0, // not an echo request: for the control plane
	LCP_ANSWER,    // a valid echo request
	LCP_INVALID,   // malformed, or our own request come back: drop
};
// magic is ours in host byte order, 0 = none was negotiated. LCP_ANSWER: *said is the length
// field, which is at least 8 and not beyond length.
enum lcp_echo lcp_echo_check(const uint8_t *lcp, size_t length, uint32_t magic, uint16_t *said);

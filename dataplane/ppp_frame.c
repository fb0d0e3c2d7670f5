// SPDX-License-Identifier: Apache-2.0

// See ppp_frame.h.

#include "dataplane/ppp_frame.h"

#include "contract/view.h"

uint16_t ppp_frame_parse(const uint8_t *frame, size_t length, uint16_t *protocol)
{
	struct view v = view_of(frame, length);

	if (length >= 2 && frame[0] == PPP_ADDRESS && frame[1] == PPP_CONTROL_FIELD)
		view_skip(&v, 2);
	*protocol = view_u8(&v);
	if (!(*protocol & 1))
		*protocol = (uint16_t)(*protocol << 8 | view_u8(&v));
	if (v.failed || !(*protocol & 1))
		return 0;
	return (uint16_t)(v.at - frame);
}

enum lcp_echo lcp_echo_check(const uint8_t *lcp, size_t length, uint32_t magic, uint16_t *said)
{
	struct view v = view_of(lcp, length);
	uint8_t code = view_u8(&v);
	uint32_t theirs;

	if (v.failed || code != LCP_ECHO_REQUEST)
		return LCP_OTHER;
	view_skip(&v, 1);
	*said = view_u16(&v);
	theirs = view_u32(&v);
	if (v.failed || *said < 8 || *said > length)
		return LCP_INVALID;
	return magic && theirs == magic ? LCP_INVALID : LCP_ANSWER;
}

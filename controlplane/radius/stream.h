// SPDX-License-Identifier: Apache-2.0
#pragma once

// RADIUS packets in a stream of bytes (RFC 6613 section 2.6): each says in its header how long it
// is. Pure: bytes in, packets out.

#include "contract/view.h"
#include "wire.h"

struct stream {
	uint8_t bytes[RADIUS_PACKET]; // the packet that is not whole yet, or was handed out last
	uint16_t have;
	bool whole; // bytes were handed out
};

// Takes from in. Returns the length of the next packet, whose bytes are in s until the next call; 0
// when in is used up; -EBADMSG when a packet says that it is shorter than a header or longer than
// RADIUS_PACKET: then nothing behind it can be found, and the stream is of no use any more.
int stream_take(struct stream *s, struct view *in);

// SPDX-License-Identifier: Apache-2.0
#pragma once

// Fragments of IKE messages in version 1, as Windows, Apple's systems, strongSwan and libreswan do
// it since Microsoft's documents of it (MS-IKEE section 2.2.1): a payload of type 132 alone in a
// message, with an id, a number from 1 on, a flag for the last one, and a piece of the whole
// message, the header of which it begins with. Both sides have to announce it by a vendor id.
// Pure: bytes in, struct or error out; nothing here is authentic.

#include "controlplane/ike/wire.h"

enum {
	FRAGMENT_HEADER = 4, // bytes before the piece, without the generic header
	FRAGMENTS = 64,      // of one message: LIMIT_IKE_MESSAGE in the smallest packets, and more
	FRAGMENT_LAST = 1,   // flag
};

struct fragment {
	uint16_t id;
	uint8_t number; // from 1 on
	bool last;
	struct span piece;
};

// The body of the payload. -EBADMSG without a piece, and for a number that is 0 or over FRAGMENTS.
int fragment_parse(struct span body, struct fragment *out);

// A message under way. What contradicts what is there takes its place, because the id of the next
// message may be the same: the older pieces go. Zero is empty.
struct fragment_box {
	uint16_t id;
	uint8_t last; // its number; 0 = not there yet
	uint8_t count;
	size_t bytes; // of all pieces
	struct {
		uint8_t *bytes;
		uint16_t length;
	} pieces[FRAGMENTS];
};

// 0; -EMSGSIZE when the message gets longer than LIMIT_IKE_MESSAGE, and the box is empty then;
// -ENOMEM.
int fragment_add(struct fragment_box *box, const struct fragment *f);
bool fragment_complete(const struct fragment_box *box);
// The message of a complete box, to be freed by the caller; the box is empty then. NULL without
// memory.
uint8_t *fragment_take(struct fragment_box *box, size_t *length);
void fragment_box_empty(struct fragment_box *box);

// How many fragments of at most piece bytes it takes, 0 when that is too many.
unsigned fragment_count(size_t length, size_t piece);
// One of them: the message with that number, from 1 on, of count, into out. 0 when it does not fit.
size_t fragment_write(const uint8_t *message, size_t length, size_t piece, unsigned number,
	unsigned count, uint16_t id, uint8_t *out, size_t size);

// SPDX-License-Identifier: Apache-2.0
#pragma once

// Encrypted messages of an IKEv2 SA: the SK payload (RFC 7296 section 3.14; AEAD: RFC 5282,
// RFC 7634) and its fragments SKF (RFC 7383). Nothing of a message is looked at before its ICV is
// right. No state but what the caller holds.

#include "contract/limits.h"
#include "keys.h"
#include "wire.h"

enum {
	V2_FRAGMENTS = 64, // of one message, either way
};

// One direction of an IKE SA; points into struct v2_keys.
struct v2_seal {
	unsigned encryption, hash;
	const uint8_t *e; // SK_ei or SK_er
	const uint8_t *a; // SK_ai or SK_ar; not read for an AEAD
	uint64_t *sealed; // counts what an AEAD has sealed with e; not read to open
};
// What the original initiator (true) or the responder sends with.
struct v2_seal v2_seal_of(const struct v2_suite *suite, struct v2_keys *keys, bool from_initiator);

// A message with an SK payload: h and message as isakmp_header_parse gave them, chain of its outer
// payloads as v2_chain_parse did, the last of which is SK. Authenticates, decrypts into plain (at
// least h->length bytes; may not be the message itself) and parses what is inside, whose parts
// point into plain. -EBADMSG when it is not authentic or too short (nothing else tells what was
// wrong); -EPROTO when it is authentic and makes no sense (INVALID_SYNTAX is due).
int v2_open(const struct v2_seal *seal, const struct isakmp_header *h, const uint8_t *message,
	const struct v2_chain *outer, uint8_t *plain, struct v2_chain *inner);

// What a peer has sent of a message in fragments; one for each IKE SA and direction of requests,
// zeroed at first.
struct v2_fragments {
	uint32_t message_id; // of the message that is being put together
	uint16_t total;      // its fragments; 0 = none is being put together
	uint16_t count;      // that are here
	uint8_t next;        // type of the first payload, of fragment 1
	size_t bytes;        // of plaintext that are here
	struct {
		uint8_t *bytes; // malloc; NULL = not here yet
		uint16_t length;
	} parts[V2_FRAGMENTS];
};

// A message with an SKF payload, otherwise like v2_open. The fragment is authenticated and kept;
// when it was the last one the whole is written to plain (size bytes, LIMIT_IKE_MESSAGE is enough)
// and parsed. 0: the message is whole; -EAGAIN: kept, or a duplicate, more are needed; -EBADMSG:
// not authentic or wrong numbers, nothing has changed; -EPROTO: whole and senseless, or larger than
// LIMIT_IKE_MESSAGE, or than size; -ENOMEM. Another message id than that of the fragments at hand
// begins anew, and so does a larger total number (RFC 7383 section 2.6); a smaller one is -EBADMSG.
// The caller checks the message id and the exchange before.
int v2_fragment_open(struct v2_fragments *f, const struct v2_seal *seal,
	const struct isakmp_header *h, const uint8_t *message, const struct v2_chain *outer,
	uint8_t *plain, size_t size, struct v2_chain *inner);
// Its number from 1 on, not authenticated; 0 when the message is no fragment or its numbers are
// wrong. Of an answered request it is fragment 1 that calls for the answer again (section 2.6.1).
uint16_t v2_fragment_number(const struct v2_chain *outer);
// Forgets all, wiped.
void v2_fragments_clear(struct v2_fragments *f);

// What goes out, kept for retransmission: count datagrams, one behind the other in bytes.
struct v2_message {
	uint8_t *bytes; // malloc; NULL = none
	size_t length;  // of all
	uint16_t count;
	uint16_t lengths[V2_FRAGMENTS];
};
void v2_message_clear(struct v2_message *m);
// A message that is not sealed, copied: IKE_SA_INIT. 0 or -ENOMEM.
int v2_message_plain(struct v2_message *m, const uint8_t *bytes, size_t length);
// The nth datagram; length 0 behind the last.
struct span v2_message_part(const struct v2_message *m, size_t n);

// A message under construction: begin, put payloads to out as in the clear, end.
struct v2_sealed {
	struct isakmp_out out;
	struct v2_seal seal;
	struct isakmp_header header;
	uint8_t buffer[LIMIT_IKE_MESSAGE];
};

// h: SPIs, version V2_VERSION, exchange, flags, message id. seal is copied; its keys must live.
void v2_sealed_begin(
	struct v2_sealed *s, const struct v2_seal *seal, const struct isakmp_header *h);
// Pads, encrypts, authenticates. room: bytes of the largest datagram's IKE message, beyond which
// it goes as fragments (v2_fragment_room); 0: never. *out is cleared first. 0; -EMSGSIZE when the
// payloads did not fit or would be more than V2_FRAGMENTS; -ENOMEM; -EINVAL of libcrypto.
int v2_sealed_end(struct v2_sealed *s, size_t room, struct v2_message *out);
// Of ike.fragment-size, which is of an IP packet: less the headers of IP and UDP and the marker.
size_t v2_fragment_room(uint16_t fragment_size, bool ip6);

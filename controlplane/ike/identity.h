// SPDX-License-Identifier: Apache-2.0
#pragma once

// Who a peer says it is: the body of an ID payload, of both versions (RFC 2407 section 4.6.2,
// RFC 7296 section 3.5), without what IKEv1 has there of protocol and port. Pure.

#include "wire.h"

enum {
	IDENTITY_MAX = 1024, // bytes: a distinguished name
	IDENTITY_TEXT = 128, // bytes with the final NUL, escaped and cut for the log
	IDENTITY_DIGEST = 32,
};

struct identity {
	uint8_t type; // enum isakmp_id; 0 = none
	uint16_t length;
	uint8_t data[IDENTITY_MAX];
};

// -EBADMSG for an empty one, one that is too long, and an address of the wrong length.
int identity_make(struct identity *out, uint8_t type, struct span data);
// From the words of the config: an address, "name@domain", a distinguished name ("CN=..., O=..."),
// else a host name. -EINVAL.
int identity_parse(struct identity *out, const char *text);
bool identity_equal(const struct identity *a, const struct identity *b);
// For people: an address, a name, a distinguished name as RFC 4514 writes it. Escaped and cut.
const char *identity_words(const struct identity *id, char out[IDENTITY_TEXT]);
// To recognise it: SHA-256 of type and data.
void identity_digest(const struct identity *id, uint8_t out[IDENTITY_DIGEST]);

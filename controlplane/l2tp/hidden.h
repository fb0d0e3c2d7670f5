// SPDX-License-Identifier: Apache-2.0
#pragma once

// Hidden AVPs (RFC 2661 section 4.3): the value is masked with a key stream from the tunnel
// secret, the last Random Vector before it and its own attribute type. There is no integrity
// check, so the length that comes out is a stranger's word.

#include "contract/view.h"

#include <stdint.h>

struct hidden_key {
	const void *secret;
	size_t secret_length;
	const uint8_t *vector; // value of the Random Vector AVP
	size_t vector_length;
};

// Reveals the value of an AVP of that type. plain has room for length bytes and receives the
// subformat; *out is the original value in it. Refuses: -EBADMSG no room for the length or a
// length beyond the value (wrong secret, or a lie), -ENOTSUP without MD5.
int hidden_reveal(const struct hidden_key *key, uint16_t type, const uint8_t *hidden, size_t length,
	uint8_t *plain, struct view *out);

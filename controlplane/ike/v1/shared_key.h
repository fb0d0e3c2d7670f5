// SPDX-License-Identifier: Apache-2.0
#pragma once

// Main mode with pre-shared keys (RFC 2409 section 5.4), several of which may fit the peer: while
// keys are rotated, and when they are for identities, which only the fifth message tells.

#include "v1.h"

// Diffie-Hellman is through and both nonces are known. With one key that fits the address all keys
// are derived at once; with several, the secret is kept until the fifth message shows which it is.
int shared_key_begin(struct ike_sa *sa, struct span secret);
// Opens the fifth message into plain and chain, by the first key that fits it and that may be used
// by the identity in it. NULL, and the keys are those of the SA; else why not, in words for the
// log: to the peer it has to look the same. All keys that may fit are tried in any case.
const char *shared_key_open(struct ike_sa *sa, const struct isakmp_header *h,
	const uint8_t *message, uint8_t *plain, struct isakmp_chain *chain);

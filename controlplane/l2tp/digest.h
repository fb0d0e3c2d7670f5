// SPDX-License-Identifier: Apache-2.0
#pragma once

// MD5 over several pieces, which is all the cryptography that RFC 2661 has: the response of the
// tunnel authentication (section 5.1.1) and the key stream of hidden AVPs (section 4.3).

#include <stddef.h>
#include <stdint.h>

enum { DIGEST_LENGTH = 16 };

struct digest_piece {
	const void *bytes;
	size_t length;
};

// 0, or -ENOTSUP when the library refuses MD5.
int digest_md5(const struct digest_piece *pieces, size_t count, uint8_t out[DIGEST_LENGTH]);

// The response to a challenge: MD5 of the type of the message that carries the response (one
// byte), the secret and the challenge. 0 or -ENOTSUP.
int digest_response(uint8_t message_type, const void *secret, size_t secret_length,
	const void *challenge, size_t challenge_length, uint8_t out[DIGEST_LENGTH]);

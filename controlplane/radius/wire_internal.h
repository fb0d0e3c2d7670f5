// SPDX-License-Identifier: Apache-2.0
#pragma once

// What reading, proving and writing of RADIUS packets have in common.

#include "wire.h"

enum {
	ATTRIBUTE_HEADER = 2, // bytes: type and length
	VENDOR_ID = 4,        // bytes of a Vendor-Specific before its attributes
	AUTHENTICATOR_AT = 4, // offset in the packet
	SALT = 2,             // bytes before the ciphertext of a salted attribute
	TYPE_USER_PASSWORD = 2,
	TYPE_VENDOR_SPECIFIC = 26,
	TYPE_EAP_MESSAGE = 79,
	TYPE_MESSAGE_AUTHENTICATOR = 80,
};

// One piece of what is hashed.
struct hash_part {
	const void *bytes;
	size_t length;
};
// MD5 over the parts one after the other. 0, or -EIO of the library.
int hash_md5(const struct hash_part *parts, unsigned count, uint8_t out[RADIUS_AUTHENTICATOR]);
// MD5 over the packet with that authenticator in place of its own, then the secret: the Response
// Authenticator, and that of requests other than Access-Request (RFC 2865 section 3, RFC 2866
// section 3).
int hash_packet(const uint8_t *bytes, size_t length,
	const uint8_t authenticator[RADIUS_AUTHENTICATOR], const struct radius_secret *secret,
	uint8_t out[RADIUS_AUTHENTICATOR]);
// HMAC-MD5 over the packet with that authenticator in place of its own and zeros in place of the 16
// bytes at that offset: Message-Authenticator (RFC 3579 section 3.2).
int hash_message(const uint8_t *bytes, size_t length,
	const uint8_t authenticator[RADIUS_AUTHENTICATOR], size_t proof,
	const struct radius_secret *secret, uint8_t out[RADIUS_AUTHENTICATOR]);

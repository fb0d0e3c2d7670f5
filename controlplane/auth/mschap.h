// SPDX-License-Identifier: Apache-2.0
#pragma once

// The arithmetic of MS-CHAPv2 (RFC 2759 section 8), pure. Names are raw bytes; passwords are UTF-8
// text. All return 0; -EILSEQ for a password that is no UTF-8, -E2BIG for one of more than 256
// characters (RFC 2759 section 4), -EIO when libcrypto fails.

#include <stddef.h>
#include <stdint.h>

enum {
	MSCHAP_CHALLENGE = 16, // bytes of the authenticator's and of the peer's challenge
	MSCHAP_HASH = 16,      // bytes of the NT password hash
	MSCHAP_NT_RESPONSE = 24,
	MSCHAP_RESPONSE = 49,      // bytes of the Response value: challenge, 8 zeros, NT, flags
	MSCHAP_NT_OFFSET = 24,     // where the NT response lies in it
	MSCHAP_AUTHENTICATOR = 42, // characters of "S=" and 40 hexadecimal digits
};

// Section 8.3: MD4 of the password in UTF-16LE.
int mschap_password_hash(const char *password, uint8_t hash[MSCHAP_HASH]);

// Sections 8.1, 8.2 and 8.5. A domain in front of the name ("DOMAIN\user") is no part of the hash.
int mschap_nt_response(const uint8_t authenticator[MSCHAP_CHALLENGE],
	const uint8_t peer[MSCHAP_CHALLENGE], const void *name, size_t name_length,
	const uint8_t hash[MSCHAP_HASH], uint8_t response[MSCHAP_NT_RESPONSE]);

// The keys that server and client have in common after it (RFC 3079 section 3.4, 128 bits), as the
// MSK of EAP: what the server receives with, what it sends with, zeros.
enum { MSCHAP_MSK = 64 };
int mschap_msk(const uint8_t hash[MSCHAP_HASH], const uint8_t nt_response[MSCHAP_NT_RESPONSE],
	uint8_t msk[MSCHAP_MSK]);

// The text of a Failure (section 6) that allows no retry; the field for a new challenge is there
// all the same. error 0 is 691, which says that the password is wrong. Returns its length, cut to
// fit.
size_t mschap_failure(unsigned error, const char *message, char *text, size_t size);

// Section 8.7: text gets "S=", 40 upper-case digits and a NUL.
int mschap_authenticator_response(const uint8_t hash[MSCHAP_HASH],
	const uint8_t nt_response[MSCHAP_NT_RESPONSE], const uint8_t peer[MSCHAP_CHALLENGE],
	const uint8_t authenticator[MSCHAP_CHALLENGE], const void *name, size_t name_length,
	char text[MSCHAP_AUTHENTICATOR + 1]);

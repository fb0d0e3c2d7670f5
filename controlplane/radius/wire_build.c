// SPDX-License-Identifier: Apache-2.0

// Writing RADIUS packets. The Message-Authenticator is the first attribute, so that nobody between
// us and the server can put bytes of his own before what is hashed (CVE-2024-3596).

#include "wire.h"
#include "wire_internal.h"

#include "contract/build.h"

#include <errno.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

enum {
	LENGTH_AT = 2,
	PASSWORD_MOST = 128, // bytes (RFC 2865 section 5.2)
	PREFIX6_HEADER = 2,  // reserved, length in bits
};

// Who is asked shows by its answer that it knows the authenticator, which must be a nonce then.
static bool has_nonce(uint8_t code)
{
	return code == RADIUS_ACCESS_REQUEST || code == RADIUS_STATUS_SERVER;
}

// Those of accounting have none: nothing is decided there, and old servers drop what they do not
// know (RFC 2866 section 5.13).
static bool has_message_authenticator(uint8_t code)
{
	return code != RADIUS_ACCOUNTING_REQUEST && code != RADIUS_ACCOUNTING_RESPONSE;
}

int radius_begin(struct radius_build *b, uint8_t code, const struct radius_secret *secret)
{
	static const uint8_t zero[RADIUS_AUTHENTICATOR];

	b->length = RADIUS_HEADER;
	b->proof = 0;
	b->full = false;
	b->secret = *secret;
	memset(b->bytes, 0, RADIUS_HEADER);
	b->bytes[0] = code;
	if (has_nonce(code) && RAND_bytes(b->bytes + AUTHENTICATOR_AT, RADIUS_AUTHENTICATOR) != 1)
		return -EIO;
	if (has_message_authenticator(code)) {
		b->proof = b->length + ATTRIBUTE_HEADER;
		radius_put(b, TYPE_MESSAGE_AUTHENTICATOR, zero, sizeof(zero));
	}
	return 0;
}

// Room for a value of that length, its header written; NULL when it does not fit.
static uint8_t *value_room(struct radius_build *b, uint8_t type, size_t length)
{
	uint8_t *p = b->bytes + b->length;

	if (b->full || ATTRIBUTE_HEADER + length > sizeof(b->bytes) - b->length) {
		b->full = true;
		return NULL;
	}
	p[0] = type;
	p[1] = ATTRIBUTE_HEADER + length;
	b->length += ATTRIBUTE_HEADER + length;
	return p + ATTRIBUTE_HEADER;
}

void radius_put(struct radius_build *b, uint8_t type, const void *value, size_t length)
{
	size_t n = length < RADIUS_VALUE ? length : RADIUS_VALUE;
	uint8_t *p = value_room(b, type, n);

	if (p && n)
		memcpy(p, value, n);
}

void radius_put_all(struct radius_build *b, const uint8_t *attributes, size_t length)
{
	for (size_t at = 0; at + 2 <= length && attributes[at + 1] >= 2; at += attributes[at + 1])
		radius_put(b, attributes[at], attributes + at + 2, attributes[at + 1] - 2u);
}

void radius_put_u32(struct radius_build *b, uint8_t type, uint32_t value)
{
	uint8_t bytes[4];
	struct build out = build_in(bytes, sizeof(bytes));

	build_u32(&out, value);
	radius_put(b, type, bytes, sizeof(bytes));
}

void radius_put_text(struct radius_build *b, uint8_t type, const char *text)
{
	if (*text)
		radius_put(b, type, text, strlen(text));
}

void radius_put_ip4(struct radius_build *b, uint8_t type, const struct ip_address *address)
{
	if (address->version == IP_V4)
		radius_put(b, type, address->bytes, 4);
}

void radius_put_ip6(struct radius_build *b, uint8_t type, const struct ip_address *address)
{
	if (address->version == IP_V6)
		radius_put(b, type, address->bytes, 16);
}

void radius_put_prefix6(struct radius_build *b, uint8_t type, const struct ip_prefix *prefix)
{
	size_t n = (prefix->length + 7u) / 8;
	uint8_t *p;

	if (prefix->address.version != IP_V6 || prefix->length > 128)
		return;
	p = value_room(b, type, PREFIX6_HEADER + n);
	if (!p)
		return;
	p[0] = 0;
	p[1] = prefix->length;
	memcpy(p + PREFIX6_HEADER, prefix->address.bytes, n);
}

void radius_put_vendor(
	struct radius_build *b, uint32_t vendor, uint8_t type, const void *value, size_t length)
{
	const size_t head = VENDOR_ID + ATTRIBUTE_HEADER;
	size_t n = length < RADIUS_VALUE - head ? length : RADIUS_VALUE - head;
	uint8_t *p = value_room(b, TYPE_VENDOR_SPECIFIC, head + n);

	if (!p)
		return;

	struct build out = build_in(p, head + n);

	build_u32(&out, vendor);
	build_u8(&out, type);
	build_u8(&out, ATTRIBUTE_HEADER + n);
	build_bytes(&out, value, n);
}

void radius_put_eap(struct radius_build *b, const uint8_t *packet, size_t length)
{
	for (size_t at = 0; at < length; at += RADIUS_VALUE)
		radius_put(b, TYPE_EAP_MESSAGE, packet + at, length - at);
}

// An empty password is one block of zeros, as RFC 2865 section 5.2 has no value of no length. A
// longer one than may be sent is none: cut, it would be another one, that perhaps is right.
void radius_put_password(struct radius_build *b, const uint8_t *password, size_t length)
{
	uint8_t pad[RADIUS_AUTHENTICATOR];
	size_t n = length ? (length + 15) / 16 * 16 : 16;
	const uint8_t *before = b->bytes + AUTHENTICATOR_AT;
	uint8_t *p = length <= PASSWORD_MOST ? value_room(b, TYPE_USER_PASSWORD, n) : NULL;

	if (!p) {
		b->full = true;
		return;
	}
	memset(p, 0, n);
	if (length)
		memcpy(p, password, length);
	for (size_t i = 0; i < n; before = p + i, i += sizeof(pad)) {
		const struct hash_part parts[] = {
			{b->secret.secret, b->secret.length}, {before, sizeof(pad)}};

		if (hash_md5(parts, sizeof(parts) / sizeof(parts[0]), pad)) {
			OPENSSL_cleanse(p, n);
			b->full = true;
			return;
		}
		for (size_t j = 0; j < sizeof(pad); j++)
			p[i + j] ^= pad[j];
	}
	OPENSSL_cleanse(pad, sizeof(pad));
}

// The authenticator that both proofs are made over: the request's in an answer, our own in a
// request that has a nonce, and zeros in the others.
int radius_finish(struct radius_build *b, uint8_t id, const uint8_t *request)
{
	static const uint8_t zero[RADIUS_AUTHENTICATOR];
	const uint8_t *over = has_nonce(b->bytes[0]) ? b->bytes + AUTHENTICATOR_AT
			      : request              ? request
						     : zero;
	struct build head = {.start = b->bytes, .length = b->length, .size = sizeof(b->bytes)};

	if (b->full)
		return -E2BIG;
	b->bytes[1] = id;
	build_patch_u16(&head, LENGTH_AT, b->length);
	if (b->proof &&
		hash_message(b->bytes, b->length, over, b->proof, &b->secret, b->bytes + b->proof))
		return -EIO;
	if (over != b->bytes + AUTHENTICATOR_AT &&
		hash_packet(b->bytes, b->length, over, &b->secret, b->bytes + AUTHENTICATOR_AT))
		return -EIO;
	return (int)b->length;
}

const uint8_t *radius_authenticator(const struct radius_build *b)
{
	return b->bytes + AUTHENTICATOR_AT;
}

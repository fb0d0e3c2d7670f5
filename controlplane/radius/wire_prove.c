// SPDX-License-Identifier: Apache-2.0

// What shows that a RADIUS packet comes from who has the secret: Response Authenticator (RFC 2865
// section 3), Request Authenticator of accounting and CoA (RFC 2866 section 3, RFC 5176 section
// 2.3) and Message-Authenticator (RFC 3579 section 3.2). The first two are MD5 over the packet with
// the secret behind it, which a man in the middle can make collide (CVE-2024-3596); the third is an
// HMAC, and the one to rely on. And the hiding of values by salt (RFC 2548, RFC 2868).

#include "wire.h"
#include "wire_internal.h"

#include <errno.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

int hash_md5(const struct hash_part *parts, unsigned count, uint8_t out[RADIUS_AUTHENTICATOR])
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool good = md && EVP_DigestInit_ex(md, EVP_md5(), NULL);

	for (unsigned i = 0; good && i < count; i++)
		good = EVP_DigestUpdate(md, parts[i].bytes, parts[i].length);
	good = good && EVP_DigestFinal_ex(md, out, NULL);
	EVP_MD_CTX_free(md);
	return good ? 0 : -EIO;
}

int hash_packet(const uint8_t *bytes, size_t length,
	const uint8_t authenticator[RADIUS_AUTHENTICATOR], const struct radius_secret *secret,
	uint8_t out[RADIUS_AUTHENTICATOR])
{
	const struct hash_part parts[] = {
		{bytes, AUTHENTICATOR_AT},
		{authenticator, RADIUS_AUTHENTICATOR},
		{bytes + RADIUS_HEADER, length - RADIUS_HEADER},
		{secret->secret, secret->length},
	};

	return hash_md5(parts, sizeof(parts) / sizeof(parts[0]), out);
}

int hash_message(const uint8_t *bytes, size_t length,
	const uint8_t authenticator[RADIUS_AUTHENTICATOR], size_t proof,
	const struct radius_secret *secret, uint8_t out[RADIUS_AUTHENTICATOR])
{
	uint8_t copy[RADIUS_PACKET];

	memcpy(copy, bytes, length);
	memcpy(copy + AUTHENTICATOR_AT, authenticator, RADIUS_AUTHENTICATOR);
	memset(copy + proof, 0, RADIUS_AUTHENTICATOR);
	return HMAC(EVP_md5(), secret->secret, secret->length, copy, length, out, NULL) ? 0 : -EIO;
}

// Where the value of the packet's one Message-Authenticator is; 0 when there is none, and
// RADIUS_PACKET when there are several, or one of another length.
static size_t message_authenticator_at(const struct radius_packet *packet, bool *eap)
{
	struct radius_cursor cursor = {0};
	struct radius_attribute a;
	size_t at = 0;

	*eap = false;
	while (radius_next(packet, &cursor, &a)) {
		if (a.vendor)
			continue;
		*eap |= a.type == TYPE_EAP_MESSAGE;
		if (a.type != TYPE_MESSAGE_AUTHENTICATOR)
			continue;
		at = at || a.length != RADIUS_AUTHENTICATOR ? RADIUS_PACKET
							    : (size_t)(a.value - packet->bytes);
	}
	return at;
}

static enum radius_proof prove(const struct radius_packet *packet,
	const uint8_t authenticator[RADIUS_AUTHENTICATOR], const struct radius_secret *secret,
	bool must)
{
	uint8_t want[RADIUS_AUTHENTICATOR];
	bool eap;
	size_t at = message_authenticator_at(packet, &eap);

	if (hash_packet(packet->bytes, packet->length, authenticator, secret, want) ||
		CRYPTO_memcmp(want, packet->authenticator, sizeof(want)) != 0)
		return RADIUS_WRONG_AUTHENTICATOR;
	if (!at)
		return must || eap ? RADIUS_NO_MESSAGE_AUTHENTICATOR : RADIUS_PROVEN;
	if (at == RADIUS_PACKET ||
		hash_message(packet->bytes, packet->length, authenticator, at, secret, want) ||
		CRYPTO_memcmp(want, packet->bytes + at, sizeof(want)) != 0)
		return RADIUS_WRONG_MESSAGE_AUTHENTICATOR;
	return RADIUS_PROVEN;
}

enum radius_proof radius_prove_reply(const struct radius_packet *reply,
	const uint8_t request[RADIUS_AUTHENTICATOR], const struct radius_secret *secret, bool must)
{
	return prove(reply, request, secret, must);
}

enum radius_proof radius_prove_request(
	const struct radius_packet *request, const struct radius_secret *secret, bool must)
{
	static const uint8_t zero[RADIUS_AUTHENTICATOR];

	return prove(request, zero, secret, must);
}

// The clear text begins with its length; what is behind that is padding. Each block of 16 is XORed
// with MD5 over the secret and what was sent before it, at first the authenticator and the salt.
int radius_reveal(const uint8_t *value, size_t length, const uint8_t request[RADIUS_AUTHENTICATOR],
	const struct radius_secret *secret, uint8_t *out, size_t size)
{
	uint8_t clear[RADIUS_VALUE], pad[RADIUS_AUTHENTICATOR];
	size_t hidden = length - SALT;
	int r = -EBADMSG;

	if (length < SALT + RADIUS_AUTHENTICATOR || length > RADIUS_VALUE ||
		hidden % RADIUS_AUTHENTICATOR)
		return -EBADMSG;
	for (size_t i = 0; i < hidden; i += sizeof(pad)) {
		const uint8_t *block = value + SALT + i;
		const struct hash_part parts[] = {
			{secret->secret, secret->length},
			{i ? block - sizeof(pad) : request, sizeof(pad)},
			{value, i ? 0 : SALT},
		};

		if (hash_md5(parts, sizeof(parts) / sizeof(parts[0]), pad))
			goto out;
		for (size_t j = 0; j < sizeof(pad); j++)
			clear[i + j] = block[j] ^ pad[j];
	}
	if (clear[0] >= hidden || clear[0] > size)
		goto out;
	memcpy(out, clear + 1, clear[0]);
	r = clear[0];
out:
	OPENSSL_cleanse(clear, sizeof(clear));
	OPENSSL_cleanse(pad, sizeof(pad));
	return r;
}

// SPDX-License-Identifier: Apache-2.0

// RFC 2759 section 8, with MD4 of our own and SHA-1 and DES of libcrypto. Single DES is a legacy
// algorithm there; triple DES with three equal keys is the same function and is always at hand.

#include "mschap.h"
#include "credentials.h"
#include "md4.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

enum {
	CHARACTERS = 256,     // the longest password (RFC 2759 section 4)
	CHALLENGE_HASH = 8,   // bytes of SHA-1 that ChallengeHash keeps
	DES_KEY = 8,          // bytes of a DES key with its parity bits
	DES_KEY_MATERIAL = 7, // bytes of the hash that make a key
	KEY_128 = 16,         // bytes of a key of RFC 3079
	PAD = 40,             // bytes of SHSpad1 and SHSpad2 (RFC 3079 section 3.4)
};

// One character off the text as its code point; -EILSEQ when it is not well formed (RFC 3629).
static int32_t utf8_next(const uint8_t **text)
{
	static const int32_t least[] = {0, 0x80, 0x800, 0x10000};
	const uint8_t *p = *text;
	int more = p[0] < 0x80                   ? 0
		   : p[0] >= 0xc2 && p[0] < 0xe0 ? 1
		   : p[0] >= 0xe0 && p[0] < 0xf0 ? 2
		   : p[0] >= 0xf0 && p[0] < 0xf5 ? 3
						 : -1;
	int32_t c;

	if (more < 0)
		return -EILSEQ;
	c = more ? p[0] & (0x3f >> more) : p[0];
	for (int i = 1; i <= more; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return -EILSEQ;
		c = c << 6 | (p[i] & 0x3f);
	}
	*text = p + 1 + more;
	return c < least[more] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? -EILSEQ : c;
}

static uint8_t *utf16_put(uint8_t *out, uint32_t unit)
{
	out[0] = unit & 0xff;
	out[1] = unit >> 8 & 0xff;
	return out + 2;
}

// Returns the bytes of UTF-16LE, or -errno. out has room for CHARACTERS surrogate pairs.
static int utf16_from_utf8(const char *text, uint8_t *out)
{
	const uint8_t *p = (const uint8_t *)text;
	uint8_t *at = out;

	for (int count = 0; *p; count++) {
		int32_t c = utf8_next(&p);

		if (c < 0)
			return -EILSEQ;
		if (count == CHARACTERS)
			return -E2BIG;
		if (c >= 0x10000) {
			at = utf16_put(at, 0xd800 + ((uint32_t)(c - 0x10000) >> 10));
			c = 0xdc00 + ((c - 0x10000) & 0x3ff);
		}
		at = utf16_put(at, (uint32_t)c);
	}
	return (int)(at - out);
}

int mschap_password_hash(const char *password, uint8_t hash[MSCHAP_HASH])
{
	uint8_t wide[CHARACTERS * 4];
	int length = utf16_from_utf8(password, wide);

	if (length >= 0)
		md4(wide, (size_t)length, hash);
	OPENSSL_cleanse(wide, sizeof(wide));
	return length < 0 ? length : 0;
}

// Seven bytes become eight, seven bits in each above a parity bit that nobody looks at.
static void des_key_spread(const uint8_t material[DES_KEY_MATERIAL], uint8_t key[DES_KEY])
{
	uint64_t bits = 0;

	for (int i = 0; i < DES_KEY_MATERIAL; i++)
		bits = bits << 8 | material[i];
	for (int i = 0; i < DES_KEY; i++)
		key[i] = (uint8_t)((bits >> (49 - 7 * i) & 0x7f) << 1);
}

static int des_encrypt(
	const uint8_t material[DES_KEY_MATERIAL], const uint8_t in[8], uint8_t out[8])
{
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	uint8_t key[3 * DES_KEY];
	int length = 0;
	int error = -EIO;

	des_key_spread(material, key);
	memcpy(key + DES_KEY, key, DES_KEY);
	memcpy(key + 2 * DES_KEY, key, DES_KEY);
	if (context && EVP_EncryptInit_ex(context, EVP_des_ede3_ecb(), NULL, key, NULL) == 1 &&
		EVP_CIPHER_CTX_set_padding(context, 0) == 1 &&
		EVP_EncryptUpdate(context, out, &length, in, 8) == 1 && length == 8)
		error = 0;
	EVP_CIPHER_CTX_free(context);
	OPENSSL_cleanse(key, sizeof(key));
	return error;
}

// Section 8.2: the first bytes of SHA-1 over both challenges and the name without its domain.
static int challenge_hash(const uint8_t peer[MSCHAP_CHALLENGE],
	const uint8_t authenticator[MSCHAP_CHALLENGE], const void *name, size_t name_length,
	uint8_t hash[CHALLENGE_HASH])
{
	const uint8_t *start = name_length ? memrchr(name, '\\', name_length) : NULL;
	size_t domain = start ? (size_t)(start + 1 - (const uint8_t *)name) : 0;
	uint8_t digest[SHA_DIGEST_LENGTH];
	EVP_MD_CTX *sha = EVP_MD_CTX_new();
	int error = -EIO;

	if (sha && EVP_DigestInit_ex(sha, EVP_sha1(), NULL) == 1 &&
		EVP_DigestUpdate(sha, peer, MSCHAP_CHALLENGE) == 1 &&
		EVP_DigestUpdate(sha, authenticator, MSCHAP_CHALLENGE) == 1 &&
		EVP_DigestUpdate(sha, (const uint8_t *)name + domain, name_length - domain) == 1 &&
		EVP_DigestFinal_ex(sha, digest, NULL) == 1) {
		memcpy(hash, digest, CHALLENGE_HASH);
		error = 0;
	}
	EVP_MD_CTX_free(sha);
	return error;
}

int mschap_nt_response(const uint8_t authenticator[MSCHAP_CHALLENGE],
	const uint8_t peer[MSCHAP_CHALLENGE], const void *name, size_t name_length,
	const uint8_t hash[MSCHAP_HASH], uint8_t response[MSCHAP_NT_RESPONSE])
{
	uint8_t padded[3 * DES_KEY_MATERIAL] = {0};
	uint8_t challenge[CHALLENGE_HASH];
	int error = challenge_hash(peer, authenticator, name, name_length, challenge);

	memcpy(padded, hash, MSCHAP_HASH);
	for (int i = 0; i < 3 && !error; i++)
		error = des_encrypt(padded + i * DES_KEY_MATERIAL, challenge, response + i * 8);
	OPENSSL_cleanse(padded, sizeof(padded));
	return error;
}

// The two rounds of SHA-1 of section 8.7; digest gets the authenticator response's 20 bytes.
static int authenticator_digest(const uint8_t hash[MSCHAP_HASH],
	const uint8_t nt_response[MSCHAP_NT_RESPONSE], const uint8_t challenge[CHALLENGE_HASH],
	uint8_t digest[SHA_DIGEST_LENGTH])
{
	static const char magic1[] = "Magic server to client signing constant";
	static const char magic2[] = "Pad to make it do more than one iteration";
	uint8_t hash_hash[MD4_DIGEST];
	EVP_MD_CTX *sha = EVP_MD_CTX_new();
	int error = -EIO;

	md4(hash, MSCHAP_HASH, hash_hash);
	if (sha && EVP_DigestInit_ex(sha, EVP_sha1(), NULL) == 1 &&
		EVP_DigestUpdate(sha, hash_hash, sizeof(hash_hash)) == 1 &&
		EVP_DigestUpdate(sha, nt_response, MSCHAP_NT_RESPONSE) == 1 &&
		EVP_DigestUpdate(sha, magic1, sizeof(magic1) - 1) == 1 &&
		EVP_DigestFinal_ex(sha, digest, NULL) == 1 &&
		EVP_DigestInit_ex(sha, EVP_sha1(), NULL) == 1 &&
		EVP_DigestUpdate(sha, digest, SHA_DIGEST_LENGTH) == 1 &&
		EVP_DigestUpdate(sha, challenge, CHALLENGE_HASH) == 1 &&
		EVP_DigestUpdate(sha, magic2, sizeof(magic2) - 1) == 1 &&
		EVP_DigestFinal_ex(sha, digest, NULL) == 1)
		error = 0;
	EVP_MD_CTX_free(sha);
	OPENSSL_cleanse(hash_hash, sizeof(hash_hash));
	return error;
}

int mschap_authenticator_response(const uint8_t hash[MSCHAP_HASH],
	const uint8_t nt_response[MSCHAP_NT_RESPONSE], const uint8_t peer[MSCHAP_CHALLENGE],
	const uint8_t authenticator[MSCHAP_CHALLENGE], const void *name, size_t name_length,
	char text[MSCHAP_AUTHENTICATOR + 1])
{
	uint8_t challenge[CHALLENGE_HASH];
	uint8_t digest[SHA_DIGEST_LENGTH];
	int error = challenge_hash(peer, authenticator, name, name_length, challenge);

	if (!error)
		error = authenticator_digest(hash, nt_response, challenge, digest);
	if (error)
		return error;
	text[0] = 'S';
	text[1] = '=';
	for (int i = 0; i < SHA_DIGEST_LENGTH; i++)
		snprintf(text + 2 + 2 * i, 3, "%02X", digest[i]);
	return 0;
}

// SHA-1 over the parts in order; 20 bytes.
static int sha1_parts(const void *const *parts, const size_t *sizes, int count, uint8_t *digest)
{
	EVP_MD_CTX *sha = EVP_MD_CTX_new();
	int good = sha && EVP_DigestInit_ex(sha, EVP_sha1(), NULL) == 1;

	for (int i = 0; good && i < count; i++)
		good = EVP_DigestUpdate(sha, parts[i], sizes[i]) == 1;
	good = good && EVP_DigestFinal_ex(sha, digest, NULL) == 1;
	EVP_MD_CTX_free(sha);
	return good ? 0 : -EIO;
}

// GetAsymmetricStartKey with a key of 128 bits.
static int start_key(const uint8_t *master, const char *magic, uint8_t *key)
{
	uint8_t pad1[PAD] = {0}, pad2[PAD], digest[SHA_DIGEST_LENGTH];
	const void *const parts[] = {master, pad1, magic, pad2};
	const size_t sizes[] = {KEY_128, PAD, strlen(magic), PAD};
	int error;

	memset(pad2, 0xf2, sizeof(pad2));
	error = sha1_parts(parts, sizes, 4, digest);
	if (!error)
		memcpy(key, digest, KEY_128);
	OPENSSL_cleanse(digest, sizeof(digest));
	return error;
}

int mschap_msk(const uint8_t hash[MSCHAP_HASH], const uint8_t nt_response[MSCHAP_NT_RESPONSE],
	uint8_t msk[MSCHAP_MSK])
{
	static const char magic1[] = "This is the MPPE Master Key";
	static const char server_receives[] = "On the client side, this is the send key; "
					      "on the server side, it is the receive key.";
	static const char server_sends[] = "On the client side, this is the receive key; "
					   "on the server side, it is the send key.";
	uint8_t hash_hash[MD4_DIGEST], master[SHA_DIGEST_LENGTH];
	const void *const parts[] = {hash_hash, nt_response, magic1};
	const size_t sizes[] = {MD4_DIGEST, MSCHAP_NT_RESPONSE, sizeof(magic1) - 1};
	int error;

	md4(hash, MSCHAP_HASH, hash_hash);
	memset(msk, 0, MSCHAP_MSK);
	error = sha1_parts(parts, sizes, 3, master);
	if (!error)
		error = start_key(master, server_receives, msk);
	if (!error)
		error = start_key(master, server_sends, msk + KEY_128);
	OPENSSL_cleanse(hash_hash, sizeof(hash_hash));
	OPENSSL_cleanse(master, sizeof(master));
	return error;
}

size_t mschap_failure(unsigned error, const char *message, char *text, size_t size)
{
	uint8_t challenge[MSCHAP_CHALLENGE] = {0};
	char hex[2 * MSCHAP_CHALLENGE + 1];
	int length;

	(void)RAND_bytes(challenge, sizeof(challenge));
	for (size_t i = 0; i < sizeof(challenge); i++)
		snprintf(hex + 2 * i, 3, "%02X", challenge[i]);
	length = snprintf(text, size, "E=%u R=0 C=%s V=3 M=%.*s", error ? error : 691u, hex,
		(int)sizeof(((struct ppp_verdict *)0)->message) - 1, message);
	return (size_t)length < size ? (size_t)length : size - 1;
}

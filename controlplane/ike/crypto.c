// SPDX-License-Identifier: Apache-2.0

// See crypto.h.

#include "crypto.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <pthread.h>

enum {
	BLOCK_MAX = 128, // bytes: that SHA2-512 takes at a time
	HMAC_INNER = 0x36,
	HMAC_OUTER = 0x5c,
};

// What libcrypto looks up by name for each use is looked up once: the search for it costs more than
// the use. Read-only from then on, by any thread.
enum {
	HASHES = IKE_SHA512 + 1,
	ENCRYPTIONS = IKE_CHACHA20_POLY1305 + 1,
};

static struct {
	EVP_MD *md[HASHES];
	EVP_CIPHER *cipher[ENCRYPTIONS];
} known;
static pthread_once_t known_once = PTHREAD_ONCE_INIT;

static void know(void)
{
	static const char *const mds[HASHES] = {[IKE_MD5] = "MD5",
		[IKE_SHA1] = "SHA1",
		[IKE_SHA256] = "SHA2-256",
		[IKE_SHA384] = "SHA2-384",
		[IKE_SHA512] = "SHA2-512"};
	static const char *const ciphers[ENCRYPTIONS] = {[IKE_AES_CBC_128] = "AES-128-CBC",
		[IKE_AES_CBC_192] = "AES-192-CBC",
		[IKE_AES_CBC_256] = "AES-256-CBC",
		[IKE_3DES] = "DES-EDE3-CBC",
		[IKE_AES_GCM_128] = "AES-128-GCM",
		[IKE_AES_GCM_256] = "AES-256-GCM",
		[IKE_CHACHA20_POLY1305] = "ChaCha20-Poly1305"};

	for (unsigned i = 0; i < HASHES; i++)
		if (mds[i])
			known.md[i] = EVP_MD_fetch(NULL, mds[i], NULL);
	for (unsigned i = 0; i < ENCRYPTIONS; i++)
		if (ciphers[i])
			known.cipher[i] = EVP_CIPHER_fetch(NULL, ciphers[i], NULL);
}

static const EVP_MD *hash_md(unsigned hash)
{
	(void)pthread_once(&known_once, know);
	return hash < HASHES ? known.md[hash] : NULL;
}

static const EVP_CIPHER *encryption_cipher(unsigned encryption)
{
	(void)pthread_once(&known_once, know);
	return encryption < ENCRYPTIONS ? known.cipher[encryption] : NULL;
}

bool ike_encryption_is_aead(unsigned encryption)
{
	return encryption == IKE_AES_GCM_128 || encryption == IKE_AES_GCM_256 ||
	       encryption == IKE_CHACHA20_POLY1305;
}

size_t ike_hash_size(unsigned hash)
{
	const EVP_MD *md = hash_md(hash);

	return md ? (size_t)EVP_MD_get_size(md) : 0;
}

size_t ike_encryption_key_size(unsigned encryption)
{
	const EVP_CIPHER *c = encryption_cipher(encryption);

	return c ? (size_t)EVP_CIPHER_get_key_length(c) : 0;
}

size_t ike_encryption_block(unsigned encryption)
{
	const EVP_CIPHER *c = encryption_cipher(encryption);

	return c ? (size_t)EVP_CIPHER_get_block_size(c) : 0;
}

// What c was begun for, over the parts.
static bool digest(EVP_MD_CTX *c, const struct span *parts, size_t count, uint8_t *out)
{
	bool good = true;

	for (size_t i = 0; good && i < count; i++)
		good = EVP_DigestUpdate(c, parts[i].at, parts[i].length);
	return good && EVP_DigestFinal_ex(c, out, NULL);
}

int ike_digest(unsigned hash, const struct span *parts, size_t count, uint8_t *out)
{
	const EVP_MD *md = hash_md(hash);
	EVP_MD_CTX *c = md ? EVP_MD_CTX_new() : NULL;
	bool good = c && EVP_DigestInit_ex(c, md, NULL) && digest(c, parts, count, out);

	EVP_MD_CTX_free(c);
	return good ? 0 : -EINVAL;
}

// HMAC (RFC 2104): the hash of the key, padded in one way, and the parts; then of the key, padded
// in another, and that. pad has a block with the key. libcrypto's own copies three contexts for
// each, which takes longer than the hashes of messages as short as ours.
static bool hmac(
	const EVP_MD *md, uint8_t *pad, const struct span *parts, size_t count, uint8_t *out)
{
	size_t block = (size_t)EVP_MD_get_block_size(md);
	const struct span inner = SPAN(out, (size_t)EVP_MD_get_size(md));
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	bool good;

	for (size_t i = 0; i < block; i++)
		pad[i] ^= HMAC_INNER;
	good = c && EVP_DigestInit_ex(c, md, NULL) && EVP_DigestUpdate(c, pad, block) &&
	       digest(c, parts, count, out);
	for (size_t i = 0; i < block; i++)
		pad[i] ^= HMAC_INNER ^ HMAC_OUTER;
	good = good && EVP_DigestInit_ex(c, NULL, NULL) && EVP_DigestUpdate(c, pad, block) &&
	       digest(c, &inner, 1, out);
	EVP_MD_CTX_free(c); // which wipes it
	return good;
}

int ike_prf(unsigned hash, struct span key, const struct span *parts, size_t count, uint8_t *out)
{
	const EVP_MD *md = hash_md(hash);
	uint8_t pad[BLOCK_MAX] = {0};
	bool good = md;

	if (good && key.length > (size_t)EVP_MD_get_block_size(md))
		good = ike_digest(hash, &key, 1, pad) == 0;
	else if (good && key.length)
		memcpy(pad, key.at, key.length);
	good = good && hmac(md, pad, parts, count, out);
	OPENSSL_cleanse(pad, sizeof(pad));
	return good ? 0 : -EINVAL;
}

static int crypt_cbc(unsigned encryption, const uint8_t *key, const uint8_t *iv, uint8_t *data,
	size_t length, int encrypt)
{
	const EVP_CIPHER *cipher = encryption_cipher(encryption);
	EVP_CIPHER_CTX *c;
	int n = 0, tail = 0;
	bool good;

	if (!cipher || ike_encryption_is_aead(encryption) || length == 0 || length > INT32_MAX ||
		length % (size_t)EVP_CIPHER_get_block_size(cipher))
		return -EINVAL;
	c = EVP_CIPHER_CTX_new();
	good = c && EVP_CipherInit_ex2(c, cipher, key, iv, encrypt, NULL) &&
	       EVP_CIPHER_CTX_set_padding(c, 0) &&
	       EVP_CipherUpdate(c, data, &n, data, (int)length) &&
	       EVP_CipherFinal_ex(c, data + n, &tail);
	EVP_CIPHER_CTX_free(c);
	return good ? 0 : -EINVAL;
}

int ike_encrypt(unsigned encryption, const uint8_t *key, uint8_t *iv, uint8_t *data, size_t length)
{
	size_t block = ike_encryption_block(encryption);
	int error = crypt_cbc(encryption, key, iv, data, length, 1);

	if (!error)
		memcpy(iv, data + length - block, block);
	return error;
}

int ike_decrypt(unsigned encryption, const uint8_t *key, uint8_t *iv, uint8_t *data, size_t length)
{
	size_t block = ike_encryption_block(encryption);
	uint8_t last[IKE_BLOCK_MAX];
	int error;

	if (block == 0 || length < block)
		return -EINVAL;
	memcpy(last, data + length - block, block);
	error = crypt_cbc(encryption, key, iv, data, length, 0);
	if (!error)
		memcpy(iv, last, block);
	return error;
}

// The nonce is salt and explicit IV, 12 bytes for all three (RFC 5282 section 4, RFC 7634).
static EVP_CIPHER_CTX *aead_begin(
	unsigned encryption, const uint8_t *key, const uint8_t *iv, struct span aad, int encrypt)
{
	const EVP_CIPHER *cipher = encryption_cipher(encryption);
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	uint8_t nonce[IKE_AEAD_SALT + IKE_AEAD_IV];
	int n;
	bool good;

	memcpy(nonce, key + EVP_CIPHER_get_key_length(cipher), IKE_AEAD_SALT);
	memcpy(nonce + IKE_AEAD_SALT, iv, IKE_AEAD_IV);
	good = c && EVP_CipherInit_ex2(c, cipher, key, nonce, encrypt, NULL) &&
	       (aad.length == 0 || EVP_CipherUpdate(c, NULL, &n, aad.at, (int)aad.length));
	OPENSSL_cleanse(nonce, sizeof(nonce));
	if (good)
		return c;
	EVP_CIPHER_CTX_free(c);
	return NULL;
}

int ike_aead_seal(unsigned encryption, const uint8_t *key, const uint8_t *iv, struct span aad,
	uint8_t *data, size_t length, uint8_t *icv)
{
	EVP_CIPHER_CTX *c;
	int n, tail;
	bool good;

	if (!ike_encryption_is_aead(encryption) || length > INT32_MAX || aad.length > INT32_MAX)
		return -EINVAL;
	c = aead_begin(encryption, key, iv, aad, 1);
	good = c && (length == 0 || EVP_CipherUpdate(c, data, &n, data, (int)length)) &&
	       EVP_CipherFinal_ex(c, data + length, &tail) &&
	       EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, IKE_AEAD_ICV, icv) > 0;
	EVP_CIPHER_CTX_free(c);
	return good ? 0 : -EINVAL;
}

int ike_aead_open(unsigned encryption, const uint8_t *key, const uint8_t *iv, struct span aad,
	uint8_t *data, size_t length, const uint8_t *icv)
{
	EVP_CIPHER_CTX *c;
	int n, tail;
	bool good;

	if (!ike_encryption_is_aead(encryption) || length > INT32_MAX || aad.length > INT32_MAX)
		return -EINVAL;
	c = aead_begin(encryption, key, iv, aad, 0);
	good = c && (length == 0 || EVP_CipherUpdate(c, data, &n, data, (int)length)) &&
	       EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, IKE_AEAD_ICV, (void *)icv) > 0 &&
	       EVP_CipherFinal_ex(c, data + length, &tail) > 0;
	EVP_CIPHER_CTX_free(c);
	return good ? 0 : -EBADMSG;
}

// SKEYID_d, _a and _e: each takes the one before and a number.
static int skeyid_next(const struct ike_keys_input *in, const uint8_t *skeyid, struct span before,
	uint8_t number, uint8_t *out)
{
	const struct span parts[] = {before, in->secret, SPAN(in->cookie_i, ISAKMP_COOKIE),
		SPAN(in->cookie_r, ISAKMP_COOKIE), SPAN(&number, 1)};

	return ike_prf(in->hash, SPAN(skeyid, ike_hash_size(in->hash)), parts, 5, out);
}

// The cipher's key from SKEYID_e (appendix B).
static int cipher_key(const struct ike_keys_input *in, const uint8_t *skeyid_e, uint8_t *key)
{
	size_t hash = ike_hash_size(in->hash), need = ike_encryption_key_size(in->encryption);
	uint8_t k[IKE_HASH_MAX], zero = 0;
	struct span last = SPAN(&zero, 1);
	size_t have = 0;
	int error = 0;

	if (hash >= need) {
		memcpy(key, skeyid_e, need);
		return 0;
	}
	while (!error && have < need) {
		size_t n = need - have < hash ? need - have : hash;

		error = ike_prf(in->hash, SPAN(skeyid_e, hash), &last, 1, k);
		memcpy(key + have, k, n);
		have += n;
		last = SPAN(k, hash);
	}
	OPENSSL_cleanse(k, sizeof(k));
	return error;
}

// SKEYID (section 5): from the pre-shared key, or for signatures from the nonces.
static int skeyid(const struct ike_keys_input *in, uint8_t *out)
{
	struct span nonces[] = {in->nonce_i, in->nonce_r};
	uint8_t key[2 * IKE_NONCE_MAX];

	if (!in->by_signature)
		return ike_prf(in->hash, in->psk, nonces, 2, out);
	if (in->nonce_i.length > IKE_NONCE_MAX || in->nonce_r.length > IKE_NONCE_MAX)
		return -EINVAL;
	memcpy(key, in->nonce_i.at, in->nonce_i.length);
	memcpy(key + in->nonce_i.length, in->nonce_r.at, in->nonce_r.length);
	return ike_prf(
		in->hash, SPAN(key, in->nonce_i.length + in->nonce_r.length), &in->secret, 1, out);
}

int ike_keys_derive(const struct ike_keys_input *in, struct ike_keys *out)
{
	size_t hash = ike_hash_size(in->hash);
	struct span publics[] = {in->public_i, in->public_r};
	uint8_t e[IKE_HASH_MAX], iv[IKE_HASH_MAX];
	int error;

	if (hash == 0 || ike_encryption_key_size(in->encryption) == 0)
		return -EINVAL;
	error = skeyid(in, out->skeyid);
	if (!error)
		error = skeyid_next(in, out->skeyid, SPAN(NULL, 0), 0, out->d);
	if (!error)
		error = skeyid_next(in, out->skeyid, SPAN(out->d, hash), 1, out->a);
	if (!error)
		error = skeyid_next(in, out->skeyid, SPAN(out->a, hash), 2, e);
	if (!error)
		error = cipher_key(in, e, out->e);
	if (!error)
		error = ike_digest(in->hash, publics, 2, iv);
	if (!error)
		memcpy(out->iv, iv, ike_encryption_block(in->encryption));
	OPENSSL_cleanse(e, sizeof(e));
	if (error)
		ike_keys_wipe(out);
	return error;
}

void ike_keys_wipe(struct ike_keys *keys)
{
	OPENSSL_cleanse(keys, sizeof(*keys));
}

int ike_keymat(const struct ike_keymat_input *in, uint8_t *out, size_t length)
{
	size_t hash = ike_hash_size(in->hash), have = 0;
	uint8_t spi[4] = {in->spi >> 24, in->spi >> 16, in->spi >> 8, in->spi};
	uint8_t k[IKE_HASH_MAX];
	struct span parts[] = {SPAN(NULL, 0), in->secret, SPAN(&in->protocol, 1), SPAN(spi, 4),
		in->nonce_i, in->nonce_r};
	int error = hash ? 0 : -EINVAL;

	while (!error && have < length) {
		size_t n = length - have < hash ? length - have : hash;

		error = ike_prf(in->hash, SPAN(in->skeyid_d, hash), parts, 6, k);
		memcpy(out + have, k, n);
		have += n;
		parts[0] = SPAN(k, hash);
	}
	OPENSSL_cleanse(k, sizeof(k));
	return error;
}

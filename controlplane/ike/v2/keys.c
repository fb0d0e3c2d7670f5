// SPDX-License-Identifier: Apache-2.0

// See keys.h.

#include "keys.h"

#include "controlplane/ike/v2/wire.h"

#include <errno.h>
#include <openssl/crypto.h>

enum { PRF_PLUS_MOST = 255 }; // rounds: the counter is one byte

int v2_prf_plus(unsigned hash, struct span key, const struct span *parts, size_t count,
	uint8_t *out, size_t length)
{
	size_t size = ike_hash_size(hash), have = 0;
	struct span round[8] = {SPAN(NULL, 0)};
	uint8_t t[IKE_HASH_MAX], counter = 1;
	int error = 0;

	if (size == 0 || length > PRF_PLUS_MOST * size || count + 2 > 8)
		return -EINVAL;
	for (size_t i = 0; i < count; i++)
		round[1 + i] = parts[i];
	round[1 + count] = SPAN(&counter, 1);
	while (!error && have < length) {
		size_t n = length - have < size ? length - have : size;

		error = ike_prf(hash, key, round, count + 2, t);
		memcpy(out + have, t, n);
		have += n;
		round[0] = SPAN(t, size);
		counter++;
	}
	OPENSSL_cleanse(t, sizeof(t));
	return error;
}

// SKEYSEED: of a rekey the old SK_d is the key, and Diffie-Hellman's secret is part of the data.
static int skeyseed(const struct v2_keys_input *in, uint8_t *out)
{
	uint8_t nonces[2 * V2_NONCE_MAX];
	const struct span parts[] = {in->secret, in->nonce_i, in->nonce_r};

	if (in->nonce_i.length > V2_NONCE_MAX || in->nonce_r.length > V2_NONCE_MAX)
		return -EINVAL;
	if (in->old_d)
		return ike_prf(
			in->old_hash, SPAN(in->old_d, ike_hash_size(in->old_hash)), parts, 3, out);
	memcpy(nonces, in->nonce_i.at, in->nonce_i.length);
	memcpy(nonces + in->nonce_i.length, in->nonce_r.at, in->nonce_r.length);
	return ike_prf(in->suite.hash, SPAN(nonces, in->nonce_i.length + in->nonce_r.length), parts,
		1, out);
}

static void take(struct view *stream, uint8_t *out, size_t n)
{
	view_copy(stream, out, n);
}

// Bytes of each of the seven keys.
struct key_sizes {
	size_t prf, integrity, cipher;
};

static struct key_sizes key_sizes(const struct v2_suite *suite)
{
	bool aead = ike_encryption_is_aead(suite->encryption);
	size_t prf = ike_hash_size(suite->hash);

	return (struct key_sizes){.prf = prf,
		.integrity = aead ? 0 : prf,
		.cipher = ike_encryption_key_size(suite->encryption) + (aead ? IKE_AEAD_SALT : 0)};
}

// In the order of section 2.14.
static void keys_take(const struct key_sizes *size, struct view stream, struct v2_keys *out)
{
	take(&stream, out->d, size->prf);
	take(&stream, out->ai, size->integrity);
	take(&stream, out->ar, size->integrity);
	take(&stream, out->ei, size->cipher);
	take(&stream, out->er, size->cipher);
	take(&stream, out->pi, size->prf);
	take(&stream, out->pr, size->prf);
	out->sealed_i = out->sealed_r = 0;
}

int v2_keys_derive(const struct v2_keys_input *in, struct v2_keys *out)
{
	const struct span parts[] = {
		in->nonce_i, in->nonce_r, SPAN(in->spi_i, V2_SPI), SPAN(in->spi_r, V2_SPI)};
	size_t seed_hash = in->old_d ? in->old_hash : in->suite.hash;
	const struct key_sizes size = key_sizes(&in->suite);
	size_t length = 3 * size.prf + 2 * size.integrity + 2 * size.cipher;
	uint8_t seed[IKE_HASH_MAX], stream[sizeof(struct v2_keys)];
	int error;

	if (ike_hash_size(in->suite.hash) == 0 || ike_hash_size(seed_hash) == 0 ||
		ike_encryption_key_size(in->suite.encryption) == 0)
		return -EINVAL;
	error = skeyseed(in, seed);
	if (!error)
		error = v2_prf_plus(in->suite.hash, SPAN(seed, ike_hash_size(seed_hash)), parts, 4,
			stream, length);
	memset(out, 0, sizeof(*out));
	if (!error)
		keys_take(&size, view_of(stream, length), out);
	OPENSSL_cleanse(seed, sizeof(seed));
	OPENSSL_cleanse(stream, sizeof(stream));
	return error;
}

void v2_keys_wipe(struct v2_keys *keys)
{
	OPENSSL_cleanse(keys, sizeof(*keys));
}

int v2_keys_mix_ppk(unsigned hash, struct span ppk, struct v2_keys *keys)
{
	size_t size = ike_hash_size(hash);
	uint8_t *const each[] = {keys->d, keys->pi, keys->pr};
	int error = size ? 0 : -EINVAL;

	for (size_t i = 0; i < 3 && !error; i++) {
		uint8_t old[IKE_HASH_MAX];

		memcpy(old, each[i], size);
		error = v2_prf_plus(hash, ppk, &SPAN(old, size), 1, each[i], size);
		OPENSSL_cleanse(old, sizeof(old));
	}
	return error;
}

int v2_keymat(const struct v2_keymat_input *in, uint8_t *i2r, uint8_t *r2i, size_t size)
{
	const struct span parts[] = {in->secret, in->nonce_i, in->nonce_r};
	uint8_t both[2 * V2_KEYMAT_MAX];
	int error;

	if (size > V2_KEYMAT_MAX || ike_hash_size(in->hash) == 0)
		return -EINVAL;
	error = v2_prf_plus(
		in->hash, SPAN(in->d, ike_hash_size(in->hash)), parts, 3, both, 2 * size);
	if (!error) {
		memcpy(i2r, both, size);
		memcpy(r2i, both + size, size);
	}
	OPENSSL_cleanse(both, sizeof(both));
	return error;
}

int v2_auth_octets(unsigned hash, const uint8_t *sk_p, struct span message, struct span nonce,
	struct span id_body, struct build *out)
{
	size_t size = ike_hash_size(hash);
	uint8_t mac[IKE_HASH_MAX];
	int error = size ? ike_prf(hash, SPAN(sk_p, size), &id_body, 1, mac) : -EINVAL;

	if (error)
		return error;
	build_bytes(out, message.at, message.length);
	build_bytes(out, nonce.at, nonce.length);
	build_bytes(out, mac, size);
	return out->failed ? -EINVAL : 0;
}

int v2_auth_shared(unsigned hash, struct span secret, struct span octets, uint8_t *out)
{
	static const char pad[] = "Key Pad for IKEv2";
	const struct span text = SPAN((const uint8_t *)pad, sizeof(pad) - 1);
	uint8_t key[IKE_HASH_MAX];
	int error = ike_prf(hash, secret, &text, 1, key);

	if (!error)
		error = ike_prf(hash, SPAN(key, ike_hash_size(hash)), &octets, 1, out);
	OPENSSL_cleanse(key, sizeof(key));
	return error;
}

int v2_nat_hash(const uint8_t *spi_i, const uint8_t *spi_r, const struct ip_address *address,
	uint16_t port, uint8_t out[V2_NAT_HASH])
{
	const uint8_t port_bytes[] = {port >> 8, port & 0xff};
	const struct span parts[] = {SPAN(spi_i, V2_SPI), SPAN(spi_r, V2_SPI),
		SPAN(address->bytes, address->version == IP_V6 ? 16 : 4), SPAN(port_bytes, 2)};

	return ike_digest(IKE_SHA1, parts, 4, out);
}

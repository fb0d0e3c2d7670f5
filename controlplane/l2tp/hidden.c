// SPDX-License-Identifier: Apache-2.0

#include "hidden.h"

#include "digest.h"

#include <errno.h>
#include <openssl/crypto.h>

// The first block of the key stream comes from type, secret and vector, each later one from the
// secret and the block of ciphertext before it.
static int key_block(const struct hidden_key *key, uint16_t type, const uint8_t *before,
	uint8_t out[DIGEST_LENGTH])
{
	const uint8_t type_bytes[2] = {type >> 8, type & 0xff};
	const struct digest_piece first[] = {{type_bytes, 2}, {key->secret, key->secret_length},
		{key->vector, key->vector_length}};
	const struct digest_piece later[] = {
		{key->secret, key->secret_length}, {before, DIGEST_LENGTH}};

	return before ? digest_md5(later, 2, out) : digest_md5(first, 3, out);
}

int hidden_reveal(const struct hidden_key *key, uint16_t type, const uint8_t *hidden, size_t length,
	uint8_t *plain, struct view *out)
{
	uint8_t block[DIGEST_LENGTH];
	const uint8_t *before = NULL;
	struct view v;

	for (size_t i = 0; i < length; i++) {
		if (i % DIGEST_LENGTH == 0) {
			int error = key_block(key, type, before, block);

			if (error)
				return error;
			before = hidden + i;
		}
		plain[i] = hidden[i] ^ block[i % DIGEST_LENGTH];
	}
	OPENSSL_cleanse(block, sizeof(block));
	v = view_of(plain, length);
	*out = view_sub(&v, view_u16(&v));
	return v.failed ? -EBADMSG : 0;
}

// SPDX-License-Identifier: Apache-2.0

#include "digest.h"

#include <errno.h>
#include <openssl/evp.h>

int digest_md5(const struct digest_piece *pieces, size_t count, uint8_t out[DIGEST_LENGTH])
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	int ok = context && EVP_DigestInit_ex(context, EVP_md5(), NULL);

	for (size_t i = 0; ok && i < count; i++)
		if (pieces[i].length)
			ok = EVP_DigestUpdate(context, pieces[i].bytes, pieces[i].length);
	ok = ok && EVP_DigestFinal_ex(context, out, NULL);
	EVP_MD_CTX_free(context);
	return ok ? 0 : -ENOTSUP;
}

int digest_response(uint8_t message_type, const void *secret, size_t secret_length,
	const void *challenge, size_t challenge_length, uint8_t out[DIGEST_LENGTH])
{
	const struct digest_piece pieces[] = {
		{&message_type, 1}, {secret, secret_length}, {challenge, challenge_length}};

	return digest_md5(pieces, 3, out);
}

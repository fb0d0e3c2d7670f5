// SPDX-License-Identifier: Apache-2.0

// One function for each method (RFC 1334, RFC 1994, RFC 2759). A comparison runs over the whole of
// both values, whatever differs, and what was derived from a password is wiped.

#include "auth.h"
#include "mschap.h"

#include "contract/config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

enum { MD5_DIGEST = 16, WRONG = 691 /* RFC 2759 section 6: ERROR_AUTHENTICATION_FAILURE */ };

// Both are copied into buffers of one size first, so that the lengths take no time either.
static int check_pap(const struct ppp_credentials *c, const char *password, bool *accepted)
{
	uint8_t theirs[PPP_SECRET] = {0};
	uint8_t ours[PPP_SECRET] = {0};
	size_t length = strlen(password);

	if (c->password_length > PPP_SECRET)
		return -EINVAL;
	memcpy(theirs, c->password, c->password_length);
	memcpy(ours, password, length < PPP_SECRET ? length : PPP_SECRET);
	*accepted = (CRYPTO_memcmp(theirs, ours, PPP_SECRET) == 0) & (length == c->password_length);
	OPENSSL_cleanse(theirs, sizeof(theirs));
	OPENSSL_cleanse(ours, sizeof(ours));
	return 0;
}

// RFC 1994 section 4.1: MD5 over the identifier, the secret and the challenge.
static int check_md5(const struct ppp_credentials *c, const char *password, bool *accepted)
{
	uint8_t digest[MD5_DIGEST];
	EVP_MD_CTX *md5;
	int error = -EIO;

	if (c->response_length != MD5_DIGEST || c->challenge_length > sizeof(c->challenge))
		return -EINVAL;
	md5 = EVP_MD_CTX_new();
	if (md5 && EVP_DigestInit_ex(md5, EVP_md5(), NULL) == 1 &&
		EVP_DigestUpdate(md5, &c->id, 1) == 1 &&
		EVP_DigestUpdate(md5, password, strlen(password)) == 1 &&
		EVP_DigestUpdate(md5, c->challenge, c->challenge_length) == 1 &&
		EVP_DigestFinal_ex(md5, digest, NULL) == 1)
		error = 0;
	EVP_MD_CTX_free(md5);
	if (!error)
		*accepted = CRYPTO_memcmp(digest, c->response, MD5_DIGEST) == 0;
	OPENSSL_cleanse(digest, sizeof(digest));
	return error;
}

static int check_mschap(
	const struct ppp_credentials *c, const char *password, struct ppp_verdict *verdict)
{
	uint8_t hash[MSCHAP_HASH], expected[MSCHAP_NT_RESPONSE];
	const uint8_t *nt = c->response + MSCHAP_NT_OFFSET;
	char text[MSCHAP_AUTHENTICATOR + 1];
	int error;

	if (c->response_length != MSCHAP_RESPONSE || c->challenge_length != MSCHAP_CHALLENGE)
		return -EINVAL;
	error = mschap_password_hash(password, hash);
	if (!error)
		error = mschap_nt_response(
			c->challenge, c->response, c->name, c->name_length, hash, expected);
	if (!error && CRYPTO_memcmp(expected, nt, sizeof(expected)) == 0) {
		error = mschap_authenticator_response(
			hash, nt, c->response, c->challenge, c->name, c->name_length, text);
		verdict->accepted = !error;
	}
	if (verdict->accepted && c->want_msk) {
		error = mschap_msk(hash, nt, verdict->msk);
		verdict->accepted = verdict->has_msk = !error;
	}
	if (verdict->accepted)
		snprintf(verdict->message, sizeof(verdict->message), "%s M=Welcome", text);
	OPENSSL_cleanse(hash, sizeof(hash));
	OPENSSL_cleanse(expected, sizeof(expected));
	return error;
}

int auth_check(const struct ppp_credentials *credentials, const char *password,
	struct ppp_verdict *verdict)
{
	int error;

	*verdict = (struct ppp_verdict){.mschap_error = WRONG};
	switch (credentials->method) {
	case PPP_AUTH_PAP:
		error = check_pap(credentials, password, &verdict->accepted);
		break;
	case PPP_AUTH_CHAP_MD5:
		error = check_md5(credentials, password, &verdict->accepted);
		break;
	case PPP_AUTH_MSCHAPV2:
		error = check_mschap(credentials, password, verdict);
		break;
	default:
		error = -EINVAL;
	}
	if (error)
		verdict->accepted = false;
	if (verdict->message[0] == '\0')
		snprintf(verdict->message, sizeof(verdict->message), "%s",
			verdict->accepted ? "Welcome" : "Authentication failed");
	return error;
}

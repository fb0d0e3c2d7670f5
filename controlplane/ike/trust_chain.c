// SPDX-License-Identifier: Apache-2.0

// See trust_chain.h. libcrypto builds and checks; what it lets pass for old times' sake and IKE
// must not, is looked at afterwards. It verifies from the authority downwards, so a stranger's key
// is never worked with before somebody whom we believe has signed it.

#include "trust_chain.h"

#include "certificate.h"
#include "place.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

// A certificate is wrong: which, and why.
static void say(char *why, size_t size, const X509 *x, const char *problem)
{
	char subject[CERTIFICATE_TEXT] = "the certificate";

	if (x)
		certificate_subject(x, subject);
	snprintf(why, size, "%.150s %s", subject, problem);
}

static const char *date_words(char out[96], const char *problem, const ASN1_TIME *when)
{
	time_t seconds = (time_t)certificate_seconds(when);
	struct tm tm;
	char text[32] = "?";

	if (gmtime_r(&seconds, &tm))
		(void)strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &tm);
	snprintf(out, 96, "%s %s", problem, text);
	return out;
}

// libcrypto's words where they are good, ours where something can be done.
static void say_code(X509_STORE_CTX *c, char *why, size_t size)
{
	const X509 *x = X509_STORE_CTX_get_current_cert(c);
	int code = X509_STORE_CTX_get_error(c);
	char words[96];

	switch (code) {
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		say(why, size, x, "leads to none of certificates.authorities");
		break;
	case X509_V_ERR_CERT_HAS_EXPIRED:
		say(why, size, x, date_words(words, "has ended on", X509_get0_notAfter(x)));
		break;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		say(why, size, x, date_words(words, "begins only on", X509_get0_notBefore(x)));
		break;
	case X509_V_ERR_EE_KEY_TOO_SMALL:
	case X509_V_ERR_CA_KEY_TOO_SMALL:
		say(why, size, x, "has too small a key");
		break;
	case X509_V_ERR_CA_MD_TOO_WEAK:
		say(why, size, x, "is signed with MD5 or SHA-1");
		break;
	default:
		say(why, size, x, X509_verify_cert_error_string(code));
	}
}

// ---- what libcrypto leaves to us

static const char *refused(X509 *x, bool first, bool last, bool legacy)
{
	const char *key = certificate_key_refused(X509_get0_pubkey(x), legacy);

	if (key)
		return key;
	if (!first && !last && X509_check_ca(x) != 1)
		return "is no authority by its basic constraints";
	return first ? certificate_unusable(x) : NULL;
}

static bool finish(struct trust_chain *chain, bool legacy, char *why, size_t size)
{
	int count = sk_X509_num(chain->certificates);

	for (int i = 0; i < count; i++) {
		X509 *x = sk_X509_value(chain->certificates, i);
		const char *problem = refused(x, i == 0, i == count - 1, legacy);
		int64_t ends = certificate_seconds(X509_get0_notAfter(x));

		if (problem) {
			say(why, size, x, problem);
			return false;
		}
		if (i == 0 || ends < chain->not_after)
			chain->not_after = ends;
		// What an authority of ours signed itself with means nothing.
		if (!chain->weakness && i < count - 1) {
			chain->weakness = certificate_weakness(x);
			chain->own_is_weak = i == 0;
		}
	}
	return true;
}

// ---- built

static STACK_OF(X509) * read_others(const struct span *certs, size_t count)
{
	STACK_OF(X509) *others = sk_X509_new_null();

	for (size_t i = 1; others && i < count; i++) {
		X509 *x = certificate_read(certs[i]);

		// One that cannot be read may not be needed.
		if (x && sk_X509_push(others, x) <= 0)
			X509_free(x);
	}
	return others;
}

static bool verify(
	X509_STORE_CTX *c, const struct trust_anchors *anchors, X509 *own, STACK_OF(X509) * others)
{
	X509_VERIFY_PARAM *p;

	if (X509_STORE_CTX_init(c, anchors->store, own, others) != 1)
		return false;
	p = X509_STORE_CTX_get0_param(c);
	X509_VERIFY_PARAM_set_time(p, (time_t)places_now());
	X509_VERIFY_PARAM_set_depth(p, TRUST_DEPTH);
	// Each certificate of certificates.authorities is believed, a root or not.
	X509_VERIFY_PARAM_set_flags(p, X509_V_FLAG_PARTIAL_CHAIN);
	// 2: 112 bits, so RSA of 2048 and SHA2; legacy: what certificate_key_refused lets pass.
	X509_VERIFY_PARAM_set_auth_level(p, anchors->legacy ? 0 : 2);
	return X509_verify_cert(c) == 1;
}

static struct trust_chain *take_chain(X509_STORE_CTX *c, bool legacy, char *why, size_t size)
{
	struct trust_chain *chain = calloc(1, sizeof(*chain));

	if (!chain)
		return NULL;
	chain->refs = 1;
	chain->certificates = X509_STORE_CTX_get1_chain(c);
	if (chain->certificates && finish(chain, legacy, why, size))
		return chain;
	trust_chain_free(chain);
	return NULL;
}

struct trust_chain *trust_chain_build(const struct trust_anchors *anchors, const struct span *certs,
	size_t count, char *why, size_t size)
{
	X509 *own = count ? certificate_read(certs[0]) : NULL;
	STACK_OF(X509) *others = read_others(certs, count);
	X509_STORE_CTX *c = X509_STORE_CTX_new();
	struct trust_chain *chain = NULL;

	snprintf(why, size, "no memory");
	if (!own)
		snprintf(why, size,
			count ? "the peer's certificate cannot be read"
			      : "the peer sent no certificate");
	else if (c && others && verify(c, anchors, own, others))
		chain = take_chain(c, anchors->legacy, why, size);
	else if (c && others)
		say_code(c, why, size);
	X509_STORE_CTX_free(c);
	sk_X509_pop_free(others, X509_free);
	X509_free(own);
	ERR_clear_error();
	return chain;
}

// ---- afterwards

const char *trust_chain_dates(const struct trust_chain *chain, char why[REVOCATION_WHY])
{
	int64_t now = places_now();
	char words[96];

	if (now <= chain->not_after)
		return NULL;
	for (int i = 0; i < sk_X509_num(chain->certificates); i++) {
		const X509 *x = sk_X509_value(chain->certificates, i);

		if (certificate_seconds(X509_get0_notAfter(x)) < now)
			say(why, REVOCATION_WHY, x,
				date_words(words, "has ended on", X509_get0_notAfter(x)));
	}
	return why;
}

X509 *trust_chain_own(const struct trust_chain *chain)
{
	return sk_X509_value(chain->certificates, 0);
}

void trust_chain_free(struct trust_chain *chain)
{
	if (!chain || --chain->refs > 0)
		return;
	sk_X509_pop_free(chain->certificates, X509_free);
	free(chain);
}

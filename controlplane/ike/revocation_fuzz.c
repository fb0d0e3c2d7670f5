// SPDX-License-Identifier: Apache-2.0

// CRLs and OCSP answers as anybody on the way could send them. No input has the signature of the
// authority, which is made anew each time; so what stands behind it is asked directly too.

#include "revocation.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <time.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static X509 *issuer, *peer;

static X509 *make(const char *name, EVP_PKEY *key, X509 *by, EVP_PKEY *signer)
{
	X509 *x = X509_new();
	X509_NAME *subject = x ? X509_get_subject_name(x) : NULL;

	if (!x || X509_set_version(x, X509_VERSION_3) != 1 ||
		X509_NAME_add_entry_by_txt(
			subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0) != 1)
		return NULL;
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -3600);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_set_issuer_name(x, X509_get_subject_name(by ? by : x));
	X509_set_pubkey(x, key);
	return X509_sign(x, signer, EVP_sha256()) > 0 ? x : NULL;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");

	issuer = make("Root", key, NULL, key);
	peer = make("Peer", key, issuer, key);
	EVP_PKEY_free(key);
	return issuer && peer ? 0 : -1;
}

static void ask_unsigned(const uint8_t *data, size_t size)
{
	X509_CRL *crl = d2i_X509_CRL(NULL, &data, (long)size);
	char why[REVOCATION_WHY];

	if (crl) {
		(void)revocation_crl_ask(crl, peer, why);
		(void)revocation_crl_next(crl);
		(void)revocation_crl_entries(crl);
	}
	X509_CRL_free(crl);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct span bytes = SPAN(data, size);
	char why[REVOCATION_WHY];
	int64_t next;

	X509_CRL_free(revocation_crl_read(bytes, issuer, true, time(NULL), why));
	ask_unsigned(data, size);
	(void)revocation_ocsp_read(bytes, peer, issuer, true, time(NULL), &next, why);
	ERR_clear_error();
	return 0;
}

// SPDX-License-Identifier: Apache-2.0
#pragma once

// What authorities say of their own certificates: CRLs (RFC 5280 section 5) and OCSP answers (RFC
// 6960). Pure, over libcrypto: bytes in, object or words out; any thread. Times are seconds since
// 1970. Where a function refuses, why (REVOCATION_WHY bytes) says it in words.

#include "wire.h"

#include <openssl/x509.h>

enum {
	REVOCATION_WHY = 256,
	REVOCATION_CRL_BYTES = 8 << 20,   // of a CRL; longer ones are refused
	REVOCATION_OCSP_BYTES = 64 << 10, // of an OCSP answer
	REVOCATION_CRLS = 64,             // in one file
	REVOCATION_SKEW_S = 300,          // between our clock and theirs
};

enum revocation_answer {
	REVOCATION_GOOD = 1,
	REVOCATION_REVOKED,
	REVOCATION_UNKNOWN, // it does not say, or nothing that holds
};

// The newest CRL of that issuer among those in bytes: DER, or PEM with several. Refused are those
// that the issuer did not sign or may not sign (key usage), with MD5 or SHA-1 unless legacy, from
// the future, delta CRLs, indirect CRLs and those with extensions that we do not understand. One
// that is out of date is returned: who is revoked stays so.
X509_CRL *revocation_crl_read(struct span bytes, X509 *issuer, bool legacy, int64_t now, char *why);
// What it says of a certificate of its issuer.
enum revocation_answer revocation_crl_ask(X509_CRL *crl, X509 *x, char *why);
int64_t revocation_crl_next(const X509_CRL *crl); // when the next one comes; 0: it does not say
uint64_t revocation_crl_entries(X509_CRL *crl);

// A request about x, OPENSSL_free it; length 0 on failure.
struct span revocation_ocsp_request(X509 *x, X509 *issuer);
// What the answer says of x: signed by its issuer, or by whom the issuer made a responder, and of
// now. *next as above.
enum revocation_answer revocation_ocsp_read(struct span answer, X509 *x, X509 *issuer, bool legacy,
	int64_t now, int64_t *next, char *why);

// The nth http:// address that the certificate names for CRLs, or for OCSP: into out, size bytes
// with the final NUL. False when there is none; what does not fit is passed over.
bool revocation_place(X509 *x, bool ocsp, size_t nth, char *out, size_t size);

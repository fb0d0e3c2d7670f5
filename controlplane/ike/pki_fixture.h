// SPDX-License-Identifier: Apache-2.0
#pragma once

// Authorities, certificates, CRLs and OCSP answers for unit tests, made when they run. A check that
// fails fails the test.

#include "wire.h"

#include <openssl/ocsp.h>
#include <openssl/x509.h>

struct pki_options {
	const char *subject; // "CN=x,O=y" as identity_parse takes it
	const char *san;     // "DNS:a.example,IP:192.0.2.1,email:a@example"; NULL: none
	const char *usage;   // "digitalSignature"; NULL: none
	const char *purposes;
	const char *basic;             // "critical,CA:TRUE"; NULL: none
	const char *crl;               // "URI:http://..."
	const char *ocsp;              // "OCSP;URI:http://..."
	const char *digest;            // "sha256" when NULL
	int64_t not_before, not_after; // seconds from now; both 0: an hour ago, for a year
};

struct pki {
	EVP_PKEY *key;
	X509 *certificate;
};

// "rsa-2048", "ecdsa-256", "ed25519", ...: made once for each kind and number.
EVP_PKEY *pki_key(const char *kind, unsigned number);
// A certificate for that key; issuer NULL: it signs itself.
struct pki pki_make(EVP_PKEY *key, const struct pki *issuer, const struct pki_options *options);
// An authority, and a certificate of one with that subjectAltName, good in every respect.
struct pki pki_authority(const char *kind, const char *subject, const struct pki *issuer);
struct pki pki_peer(
	const char *kind, const char *subject, const char *san, const struct pki *issuer);
void pki_free(struct pki *p);
int pki_keys_free(void **state);

// Valid for times in seconds from now; revoked may be NULL.
X509_CRL *pki_crl(const struct pki *issuer, const X509 *revoked, int64_t from, int64_t until);
// An answer of responder about x of issuer; status V_OCSP_CERTSTATUS_*. Its DER, to be freed.
struct span pki_ocsp(const struct pki *responder, const X509 *x, const X509 *issuer, int status,
	int64_t from, int64_t until);
struct span pki_der(const X509 *x);         // OPENSSL_free it
struct span pki_crl_der(const X509_CRL *x); // the same

// A folder of the test's own, and files in it; pki_path is valid until the next call.
void pki_folder_make(void);
void pki_folder_remove(void);
const char *pki_path(const char *name);
void pki_write(const char *name, struct span bytes, unsigned mode);
void pki_write_certificate(const char *name, const struct pki *first, const struct pki *second);
void pki_write_key(const char *name, EVP_PKEY *key, const char *password);
void pki_write_crl(const char *name, const X509_CRL *crl);

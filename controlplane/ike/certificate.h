// SPDX-License-Identifier: Apache-2.0
#pragma once

// What is asked of one X.509 certificate, whoever's it is (RFC 4945, RFC 5280). Pure, over
// libcrypto: any thread may call it.

#include "identity.h"

#include <openssl/x509.h>

enum {
	CERTIFICATE_BYTES = 16384, // of one certificate's DER; longer ones are not looked at
	CERTIFICATE_RSA_MIN = 2048,
	CERTIFICATE_RSA_MIN_LEGACY = 1024, // where ike.policy is legacy
	CERTIFICATE_RSA_MAX = 8192,
	CERTIFICATE_TEXT = 256, // bytes of a name in words, with the final NUL
};

// NULL unless all of der is one certificate.
X509 *certificate_read(struct span der);
// The certificates of a PKCS#7 wrapping (RFC 4945 section 3.3.4), at most so many, in no order;
// each is the caller's. Their number, 0 when it cannot be read.
size_t certificate_unwrap(struct span pkcs7, X509 **out, size_t most);
// Is that name one of the certificate's: the whole subject, or an address, host name or e-mail
// address of its subjectAltName (RFC 4945 section 3.1)? No wildcards, and nothing of the subject's
// parts: the name in an ID payload is exact.
bool certificate_names(const X509 *x, const struct identity *id);
// Its first host name. -ENOENT when it has none.
int certificate_host(const X509 *x, struct identity *out);
// NULL, or why it cannot prove who an IKE peer is: key usage without digitalSignature and
// nonRepudiation; an extended key usage without serverAuth, clientAuth, ipsecIKE, iKEIntermediate
// and anyExtendedKeyUsage. A certificate without these extensions may do all (RFC 4945 section
// 5.1.3.2, 5.1.3.12).
const char *certificate_unusable(X509 *x);
// NULL, or why its key is none of ours to use: RSA of a size beyond the bounds, another curve than
// P-256, P-384 and P-521. Ed25519 is good.
const char *certificate_key_refused(EVP_PKEY *key, bool legacy);
// What legacy alone let pass, in words; NULL: nothing.
const char *certificate_weakness(const X509 *x);

// RFC 4514, escaped and cut.
const char *certificate_subject(const X509 *x, char out[CERTIFICATE_TEXT]);
const char *certificate_issuer(const X509 *x, char out[CERTIFICATE_TEXT]);
const char *certificate_serial(const X509 *x, char out[CERTIFICATE_TEXT]); // hexadecimal
// "rsa-2048", "ecdsa-256", "ed25519".
const char *certificate_key(const X509 *x, char out[CERTIFICATE_TEXT]);
// Seconds since 1970; a time that cannot be read is 0.
int64_t certificate_seconds(const ASN1_TIME *time);
// A name as DER, as it stands in the certificate; points into it.
struct span certificate_der(const X509_NAME *name);

// SPDX-License-Identifier: Apache-2.0
#pragma once

// Our own certificates with their keys, as the config names them. Files are read at start, as who
// may read them, and again when they change; PEM or PKCS#12, what holds a key of mode 600 and owned
// by root or by us.

#include "contract/config.h"
#include "identity.h"

#include <openssl/evp.h>

struct credential;
struct credentials;

enum credential_kind {
	CREDENTIAL_RSA = 1,
	CREDENTIAL_ECDSA_256,
	CREDENTIAL_ECDSA_384,
	CREDENTIAL_ECDSA_521,
	CREDENTIAL_ED25519, // SIGNATURE_DIGITAL alone
};

// Reads all of them; none at all is good too. NULL after an error, which says in why, in words,
// which file and what to do. A key that only ike.policy legacy lets pass is said in the log.
struct credentials *credentials_create(const struct config *config, char *why, size_t size);
void credentials_free(struct credentials *c); // wipes the keys
// Looks whether files have changed, and reads those: what is good takes the place of the one before
// (log event certificate-read), else that one stays (certificate-kept). The config of the beginning
// must still be there.
void credentials_renew(struct credentials *c);

// What the peer's CERTREQ payloads behind the byte of their encoding (RFC 2408 section 3.10: a
// name, or nothing; RFC 7296 section 3.7: SHA-1 of public keys, several in one) let us choose from,
// and the kinds it can check: bit n for enum credential_kind n. The first that fits; when no
// CERTREQ fits, the first of a fitting kind; NULL when there is none.
//
// It stays as long as nothing else is done with c: who keeps it holds it, and drops it in the end.
const struct credential *credentials_choose(const struct credentials *c, unsigned kinds,
	const struct span *requests, size_t count, bool version_2);

const struct credential *credential_hold(const struct credential *c);
void credential_drop(const struct credential *held); // NULL is allowed

enum credential_kind credential_kind(const struct credential *c);
EVP_PKEY *credential_key(const struct credential *c); // stays the credential's
// The nth certificate that is sent with it: our own, then those between it and its CA; length 0
// when there is none.
struct span credential_certificate(const struct credential *c, size_t n);
// The subject as DER, for an ID payload of type ID_DER_DN.
struct span credential_subject(const struct credential *c);
// Is that name one of the certificate's: an address, DNS name, e-mail or the subject?
bool credential_names(const struct credential *c, const struct identity *id);
// The name that an IKEv2 peer should expect: the first DNS name, else the subject.
void credential_identity(const struct credential *c, struct identity *out);

// For the API and the log, in the order of the config.
struct credential_info {
	const char *file, *subject, *issuer, *serial; // serial in hex
	const char *key;                              // "rsa-2048", "ecdsa-256", ...
	int64_t not_after;                            // seconds since 1970
};
void credentials_each(const struct credentials *c,
	void (*each)(void *context, const struct credential_info *info), void *context);

// SPDX-License-Identifier: Apache-2.0
#pragma once

// Proof by signature, off the event loop: ours with a credential, the peer's with its certificates.
// What a signature covers (the octets) is the exchange's business; how it is made is here.

#include "credential.h"
#include "identity.h"
#include "trust.h"

enum signature_scheme {
	SIGNATURE_V1_RSA = 1,   // PKCS#1 type 1 padding of the bare hash (RFC 2409 section 5.1)
	SIGNATURE_V1_ECDSA_256, // of the bare hash, r | s (RFC 4754)
	SIGNATURE_V1_ECDSA_384,
	SIGNATURE_V1_ECDSA_521,
	SIGNATURE_RSA_SHA1,  // IKEv2 authentication method 1 (RFC 7296 section 3.8)
	SIGNATURE_ECDSA_256, // IKEv2 methods 9 to 11 (RFC 4754): over the octets, r | s
	SIGNATURE_ECDSA_384,
	SIGNATURE_ECDSA_521,
	SIGNATURE_DIGITAL, // IKEv2 method 14 (RFC 7427): the AlgorithmIdentifier is in front, as
			   // the whole content of the Authentication Data field
};

enum {
	SIGNATURE_MAX = 1024,  // bytes, with the AlgorithmIdentifier
	SIGNATURE_CERTS = 8,   // certificates of a peer that are looked at
	SIGNATURE_REASON = 256 // bytes of a reason in words
};

// The hash algorithms that a peer names in SIGNATURE_HASH_ALGORITHMS (RFC 7427 section 7): bit n is
// number n of the IANA registry. 1 SHA-1, 2 SHA2-256, 3 SHA2-384, 4 SHA2-512, 5 identity.

struct signature_job;

// Signs octets (v1: the hash; v2: what RFC 7296 section 2.15 says). own must outlive the call only.
// Later, or at once, *slot is emptied and done is called: error 0, or -EINVAL. hashes counts for
// SIGNATURE_DIGITAL alone. 0; -EINVAL when this key cannot make that scheme; -ENOMEM, -EAGAIN.
int signature_make(struct signature_job **slot, const struct credential *own,
	enum signature_scheme scheme, uint32_t hashes, struct span octets,
	void (*done)(void *owner, int error, struct span signature), void *owner);

struct signature_claim {
	enum signature_scheme scheme;
	struct span octets, signature;
	struct span certs[SIGNATURE_CERTS]; // DER, the peer's own first
	size_t cert_count;
	struct identity id; // that the certificate must be for
};

struct signature_verdict {
	bool good;
	char reason[SIGNATURE_REASON];  // why not, in words for the log
	char subject[SIGNATURE_REASON]; // of the certificate
	uint64_t not_after; // seconds since 1970: the first certificate of the chain that ends
	// To ask again at a rekey whether it still holds: trust_holds. Owned by the verdict; the
	// receiver may take it and set it NULL.
	struct trust_chain *chain;
};

// Builds the chain to an authority of ours, checks dates, usage, identity and revocation (which may
// wait for what is fetched), and the signature. The claim is copied. done may come at once. 0;
// -EINVAL for too many certificates; -ENOMEM, -EAGAIN.
int signature_check(struct signature_job **slot, struct trust *trust,
	const struct signature_claim *claim,
	void (*done)(void *owner, struct signature_verdict *verdict), void *owner);
// The owner goes away: done is not called any more. *slot may be empty.
void signature_abandon(struct signature_job **slot);

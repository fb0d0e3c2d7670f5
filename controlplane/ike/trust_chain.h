// SPDX-License-Identifier: Apache-2.0
#pragma once

// Chains of certificates, from the peer's own to an authority of ours (RFC 5280 section 6). What
// trust.h promises stands on this; signature.c builds them.

#include "revocation.h"
#include "trust.h"

#include <openssl/x509.h>

enum {
	TRUST_DEPTH = 8, // certificates between a peer's and an authority
};

struct trust_chain {
	unsigned refs;                 // counted on the event loop
	STACK_OF(X509) * certificates; // the peer's own first, the authority last
	int64_t not_after;             // the first that ends, seconds since 1970
	const char *weakness;          // what ike.policy legacy let pass; NULL: nothing
	bool own_is_weak;              // it is the peer's own that is weak
};

// What chains are built with; not changed once it is there, so any thread may read it.
struct trust_anchors {
	X509_STORE *store;
	bool legacy;
};
// The peer's own certificate first, then others in any order. NULL after why (size bytes).
struct trust_chain *trust_chain_build(const struct trust_anchors *anchors, const struct span *certs,
	size_t count, char *why, size_t size);
// NULL, or why not now, by the dates alone.
const char *trust_chain_dates(const struct trust_chain *chain, char why[REVOCATION_WHY]);
X509 *trust_chain_own(const struct trust_chain *chain);

const struct trust_anchors *trust_anchors(const struct trust *t);
// A job on the thread pool keeps what it reads.
void trust_hold(struct trust *t);
void trust_let_go(struct trust *t);

// SPDX-License-Identifier: Apache-2.0
#pragma once

// Whom we believe: the authorities of the config, what they have revoked (CRLs from files and by
// HTTP, OCSP), and whether a chain of certificates holds. Checks run on the thread pool; what is
// fetched is fetched there too, never by the event loop, one at a time for each place, with a
// timeout, and kept until it says that it is old.

#include "contract/config.h"
#include "controlplane/timer.h"
#include "wire.h"

struct trust;
struct trust_chain; // a chain that was found good once

// NULL after an error, which says in why, in words, which file and what to do. No authority at all
// is good too: nobody is believed then. config and timers must outlive it.
struct trust *trust_create(
	const struct config *config, struct timers *timers, char *why, size_t size);
void trust_free(struct trust *t);
bool trust_any(const struct trust *t); // is there any authority?

// The bodies of CERTREQ payloads that name our authorities, behind the byte of the encoding. v1:
// the nth one's name as DER, length 0 when there is none. v2: all hashes in one body (RFC 7296
// section 3.7).
struct span trust_request_v1(const struct trust *t, size_t n);
struct span trust_request_v2(const struct trust *t);

// Does the chain still hold, now: dates and revocation? done(context, NULL) or done(context, why),
// perhaps at once, and then before this returns 0. -ENOMEM. Used before each rekey that the peer
// gets. What a fetch has not answered within TRUST_WAIT_MS counts as unknown.
enum { TRUST_WAIT_MS = 8000 };
int trust_holds(struct trust *t, const struct trust_chain *chain,
	void (*done)(void *context, const char *why), void *context);
void trust_forget(struct trust *t, const void *context); // done is not called any more
void trust_chain_free(struct trust_chain *chain);

// For the API and the log.
struct trust_info {
	const char *file, *subject, *serial, *key; // as of struct credential_info
	int64_t not_after;                         // seconds since 1970
	const char *crl;                           // where it is from; NULL: none
	int64_t crl_fetched;                       // seconds since 1970; 0 = not yet
	int64_t crl_next;     // when it says that the next one comes; 0 = it does not
	uint64_t crl_entries; // revoked certificates in it
	const char *crl_error;
};
void trust_each(const struct trust *t, void (*each)(void *context, const struct trust_info *info),
	void *context);

// SPDX-License-Identifier: Apache-2.0
#pragma once

// Where authorities say what they have revoked: files with CRLs, and servers for CRLs and OCSP.
// Read and fetched on the thread pool, one job at a time for each place, and kept until the answer
// says that it is old, or config.refresh_s. All calls on the event loop.

#include "contract/config.h"
#include "controlplane/timer.h"
#include "revocation.h"

enum {
	PLACE_TIMEOUT_S = 4,       // for one answer by HTTP
	PLACE_RETRY_MS = 60000,    // after a failure
	PLACE_FILE_MS = 2000,      // a file is looked at so often at most
	PLACE_FETCHES = 2,         // by HTTP at a time: files have to get their turn
	PLACE_MOST = 4096,         // places that are remembered: OCSP has one for each certificate
	PLACE_SOURCE = 1024,       // bytes of an address
	PLACE_SILENT = 16,         // OCSP responders that do not answer, remembered as such
	PLACE_AHEAD_MS = 120000,   // a CRL is fetched so long before it is old
	PLACE_UNUSED_MS = 3600000, // unless nobody asked for so long
};

struct places;

enum place_answer {
	PLACE_GOOD = REVOCATION_GOOD,
	PLACE_REVOKED = REVOCATION_REVOKED,
	PLACE_UNKNOWN = REVOCATION_UNKNOWN,
	PLACE_PENDING, // changed will be called
};

// changed(context) is called after each answer and failure. NULL without memory.
struct places *places_create(struct timers *timers, uint32_t refresh_s, bool legacy,
	void (*changed)(void *context), void *context);
void places_free(struct places *p);

// What does the place say of x? source is a path or http://...; ocsp: a responder. why as in
// revocation.h. changed may be called before this returns.
enum place_answer places_ask(
	struct places *p, const char *source, bool ocsp, X509 *x, X509 *issuer, char *why);
// Reads a file of CRLs at once, on the caller's thread. -EINVAL after why.
int places_read_file(struct places *p, const char *path, X509 *issuer, char *why);

// For the API: of the CRL of that issuer.
struct place_info {
	const char *source;
	int64_t fetched, next; // seconds since 1970; 0 = not yet, it does not say
	uint64_t entries;
	const char *error; // of the newest try; NULL: none
};
// False when there is no such place.
bool places_crl_info(const struct places *p, X509 *issuer, struct place_info *out);

// Seconds since 1970. Tests set another clock; NULL: the system's.
int64_t places_now(void);
void places_set_clock(int64_t (*now)(void));

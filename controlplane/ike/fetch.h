// SPDX-License-Identifier: Apache-2.0
#pragma once

// One answer of one place, read or fetched and checked: what place.c does on the thread pool. It
// blocks, up to PLACE_TIMEOUT_S and what the resolver takes.

#include "certificate_file.h"
#include "place.h"

#include <time.h>

struct fetch {
	// Asked.
	const char *source;
	bool ocsp, legacy;
	X509 *x, *issuer;
	struct certificate_stamp stamp;
	// Answered.
	bool unchanged;              // the file is as it was
	bool silent;                 // the server cannot be reached, or takes too long
	X509_CRL *crl;               // NULL: see why
	enum revocation_answer said; // by OCSP
	int64_t next;                // seconds since 1970, 0 = it does not say
	char why[REVOCATION_WHY];    // empty: it went well
};

void fetch_run(struct fetch *f);

// SPDX-License-Identifier: Apache-2.0
#pragma once

// The section certificates of the config, together: what we show (credential.h) and whom we believe
// (trust.h), and the days that they have left.

#include "credential.h"
#include "trust.h"

struct certificates;

// Reads all files that the config names. NULL after an error, which says in why, in words, which
// file and what to do. config and timers must outlive it.
struct certificates *certificates_create(
	const struct config *config, struct timers *timers, char *why, size_t size);
void certificates_free(struct certificates *c);
const struct credentials *certificates_own(const struct certificates *c);
struct trust *certificates_trust(const struct certificates *c);
// Says in the log, now and each day, which of them end within config's certificates.warn, and which
// have ended; and looks each minute whether files of our own have changed.
void certificates_watch(struct certificates *c);
// Seconds since 1970.
int64_t certificates_now(void);

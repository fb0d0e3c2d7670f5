// SPDX-License-Identifier: Apache-2.0
#pragma once

// Which of the config's pre-shared keys fit a peer: those that name its identity, and if there is
// none, those that name no identity; of these the ones for the longest prefix. So who has the key
// for everybody cannot pass for a peer that has its own. Several may fit, in the order of the file:
// while keys are rotated the old and the new one are good.
//
// Version 2 knows the identity when it needs the key (RFC 7296 section 2.15). In main mode of
// version 1 the key is needed to read the identity (RFC 2409 section 5.4), so all that may fit the
// address are tried, and the one that opens the message must then fit the identity in it.
//
// A key is told by its place in ike.psks, counted from 0, and never by its secret.

#include "contract/config.h"
#include "identity.h"

enum { PSK_CANDIDATES = 16 }; // keys that are tried for one peer; what else fits is not

struct psks;

struct psk_list {
	uint32_t places[PSK_CANDIDATES]; // the first to be tried first
	size_t count;
	bool cut; // more would have fitted
};

// The config must outlive it. NULL without memory. A key for an identity that makes no sense fits
// nobody; that is logged.
struct psks *psks_create(const struct config *config);
void psks_free(struct psks *p);

// Whether a key fits this address, whatever the identity.
bool psks_any(const struct psks *p, const struct ip_address *remote);
// Those that fit; id NULL: those that may, whatever the identity turns out to be; the ones that
// name an identity first, then the longer prefix.
void psks_find(const struct psks *p, const struct ip_address *remote, const struct identity *id,
	struct psk_list *out);
struct span psks_secret(const struct psks *p, uint32_t place);
// Whether that one is among those that fit.
bool psks_fits(const struct psks *p, uint32_t place, const struct ip_address *remote,
	const struct identity *id);

// A peer has proven that key, at that time of the timers' clock.
void psks_used(struct psks *p, uint32_t place, uint64_t now_ms);
// For the API: how often, and when last (0 = never).
struct psk_use {
	uint64_t count, last_ms;
};
struct psk_use psks_use(const struct psks *p, uint32_t place);

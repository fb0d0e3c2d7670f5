// SPDX-License-Identifier: Apache-2.0
#pragma once

// When a pair of ESP SAs or an IKE SA is renewed by us, by which of its limits, and what becomes of
// the one before. The exchanges are the version's: rekey_pair and rekey_sa of struct ike_version.
//
// Only the pair that outbound leaves through is renewed. It is due at ike.rekey-at percent, less a
// random part of ike.rekey-jitter, of the smaller of our limit and the agreed one, in time, bytes
// and packets of either direction, and when 3/4 of its sequence numbers are used. A peer that does
// not help is asked again, ever more seldom, until the limit itself ends the pair: at the end of
// its time, or LIFETIME_GRACE_MS after it has carried too much.
//
// Make before break: what we have renewed still decrypts for some seconds after outbound has
// moved, and is deleted by us then; and a little longer, for a peer of version 2 may move only when
// it hears that Delete. What the peer has renewed is the peer's to delete.

#include "state.h"

enum {
	REKEY_COUNT_MS = 100,   // between looks at the packets of a pair
	REKEY_AWAIT_MS = 2000,  // until the first packet on a new pair is not waited for any more
	REKEY_RETIRE_MS = 2000, // from the new pair's confirmation to the old one's Delete,
	REKEY_LINGER_MS = 2000, // and from there until it does not decrypt any more
	REKEY_RETRY_MS = 1000,  // after a failure; doubled each time up to
	REKEY_RETRY_MAX_MS = 60000,
	REKEY_STUCK_MS = 120000, // without a word from the exchange it is taken for failed
};

// The pair is there on both sides, but whether the peer has it in place already is not known: it is
// confirmed by the first packet that comes in on it, or after REKEY_AWAIT_MS. Called again, the
// wait begins again. lifetime_ms as for pair_confirm.
void rekey_pair_await(struct esp_pair *pair, uint64_t lifetime_ms);
// The pair has a successor, or was never wanted, and is ours to delete: after a while it is.
void rekey_pair_retire(struct esp_pair *pair);
// The exchange that was to renew the pair of that SPI has come to nothing; reason for the log.
void rekey_pair_failed(struct ike *ike, uint32_t spi_in, const char *reason);
// The same of an IKE SA that is still there.
void rekey_sa_failed(struct ike_sa *sa, const char *reason);
// The same, and the peer is not asked again, for this SA or for another.
void rekey_sa_left(struct ike_sa *sa, const char *reason);
// The SA has a successor: it is the peer's to delete, and goes by itself after LIFETIME_GRACE_MS.
void rekey_sa_leave(struct ike_sa *sa);
// A limit of the pair has come near: it is renewed now if that is ours to do.
void rekey_pair_due(struct esp_pair *pair, const char *why);

// For pair.c and sa.c: a pair was confirmed, is the one that outbound leaves through, goes (its
// peer may be gone); an IKE SA was established.
void rekey_pair_begin(struct esp_pair *pair);
void rekey_pair_current(struct esp_pair *pair);
void rekey_pair_end(struct ike *ike, struct esp_pair *pair);
void rekey_sa_begin(struct ike_sa *sa);

// at percent of limit, less up to jitter percent, as random says of all its 32 bits; never less
// than a tenth.
uint64_t rekey_soft(uint64_t limit, unsigned at, unsigned jitter, uint32_t random);

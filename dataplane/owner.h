// SPDX-License-Identifier: Apache-2.0
#pragma once

// Ownership in one call, for the stages.

#include "dataplane/worker.h"

// True when this worker owns, or could claim, what *owner stands for. Otherwise the packet is
// gone: to its owner, or dropped. Pointers into the tables do not go along: the packet may lie in
// a ring while what they point to is freed.
static inline bool owner_or_handover(
	struct worker *w, struct rte_mbuf *m, uint16_t *owner, enum handover_stage stage)
{
	if (likely(__atomic_load_n(owner, __ATOMIC_RELAXED) == w->index + 1))
		return true;
	while (!worker_owns(w, owner)) {
		uint16_t other = __atomic_load_n(owner, __ATOMIC_ACQUIRE);

		if (other == 0) // given up in this moment
			continue;
		meta_of(m)->sa = NULL;
		meta_of(m)->tunnel = NULL;
		worker_handover(w, m, other, stage);
		return false;
	}
	return true;
}

// So many packets in a row that another worker handed over: what they belong to arrives there now.
enum { OWNER_STRANGE_MOST = 64 };

// Gives the claim up: the next worker that gets a packet of it takes it.
static inline void owner_release(uint16_t *owner)
{
	__atomic_store_n(owner, 0, __ATOMIC_RELEASE);
}

// SPDX-License-Identifier: Apache-2.0
#pragma once

// The fragments that a worker keeps. The stage itself is in stage.h.

#include "dataplane/worker.h"

#include <rte_mempool.h>
#include <stdint.h>

enum {
	REASSEMBLE_PIECES = 64,      // of one datagram: the longest where the MTU is 1060
	REASSEMBLE_FIRST_LEAST = 16, // bytes: UDP header and an ESP or L2TP header's beginning
	REASSEMBLE_MS = 2000,        // how long a datagram may take; see reassemble.c
};

struct reassembly;

// For one of so many workers. It keeps at most an eighth of the pool, shared among the workers;
// longer datagrams than the pool's buffers hold are put together in worker.large. seed: the same
// for all workers, secret. NULL when there is no memory.
struct reassembly *reassembly_create(
	const struct rte_mempool *pool, uint16_t workers, uint32_t seed);
// What it keeps is the pool's. NULL is allowed.
void reassembly_destroy(struct reassembly *r);

// Drops what has waited for too long at that time (nanoseconds, as worker.now). Cheap when there is
// nothing; the worker calls it in each round.
void reassemble_expire(struct worker *w, uint64_t now);

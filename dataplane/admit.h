// SPDX-License-Identifier: Apache-2.0
#pragma once

// Which IKE messages are worth a place in the punt ring: see admit.c.

#include "contract/ike_spi.h"
#include "contract/messages.h"

#include "dataplane/worker.h"

#include <rte_common.h>

enum {
	ADMIT_FIRSTS_MOST = 1000000, // messages a second that a control plane may ask for
	ADMIT_BURST_MS = 250,        // what comes at once: so much of the rate
	ADMIT_SOURCE_SHARE = 4,      // one source gets a quarter of the rate at most
	ADMIT_KNOWN_RATE = 200,      // messages a second of one IKE SA
	ADMIT_AGAIN_S = 30,          // in which who asks again does so
};

// What the control plane asked for; in the tables, shared. Written by the clerk, a word at a time:
// a worker that reads half of a new key misjudges one message.
struct ike_admit {
	uint64_t key[2];
	uint32_t first_ns;                 // between two firsts; 0 = nothing was asked for
	uint64_t full __rte_cache_aligned; // when the bucket of firsts is full; the workers
};

// -EINVAL: see contract/messages.h.
int ike_admit_set(struct ike_admit *a, const struct command_ike_admit *command);

// What one of so many workers remembers. NULL when there is no memory; NULL may be destroyed.
struct admission *admission_create(uint16_t workers);
void admission_destroy(struct admission *a);

// From the ISAKMP header on. DROP_COUNT: it may go to the control plane; else why it may not.
enum drop admit(struct worker *w, const struct rte_mbuf *m);

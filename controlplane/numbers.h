// SPDX-License-Identifier: Apache-2.0
#pragma once

// The numbers that the dataplane knows tunnels and sessions by (contract/ids.h), for all that makes
// any: L2TP, and access without it.

#include "idpool.h"

struct numbers {
	struct idpool tunnels;  // ids, 1 to LIMIT_TUNNELS - 1
	struct idpool sessions; // indexes
};

// So many sessions; the first tunnel id is a random one. 0, -ENOMEM or -EIO.
int numbers_open(struct numbers *n, uint32_t sessions);
// One that was never opened, all zero, is allowed.
void numbers_close(struct numbers *n);

// SPDX-License-Identifier: Apache-2.0
#pragma once

// The stats segment (contract/stats.h) as its only writer sees it.

#include "contract/stats.h"

#include <stdint.h>

struct stats {
	int fd; // sealed: whoever gets it can only read
	struct stats_header *header;
	struct stats_worker *worker;
	struct stats_port *port;
	struct stats_sa *sa;
	struct stats_session *session;
	struct stats_group *group; // LIMIT_GROUPS of each worker
	uint64_t size;             // bytes
};

// Makes and maps it. tsc_hz as in the header. Returns 0 or -errno.
int stats_create(struct stats *s, uint32_t workers, uint32_t ports, uint32_t sas, uint32_t sessions,
	uint64_t tsc_hz);
void stats_destroy(struct stats *s);

// SPDX-License-Identifier: Apache-2.0
#pragma once

// Free numbers, the longest free first, so that a number that is late on the wire somewhere is not
// taken for its successor.

#include <stdint.h>

struct idpool {
	uint32_t *ring;
	uint32_t size, head, count;
};

enum { IDPOOL_NONE = 0xffffffff };

// The numbers from first on, count of them, starting with the one at offset start. -ENOMEM.
int idpool_open(struct idpool *p, uint32_t first, uint32_t count, uint32_t start);
void idpool_close(struct idpool *p);
// IDPOOL_NONE when none is free.
uint32_t idpool_take(struct idpool *p);
// Gives back a number that idpool_take returned.
void idpool_give(struct idpool *p, uint32_t number);

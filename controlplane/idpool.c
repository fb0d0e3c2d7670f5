// SPDX-License-Identifier: Apache-2.0

#include "idpool.h"

#include <errno.h>
#include <stdlib.h>

int idpool_open(struct idpool *p, uint32_t first, uint32_t count, uint32_t start)
{
	*p = (struct idpool){.ring = calloc(count ? count : 1, sizeof(*p->ring))};
	if (!p->ring)
		return -ENOMEM;
	p->size = p->count = count;
	for (uint32_t i = 0; i < count; i++)
		p->ring[i] = first + (uint32_t)(((uint64_t)start + i) % count);
	return 0;
}

void idpool_close(struct idpool *p)
{
	free(p->ring);
	*p = (struct idpool){0};
}

uint32_t idpool_take(struct idpool *p)
{
	uint32_t number;

	if (p->count == 0)
		return IDPOOL_NONE;
	number = p->ring[p->head];
	p->head = (p->head + 1) % p->size;
	p->count--;
	return number;
}

void idpool_give(struct idpool *p, uint32_t number)
{
	if (p->count == p->size)
		return;
	p->ring[(uint32_t)(((uint64_t)p->head + p->count) % p->size)] = number;
	p->count++;
}

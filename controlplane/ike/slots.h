// SPDX-License-Identifier: Apache-2.0
#pragma once

// A table of objects that are named by ids of contract/ids.h: index and generation. The index that
// has been free longest is used next, so that an id comes back as late as possible.

#include <stdint.h>

struct slot {
	void *object; // NULL = free
	uint32_t next_free;
	uint16_t generation; // of the newest id of this index
};

struct slots {
	struct slot *slot;
	uint32_t size, used;
	uint32_t first, last; // of the free ones; valid while used < size
};

// size from 1 to LIMIT_SAS. generation is the one that the first ids follow: a random number makes
// ids of an earlier life of the process unlikely to fit. 0 or -ENOMEM.
int slots_init(struct slots *s, uint32_t size, uint16_t generation);
void slots_free(struct slots *s);
// The id of the object from now on, or ID_NONE when the table is full.
uint32_t slots_take(struct slots *s, void *object);
// NULL when nothing has this id.
void *slots_get(const struct slots *s, uint32_t id);
// Gives the id back; nothing happens when nothing has it.
void slots_give(struct slots *s, uint32_t id);
// The object at an index below size, or NULL.
void *slots_at(const struct slots *s, uint32_t index);

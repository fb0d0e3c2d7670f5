// SPDX-License-Identifier: Apache-2.0

// See slots.h.

#include "slots.h"

#include "contract/ids.h"

#include <errno.h>
#include <stdlib.h>

int slots_init(struct slots *s, uint32_t size, uint16_t generation)
{
	*s = (struct slots){.size = size, .last = size - 1};
	s->slot = calloc(size, sizeof(*s->slot));
	if (!s->slot)
		return -ENOMEM;
	for (uint32_t i = 0; i < size; i++) {
		s->slot[i].next_free = i + 1;
		s->slot[i].generation = generation;
	}
	return 0;
}

void slots_free(struct slots *s)
{
	free(s->slot);
	*s = (struct slots){0};
}

uint32_t slots_take(struct slots *s, void *object)
{
	uint32_t index = s->first, id;

	if (s->used == s->size)
		return ID_NONE;
	id = id_make(index, s->slot[index].generation + 1u);
	s->slot[index].generation = id_generation(id);
	s->slot[index].object = object;
	s->first = s->slot[index].next_free;
	s->used++;
	return id;
}

void *slots_get(const struct slots *s, uint32_t id)
{
	uint32_t index = id_index(id);

	if (index >= s->size || s->slot[index].generation != id_generation(id))
		return NULL;
	return s->slot[index].object;
}

void slots_give(struct slots *s, uint32_t id)
{
	uint32_t index = id_index(id);

	if (!slots_get(s, id))
		return;
	s->slot[index].object = NULL;
	if (s->used == s->size)
		s->first = index;
	else
		s->slot[s->last].next_free = index;
	s->last = index;
	s->used--;
}

void *slots_at(const struct slots *s, uint32_t index)
{
	return index < s->size ? s->slot[index].object : NULL;
}

// SPDX-License-Identifier: Apache-2.0

// One end of a ring while the other side writes any positions: no element beyond the mapping is
// ever given out, none twice at a time, and a ring that is broken stays so.

#include "ring.h"

#include "view.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ELEMENTS = 16, ELEMENT = 256, STEPS = 256 };

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int memory;

static void check(bool right)
{
	if (!right)
		abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	memory = memfd_create("ring", MFD_CLOEXEC);
	check(memory >= 0 && ftruncate(memory, ELEMENTS * ELEMENT) == 0);
	return 0;
}

// An element lies in the shared part and begins where one begins; all of it can be written.
static void check_element(const struct ring *r, const void *element, bool write)
{
	const uint8_t *base = (const uint8_t *)r->mapping + r->mapped - ELEMENTS * ELEMENT;
	size_t at;

	if (!element)
		return;
	check((const uint8_t *)element >= base);
	at = (size_t)((const uint8_t *)element - base);
	check(at % ELEMENT == 0 && at < ELEMENTS * ELEMENT);
	if (write)
		memset((uint8_t *)(uintptr_t)element, 0x5a, ELEMENT);
}

// The one behind so many others; all before it are there as well, each another one.
static void use(struct ring *r, bool advance, uint32_t behind)
{
	bool was_broken = r->broken;
	const void *element = NULL, *last = NULL;

	check(ring_count(r) < ELEMENTS);
	for (uint32_t i = 0; i <= behind; i++) {
		last = element;
		element = r->end == RING_PRODUCER ? ring_slot_at(r, i) : ring_front_at(r, i);
		check_element(r, element, r->end == RING_PRODUCER);
		check(!was_broken || (r->broken && !element));
		check(!element || (element != last && (last || i == 0)));
	}
	if (!element || !advance)
		return;
	if (r->end == RING_PRODUCER)
		ring_push_all(r, behind + 1);
	else
		ring_pop_all(r, behind + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ring_tails tails;
	struct view v = view_of(data, size);
	enum ring_end end = view_u8(&v) & 1 ? RING_PRODUCER : RING_CONSUMER;
	uint32_t *theirs = end == RING_PRODUCER ? &tails.consumed : &tails.produced;
	struct ring r;

	tails = (struct ring_tails){0};
	check(ring_map(&r, memory, 0, &tails, ELEMENTS, ELEMENT, end) == 0);
	for (int i = 0; view_left(&v) && i < STEPS; i++) {
		uint8_t step = view_u8(&v);

		if (step < 0x40)
			*theirs += step & 0x1f;
		else if (step < 0x50)
			*theirs = view_u32(&v);
		else
			use(&r, step & 1, step >> 1 & 7);
	}
	ring_unmap(&r);
	return 0;
}

// SPDX-License-Identifier: Apache-2.0
#pragma once

// One single-producer single-consumer ring of the channel: DPDK's rte_ring with inline elements,
// shared by two processes that do not trust each other with memory safety.
//
// rte_ring keeps its size, its mask and both positions in a header right before its elements. If
// that header were shared, either side could make the other read or write anywhere. So each side
// has a header of its own, on a private page that is mapped right before the shared elements, and
// only the two positions are exchanged, through struct ring_tails. A position that the other side
// wrote is checked against our own before it is used: one that makes no sense breaks the ring.
//
// The consumer looks at an element in place; the producer may still change it, so it copies what
// it needs first and checks the copy.

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum ring_end {
	RING_PRODUCER,
	RING_CONSUMER,
};

// In the shared region, one per ring. Each position is written by one side alone.
struct ring_tails {
	_Alignas(64) uint32_t produced; // elements ever put, modulo 2^32
	_Alignas(64) uint32_t consumed; // elements ever taken, modulo 2^32
};

struct rte_ring;

struct ring {
	struct rte_ring *ring;    // the private header; the elements follow it
	struct ring_tails *tails; // shared
	void *mapping;            // the private page and the elements, for ring_unmap
	size_t mapped;            // bytes
	uint32_t element;         // bytes of one, a multiple of 4
	enum ring_end end;
	bool broken; // the other side wrote a position that cannot be
};

// Maps the elements at offset elements_at of fd (page-aligned); tails is in a mapping that the
// caller keeps. elements is a power of two; element is their size in bytes, a multiple of 4.
// The positions start at 0, so both sides map before either uses the ring. Returns 0 or -errno.
int ring_map(struct ring *r, int fd, off_t elements_at, struct ring_tails *tails, uint32_t elements,
	uint32_t element, enum ring_end end);
void ring_unmap(struct ring *r);

// Producer: room for the next element, or NULL when the ring is full or broken. Fill it and push.
void *ring_slot(struct ring *r);
void ring_push(struct ring *r);
// The same for elements that belong together: room for the one behind so many others, or NULL when
// there is no room for it and all before it. ring_push_all puts the first count of them at once.
void *ring_slot_at(struct ring *r, uint32_t behind);
void ring_push_all(struct ring *r, uint32_t count);

// Consumer: the oldest element, or NULL when the ring is empty or broken. Copy, then pop.
const void *ring_front(struct ring *r);
void ring_pop(struct ring *r);
// The same: the element behind so many others, or NULL; ring_pop_all takes the first count.
const void *ring_front_at(struct ring *r, uint32_t behind);
void ring_pop_all(struct ring *r, uint32_t count);

// Elements in the ring as this side sees it.
uint32_t ring_count(struct ring *r);

// SPDX-License-Identifier: Apache-2.0

#include "ring.h"

#include <errno.h>
#include <rte_ring.h>
#include <rte_ring_peek_zc.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// rte_ring_init lives in a DPDK library that the control plane does not link; for a ring of one
// producer and one consumer the header is just this.
static void header_init(struct rte_ring *ring, uint32_t elements)
{
	memset(ring, 0, sizeof(*ring));
	ring->flags = RING_F_SP_ENQ | RING_F_SC_DEQ;
	ring->size = elements;
	ring->mask = elements - 1;
	ring->capacity = elements - 1; // one slot tells full from empty
	ring->prod.sync_type = RTE_RING_SYNC_ST;
	ring->cons.sync_type = RTE_RING_SYNC_ST;
}

int ring_map(struct ring *r, int fd, off_t elements_at, struct ring_tails *tails, uint32_t elements,
	uint32_t element, enum ring_end end)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t size = (size_t)elements * element;
	char *base;

	if (elements < 2 || (elements & (elements - 1)) || element % 4 || size % page)
		return -EINVAL;
	base = mmap(NULL, page + size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (base == MAP_FAILED)
		return -errno;
	if (mmap(base + page, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
		    elements_at) == MAP_FAILED) {
		int error = -errno;

		munmap(base, page + size);
		return error;
	}
	*r = (struct ring){
		.ring = (struct rte_ring *)(base + page - sizeof(struct rte_ring)),
		.tails = tails,
		.mapping = base,
		.mapped = page + size,
		.element = element,
		.end = end,
	};
	header_init(r->ring, elements);
	return 0;
}

void ring_unmap(struct ring *r)
{
	if (r->mapping)
		munmap(r->mapping, r->mapped);
	memset(r, 0, sizeof(*r));
}

// Takes over the other side's position. False when it cannot be: the ring is broken from then on.
static bool take_position(struct ring *r)
{
	struct rte_ring *ring = r->ring;
	struct rte_ring_headtail *other = r->end == RING_PRODUCER ? &ring->cons : &ring->prod;
	uint32_t *shared = r->end == RING_PRODUCER ? &r->tails->consumed : &r->tails->produced;
	uint32_t position;

	if (r->broken)
		return false;
	position = __atomic_load_n(shared, __ATOMIC_ACQUIRE);
	// Neither side's position may go back, nor may what is between them pass the capacity.
	if (r->end == RING_PRODUCER)
		r->broken = ring->prod.tail - position > ring->capacity ||
			    position - other->tail > ring->prod.tail - other->tail;
	else
		r->broken = position - ring->cons.tail > ring->capacity ||
			    position - ring->cons.tail < other->tail - ring->cons.tail;
	if (r->broken)
		return false;
	other->head = position;
	other->tail = position;
	return true;
}

// The element behind so many others; the zone says where those lie that were asked for.
static void *zone_at(const struct ring *r, const struct rte_ring_zc_data *zc, uint32_t behind)
{
	size_t element = r->element;

	if (behind < zc->n1)
		return (char *)zc->ptr1 + behind * element;
	return (char *)zc->ptr2 + (behind - zc->n1) * element;
}

void *ring_slot_at(struct ring *r, uint32_t behind)
{
	struct rte_ring_zc_data zc;

	if (!take_position(r) || rte_ring_enqueue_zc_bulk_elem_start(
					 r->ring, r->element, behind + 1, &zc, NULL) == 0)
		return NULL;
	// Nothing is taken until the push: the head goes back, so that a slot may be given up.
	rte_ring_enqueue_zc_elem_finish(r->ring, 0);
	return zone_at(r, &zc, behind);
}

void *ring_slot(struct ring *r)
{
	return ring_slot_at(r, 0);
}

void ring_push_all(struct ring *r, uint32_t count)
{
	struct rte_ring_zc_data zc;

	rte_ring_enqueue_zc_bulk_elem_start(r->ring, r->element, count, &zc, NULL);
	rte_ring_enqueue_zc_elem_finish(r->ring, count);
	__atomic_store_n(&r->tails->produced, r->ring->prod.tail, __ATOMIC_RELEASE);
}

void ring_push(struct ring *r)
{
	ring_push_all(r, 1);
}

const void *ring_front_at(struct ring *r, uint32_t behind)
{
	struct rte_ring_zc_data zc;

	if (!take_position(r) || rte_ring_dequeue_zc_bulk_elem_start(
					 r->ring, r->element, behind + 1, &zc, NULL) == 0)
		return NULL;
	rte_ring_dequeue_zc_elem_finish(r->ring, 0);
	return zone_at(r, &zc, behind);
}

const void *ring_front(struct ring *r)
{
	return ring_front_at(r, 0);
}

void ring_pop_all(struct ring *r, uint32_t count)
{
	struct rte_ring_zc_data zc;

	rte_ring_dequeue_zc_bulk_elem_start(r->ring, r->element, count, &zc, NULL);
	rte_ring_dequeue_zc_elem_finish(r->ring, count);
	__atomic_store_n(&r->tails->consumed, r->ring->cons.tail, __ATOMIC_RELEASE);
}

void ring_pop(struct ring *r)
{
	ring_pop_all(r, 1);
}

uint32_t ring_count(struct ring *r)
{
	return take_position(r) ? r->ring->prod.tail - r->ring->cons.tail : 0;
}

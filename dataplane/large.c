// SPDX-License-Identifier: Apache-2.0

// See large.h. The pool has no caches: what one worker hoards another one lacks, and a packet that
// takes a memcpy of tens of kilobytes does not notice the ring.

#include "dataplane/large.h"

#include <rte_mempool.h>
#include <string.h>

enum {
	// As many as can be made whole by one burst of fragments. They are gone when it is, but
	// for those that another worker has to see.
	PER_WORKER = BURST,
};

struct rte_mempool *large_pool_create(uint16_t workers)
{
	return rte_pktmbuf_pool_create(
		"large", (unsigned)workers * PER_WORKER, 0, META_SIZE, LARGE_MOST, SOCKET_ID_ANY);
}

struct rte_mbuf *large_get(struct worker *w, const struct rte_mbuf *like)
{
	struct rte_mbuf *m = w->large ? rte_pktmbuf_alloc(w->large) : NULL;

	if (!m)
		return NULL;
	m->data_off = 0;
	*meta_of(m) = *meta_of((struct rte_mbuf *)(uintptr_t)like);
	meta_of(m)->flags |= META_LARGE;
	return m;
}

struct rte_mbuf *large_front(struct worker *w, const struct rte_mbuf *m, uint16_t length)
{
	struct rte_mbuf *f = packet_new(w);
	char *to = f ? rte_pktmbuf_append(f, length) : NULL;

	if (!to) {
		rte_pktmbuf_free(f);
		return NULL;
	}
	memcpy(to, rte_pktmbuf_mtod(m, const char *), length);
	*meta_of(f) = *meta_of((struct rte_mbuf *)(uintptr_t)m);
	meta_of(f)->flags &= (uint8_t)~META_LARGE;
	return f;
}

bool large_settle(struct worker *w, struct rte_mbuf **m)
{
	uint16_t room = rte_pktmbuf_data_room_size(w->pool) - RTE_PKTMBUF_HEADROOM;
	struct rte_mbuf *f;

	if ((*m)->data_len > room)
		return true;
	f = large_front(w, *m, (*m)->data_len);
	if (!f)
		return false;
	rte_pktmbuf_free(*m);
	*m = f;
	return true;
}

// SPDX-License-Identifier: Apache-2.0

// The memory of the tables. The arrays come from DPDK's heap, so from hugepages where there are
// any, once at the start: a table that is full refuses, it does not grow.

#include "dataplane/tunnel.h"

#include "dataplane/admit.h"
#include "dataplane/group.h"
#include "dataplane/path_mtu.h"
#include "dataplane/sa.h"
#include "dataplane/scratch.h"
#include "dataplane/session.h"

#include <errno.h>
#include <rte_malloc.h>
#include <rte_memory.h>
#include <rte_ring_elem.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { NOTICES = 1024 }; // slots of a ring from the workers to the clerk

// AddressSanitizer sees no mistake in DPDK's heap: built with it, all comes from the process's.
#ifndef __has_feature // clang's way to ask
#define __has_feature(name) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
enum { HEAP_OF_DPDK = 0 };
#else
enum { HEAP_OF_DPDK = 1 };
#endif

void *table_alloc(size_t bytes)
{
	void *p = HEAP_OF_DPDK ? rte_zmalloc("table", bytes, 64) : NULL;

	if (p)
		return p;
	if (posix_memalign(&p, 64, bytes))
		return NULL;
	memset(p, 0, bytes);
	return p;
}

void table_free(void *p)
{
	if (p && rte_mem_virt2memseg_list(p))
		rte_free(p);
	else
		free(p);
}

// Each worker's own random key for IVs; see scratch.h.
static int scratch_init(struct tables *t)
{
	_Alignas(16) uint8_t unused[16 * 15];
	uint8_t key[16];

	for (unsigned i = 0; i < LIMIT_WORKERS; i++) {
		if (getrandom(key, sizeof(key), 0) != sizeof(key))
			return -EIO;
		IMB_AES_KEYEXP_128(t->mgr, key, t->scratch[i].iv_key, unused);
	}
	explicit_bzero(key, sizeof(key));
	explicit_bzero(unused, sizeof(unused));
	return 0;
}

static struct rte_ring *notices_create(const char *name, unsigned element)
{
	ssize_t size = rte_ring_get_memsize_elem(element, NOTICES);
	struct rte_ring *r = size > 0 ? table_alloc((size_t)size) : NULL;

	if (r && rte_ring_init(r, name, NOTICES, RING_F_SC_DEQ)) {
		table_free(r);
		return NULL;
	}
	return r;
}

static void tables_free(struct tables *t)
{
	if (t->scratch)
		explicit_bzero(t->scratch, LIMIT_WORKERS * sizeof(*t->scratch));
	table_free(t->sa);
	table_free(t->tunnel);
	table_free(t->session);
	table_free(t->session_cold);
	table_free(t->groups);
	table_free(t->ike_admit);
	table_free(t->scratch);
	table_free(t->notices);
	table_free(t->moves);
	path_mtu_free(t->path_mtu);
	free(t);
}

struct tables *tables_create(uint32_t sas, uint32_t sessions, struct stats_sa *sa_stats,
	struct stats_session *session_stats, struct IMB_MGR *mgr, struct rte_rcu_qsbr *qsbr)
{
	struct tables *t;

	if (sas == 0 || sas > LIMIT_SAS || sessions == 0 || sessions > LIMIT_SESSIONS)
		return NULL;
	t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	*t = (struct tables){
		.sas = sas,
		.sessions = sessions,
		.sa = table_alloc(sas * sizeof(*t->sa)),
		.tunnel = table_alloc(LIMIT_TUNNELS * sizeof(*t->tunnel)),
		.session = table_alloc(sessions * sizeof(*t->session)),
		.session_cold = table_alloc(sessions * sizeof(*t->session_cold)),
		.groups = table_alloc(sizeof(*t->groups)),
		.ike_admit = table_alloc(sizeof(*t->ike_admit)),
		.scratch = table_alloc(LIMIT_WORKERS * sizeof(*t->scratch)),
		.notices = notices_create("notices", sizeof(struct sa_notice)),
		.moves = notices_create("moves", sizeof(struct sa_move)),
		.path_mtu = path_mtu_create(),
		.sa_stats = sa_stats,
		.session_stats = session_stats,
		.mgr = mgr,
		.qsbr = qsbr,
		.workers = 1,
		.port_mtu = 1500,
	};
	if (t->sa && t->tunnel && t->session && t->session_cold && t->groups && t->ike_admit &&
		t->scratch && t->notices && t->moves && t->path_mtu && scratch_init(t) == 0)
		return t;
	tables_free(t);
	return NULL;
}

void tables_clear(struct tables *t)
{
	for (uint32_t i = 1; i < LIMIT_TUNNELS; i++) {
		if (t->tunnel[i])
			tunnel_remove(t, (uint16_t)i);
	}
	for (uint32_t i = 0; i < t->sa_high; i++) {
		if (t->sa[i])
			sa_remove(t, i);
	}
	t->sa_high = 0;
	groups_clear(t);
}

void tables_destroy(struct tables *t)
{
	if (!t)
		return;
	tables_clear(t);
	reclaim_wait(t);
	tables_free(t);
}

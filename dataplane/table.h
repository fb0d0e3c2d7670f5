// SPDX-License-Identifier: Apache-2.0
#pragma once

// The shared tables. One writer, the clerk; workers read without a lock. What the clerk takes out
// of a table is freed after every worker has passed a quiescent state (rte_rcu_qsbr), by
// reclaim_later.

#include "contract/messages.h"
#include "contract/stats.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sa;
struct tunnel;
struct session;
struct session_cold;
struct reclaim;
struct groups;    // group.h
struct scratch;   // scratch.h
struct path_mtu;  // path_mtu.h
struct ike_admit; // admit.h

// Outer IPv6 addresses of a tunnel or a pair of SAs, as on the wire; never changed in place.
struct outer6 {
	uint8_t local[16];
	uint8_t remote[16];
	uint16_t remote_port; // of UDP-encapsulated ESP, host byte order, else 0
};

struct tables {
	uint32_t sas;              // size of the SA table
	uint32_t sessions;         // size of the session table
	struct sa **sa;            // by index of the SPI; NULL = free
	struct tunnel **tunnel;    // by tunnel id, LIMIT_TUNNELS of them; NULL = free
	struct session *session;   // by index; contiguous, in place: no load to find one
	struct stats_sa *sa_stats; // in the stats segment
	struct stats_session *session_stats;
	struct groups *groups;       // and their filters
	struct ike_admit *ike_admit; // which IKE messages go to the control plane
	struct IMB_MGR *mgr; // of the clerk: expands keys; of the same CPU type as worker.mgr
	struct rte_rcu_qsbr *qsbr;

	// Set by the clerk after tables_create, before anything is added.
	uint16_t workers;  // how many there are: sessions of a fat tunnel are spread over them
	bool ports_spread; // the subscriber ports give each L2TP session to one worker by its id
	uint16_t port_mtu; // bytes: the smallest MTU of the subscriber ports; 1500 at first

	// Below: of the files that the functions of this header are in.
	struct session_cold *session_cold; // by index: what only the clerk looks at
	struct path_mtu *path_mtu;         // what routers said of the way to the peers
	struct reclaim *reclaim;           // what waits for a quiescent state, oldest first
	struct reclaim *reclaim_last;
	struct scratch *scratch;  // by worker index: working memory of that worker's stages
	struct rte_ring *notices; // workers to clerk: struct sa_notice
	struct rte_ring *moves;   // workers to clerk: struct sa_move
	bool notices_lost;        // the ring was full once: look at every SA
	uint32_t notices_scan;    // SA index at which that look goes on
	uint32_t sa_high;         // no SA was ever at this index or above
	uint64_t serial;          // of the newest SA; never repeats in this process
};

// Adds to what all workers write; returns what was there. The one worker of a small gateway does
// without the lock, which would wait for the line of each SA in turn.
static inline uint64_t tables_fetch_add(const struct tables *t, uint64_t *value, uint64_t n)
{
	uint64_t before;

	if (t->workers > 1)
		return __atomic_fetch_add(value, n, __ATOMIC_RELAXED);
	before = __atomic_load_n(value, __ATOMIC_RELAXED);
	__atomic_store_n(value, before + n, __ATOMIC_RELAXED);
	return before;
}

// All memory of the tables, in hugepages where there are any. NULL when there is none.
// sa_stats, session_stats, mgr and qsbr are the caller's and outlive it.
struct tables *tables_create(uint32_t sas, uint32_t sessions, struct stats_sa *sa_stats,
	struct stats_session *session_stats, struct IMB_MGR *mgr, struct rte_rcu_qsbr *qsbr);
// Clears first; waits until no worker can see anything any more. NULL is allowed.
void tables_destroy(struct tables *t);

// The commands of contract/messages.h on the tables; each is applied whole or not at all.
// All return 0 or the -errno that is written there, or -ENOMEM.
int sa_add(struct tables *t, const struct command_sa_add *c);
int sa_delete(struct tables *t, const struct command_sa_delete *c);
int sa_move(struct tables *t, const struct command_sa_move *c); // waits for a round of the workers
int tunnel_add(struct tables *t, const struct command_tunnel_add *c);
int tunnel_set_sa(struct tables *t, const struct command_tunnel_set_sa *c);
int tunnel_delete(struct tables *t, const struct command_tunnel_delete *c);
int session_add(struct tables *t, const struct command_session_add *c);
int session_set(struct tables *t, const struct command_session_set *c);
int session_delete(struct tables *t, const struct command_session_delete *c);
// All of them go; for RESET.
void tables_clear(struct tables *t);

// Clerk only: the next thing that the workers have to say about SAs, as a message of the event
// ring (EVENT_PEER_MOVED, EVENT_SA_EXHAUSTING or EVENT_SA_UNKNOWN) ready to be put there. False
// when there is none. To be asked every 100 ms or so until it says false.
bool sa_event_next(struct tables *t, struct message *event);

// Clerk only: peers over IPv6 that have moved are followed from now on. To be called whenever a
// worker woke the clerk, with or without a control plane.
void sa_moves(struct tables *t);
// Is there nothing for it to do?
bool sa_moves_idle(const struct tables *t);

// Calls release(object) once no worker can see it any more. Clerk only (reclaim.c).
void reclaim_later(struct tables *t, void *object, void (*release)(void *object));
// Frees what is due; the clerk calls it now and then. Returns how many still wait.
unsigned reclaim_poll(struct tables *t);
// Waits until nothing waits. Workers must be running or offline.
void reclaim_wait(struct tables *t);

// Zeroed memory at a multiple of 64, from DPDK's heap or, when that is used up, from the
// process's; NULL when there is none at all. table_free takes either, and NULL.
void *table_alloc(size_t bytes);
void table_free(void *p);

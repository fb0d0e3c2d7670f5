// SPDX-License-Identifier: Apache-2.0
#pragma once

// The shared tables. One writer, the clerk; workers read without a lock. What the clerk takes out
// of a table is freed after every worker has passed a quiescent state (rte_rcu_qsbr), by
// reclaim_later.

#include "contract/messages.h"
#include "contract/stats.h"

#include <stdint.h>

struct sa;
struct tunnel;
struct session;

struct tables {
	uint32_t sas;              // size of the SA table
	uint32_t sessions;         // size of the session table
	struct sa **sa;            // by index of the SPI; NULL = free
	struct tunnel **tunnel;    // by tunnel id, LIMIT_TUNNELS of them; NULL = free
	struct session *session;   // by index; contiguous, in place: no load to find one
	struct stats_sa *sa_stats; // in the stats segment
	struct stats_session *session_stats;
	struct IMB_MGR *mgr; // of the clerk: expands keys
	struct rte_rcu_qsbr *qsbr;
};

// All memory of the tables, in hugepages where there are any. NULL when there is none.
// sa_stats, session_stats, mgr and qsbr are the caller's and outlive it.
struct tables *tables_create(uint32_t sas, uint32_t sessions, struct stats_sa *sa_stats,
	struct stats_session *session_stats, struct IMB_MGR *mgr, struct rte_rcu_qsbr *qsbr);

// The commands of contract/messages.h on the tables; each is applied whole or not at all.
// All return 0 or the -errno that is written there.
int sa_add(struct tables *t, const struct command_sa_add *c);
int sa_delete(struct tables *t, const struct command_sa_delete *c);
int tunnel_add(struct tables *t, const struct command_tunnel_add *c);
int tunnel_set_sa(struct tables *t, const struct command_tunnel_set_sa *c);
int tunnel_delete(struct tables *t, const struct command_tunnel_delete *c);
int session_add(struct tables *t, const struct command_session_add *c);
int session_set(struct tables *t, const struct command_session_set *c);
int session_delete(struct tables *t, const struct command_session_delete *c);
// All of them go; for RESET.
void tables_clear(struct tables *t);

// Calls release(object) once no worker can see it any more. Clerk only (reclaim.c).
void reclaim_later(struct tables *t, void *object, void (*release)(void *object));
// Frees what is due; the clerk calls it now and then. Returns how many still wait.
unsigned reclaim_poll(struct tables *t);

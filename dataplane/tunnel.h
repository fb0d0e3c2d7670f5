// SPDX-License-Identifier: Apache-2.0
#pragma once

// L2TP tunnels, by tunnel id, and the map from the session ids on the wire to session indexes. What
// stands for the tunnel of a session without L2TP (kind TUNNEL_ESP) is here as well, for all but
// the wire: its outbound pair, its peer, its path MTU; its one session lies in the map.
//
// The control plane chooses session ids so that their low bits are free in the tunnel, so the map
// is indexed with them; it doubles until all ids are distinct in it, and the new one replaces the
// old one under RCU. The session itself says whether the whole id is right.

#include "contract/ids.h"

#include "dataplane/table.h"

#include <stdint.h>

struct session_map {
	uint32_t mask;    // entries - 1
	uint32_t entry[]; // session index or SESSION_NONE; atomic
};

struct tunnel {
	struct session_map *map; // atomic
	struct sa *sa;           // atomic: to send through; NULL with peer 0 or when none is left
	uint32_t peer;           // IKE peer, 0 = L2TP without IPsec
	uint32_t local;          // IPv4 in network byte order; 0: outer6
	uint32_t remote;
	struct outer6 *outer6; // NULL: the outer packets are IPv4. Of the tunnel, and freed with it
	uint16_t local_port;   // of L2TP, host byte order
	uint16_t remote_port;
	uint16_t id;            // ours
	uint16_t peer_tunnel;   // the peer's
	uint32_t session_count; // clerk only
	uint32_t own_map[2];    // a struct session_map of one entry, which most tunnels do with
	uint8_t kind;           // enum tunnel_kind
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct tunnel) == 64, "one line");

static inline struct tunnel *tunnel_find(const struct tables *t, uint16_t id)
{
	return __atomic_load_n(&t->tunnel[id], __ATOMIC_ACQUIRE);
}

static inline uint32_t tunnel_session(const struct tunnel *tunnel, uint16_t session_id)
{
	const struct session_map *m = __atomic_load_n(&tunnel->map, __ATOMIC_ACQUIRE);

	return __atomic_load_n(&m->entry[session_id & m->mask], __ATOMIC_ACQUIRE);
}

// Clerk: -EEXIST the id is taken, -ENOMEM.
int tunnel_map_put(struct tables *t, struct tunnel *tunnel, uint16_t session_id, uint32_t session);
void tunnel_map_take(struct tunnel *tunnel, uint16_t session_id);
// For tables_clear.
void tunnel_remove(struct tables *t, uint16_t id);

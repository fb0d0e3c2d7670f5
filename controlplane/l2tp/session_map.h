// SPDX-License-Identifier: Apache-2.0
#pragma once

// The sessions of one tunnel, by our session id and by the peer's. Our id is chosen as
// contract/ids.h says: its low bits are the lowest free slot of a map that doubles when it is full,
// so that they stay compact and distinct for the dataplane's map as well; the bits above are a
// generation that changes with every session.

#include <stdint.h>

struct session;

struct session_map {
	struct session **slots; // by the low bits of our id
	struct session **peers; // chains by the low bits of the peer's id
	uint32_t size;          // of both, a power of two; 0 before the first session
	uint32_t count;
	uint32_t lowest; // no slot below is free
	uint16_t generation;
};

// Takes the session in under s->peer_id and sets s->id, never 0. -ENOMEM, -ENOSPC.
int session_map_add(struct session_map *map, struct session *s);
void session_map_remove(struct session_map *map, struct session *s);
// NULL when there is none.
struct session *session_map_find(const struct session_map *map, uint16_t id);
struct session *session_map_find_peer(const struct session_map *map, uint16_t peer_id);
// Frees the map, not the sessions.
void session_map_close(struct session_map *map);

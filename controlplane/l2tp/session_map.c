// SPDX-License-Identifier: Apache-2.0

#include "session_map.h"

#include "session.h"

#include "contract/limits.h"

#include <errno.h>
#include <stdlib.h>

enum {
	SIZE_FIRST = 16,
	SIZE_LAST = LIMIT_SESSION_ID + 1, // slot 0 would be id 0 there, and stays empty
};

static void link_peer(struct session_map *map, struct session *s)
{
	struct session **chain = &map->peers[s->peer_id & (map->size - 1)];

	s->peer_next = *chain;
	*chain = s;
}

// Ids that are distinct in their low bits stay so with one bit more.
static int grow(struct session_map *map)
{
	uint32_t old_size = map->size;
	struct session **old = map->slots;
	struct session **slots, **peers;
	uint32_t size = old_size ? old_size * 2 : SIZE_FIRST;

	if (size > SIZE_LAST)
		return -ENOSPC;
	slots = calloc(size, sizeof(struct session *));
	peers = calloc(size, sizeof(struct session *));
	if (!slots || !peers) {
		free(slots);
		free(peers);
		return -ENOMEM;
	}
	free(map->peers);
	map->slots = slots;
	map->peers = peers;
	map->size = size;
	map->lowest = size == SIZE_LAST ? 1 : 0;
	for (uint32_t i = 0; i < old_size; i++) {
		if (!old[i])
			continue;
		slots[old[i]->id & (size - 1)] = old[i];
		link_peer(map, old[i]);
	}
	free(old);
	return 0;
}

static uint16_t choose_id(struct session_map *map)
{
	uint16_t id;

	do
		id = map->generation++ * map->size + map->lowest;
	while (id == 0);
	return id;
}

int session_map_add(struct session_map *map, struct session *s)
{
	while (map->lowest < map->size && map->slots[map->lowest])
		map->lowest++;
	if (map->lowest == map->size) {
		int error = grow(map);

		if (error)
			return error;
		while (map->slots[map->lowest])
			map->lowest++;
	}
	s->id = choose_id(map);
	map->slots[map->lowest++] = s;
	map->count++;
	link_peer(map, s);
	return 0;
}

void session_map_remove(struct session_map *map, struct session *s)
{
	uint32_t slot = s->id & (map->size - 1);
	struct session **at = &map->peers[s->peer_id & (map->size - 1)];

	while (*at && *at != s)
		at = &(*at)->peer_next;
	if (*at)
		*at = s->peer_next;
	map->slots[slot] = NULL;
	map->count--;
	if (slot < map->lowest)
		map->lowest = slot;
}

struct session *session_map_find(const struct session_map *map, uint16_t id)
{
	struct session *s = map->size ? map->slots[id & (map->size - 1)] : NULL;

	return s && s->id == id ? s : NULL;
}

struct session *session_map_find_peer(const struct session_map *map, uint16_t peer_id)
{
	struct session *s = map->size ? map->peers[peer_id & (map->size - 1)] : NULL;

	while (s && s->peer_id != peer_id)
		s = s->peer_next;
	return s;
}

void session_map_close(struct session_map *map)
{
	free(map->slots);
	free(map->peers);
	*map = (struct session_map){0};
}

// SPDX-License-Identifier: Apache-2.0

// See tunnel.h. A tunnel without IPsec is known by address and port; one with IPsec only by its
// IKE peer, so any number of clients behind one NAT address can have one (RFC 3193 section 4).

#include "dataplane/tunnel.h"

#include "dataplane/outer6.h"
#include "dataplane/path_mtu.h"
#include "dataplane/sa.h"
#include "dataplane/session.h"

#include <errno.h>
#include <string.h>

// In the tunnel's own line: no line more for a worker to fetch. Never used again once it was left,
// for workers may still look at it.
static struct session_map *map_own(struct tunnel *tunnel)
{
	_Static_assert(sizeof(tunnel->own_map) == sizeof(struct session_map) + sizeof(uint32_t),
		"room for one entry");
	return (struct session_map *)tunnel->own_map;
}

static struct session_map *map_create(uint32_t entries)
{
	struct session_map *m = table_alloc(sizeof(*m) + entries * sizeof(m->entry[0]));

	if (!m)
		return NULL;
	m->mask = entries - 1;
	memset(m->entry, 0xff, entries * sizeof(m->entry[0]));
	return m;
}

// Copies all sessions to the bigger map; false when two of them still share an entry.
static bool map_copy(const struct tables *t, const struct session_map *from, struct session_map *to)
{
	for (uint32_t i = 0; i <= from->mask; i++) {
		uint32_t session = from->entry[i];
		uint16_t id;

		if (session == SESSION_NONE)
			continue;
		id = t->session[session].uplink.session_id;
		if (to->entry[id & to->mask] != SESSION_NONE)
			return false;
		to->entry[id & to->mask] = session;
	}
	return true;
}

// A map in which all sessions of the old one and the new id have an entry each. Distinct ids of
// 16 bits are at the latest in one of 65536 entries.
static int map_grow(const struct tables *t, const struct session_map *old, uint16_t id,
	struct session_map **out)
{
	for (uint32_t entries = (old->mask + 1) * 2; entries <= LIMIT_SESSION_ID + 1;
		entries *= 2) {
		struct session_map *m = map_create(entries);

		if (!m)
			return -ENOMEM;
		if (map_copy(t, old, m) && m->entry[id & m->mask] == SESSION_NONE) {
			*out = m;
			return 0;
		}
		table_free(m);
	}
	return -EEXIST;
}

int tunnel_map_put(struct tables *t, struct tunnel *tunnel, uint16_t session_id, uint32_t session)
{
	struct session_map *old = tunnel->map, *m = old;
	uint32_t there = old->entry[session_id & old->mask];
	int error;

	if (there != SESSION_NONE) {
		if (t->session[there].uplink.session_id == session_id)
			return -EEXIST;
		error = map_grow(t, old, session_id, &m);
		if (error)
			return error;
	}
	__atomic_store_n(&m->entry[session_id & m->mask], session, __ATOMIC_RELEASE);
	if (m != old) {
		__atomic_store_n(&tunnel->map, m, __ATOMIC_RELEASE);
		if (old != map_own(tunnel))
			reclaim_later(t, old, table_free);
	}
	return 0;
}

void tunnel_map_take(struct tunnel *tunnel, uint16_t session_id)
{
	struct session_map *m = tunnel->map;

	__atomic_store_n(&m->entry[session_id & m->mask], SESSION_NONE, __ATOMIC_RELEASE);
}

static void tunnel_release(void *object)
{
	struct tunnel *tunnel = object;

	if (tunnel->map != map_own(tunnel))
		table_free(tunnel->map);
	table_free(tunnel->outer6);
	table_free(tunnel);
}

// The pair to send through. *out is NULL for spi 0. -EPERM: it is not for such a tunnel.
static int sa_for_tunnel(
	struct tables *t, uint32_t spi, uint32_t peer, uint8_t kind, struct sa **out)
{
	*out = NULL;
	if (spi == 0)
		return 0;
	*out = sa_find(t, spi);
	if (!*out)
		return -ENOENT;
	if (sa_is_tunnel_mode(*out) != (kind == TUNNEL_ESP))
		return -EPERM;
	return (*out)->peer == peer ? 0 : -EPERM;
}

static bool kind_valid(const struct command_tunnel_add *c)
{
	if (c->kind == TUNNEL_ESP)
		return c->peer && c->sa && !c->peer_tunnel && !c->local_port && !c->remote_port;
	return c->kind == TUNNEL_L2TP && c->peer_tunnel && c->local_port && c->remote_port;
}

static int tunnel_check(struct tables *t, const struct command_tunnel_add *c, struct sa **sa)
{
	int error;

	if (c->tunnel == 0 || !kind_valid(c))
		return -EINVAL;
	if (!outer_valid(&c->local, &c->remote) || (c->sa && !c->peer))
		return -EINVAL;
	if (t->tunnel[c->tunnel])
		return -EEXIST;
	error = sa_for_tunnel(t, c->sa, c->peer, c->kind, sa);
	return error == -EPERM ? -EINVAL : error;
}

static struct tunnel *tunnel_create(const struct command_tunnel_add *c, struct sa *sa)
{
	struct tunnel *tunnel = table_alloc(sizeof(*tunnel));

	if (!tunnel)
		return NULL;
	if (outer6_create(&c->local, &c->remote, 0, &tunnel->outer6)) {
		table_free(tunnel);
		return NULL;
	}
	tunnel->map = map_own(tunnel);
	tunnel->map->mask = 0;
	tunnel->map->entry[0] = SESSION_NONE;
	tunnel->sa = sa;
	tunnel->peer = c->peer;
	if (!tunnel->outer6) {
		memcpy(&tunnel->local, c->local.bytes, 4);
		memcpy(&tunnel->remote, c->remote.bytes, 4);
	}
	tunnel->local_port = c->local_port;
	tunnel->remote_port = c->remote_port;
	tunnel->id = c->tunnel;
	tunnel->peer_tunnel = c->peer_tunnel;
	tunnel->kind = c->kind;
	return tunnel;
}

int tunnel_add(struct tables *t, const struct command_tunnel_add *c)
{
	struct tunnel *tunnel;
	struct sa *sa;
	int error = tunnel_check(t, c, &sa);

	if (error)
		return error;
	tunnel = tunnel_create(c, sa);
	if (!tunnel)
		return -ENOMEM;
	if (sa)
		sa->tunnels++;
	__atomic_store_n(&t->tunnel[c->tunnel], tunnel, __ATOMIC_RELEASE);
	path_mtu_put(t, tunnel);
	return 0;
}

int tunnel_set_sa(struct tables *t, const struct command_tunnel_set_sa *c)
{
	struct tunnel *tunnel = t->tunnel[c->tunnel];
	struct sa *sa;
	int error;

	if (!tunnel)
		return -ENOENT;
	error = sa_for_tunnel(t, c->sa, tunnel->peer, tunnel->kind, &sa);
	if (error)
		return error;
	if (tunnel->sa)
		tunnel->sa->tunnels--;
	if (sa)
		sa->tunnels++;
	__atomic_store_n(&tunnel->sa, sa, __ATOMIC_RELEASE);
	path_mtu_put(t, tunnel);
	session_mtu_refresh(t, tunnel);
	return 0;
}

void tunnel_remove(struct tables *t, uint16_t id)
{
	struct tunnel *tunnel = t->tunnel[id];
	const struct session_map *m = tunnel->map;

	__atomic_store_n(&t->tunnel[id], NULL, __ATOMIC_RELEASE);
	path_mtu_take(t, id);
	for (uint32_t i = 0; i <= m->mask; i++) {
		if (m->entry[i] != SESSION_NONE)
			session_remove(t, m->entry[i]);
	}
	if (tunnel->sa)
		tunnel->sa->tunnels--;
	reclaim_later(t, tunnel, tunnel_release);
}

int tunnel_delete(struct tables *t, const struct command_tunnel_delete *c)
{
	if (!t->tunnel[c->tunnel])
		return -ENOENT;
	tunnel_remove(t, c->tunnel);
	return 0;
}

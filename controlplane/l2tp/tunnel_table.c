// SPDX-License-Identifier: Apache-2.0

#include "tunnel_table.h"

#include "tunnel.h"

uint64_t tunnel_table_hash(const void *bytes, size_t length)
{
	const uint8_t *p = bytes;
	uint64_t h = 0xcbf29ce484222325;

	for (size_t i = 0; i < length; i++)
		h = (h ^ p[i]) * 0x100000001b3;
	return h;
}

static uint32_t fold(uint64_t h)
{
	return (h ^ h >> 32) % ENDPOINT_BUCKETS;
}

static uint32_t bucket_of_peer(uint32_t peer)
{
	return fold(tunnel_table_hash(&peer, sizeof(peer)));
}

static uint32_t bucket(uint32_t peer, const struct flow *flow)
{
	if (peer)
		return bucket_of_peer(peer);
	return fold(tunnel_table_hash(&flow->remote, sizeof(flow->remote)) ^ flow->remote_port);
}

bool tunnel_owns(const struct tunnel *t, const struct l2tp_from *from)
{
	if (t->peer || from->peer)
		return t->peer == from->peer;
	return address_equal(&t->flow.remote, &from->flow.remote) &&
	       address_equal(&t->flow.local, &from->flow.local) &&
	       t->flow.remote_port == from->flow.remote_port;
}

void tunnel_table_add(struct tunnel *t)
{
	struct tunnel **at = &t->l2tp->buckets[bucket(t->peer, &t->flow)];

	t->peer_next = *at;
	*at = t;
	t->l2tp->tunnels[t->id] = t;
}

void tunnel_table_remove(struct tunnel *t)
{
	struct tunnel **at = &t->l2tp->buckets[bucket(t->peer, &t->flow)];

	while (*at && *at != t)
		at = &(*at)->peer_next;
	if (*at)
		*at = t->peer_next;
	t->l2tp->tunnels[t->id] = NULL;
}

struct tunnel *tunnel_table_find(
	const struct l2tp *l2tp, const struct l2tp_from *from, uint16_t peer_id)
{
	struct tunnel *t = l2tp->buckets[bucket(from->peer, &from->flow)];

	while (t && !(tunnel_owns(t, from) && t->peer_id == peer_id))
		t = t->peer_next;
	return t;
}

void tunnel_table_each(
	const struct l2tp *l2tp, const struct l2tp_from *from, void (*each)(struct tunnel *t))
{
	struct tunnel *t = l2tp->buckets[bucket(from->peer, &from->flow)], *next;

	for (; t; t = next) {
		next = t->peer_next;
		if (tunnel_owns(t, from))
			each(t);
	}
}

unsigned tunnel_table_count(const struct l2tp *l2tp, const struct l2tp_from *from)
{
	const struct tunnel *t = l2tp->buckets[bucket(from->peer, &from->flow)];
	unsigned count = 0;

	for (; t; t = t->peer_next)
		count += tunnel_owns(t, from);
	return count;
}

static struct tunnel *first_of_peer(struct tunnel *t, uint32_t peer)
{
	while (t && t->peer != peer)
		t = t->peer_next;
	return t;
}

struct tunnel *tunnel_table_first(const struct l2tp *l2tp, uint32_t peer)
{
	return first_of_peer(l2tp->buckets[bucket_of_peer(peer)], peer);
}

struct tunnel *tunnel_table_next(const struct tunnel *t)
{
	return first_of_peer(t->peer_next, t->peer);
}

// SPDX-License-Identifier: Apache-2.0

// See session.h. A session lies in place in its table, so its index cannot be used again before
// every worker has let go of it: a deleted one is SESSION_DYING until then, and session_add on
// such an index waits for the workers, which takes one round of their loop.

#include "dataplane/session.h"

#include "dataplane/path_mtu.h"
#include "dataplane/sa.h"
#include "dataplane/tunnel.h"

#include <errno.h>
#include <rte_rcu_qsbr.h>
#include <string.h>

enum {
	IP4_HEADER = 20,
	IP6_HEADER = 40,
	UDP_HEADER = 8,
	ESP_HEADER = 8,
	ESP_TRAILER = 2, // pad length and next header
	L2TP_HEADER = 6,
	L2TP_SEQUENCES = 4, // Ns and Nr
	TUNNEL_IS_FAT = 4,  // sessions of one tunnel with IPsec; from then on they are spread
	PORT_MTU_DEFAULT = 1500,
};

// ---- MTU

// The largest packet, of UDP or of IP, that fits in ESP in so many bytes after the outer IP header.
static int esp_room(int room, const struct session_mtu *m)
{
	const struct esp_cipher_shape *cipher = esp_cipher_shape(m->cipher);
	const struct esp_integrity_shape *integrity = esp_integrity_shape(m->integrity);

	if (m->encapsulation == ESP_UDP)
		room -= UDP_HEADER;
	room -= ESP_HEADER + cipher->iv + cipher->icv + integrity->icv;
	return room - room % cipher->block - ESP_TRAILER;
}

static int ppp_room(int room, const struct session_mtu *m)
{
	room -= UDP_HEADER + L2TP_HEADER + (m->sequencing ? L2TP_SEQUENCES : 0);
	room -= m->flags & SESSION_SEND_ACFC ? 0 : 2;
	return room - (m->flags & SESSION_SEND_PFC ? 1 : 2);
}

uint16_t session_mtu_compute(const struct session_mtu *m)
{
	int room = (m->port_mtu ? m->port_mtu : PORT_MTU_DEFAULT);

	room -= m->ip_version == IP_V6 ? IP6_HEADER : IP4_HEADER;
	if (m->cipher != ESP_CIPHER_NONE)
		room = esp_room(room, m);
	if (!(m->flags & SESSION_BARE))
		room = ppp_room(room, m);
	if (m->peer_mru && room > m->peer_mru)
		room = m->peer_mru;
	if (m->config && room > m->config)
		room = m->config;
	return room < LIMIT_MTU_MIN ? LIMIT_MTU_MIN : (uint16_t)room;
}

static void mtu_update(struct tables *t, uint32_t index)
{
	struct session *s = &t->session[index];
	const struct tunnel *tunnel = s->downlink.tunnel;
	const struct sa *sa = tunnel->sa;
	struct session_mtu m = {
		.port_mtu = path_mtu_of(t, tunnel->id),
		.ip_version = (sa ? sa->outer6 : tunnel->outer6) ? IP_V6 : IP_V4,
		.cipher = sa ? sa->shape_out.cipher : ESP_CIPHER_NONE,
		.integrity = sa ? sa->shape_out.integrity : ESP_INTEGRITY_NONE,
		.encapsulation = sa ? sa->out_encapsulation : ESP_PLAIN,
		.sequencing = s->downlink.sequencing,
		.flags = s->downlink.flags,
		.peer_mru = t->session_cold[index].peer_mru,
		.config = t->session_cold[index].mtu,
	};
	uint16_t mtu = session_mtu_compute(&m);

	__atomic_store_n(&s->uplink.mtu, mtu, __ATOMIC_RELAXED);
	__atomic_store_n(&s->downlink.mtu, mtu, __ATOMIC_RELAXED);
}

void session_mtu_refresh(struct tables *t, const struct tunnel *tunnel)
{
	const struct session_map *m = tunnel->map;

	for (uint32_t i = 0; i <= m->mask; i++) {
		if (m->entry[i] != SESSION_NONE)
			mtu_update(t, m->entry[i]);
	}
}

// ---- the table

static int session_check(const struct tables *t, const struct command_session_add *c)
{
	if (c->session >= t->sessions)
		return -ENOSPC;
	if (t->session[c->session].uplink.state == SESSION_LIVE)
		return -EEXIST;
	if (c->tunnel == 0 || c->session_id == 0 || c->peer_session == 0 || c->sequencing > 1)
		return -EINVAL;
	if (!t->tunnel[c->tunnel])
		return -ENOENT;
	if (t->tunnel[c->tunnel]->kind == TUNNEL_ESP &&
		(t->tunnel[c->tunnel]->session_count || c->sequencing))
		return -EINVAL;
	return 0;
}

// Sessions of a LAC arrive at one worker, whose only work is then to spread them, unless the ports
// do that. A client's only session stays with the worker that gets its packets.
static uint16_t first_owner(const struct tables *t, const struct tunnel *tunnel, uint32_t index)
{
	bool fat = tunnel->peer ? tunnel->session_count >= TUNNEL_IS_FAT : !t->ports_spread;

	return t->workers > 1 && fat ? (uint16_t)(1 + index % t->workers) : 0;
}

static void session_fill(struct tables *t, const struct command_session_add *c)
{
	struct session *s = &t->session[c->session];
	struct tunnel *tunnel = t->tunnel[c->tunnel];
	uint16_t generation = s->downlink.generation + 1;

	memset(s, 0, sizeof(*s));
	s->downlink.generation = generation;
	s->uplink.owner = first_owner(t, tunnel, c->session);
	s->uplink.spread = s->uplink.owner != 0;
	s->uplink.session_id = c->session_id;
	s->uplink.tunnel = c->tunnel;
	s->downlink.peer_session = c->peer_session;
	s->downlink.sequencing = c->sequencing;
	s->downlink.tunnel = tunnel;
	s->downlink.flags = tunnel->kind == TUNNEL_ESP ? SESSION_BARE : 0;
	t->session_cold[c->session] = (struct session_cold){0};
	memset(&t->session_stats[c->session], 0, sizeof(t->session_stats[c->session]));
}

static void session_set_state(struct session *s, uint8_t state)
{
	__atomic_store_n(&s->uplink.state, state, __ATOMIC_RELEASE);
	__atomic_store_n(&s->downlink.state, state, __ATOMIC_RELEASE);
}

int session_add(struct tables *t, const struct command_session_add *c)
{
	int error = session_check(t, c);

	if (error)
		return error;
	if (t->session[c->session].uplink.state == SESSION_DYING)
		reclaim_wait(t);
	session_fill(t, c);
	mtu_update(t, c->session);
	error = tunnel_map_put(t, t->tunnel[c->tunnel], c->session_id, c->session);
	if (error)
		return error;
	t->tunnel[c->tunnel]->session_count++;
	session_set_state(&t->session[c->session], SESSION_LIVE);
	return 0;
}

static bool session_set_valid(const struct command_session_set *c)
{
	if (c->flags & ~(uint32_t)SESSION_FLAGS_ALL)
		return false;
	if (c->ip4.version != IP_NONE && c->ip4.version != IP_V4)
		return false;
	if (c->ip6.address.version != IP_NONE &&
		(c->ip6.address.version != IP_V6 || c->ip6.length > 128))
		return false;
	if (c->flags & SESSION_IP6_OPEN && (c->ip6.address.version != IP_V6 || c->ip6.length == 0))
		return false;
	if (c->flags & SESSION_IP4_OPEN && c->ip4.version != IP_V4)
		return false;
	if (c->group >= LIMIT_GROUPS)
		return false;
	return c->mtu == 0 || c->mtu >= LIMIT_MTU_MIN;
}

// The address is closed while it changes, so no worker sees the new flags with the old address.
static void address_set(struct session *s, const struct ip_address *a)
{
	uint32_t ip4 = 0;

	if (a->version == IP_V4)
		memcpy(&ip4, a->bytes, 4);
	if (ip4 == s->uplink.ip4)
		return;
	__atomic_and_fetch(&s->uplink.flags, ~(uint32_t)SESSION_IP4_OPEN, __ATOMIC_SEQ_CST);
	__atomic_store_n(&s->uplink.ip4, ip4, __ATOMIC_RELEASE);
}

static void group_and_rates_set(struct session *s, const struct command_session_set *c)
{
	__atomic_store_n(&s->uplink.group, c->group, __ATOMIC_RELAXED);
	__atomic_store_n(&s->downlink.group, c->group, __ATOMIC_RELAXED);
	policer_set(&s->uplink.policer, &c->police_uplink);
	policer_set(&s->downlink.policer, &c->police_downlink);
}

// The same for the prefix, which is more than one word: no worker that has seen it open looks at
// it any more when it changes.
static void prefix_set(struct tables *t, struct session *s, const struct ip_prefix *p)
{
	uint8_t length = p->address.version == IP_V6 ? p->length : 0;

	if (length == s->uplink.ip6_length &&
		memcmp(p->address.bytes, s->uplink.ip6, sizeof(s->uplink.ip6)) == 0)
		return;
	__atomic_and_fetch(&s->uplink.flags, ~(uint32_t)SESSION_IP6_OPEN, __ATOMIC_SEQ_CST);
	if (s->uplink.ip6_length)
		rte_rcu_qsbr_synchronize(t->qsbr, RTE_QSBR_THRID_INVALID);
	memcpy(s->uplink.ip6, p->address.bytes, sizeof(s->uplink.ip6));
	s->uplink.ip6_length = length;
}

int session_set(struct tables *t, const struct command_session_set *c)
{
	struct session *s;

	if (!session_live(t, c->session))
		return -ENOENT;
	if (!session_set_valid(c))
		return -EINVAL;
	s = &t->session[c->session];
	address_set(s, &c->ip4);
	prefix_set(t, s, &c->ip6);
	t->session_cold[c->session].peer_mru = c->peer_mru;
	t->session_cold[c->session].mtu = c->mtu;
	group_and_rates_set(s, c); // before the session is open
	__atomic_store_n(&s->uplink.magic, c->magic, __ATOMIC_RELAXED);
	__atomic_store_n(&s->uplink.flags, c->flags, __ATOMIC_RELEASE);
	__atomic_store_n(&s->downlink.flags, c->flags | (s->downlink.flags & SESSION_BARE),
		__ATOMIC_RELEASE);
	shape_set(&s->downlink.shape, &c->shape_downlink);
	mtu_update(t, c->session);
	return 0;
}

static void session_release(void *object)
{
	session_set_state(object, SESSION_FREE);
}

void session_remove(struct tables *t, uint32_t index)
{
	session_set_state(&t->session[index], SESSION_DYING);
	reclaim_later(t, &t->session[index], session_release);
}

int session_delete(struct tables *t, const struct command_session_delete *c)
{
	struct tunnel *tunnel;

	if (!session_live(t, c->session))
		return -ENOENT;
	tunnel = t->session[c->session].downlink.tunnel;
	tunnel_map_take(tunnel, t->session[c->session].uplink.session_id);
	tunnel->session_count--;
	session_remove(t, c->session);
	return 0;
}

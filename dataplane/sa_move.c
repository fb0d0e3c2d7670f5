// SPDX-License-Identifier: Apache-2.0

// A peer that is somewhere else now. Either its NAT gave it another address or port: then an
// authenticated packet says so, and over IPv4 its worker follows it in one word, over IPv6 the
// clerk puts other addresses in place (RFC 3948). Or the peer said it (RFC 4555): then the control
// plane does, with SA_MOVE, which may also change encapsulation and IP version.
//
// Both SAs of the pair stay what they are; keys, window and sequence numbers are used by workers
// while this happens, so nothing is copied. Outbound, a packet goes either to the old place or to
// the new one: address, port and encapsulation are one word, or one struct outer6. Inbound, what
// comes from neither as the worker sees it at that moment is dropped by name.

#include "dataplane/outer6.h"
#include "dataplane/path_mtu.h"
#include "dataplane/sa.h"

#include <errno.h>
#include <rte_rcu_qsbr.h>
#include <rte_ring_elem.h>
#include <string.h>

// ---- workers: an authenticated packet came from elsewhere

static bool is_held(struct sa *s)
{
	return __atomic_load_n(&s->events, __ATOMIC_ACQUIRE) & SA_HELD;
}

void sa_follow(struct tables *t, struct sa *s, uint64_t remote)
{
	if (is_held(s))
		return;
	s->remote_in = remote;
	__atomic_store_n(&s->remote, remote, __ATOMIC_RELEASE);
	sa_tell(t, s, SA_MOVED);
}

bool sa_follow6(struct tables *t, struct sa *s, const uint8_t remote[16], uint16_t remote_port)
{
	struct sa_move move = {.spi = s->spi_in, .remote_port = remote_port};

	if (is_held(s))
		return false;
	if (__atomic_fetch_or(&s->events, SA_MOVING, __ATOMIC_ACQ_REL) & SA_MOVING)
		return false;
	memcpy(move.remote, remote, sizeof(move.remote));
	if (rte_ring_mp_enqueue_elem(t->moves, &move, sizeof(move)) == 0)
		return true;
	__atomic_fetch_and(&s->events, ~(uint32_t)SA_MOVING, __ATOMIC_ACQ_REL);
	return false;
}

// ---- clerk: does so over IPv6

static void follow(struct tables *t, struct sa *s, const struct sa_move *m)
{
	struct outer6 *old = s->outer6, *o = old ? table_alloc(sizeof(*o)) : NULL;

	if (o) {
		*o = *old;
		memcpy(o->remote, m->remote, sizeof(o->remote));
		o->remote_port = m->remote_port;
		__atomic_store_n(&s->outer6, o, __ATOMIC_RELEASE);
		reclaim_later(t, old, table_free);
		sa_tell(t, s, SA_MOVED);
	}
	__atomic_fetch_and(&s->events, ~(uint32_t)SA_MOVING, __ATOMIC_ACQ_REL);
}

void sa_moves(struct tables *t)
{
	struct sa_move m;

	while (rte_ring_sc_dequeue_elem(t->moves, &m, sizeof(m)) == 0) {
		struct sa *s = sa_find(t, m.spi);

		if (s)
			follow(t, s, &m);
	}
}

bool sa_moves_idle(const struct tables *t)
{
	return rte_ring_empty(t->moves);
}

// ---- clerk: the control plane says so

static bool move_valid(const struct command_sa_move *c)
{
	if (c->encapsulation > ESP_UDP)
		return false;
	if (c->encapsulation == ESP_UDP && (!c->local_port || !c->remote_port))
		return false;
	return outer_valid(&c->local, &c->remote);
}

// Every worker has seen what was stored before.
static void seen_by_all(const struct tables *t)
{
	rte_rcu_qsbr_synchronize(t->qsbr, RTE_QSBR_THRID_INVALID);
}

// A worker that sees local 0 looks at outer6, so that is there first.
static void place6(const struct tables *t, struct sa *s, struct outer6 *o)
{
	bool was4 = !s->outer6;

	__atomic_store_n(&s->outer6, o, __ATOMIC_RELEASE);
	if (!was4)
		return;
	seen_by_all(t);
	__atomic_store_n(&s->local, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&s->remote_in, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&s->remote, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&s->out_local, 0, __ATOMIC_RELAXED);
}

// And it goes last.
static void place4(
	const struct tables *t, struct sa *s, const struct command_sa_move *c, uint16_t port)
{
	uint32_t local, remote;

	memcpy(&local, c->local.bytes, 4);
	memcpy(&remote, c->remote.bytes, 4);
	__atomic_store_n(&s->out_local, local, __ATOMIC_RELAXED);
	__atomic_store_n(&s->remote, sa_remote(remote, port), __ATOMIC_RELEASE);
	__atomic_store_n(&s->remote_in, sa_remote(remote, port), __ATOMIC_RELAXED);
	__atomic_store_n(&s->local, local, __ATOMIC_RELAXED);
	if (!s->outer6)
		return;
	seen_by_all(t);
	__atomic_store_n(&s->outer6, NULL, __ATOMIC_RELEASE);
}

static void place(struct tables *t, struct sa *s, const struct command_sa_move *c, struct outer6 *o)
{
	struct outer6 *old = s->outer6;
	bool udp = c->encapsulation == ESP_UDP;

	if (udp)
		__atomic_store_n(&s->local_port, c->local_port, __ATOMIC_RELEASE);
	if (o)
		place6(t, s, o);
	else
		place4(t, s, c, udp ? c->remote_port : 0);
	__atomic_store_n(&s->encapsulation, c->encapsulation, __ATOMIC_RELAXED);
	s->out_encapsulation = c->encapsulation;
	if (old)
		reclaim_later(t, old, table_free);
}

int sa_move(struct tables *t, const struct command_sa_move *c)
{
	struct sa *s = sa_find(t, c->spi_in);
	struct outer6 *o;
	int error;

	if (!s)
		return -ENOENT;
	if (!move_valid(c))
		return -EINVAL;
	error = outer6_create(
		&c->local, &c->remote, c->encapsulation == ESP_UDP ? c->remote_port : 0, &o);
	if (error)
		return error;
	// From here on no worker follows anything, and what they had asked for is done with.
	__atomic_fetch_or(&s->events, SA_HELD, __ATOMIC_SEQ_CST);
	seen_by_all(t);
	sa_moves(t);
	place(t, s, c, o);
	__atomic_fetch_and(&s->events, ~(uint32_t)SA_HELD, __ATOMIC_ACQ_REL);
	path_mtu_anew(t, s);
	return 0;
}

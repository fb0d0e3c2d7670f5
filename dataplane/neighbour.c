// SPDX-License-Identifier: Apache-2.0

// The neighbour table: an rte_hash from (port, address) to a position, and at each position one
// 64-bit word with state and Ethernet address, which workers read whole. The hash is of the kind
// whose readers take no lock; a position is used again only when every worker has passed a
// quiescent state (rte_hash does that on its own when it is given the variable).
//
// Timers, tries and the packets that wait are the clerk's alone. No state machine runs in a worker:
// all it does is look, and say in a byte that it has used the entry.

#include "dataplane/neighbour.h"

#include "dataplane/worker.h"

#include <rte_hash.h>
#include <rte_hash_crc.h>
#include <rte_malloc.h>
#include <rte_rcu_qsbr.h>
#include <string.h>

static const uint64_t SECOND = 1000000000; // nanoseconds

struct key {
	uint32_t address; // IPv4 in network byte order
	uint32_t port;
};

// What workers read.
struct entry {
	uint64_t word; // state in the high 16 bits, Ethernet address in the low 48; atomic
	uint8_t used;  // set by workers, cleared by the clerk
};

// What the clerk knows besides.
struct record {
	struct key key;
	uint64_t due; // nanoseconds: when the state has lasted long enough
	uint8_t tries;
	bool live;
	uint16_t waiting;
	struct rte_mbuf *packets[NEIGHBOUR_WAITING];
};

struct neighbours {
	struct rte_hash *hash;
	struct entry entry[NEIGHBOUR_MAX + 1];
	struct record record[NEIGHBOUR_MAX + 1];
	struct neighbour_out out;
	uint32_t live;
	uint32_t waiting;
	uint32_t ready[LIMIT_PORTS];
};

static uint64_t pack(enum neighbour_state state, const struct rte_ether_addr *mac)
{
	uint64_t word = 0;

	memcpy(&word, mac, sizeof(*mac));
	return (uint64_t)state << 48 | word;
}

static enum neighbour_state state_of(uint64_t word)
{
	return (enum neighbour_state)(word >> 48);
}

static struct rte_ether_addr mac_of(uint64_t word)
{
	struct rte_ether_addr mac;

	memcpy(&mac, &word, sizeof(mac));
	return mac;
}

struct neighbours *neighbours_create(struct rte_rcu_qsbr *qsbr, const struct neighbour_out *out)
{
	struct neighbours *n = rte_zmalloc("neighbours", sizeof(*n), RTE_CACHE_LINE_SIZE);
	struct rte_hash_parameters parameters = {
		.name = "neighbours",
		.entries = NEIGHBOUR_MAX,
		.key_len = sizeof(struct key),
		.hash_func = rte_hash_crc,
		.socket_id = SOCKET_ID_ANY,
		.extra_flag = RTE_HASH_EXTRA_FLAGS_RW_CONCURRENCY_LF,
	};
	struct rte_hash_rcu_config rcu = {.v = qsbr, .mode = RTE_HASH_QSBR_MODE_DQ};

	if (!n)
		return NULL;
	n->out = *out;
	n->hash = rte_hash_create(&parameters);
	if (!n->hash || rte_hash_rcu_qsbr_add(n->hash, &rcu) != 0) {
		rte_hash_free(n->hash);
		rte_free(n);
		return NULL;
	}
	return n;
}

enum neighbour_state neighbour_get(
	struct neighbours *n, uint16_t port, uint32_t address, struct rte_ether_addr *mac)
{
	struct key key = {.address = address, .port = port};
	int32_t at = rte_hash_lookup(n->hash, &key);
	uint64_t word;

	if (at < 0 || at > NEIGHBOUR_MAX)
		return NEIGHBOUR_UNKNOWN;
	word = __atomic_load_n(&n->entry[at].word, __ATOMIC_ACQUIRE);
	if (!n->entry[at].used)
		n->entry[at].used = 1;
	*mac = mac_of(word);
	return state_of(word);
}

static void set_state(struct neighbours *n, int32_t at, enum neighbour_state state,
	const struct rte_ether_addr *mac, uint64_t due)
{
	struct record *r = &n->record[at];
	bool was = state_of(n->entry[at].word) == NEIGHBOUR_READY;

	n->ready[r->key.port] += (state == NEIGHBOUR_READY) - was;
	r->due = due;
	r->tries = 0;
	__atomic_store_n(&n->entry[at].word, pack(state, mac), __ATOMIC_RELEASE);
}

static void drop_waiting(struct neighbours *n, int32_t at, enum drop reason)
{
	struct record *r = &n->record[at];

	for (uint16_t i = 0; i < r->waiting; i++)
		n->out.drop(n->out.context, r->packets[i], reason);
	n->waiting -= r->waiting;
	r->waiting = 0;
}

static void send_waiting(struct neighbours *n, int32_t at, const struct rte_ether_addr *mac)
{
	struct record *r = &n->record[at];

	for (uint16_t i = 0; i < r->waiting; i++)
		n->out.send(n->out.context, r->packets[i], mac);
	n->waiting -= r->waiting;
	r->waiting = 0;
}

// A new entry. What it is in is set before workers can find it.
static int32_t enter(struct neighbours *n, const struct key *key, uint64_t now)
{
	const struct rte_ether_addr nobody = {0};
	int32_t at;

	if (n->live >= NEIGHBOUR_MAX)
		return -1;
	at = rte_hash_add_key(n->hash, key);
	if (at < 0 || at > NEIGHBOUR_MAX)
		return -1;
	n->record[at] = (struct record){.key = *key, .live = true};
	n->entry[at].used = 1;
	set_state(n, at, NEIGHBOUR_ASKED, &nobody, now + SECOND);
	n->live++;
	return at;
}

static void forget(struct neighbours *n, int32_t at)
{
	const struct rte_ether_addr nobody = {0};

	drop_waiting(n, at, DROP_NEIGHBOUR_LOST);
	set_state(n, at, NEIGHBOUR_UNKNOWN, &nobody, 0);
	n->record[at].live = false;
	n->live--;
	rte_hash_del_key(n->hash, &n->record[at].key);
}

void neighbours_destroy(struct neighbours *n)
{
	for (int32_t at = 0; at <= NEIGHBOUR_MAX; at++)
		if (n->record[at].live)
			drop_waiting(n, at, DROP_NEIGHBOUR_LOST);
	rte_hash_free(n->hash);
	rte_free(n);
}

static void let_wait(struct neighbours *n, int32_t at, struct rte_mbuf *m)
{
	struct record *r = &n->record[at];

	if (r->waiting == NEIGHBOUR_WAITING || n->waiting == NEIGHBOUR_WAITING_ALL) {
		n->out.drop(n->out.context, m, DROP_NEIGHBOUR_FULL);
		return;
	}
	r->packets[r->waiting++] = m;
	n->waiting++;
}

void neighbour_wait(struct neighbours *n, struct rte_mbuf *m, uint64_t now)
{
	const struct meta *meta = meta_of(m);
	struct key key = {.address = meta->next_hop, .port = meta->out_port};
	int32_t at = rte_hash_lookup(n->hash, &key);
	struct rte_ether_addr mac;

	if (at < 0) {
		at = enter(n, &key, now);
		if (at < 0) {
			n->out.drop(n->out.context, m, DROP_NEIGHBOUR_FULL);
			return;
		}
		n->out.ask(n->out.context, (uint16_t)key.port, key.address, NULL);
	}
	switch (state_of(n->entry[at].word)) {
	case NEIGHBOUR_READY:
		mac = mac_of(n->entry[at].word);
		n->out.send(n->out.context, m, &mac);
		break;
	case NEIGHBOUR_LOST:
		n->out.drop(n->out.context, m, DROP_NEIGHBOUR_LOST);
		break;
	default:
		let_wait(n, at, m);
	}
}

void neighbour_heard(struct neighbours *n, uint16_t port, uint32_t address,
	const struct rte_ether_addr *mac, bool create, uint64_t now)
{
	struct key key = {.address = address, .port = port};
	int32_t at = rte_hash_lookup(n->hash, &key);

	if (at < 0) {
		if (!create)
			return;
		at = enter(n, &key, now);
		if (at < 0)
			return;
	}
	set_state(n, at, NEIGHBOUR_READY, mac, now + NEIGHBOUR_GOOD_S * SECOND);
	send_waiting(n, at, mac);
}

// Its time in READY is over: asked again by unicast while it goes on to be used.
static void refresh(struct neighbours *n, int32_t at, uint64_t now)
{
	struct record *r = &n->record[at];
	struct rte_ether_addr mac = mac_of(n->entry[at].word);

	if (r->tries == 0 && !n->entry[at].used) {
		forget(n, at);
		return;
	}
	if (r->tries == NEIGHBOUR_TRIES) {
		set_state(n, at, NEIGHBOUR_LOST, &mac, now + NEIGHBOUR_LOST_S * SECOND);
		return;
	}
	n->entry[at].used = 0;
	r->tries++;
	r->due = now + SECOND;
	n->out.ask(n->out.context, (uint16_t)r->key.port, r->key.address, &mac);
}

static void ask_again(struct neighbours *n, int32_t at, uint64_t now)
{
	const struct rte_ether_addr nobody = {0};
	struct record *r = &n->record[at];

	if (++r->tries == NEIGHBOUR_TRIES) {
		drop_waiting(n, at, DROP_NEIGHBOUR_LOST);
		set_state(n, at, NEIGHBOUR_LOST, &nobody, now + NEIGHBOUR_LOST_S * SECOND);
		return;
	}
	r->due = now + SECOND;
	n->out.ask(n->out.context, (uint16_t)r->key.port, r->key.address, NULL);
}

void neighbours_tick(struct neighbours *n, uint64_t now)
{
	for (int32_t at = 0; at <= NEIGHBOUR_MAX; at++) {
		if (!n->record[at].live || n->record[at].due > now)
			continue;
		switch (state_of(n->entry[at].word)) {
		case NEIGHBOUR_READY:
			refresh(n, at, now);
			break;
		case NEIGHBOUR_ASKED:
			ask_again(n, at, now);
			break;
		default:
			forget(n, at);
		}
	}
}

uint32_t neighbours_count(const struct neighbours *n, uint16_t port)
{
	return port < LIMIT_PORTS ? n->ready[port] : 0;
}

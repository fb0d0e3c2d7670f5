// SPDX-License-Identifier: Apache-2.0

// The neighbour table: for each IP version an rte_hash from (port, address) to a position, and at
// each position one 64-bit word with state and Ethernet address, which workers read whole. The hash
// is of the kind whose readers take no lock; a position is used again only when every worker has
// passed a quiescent state (rte_hash does that on its own when it is given the variable).
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

// What the hash of each IP version has in it: the address as on the wire, then the port. IPv4 takes
// the first two words, IPv6 five.
struct key {
	uint32_t word[5];
};

enum { KEY4 = 2 * sizeof(uint32_t), KEY6 = 5 * sizeof(uint32_t) };

// What workers read.
struct entry {
	uint64_t word; // state in the high 16 bits, Ethernet address in the low 48; atomic
	uint8_t used;  // set by workers, cleared by the clerk
};

// What the clerk knows besides.
struct record {
	struct ip_address address;
	uint16_t port;
	uint8_t tries;
	bool live;
	uint64_t due; // nanoseconds: when the state has lasted long enough
	uint16_t waiting;
	struct rte_mbuf *packets[NEIGHBOUR_WAITING];
};

// All of one IP version.
struct family {
	struct rte_hash *hash;
	uint32_t live;
	struct entry entry[NEIGHBOUR_MAX + 1];
	struct record record[NEIGHBOUR_MAX + 1];
};

struct neighbours {
	struct family v4, v6;
	struct neighbour_out out;
	uint32_t waiting;
	uint32_t ready[LIMIT_PORTS];
};

static struct key key4(uint32_t address, uint16_t port)
{
	return (struct key){{address, port}};
}

static struct key key6(const uint8_t address[16], uint16_t port)
{
	struct key key = {{0}};

	memcpy(key.word, address, 16);
	key.word[4] = port;
	return key;
}

static struct family *family_of(struct neighbours *n, const struct ip_address *a)
{
	return a->version == IP_V6 ? &n->v6 : &n->v4;
}

static struct key key_of(const struct ip_address *a, uint16_t port)
{
	uint32_t address;

	if (a->version == IP_V6)
		return key6(a->bytes, port);
	memcpy(&address, a->bytes, sizeof(address));
	return key4(address, port);
}

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

static struct rte_hash *make_hash(const char *name, uint32_t key_length, struct rte_rcu_qsbr *qsbr)
{
	struct rte_hash_parameters parameters = {
		.name = name,
		.entries = NEIGHBOUR_MAX,
		.key_len = key_length,
		.hash_func = rte_hash_crc,
		.socket_id = SOCKET_ID_ANY,
		.extra_flag = RTE_HASH_EXTRA_FLAGS_RW_CONCURRENCY_LF,
	};
	struct rte_hash_rcu_config rcu = {.v = qsbr, .mode = RTE_HASH_QSBR_MODE_DQ};
	struct rte_hash *hash = rte_hash_create(&parameters);

	if (hash && rte_hash_rcu_qsbr_add(hash, &rcu) != 0) {
		rte_hash_free(hash);
		return NULL;
	}
	return hash;
}

struct neighbours *neighbours_create(struct rte_rcu_qsbr *qsbr, const struct neighbour_out *out)
{
	struct neighbours *n = rte_zmalloc("neighbours", sizeof(*n), RTE_CACHE_LINE_SIZE);

	if (!n)
		return NULL;
	n->out = *out;
	n->v4.hash = make_hash("neighbours", KEY4, qsbr);
	n->v6.hash = make_hash("neighbours6", KEY6, qsbr);
	if (n->v4.hash && n->v6.hash)
		return n;
	rte_hash_free(n->v4.hash);
	rte_hash_free(n->v6.hash);
	rte_free(n);
	return NULL;
}

static inline enum neighbour_state get(
	struct family *f, const struct key *key, struct rte_ether_addr *mac)
{
	int32_t at = rte_hash_lookup(f->hash, key);
	uint64_t word;

	if (at < 0 || at > NEIGHBOUR_MAX)
		return NEIGHBOUR_UNKNOWN;
	word = __atomic_load_n(&f->entry[at].word, __ATOMIC_ACQUIRE);
	if (!f->entry[at].used)
		f->entry[at].used = 1;
	*mac = mac_of(word);
	return state_of(word);
}

enum neighbour_state neighbour_get(
	struct neighbours *n, uint16_t port, uint32_t address, struct rte_ether_addr *mac)
{
	struct key key = key4(address, port);

	return get(&n->v4, &key, mac);
}

enum neighbour_state neighbour_get6(
	struct neighbours *n, uint16_t port, const uint8_t address[16], struct rte_ether_addr *mac)
{
	struct key key = key6(address, port);

	return get(&n->v6, &key, mac);
}

static void set_state(struct neighbours *n, struct family *f, int32_t at,
	enum neighbour_state state, const struct rte_ether_addr *mac, uint64_t due)
{
	struct record *r = &f->record[at];
	bool was = state_of(f->entry[at].word) == NEIGHBOUR_READY;

	n->ready[r->port] += (state == NEIGHBOUR_READY) - was;
	r->due = due;
	r->tries = 0;
	__atomic_store_n(&f->entry[at].word, pack(state, mac), __ATOMIC_RELEASE);
}

static void drop_waiting(struct neighbours *n, struct record *r, enum drop reason)
{
	for (uint16_t i = 0; i < r->waiting; i++)
		n->out.drop(n->out.context, r->packets[i], reason);
	n->waiting -= r->waiting;
	r->waiting = 0;
}

static void send_waiting(struct neighbours *n, struct record *r, const struct rte_ether_addr *mac)
{
	for (uint16_t i = 0; i < r->waiting; i++)
		n->out.send(n->out.context, r->packets[i], mac);
	n->waiting -= r->waiting;
	r->waiting = 0;
}

static int32_t find(struct neighbours *n, const struct ip_address *address, uint16_t port)
{
	struct key key = key_of(address, port);

	return rte_hash_lookup(family_of(n, address)->hash, &key);
}

// A new entry. What it is in is set before workers can find it.
static int32_t enter(
	struct neighbours *n, const struct ip_address *address, uint16_t port, uint64_t now)
{
	const struct rte_ether_addr nobody = {0};
	struct family *f = family_of(n, address);
	struct key key = key_of(address, port);
	int32_t at;

	if (f->live >= NEIGHBOUR_MAX || port >= LIMIT_PORTS)
		return -1;
	at = rte_hash_add_key(f->hash, &key);
	if (at < 0 || at > NEIGHBOUR_MAX)
		return -1;
	f->record[at] = (struct record){.address = *address, .port = port, .live = true};
	f->entry[at].used = 1;
	set_state(n, f, at, NEIGHBOUR_ASKED, &nobody, now + SECOND);
	f->live++;
	return at;
}

static void forget(struct neighbours *n, struct family *f, int32_t at)
{
	const struct rte_ether_addr nobody = {0};
	struct record *r = &f->record[at];
	struct key key = key_of(&r->address, r->port);

	drop_waiting(n, r, DROP_NEIGHBOUR_LOST);
	set_state(n, f, at, NEIGHBOUR_UNKNOWN, &nobody, 0);
	r->live = false;
	f->live--;
	rte_hash_del_key(f->hash, &key);
}

static void destroy(struct neighbours *n, struct family *f)
{
	for (int32_t at = 0; at <= NEIGHBOUR_MAX; at++)
		if (f->record[at].live)
			drop_waiting(n, &f->record[at], DROP_NEIGHBOUR_LOST);
	rte_hash_free(f->hash);
}

void neighbours_destroy(struct neighbours *n)
{
	destroy(n, &n->v4);
	destroy(n, &n->v6);
	rte_free(n);
}

static void let_wait(struct neighbours *n, struct record *r, struct rte_mbuf *m)
{
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
	struct ip_address address = meta->flags & META_NEXT6
					    ? address_v6(meta->next_hop6)
					    : address_v4((const uint8_t *)&meta->next_hop);
	struct family *f = family_of(n, &address);
	int32_t at = find(n, &address, meta->out_port);
	struct rte_ether_addr mac;

	if (at < 0) {
		at = enter(n, &address, meta->out_port, now);
		if (at < 0) {
			n->out.drop(n->out.context, m, DROP_NEIGHBOUR_FULL);
			return;
		}
		n->out.ask(n->out.context, meta->out_port, &address, NULL);
	}
	switch (state_of(f->entry[at].word)) {
	case NEIGHBOUR_READY:
		mac = mac_of(f->entry[at].word);
		n->out.send(n->out.context, m, &mac);
		break;
	case NEIGHBOUR_LOST:
		n->out.drop(n->out.context, m, DROP_NEIGHBOUR_LOST);
		break;
	default:
		let_wait(n, &f->record[at], m);
	}
}

// What is known of a neighbour that answers, and has news: is it to be believed at all?
static bool is_news(uint64_t word, const struct rte_ether_addr *mac, unsigned news)
{
	struct rte_ether_addr known = mac_of(word);
	bool ready = state_of(word) == NEIGHBOUR_READY;

	if (!mac) // where it was: an answer of one that is in doubt, too
		return ready && !(news & NEIGHBOUR_CLAIM);
	if (!ready)
		return true;
	if (rte_is_same_ether_addr(mac, &known))
		return !(news & NEIGHBOUR_CLAIM);
	return !(news & NEIGHBOUR_KEEP);
}

void neighbour_heard(struct neighbours *n, uint16_t port, const struct ip_address *address,
	const struct rte_ether_addr *mac, unsigned news, uint64_t now)
{
	uint64_t good = news & NEIGHBOUR_CLAIM ? NEIGHBOUR_STALE_S : NEIGHBOUR_GOOD_S;
	struct family *f = family_of(n, address);
	int32_t at = find(n, address, port);
	struct rte_ether_addr is;

	if (at < 0) {
		if (!(news & NEIGHBOUR_CREATE) || !mac)
			return;
		at = enter(n, address, port, now);
		if (at < 0)
			return;
	}
	if (!is_news(f->entry[at].word, mac, news))
		return;
	is = mac ? *mac : mac_of(f->entry[at].word);
	set_state(n, f, at, NEIGHBOUR_READY, &is, now + good * SECOND);
	send_waiting(n, &f->record[at], &is);
}

// Its time in READY is over: asked again by unicast while it goes on to be used.
static void refresh(struct neighbours *n, struct family *f, int32_t at, uint64_t now)
{
	struct record *r = &f->record[at];
	struct rte_ether_addr mac = mac_of(f->entry[at].word);

	if (r->tries == 0 && !f->entry[at].used) {
		forget(n, f, at);
		return;
	}
	if (r->tries == NEIGHBOUR_TRIES) {
		set_state(n, f, at, NEIGHBOUR_LOST, &mac, now + NEIGHBOUR_LOST_S * SECOND);
		return;
	}
	f->entry[at].used = 0;
	r->tries++;
	r->due = now + SECOND;
	n->out.ask(n->out.context, r->port, &r->address, &mac);
}

static void ask_again(struct neighbours *n, struct family *f, int32_t at, uint64_t now)
{
	const struct rte_ether_addr nobody = {0};
	struct record *r = &f->record[at];

	if (++r->tries == NEIGHBOUR_TRIES) {
		drop_waiting(n, r, DROP_NEIGHBOUR_LOST);
		set_state(n, f, at, NEIGHBOUR_LOST, &nobody, now + NEIGHBOUR_LOST_S * SECOND);
		return;
	}
	r->due = now + SECOND;
	n->out.ask(n->out.context, r->port, &r->address, NULL);
}

static void tick(struct neighbours *n, struct family *f, uint64_t now)
{
	for (int32_t at = 0; f->live && at <= NEIGHBOUR_MAX; at++) {
		if (!f->record[at].live || f->record[at].due > now)
			continue;
		switch (state_of(f->entry[at].word)) {
		case NEIGHBOUR_READY:
			refresh(n, f, at, now);
			break;
		case NEIGHBOUR_ASKED:
			ask_again(n, f, at, now);
			break;
		default:
			forget(n, f, at);
		}
	}
}

void neighbours_tick(struct neighbours *n, uint64_t now)
{
	tick(n, &n->v4, now);
	tick(n, &n->v6, now);
}

uint32_t neighbours_count(const struct neighbours *n, uint16_t port)
{
	return port < LIMIT_PORTS ? n->ready[port] : 0;
}

// SPDX-License-Identifier: Apache-2.0

// See trie6.h. DPDK's rte_fib6 reserves as many groups for each prefix as that would need if it
// were alone (5 KiB for a /64), and gives what it reserved back by another reckoning; rte_lpm6
// takes 64 MiB whatever is in it. A million sessions behind one pool need a tenth of the first.

#include "dataplane/trie6.h"

#include "dataplane/table.h"

#include <errno.h>
#include <rte_memory.h>
#include <rte_rib6.h>
#include <string.h>

enum { ADDRESS_BITS = 128 };

// Some words of the root or of a group, to be written.
struct level {
	uint32_t *word;
	uint8_t *depth;
	uint16_t *own; // NULL: the root
	uint8_t base;  // bits on the way to it
	uint8_t bits;  // that are its index
};

static struct level root_level(struct trie6 *t)
{
	return (struct level){.word = t->word, .depth = t->depth, .bits = TRIE6_ROOT_BITS};
}

static struct level group_level(struct trie6 *t, uint32_t word, uint8_t base)
{
	struct trie6_group *g = &t->group[word & ~TRIE6_CHILD];

	return (struct level){.word = g->word,
		.depth = g->depth,
		.own = &g->own,
		.base = base,
		.bits = TRIE6_GROUP_BITS};
}

// The index of an address in a level.
static uint32_t index_in(const struct level *l, const uint8_t *address)
{
	return l->own ? address[l->base / 8] : (uint32_t)(address[0] << 8 | address[1]);
}

static bool is_own(const struct level *l, uint32_t at)
{
	return l->word[at] & TRIE6_CHILD || l->depth[at] > l->base;
}

static void set(const struct level *l, uint32_t at, uint32_t word, uint8_t depth)
{
	bool was = l->own && is_own(l, at);

	l->depth[at] = depth;
	__atomic_store_n(&l->word[at], word, __ATOMIC_RELEASE);
	if (l->own)
		*l->own = (uint16_t)(*l->own + is_own(l, at) - was);
}

// Where no longer prefix than length is, in count words and all below them.
static void cover(struct trie6 *t, const struct level *l, uint32_t from, uint32_t count,
	uint8_t length, uint32_t word, uint8_t depth)
{
	for (uint32_t at = from; at < from + count; at++) {
		if (l->word[at] & TRIE6_CHILD) {
			struct level below =
				group_level(t, l->word[at], (uint8_t)(l->base + l->bits));

			cover(t, &below, 0, TRIE6_GROUP, length, word, depth);
		} else if (l->depth[at] <= length) {
			set(l, at, word, depth);
		}
	}
}

// The same for the part of a level that is in a prefix, which ends in this level.
static void cover_prefix(struct trie6 *t, const struct level *l, const uint8_t *address,
	uint8_t length, uint32_t word, uint8_t depth)
{
	uint32_t count = 1u << (l->base + l->bits - length);

	cover(t, l, index_in(l, address) & ~(count - 1), count, length, word, depth);
}

// How many groups are missing on the way to a prefix.
static uint32_t groups_missing(struct trie6 *t, const uint8_t *address, uint8_t length)
{
	struct level l = root_level(t);

	while (length > l.base + l.bits) {
		uint32_t word = l.word[index_in(&l, address)];

		if (!(word & TRIE6_CHILD))
			return (uint32_t)(length - l.base - l.bits + TRIE6_GROUP_BITS - 1) /
			       TRIE6_GROUP_BITS;
		l = group_level(t, word, (uint8_t)(l.base + l.bits));
	}
	return 0;
}

// A group in the place of a word, with what the word says in each of its own.
static void split(struct trie6 *t, const struct level *l, uint32_t at)
{
	uint32_t index = t->unused[--t->unused_count];
	struct trie6_group *g = &t->group[index];

	for (int i = 0; i < TRIE6_GROUP; i++)
		__atomic_store_n(&g->word[i], l->word[at], __ATOMIC_RELAXED);
	memset(g->depth, l->depth[at], sizeof(g->depth));
	g->own = 0;
	set(l, at, index | TRIE6_CHILD, l->depth[at]);
}

static void put(struct trie6 *t, const uint8_t *address, uint8_t length, uint32_t value)
{
	struct level l = root_level(t);

	while (length > l.base + l.bits) {
		uint32_t at = index_in(&l, address);

		if (!(l.word[at] & TRIE6_CHILD))
			split(t, &l, at);
		l = group_level(t, l.word[at], (uint8_t)(l.base + l.bits));
	}
	cover_prefix(t, &l, address, length, value, length);
}

// Takes a prefix out of a level or of one below it. A group without a longer prefix goes: the word
// that led to it says what all of its words say.
static void take(struct trie6 *t, const struct level *l, const uint8_t *address, uint8_t length,
	uint32_t word, uint8_t depth)
{
	uint32_t at = index_in(l, address), child = l->word[at];
	struct level below;

	if (length <= l->base + l->bits) {
		cover_prefix(t, l, address, length, word, depth);
		return;
	}
	below = group_level(t, child, (uint8_t)(l->base + l->bits));
	take(t, &below, address, length, word, depth);
	if (*below.own)
		return;
	set(l, at, below.word[0], below.depth[0]);
	t->unused[t->unused_count++] = child & ~TRIE6_CHILD;
}

int trie6_add(struct trie6 *t, const uint8_t address[16], uint8_t length, uint32_t value)
{
	struct rte_rib6_node *node;

	if (length > ADDRESS_BITS || value >= TRIE6_VALUES)
		return -EINVAL;
	if (rte_rib6_lookup_exact(t->rib, address, length))
		return -EEXIST;
	if (groups_missing(t, address, length) > t->unused_count)
		return -ENOSPC;
	node = rte_rib6_insert(t->rib, address, length);
	if (!node)
		return -ENOSPC;
	rte_rib6_set_nh(node, value);
	put(t, address, length, value);
	return 0;
}

int trie6_delete(struct trie6 *t, const uint8_t address[16], uint8_t length)
{
	struct rte_rib6_node *node = rte_rib6_lookup_exact(t->rib, address, length);
	struct rte_rib6_node *parent = node ? rte_rib6_lookup_parent(node) : NULL;
	struct level root = root_level(t);
	uint64_t value = 0;
	uint8_t depth = 0;

	if (!node)
		return -ENOENT;
	if (parent) {
		rte_rib6_get_nh(parent, &value);
		rte_rib6_get_depth(parent, &depth);
	}
	rte_rib6_remove(t->rib, address, length);
	take(t, &root, address, length, (uint32_t)value, depth);
	return 0;
}

static bool value_of(const struct rte_rib6_node *node, uint32_t *value)
{
	uint64_t wide;

	if (!node || rte_rib6_get_nh(node, &wide) != 0)
		return false;
	*value = (uint32_t)wide;
	return true;
}

bool trie6_find(const struct trie6 *t, const uint8_t address[16], uint8_t length, uint32_t *value)
{
	return value_of(rte_rib6_lookup_exact(t->rib, address, length), value);
}

// From node on in the order of the tree; NULL when there is none.
static struct rte_rib6_node *next_with(
	struct rte_rib6 *rib, struct rte_rib6_node *node, uint32_t bits)
{
	static const uint8_t any[16];
	uint32_t value;

	while ((node = rte_rib6_get_nxt(rib, any, 0, node, RTE_RIB6_GET_NXT_ALL)))
		if (value_of(node, &value) && value & bits)
			return node;
	return NULL;
}

void trie6_delete_all(struct trie6 *t, uint32_t bits,
	void (*deleted)(void *context, uint32_t value), void *context)
{
	struct rte_rib6_node *node = next_with(t->rib, NULL, bits);
	uint8_t address[16] = {0}, length;
	uint32_t value;

	while (node) {
		// The successor is found before its predecessor's node is gone.
		struct rte_rib6_node *next = next_with(t->rib, node, bits);

		rte_rib6_get_ip(node, address);
		rte_rib6_get_depth(node, &length);
		value_of(node, &value);
		trie6_delete(t, address, length);
		deleted(context, value);
		node = next;
	}
	// The walk goes through what is below ::/0, not through it.
	memset(address, 0, sizeof(address));
	if (trie6_find(t, address, 0, &value) && value & bits) {
		trie6_delete(t, address, 0);
		deleted(context, value);
	}
}

struct trie6 *trie6_create(const char *name, uint32_t prefixes, uint32_t groups)
{
	// A tree of prefixes has at most as many nodes without a prefix as with one.
	struct rte_rib6_conf conf = {.max_nodes = (int)(2 * prefixes)};
	struct trie6 *t = table_alloc(sizeof(*t));

	if (!t)
		return NULL;
	t->group = table_alloc(groups * sizeof(*t->group));
	t->unused = table_alloc(groups * sizeof(*t->unused));
	t->rib = rte_rib6_create(name, SOCKET_ID_ANY, &conf);
	if (!t->group || !t->unused || !t->rib) {
		trie6_destroy(t);
		return NULL;
	}
	// The lowest is used first.
	for (uint32_t i = groups; i > 0; i--)
		t->unused[t->unused_count++] = i - 1;
	return t;
}

void trie6_destroy(struct trie6 *t)
{
	if (!t)
		return;
	rte_rib6_free(t->rib);
	table_free(t->group);
	table_free(t->unused);
	table_free(t);
}

// SPDX-License-Identifier: Apache-2.0
#pragma once

// A longest-prefix table of IPv6 prefixes, for one writer, and for readers without a lock. Values
// are numbers below TRIE6_VALUES; 0 is what a reader gets where there is no prefix.
//
// The first 16 bits of an address are an index into the root, each 8 bits more into a group of 256
// words, for as long as longer prefixes are there. Prefixes that lie side by side, as those of
// pools do, share their groups. Memory: 320 KiB for the root, 1.3 KiB for each group, 384 bytes for
// each prefix (a tree of them, rte_rib6, knows which is inside which).
//
// Every word is written whole, and a group is complete before there is a way to it. What a deletion
// gave free may still be looked at: the writer must let every reader pass a quiescent state between
// a deletion and the next addition.

#include <stdbool.h>
#include <stdint.h>

enum {
	TRIE6_CHILD = 1u << 31, // in a word: the rest is the index of a group
	TRIE6_ROOT_BITS = 16,
	TRIE6_GROUP_BITS = 8,
	TRIE6_ROOT = 1 << TRIE6_ROOT_BITS,
	TRIE6_GROUP = 1 << TRIE6_GROUP_BITS,
};
#define TRIE6_VALUES TRIE6_CHILD

// depth is the length of the prefix that a word is of; it and own are the writer's alone.
struct trie6_group {
	uint32_t word[TRIE6_GROUP]; // atomic
	uint8_t depth[TRIE6_GROUP];
	uint16_t own; // words that are of longer prefixes than the way to the group, or children
	uint16_t zero[31];
};

struct trie6 {
	uint32_t word[TRIE6_ROOT]; // atomic
	uint8_t depth[TRIE6_ROOT];
	struct trie6_group *group;
	uint32_t *unused; // indexes of groups
	uint32_t unused_count;
	struct rte_rib6 *rib;
};

// name is unique in the process. NULL when memory does not suffice.
struct trie6 *trie6_create(const char *name, uint32_t prefixes, uint32_t groups);
void trie6_destroy(struct trie6 *t);

// What lies beyond length in address is ignored. -EEXIST; -ENOSPC when prefixes or groups are used
// up, and then nothing has changed.
int trie6_add(struct trie6 *t, const uint8_t address[16], uint8_t length, uint32_t value);
// -ENOENT.
int trie6_delete(struct trie6 *t, const uint8_t address[16], uint8_t length);
// The value of exactly that prefix. False when there is none.
bool trie6_find(const struct trie6 *t, const uint8_t address[16], uint8_t length, uint32_t *value);
// Deletes each prefix whose value has one of those bits, and tells it.
void trie6_delete_all(struct trie6 *t, uint32_t bits,
	void (*deleted)(void *context, uint32_t value), void *context);

static inline uint32_t trie6_lookup(const struct trie6 *t, const uint8_t address[16])
{
	uint32_t word = __atomic_load_n(&t->word[address[0] << 8 | address[1]], __ATOMIC_ACQUIRE);

	for (int at = TRIE6_ROOT_BITS / 8; word & TRIE6_CHILD; at++)
		word = __atomic_load_n(
			&t->group[word & ~TRIE6_CHILD].word[address[at]], __ATOMIC_ACQUIRE);
	return word;
}

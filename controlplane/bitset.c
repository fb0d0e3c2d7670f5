// SPDX-License-Identifier: Apache-2.0

#include "bitset.h"

#include <errno.h>
#include <stdlib.h>

enum { WORD = 64 };

static uint64_t bit_of(uint32_t n)
{
	return UINT64_C(1) << n % WORD;
}

// What lies beyond the size counts as in the set, so that it is never found.
static void close_end(uint64_t *words, uint32_t size)
{
	for (uint32_t n = size; n % WORD; n++)
		words[n / WORD] |= bit_of(n);
}

int bitset_init(struct bitset *b, uint32_t size)
{
	uint32_t bits = size;

	*b = (struct bitset){.size = size};
	if (size == 0)
		return 0;
	do {
		uint32_t words = bits / WORD + (bits % WORD != 0);

		b->level[b->levels] = calloc(words, sizeof(uint64_t));
		if (!b->level[b->levels])
			return -ENOMEM;
		close_end(b->level[b->levels], bits);
		b->levels++;
		bits = words;
	} while (bits > 1);
	return 0;
}

void bitset_free(struct bitset *b)
{
	for (unsigned i = 0; i < BITSET_LEVELS; i++)
		free(b->level[i]);
	*b = (struct bitset){0};
}

void bitset_add(struct bitset *b, uint32_t n)
{
	for (unsigned i = 0; i < b->levels; i++, n /= WORD) {
		b->level[i][n / WORD] |= bit_of(n);
		if (b->level[i][n / WORD] != UINT64_MAX)
			return;
	}
}

void bitset_remove(struct bitset *b, uint32_t n)
{
	for (unsigned i = 0; i < b->levels; i++, n /= WORD)
		b->level[i][n / WORD] &= ~bit_of(n);
}

bool bitset_has(const struct bitset *b, uint32_t n)
{
	return b->level[0][n / WORD] >> n % WORD & 1;
}

// From n of that level down to the numbers: the first one below it that is not in the set.
static uint32_t descend(const struct bitset *b, unsigned level, uint32_t n)
{
	while (level-- > 0)
		n = n * WORD + (uint32_t)__builtin_ctzll(~b->level[level][n]);
	return n;
}

uint32_t bitset_next_free(const struct bitset *b, uint32_t from)
{
	uint32_t n = from;

	for (unsigned i = 0; i < b->levels; i++) {
		uint64_t rest = ~b->level[i][n / WORD] & UINT64_MAX << n % WORD;

		if (rest)
			return descend(b, i, n / WORD * WORD + (uint32_t)__builtin_ctzll(rest));
		n = n / WORD + 1;
		// Behind the last word of this level.
		if (i + 1 == b->levels || n > (b->size - 1) >> 6 * (i + 1))
			break;
	}
	return from ? bitset_next_free(b, 0) : BITSET_NONE;
}

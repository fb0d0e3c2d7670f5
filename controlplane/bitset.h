// SPDX-License-Identifier: Apache-2.0
#pragma once

// A set of numbers from 0 to size - 1, in a bit for each. Above the bits lie levels whose bits say
// which words below are full, so that the next number that is not in it is found in a few steps,
// whatever the size.

#include <stdbool.h>
#include <stdint.h>

enum { BITSET_LEVELS = 6 }; // 64 to the power of 6 is more than 32 bits can count

struct bitset {
	uint32_t size;
	uint64_t *level[BITSET_LEVELS]; // 0: the numbers themselves
	unsigned levels;
};

// Empty. 0 or -ENOMEM; free it in either case.
int bitset_init(struct bitset *b, uint32_t size);
void bitset_free(struct bitset *b);

void bitset_add(struct bitset *b, uint32_t n);
void bitset_remove(struct bitset *b, uint32_t n);
bool bitset_has(const struct bitset *b, uint32_t n);

enum { BITSET_NONE = 0xffffffffu };
// The first number from on that is not in it, or below it when there is none above; BITSET_NONE
// when it is full.
uint32_t bitset_next_free(const struct bitset *b, uint32_t from);

// SPDX-License-Identifier: Apache-2.0

// The three rounds of RFC 1320 section 3.4 as loops over tables of shifts and message words. What
// was hashed is a password, so the working copies are wiped.

#include "md4.h"

#include <string.h>

#include <openssl/crypto.h>

enum { BLOCK = 64, WORDS = 16, STEPS = 48 };

static uint32_t word_load(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void word_store(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = v >> (8 * i) & 0xff;
}

static uint32_t rotate(uint32_t v, unsigned n)
{
	return v << n | v >> (32 - n);
}

// The round's function of three words with its constant.
static uint32_t mix(unsigned round, uint32_t b, uint32_t c, uint32_t d)
{
	switch (round) {
	case 0:
		return (b & c) | (~b & d);
	case 1:
		return ((b & c) | (b & d) | (c & d)) + 0x5a827999;
	default:
		return (b ^ c ^ d) + 0x6ed9eba1;
	}
}

static void block_add(uint32_t state[4], const uint8_t *block)
{
	static const uint8_t shifts[3][4] = {{3, 7, 11, 19}, {3, 5, 9, 13}, {3, 9, 11, 15}};
	static const uint8_t order[3][WORDS] = {
		{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
		{0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15},
		{0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15},
	};
	uint32_t x[WORDS], a = state[0], b = state[1], c = state[2], d = state[3];

	for (int i = 0; i < WORDS; i++)
		x[i] = word_load(block + 4 * i);
	for (unsigned step = 0; step < STEPS; step++) {
		unsigned round = step / WORDS;
		uint32_t v = a + mix(round, b, c, d) + x[order[round][step % WORDS]];

		a = d;
		d = c;
		c = b;
		b = rotate(v, shifts[round][step % 4]);
	}
	state[0] += a;
	state[1] += b;
	state[2] += c;
	state[3] += d;
	OPENSSL_cleanse(x, sizeof(x));
}

void md4(const void *bytes, size_t length, uint8_t digest[MD4_DIGEST])
{
	uint32_t state[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
	const uint8_t *p = bytes;
	uint8_t tail[2 * BLOCK] = {0};
	uint64_t bits = (uint64_t)length * 8;
	size_t rest = length % BLOCK;
	size_t padded = rest < BLOCK - 8 ? BLOCK : 2 * BLOCK;

	for (size_t at = 0; at + BLOCK <= length; at += BLOCK)
		block_add(state, p + at);
	if (rest)
		memcpy(tail, p + length - rest, rest);
	tail[rest] = 0x80;
	word_store(tail + padded - 8, (uint32_t)bits);
	word_store(tail + padded - 4, (uint32_t)(bits >> 32));
	for (size_t at = 0; at < padded; at += BLOCK)
		block_add(state, tail + at);
	for (int i = 0; i < 4; i++)
		word_store(digest + 4 * i, state[i]);
	OPENSSL_cleanse(tail, sizeof(tail));
}

// SPDX-License-Identifier: Apache-2.0

// See ike_spi.h. SipHash is that of Aumasson and Bernstein (2012), with two rounds for each word
// and four in the end.

#include "ike_spi.h"

#include <endian.h>
#include <string.h>

enum { WORD = 8, ROUNDS = 2, ROUNDS_LAST = 4, LAST_MARK = 0xff };

struct state {
	uint64_t v0, v1, v2, v3;
};

static uint64_t load(const void *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, sizeof(word));
	return le64toh(word);
}

static uint64_t turn(uint64_t v, unsigned bits)
{
	return v << bits | v >> (64 - bits);
}

static void mix(struct state *s, int rounds)
{
	while (rounds-- > 0) {
		s->v0 += s->v1;
		s->v2 += s->v3;
		s->v1 = turn(s->v1, 13) ^ s->v0;
		s->v3 = turn(s->v3, 16) ^ s->v2;
		s->v0 = turn(s->v0, 32) + s->v3;
		s->v2 += s->v1;
		s->v1 = turn(s->v1, 17) ^ s->v2;
		s->v3 = turn(s->v3, 21) ^ s->v0;
		s->v2 = turn(s->v2, 32);
	}
}

static void absorb(struct state *s, uint64_t word)
{
	s->v3 ^= word;
	mix(s, ROUNDS);
	s->v0 ^= word;
}

uint64_t siphash(const uint8_t key[IKE_SPI_KEY], const void *bytes, size_t length)
{
	uint64_t k0 = load(key), k1 = load(key + WORD);
	// "somepseudorandomlygeneratedbytes"
	struct state s = {k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261,
		k1 ^ 0x7465646279746573};
	const uint8_t *at = bytes;
	uint8_t last[WORD] = {[WORD - 1] = (uint8_t)length};

	for (size_t left = length / WORD; left > 0; left--, at += WORD)
		absorb(&s, load(at));
	if (length % WORD)
		memcpy(last, at, length % WORD);
	absorb(&s, load(last));
	s.v2 ^= LAST_MARK;
	mix(&s, ROUNDS_LAST);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

static uint32_t mark(const uint8_t key[IKE_SPI_KEY], const uint8_t random[IKE_SPI_RANDOM])
{
	return htole32((uint32_t)siphash(key, random, IKE_SPI_RANDOM));
}

bool ike_spi_make(
	const uint8_t key[IKE_SPI_KEY], const uint8_t random[IKE_SPI_RANDOM], uint8_t spi[IKE_SPI])
{
	static const uint8_t zeros[IKE_SPI];
	uint32_t m = mark(key, random);

	memcpy(spi, random, IKE_SPI_RANDOM);
	memcpy(spi + IKE_SPI_RANDOM, &m, sizeof(m));
	return memcmp(spi, zeros, IKE_SPI) != 0;
}

bool ike_spi_ours(const uint8_t key[IKE_SPI_KEY], const uint8_t spi[IKE_SPI])
{
	uint32_t m = mark(key, spi);

	return memcmp(spi + IKE_SPI_RANDOM, &m, sizeof(m)) == 0;
}

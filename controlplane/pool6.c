// SPDX-License-Identifier: Apache-2.0

// A prefix of a pool is known by its place: the pool's ranges laid end to end. Two bits say whether
// it is out and whether it is kept for one user. The search for a free one begins at the place that
// the user's name hashes to, which is what makes it the same one again.

#include "pool6.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { WORD = 64 };

struct range {
	uint64_t first; // high 64 bits of the first prefix, host byte order
	uint32_t count;
};

struct pool {
	struct range ranges[CONFIG_PREFIXES];
	uint16_t range_count;
	uint32_t size, used;
	uint64_t *out;  // bits
	uint64_t *kept; // bits
};

// A user's prefix that lies in no pool.
struct outside {
	uint64_t prefix;
	bool out;
};

struct pools6 {
	const struct config *config;
	struct pool *pools;
	struct outside *outside; // in ascending order
	uint32_t outside_count;
};

static uint64_t high_half(const struct ip_prefix *p)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v = v << 8 | p->address.bytes[i];
	return v;
}

static struct ip_prefix prefix_of(uint64_t high)
{
	struct ip_prefix p = {.address.version = IP_V6, .length = CONFIG_PREFIX6};

	for (int i = 7; i >= 0; i--, high >>= 8)
		p.address.bytes[i] = high & 0xff;
	return p;
}

static bool bit_test(const uint64_t *bits, uint32_t at)
{
	return bits[at / WORD] >> at % WORD & 1;
}

static void bit_set(uint64_t *bits, uint32_t at, bool value)
{
	uint64_t bit = UINT64_C(1) << at % WORD;

	bits[at / WORD] = value ? bits[at / WORD] | bit : bits[at / WORD] & ~bit;
}

static uint64_t place_prefix(const struct pool *p, uint32_t place)
{
	const struct range *r = p->ranges;

	while (place >= r->count)
		place -= (r++)->count;
	return r->first + place;
}

// The pool that a prefix lies in, or NULL.
static struct pool *pool_of(const struct pools6 *pools, uint64_t prefix, uint32_t *place)
{
	for (uint16_t i = 0; i < pools->config->pool_count; i++) {
		struct pool *p = &pools->pools[i];

		*place = 0;
		for (uint16_t j = 0; j < p->range_count; j++) {
			if (prefix - p->ranges[j].first < p->ranges[j].count) {
				*place += (uint32_t)(prefix - p->ranges[j].first);
				return p;
			}
			*place += p->ranges[j].count;
		}
	}
	return NULL;
}

static int compare(const void *left, const void *right)
{
	const struct outside *a = left, *b = right;

	return a->prefix < b->prefix ? -1 : a->prefix > b->prefix;
}

static struct outside *outside_find(const struct pools6 *pools, uint64_t prefix)
{
	const struct outside key = {.prefix = prefix};

	return pools->outside_count
		       ? bsearch(&key, pools->outside, pools->outside_count, sizeof(key), compare)
		       : NULL;
}

static int pool_make(struct pool *p, const struct config_pool *c)
{
	for (uint16_t i = 0; i < c->prefix6_count; i++) {
		struct range r = {.first = high_half(&c->prefixes6[i]),
			.count = 1u << (CONFIG_PREFIX6 - c->prefixes6[i].length)};

		p->ranges[p->range_count++] = r;
		p->size += r.count;
	}
	p->out = calloc(p->size / WORD + 1, sizeof(*p->out));
	p->kept = calloc(p->size / WORD + 1, sizeof(*p->kept));
	return p->out && p->kept ? 0 : -ENOMEM;
}

static void keep_fixed(struct pools6 *pools)
{
	for (uint32_t i = 0; i < pools->config->user_count; i++) {
		const struct ip_prefix *fixed = &pools->config->users[i].prefix6;
		uint64_t prefix = high_half(fixed);
		uint32_t place;
		struct pool *p;

		if (fixed->address.version != IP_V6)
			continue;
		p = pool_of(pools, prefix, &place);
		if (p)
			bit_set(p->kept, place, true);
		else
			pools->outside[pools->outside_count++].prefix = prefix;
	}
	if (pools->outside_count)
		qsort(pools->outside, pools->outside_count, sizeof(*pools->outside), compare);
}

struct pools6 *pools6_create(const struct config *config)
{
	struct pools6 *pools = calloc(1, sizeof(*pools));
	int error = 0;

	if (!pools)
		return NULL;
	pools->config = config;
	pools->pools = calloc(config->pool_count + 1u, sizeof(*pools->pools));
	pools->outside = calloc(config->user_count + 1u, sizeof(*pools->outside));
	if (!pools->pools || !pools->outside)
		error = -ENOMEM;
	for (uint16_t i = 0; error == 0 && i < config->pool_count; i++)
		error = pool_make(&pools->pools[i], &config->pools[i]);
	if (error) {
		pools6_free(pools);
		return NULL;
	}
	keep_fixed(pools);
	return pools;
}

void pools6_free(struct pools6 *pools)
{
	if (!pools)
		return;
	for (uint16_t i = 0; pools->pools && i < pools->config->pool_count; i++) {
		free(pools->pools[i].out);
		free(pools->pools[i].kept);
	}
	free(pools->pools);
	free(pools->outside);
	free(pools);
}

static int take_fixed(struct pools6 *pools, const struct ip_prefix *fixed)
{
	uint64_t prefix = high_half(fixed);
	struct outside *o = outside_find(pools, prefix);
	uint32_t place;
	struct pool *p;

	if (o) {
		if (o->out)
			return -EADDRINUSE;
		o->out = true;
		return 0;
	}
	p = pool_of(pools, prefix, &place);
	if (!p)
		return -ENOENT;
	if (bit_test(p->out, place))
		return -EADDRINUSE;
	bit_set(p->out, place, true);
	p->used++;
	return 0;
}

// FNV-1a.
static uint32_t hash(const char *text)
{
	uint32_t h = 2166136261u;

	while (*text)
		h = (h ^ (uint8_t)*text++) * 16777619u;
	return h;
}

static int take_free(struct pool *p, const char *user, uint64_t *prefix)
{
	uint32_t place = hash(user) % p->size;

	for (uint32_t looked = 0; looked < p->size; looked++) {
		if (!bit_test(p->out, place) && !bit_test(p->kept, place)) {
			bit_set(p->out, place, true);
			p->used++;
			*prefix = place_prefix(p, place);
			return 0;
		}
		place = place + 1 == p->size ? 0 : place + 1;
	}
	return -ENOSPC;
}

int pools6_take(struct pools6 *pools, const char *pool, const char *user,
	const struct ip_prefix *fixed, struct ip_prefix *out)
{
	const struct config *c = pools->config;
	uint64_t prefix;
	int error;

	if (fixed->address.version == IP_V6) {
		error = take_fixed(pools, fixed);
		if (error == 0)
			*out = *fixed;
		return error;
	}
	for (uint16_t i = 0; i < c->pool_count; i++) {
		if (*pool && strcmp(c->pools[i].name, pool) != 0)
			continue;
		if (pools->pools[i].size == 0)
			return -ENOENT;
		error = take_free(&pools->pools[i], user, &prefix);
		if (error == 0)
			*out = prefix_of(prefix);
		return error;
	}
	return -ENOENT;
}

void pools6_give(struct pools6 *pools, const struct ip_prefix *prefix)
{
	uint64_t high = high_half(prefix);
	struct outside *o = outside_find(pools, high);
	uint32_t place;
	struct pool *p;

	if (prefix->address.version != IP_V6)
		return;
	if (o) {
		o->out = false;
		return;
	}
	p = pool_of(pools, high, &place);
	if (!p || !bit_test(p->out, place))
		return;
	bit_set(p->out, place, false);
	p->used--;
}

struct pool6_info pools6_info(const struct pools6 *pools, uint16_t pool)
{
	return (struct pool6_info){pools->pools[pool].size, pools->pools[pool].used};
}

// SPDX-License-Identifier: Apache-2.0

// A prefix of a pool is known by its place: the pool's ranges laid end to end. A set says which are
// out or kept for one user, another one which are kept. Who had which one last is a table with one
// place for each hash of a name: a collision forgets the older of two users and does no harm. The
// search for another one begins at the place that the user's name hashes to, and goes by the set's
// levels.
//
// Prefixes that lie in no pool (a user's own, and what RADIUS says) are in a small hash while they
// are out.

#include "pool6.h"

#include "bitset.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
	OUTSIDE = 1024,       // buckets
	REMEMBERED = 1 << 20, // places of a pool's table of users at most
};

struct range {
	uint64_t first; // high 64 bits of the first prefix, host byte order
	uint32_t count;
};

struct last {
	uint32_t user;  // hash
	uint32_t place; // plus 1
};

// Prefixes of one length.
struct pool {
	struct range ranges[CONFIG_PREFIXES];
	uint16_t range_count;
	uint8_t length; // bits of each
	uint32_t size, used;
	struct bitset busy, kept;
	struct last *last;
	uint32_t last_mask; // places of it minus 1
};

// A prefix that lies in no pool and is out.
struct outside {
	struct outside *next;
	struct ip_prefix prefix;
};

// Of each pool of the config two: what clients get themselves, and what is delegated to them.
struct pools6 {
	const struct config *config;
	struct pool *own, *delegated;
	struct outside *outside[OUTSIDE];
};

static uint64_t high_half(const struct ip_prefix *p)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v = v << 8 | p->address.bytes[i];
	return v;
}

static struct ip_prefix prefix_of(uint64_t high, uint8_t length)
{
	struct ip_prefix p = {.address.version = IP_V6, .length = length};

	for (int i = 7; i >= 0; i--, high >>= 8)
		p.address.bytes[i] = high & 0xff;
	return p;
}

static uint64_t place_prefix(const struct pool *p, uint32_t place)
{
	const struct range *r = p->ranges;

	while (place >= r->count)
		place -= (r++)->count;
	return r->first + ((uint64_t)place << (64 - p->length));
}

// Whether a prefix lies in that pool, as one of its prefixes.
static bool place_of(const struct pool *p, const struct ip_prefix *prefix, uint32_t *place)
{
	*place = 0;
	for (uint16_t i = 0; prefix->length == p->length && i < p->range_count; i++) {
		uint64_t at = (high_half(prefix) - p->ranges[i].first) >> (64 - p->length);

		if (high_half(prefix) >= p->ranges[i].first && at < p->ranges[i].count) {
			*place += (uint32_t)at;
			return true;
		}
		*place += p->ranges[i].count;
	}
	return false;
}

// The pool that a prefix lies in, or NULL.
static struct pool *pool_of(
	const struct pools6 *pools, const struct ip_prefix *prefix, uint32_t *place)
{
	for (uint16_t i = 0; i < pools->config->pool_count; i++) {
		if (place_of(&pools->own[i], prefix, place))
			return &pools->own[i];
		if (place_of(&pools->delegated[i], prefix, place))
			return &pools->delegated[i];
	}
	return NULL;
}

// ---- life

static int pool_make(
	struct pool *p, const struct ip_prefix *prefixes, uint16_t count, uint8_t length)
{
	uint32_t remembered = 1;

	p->length = length;
	for (uint16_t i = 0; i < count; i++) {
		struct range r = {.first = high_half(&prefixes[i]),
			.count = 1u << (length - prefixes[i].length)};

		p->ranges[p->range_count++] = r;
		p->size += r.count;
	}
	while (remembered < p->size && remembered < REMEMBERED)
		remembered *= 2;
	p->last_mask = remembered - 1;
	p->last = calloc(remembered, sizeof(*p->last));
	if (!p->last || bitset_init(&p->busy, p->size) || bitset_init(&p->kept, p->size))
		return -ENOMEM;
	return 0;
}

static void keep(struct pools6 *pools, const struct ip_prefix *fixed)
{
	uint32_t place;
	struct pool *p = fixed->address.version == IP_V6 ? pool_of(pools, fixed, &place) : NULL;

	if (!p)
		return;
	bitset_add(&p->kept, place);
	bitset_add(&p->busy, place);
}

static int make_all(struct pools6 *pools)
{
	const struct config *c = pools->config;
	int error = 0;

	for (uint16_t i = 0; error == 0 && i < c->pool_count; i++) {
		const struct config_pool *p = &c->pools[i];

		error = pool_make(&pools->own[i], p->prefixes6, p->prefix6_count, CONFIG_PREFIX6);
		if (error == 0)
			error = pool_make(&pools->delegated[i], p->delegated, p->delegated_count,
				p->delegated_length);
	}
	for (uint32_t i = 0; error == 0 && i < c->user_count; i++) {
		keep(pools, &c->users[i].prefix6);
		keep(pools, &c->users[i].delegated);
	}
	return error;
}

struct pools6 *pools6_create(const struct config *config)
{
	struct pools6 *pools = calloc(1, sizeof(*pools));

	if (!pools)
		return NULL;
	pools->config = config;
	pools->own = calloc(config->pool_count + 1u, sizeof(*pools->own));
	pools->delegated = calloc(config->pool_count + 1u, sizeof(*pools->delegated));
	if (!pools->own || !pools->delegated || make_all(pools)) {
		pools6_free(pools);
		return NULL;
	}
	return pools;
}

static void pool_free(struct pool *p)
{
	bitset_free(&p->busy);
	bitset_free(&p->kept);
	free(p->last);
}

void pools6_free(struct pools6 *pools)
{
	if (!pools)
		return;
	for (uint16_t i = 0; pools->own && i < pools->config->pool_count; i++)
		pool_free(&pools->own[i]);
	for (uint16_t i = 0; pools->delegated && i < pools->config->pool_count; i++)
		pool_free(&pools->delegated[i]);
	for (unsigned i = 0; i < OUTSIDE; i++)
		while (pools->outside[i]) {
			struct outside *o = pools->outside[i];

			pools->outside[i] = o->next;
			free(o);
		}
	free(pools->own);
	free(pools->delegated);
	free(pools);
}

// ---- outside of the pools

static bool same(const struct ip_prefix *a, const struct ip_prefix *b)
{
	return a->length == b->length && address_equal(&a->address, &b->address);
}

// Where it is linked, or where it would be.
static struct outside **outside_find(struct pools6 *pools, const struct ip_prefix *prefix)
{
	uint64_t h = (high_half(prefix) ^ prefix->length) * UINT64_C(0x9e3779b97f4a7c15);
	struct outside **at = &pools->outside[h >> 54];

	while (*at && !same(&(*at)->prefix, prefix))
		at = &(*at)->next;
	return at;
}

static int outside_take(struct pools6 *pools, const struct ip_prefix *prefix)
{
	struct outside **at = outside_find(pools, prefix), *o;

	if (*at)
		return -EADDRINUSE;
	o = calloc(1, sizeof(*o));
	if (!o)
		return -ENOMEM;
	o->prefix = *prefix;
	*at = o;
	return 0;
}

static void outside_give(struct pools6 *pools, const struct ip_prefix *prefix)
{
	struct outside **at = outside_find(pools, prefix), *o = *at;

	if (!o)
		return;
	*at = o->next;
	free(o);
}

// ---- taking and giving back

// FNV-1a.
static uint32_t hash(const char *text)
{
	uint32_t h = 2166136261u;

	while (*text)
		h = (h ^ (uint8_t)*text++) * 16777619u;
	return h;
}

// What is kept for one user is busy all the time, so whether it is out stands beside it: a kept
// one that is out is outside too.
static int take_fixed(struct pools6 *pools, const struct ip_prefix *fixed)
{
	uint32_t place;
	struct pool *p = pool_of(pools, fixed, &place);
	int error;

	if (fixed->length == 0 || fixed->length > 64)
		return -EADDRNOTAVAIL;
	if (!p)
		return outside_take(pools, fixed);
	if (bitset_has(&p->kept, place)) {
		error = outside_take(pools, fixed);
		p->used += error == 0;
		return error;
	}
	if (bitset_has(&p->busy, place))
		return -EADDRINUSE;
	bitset_add(&p->busy, place);
	p->used++;
	return 0;
}

// The place that a user had last, or wishes, or that his name hashes to, or one behind that.
static uint32_t choose(const struct pool *p, uint32_t user, const struct ip_prefix *hint)
{
	const struct last *last = &p->last[user & p->last_mask];
	uint32_t place;

	if (hint && place_of(p, hint, &place) && !bitset_has(&p->busy, place))
		return place;
	if (last->place && last->user == user && !bitset_has(&p->busy, last->place - 1))
		return last->place - 1;
	return bitset_next_free(&p->busy, user % p->size);
}

static int take_free(
	struct pool *p, const char *name, const struct ip_prefix *hint, struct ip_prefix *out)
{
	uint32_t user = hash(name), place;

	if (p->size == 0)
		return -ENOENT;
	place = choose(p, user, hint);
	if (place == BITSET_NONE)
		return -ENOSPC;
	bitset_add(&p->busy, place);
	p->used++;
	p->last[user & p->last_mask] = (struct last){.user = user, .place = place + 1};
	*out = prefix_of(place_prefix(p, place), p->length);
	return 0;
}

static int take(struct pools6 *pools, struct pool *of, const char *pool, const char *user,
	const struct ip_prefix *fixed, const struct ip_prefix *hint, struct ip_prefix *out)
{
	const struct config *c = pools->config;
	int error;

	if (fixed->address.version == IP_V6) {
		error = take_fixed(pools, fixed);
		if (error == 0)
			*out = *fixed;
		return error;
	}
	for (uint16_t i = 0; i < c->pool_count; i++)
		if (!*pool || strcmp(c->pools[i].name, pool) == 0)
			return take_free(&of[i], user, hint, out);
	return -ENOENT;
}

int pools6_take(struct pools6 *pools, const char *pool, const char *user,
	const struct ip_prefix *fixed, struct ip_prefix *out)
{
	return take(pools, pools->own, pool, user, fixed, NULL, out);
}

int pools6_delegate(struct pools6 *pools, const char *pool, const char *user,
	const struct ip_prefix *fixed, const struct ip_prefix *hint, struct ip_prefix *out)
{
	return take(pools, pools->delegated, pool, user, fixed, hint, out);
}

void pools6_give(struct pools6 *pools, const struct ip_prefix *prefix)
{
	uint32_t place;
	struct pool *p;

	if (prefix->address.version != IP_V6)
		return;
	p = pool_of(pools, prefix, &place);
	if (!p) {
		outside_give(pools, prefix);
		return;
	}
	if (bitset_has(&p->kept, place)) {
		p->used -= *outside_find(pools, prefix) != NULL;
		outside_give(pools, prefix);
	} else if (bitset_has(&p->busy, place)) {
		bitset_remove(&p->busy, place);
		p->used--;
	}
}

struct pool6_info pools6_info(const struct pools6 *pools, uint16_t pool)
{
	return (struct pool6_info){pools->own[pool].size, pools->own[pool].used};
}

struct pool6_info pools6_delegated_info(const struct pools6 *pools, uint16_t pool)
{
	return (struct pool6_info){pools->delegated[pool].size, pools->delegated[pool].used};
}

// SPDX-License-Identifier: Apache-2.0

// Each address of a pool has a record, by its place in the pool's prefixes, laid end to end. What
// was never out is not in any list: a frontier moves over it once, so that even a wide pool costs
// nothing to make. What came back waits in a queue. Who had which address last is a table with one
// place for each hash of a name: a collision forgets the older of two users and does no harm.
//
// Fixed addresses outside of the pools are kept in a small hash of their own while they are out.

#include "pool.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
	WIDEST = 8,           // bits: the shortest prefix
	PREFIXES = 8,         // of one pool
	OUTSIDE = 1024,       // buckets
	REMEMBERED = 1 << 20, // places of a pool's table of users at most, as many as sessions
};

enum record_state {
	RECORD_FRESH = 0, // never out, beyond the frontier or skipped by it
	RECORD_FREE,      // in the queue
	RECORD_USED,
	RECORD_OWN, // the gateway's
};

struct record {
	uint32_t next, previous; // in the queue; places in the pool plus 1
	uint32_t user;           // hash of who had it last
	uint8_t state;           // enum record_state
	bool fixed;              // some user's own: never assigned to another
	uint8_t zero[2];
};
_Static_assert(sizeof(struct record) == 16, "one for each address of a pool");

struct range {
	uint32_t first; // host byte order
	uint32_t count;
	bool edges; // the first and the last are not assigned
};

struct pool {
	const char *name;
	struct range ranges[PREFIXES];
	uint16_t range_count;
	uint32_t count; // addresses, assignable or not
	uint32_t size, used;
	uint32_t frontier;   // the first place that was never looked at
	uint32_t head, tail; // of the queue
	struct record *records;
	uint32_t *last;     // place plus 1 by user
	uint32_t last_mask; // places of it minus 1
};

struct outside {
	struct outside *next;
	uint32_t address; // host byte order
	bool own;         // the gateway's: never assigned
};

struct pools {
	struct pool *pools;
	uint16_t count;
	struct outside *outside[OUTSIDE];
};

// ---- places and addresses

static uint32_t place_address(const struct pool *p, uint32_t place)
{
	const struct range *r = p->ranges;

	while (place >= r->count)
		place -= (r++)->count;
	return r->first + place;
}

static bool place_edge(const struct pool *p, uint32_t place)
{
	const struct range *r = p->ranges;

	while (place >= r->count)
		place -= (r++)->count;
	return r->edges && (place == 0 || place == r->count - 1);
}

static struct pool *pool_of(const struct pools *pools, uint32_t address, uint32_t *place)
{
	for (uint16_t i = 0; i < pools->count; i++) {
		struct pool *p = &pools->pools[i];

		*place = 0;
		for (uint16_t j = 0; j < p->range_count; j++) {
			if (address - p->ranges[j].first < p->ranges[j].count) {
				*place += address - p->ranges[j].first;
				return p;
			}
			*place += p->ranges[j].count;
		}
	}
	return NULL;
}

// ---- the queue

static void queue_add(struct pool *p, uint32_t place)
{
	struct record *r = &p->records[place];

	r->next = 0;
	r->previous = p->tail;
	if (p->tail)
		p->records[p->tail - 1].next = place + 1;
	else
		p->head = place + 1;
	p->tail = place + 1;
	r->state = RECORD_FREE;
}

static void queue_remove(struct pool *p, uint32_t place)
{
	struct record *r = &p->records[place];

	if (r->previous)
		p->records[r->previous - 1].next = r->next;
	else
		p->head = r->next;
	if (r->next)
		p->records[r->next - 1].previous = r->previous;
	else
		p->tail = r->previous;
}

// ---- what is in no pool

static struct outside **outside_find(struct pools *pools, uint32_t address)
{
	struct outside **at = &pools->outside[(address ^ address >> 10) % OUTSIDE];

	while (*at && (*at)->address != address)
		at = &(*at)->next;
	return at;
}

static int outside_take(struct pools *pools, uint32_t address, bool own)
{
	struct outside **at = outside_find(pools, address);

	if (*at)
		return (*at)->own ? -EADDRNOTAVAIL : -EADDRINUSE;
	*at = calloc(1, sizeof(**at));
	if (!*at)
		return -ENOMEM;
	(*at)->address = address;
	(*at)->own = own;
	return 0;
}

static void outside_give(struct pools *pools, uint32_t address)
{
	struct outside **at = outside_find(pools, address);
	struct outside *gone = *at;

	if (!gone || gone->own)
		return;
	*at = gone->next;
	free(gone);
}

// ---- making them

static int range_add(struct pools *pools, struct pool *p, const struct ip_prefix *prefix)
{
	uint32_t first = address_to_u32(&prefix->address);
	struct range r = {.first = first, .edges = prefix->length < 31};
	uint32_t place;

	if (prefix->address.version != IP_V4 || prefix->length < WIDEST || prefix->length > 32 ||
		p->range_count == PREFIXES)
		return -EINVAL;
	r.count = 1u << (32 - prefix->length);
	// Of two prefixes that overlap, one begins within the other.
	if (pool_of(pools, first, &place))
		return -EEXIST;
	for (uint16_t i = 0; i < pools->count; i++)
		for (uint16_t j = 0; j < pools->pools[i].range_count; j++)
			if (pools->pools[i].ranges[j].first - first < r.count)
				return -EEXIST;
	p->ranges[p->range_count++] = r;
	p->count += r.count;
	p->size += r.count - (r.edges ? 2 : 0);
	return 0;
}

static int pool_memory(struct pool *p)
{
	uint32_t places = 1;

	while (places < p->count && places < REMEMBERED)
		places *= 2;
	p->last_mask = places - 1;
	p->last = calloc(places, sizeof(*p->last));
	p->records = calloc(p->count ? p->count : 1, sizeof(*p->records));
	return p->last && p->records ? 0 : -ENOMEM;
}

static int pool_make(struct pools *pools, const struct config_pool *config)
{
	struct pool *p = &pools->pools[pools->count++];

	p->name = config->name;
	for (uint16_t i = 0; i < config->prefix_count; i++) {
		int error = range_add(pools, p, &config->prefixes[i]);

		if (error)
			return error;
	}
	return pool_memory(p);
}

static int own_add(struct pools *pools, const struct ip_address *address)
{
	uint32_t number = address_to_u32(address);
	uint32_t place;
	struct pool *p = pool_of(pools, number, &place);

	if (address->version != IP_V4)
		return 0;
	if (!p)
		return outside_take(pools, number, true) == -ENOMEM ? -ENOMEM : 0;
	if (p->records[place].state == RECORD_OWN)
		return 0;
	p->records[place].state = RECORD_OWN;
	if (!place_edge(p, place))
		p->size--;
	return 0;
}

static int own_add_all(struct pools *pools, const struct config *config)
{
	int error = own_add(pools, &config->ppp.local);

	for (uint16_t i = 0; i < config->port_count; i++)
		for (uint16_t j = 0; j < config->ports[i].address_count && !error; j++)
			error = own_add(pools, &config->ports[i].addresses[j].address);
	return error;
}

static void fixed_add(struct pools *pools, const struct ip_address *address)
{
	uint32_t place;
	struct pool *p =
		address->version == IP_V4 ? pool_of(pools, address_to_u32(address), &place) : NULL;

	if (p)
		p->records[place].fixed = true;
}

struct pools *pools_create(const struct config *config)
{
	struct pools *pools = calloc(1, sizeof(*pools));
	int error = pools ? 0 : -ENOMEM;

	if (error)
		return NULL;
	pools->pools = calloc(config->pool_count + 1u, sizeof(*pools->pools));
	if (!pools->pools)
		error = -ENOMEM;
	for (uint16_t i = 0; i < config->pool_count && !error; i++)
		error = pool_make(pools, &config->pools[i]);
	if (!error)
		error = own_add_all(pools, config);
	if (error) {
		pools_free(pools);
		return NULL;
	}
	for (uint32_t i = 0; i < config->user_count; i++)
		fixed_add(pools, &config->users[i].address);
	return pools;
}

void pools_free(struct pools *pools)
{
	if (!pools)
		return;
	for (uint16_t i = 0; i < pools->count; i++) {
		free(pools->pools[i].records);
		free(pools->pools[i].last);
	}
	for (size_t i = 0; i < OUTSIDE; i++)
		for (struct outside *o = pools->outside[i], *next; o; o = next) {
			next = o->next;
			free(o);
		}
	free(pools->pools);
	free(pools);
}

// ---- taking

// FNV-1a: the worst that a user can do with its name is to make another forget its last address.
static uint32_t user_hash(const char *user)
{
	uint64_t h = 0xcbf29ce484222325;

	for (; *user; user++)
		h = (h ^ (uint8_t)*user) * 0x100000001b3;
	return (uint32_t)(h >> 32 ^ h);
}

static void record_use(struct pool *p, uint32_t place, const char *user)
{
	struct record *r = &p->records[place];

	if (r->state == RECORD_FREE)
		queue_remove(p, place);
	r->state = RECORD_USED;
	p->used++;
	if (!user || r->fixed)
		return;
	r->user = user_hash(user);
	p->last[r->user & p->last_mask] = place + 1;
}

// The places are returned plus 1; 0 = none.
static uint32_t place_of_user(const struct pool *p, const char *user)
{
	uint32_t hash = user_hash(user);
	uint32_t found = p->last[hash & p->last_mask];
	const struct record *r = found ? &p->records[found - 1] : NULL;

	return r && r->state == RECORD_FREE && r->user == hash ? found : 0;
}

static uint32_t place_fresh(struct pool *p)
{
	while (p->frontier < p->count) {
		uint32_t place = p->frontier++;
		const struct record *r = &p->records[place];

		if (r->state == RECORD_FRESH && !r->fixed && !place_edge(p, place))
			return place + 1;
	}
	return 0;
}

static struct pool *pool_named(const struct pools *pools, const char *name)
{
	for (uint16_t i = 0; i < pools->count; i++)
		if (!name || !*name || strcmp(pools->pools[i].name, name) == 0)
			return &pools->pools[i];
	return NULL;
}

static int take_fixed(struct pools *pools, const struct ip_address *fixed, struct ip_address *out)
{
	uint32_t address = address_to_u32(fixed);
	uint32_t place;
	struct pool *p;
	int error = 0;

	if (fixed->version != IP_V4)
		return -EADDRNOTAVAIL;
	p = pool_of(pools, address, &place);
	if (!p)
		error = outside_take(pools, address, false);
	else if (p->records[place].state == RECORD_OWN)
		error = -EADDRNOTAVAIL;
	else if (p->records[place].state == RECORD_USED)
		error = -EADDRINUSE;
	else
		record_use(p, place, NULL);
	if (!error)
		*out = *fixed;
	return error;
}

int pools_take(struct pools *pools, const char *pool, const char *user,
	const struct ip_address *fixed, struct ip_address *out)
{
	struct pool *p = pool_named(pools, pool);
	uint32_t found;

	if (fixed && fixed->version != IP_NONE)
		return take_fixed(pools, fixed, out);
	if (!p)
		return -ENOENT;
	found = user ? place_of_user(p, user) : 0;
	if (!found)
		found = place_fresh(p);
	if (!found)
		found = p->head;
	if (!found)
		return -ENOSPC;
	record_use(p, found - 1, user);
	*out = address_from_u32(place_address(p, found - 1));
	return 0;
}

// ---- and giving back

void pools_give(struct pools *pools, const struct ip_address *address)
{
	uint32_t number = address_to_u32(address);
	uint32_t place;
	struct pool *p;

	if (address->version != IP_V4)
		return;
	p = pool_of(pools, number, &place);
	if (!p) {
		outside_give(pools, number);
		return;
	}
	if (p->records[place].state != RECORD_USED)
		return;
	p->used--;
	if (p->records[place].fixed || place_edge(p, place))
		p->records[place].state = RECORD_FRESH;
	else
		queue_add(p, place);
}

void pools_each(const struct pools *pools,
	void (*each)(void *context, const struct pool_info *info), void *context)
{
	for (uint16_t i = 0; i < pools->count; i++) {
		const struct pool *p = &pools->pools[i];
		const struct pool_info info = {.name = p->name, .size = p->size, .used = p->used};

		each(context, &info);
	}
}

// SPDX-License-Identifier: Apache-2.0
#pragma once

// The IPv6 prefixes that subscribers get, a /64 each: of the pools of the config, and the fixed
// ones of its users, in a pool or not. No prefix is out twice. A user gets the same one again while
// it is free, whoever was there in between. What is some user's fixed prefix is assigned to nobody
// else. The memory is a bit for each prefix of a pool, twice.

#include "contract/config.h"

#include <stdint.h>

struct pools6;

struct pool6_info {
	uint32_t size; // prefixes, fixed ones included; 0: the pool has none
	uint32_t used;
};

// Reads pools and users of the config, which must outlive it. NULL without memory.
struct pools6 *pools6_create(const struct config *config);
void pools6_free(struct pools6 *pools);

// Assigns *fixed unless it is IP_NONE; otherwise a prefix of this pool ("": the first one). user is
// a text, for the preference above. Returns 0 and *out, or -ENOENT: there is no IPv6 in that pool;
// -ENOSPC: none is free; -EADDRINUSE: the fixed prefix is out.
int pools6_take(struct pools6 *pools, const char *pool, const char *user,
	const struct ip_prefix *fixed, struct ip_prefix *out);
// Gives back what was taken; anything else is ignored.
void pools6_give(struct pools6 *pools, const struct ip_prefix *prefix);

// Of the pool with that place in the config.
struct pool6_info pools6_info(const struct pools6 *pools, uint16_t pool);

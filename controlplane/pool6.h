// SPDX-License-Identifier: Apache-2.0
#pragma once

// The IPv6 prefixes that subscribers get, a /64 each, and those that are delegated to them by
// DHCPv6: of the pools of the config, and fixed ones, in a pool or not. No prefix is out twice. A
// user gets the one that it had last while it is free. What is some user's fixed prefix in the
// config is assigned to nobody else. Taking and giving back are O(1) in the size of the pools; the
// memory is two bits for each prefix of a pool, and 8 bytes for who had it, of a million users at
// most, touched as they are used.

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
// -ENOSPC: none is free; -EADDRINUSE: the fixed prefix is out; -EADDRNOTAVAIL: it is none (of 1 to
// 64 bits); -ENOMEM.
int pools6_take(struct pools6 *pools, const char *pool, const char *user,
	const struct ip_prefix *fixed, struct ip_prefix *out);
// The same of what is delegated. hint: what the client would like to have, or NULL.
int pools6_delegate(struct pools6 *pools, const char *pool, const char *user,
	const struct ip_prefix *fixed, const struct ip_prefix *hint, struct ip_prefix *out);
// Gives back what was taken, of either; anything else is ignored.
void pools6_give(struct pools6 *pools, const struct ip_prefix *prefix);

// Of the pool with that place in the config.
struct pool6_info pools6_info(const struct pools6 *pools, uint16_t pool);
struct pool6_info pools6_delegated_info(const struct pools6 *pools, uint16_t pool);

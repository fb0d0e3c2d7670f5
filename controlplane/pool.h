// SPDX-License-Identifier: Apache-2.0
#pragma once

// The addresses that subscribers get: the pools of the config, and the fixed addresses of its
// users, in a pool or not. No address is out twice. IPv4 only.
//
// A user gets the address that it had last when that is free, otherwise the one that nobody has had
// for longest. Never assigned: the first and the last address of a prefix that is shorter than /31
// (hosts take them for network and broadcast), the gateway's own addresses, and to others what is
// some user's fixed address. Taking and giving back are O(1) in the size of the pools; the memory
// is bounded by it: 16 bytes an address, touched as they are used, and 4 for who had it.

#include "contract/config.h"

#include <stdint.h>

struct pools;

struct pool_info {
	const char *name;
	uint32_t size; // addresses that can be assigned, fixed ones included
	uint32_t used;
};

// Reads pools, users' fixed addresses, ports and ppp.local of the config, which must outlive it.
// NULL without memory, and for prefixes that overlap, are no IPv4 or wider than /8 (which the
// check of the config has refused before).
struct pools *pools_create(const struct config *config);
void pools_free(struct pools *pools);

// Assigns *fixed unless it is NULL or IP_NONE; otherwise an address of this pool (NULL or "": the
// first one). user is a text, for the preference above; NULL = none. Returns 0 and *out, or
// -ENOENT: no such pool; -ENOSPC: none is free; -EADDRINUSE: the fixed address is out;
// -EADDRNOTAVAIL: it is the gateway's own or no IPv4; -ENOMEM.
int pools_take(struct pools *pools, const char *pool, const char *user,
	const struct ip_address *fixed, struct ip_address *out);
// Gives back what was taken; anything else is ignored.
void pools_give(struct pools *pools, const struct ip_address *address);

// In the order of the config.
void pools_each(const struct pools *pools,
	void (*each)(void *context, const struct pool_info *info), void *context);

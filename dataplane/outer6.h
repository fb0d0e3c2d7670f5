// SPDX-License-Identifier: Apache-2.0
#pragma once

// The outer addresses of a tunnel or a pair of SAs over IPv6 (struct outer6, table.h). What runs
// over IPv4 has none; then the IPv4 fields of the same struct and of meta hold, which are 0 here.
// No IPv4 packet that gets that far has such an address, so comparing them tells the versions
// apart as well.

#include "contract/address.h"

#include "dataplane/meta.h"
#include "dataplane/table.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

// Both of one version, and none is all zero: 0 says IPv6 in the IPv4 fields.
bool outer_valid(const struct ip_address *local, const struct ip_address *remote);
// For addresses that are valid: *out is NULL for IPv4. 0 or -ENOMEM.
int outer6_create(const struct ip_address *local, const struct ip_address *remote,
	uint16_t remote_port, struct outer6 **out);

static inline bool outer6_equal(const uint8_t a[16], const uint8_t b[16])
{
	return memcmp(a, b, 16) == 0;
}

// The packet came from there to here.
static inline bool outer6_is_of(const struct outer6 *o, const struct meta *meta)
{
	return outer6_equal(o->local, meta->local6) && outer6_equal(o->remote, meta->remote6);
}

// The packet goes out between these.
static inline void outer6_put(const struct outer6 *o, struct meta *meta)
{
	meta->flags |= META_OUTER6;
	memcpy(meta->local6, o->local, 16);
	memcpy(meta->remote6, o->remote, 16);
}

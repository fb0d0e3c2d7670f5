// SPDX-License-Identifier: Apache-2.0
#pragma once

// Large packets: an outer datagram that came in fragments (reassemble.c) and is longer than a
// buffer of worker.pool, in one of the few buffers that hold the longest there can be. They go the
// way of all others as far as the first stage that cuts or refuses them (mtu.c, ip_out.c). None
// waits anywhere for anything but its turn in a ring between two workers, and none leaves by a
// port: so the few are enough for what is on its way, and one that is not there is a drop by name.

#include "dataplane/worker.h"

#include <stdbool.h>
#include <stdint.h>

// Bytes, from the IP header on: what an IPv4 header can say (RFC 791 section 3.1), and an mbuf.
enum { LARGE_MOST = UINT16_MAX };

// The pool for all of so many workers, or NULL: not enough memory.
struct rte_mempool *large_pool_create(uint16_t workers);
// One without bytes in it, with the meta of like and no headroom; NULL when none is free. It is not
// counted: it stands for a packet that was.
struct rte_mbuf *large_get(struct worker *w, const struct rte_mbuf *like);

static inline bool packet_is_large(const struct rte_mbuf *m)
{
	return meta_of((struct rte_mbuf *)(uintptr_t)m)->flags & META_LARGE;
}

// *m is large: if its bytes fit into a buffer of worker.pool, *m is such a one from now on. False
// when none is free; then *m is as it was.
bool large_settle(struct worker *w, struct rte_mbuf **m);
// The first length bytes of m, which is large, in a buffer of worker.pool; NULL when none is free
// or they do not fit. Not counted.
struct rte_mbuf *large_front(struct worker *w, const struct rte_mbuf *m, uint16_t length);

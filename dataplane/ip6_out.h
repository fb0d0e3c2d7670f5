// SPDX-License-Identifier: Apache-2.0
#pragma once

// What ip_out.c needs for packets with META_OUTER6.

#include "dataplane/worker.h"

#include <stdint.h>

// Behind the outer IPv6 header -> IPv6 header; a UDP checksum on the way. False when there is no
// room.
bool ip6_out_header(struct rte_mbuf *m);
// Sends the fragments of m on their way, or drops m when there are none.
void ip_out_fragments(
	struct worker *w, struct rte_mbuf *m, struct rte_mbuf **pieces, uint16_t count);
// As ip_route: IPv6 header, outer, to meta.remote6, at most BURST packets.
uint16_t ip6_out_route(struct worker *w, struct rte_mbuf **m, uint16_t count);

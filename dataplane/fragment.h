// SPDX-License-Identifier: Apache-2.0
#pragma once

// Fragmentation: IPv4 (RFC 791 section 3.2), of inner packets and of the gateway's own; IPv6 (RFC
// 8200 section 4.5), where only the sender may cut, of its own.

#include "dataplane/worker.h"

#include <stdbool.h>
#include <stdint.h>

enum { FRAGMENTS_MAX = 128 }; // of one packet: the longest there is where the MTU is 576

// Inner IP header: may the gateway cut it? IPv4 without DF; an IPv6 packet its sender alone.
bool fragment_may(const struct rte_mbuf *m);

// Cuts m, whose IPv4 header is valid and without DF, into pieces of at most mtu bytes (at least
// 68). m may have several segments, of which the first must hold a whole piece. m becomes the first
// one, unless it is large (large.h): then that is new as well, and m is freed. The others are new,
// with m's meta; all are written to out (FRAGMENTS_MAX). Returns how many, or 0 when it would be
// more than FRAGMENTS_MAX or memory is short, or what m's first segment has; then m is as it was.
uint16_t fragment_ip4(struct worker *w, struct rte_mbuf *m, uint16_t mtu, struct rte_mbuf **out);

// The same for IPv6: m has a header without extension headers; mtu is 1280 at least; id as it goes
// onto the wire.
uint16_t fragment_ip6(
	struct worker *w, struct rte_mbuf *m, uint16_t mtu, uint32_t id, struct rte_mbuf **out);

// Pure. Copies the options that belong into every fragment (copied flag, RFC 791 section 3.1)
// from a header's options to out (40 bytes), padded with end-of-list to a multiple of 4. Returns
// the bytes written. A malformed option ends the list.
uint8_t fragment_options(const uint8_t *options, uint8_t length, uint8_t *out);

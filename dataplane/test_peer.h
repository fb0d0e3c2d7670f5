// SPDX-License-Identifier: Apache-2.0
#pragma once

// The other end of an SA pair, on libcrypto: an independent second implementation, which whole ESP
// packets are held against. For tests only; what does not fit fails the test that runs.

#include "contract/messages.h"

#include "dataplane/sa.h"

#include <rte_mbuf.h>
#include <stddef.h>
#include <stdint.h>

enum { ESP_MAX = UINT16_MAX }; // bytes of any packet here

// An ESP packet as the peer of pair c would send it, of ESP_MAX bytes at most. text of length bytes
// has its trailer. Returns the length of the packet.
size_t peer_seal(const struct command_sa_add *c, uint64_t sequence, const uint8_t *iv,
	const uint8_t *text, size_t length, uint8_t *esp);
// UDP 1701 to 1701 with size bytes in it, and the ESP trailer for that block size. Returns the
// length of it all.
size_t peer_payload(uint8_t *text, size_t size, uint8_t block, uint8_t next);
// Addresses and port of what comes from the peer of c.
void peer_from(const struct command_sa_add *c, struct rte_mbuf *m);
// A packet of the peer of c with size bytes in UDP; with any text that has a trailer.
struct rte_mbuf *peer_packet(const struct command_sa_add *c, uint64_t sequence, size_t size);
struct rte_mbuf *peer_odd_packet(
	const struct command_sa_add *c, uint64_t sequence, const uint8_t *text, size_t length);
// That m is what peer_packet had in it.
void peer_payload_check(struct rte_mbuf *m, size_t size);
// A UDP packet with size bytes in it, to be sealed by s.
struct rte_mbuf *peer_inner(struct sa *s, size_t size);
// That m is peer_inner's packet sealed as libcrypto does with the same IV. c: as the peer sees the
// pair.
void peer_sealed_check(
	const struct command_sa_add *c, struct rte_mbuf *m, size_t size, uint64_t sequence);

// SPDX-License-Identifier: Apache-2.0
#pragma once

// The floor: the least that any program must do with the same packets on the same machine. Uplink:
// SPI lookup, decryption, ESP, L2TP and PPP off, session lookup and its counters, route lookup (in
// the gateway's table), TTL, Ethernet header, null port. Downlink the other way round. Without L2TP
// the session is found by the SPI. No check but
// the ICV, no window, no neighbours; all lengths are taken for granted. It has lines and keys of
// its own, laid out for it alone.

#include "cipher.h"
#include "house.h"

struct floor {
	const struct population *population;
	struct house *house;
	struct cipher cipher;
	uint8_t *sas;      // sa_size bytes for each session: a line, then the keys
	size_t sa_size;    // bytes
	uint8_t *sessions; // a line for each
	uint64_t sent;
	uint64_t wrong; // packets with a wrong ICV or of no session
};

// For one direction. 0 or -ENOMEM.
int floor_open(struct floor *f, struct house *h, const struct population *p, enum direction d);
void floor_close(struct floor *f);
// A burst of at most CIPHER_BURST frames, which are gone then.
void floor_round(struct floor *f, enum direction d, struct rte_mbuf **m, uint16_t count);

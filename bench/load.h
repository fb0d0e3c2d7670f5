// SPDX-License-Identifier: Apache-2.0
#pragma once

// The packets that go in: made outside of the measured time, sealed with fresh sequence numbers so
// that the replay window takes them. Sessions come in an order that no prefetcher of the CPU can
// follow. Sizes are those of the inner IP packet.

#include "frame.h"
#include "house.h"

enum { LOAD_IMIX = 0 };

struct load {
	const struct population *population;
	const struct house *house;
	struct cipher cipher;
	struct frame_maker frame[HOUSE_PORTS];
	void *key;          // one for all
	uint32_t *sequence; // of each session's SA
	uint32_t next;      // counts sessions
	uint32_t shares;    // not 0: only every such session,
	uint32_t share;     // from this one on
	uint32_t size;      // counts packets of the mix
};

// 0 or -ENOMEM.
int load_open(struct load *l, const struct house *h, const struct population *p);
void load_close(struct load *l);
// Fills m with n frames of that inner size or LOAD_IMIX for one direction. 0 or -ENOMEM.
int load_make(struct load *l, enum direction d, uint16_t size, struct rte_mbuf **m, unsigned n);
// Mean bytes of an inner packet.
double load_mean(uint16_t size);

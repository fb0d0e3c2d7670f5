// SPDX-License-Identifier: Apache-2.0
#pragma once

// What peers offered, kept for policy.h. Clients of one kind offer the same bytes, so these are
// kept once and counted.

#include "wire.h"

#include <sys/queue.h>

enum { OFFER_BUCKETS = 64 };

LIST_HEAD(offer_list, offer);

struct offer {
	LIST_ENTRY(offer) same_bucket;
	uint32_t uses;
	size_t length;
	uint8_t bytes[]; // body of an SA payload; of ESP with the same SPI for everybody
};

// Zero is empty.
struct offers {
	struct offer_list buckets[OFFER_BUCKETS];
};

// Counts a use of that body. NULL without memory.
struct offer *offer_keep(struct offers *offers, struct span body);
struct offer *offer_share(struct offer *offer); // NULL is allowed
void offer_drop(struct offer *offer);           // the same
// SPIs are others in each exchange: the same one is written over one that lies in bytes, if it has
// four, so that offers are alike.
void offer_forget_spi(uint8_t *bytes, struct span spi);

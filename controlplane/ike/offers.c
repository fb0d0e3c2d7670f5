// SPDX-License-Identifier: Apache-2.0

// See offers.h. The bytes come from peers that may choose them to fall into one bucket; then there
// are no more to go through than such peers.

#include "offers.h"

#include <stdlib.h>
#include <string.h>

static struct offer_list *bucket(struct offers *offers, struct span body)
{
	uint32_t h = 0x811c9dc5;

	for (size_t i = 0; i < body.length; i++)
		h = (h ^ body.at[i]) * 0x01000193;
	return &offers->buckets[(h >> 16) % OFFER_BUCKETS];
}

struct offer *offer_keep(struct offers *offers, struct span body)
{
	struct offer_list *list = bucket(offers, body);
	struct offer *offer;

	LIST_FOREACH(offer, list, same_bucket)
	if (offer->length == body.length && memcmp(offer->bytes, body.at, body.length) == 0)
		return offer_share(offer);
	offer = malloc(sizeof(*offer) + body.length);
	if (!offer)
		return NULL;
	offer->uses = 1;
	offer->length = body.length;
	memcpy(offer->bytes, body.at, body.length);
	LIST_INSERT_HEAD(list, offer, same_bucket);
	return offer;
}

struct offer *offer_share(struct offer *offer)
{
	if (offer)
		offer->uses++;
	return offer;
}

void offer_drop(struct offer *offer)
{
	if (!offer || --offer->uses > 0)
		return;
	LIST_REMOVE(offer, same_bucket);
	free(offer);
}

void offer_forget_spi(uint8_t *bytes, struct span spi)
{
	static const uint8_t same[4] = {0, 0, 1, 0}; // 256, the first that is not reserved

	if (spi.length == sizeof(same))
		memcpy(bytes + (spi.at - bytes), same, sizeof(same));
}

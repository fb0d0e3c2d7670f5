// SPDX-License-Identifier: Apache-2.0
#pragma once

// The life of peers and sessions: who begins when, what follows what, what went wrong.

#include "gen.h"

// Makes them all, idle. 0 or -ENOMEM.
int peer_create_all(struct gen *g);
void peer_free_all(struct gen *g);

// Begins as many sessions as pace and the number in set-up allow; false when none is left.
bool peer_pace(struct gen *g, uint64_t now);

// SPI of our inbound SA: peer and generation.
uint32_t peer_spi(const struct peer *p);
// The peer that the SPI belongs to, and its SA, or NULL.
static inline struct peer *peer_by_spi(struct gen *g, uint32_t spi, struct esp_sa **sa)
{
	uint32_t index = spi & 0xfffff;
	struct peer *p;

	if (index >= g->peer_count || spi == 0)
		return NULL;
	p = &g->peers[index];
	*sa = p->in.spi == spi ? &p->in : &p->old;
	return (*sa)->spi == spi ? p : NULL;
}
// The peer of a plain tunnel, by its outer address.
static inline struct peer *peer_by_address(struct gen *g, uint32_t address)
{
	uint32_t index = address - g->options.outer;

	return index < g->peer_count ? &g->peers[index] : NULL;
}

// The steps, called by the protocols.
void peer_ike_up(struct peer *p);
void peer_tunnel_up(struct peer *p);
void peer_closed(struct peer *p); // the StopCCN was acknowledged, or nobody answers it
void session_called(struct session *s);
void session_up(struct session *s, uint32_t address);

// Gives up, with all that hangs on it.
void peer_fail(struct peer *p, enum failure cause);
void session_fail(struct session *s, enum failure cause);

void session_begin(struct session *s);
// Hangs up; the last session takes its tunnel and its SAs along.
void session_end(struct session *s);
// Hangs up all, so many peers at a time as may be in set-up; false when nothing is left to do.
bool peer_pace_end(struct gen *g);

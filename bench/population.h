// SPDX-License-Identifier: Apache-2.0
#pragma once

// Who there is in a case: so many sessions, all with one transform. Session i has the inbound SA i,
// lies in tunnel population_tunnel(i) and has the inner address 10.0.1.0 + i. Tunnel ids are 16
// bits wide, so many sessions share tunnels: 1,000 in each without IPsec (LACs); with IPsec one, or
// two where there are too many, each on an SA of its own (downlink then uses every second one).
//
// All SAs have the same keys, each in memory of its own: whoever makes packets does not pull the
// keys of the gateway into the cache.

#include "contract/algorithm.h"
#include "contract/ids.h"
#include "contract/messages.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct transform {
	const char *name;
	uint8_t cipher;    // enum esp_cipher; ESP_CIPHER_NONE: L2TP in clear
	uint8_t integrity; // enum esp_integrity
	bool bare;         // ESP in tunnel mode, without L2TP: one session in each tunnel
};

struct population {
	const struct transform *transform;
	uint32_t sessions;
	uint16_t window;     // packets of the replay windows, 0 = replays are taken
	uint16_t per_tunnel; // sessions in each tunnel, 0 = as below
};

// "plain" and so on, the last one without a name; and the one of that name, or NULL.
extern const struct transform transforms[];
const struct transform *transform_find(const char *name);

enum direction { UPLINK, DOWNLINK };

// Addresses in host byte order.
#define POPULATION_IP(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))
#define POPULATION_US             POPULATION_IP(192, 0, 2, 1)
#define POPULATION_US_NET         POPULATION_IP(198, 51, 100, 1)
#define POPULATION_ROUTER         POPULATION_IP(192, 0, 2, 254)
#define POPULATION_ROUTER_NET     POPULATION_IP(198, 51, 100, 254)
#define POPULATION_HOST           POPULATION_IP(203, 0, 113, 9)
#define POPULATION_INNER          POPULATION_IP(10, 0, 1, 0)
#define POPULATION_REMOTE         POPULATION_IP(172, 16, 0, 0)

static inline bool population_has_esp(const struct population *p)
{
	return p->transform->cipher != ESP_CIPHER_NONE;
}

static inline bool population_is_bare(const struct population *p)
{
	return p->transform->bare;
}

static inline uint32_t population_per_tunnel(const struct population *p)
{
	if (p->per_tunnel)
		return p->per_tunnel;
	if (population_has_esp(p))
		return p->sessions > 60000 ? 2 : 1;
	return p->sessions < 1000 ? p->sessions : 1000;
}

static inline uint16_t population_tunnel(const struct population *p, uint32_t session)
{
	return (uint16_t)(1 + session / population_per_tunnel(p));
}

static inline uint16_t population_session_id(const struct population *p, uint32_t session)
{
	return (uint16_t)(1 + session % population_per_tunnel(p));
}

// Outer address of the client or LAC of a tunnel.
static inline uint32_t population_remote(uint16_t tunnel)
{
	return POPULATION_REMOTE + tunnel;
}

static inline uint32_t population_inner(uint32_t session)
{
	return POPULATION_INNER + session;
}

static inline uint32_t population_spi(uint32_t session)
{
	return id_make(session, 1);
}

// The key bytes of every SA, cipher and salt or integrity.
static inline void population_key(uint8_t *key, size_t length, uint8_t seed)
{
	for (size_t i = 0; i < length; i++)
		key[i] = (uint8_t)(seed + i * 7);
}

// What makes session number i of a population live, in this order: its SA if there is IPsec, its
// tunnel if it is the first in it, the session, its state and its route.
bool population_opens_tunnel(const struct population *p, uint32_t session);
struct command_sa_add population_sa_add(const struct population *p, uint32_t session);
struct command_tunnel_add population_tunnel_add(const struct population *p, uint32_t session);
struct command_session_add population_session_add(const struct population *p, uint32_t session);
struct command_session_set population_session_set(uint32_t session);
struct command_route population_route(uint32_t session);

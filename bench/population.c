// SPDX-License-Identifier: Apache-2.0

#include "population.h"

#include "contract/address.h"
#include "contract/limits.h"

#include <string.h>

const struct transform transforms[] = {
	{"plain", ESP_CIPHER_NONE, ESP_INTEGRITY_NONE, false},
	{"aes-gcm-128", ESP_CIPHER_AES_GCM_128, ESP_INTEGRITY_NONE, false},
	{"aes-gcm-128-tunnel", ESP_CIPHER_AES_GCM_128, ESP_INTEGRITY_NONE, true},
	{"aes-cbc-128-sha1", ESP_CIPHER_AES_CBC_128, ESP_INTEGRITY_HMAC_SHA1_96, false},
	{"aes-cbc-256-sha256", ESP_CIPHER_AES_CBC_256, ESP_INTEGRITY_HMAC_SHA256_128, false},
	{0},
};

const struct transform *transform_find(const char *name)
{
	for (const struct transform *t = transforms; t->name; t++)
		if (strcmp(t->name, name) == 0)
			return t;
	return NULL;
}

bool population_opens_tunnel(const struct population *p, uint32_t session)
{
	return session % population_per_tunnel(p) == 0;
}

struct command_sa_add population_sa_add(const struct population *p, uint32_t session)
{
	uint16_t tunnel = population_tunnel(p, session);
	struct command_sa_add c = {
		.spi_in = population_spi(session),
		.spi_out = id_make(session, 2),
		.peer = id_make(tunnel, 1),
		.cipher = p->transform->cipher,
		.integrity = p->transform->integrity,
		.window = p->window,
		.mode = population_is_bare(p) ? ESP_TUNNEL : ESP_TRANSPORT,
		.session = session,
		.local = address_from_u32(POPULATION_US),
		.remote = address_from_u32(population_remote(tunnel)),
	};

	population_key(c.cipher_key_in, sizeof(c.cipher_key_in), 1);
	population_key(c.cipher_key_out, sizeof(c.cipher_key_out), 1);
	population_key(c.integrity_key_in, sizeof(c.integrity_key_in), 2);
	population_key(c.integrity_key_out, sizeof(c.integrity_key_out), 2);
	return c;
}

struct command_tunnel_add population_tunnel_add(const struct population *p, uint32_t session)
{
	uint16_t tunnel = population_tunnel(p, session);
	bool esp = population_has_esp(p), bare = population_is_bare(p);

	return (struct command_tunnel_add){
		.tunnel = tunnel,
		.kind = bare ? TUNNEL_ESP : TUNNEL_L2TP,
		.peer_tunnel = bare ? 0 : tunnel,
		.peer = esp ? id_make(tunnel, 1) : 0,
		.sa = esp ? population_spi(session) : 0,
		.local_port = bare ? 0 : PORT_L2TP,
		.remote_port = bare ? 0 : PORT_L2TP,
		.local = address_from_u32(POPULATION_US),
		.remote = address_from_u32(population_remote(tunnel)),
	};
}

struct command_session_add population_session_add(const struct population *p, uint32_t session)
{
	return (struct command_session_add){
		.session = session,
		.tunnel = population_tunnel(p, session),
		.session_id = population_session_id(p, session),
		.peer_session = population_session_id(p, session),
	};
}

struct command_session_set population_session_set(uint32_t session)
{
	return (struct command_session_set){
		.session = session,
		.flags = SESSION_IP4_OPEN | SESSION_LCP_OPEN,
		.magic = 0x01020304,
		.peer_mru = 1500,
		.ip4 = address_from_u32(population_inner(session)),
	};
}

struct command_route population_route(uint32_t session)
{
	return (struct command_route){
		.prefix = {.address = address_from_u32(population_inner(session)), .length = 32},
		.kind = NEXT_HOP_SESSION,
		.session = session,
	};
}

// SPDX-License-Identifier: Apache-2.0

#include "dataplane/test_tunnel.h"

#include "dataplane/sa.h"
#include "dataplane/stage.h"

#include <string.h>

static bool outer6;

void tunnel_outer6(bool six)
{
	outer6 = six;
}

static struct ip_address address(const char *six, uint32_t four)
{
	struct ip_address a;

	if (!outer6)
		return address_from_u32(four);
	address_parse(six, &a);
	return a;
}

static void fill(uint8_t *key, size_t length, uint8_t seed)
{
	for (size_t i = 0; i < length; i++)
		key[i] = (uint8_t)(seed + i * 7);
}

int tunnel_pair(uint8_t cipher, uint8_t integrity, uint8_t encapsulation)
{
	struct command_sa_add ours = {.spi_in = OURS,
		.spi_out = THEIRS,
		.peer = PEER,
		.cipher = cipher,
		.integrity = integrity,
		.encapsulation = encapsulation,
		.local_port = encapsulation == ESP_UDP ? PORT_NAT_T : 0,
		.remote_port = encapsulation == ESP_UDP ? NAT_PORT : 0,
		.window = 64,
		.local = address(LAB_SUB6, US_SUB),
		.remote = address(CLIENT6, CLIENT)};
	struct command_sa_add theirs;

	fill(ours.cipher_key_in, sizeof(ours.cipher_key_in), 1);
	fill(ours.cipher_key_out, sizeof(ours.cipher_key_out), 2);
	fill(ours.integrity_key_in, sizeof(ours.integrity_key_in), 3);
	fill(ours.integrity_key_out, sizeof(ours.integrity_key_out), 4);
	theirs = ours;
	theirs.spi_in = THEIRS;
	theirs.spi_out = OURS;
	theirs.local = ours.remote;
	theirs.remote = ours.local;
	theirs.local_port = ours.remote_port;
	theirs.remote_port = ours.local_port;
	memcpy(theirs.cipher_key_in, ours.cipher_key_out, sizeof(theirs.cipher_key_in));
	memcpy(theirs.cipher_key_out, ours.cipher_key_in, sizeof(theirs.cipher_key_out));
	memcpy(theirs.integrity_key_in, ours.integrity_key_out, sizeof(theirs.integrity_key_in));
	memcpy(theirs.integrity_key_out, ours.integrity_key_in, sizeof(theirs.integrity_key_out));
	return sa_add(lab.tables, &ours) || sa_add(lab.tables, &theirs);
}

static int add_session(uint16_t tunnel, uint32_t peer, uint32_t sa, uint32_t session)
{
	const struct command_tunnel_add t = {.tunnel = tunnel,
		.peer_tunnel = tunnel + 100,
		.peer = peer,
		.sa = sa,
		.local_port = PORT_L2TP,
		.remote_port = PORT_L2TP,
		.local = address(LAB_SUB6, US_SUB),
		.remote = address(CLIENT6, CLIENT)};
	const struct command_session_add s = {.session = session,
		.tunnel = tunnel,
		.session_id = (uint16_t)(session + SESSION_ID),
		.peer_session = (uint16_t)(session + 2000)};

	return tunnel_add(lab.tables, &t) || session_add(lab.tables, &s) ||
	       tunnel_shape(session, 0);
}

int tunnel_shape(uint32_t session, uint32_t kbit)
{
	bool clear = session == SESSION_CLEAR;
	struct command_session_set set = {.session = session,
		.flags = SESSION_IP4_OPEN | SESSION_IP6_OPEN | SESSION_LCP_OPEN,
		.magic = 0x01020304,
		.peer_mru = 1400,
		.ip4 = address_from_u32(clear ? OTHER : INNER),
		.shape_downlink = {.kbit = kbit, .burst = 3000}};

	prefix_parse(clear ? OTHER6_PLAN : INNER6_PLAN, &set.ip6, NULL);
	return session_set(lab.tables, &set);
}

int tunnel_sessions(void)
{
	return add_session(TUNNEL, PEER, OURS, SESSION) ||
	       add_session(TUNNEL_CLEAR, 0, 0, SESSION_CLEAR);
}

static int add_route(uint32_t session, uint32_t inner)
{
	struct command_route r = {.kind = NEXT_HOP_SESSION, .session = session};

	r.prefix.address = address_from_u32(inner);
	r.prefix.length = 32;
	return route_add(lab.routes, &r);
}

static int add_route6(uint32_t session, const char *prefix)
{
	struct command_route r = {.kind = NEXT_HOP_SESSION, .session = session};

	prefix_parse(prefix, &r.prefix, NULL);
	return route_add(lab.routes, &r);
}

int tunnel_routes(void)
{
	return add_route(SESSION, INNER) || add_route(SESSION_CLEAR, OTHER) ||
	       add_route6(SESSION, INNER6_PLAN) || add_route6(SESSION_CLEAR, OTHER6_PLAN);
}

void tunnel_clear(void)
{
	tunnel_delete(lab.tables, &(struct command_tunnel_delete){.tunnel = TUNNEL});
	tunnel_delete(lab.tables, &(struct command_tunnel_delete){.tunnel = TUNNEL_CLEAR});
	sa_delete(lab.tables, &(struct command_sa_delete){.spi_in = OURS});
	sa_delete(lab.tables, &(struct command_sa_delete){.spi_in = THEIRS});
	reclaim_wait(lab.tables);
}

size_t tunnel_seal(const void *udp, size_t length, uint8_t out[LAB_FRAME])
{
	struct rte_mbuf *m = packet_create(&lab.worker[0]);
	char *room = m ? rte_pktmbuf_append(m, (uint16_t)length) : NULL;
	size_t sealed;

	if (!room)
		return 0;
	memcpy(room, udp, length);
	meta_of(m)->sa = sa_find(lab.tables, THEIRS);
	if (esp_out(&lab.worker[0], &m, 1) == 0)
		return 0;
	sealed = m->data_len;
	memcpy(out, rte_pktmbuf_mtod(m, void *), sealed);
	packet_drop(&lab.worker[0], m, DROP_NO_MEMORY);
	return sealed;
}

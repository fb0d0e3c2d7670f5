// SPDX-License-Identifier: Apache-2.0

#include "dataplane/test_tunnel.h"

#include "dataplane/esp_crypto.h"
#include "dataplane/ip6.h"
#include "dataplane/sa.h"
#include "dataplane/stage.h"
#include "dataplane/test_lab6.h"

#include <netinet/in.h>
#include <rte_ether.h>
#include <rte_ip.h>
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

// Ours, without keys.
static struct command_sa_add pair(uint8_t cipher, uint8_t integrity, uint8_t encapsulation)
{
	return (struct command_sa_add){.spi_in = OURS,
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
}

static int add_both(struct command_sa_add ours)
{
	struct command_sa_add theirs;

	fill(ours.cipher_key_in, sizeof(ours.cipher_key_in), 1);
	fill(ours.cipher_key_out, sizeof(ours.cipher_key_out), 2);
	fill(ours.integrity_key_in, sizeof(ours.integrity_key_in), 3);
	fill(ours.integrity_key_out, sizeof(ours.integrity_key_out), 4);
	theirs = ours;
	theirs.spi_in = ours.spi_out;
	theirs.spi_out = ours.spi_in;
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

int tunnel_pair(uint8_t cipher, uint8_t integrity, uint8_t encapsulation)
{
	return add_both(pair(cipher, integrity, encapsulation));
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

static const struct {
	uint32_t inner;
	const char *plan;
} own[] = {
	[SESSION] = {INNER, INNER6_PLAN},
	[SESSION_CLEAR] = {OTHER, OTHER6_PLAN},
	[SESSION_WITHOUT] = {BARE, BARE6_PLAN},
};

int tunnel_shape(uint32_t session, uint32_t kbit)
{
	struct command_session_set set = {.session = session,
		.flags = SESSION_IP4_OPEN | SESSION_IP6_OPEN | SESSION_LCP_OPEN,
		.magic = 0x01020304,
		.peer_mru = session == SESSION_WITHOUT ? 0 : 1400,
		.ip4 = address_from_u32(own[session].inner),
		.shape_downlink = {.kbit = kbit, .burst = 3000}};

	prefix_parse(own[session].plan, &set.ip6, NULL);
	return session_set(lab.tables, &set);
}

int tunnel_bare(uint8_t cipher, uint8_t integrity, uint8_t encapsulation)
{
	const struct command_tunnel_add t = {.tunnel = TUNNEL_WITHOUT,
		.kind = TUNNEL_ESP,
		.peer = PEER_BARE,
		.sa = OURS_BARE,
		.local = address(LAB_SUB6, US_SUB),
		.remote = address(CLIENT6, CLIENT)};
	const struct command_session_add s = {.session = SESSION_WITHOUT,
		.tunnel = TUNNEL_WITHOUT,
		.session_id = 1,
		.peer_session = 1};
	struct command_sa_add ours = pair(cipher, integrity, encapsulation);

	ours.mode = ESP_TUNNEL;
	ours.session = SESSION_WITHOUT;
	ours.spi_in = OURS_BARE;
	ours.spi_out = THEIRS_BARE;
	ours.peer = PEER_BARE;
	return add_both(ours) || tunnel_add(lab.tables, &t) || session_add(lab.tables, &s) ||
	       tunnel_shape(SESSION_WITHOUT, 0);
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

int tunnel_bare_routes(void)
{
	return add_route(SESSION_WITHOUT, BARE) || add_route6(SESSION_WITHOUT, BARE6_PLAN);
}

void tunnel_clear(void)
{
	static const uint32_t pairs[] = {OURS, THEIRS, OURS_BARE, THEIRS_BARE};

	tunnel_delete(lab.tables, &(struct command_tunnel_delete){.tunnel = TUNNEL});
	tunnel_delete(lab.tables, &(struct command_tunnel_delete){.tunnel = TUNNEL_CLEAR});
	tunnel_delete(lab.tables, &(struct command_tunnel_delete){.tunnel = TUNNEL_WITHOUT});
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		sa_delete(lab.tables, &(struct command_sa_delete){.spi_in = pairs[i]});
	reclaim_wait(lab.tables);
}

size_t tunnel_seal(const void *udp, size_t length, uint8_t out[LAB_FRAME])
{
	return tunnel_seal_as(THEIRS, IPPROTO_UDP, udp, length, out);
}

size_t tunnel_seal_as(
	uint32_t spi, uint8_t next, const void *data, size_t length, uint8_t out[LAB_FRAME])
{
	struct rte_mbuf *m = packet_create(&lab.worker[0]);
	char *room = m ? rte_pktmbuf_append(m, (uint16_t)length) : NULL;
	size_t sealed;

	if (!room)
		return 0;
	memcpy(room, data, length);
	meta_of(m)->sa = sa_find(lab.tables, spi);
	meta_of(m)->protocol = next;
	if (esp_out(&lab.worker[0], &m, 1) == 0)
		return 0;
	sealed = m->data_len;
	memcpy(out, rte_pktmbuf_mtod(m, void *), sealed);
	packet_drop(&lab.worker[0], m, DROP_NO_MEMORY);
	return sealed;
}

size_t tunnel_seal_large(uint32_t spi, uint8_t next, const void *data, size_t length,
	uint32_t sequence, uint8_t out[TUNNEL_LARGE])
{
	struct sa *s = sa_find(lab.tables, spi);
	struct build b = build_in(out, TUNNEL_LARGE);
	struct esp_packet p = {
		.sa = s, .key = s->key_out, .sequence = sequence, .shape = s->shape_out};
	size_t pad = -(length + 2) & (s->out_block - 1U);

	p.length = (uint16_t)(length + pad + 2);
	if (sa_remote_port(s->remote) || (s->outer6 && s->outer6->remote_port))
		lab_udp(&b, NAT_PORT, PORT_NAT_T,
			(uint16_t)(ESP_HEADER + p.shape.iv + p.length + p.shape.icv));
	p.esp = out + build_length(&b);
	build_u32(&b, s->spi_out);
	build_u32(&b, sequence);
	build_zero(&b, p.shape.iv);
	build_bytes(&b, data, length);
	for (size_t i = 1; i <= pad; i++)
		build_u8(&b, (uint8_t)i);
	build_u8(&b, (uint8_t)pad);
	build_u8(&b, next);
	build_zero(&b, p.shape.icv);
	if (b.failed)
		return 0;
	esp_encrypt(&lab.worker[0], &p, 1);
	return build_length(&b);
}

static size_t piece4(uint8_t *frame, uint8_t next, uint16_t id, uint16_t field, size_t size)
{
	struct build b = build_in(frame, LAB_FRAME);
	uint8_t *ip = frame + RTE_ETHER_HDR_LEN;
	uint16_t sum;

	lab_ether(&b, LAB_SUB, 9, RTE_ETHER_TYPE_IPV4);
	lab_ip4(&b, next, CLIENT, US_SUB, (uint16_t)size, 64, field);
	ip[4] = id >> 8;
	ip[5] = id & 0xff;
	memset(ip + 10, 0, sizeof(sum));
	sum = (uint16_t)~rte_raw_cksum(ip, 20);
	memcpy(ip + 10, &sum, sizeof(sum));
	return build_length(&b);
}

static size_t piece6(uint8_t *frame, uint8_t next, uint16_t id, uint16_t field, size_t size)
{
	const struct lab6_ends ends = {CLIENT6, LAB_SUB6};
	struct build b = build_in(frame, LAB_FRAME);

	lab_ether(&b, LAB_SUB, 9, RTE_ETHER_TYPE_IPV6);
	lab6_header(&b, IPPROTO_FRAGMENT, ends, (uint16_t)(IP6_FRAGMENT_HEADER + size), 64);
	build_u8(&b, next);
	build_u8(&b, 0);
	build_u16(&b, field);
	build_u32(&b, id);
	return build_length(&b);
}

void tunnel_fragments(bool over6, uint8_t next, const uint8_t *payload, size_t length, size_t each)
{
	static uint16_t id;

	id++;
	for (size_t at = 0; at < length; at += each) {
		size_t size = length - at < each ? length - at : each, front;
		uint16_t more = at + size < length, place = (uint16_t)(at / 8);
		uint8_t frame[LAB_FRAME];

		if (over6)
			front = piece6(frame, next, id, (uint16_t)(place << 3 | more), size);
		else
			front = piece4(frame, next, id, (uint16_t)(place | more << 13), size);
		memcpy(frame + front, payload + at, size);
		lab_receive(LAB_SUB, at / each & 1, frame, front + size);
	}
}

size_t tunnel_open_bare(const void *esp, size_t length, uint16_t outer_port, uint8_t out[LAB_FRAME])
{
	struct rte_mbuf *m = packet_create(&lab.worker[0]), *inner[1];
	const struct sa *s = sa_find(lab.tables, THEIRS_BARE);
	uint32_t remote = sa_remote_address(s->remote);
	uint16_t count = 0;
	size_t opened;

	memcpy(rte_pktmbuf_append(m, (uint16_t)length), esp, length);
	meta_of(m)->outer_port = outer_port;
	meta_of(m)->remote = remote;
	meta_of(m)->local = s->local;
	if (s->outer6) {
		meta_of(m)->flags = META_OUTER6;
		memcpy(meta_of(m)->remote6, s->outer6->remote, 16);
		memcpy(meta_of(m)->local6, s->outer6->local, 16);
	}
	if (esp_in(&lab.worker[0], &m, 1, inner, &count) || count == 0)
		return 0;
	opened = inner[0]->data_len;
	memcpy(out, rte_pktmbuf_mtod(inner[0], void *), opened);
	packet_drop(&lab.worker[0], inner[0], DROP_NO_MEMORY);
	return opened;
}

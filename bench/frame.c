// SPDX-License-Identifier: Apache-2.0

#include "frame.h"

#include "contract/limits.h"

#include <netinet/in.h>
#include <rte_ip.h>

enum { ETHERTYPE = 0x0800, IP_HEADER = 20, UDP_HEADER = 8 };

static void put_ether(const struct frame_maker *f, struct build *b)
{
	build_bytes(b, f->to, FRAME_MAC);
	build_bytes(b, f->from, FRAME_MAC);
	build_u16(b, ETHERTYPE);
}

static void put_ip(
	struct build *b, uint8_t protocol, uint32_t source, uint32_t destination, uint16_t length)
{
	size_t start = build_length(b);

	build_u16(b, 0x4500);
	build_u16(b, IP_HEADER + length);
	build_u32(b, 0x00004000);
	build_u8(b, 64);
	build_u8(b, protocol);
	build_u16(b, 0);
	build_u32(b, source);
	build_u32(b, destination);
	if (!b->failed)
		build_patch_u16(b, start + 10,
			rte_be_to_cpu_16((uint16_t)~rte_raw_cksum(b->start + start, IP_HEADER)));
}

static void put_udp(struct build *b, uint16_t source, uint16_t destination, uint16_t length)
{
	build_u16(b, source);
	build_u16(b, destination);
	build_u16(b, UDP_HEADER + length);
	build_u16(b, 0);
}

// An inner packet of so many bytes in all.
static void put_inner(struct build *b, uint32_t source, uint32_t destination, uint16_t size)
{
	put_ip(b, IPPROTO_UDP, source, destination, size - IP_HEADER);
	put_udp(b, 4000, 4001, size - IP_HEADER - UDP_HEADER);
	build_zero(b, size - IP_HEADER - UDP_HEADER);
}

static void put_l2tp(const struct frame_maker *f, struct build *b, uint32_t session, uint16_t size)
{
	put_udp(b, PORT_L2TP, PORT_L2TP, 6 + 4 + size);
	build_u16(b, 0x0002);
	build_u16(b, population_tunnel(f->population, session));
	build_u16(b, population_session_id(f->population, session));
	build_u32(b, 0xff030021);
	put_inner(b, population_inner(session), POPULATION_HOST, size);
}

// All but the cipher.
static void put_esp(const struct frame_maker *f, struct build *b, uint32_t session, uint16_t size,
	uint32_t sequence, struct cipher_packet *p)
{
	const struct cipher *c = f->cipher;
	bool bare = population_is_bare(f->population);
	unsigned text = (bare ? 0 : UDP_HEADER + 6 + 4) + size;
	unsigned pad = (c->block - (text + 2) % c->block) % c->block;

	p->esp = b->start + build_length(b);
	p->key = f->key;
	p->length = text + pad + 2;
	build_u32(b, population_spi(session));
	build_u32(b, sequence);
	build_zero(b, c->iv);
	if (bare)
		put_inner(b, population_inner(session), POPULATION_HOST, size);
	else
		put_l2tp(f, b, session, size);
	for (unsigned i = 1; i <= pad; i++)
		build_u8(b, (uint8_t)i);
	build_u8(b, (uint8_t)pad);
	build_u8(b, bare ? IPPROTO_IPIP : IPPROTO_UDP);
	build_zero(b, c->icv);
}

void frame_uplink(const struct frame_maker *f, struct build *b, uint32_t session, uint16_t size,
	uint32_t sequence, struct cipher_packet *seal)
{
	uint32_t remote = population_remote(population_tunnel(f->population, session));
	bool esp = population_has_esp(f->population);
	size_t ip;

	put_ether(f, b);
	ip = build_length(b);
	put_ip(b, esp ? IPPROTO_ESP : IPPROTO_UDP, remote, POPULATION_US, 0);
	if (esp)
		put_esp(f, b, session, size, sequence, seal);
	else
		put_l2tp(f, b, session, size);
	build_patch_u16(b, ip + 2, (uint16_t)(build_length(b) - ip));
	build_patch_u16(b, ip + 10, 0);
	build_patch_u16(
		b, ip + 10, rte_be_to_cpu_16((uint16_t)~rte_raw_cksum(b->start + ip, IP_HEADER)));
}

void frame_downlink(const struct frame_maker *f, struct build *b, uint32_t session, uint16_t size)
{
	put_ether(f, b);
	put_inner(b, POPULATION_HOST, population_inner(session), size);
}

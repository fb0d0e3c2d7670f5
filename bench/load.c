// SPDX-License-Identifier: Apache-2.0

#include "load.h"

#include "contract/build.h"

#include <errno.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_malloc.h>
#include <stdlib.h>
#include <string.h>

enum { IP_HEADER = 20, UDP_HEADER = 8, STEP = 7368787, PROTOCOL_ESP = 50 };

// The simple IMIX, 7 : 4 : 1, its largest packet as large as fits into a tunnel.
static const uint16_t imix[] = {64, 594, 64, 64, 594, 64, 1400, 64, 594, 64, 64, 594};

int load_open(struct load *l, const struct house *h, const struct population *p)
{
	*l = (struct load){.population = p, .house = h};
	l->sequence = calloc(p->sessions, sizeof(*l->sequence));
	if (!l->sequence)
		return -ENOMEM;
	if (!population_has_esp(p))
		return 0;
	cipher_open(&l->cipher, p, h->worker.mgr);
	l->key = rte_zmalloc("load", cipher_keys_size(&l->cipher), 64);
	if (!l->key)
		return -ENOMEM;
	cipher_keys_make(&l->cipher, false, l->key);
	return 0;
}

void load_close(struct load *l)
{
	free(l->sequence);
	rte_free(l->key);
}

double load_mean(uint16_t size)
{
	double sum = 0;

	for (size_t i = 0; i < RTE_DIM(imix); i++)
		sum += imix[i];
	return size == LOAD_IMIX ? sum / RTE_DIM(imix) : size;
}

static void put_ether(struct build *b, const struct port *p)
{
	const uint8_t router[] = {2, 0, 0, 0, 0, 9};

	build_bytes(b, &p->mac, RTE_ETHER_ADDR_LEN);
	build_bytes(b, router, sizeof(router));
	build_u16(b, RTE_ETHER_TYPE_IPV4);
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

static void put_l2tp(struct build *b, const struct load *l, uint32_t session, uint16_t size)
{
	put_udp(b, PORT_L2TP, PORT_L2TP, 6 + 4 + size);
	build_u16(b, 0x0002);
	build_u16(b, population_tunnel(l->population, session));
	build_u16(b, population_session_id(l->population, session));
	build_u32(b, 0xff030021);
	put_inner(b, population_inner(session), POPULATION_HOST, size);
}

// All but the cipher.
static void put_esp(
	struct load *l, struct build *b, uint32_t session, uint16_t size, struct cipher_packet *p)
{
	const struct cipher *c = &l->cipher;
	unsigned text = UDP_HEADER + 6 + 4 + size;
	unsigned pad = (c->block - (text + 2) % c->block) % c->block;

	p->esp = b->start + build_length(b);
	p->key = l->key;
	p->length = text + pad + 2;
	build_u32(b, population_spi(session));
	build_u32(b, ++l->sequence[session]);
	build_zero(b, c->iv);
	put_l2tp(b, l, session, size);
	for (unsigned i = 1; i <= pad; i++)
		build_u8(b, (uint8_t)i);
	build_u8(b, (uint8_t)pad);
	build_u8(b, IPPROTO_UDP);
	build_zero(b, c->icv);
}

static void make_uplink(
	struct load *l, struct build *b, uint32_t session, uint16_t size, struct cipher_packet *p)
{
	uint32_t remote = population_remote(population_tunnel(l->population, session));
	size_t ip;

	put_ether(b, &l->house->port[HOUSE_SUB]);
	ip = build_length(b);
	put_ip(b, population_has_esp(l->population) ? PROTOCOL_ESP : IPPROTO_UDP, remote,
		POPULATION_US, 0);
	if (population_has_esp(l->population))
		put_esp(l, b, session, size, p);
	else
		put_l2tp(b, l, session, size);
	build_patch_u16(b, ip + 2, (uint16_t)(build_length(b) - ip));
	build_patch_u16(b, ip + 10, 0);
	build_patch_u16(
		b, ip + 10, rte_be_to_cpu_16((uint16_t)~rte_raw_cksum(b->start + ip, IP_HEADER)));
}

static void make_downlink(struct load *l, struct build *b, uint32_t session, uint16_t size)
{
	put_ether(b, &l->house->port[HOUSE_NET]);
	put_inner(b, POPULATION_HOST, population_inner(session), size);
}

static uint32_t next_session(struct load *l)
{
	return (uint32_t)((uint64_t)l->next++ * STEP % l->population->sessions);
}

static uint16_t next_size(struct load *l, uint16_t size)
{
	return size == LOAD_IMIX ? imix[l->size++ % RTE_DIM(imix)] : size;
}

int load_make(struct load *l, enum direction d, uint16_t size, struct rte_mbuf **m, unsigned n)
{
	struct cipher_packet p[CIPHER_BURST];
	bool seal = d == UPLINK && population_has_esp(l->population);

	if (rte_pktmbuf_alloc_bulk(l->house->pool, m, n) != 0)
		return -ENOMEM;
	for (unsigned i = 0; i < n; i++) {
		struct build b = build_in(rte_pktmbuf_mtod(m[i], uint8_t *), LOAD_FRAME);
		unsigned at = i % CIPHER_BURST;

		if (d == UPLINK)
			make_uplink(l, &b, next_session(l), next_size(l, size), &p[at]);
		else
			make_downlink(l, &b, next_session(l), next_size(l, size));
		rte_pktmbuf_append(m[i], (uint16_t)build_length(&b));
		if (seal && (at + 1 == CIPHER_BURST || i + 1 == n))
			cipher_encrypt(&l->cipher, p, at + 1);
	}
	return 0;
}

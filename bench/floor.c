// SPDX-License-Identifier: Apache-2.0

#include "floor.h"

#include "dataplane/port.h"
#include "dataplane/route.h"

#include <errno.h>
#include <rte_ethdev.h>
#include <rte_ip.h>
#include <rte_malloc.h>
#include <rte_prefetch.h>
#include <string.h>

enum {
	ETHER = 14,
	IP = 20,
	UDP = 8,
	L2TP = 6,
	PPP = 4,
	OUTER = ETHER + IP,
	PROTOCOL_ESP = 50,
};

struct floor_sa {
	uint32_t spi;
	uint32_t sequence;
} __attribute__((aligned(64)));

struct floor_session {
	uint32_t inner; // addresses in network byte order
	uint32_t remote;
	uint16_t tunnel; // on the wire, network byte order
	uint16_t id;
	uint64_t packets;
	uint64_t bytes;
} __attribute__((aligned(64)));

static inline struct floor_sa *sa_at(const struct floor *f, uint32_t i)
{
	return (struct floor_sa *)(f->sas + i * f->sa_size);
}

// What a session sends through: one for each tunnel, which has one or two sessions.
static inline struct floor_sa *sa_out(const struct floor *f, uint32_t session)
{
	return sa_at(f, session & ~(population_per_tunnel(f->population) - 1));
}

static inline struct floor_session *session_at(const struct floor *f, uint32_t i)
{
	return (struct floor_session *)(f->sessions + (size_t)i * sizeof(struct floor_session));
}

static int open_sas(struct floor *f, enum direction d)
{
	const struct population *p = f->population;

	cipher_open(&f->cipher, p, f->house->worker[0].mgr);
	f->sa_size = sizeof(struct floor_sa) + cipher_keys_size(&f->cipher);
	f->sas = rte_zmalloc("floor", p->sessions * f->sa_size, 64);
	if (!f->sas)
		return -ENOMEM;
	for (uint32_t i = 0; i < p->sessions; i++) {
		sa_at(f, i)->spi = rte_cpu_to_be_32(population_spi(i));
		cipher_keys_make(&f->cipher, d == UPLINK, sa_at(f, i) + 1);
	}
	return 0;
}

int floor_open(struct floor *f, struct house *h, const struct population *p, enum direction d)
{
	*f = (struct floor){.population = p, .house = h};
	f->sessions = rte_zmalloc("floor", p->sessions * sizeof(struct floor_session), 64);
	if (!f->sessions)
		return -ENOMEM;
	for (uint32_t i = 0; i < p->sessions; i++) {
		uint16_t tunnel = population_tunnel(p, i);

		*session_at(f, i) = (struct floor_session){
			.inner = rte_cpu_to_be_32(population_inner(i)),
			.remote = rte_cpu_to_be_32(population_remote(tunnel)),
			.tunnel = rte_cpu_to_be_16(tunnel),
			.id = rte_cpu_to_be_16(population_session_id(p, i)),
		};
	}
	return population_has_esp(p) ? open_sas(f, d) : 0;
}

void floor_close(struct floor *f)
{
	rte_free(f->sas);
	rte_free(f->sessions);
}

static inline uint16_t load_u16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline void put_ether(uint8_t *p, const struct port *port)
{
	static const uint8_t router[] = {2, 0, 0, 0, 0, 9};

	memcpy(p, router, 6);
	memcpy(p + 6, &port->mac, 6);
	p[12] = 8;
	p[13] = 0;
}

// One hop less, and the checksum with it (RFC 1624).
static inline void take_hop(uint8_t *p)
{
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)p;
	uint32_t sum = ip->hdr_checksum + rte_cpu_to_be_16(0x0100);

	ip->hdr_checksum = (uint16_t)(sum + (sum >= 0xffff));
	ip->time_to_live--;
}

static void send_all(struct floor *f, uint16_t port, struct rte_mbuf **m, uint16_t count)
{
	f->sent += rte_eth_tx_burst(f->house->port[port].id, 0, m, count);
}

// Bytes of the headers between ESP, or the outer IP header, and the inner packet.
static inline uint16_t link_front(const struct floor *f)
{
	return population_is_bare(f->population) ? 0 : UDP + L2TP + PPP;
}

// ---- uplink

static void decrypt(struct floor *f, struct rte_mbuf **m, uint16_t count)
{
	struct cipher_packet p[CIPHER_BURST];
	struct cipher *c = &f->cipher;

	for (uint16_t i = 0; i < count; i++) {
		uint32_t spi;

		p[i].esp = rte_pktmbuf_mtod_offset(m[i], uint8_t *, OUTER);
		memcpy(&spi, p[i].esp, sizeof(spi));
		p[i].key = sa_at(f, id_index(rte_be_to_cpu_32(spi))) + 1;
		p[i].length = m[i]->data_len - OUTER - CIPHER_ESP_HEADER - c->iv - c->icv;
		rte_prefetch0((const uint8_t *)p[i].key - sizeof(struct floor_sa));
	}
	for (uint16_t i = 0; i < count; i++) {
		struct floor_sa *s = (struct floor_sa *)(uintptr_t)p[i].key - 1;
		uint32_t spi;

		memcpy(&spi, p[i].esp, sizeof(spi));
		f->wrong += s->spi != spi;
	}
	f->wrong += count - cipher_decrypt(c, p, count);
}

// front: where the UDP header is, if there is one.
static inline struct floor_session *session_of(
	const struct floor *f, struct rte_mbuf *m, uint16_t front, uint16_t per_tunnel)
{
	const uint8_t *at = rte_pktmbuf_mtod_offset(m, const uint8_t *, front + UDP);
	uint32_t spi;

	if (!population_is_bare(f->population))
		return session_at(f, (load_u16(at + 2) - 1U) * per_tunnel + load_u16(at + 4) - 1U);
	memcpy(&spi, rte_pktmbuf_mtod_offset(m, const uint8_t *, OUTER), sizeof(spi));
	return session_at(f, id_index(rte_be_to_cpu_32(spi)));
}

static void uplink_round(struct floor *f, struct rte_mbuf **m, uint16_t count)
{
	const struct port *out = &f->house->port[HOUSE_NET];
	uint16_t per_tunnel = (uint16_t)population_per_tunnel(f->population);
	uint16_t front = OUTER, link = link_front(f);
	struct floor_session *session[CIPHER_BURST];
	struct route_hop hops[CIPHER_BURST];
	uint32_t to[CIPHER_BURST];

	if (f->sas) {
		decrypt(f, m, count);
		front += CIPHER_ESP_HEADER + f->cipher.iv;
	}
	for (uint16_t i = 0; i < count; i++) {
		session[i] = session_of(f, m[i], front, per_tunnel);
		rte_prefetch0(session[i]);
		memcpy(&to[i], rte_pktmbuf_mtod_offset(m[i], uint8_t *, front + link + 16), 4);
		to[i] = rte_be_to_cpu_32(to[i]);
	}
	routes_lookup(f->house->routes, SIDE_NETWORK, to, hops, count);
	for (uint16_t i = 0; i < count; i++) {
		uint8_t *ip = rte_pktmbuf_mtod_offset(m[i], uint8_t *, front + link);
		uint16_t length = load_u16(ip + 2);

		f->wrong += memcmp(ip + 12, &session[i]->inner, 4) != 0 ||
			    hops[i].kind != ROUTE_GATEWAY;
		session[i]->packets++;
		session[i]->bytes += length;
		take_hop(ip);
		put_ether(ip - ETHER, out);
		m[i]->data_off += front + link - ETHER;
		m[i]->data_len = length + ETHER;
		m[i]->pkt_len = length + ETHER;
	}
	send_all(f, HOUSE_NET, m, count);
}

// ---- downlink

// Ethernet header off; then L2TP, if there is any.
static void put_l2tp(struct floor *f, struct rte_mbuf *m, const struct floor_session *s)
{
	uint16_t link = link_front(f);
	uint8_t *p;

	m->data_off += ETHER - link;
	m->data_len += link - ETHER;
	p = rte_pktmbuf_mtod(m, uint8_t *);
	take_hop(p + link);
	if (link == 0)
		return;
	p[0] = p[2] = PORT_L2TP >> 8;
	p[1] = p[3] = PORT_L2TP & 0xff;
	p[4] = (uint8_t)(m->data_len >> 8);
	p[5] = (uint8_t)m->data_len;
	p[6] = p[7] = p[8] = 0;
	p[9] = 2;
	memcpy(p + 10, &s->tunnel, 2);
	memcpy(p + 12, &s->id, 2);
	memcpy(p + 14, "\xff\x03\x00\x21", 4);
}

static void put_outer(struct floor *f, struct rte_mbuf *m, const struct floor_session *s)
{
	struct rte_ipv4_hdr *ip;

	m->data_off -= OUTER;
	m->data_len += OUTER;
	m->pkt_len = m->data_len;
	put_ether(rte_pktmbuf_mtod(m, uint8_t *), &f->house->port[HOUSE_SUB]);
	ip = rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, ETHER);
	*ip = (struct rte_ipv4_hdr){
		.version_ihl = RTE_IPV4_VHL_DEF,
		.total_length = rte_cpu_to_be_16(m->data_len - ETHER),
		.time_to_live = 64,
		.next_proto_id = f->sas ? PROTOCOL_ESP : IPPROTO_UDP,
		.src_addr = rte_cpu_to_be_32(POPULATION_US),
		.dst_addr = s->remote,
	};
	ip->hdr_checksum = rte_ipv4_cksum(ip);
}

// UDP or inner IP header at the start -> ESP header at the start.
static void put_esp(
	struct floor *f, struct rte_mbuf *m, struct floor_sa *s, struct cipher_packet *p)
{
	const struct cipher *c = &f->cipher;
	uint8_t pad = (uint8_t)(-(m->data_len + 2) & (c->block - 1));
	uint8_t *end = rte_pktmbuf_mtod_offset(m, uint8_t *, m->data_len);
	uint32_t sequence = rte_cpu_to_be_32(++s->sequence);

	for (uint8_t i = 1; i <= pad; i++)
		*end++ = i;
	*end++ = pad;
	*end = population_is_bare(f->population) ? IPPROTO_IPIP : IPPROTO_UDP;
	p->length = m->data_len + pad + 2U;
	m->data_off -= CIPHER_ESP_HEADER + c->iv;
	m->data_len = (uint16_t)(p->length + CIPHER_ESP_HEADER + c->iv + c->icv);
	p->esp = rte_pktmbuf_mtod(m, uint8_t *);
	p->key = s + 1;
	memcpy(p->esp, &s->spi, 4);
	memcpy(p->esp + 4, &sequence, 4);
}

// The session of each packet by its destination; its lines are on their way then.
static void find(struct floor *f, struct rte_mbuf **m, uint16_t count, uint32_t *index)
{
	struct route_hop hops[CIPHER_BURST];
	uint32_t to[CIPHER_BURST];

	for (uint16_t i = 0; i < count; i++) {
		memcpy(&to[i], rte_pktmbuf_mtod_offset(m[i], uint8_t *, ETHER + 16), 4);
		to[i] = rte_be_to_cpu_32(to[i]);
	}
	routes_lookup(f->house->routes, SIDE_NETWORK, to, hops, count);
	for (uint16_t i = 0; i < count; i++) {
		f->wrong += hops[i].kind != ROUTE_SESSION;
		index[i] = hops[i].session;
		rte_prefetch0(session_at(f, index[i]));
		if (f->sas)
			rte_prefetch0(sa_out(f, index[i]));
	}
}

static void downlink_round(struct floor *f, struct rte_mbuf **m, uint16_t count)
{
	struct cipher_packet p[CIPHER_BURST];
	uint32_t index[CIPHER_BURST];

	find(f, m, count, index);
	for (uint16_t i = 0; i < count; i++) {
		struct floor_session *s = session_at(f, index[i]);

		s->packets++;
		s->bytes += m[i]->data_len;
		put_l2tp(f, m[i], s);
		if (f->sas)
			put_esp(f, m[i], sa_out(f, index[i]), &p[i]);
	}
	if (f->sas)
		cipher_encrypt(&f->cipher, p, count);
	for (uint16_t i = 0; i < count; i++)
		put_outer(f, m[i], session_at(f, index[i]));
	send_all(f, HOUSE_SUB, m, count);
}

void floor_round(struct floor *f, enum direction d, struct rte_mbuf **m, uint16_t count)
{
	if (d == UPLINK)
		uplink_round(f, m, count);
	else
		downlink_round(f, m, count);
}

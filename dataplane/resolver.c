// SPDX-License-Identifier: Apache-2.0

#include "dataplane/resolver.h"

#include "dataplane/arp.h"
#include "dataplane/clerk.h"
#include "dataplane/ether.h"
#include "dataplane/log.h"

#include <errno.h>
#include <string.h>

enum { CONFLICT_S = 10 }; // seconds between two lines about it

// To a worker, which does with it what stage says. The one that owns the port is asked first.
static void hand_back(struct resolver *r, struct rte_mbuf *m, uint16_t port, uint8_t stage)
{
	uint16_t first = port_owner(&r->port[port], r->workers);

	meta_of(m)->stage = stage;
	for (uint16_t i = 0; i < r->workers; i++) {
		struct worker *w = &r->worker[(first + i) % r->workers];

		if (rte_ring_sp_enqueue(w->from_clerk, m) == 0)
			return;
	}
	r->lost++;
	rte_pktmbuf_free(m);
}

static void transmit(struct resolver *r, struct rte_mbuf *m, uint16_t port)
{
	meta_of(m)->out_port = (uint8_t)port;
	hand_back(r, m, port, HANDOVER_TX);
}

static void drop(void *context, struct rte_mbuf *m, enum drop reason)
{
	meta_of(m)->reason = (uint8_t)reason;
	hand_back(context, m, meta_of(m)->out_port, HANDOVER_DROP);
}
_Static_assert(DROP_COUNT <= UINT8_MAX, "meta.reason is a byte");

static void send_to(void *context, struct rte_mbuf *m, const struct rte_ether_addr *to)
{
	struct resolver *r = context;
	uint16_t port = meta_of(m)->out_port;

	if (!ether_put_ip4(m, to, &r->port[port].mac)) {
		drop(r, m, DROP_NO_MEMORY);
		return;
	}
	transmit(r, m, port);
}

// The own address from which a neighbour is asked: one of the same network.
static uint32_t source_for(const struct port *p, uint32_t address)
{
	for (uint16_t i = 0; i < p->address_count; i++)
		if ((address & p->mask[i]) == p->network[i])
			return p->address[i];
	return p->address_count ? p->address[0] : 0;
}

static void send_request(struct resolver *r, const struct port *p, uint32_t sender, uint32_t target,
	const struct rte_ether_addr *to)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(r->pool);

	if (!m) // the next try comes in a second
		return;
	memset(meta_of(m), 0, META_LINE);
	arp_build(m, p, true, sender, target, to);
	transmit(r, m, p->index);
}

static void ask(void *context, uint16_t port, uint32_t address, const struct rte_ether_addr *to)
{
	struct resolver *r = context;
	const struct port *p = &r->port[port];

	send_request(r, p, source_for(p, address), address, to);
}

int resolver_open(struct resolver *r, struct rte_rcu_qsbr *qsbr)
{
	const struct neighbour_out out = {.context = r, .send = send_to, .drop = drop, .ask = ask};

	r->neighbours = neighbours_create(qsbr, &out);
	return r->neighbours ? 0 : -ENOMEM;
}

void resolver_announce(struct resolver *r, uint16_t port)
{
	const struct port *p = &r->port[port];

	for (uint16_t i = 0; i < p->address_count; i++)
		send_request(r, p, p->address[i], p->address[i], NULL);
}

// Another host says that an address of ours is its own: it is told otherwise, and so is the log.
static void conflict(struct resolver *r, const struct port *p, const struct arp *a, uint64_t now)
{
	struct ip_address address = address_v4((const uint8_t *)&a->sender);
	char text[ADDRESS_TEXT], mac[RTE_ETHER_ADDR_FMT_SIZE];

	if (now - r->conflict < CONFLICT_S * (uint64_t)1000000000 && r->conflict)
		return;
	r->conflict = now;
	rte_ether_format_addr(mac, sizeof(mac), &a->sender_mac);
	log_event(LOG_NEIGHBOUR_CONFLICT, "s:s, s:s, s:s", "port", p->name, "address",
		address_format(&address, text), "mac", mac);
	resolver_announce(r, p->index);
}

static void receive_arp(struct resolver *r, struct rte_mbuf *m, uint64_t now)
{
	const struct port *p = &r->port[meta_of(m)->port];
	struct arp a;
	bool for_us;

	meta_of(m)->out_port = (uint8_t)p->index;
	if (!arp_parse(rte_pktmbuf_mtod(m, void *), m->data_len, &a) ||
		(a.sender != 0 && !port_on_link(p, a.sender))) {
		drop(r, m, DROP_ARP_INVALID);
		return;
	}
	if (port_is_own(p, a.sender)) {
		if (!rte_is_same_ether_addr(&a.sender_mac, &p->mac))
			conflict(r, p, &a, now);
		drop(r, m, DROP_ARP_DONE);
		return;
	}
	for_us = port_is_own(p, a.target);
	if (a.sender != 0)
		neighbour_heard(
			r->neighbours, p->index, a.sender, &a.sender_mac, for_us && a.request, now);
	if (!for_us || !a.request) {
		drop(r, m, DROP_ARP_DONE);
		return;
	}
	arp_build(m, p, false, a.target, a.sender, &a.sender_mac);
	transmit(r, m, p->index);
}

static void take(struct resolver *r, struct rte_mbuf *m, uint64_t now)
{
	switch (meta_of(m)->stage) {
	case CLERK_ARP:
		receive_arp(r, m, now);
		break;
	case CLERK_RESOLVE:
		neighbour_wait(r->neighbours, m, now);
		break;
	default:
		meta_of(m)->out_port = meta_of(m)->port;
		drop(r, m, DROP_IP6_UNSUPPORTED);
	}
}

unsigned resolver_work(struct resolver *r, uint64_t now)
{
	struct rte_mbuf *m[BURST];
	unsigned total = 0, count;

	for (uint16_t i = 0; i < r->workers; i++) {
		count = rte_ring_sc_dequeue_burst(r->worker[i].to_clerk, (void **)m, BURST, NULL);
		for (unsigned j = 0; j < count; j++)
			take(r, m[j], now);
		total += count;
	}
	return total;
}

bool resolver_idle(const struct resolver *r)
{
	for (uint16_t i = 0; i < r->workers; i++)
		if (!rte_ring_empty(r->worker[i].to_clerk))
			return false;
	return true;
}

void resolver_tick(struct resolver *r, uint64_t now)
{
	neighbours_tick(r->neighbours, now);
}

// SPDX-License-Identifier: Apache-2.0

#include "dataplane/resolver.h"

#include "dataplane/arp.h"
#include "dataplane/clerk.h"
#include "dataplane/ether.h"
#include "dataplane/log.h"
#include "dataplane/nd.h"
#include "dataplane/path_mtu.h"

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
	r->lost[port]++;
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

	if (!ether_put(m, to, &r->port[port],
		    meta_of(m)->flags & META_NEXT6 ? RTE_ETHER_TYPE_IPV6 : RTE_ETHER_TYPE_IPV4)) {
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

// Makes m, which is overwritten, the message of n from that port. to NULL = the group of its
// destination.
static void send_nd(struct resolver *r, struct rte_mbuf *m, const struct port *p,
	const struct nd *n, const struct rte_ether_addr *to)
{
	struct rte_ether_addr group = nd_group_mac(n->destination);
	uint8_t *room;

	rte_pktmbuf_reset(m);
	room = (uint8_t *)rte_pktmbuf_append(m, ND_MOST); // a buffer is far larger
	rte_pktmbuf_trim(m, ND_MOST - nd_write(n, room));
	ether_put(m, to ? to : &group, p, RTE_ETHER_TYPE_IPV6);
	transmit(r, m, p->index);
}

static void send_new_nd(struct resolver *r, const struct port *p, const struct nd *n,
	const struct rte_ether_addr *to)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(r->pool);

	if (!m) // the next try comes in a second
		return;
	memset(meta_of(m), 0, META_LINE);
	send_nd(r, m, p, n, to);
}

// From the own address of the same network, else from the link-local one.
static void solicit(struct resolver *r, const struct port *p, const uint8_t target[16],
	const struct rte_ether_addr *to)
{
	struct nd n = {.type = ND_SOLICITATION, .has_mac = true, .mac = p->mac};

	if (!port_has6(p)) // no address to ask from
		return;
	memcpy(n.source, port_source6(p, target), 16);
	memcpy(n.target, target, 16);
	if (to)
		memcpy(n.destination, target, 16);
	else
		nd_solicited_node(target, n.destination);
	send_new_nd(r, p, &n, to);
}

static void ask(void *context, uint16_t port, const struct ip_address *address,
	const struct rte_ether_addr *to)
{
	struct resolver *r = context;
	const struct port *p = &r->port[port];
	uint32_t target;

	if (address->version == IP_V6) {
		solicit(r, p, address->bytes, to);
		return;
	}
	memcpy(&target, address->bytes, sizeof(target));
	send_request(r, p, source_for(p, target), target, to);
}

// What an advertisement of that own address says.
static struct nd advertisement(const struct port *p, const uint8_t target[16])
{
	struct nd n = {.type = ND_ADVERTISEMENT,
		.router = p->side == SIDE_NETWORK, // the subscriber side is none
		.override = true,
		.has_mac = true,
		.mac = p->mac};

	memcpy(n.source, target, 16);
	memcpy(n.target, target, 16);
	memcpy(n.destination, nd_all_nodes, 16);
	return n;
}

static void announce6(struct resolver *r, const struct port *p, const uint8_t address[16])
{
	struct nd n = advertisement(p, address);

	send_new_nd(r, p, &n, NULL);
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
	for (uint16_t i = 0; i < p->address6_count; i++)
		announce6(r, p, p->address6[i]);
	if (port_has6(p))
		announce6(r, p, p->link_local);
}

// Another host says that an address of ours is its own: it is told otherwise, and so is the log.
static void conflict(struct resolver *r, const struct port *p, struct ip_address address,
	const struct rte_ether_addr *who, uint64_t now)
{
	char text[ADDRESS_TEXT], mac[RTE_ETHER_ADDR_FMT_SIZE];

	if (now - r->conflict < CONFLICT_S * (uint64_t)1000000000 && r->conflict)
		return;
	r->conflict = now;
	rte_ether_format_addr(mac, sizeof(mac), who);
	log_event(LOG_NEIGHBOUR_CONFLICT, "s:s, s:s, s:s", "port", p->name, "address",
		address_format(&address, text), "mac", mac);
	resolver_announce(r, p->index);
}

static void receive_arp(struct resolver *r, struct rte_mbuf *m, uint64_t now)
{
	const struct port *p = &r->port[meta_of(m)->port];
	struct ip_address sender;
	struct arp a;
	bool for_us;

	meta_of(m)->out_port = (uint8_t)p->index;
	if (!arp_parse(rte_pktmbuf_mtod(m, void *), m->data_len, &a) ||
		(a.sender != 0 && !port_on_link(p, a.sender))) {
		drop(r, m, DROP_ARP_INVALID);
		return;
	}
	sender = address_v4((const uint8_t *)&a.sender);
	if (port_is_own(p, a.sender)) {
		if (!rte_is_same_ether_addr(&a.sender_mac, &p->mac))
			conflict(r, p, sender, &a.sender_mac, now);
		drop(r, m, DROP_ARP_DONE);
		return;
	}
	for_us = port_is_own(p, a.target);
	if (a.sender != 0)
		neighbour_heard(r->neighbours, p->index, &sender, &a.sender_mac,
			for_us && a.request ? NEIGHBOUR_CREATE : 0, now);
	if (!for_us || !a.request) {
		drop(r, m, DROP_ARP_DONE);
		return;
	}
	arp_build(m, p, false, a.target, a.sender, &a.sender_mac);
	transmit(r, m, p->index);
}

static bool is_unspecified(const uint8_t address[16])
{
	static const uint8_t zero[16];

	return memcmp(address, zero, 16) == 0;
}

// An answer to a solicitation for an own address (RFC 4861 section 7.2.4). One that came without
// the sender's Ethernet address may have to wait for it; one that looks for duplicates is told that
// it found one.
static void advertise(struct resolver *r, struct rte_mbuf *m, const struct port *p,
	const struct nd *asked, uint64_t now)
{
	struct nd n = advertisement(p, asked->target);
	struct meta *meta = meta_of(m);

	n.solicited = !is_unspecified(asked->source);
	if (!n.solicited || asked->has_mac) {
		if (n.solicited)
			memcpy(n.destination, asked->source, 16);
		send_nd(r, m, p, &n, n.solicited ? &asked->mac : NULL);
		return;
	}
	memcpy(n.destination, asked->source, 16);
	rte_pktmbuf_reset(m);
	rte_pktmbuf_trim(m, ND_MOST - nd_write(&n, (uint8_t *)rte_pktmbuf_append(m, ND_MOST)));
	meta->flags |= META_NEXT6;
	memcpy(meta->next_hop6, asked->source, 16);
	neighbour_wait(r->neighbours, m, now);
}

static void solicited(struct resolver *r, struct rte_mbuf *m, const struct port *p,
	const struct nd *n, uint64_t now)
{
	struct ip_address source = address_v6(n->source);
	bool for_us = port_is_own6(p, n->target);

	if (n->has_mac)
		neighbour_heard(r->neighbours, p->index, &source, &n->mac,
			NEIGHBOUR_CLAIM | (for_us ? NEIGHBOUR_CREATE : 0), now);
	if (for_us)
		advertise(r, m, p, n, now);
	else
		drop(r, m, DROP_ND_DONE);
}

static void advertised(struct resolver *r, const struct port *p, const struct nd *n, uint64_t now)
{
	struct ip_address target = address_v6(n->target);

	neighbour_heard(r->neighbours, p->index, &target, n->has_mac ? &n->mac : NULL,
		(n->solicited ? 0 : NEIGHBOUR_CLAIM) | (n->override ? 0 : NEIGHBOUR_KEEP), now);
}

static void receive_nd(struct resolver *r, struct rte_mbuf *m, uint64_t now)
{
	const struct port *p = &r->port[meta_of(m)->port];
	enum drop reason;
	const uint8_t *who;
	struct nd n;

	meta_of(m)->out_port = (uint8_t)p->index;
	reason = nd_parse(rte_pktmbuf_mtod(m, const uint8_t *), m->data_len, &n);
	if (reason != DROP_COUNT) {
		drop(r, m, reason);
		return;
	}
	// Whose place in the table it is about. Nobody far away has one (RFC 4861 section 11).
	who = n.type == ND_SOLICITATION ? n.source : n.target;
	if (port_is_own6(p, who)) {
		if (n.has_mac && !rte_is_same_ether_addr(&n.mac, &p->mac))
			conflict(r, p, address_v6(who), &n.mac, now);
		drop(r, m, DROP_ND_DONE);
	} else if (!port_has6(p) || (!is_unspecified(who) && !port_on_link6(p, who))) {
		drop(r, m, DROP_ND_INVALID);
	} else if (n.type == ND_SOLICITATION) {
		solicited(r, m, p, &n, now);
	} else {
		advertised(r, p, &n, now);
		drop(r, m, DROP_ND_DONE);
	}
}

static void receive_too_big(struct resolver *r, struct rte_mbuf *m, uint64_t now)
{
	struct meta *meta = meta_of(m);
	struct ip_address local = meta->flags & META_OUTER6
					  ? address_v6(meta->local6)
					  : address_v4((const uint8_t *)&meta->local);

	meta->out_port = meta->port;
	drop(r, m,
		path_mtu_input(r->tables, &local, rte_pktmbuf_mtod(m, void *), m->data_len, now));
}

static void take(struct resolver *r, struct rte_mbuf *m, uint64_t now)
{
	switch (meta_of(m)->stage) {
	case CLERK_ARP:
		receive_arp(r, m, now);
		break;
	case CLERK_ICMP:
		receive_too_big(r, m, now);
		break;
	case CLERK_RESOLVE:
		neighbour_wait(r->neighbours, m, now);
		break;
	case CLERK_ND:
		receive_nd(r, m, now);
		break;
	default:
		drop(r, m, DROP_NEIGHBOUR_LOST);
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

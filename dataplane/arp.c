// SPDX-License-Identifier: Apache-2.0

#include "dataplane/arp.h"

#include "dataplane/ether.h"

#include "contract/build.h"
#include "contract/view.h"

#include <rte_arp.h>
#include <string.h>

enum { ARP_PACKET = 28 }; // bytes: ARP for IPv4

bool arp_parse(const void *frame, uint16_t length, struct arp *out)
{
	struct view v = view_of(frame, length);
	uint16_t hardware, protocol, sizes, operation;

	*out = (struct arp){0};
	view_skip(&v, sizeof(struct rte_ether_hdr));
	hardware = view_u16(&v);
	protocol = view_u16(&v);
	sizes = view_u16(&v);
	operation = view_u16(&v);
	view_copy(&v, &out->sender_mac, RTE_ETHER_ADDR_LEN);
	view_copy(&v, &out->sender, sizeof(out->sender));
	view_skip(&v, RTE_ETHER_ADDR_LEN);
	view_copy(&v, &out->target, sizeof(out->target));
	out->request = operation == RTE_ARP_OP_REQUEST;
	return !v.failed && hardware == RTE_ARP_HRD_ETHER && protocol == RTE_ETHER_TYPE_IPV4 &&
	       sizes == (RTE_ETHER_ADDR_LEN << 8 | 4) &&
	       (operation == RTE_ARP_OP_REQUEST || operation == RTE_ARP_OP_REPLY) &&
	       rte_is_valid_assigned_ether_addr(&out->sender_mac);
}

void arp_build(struct rte_mbuf *m, const struct port *p, bool request, uint32_t sender,
	uint32_t target, const struct rte_ether_addr *to)
{
	const struct rte_ether_addr all = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
	struct build b;
	char *room;

	rte_pktmbuf_reset(m);
	room = rte_pktmbuf_append(m, ARP_PACKET);
	if (!room) // a buffer is far larger
		return;
	b = build_in(room, ARP_PACKET);
	build_u16(&b, RTE_ARP_HRD_ETHER);
	build_u16(&b, RTE_ETHER_TYPE_IPV4);
	build_u16(&b, RTE_ETHER_ADDR_LEN << 8 | 4);
	build_u16(&b, request ? RTE_ARP_OP_REQUEST : RTE_ARP_OP_REPLY);
	build_bytes(&b, &p->mac, RTE_ETHER_ADDR_LEN);
	build_bytes(&b, &sender, sizeof(sender));
	if (to)
		build_bytes(&b, to, RTE_ETHER_ADDR_LEN);
	else
		build_zero(&b, RTE_ETHER_ADDR_LEN);
	build_bytes(&b, &target, sizeof(target));
	ether_put(m, to ? to : &all, p, RTE_ETHER_TYPE_ARP);
}

// SPDX-License-Identifier: Apache-2.0
#pragma once

// The Ethernet header in front of a packet, which may begin at an odd address: the PPP frame that
// it came in has a front of any length. So it is written byte by byte, not through DPDK's struct,
// which must lie at an even one. A port with VLAN ids gets its tags (IEEE 802.1Q): one is 0x8100;
// of two the outer one is 0x88a8 (802.1ad), the inner one 0x8100. Priority is 0.

#include "dataplane/port.h"

#include <rte_ether.h>
#include <rte_mbuf.h>
#include <stdbool.h>
#include <string.h>

enum {
	ETHER_TAG = 4,                                            // bytes of a tag
	ETHER_MOST = RTE_ETHER_HDR_LEN + LIMIT_VLANS * ETHER_TAG, // of the whole header
};

static inline void ether_put_tags(char *at, const struct port *p)
{
	for (uint16_t i = 0; i < p->vlan_count; i++, at += ETHER_TAG) {
		bool outer = i + 1 < p->vlan_count;
		rte_be16_t tag[2] = {
			rte_cpu_to_be_16(outer ? RTE_ETHER_TYPE_QINQ : RTE_ETHER_TYPE_VLAN),
			rte_cpu_to_be_16(p->vlan[i])};

		memcpy(at, tag, sizeof(tag));
	}
}

// For a packet that leaves by port p; type in host byte order. False when there is no room.
static inline bool ether_put(
	struct rte_mbuf *m, const struct rte_ether_addr *to, const struct port *p, uint16_t type)
{
	const rte_be16_t wire = rte_cpu_to_be_16(type);
	uint16_t tags = (uint16_t)(p->vlan_count * ETHER_TAG);
	char *at = rte_pktmbuf_prepend(m, (uint16_t)(RTE_ETHER_HDR_LEN + tags));

	if (unlikely(!at))
		return false;
	memcpy(at, to, RTE_ETHER_ADDR_LEN);
	memcpy(at + RTE_ETHER_ADDR_LEN, &p->mac, RTE_ETHER_ADDR_LEN);
	at += 2 * RTE_ETHER_ADDR_LEN;
	if (unlikely(tags))
		ether_put_tags(at, p);
	memcpy(at + tags, &wire, sizeof(wire));
	return true;
}

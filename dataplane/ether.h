// SPDX-License-Identifier: Apache-2.0
#pragma once

// The Ethernet header in front of an IPv4 packet, which may begin at an odd address: the PPP frame
// that it came in has a front of any length. So it is written byte by byte, not through DPDK's
// struct, which must lie at an even one.

#include <rte_ether.h>
#include <rte_mbuf.h>
#include <stdbool.h>
#include <string.h>

// False when there is no room.
static inline bool ether_put_ip4(
	struct rte_mbuf *m, const struct rte_ether_addr *to, const struct rte_ether_addr *from)
{
	const rte_be16_t type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
	char *at = rte_pktmbuf_prepend(m, RTE_ETHER_HDR_LEN);

	if (!at)
		return false;
	memcpy(at, to, RTE_ETHER_ADDR_LEN);
	memcpy(at + RTE_ETHER_ADDR_LEN, from, RTE_ETHER_ADDR_LEN);
	memcpy(at + 2 * RTE_ETHER_ADDR_LEN, &type, sizeof(type));
	return true;
}

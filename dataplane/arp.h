// SPDX-License-Identifier: Apache-2.0
#pragma once

// ARP packets (RFC 826, RFC 5227): reading and making them. No state; the clerk and neighbour.c
// decide.

#include "dataplane/port.h"

#include <rte_ether.h>
#include <rte_mbuf.h>
#include <stdbool.h>
#include <stdint.h>

struct arp {
	bool request; // else a reply
	struct rte_ether_addr sender_mac;
	uint32_t sender; // IPv4 in network byte order; 0 in a probe
	uint32_t target;
};

// From an Ethernet frame. False for what is not ARP for IPv4 over Ethernet, or has a sender that no
// host may have.
bool arp_parse(const void *frame, uint16_t length, struct arp *out);

// Makes m, an empty packet or one that is overwritten, an ARP frame from that port, tags included.
// to NULL = broadcast; sender 0 = a probe.
void arp_build(struct rte_mbuf *m, const struct port *p, bool request, uint32_t sender,
	uint32_t target, const struct rte_ether_addr *to);

// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the stages know about a packet, in the private area of its mbuf. Every field says who
// writes it. A packet that is received starts with all of it zero but port.

#include "contract/ids.h"
#include "contract/packet.h"

#include <rte_mbuf.h>
#include <stdint.h>

struct sa;
struct tunnel;

struct meta {
	uint32_t remote;      // classify, inject: outer addresses, IPv4 in network byte order,
	uint32_t local;       // from our side
	uint16_t remote_port; // classify, esp_in, inject: UDP ports of L2TP or IKE, host byte order
	uint16_t local_port;
	uint16_t outer_port;   // classify: remote UDP port of UDP-encapsulated ESP, else 0
	uint8_t port;          // worker: index of the port that received it
	uint8_t protocol;      // l2tp_out, esp_out, inject: IP protocol that ip_out puts on
	uint8_t tos;           // of the outer header. classify: as it came; ppp_out: for ip_out
	uint8_t flags;         // enum meta_flag
	uint8_t out_port;      // route, ip_out: index of the port that it leaves by
	uint8_t stage;         // who hands it over: enum handover_stage or enum clerk_work
	uint32_t session;      // l2tp_in, route: index, or SESSION_NONE (only after that stage)
	struct sa *sa;         // esp_in: came in on it; l2tp_out, inject: goes out through it
	struct tunnel *tunnel; // l2tp_in, l2tp_out
	uint32_t next_hop;     // route, ip_out: neighbour, IPv4 in network byte order
	uint8_t reason;        // clerk: enum drop of what it gives back to be dropped
	uint8_t zero[3];
	uint32_t peer; // esp_in: IKE peer and spi_in of the pair that it came in on; 0 = clear.
	uint32_t spi;  // They outlive a handover, where sa and tunnel are NULL (RCU).
};
_Static_assert(sizeof(struct meta) == 56, "fits in META_SIZE");

enum meta_flag {
	META_NAT_T = 1 << 0,   // IKE on port 4500
	META_CONTROL = 1 << 1, // made by the control plane: no counters, no policer
};

enum { META_SIZE = 64 }; // private area of each mbuf; a multiple of 8 (rte_pktmbuf_pool_create)

static inline struct meta *meta_of(struct rte_mbuf *m)
{
	return rte_mbuf_to_priv(m);
}

// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the stages know about a packet, in the private area of its mbuf. Every field says who
// writes it. A packet that is received starts with the first line of it zero but port; the second
// line is only looked at where a flag says that something is there.

#include "contract/ids.h"
#include "contract/packet.h"

#include <rte_mbuf.h>
#include <stddef.h>
#include <stdint.h>

struct sa;
struct tunnel;

struct meta {
	uint32_t remote;      // classify, inject: outer addresses, IPv4 in network byte order,
	uint32_t local;       // from our side; META_OUTER6: remote6 and local6 instead
	uint16_t remote_port; // classify, esp_in, inject: UDP ports of L2TP or IKE, host byte order
	uint16_t local_port;
	uint16_t outer_port;   // classify: remote UDP port of UDP-encapsulated ESP, else 0
	uint8_t port;          // worker, classify: index of the port that received it
	uint8_t protocol;      // l2tp_out, esp_out, inject: IP protocol that ip_out puts on
	uint8_t tos;           // of the outer header. classify: as it came; ppp_out: for ip_out
	uint8_t flags;         // enum meta_flag
	uint8_t out_port;      // route, ip_out: index of the port that it leaves by
	uint8_t stage;         // who hands it over: enum handover_stage or enum clerk_work
	uint32_t session;      // l2tp_in, route: index, or SESSION_NONE (only after that stage)
	struct sa *sa;         // esp_in: came in on it; l2tp_out, inject: goes out through it
	struct tunnel *tunnel; // l2tp_in, l2tp_out
	uint32_t next_hop;     // route, ip_out: neighbour, IPv4 in network byte order;
			       // META_NEXT6: next_hop6 instead
	uint8_t reason;        // clerk: enum drop of what it gives back to be dropped
	uint8_t zero[3];
	uint32_t peer; // esp_in: IKE peer and spi_in of the pair that it came in on; 0 = clear.
	uint32_t spi;  // They outlive a handover, where sa and tunnel are NULL (RCU).
	uint32_t zero2[2];
	// ---- second line: IPv6 addresses as on the wire
	uint8_t remote6[16];
	uint8_t local6[16];
	uint8_t next_hop6[16];
	uint8_t zero3[16];
};

enum meta_flag {
	META_NAT_T = 1 << 0,    // IKE on port 4500
	META_CONTROL = 1 << 1,  // made by the control plane: no counters, no policer
	META_OUTER6 = 1 << 2,   // the outer packet is IPv6
	META_NEXT6 = 1 << 3,    // the next hop is an IPv6 neighbour
	META_OWN = 1 << 4,      // downlink_own: the gateway's own (ICMP): no filter, no policer
	META_ISOLATED = 1 << 5, // group_uplink: of a subscriber who reaches no other one
	META_DF = 1 << 6,       // a probe of the path: no router may cut it into fragments
	META_LARGE = 1 << 7,    // reassemble: in a buffer of worker.large (large.h)
};

enum {
	META_LINE = 64,  // bytes that are zero at first
	META_SIZE = 128, // private area of each mbuf; a multiple of 8 (rte_pktmbuf_pool_create)
};
_Static_assert(sizeof(struct meta) == META_SIZE, "two lines");
_Static_assert(offsetof(struct meta, remote6) == META_LINE, "the second line is IPv6 alone");

static inline struct meta *meta_of(struct rte_mbuf *m)
{
	return rte_mbuf_to_priv(m);
}

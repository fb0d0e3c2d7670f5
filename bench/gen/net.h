// SPDX-License-Identifier: Apache-2.0
#pragma once

// The two ports: opening them, ARP for both ends, and frames of the control plane's messages.

#include "gen.h"

// Starts DPDK with the options' devices. 0 or -errno after a word on stderr.
int net_start(struct gen *g);
void net_stop(struct gen *g);

// Asks for the gateway's MAC again where it is not known; call often.
void net_resolve(struct gen *g, uint64_t now);
bool net_ready(const struct gen *g);
// Answers requests for our addresses and learns the gateway's. The frame is not freed.
void net_arp(struct gen *g, struct gen_port *port, struct rte_mbuf *m);

// Sends a UDP payload from the peer to the gateway, in clear. With marker: four zeros go first (RFC
// 3948 section 2.2).
void net_send_udp(struct peer *p, uint16_t source, uint16_t destination, bool marker,
	const void *bytes, size_t length);
// Sends an L2TP message or frame, protected as the peer is.
void net_send_l2tp(struct peer *p, const void *bytes, size_t length);

// Writes Ethernet and IP headers (20 bytes, with checksum 0 and length 0) to out.
uint8_t *net_put_ip(uint8_t *out, const struct gen_port *port, uint32_t source,
	uint32_t destination, uint8_t protocol);
// Writes a UDP header without checksum.
uint8_t *net_put_udp(uint8_t *out, uint16_t source, uint16_t destination, uint16_t payload);
// Fills in length and checksum of an IP header; sum is ip_sum of the rest.
void net_finish_ip(uint8_t *ip, uint32_t sum, uint16_t length);
uint32_t net_ip_sum(const uint8_t *ip);

static inline uint16_t get_u16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t get_u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline void set_u16(uint8_t *p, uint16_t v)
{
	p[0] = v >> 8;
	p[1] = v & 0xff;
}

static inline void set_u32(uint8_t *p, uint32_t v)
{
	set_u16(p, v >> 16);
	set_u16(p + 2, v & 0xffff);
}

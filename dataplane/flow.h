// SPDX-License-Identifier: Apache-2.0
#pragma once

// The 5-tuple of an IP packet of either version: what filters look at, and what keeps a flow on
// one path (ECMP) and in one queue (shaper). Pure.

#include <stdbool.h>
#include <stdint.h>

struct flow {
	uint8_t version;    // 4 or 6; 0 = no IP packet
	uint8_t protocol;   // upper layer
	bool has_ports;     // TCP, UDP or SCTP, and the ports are in this packet
	bool fragment;      // one of several: only the first has ports
	uint16_t from_port; // host byte order, 0 without ports; ICMP: type and code in to_port
	uint16_t to_port;
	uint8_t from[16]; // as on the wire; IPv4 in the first four, the others 0
	uint8_t to[16];
};

// ip: the IP header; length: bytes that are there. False, and version 0, when it is malformed.
bool flow_read(const uint8_t *ip, uint16_t length, struct flow *out);

// The same for all packets of a flow, fragments included (those leave the ports out, so a flow with
// fragments has two values). Differs with the key, which is to be random for each process.
uint32_t flow_hash(const struct flow *f, uint32_t key);

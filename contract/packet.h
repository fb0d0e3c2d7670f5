// SPDX-License-Identifier: Apache-2.0
#pragma once

// The slots of the punt rings (worker to control plane) and of the inject rings (control plane to
// worker): a packet copied in, behind a header that says where it came from or where it goes.
// Whoever takes a slot checks length and kind first. All numbers are in host byte order.

#include "address.h"
#include "limits.h"

#include <stdint.h>

// What data holds. Every kind is named by what the receiver does with it.
enum packet_kind {
	PACKET_IKE = 1,  // an IKE message, from the ISAKMP header on, without the non-ESP marker
	PACKET_L2TP = 2, // an L2TP control message, from the L2TP header on
	PACKET_PPP = 3,  // a PPP packet of a session, from the two-byte protocol field on
	PACKET_NAT_KEEPALIVE = 4, // one byte 0xff (RFC 3948 section 2.3); injected only
	// An IPv6 packet of a session for the gateway itself, from its IP header on: neighbour
	// discovery, and DHCPv6 of a client. Injected: what the gateway says into the session.
	PACKET_IP6 = 5,
	PACKET_IP4 = 6, // the same for IPv4: DHCP of a client
};

enum packet_flag {
	PACKET_NAT_T = 1 << 0, // IKE on port 4500: the worker takes off or puts on the marker
	PACKET_DF = 1 << 1,    // PACKET_PPP, injected: routers may not cut the outer packet
};

enum {
	PACKET_HEADER = 80,
	PACKET_DATA = LIMIT_PACKET_SLOT - PACKET_HEADER,
	PACKET_PARTS = (LIMIT_IKE_MESSAGE + PACKET_DATA - 1) / PACKET_DATA,
};

// A PACKET_IKE message, or a PACKET_PPP packet, that is longer than one slot's data takes several
// that follow each other in the ring, put in at once: part 0, 1, ... of parts, each but the last
// with PACKET_DATA bytes, and the same header in all of them. All other packets are part 0 of 1.
// Whoever finds parts out of their order drops what it has of the message.

struct packet {
	uint16_t kind;   // enum packet_kind
	uint16_t length; // bytes of data
	uint16_t flags;  // enum packet_flag
	uint16_t port;   // index of the port that received it; injected: the one that a packet to a
		       // link-local address leaves by, else ignored
	uint32_t sa;         // spi_in of the pair that it came in on or goes out through; 0 = clear
	uint32_t peer;       // the pair's IKE peer; 0 = clear; ignored when injected
	uint32_t session;    // PACKET_PPP, PACKET_IP6, PACKET_IP4: index of the session, else
			     // SESSION_NONE
	uint16_t local_port; // UDP ports and addresses of PACKET_IKE and PACKET_L2TP, from our side
	uint16_t remote_port;
	uint64_t received; // nanoseconds, CLOCK_MONOTONIC
	struct ip_address local;
	struct ip_address remote;
	uint16_t part;
	uint16_t parts; // 1 to PACKET_PARTS
	uint8_t zero[4];
	uint8_t data[PACKET_DATA];
};
_Static_assert(sizeof(struct packet) == LIMIT_PACKET_SLOT, "a slot of the ring");

// Bytes of a packet of that kind at most; PACKET_PPP: of the largest data packet, for LCP echoes
// that look whether such a one gets through, and its protocol field.
static inline uint32_t packet_most(unsigned kind)
{
	return kind == PACKET_IKE   ? LIMIT_IKE_MESSAGE
	       : kind == PACKET_PPP ? 2 + LIMIT_MTU_MAX
				    : PACKET_DATA;
}

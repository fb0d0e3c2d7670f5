// SPDX-License-Identifier: Apache-2.0
#pragma once

// What a router says about a packet that was too big for it: ICMP "fragmentation needed" (RFC 792,
// RFC 1191 section 4) and ICMPv6 "packet too big" (RFC 4443 section 3.2), with as much of the
// packet as it quotes. Pure: whether the packet can have been ours is for path_mtu.h to say.

#include "contract/address.h"

#include <stddef.h>
#include <stdint.h>

enum icmp_quote_part {
	ICMP_QUOTE_ESP = 1 << 0,     // spi and sequence
	ICMP_QUOTE_TUNNEL = 1 << 1,  // of L2TP in clear
	ICMP_QUOTE_SESSION = 1 << 2, // of an L2TP data packet in clear
};

struct icmp_quote {
	struct ip_address local; // source and destination of the quoted packet: from our side
	struct ip_address remote;
	uint32_t mtu;     // bytes that the router takes, 0 = it is old and does not say
	uint32_t length;  // bytes of the whole quoted packet, as its header says
	uint8_t protocol; // IPPROTO_ESP or IPPROTO_UDP
	uint8_t parts; // enum icmp_quote_part: which of the fields below the last ports are there
	uint16_t local_port; // IPPROTO_UDP, host byte order
	uint16_t remote_port;
	uint16_t tunnel; // the peer's ids, of L2TP in clear
	uint16_t session;
	uint32_t spi;      // of ESP, plain or on UDP 4500
	uint32_t sequence; // its low 32 bits
};

// A message from its ICMP header on, whose checksum the caller checks, of an IPv4 or IPv6 packet.
// Returns 0, -ENOMSG when it says something else, -EBADMSG when it is malformed or quotes neither
// ESP nor UDP with ports.
int icmp_quote_parse(uint8_t version, const void *icmp, size_t length, struct icmp_quote *out);

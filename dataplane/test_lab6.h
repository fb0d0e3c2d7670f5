// SPDX-License-Identifier: Apache-2.0
#pragma once

// Frames with IPv6 in them, for the lab (test_lab.h). Addresses as text, since tests are read. For
// tests only.

#include "dataplane/test_lab.h"

struct lab6_ends {
	const char *from;
	const char *to;
};

// Writes an address as on the wire.
void lab6_address(const char *text, uint8_t out[16]);
// An IPv6 header in front of length bytes.
void lab6_header(
	struct build *b, uint8_t next, struct lab6_ends ends, uint16_t length, uint8_t hops);
// A whole frame from host 9 to a port; returns its length. data begins behind the IPv6 header.
size_t lab6_frame(uint8_t *frame, uint16_t port, uint8_t next, struct lab6_ends ends,
	const void *data, uint16_t length);
// What a UDP header, or an ICMPv6 message, of length bytes at that place needs in its checksum
// field, which is zero now.
uint16_t lab6_checksum(struct lab6_ends ends, uint8_t protocol, const void *data, uint16_t length);
// A UDP datagram with a right checksum, from its header on; returns its length.
size_t lab6_udp(uint8_t *out, struct lab6_ends ends, uint16_t source_port,
	uint16_t destination_port, const void *data, uint16_t length);
// An ICMPv6 echo request with length bytes in it; returns its length.
size_t lab6_echo(uint8_t *out, struct lab6_ends ends, uint16_t length);
// Lets host n ask for the port's address: the neighbour is known from then on.
void lab6_neighbour(uint16_t port, uint8_t n, const char *address, const char *own);

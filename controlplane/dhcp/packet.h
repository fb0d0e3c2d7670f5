// SPDX-License-Identifier: Apache-2.0
#pragma once

// UDP in IP, as it lies in the packets that the workers punt and take: no Ethernet, no fragments.
// Pure.

#include "contract/address.h"
#include "contract/view.h"

#include <stddef.h>
#include <stdint.h>

enum {
	DHCP_FRONT4 = 20 + 8, // bytes of both headers
	DHCP_FRONT6 = 40 + 8,
	// The largest packet that is built: what every IPv6 link carries (RFC 8200 section 5).
	DHCP_PACKET = 1280,
};

// Both ends of a datagram. Ports in host byte order.
struct dhcp_packet {
	struct ip_address from, to;
	uint16_t from_port, to_port;
	struct view payload;
};

// From the IP header on; either version. -EINVAL when a header, a length or a checksum is wrong (an
// IPv4 one may be missing), when it is no UDP, and for fragments and extension headers.
int dhcp_packet_parse(const uint8_t *packet, size_t length, struct dhcp_packet *out);

// Puts both headers before length bytes of payload, which lie at packet + DHCP_FRONT4 or
// DHCP_FRONT6, as the version of from and to has it. Returns the length of the packet.
size_t dhcp_packet_wrap(uint8_t *packet, size_t length, const struct ip_address *from,
	const struct ip_address *to, uint16_t from_port, uint16_t to_port);

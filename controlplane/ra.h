// SPDX-License-Identifier: Apache-2.0
#pragma once

// Router advertisements on PPP links (RFC 4861 section 4.2): the client makes its addresses of the
// prefix by itself (RFC 4862), and hears of name servers (RFC 8106). Pure.

#include "contract/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RA_PACKET = 512 }; // bytes of the largest one

struct ra {
	uint8_t identifier[8];    // ours: the source is fe80:: and this
	struct ip_prefix prefix;  // of the client, a /64
	struct ip_address dns[2]; // IPv6, or IP_NONE
	uint16_t router_s;        // for so long we are a router
	uint32_t prefix_s;        // and the prefix is good
	bool managed, other;      // DHCPv6 has addresses or prefixes; it has other things
	const char *domain;       // that names are searched in; "": none
};

// Writes an IPv6 packet to ff02::1. Returns its length.
size_t ra_build(const struct ra *ra, uint8_t out[RA_PACKET]);

// A router solicitation that RFC 4861 section 6.1.1 has nothing against? packet: from the IPv6
// header on.
bool ra_is_solicitation(const uint8_t *packet, size_t length);

// SPDX-License-Identifier: Apache-2.0
#pragma once

// The IPv6 header and what may stand between it and the payload (RFC 8200 section 4). Pure.

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum {
	IP6_HEADER = 40,
	IP6_MTU_MIN = 1280, // bytes: what every link carries (section 5)
	IP6_FRAGMENT_HEADER = 8,
	IP6_EXTENSIONS_MOST = 8, // headers between; no real packet has more
};

// What lies behind the extension headers. Offsets in bytes from the IPv6 header on.
struct ip6_payload {
	uint16_t at;              // of the payload, or of what is behind the fragment header
	uint16_t end;             // behind the payload: 40 + payload length
	uint16_t previous;        // of the Next Header field that says protocol
	uint16_t fragment;        // of the fragment header, 0 = none
	uint16_t fragment_next;   // of the Next Header field that says so
	uint16_t fragment_offset; // bytes; what is not the first fragment has no upper header
	uint8_t protocol;         // upper layer (IPPROTO_TCP), or 59 for none
	bool more;                // M flag: further fragments follow
	bool authentication;      // an authentication header, which nobody has checked
	bool routing;             // a routing header with segments left: not for this host
};

// RFC 4291 section 2.5.6: fe80::/10.
static inline bool ip6_is_link_local(const uint8_t *address)
{
	return address[0] == 0xfe && (address[1] & 0xc0) == 0x80;
}

// An address that stays on its link or host (RFC 4291 section 2): multicast, link-local,
// unspecified, loopback.
static inline bool ip6_stays(const uint8_t *address)
{
	static const uint8_t none[15];

	if (address[0] == 0xff || ip6_is_link_local(address))
		return true;
	return address[0] == 0 && address[15] <= 1 && memcmp(address, none, sizeof(none)) == 0;
}

// Reads header and extension headers of length bytes. False when version, payload length or any
// header does not fit, there are too many, or hop-by-hop options are not the first.
bool ip6_payload(const uint8_t *ip, uint16_t length, struct ip6_payload *out);

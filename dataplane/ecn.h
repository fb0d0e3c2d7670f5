// SPDX-License-Identifier: Apache-2.0
#pragma once

// Congestion marks at both ends of a tunnel (RFC 3168, RFC 6040, RFC 9601). Inbound, a mark that
// the path put on the outer header goes over to the inner one. Outbound, the outer header carries
// the inner one's DSCP (RFC 2983) and no ECN: no client and no LAC says whether it would take a
// mark over, and what nobody takes over must not be offered (RFC 6040 section 4.1: compatibility
// mode, RFC 9601 section 4). In ESP tunnel mode of IKEv2 every peer does (RFC 7296 section 2.24),
// and the outer header carries all of it. The outer DSCP ends with the tunnel.

#include <stdbool.h>
#include <stdint.h>

enum ecn {
	ECN_NONE = 0, // not capable of it
	ECN_ECT1 = 1,
	ECN_ECT0 = 2,
	ECN_CE = 3, // congestion experienced
	ECN_MASK = 3,
	ECN_DROP = 4, // not a codepoint: the packet has to go
};

// Pure. Takes the types of service of both headers; returns the ECN field that the inner one gets,
// or ECN_DROP (RFC 6040 section 4.2, figure 4).
static inline enum ecn ecn_decapsulate(uint8_t inner, uint8_t outer)
{
	static const uint8_t arriving[4][4] = {
		[ECN_NONE] = {[ECN_NONE] = ECN_NONE,
			[ECN_ECT1] = ECN_NONE,
			[ECN_ECT0] = ECN_NONE,
			[ECN_CE] = ECN_DROP},
		[ECN_ECT1] = {[ECN_NONE] = ECN_ECT1,
			[ECN_ECT1] = ECN_ECT1,
			[ECN_ECT0] = ECN_ECT1,
			[ECN_CE] = ECN_CE},
		[ECN_ECT0] = {[ECN_NONE] = ECN_ECT0,
			[ECN_ECT1] = ECN_ECT1,
			[ECN_ECT0] = ECN_ECT0,
			[ECN_CE] = ECN_CE},
		[ECN_CE] = {[ECN_NONE] = ECN_CE,
			[ECN_ECT1] = ECN_CE,
			[ECN_ECT0] = ECN_CE,
			[ECN_CE] = ECN_CE},
	};

	return (enum ecn)arriving[inner & ECN_MASK][outer & ECN_MASK];
}

// Pure. The outer type of service for an inner one.
static inline uint8_t ecn_encapsulate(uint8_t inner)
{
	return inner & ~ECN_MASK & 0xff;
}

// Says "congestion experienced" in the header of an IP packet of either version of which so many
// bytes are there (RFC 3168 section 5); the checksum of IPv4 follows (RFC 1624). False: its sender
// does not know that, or it is no IP packet, and nothing was changed.
static inline bool ecn_mark(uint8_t *ip, uint16_t length)
{
	uint8_t ecn;
	uint32_t sum;

	if (length >= 40 && ip[0] >> 4 == 6) {
		if (!(ip[1] >> 4 & ECN_MASK))
			return false;
		ip[1] |= ECN_CE << 4;
		return true;
	}
	ecn = length >= 20 ? ip[1] & ECN_MASK : 0;
	if (ecn == ECN_NONE || ip[0] >> 4 != 4)
		return false;
	sum = (uint16_t) ~(ip[10] << 8 | ip[11]) + (uint32_t)(ECN_CE - ecn);
	sum = (uint16_t) ~(sum + (sum >> 16));
	ip[1] |= ECN_CE;
	ip[10] = (uint8_t)(sum >> 8);
	ip[11] = (uint8_t)sum;
	return true;
}

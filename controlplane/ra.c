// SPDX-License-Identifier: Apache-2.0

#include "ra.h"

#include "dhcp/domain.h"

#include "contract/build.h"
#include "contract/view.h"

#include <string.h>

enum {
	IP6_HEADER = 40,
	ICMP6 = 58,
	HOP_LIMIT = 255, // so that it was on no router (RFC 4861 section 3.1)
	SOLICITATION = 133,
	ADVERTISEMENT = 134,
	SOLICITATION_HEADER = 8,
	OPTION_PREFIX = 3,
	OPTION_RDNSS = 25, // RFC 8106
	OPTION_DNSSL = 31, // the same
	MANAGED = 0x80,
	OTHER = 0x40,
	AUTONOMOUS = 0x40, // the prefix is not on link: nothing is, on a point-to-point link
};

// The checksum of an ICMPv6 packet over its pseudo-header (RFC 8200 section 8.1).
static uint16_t checksum(const uint8_t *packet, size_t length)
{
	uint32_t sum = (uint32_t)(length - IP6_HEADER) + ICMP6;

	// Both addresses and all behind the header.
	for (size_t i = 8; i < length; i++)
		sum += i & 1 ? packet[i] : (uint32_t)packet[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void put_header(struct build *b, const uint8_t identifier[8])
{
	static const uint8_t link_local[8] = {0xfe, 0x80};
	static const uint8_t all_nodes[16] = {0xff, 0x02, [15] = 1};

	build_u32(b, 0x6c000000); // internetwork control
	build_u16(b, 0);
	build_u8(b, ICMP6);
	build_u8(b, HOP_LIMIT);
	build_bytes(b, link_local, 8);
	build_bytes(b, identifier, 8);
	build_bytes(b, all_nodes, 16);
}

static void put_prefix(struct build *b, const struct ra *ra)
{
	build_u8(b, OPTION_PREFIX);
	build_u8(b, 4); // units of 8 bytes
	build_u8(b, ra->prefix.length);
	build_u8(b, AUTONOMOUS);
	build_u32(b, ra->prefix_s);
	build_u32(b, ra->prefix_s / 2); // preferred
	build_u32(b, 0);
	build_bytes(b, ra->prefix.address.bytes, 16);
}

static void put_dns(struct build *b, const struct ra *ra)
{
	unsigned count = 0;

	for (unsigned i = 0; i < 2; i++)
		count += ra->dns[i].version == IP_V6;
	if (count == 0)
		return;
	build_u8(b, OPTION_RDNSS);
	build_u8(b, (uint8_t)(1 + 2 * count));
	build_u16(b, 0);
	build_u32(b, ra->router_s);
	for (unsigned i = 0; i < 2; i++)
		if (ra->dns[i].version == IP_V6)
			build_bytes(b, ra->dns[i].bytes, 16);
}

// RFC 8106 section 5.2; filled up with zeros.
static void put_domain(struct build *b, const struct ra *ra)
{
	uint8_t name[DOMAIN_BYTES];
	size_t length = domain_encode(ra->domain, name), units = 1 + (length + 7) / 8;

	if (length == 0)
		return;
	build_u8(b, OPTION_DNSSL);
	build_u8(b, (uint8_t)units);
	build_u16(b, 0);
	build_u32(b, ra->router_s);
	build_bytes(b, name, length);
	build_zero(b, units * 8 - 8 - length);
}

size_t ra_build(const struct ra *ra, uint8_t out[RA_PACKET])
{
	struct build b = build_in(out, RA_PACKET);

	put_header(&b, ra->identifier);
	build_u8(&b, ADVERTISEMENT);
	build_u8(&b, 0);
	build_u16(&b, 0); // checksum
	build_u8(&b, 64); // hop limit for the client's packets
	build_u8(&b, (uint8_t)((ra->managed ? MANAGED : 0) | (ra->other ? OTHER : 0)));
	build_u16(&b, ra->router_s);
	build_u32(&b, 0);
	build_u32(&b, 0);
	put_prefix(&b, ra);
	put_dns(&b, ra);
	put_domain(&b, ra);
	build_patch_u16(&b, 4, (uint16_t)(build_length(&b) - IP6_HEADER));
	build_patch_u16(&b, IP6_HEADER + 2, checksum(out, build_length(&b)));
	return build_length(&b);
}

// Each option has a length that is not 0 and ends within the packet.
static bool options_valid(struct view v)
{
	while (view_left(&v)) {
		uint8_t units;

		view_skip(&v, 1);
		units = view_u8(&v);
		if (v.failed || units == 0)
			return false;
		view_skip(&v, (size_t)units * 8 - 2);
		if (v.failed)
			return false;
	}
	return true;
}

bool ra_is_solicitation(const uint8_t *packet, size_t length)
{
	struct view v = view_of(packet, length);

	if (length < IP6_HEADER + SOLICITATION_HEADER || packet[0] >> 4 != 6 ||
		packet[6] != ICMP6 || packet[7] != HOP_LIMIT ||
		(size_t)(packet[4] << 8 | packet[5]) != length - IP6_HEADER)
		return false;
	if (packet[IP6_HEADER] != SOLICITATION || packet[IP6_HEADER + 1] != 0)
		return false;
	// With its checksum in it, the sum is that of nothing.
	if (checksum(packet, length) != 0)
		return false;
	view_skip(&v, IP6_HEADER + SOLICITATION_HEADER);
	return options_valid(v);
}

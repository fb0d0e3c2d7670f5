// SPDX-License-Identifier: Apache-2.0

#include "packet.h"

#include "contract/build.h"

#include <errno.h>

enum {
	UDP = 17,
	IP4_HEADER = 20,
	IP6_HEADER = 40,
	UDP_HEADER = 8,
	UDP_CHECKSUM = 6, // its place in the header
	TTL = 64,
	CONTROL = 0xc0, // DSCP CS6: internetwork control
	FRAGMENT_MASK = 0x3fff,
};

// The sum of 16-bit words (RFC 1071), not yet folded.
static uint64_t sum_of(const uint8_t *p, size_t length)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < length; i++)
		sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
	return sum;
}

static uint16_t fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

// Over the pseudo-header too, with its checksum field as it is.
static uint16_t udp_sum(const struct ip_address *from, const struct ip_address *to,
	const uint8_t *udp, size_t length)
{
	size_t address = from->version == IP_V6 ? 16 : 4;

	return fold(sum_of(from->bytes, address) + sum_of(to->bytes, address) + UDP + length +
		    sum_of(udp, length));
}

static int parse_udp(struct view v, struct dhcp_packet *out)
{
	const uint8_t *udp = v.at;
	size_t length;
	uint16_t checksum;

	out->from_port = view_u16(&v);
	out->to_port = view_u16(&v);
	length = view_u16(&v);
	checksum = view_u16(&v);
	if (v.failed || length < UDP_HEADER || length - UDP_HEADER > view_left(&v))
		return -EINVAL;
	if (checksum == 0 && out->from.version == IP_V6)
		return -EINVAL;
	if (checksum && udp_sum(&out->from, &out->to, udp, length) != 0)
		return -EINVAL;
	out->payload = view_of(v.at, length - UDP_HEADER);
	return 0;
}

static int parse4(const uint8_t *ip, size_t length, struct dhcp_packet *out)
{
	size_t header, total;

	if (length < IP4_HEADER)
		return -EINVAL;
	header = (ip[0] & 0xfU) * 4;
	total = (size_t)ip[2] << 8 | ip[3];
	if (header < IP4_HEADER || total < header || total > length ||
		fold(sum_of(ip, header)) != 0 || ip[9] != UDP ||
		((ip[6] << 8 | ip[7]) & FRAGMENT_MASK))
		return -EINVAL;
	out->from = address_v4(ip + 12);
	out->to = address_v4(ip + 16);
	return parse_udp(view_of(ip + header, total - header), out);
}

static int parse6(const uint8_t *ip, size_t length, struct dhcp_packet *out)
{
	size_t payload;

	if (length < IP6_HEADER || ip[6] != UDP)
		return -EINVAL;
	payload = (size_t)ip[4] << 8 | ip[5];
	if (payload > length - IP6_HEADER)
		return -EINVAL;
	out->from = address_v6(ip + 8);
	out->to = address_v6(ip + 24);
	return parse_udp(view_of(ip + IP6_HEADER, payload), out);
}

int dhcp_packet_parse(const uint8_t *packet, size_t length, struct dhcp_packet *out)
{
	*out = (struct dhcp_packet){0};
	if (length == 0)
		return -EINVAL;
	if (packet[0] >> 4 == 4)
		return parse4(packet, length, out);
	return packet[0] >> 4 == 6 ? parse6(packet, length, out) : -EINVAL;
}

static void put_ip4(
	uint8_t *at, size_t total, const struct ip_address *from, const struct ip_address *to)
{
	struct build b = build_in(at, IP4_HEADER);

	build_u8(&b, 0x45);
	build_u8(&b, CONTROL);
	build_u16(&b, (uint16_t)total);
	build_u32(&b, 0x4000); // id 0, don't fragment
	build_u8(&b, TTL);
	build_u8(&b, UDP);
	build_u16(&b, 0);
	build_bytes(&b, from->bytes, 4);
	build_bytes(&b, to->bytes, 4);
	build_patch_u16(&b, 10, fold(sum_of(at, IP4_HEADER)));
}

static void put_ip6(
	uint8_t *at, size_t payload, const struct ip_address *from, const struct ip_address *to)
{
	struct build b = build_in(at, IP6_HEADER);

	build_u32(&b, 0x60000000 | CONTROL << 20);
	build_u16(&b, (uint16_t)payload);
	build_u8(&b, UDP);
	build_u8(&b, TTL);
	build_bytes(&b, from->bytes, 16);
	build_bytes(&b, to->bytes, 16);
}

size_t dhcp_packet_wrap(uint8_t *packet, size_t length, const struct ip_address *from,
	const struct ip_address *to, uint16_t from_port, uint16_t to_port)
{
	size_t header = from->version == IP_V6 ? IP6_HEADER : IP4_HEADER;
	struct build b = build_in(packet + header, UDP_HEADER);
	uint16_t sum;

	length += UDP_HEADER;
	if (header == IP6_HEADER)
		put_ip6(packet, length, from, to);
	else
		put_ip4(packet, header + length, from, to);
	build_u16(&b, from_port);
	build_u16(&b, to_port);
	build_u16(&b, (uint16_t)length);
	build_u16(&b, 0);
	sum = udp_sum(from, to, packet + header, length);
	build_patch_u16(&b, UDP_CHECKSUM, sum ? sum : 0xffff);
	return header + length;
}

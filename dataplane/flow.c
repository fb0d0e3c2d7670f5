// SPDX-License-Identifier: Apache-2.0

// See flow.h.

#include "dataplane/flow.h"

#include "dataplane/ip6.h"

#include <netinet/in.h>
#include <rte_jhash.h>
#include <string.h>

enum {
	IP4_HEADER = 20,
	IP4_OFFSET = 0x1fff,
	IP4_MORE = 0x2000,
	PORTS = 4, // bytes
};

static uint16_t get_u16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

// The first bytes of the upper layer, of which left are there.
static void upper_read(const uint8_t *p, uint16_t left, struct flow *out)
{
	switch (out->protocol) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_SCTP:
		if (left < PORTS)
			return;
		out->has_ports = true;
		out->from_port = get_u16(p);
		out->to_port = get_u16(p + 2);
		return;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		if (left >= 2)
			out->to_port = get_u16(p);
	}
}

static bool ip4_read(const uint8_t *ip, uint16_t length, struct flow *out)
{
	uint16_t header, offset;

	if (length < IP4_HEADER)
		return false;
	header = (uint16_t)((ip[0] & 0xf) * 4);
	if (header < IP4_HEADER || header > length)
		return false;
	out->version = 4;
	out->protocol = ip[9];
	memcpy(out->from, ip + 12, 4);
	memcpy(out->to, ip + 16, 4);
	offset = get_u16(ip + 6);
	out->fragment = (offset & (IP4_OFFSET | IP4_MORE)) != 0;
	if (!(offset & IP4_OFFSET))
		upper_read(ip + header, (uint16_t)(length - header), out);
	return true;
}

static bool ip6_read(const uint8_t *ip, uint16_t length, struct flow *out)
{
	struct ip6_payload p;

	if (!ip6_payload(ip, length, &p))
		return false;
	out->version = 6;
	out->protocol = p.protocol;
	memcpy(out->from, ip + 8, 16);
	memcpy(out->to, ip + 24, 16);
	out->fragment = p.fragment && (p.more || p.fragment_offset);
	if (!p.fragment_offset)
		upper_read(ip + p.at, (uint16_t)(p.end - p.at), out);
	return true;
}

bool flow_read(const uint8_t *ip, uint16_t length, struct flow *out)
{
	memset(out, 0, sizeof(*out));
	if (length == 0)
		return false;
	if (ip[0] >> 4 == 4)
		return ip4_read(ip, length, out);
	return ip[0] >> 4 == 6 && ip6_read(ip, length, out);
}

uint32_t flow_hash(const struct flow *f, uint32_t key)
{
	uint32_t ports =
		f->has_ports && !f->fragment ? (uint32_t)f->from_port << 16 | f->to_port : 0;

	key = rte_jhash_2words(ports, f->protocol, key);
	return rte_jhash(f->from, sizeof(f->from) + sizeof(f->to), key);
}

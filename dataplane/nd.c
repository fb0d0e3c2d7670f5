// SPDX-License-Identifier: Apache-2.0

#include "dataplane/nd.h"

#include "dataplane/checksum.h"
#include "dataplane/ip6.h"

#include "contract/build.h"
#include "contract/view.h"

#include <netinet/in.h>
#include <string.h>

enum {
	HOP_LIMIT = 255,      // what no router has touched
	MESSAGE = 24,         // bytes: type, code, checksum, flags, target
	SOURCE_LINK = 1,      // option: link-layer address of the source
	TARGET_LINK = 2,      // of the target
	OPTION_UNIT = 8,      // bytes that an option's length counts
	FLAG_ROUTER = 1 << 7, // in the first byte behind the checksum
	FLAG_SOLICITED = 1 << 6,
	FLAG_OVERRIDE = 1 << 5,
	ROUTER_SOLICITATION = 133,
	ROUTER_ADVERTISEMENT = 134,
	REDIRECT = 137,
};

const uint8_t nd_all_nodes[16] = {0xff, 2, [15] = 1};
static const uint8_t unspecified[16];
static const uint8_t solicited_front[13] = {0xff, 2, [11] = 1, 0xff};

void nd_solicited_node(const uint8_t address[16], uint8_t group[16])
{
	memcpy(group, solicited_front, sizeof(solicited_front));
	memcpy(group + 13, address + 13, 3);
}

struct rte_ether_addr nd_group_mac(const uint8_t group[16])
{
	struct rte_ether_addr mac = {{0x33, 0x33}};

	memcpy(mac.addr_bytes + 2, group + 12, 4);
	return mac;
}

// Options: each of a length that is not zero and fits. The one that is wanted goes to *out.
static bool read_options(struct view *v, uint8_t wanted, struct nd *out)
{
	while (view_left(v) > 0) {
		uint8_t type = view_u8(v);
		uint8_t units = view_u8(v);
		struct view body = view_sub(v, units ? units * OPTION_UNIT - 2u : 0);

		if (v->failed || units == 0)
			return false;
		if (type != wanted)
			continue;
		view_copy(&body, &out->mac, sizeof(out->mac));
		if (units != 1 || body.failed || !rte_is_valid_assigned_ether_addr(&out->mac))
			return false;
		out->has_mac = true;
	}
	return !v->failed;
}

static bool is_multicast(const uint8_t *address)
{
	return address[0] == 0xff;
}

// RFC 4861 section 7.1.1. A solicitation without a source looks for duplicates.
static bool solicitation_ok(const struct nd *n)
{
	if (memcmp(n->source, unspecified, 16) != 0)
		return true;
	return !n->has_mac && memcmp(n->destination, solicited_front, sizeof(solicited_front)) == 0;
}

// RFC 4861 section 7.1.2.
static bool advertisement_ok(const struct nd *n)
{
	return !(n->solicited && is_multicast(n->destination)) &&
	       memcmp(n->source, unspecified, 16) != 0;
}

static bool read_message(const uint8_t *icmp, uint16_t length, struct nd *out)
{
	struct view v = view_of(icmp, length);
	uint8_t code, flags;

	out->type = view_u8(&v);
	code = view_u8(&v);
	view_skip(&v, 2); // checksum
	flags = view_u8(&v);
	view_skip(&v, 3);
	view_copy(&v, out->target, sizeof(out->target));
	if (v.failed || code != 0 || is_multicast(out->target))
		return false;
	if (out->type == ND_SOLICITATION)
		return read_options(&v, SOURCE_LINK, out) && solicitation_ok(out);
	out->router = flags & FLAG_ROUTER;
	out->solicited = flags & FLAG_SOLICITED;
	out->override = flags & FLAG_OVERRIDE;
	return read_options(&v, TARGET_LINK, out) && advertisement_ok(out);
}

enum drop nd_parse(const uint8_t *ip, uint16_t length, struct nd *out)
{
	struct ip6_payload p;
	uint16_t size;

	*out = (struct nd){0};
	if (!ip6_payload(ip, length, &p) || p.fragment || p.protocol != IPPROTO_ICMPV6)
		return DROP_ND_INVALID;
	size = p.end - p.at;
	if (size < 4 || ip[7] != HOP_LIMIT ||
		!checksum_upper6_ok(ip + 8, ip + 24, IPPROTO_ICMPV6, ip + p.at, size))
		return DROP_ND_INVALID;
	memcpy(out->source, ip + 8, 16);
	memcpy(out->destination, ip + 24, 16);
	switch (ip[p.at]) {
	case ROUTER_SOLICITATION:
	case ROUTER_ADVERTISEMENT:
		return DROP_ND_ROUTER;
	case REDIRECT:
		return DROP_ND_REDIRECT;
	case ND_SOLICITATION:
	case ND_ADVERTISEMENT:
		if (!is_multicast(out->source) && read_message(ip + p.at, size, out))
			return DROP_COUNT;
	}
	return DROP_ND_INVALID;
}

uint16_t nd_write(const struct nd *n, uint8_t *room)
{
	bool solicitation = n->type == ND_SOLICITATION;
	uint16_t size = MESSAGE + (n->has_mac ? OPTION_UNIT : 0);
	struct build b = build_in(room, ND_MOST);
	uint16_t sum;

	build_u32(&b, 0x60000000);
	build_u16(&b, size);
	build_u8(&b, IPPROTO_ICMPV6);
	build_u8(&b, HOP_LIMIT);
	build_bytes(&b, n->source, 16);
	build_bytes(&b, n->destination, 16);
	build_u8(&b, n->type);
	build_u8(&b, 0);
	build_u16(&b, 0);
	build_u32(&b, (uint32_t)(n->router * FLAG_ROUTER | n->solicited * FLAG_SOLICITED |
				 n->override * FLAG_OVERRIDE)
			      << 24);
	build_bytes(&b, n->target, 16);
	if (n->has_mac) {
		build_u8(&b, solicitation ? SOURCE_LINK : TARGET_LINK);
		build_u8(&b, 1);
		build_bytes(&b, &n->mac, sizeof(n->mac));
	}
	sum = checksum_upper6(room + 8, room + 24, IPPROTO_ICMPV6, room + IP6_HEADER, size);
	memcpy(room + IP6_HEADER + 2, &sum, sizeof(sum));
	return (uint16_t)build_length(&b);
}

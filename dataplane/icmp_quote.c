// SPDX-License-Identifier: Apache-2.0

// A router quotes the IP header and at least 8 bytes more (RFC 792), most of them as much as fits
// (RFC 1812 section 4.3.2.3), so what lies behind the ports may be there or not. Of what is
// encrypted nothing is looked at.

#include "dataplane/icmp_quote.h"

#include "contract/limits.h"
#include "contract/view.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>

enum {
	UNREACHABLE = 3, // RFC 792
	TOO_BIG4 = 4,    // its code (RFC 1191 section 4)
	TOO_BIG6 = 2,    // RFC 4443 section 3.2
	IP4_HEADER = 20,
	IP6_HEADER = 40,
	OFFSET = 0x1fff,        // of a fragment: only the first has the ports
	L2TP_CONTROL = 1 << 15, // RFC 2661 section 3.1
	L2TP_LENGTH = 1 << 14,
	L2TP_VERSION = 0xf,
};

static void esp(struct view v, struct icmp_quote *out)
{
	out->spi = view_u32(&v);
	out->sequence = view_u32(&v);
	if (!v.failed)
		out->parts |= ICMP_QUOTE_ESP;
}

static void l2tp(struct view v, struct icmp_quote *out)
{
	uint16_t flags = view_u16(&v);

	if ((flags & L2TP_VERSION) != 2)
		return;
	if (flags & L2TP_LENGTH)
		view_skip(&v, 2);
	out->tunnel = view_u16(&v);
	if (!v.failed)
		out->parts |= ICMP_QUOTE_TUNNEL;
	out->session = view_u16(&v);
	if (!v.failed && !(flags & L2TP_CONTROL))
		out->parts |= ICMP_QUOTE_SESSION;
}

// Behind the quoted IP header.
static int payload(struct view v, struct icmp_quote *out)
{
	if (out->protocol == IPPROTO_ESP) {
		esp(v, out);
		return out->parts ? 0 : -EBADMSG;
	}
	if (out->protocol != IPPROTO_UDP)
		return -EBADMSG;
	out->local_port = view_u16(&v);
	out->remote_port = view_u16(&v);
	view_skip(&v, 4);
	if (v.failed)
		return -EBADMSG;
	if (out->local_port == PORT_NAT_T)
		esp(v, out);
	else if (out->local_port == PORT_L2TP)
		l2tp(v, out);
	return 0;
}

static int quoted4(struct view v, struct icmp_quote *out)
{
	uint8_t first = view_u8(&v), source[4], destination[4];
	size_t header = (first & 0xfU) * 4;
	uint16_t fragment;

	view_skip(&v, 1);
	out->length = view_u16(&v);
	view_skip(&v, 2);
	fragment = view_u16(&v);
	view_skip(&v, 1);
	out->protocol = view_u8(&v);
	view_skip(&v, 2);
	view_copy(&v, source, sizeof(source));
	view_copy(&v, destination, sizeof(destination));
	if (v.failed || first >> 4 != 4 || header < IP4_HEADER || fragment & OFFSET)
		return -EBADMSG;
	view_skip(&v, header - IP4_HEADER);
	if (v.failed)
		return -EBADMSG;
	out->local = address_v4(source);
	out->remote = address_v4(destination);
	return payload(v, out);
}

// Our packets have no extension headers, but for that of a fragment.
static int quoted6(struct view v, struct icmp_quote *out)
{
	uint8_t first = view_u8(&v), source[16], destination[16];
	uint16_t fragment = 0;

	view_skip(&v, 3);
	out->length = IP6_HEADER + (uint32_t)view_u16(&v);
	out->protocol = view_u8(&v);
	view_skip(&v, 1);
	view_copy(&v, source, sizeof(source));
	view_copy(&v, destination, sizeof(destination));
	if (out->protocol == IPPROTO_FRAGMENT) {
		out->protocol = view_u8(&v);
		view_skip(&v, 1);
		fragment = view_u16(&v);
		view_skip(&v, 4);
	}
	if (v.failed || first >> 4 != 6 || fragment >> 3 != 0)
		return -EBADMSG;
	out->local = address_v6(source);
	out->remote = address_v6(destination);
	return payload(v, out);
}

int icmp_quote_parse(uint8_t version, const void *icmp, size_t length, struct icmp_quote *out)
{
	struct view v = view_of(icmp, length);
	uint8_t type = view_u8(&v), code = view_u8(&v);

	memset(out, 0, sizeof(*out));
	view_skip(&v, 2);
	if (version == IP_V4) {
		view_skip(&v, 2);
		out->mtu = view_u16(&v);
	} else {
		out->mtu = view_u32(&v);
	}
	if (v.failed)
		return -EBADMSG;
	if (version == IP_V4)
		return type == UNREACHABLE && code == TOO_BIG4 ? quoted4(v, out) : -ENOMSG;
	// A code other than 0 is to be ignored (RFC 4443 section 3.2).
	return type == TOO_BIG6 ? quoted6(v, out) : -ENOMSG;
}

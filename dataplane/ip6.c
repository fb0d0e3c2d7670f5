// SPDX-License-Identifier: Apache-2.0

// See ip6.h. Options inside hop-by-hop and destination headers are not looked at: a router need not
// (RFC 8200 section 4), and nothing here depends on one.

#include "dataplane/ip6.h"

#include <netinet/in.h>

enum {
	ROUTING_LEFT = 3,        // offset of Segments Left in a routing header
	AUTHENTICATION_UNIT = 4, // bytes; the length field counts them, less 2 (RFC 4302)
	EXTENSION_UNIT = 8,      // bytes; the length field counts them, less 1
};

static uint16_t get_u16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static bool is_extension(uint8_t protocol)
{
	return protocol == IPPROTO_HOPOPTS || protocol == IPPROTO_ROUTING ||
	       protocol == IPPROTO_FRAGMENT || protocol == IPPROTO_DSTOPTS ||
	       protocol == IPPROTO_AH;
}

// Bytes of the extension header at p, of which two are there at least.
static uint16_t extension_length(uint8_t protocol, const uint8_t *p)
{
	if (protocol == IPPROTO_FRAGMENT)
		return IP6_FRAGMENT_HEADER;
	if (protocol == IPPROTO_AH)
		return (uint16_t)((p[1] + 2) * AUTHENTICATION_UNIT);
	return (uint16_t)((p[1] + 1) * EXTENSION_UNIT);
}

static void fragment_read(const uint8_t *ip, struct ip6_payload *out)
{
	uint16_t field = get_u16(ip + out->at + 2);

	out->fragment = out->at;
	out->fragment_next = out->previous;
	out->fragment_offset = field & 0xfff8;
	out->more = field & 1;
}

// Steps over one extension header. False when it does not fit.
static bool extension_skip(const uint8_t *ip, struct ip6_payload *out)
{
	const uint8_t *p = ip + out->at;
	uint16_t size;

	if (out->end - out->at < EXTENSION_UNIT)
		return false;
	if (out->protocol == IPPROTO_HOPOPTS && out->at != IP6_HEADER)
		return false;
	size = extension_length(out->protocol, p);
	if (size > out->end - out->at)
		return false;
	if (out->protocol == IPPROTO_FRAGMENT) {
		if (out->fragment)
			return false;
		fragment_read(ip, out);
	}
	if (out->protocol == IPPROTO_ROUTING && p[ROUTING_LEFT] != 0)
		out->routing = true;
	out->authentication |= out->protocol == IPPROTO_AH;
	out->protocol = p[0];
	out->previous = out->at;
	out->at += size;
	return true;
}

bool ip6_payload(const uint8_t *ip, uint16_t length, struct ip6_payload *out)
{
	*out = (struct ip6_payload){.at = IP6_HEADER, .previous = 6};
	if (length < IP6_HEADER || ip[0] >> 4 != 6)
		return false;
	if (get_u16(ip + 4) > length - IP6_HEADER)
		return false;
	out->end = (uint16_t)(IP6_HEADER + get_u16(ip + 4));
	out->protocol = ip[6];
	for (int i = 0; is_extension(out->protocol); i++) {
		if (i == IP6_EXTENSIONS_MOST || !extension_skip(ip, out))
			return false;
		// What is behind the fragment header of a later fragment is payload.
		if (out->fragment_offset)
			break;
	}
	return true;
}

// SPDX-License-Identifier: Apache-2.0

// ICMPv6 errors from the gateway's own address (RFC 4443), beside icmp_error.c, with which they
// share the limit of their rate (section 2.4 f). None about an ICMPv6 error or a redirect, nor
// about a packet to or from what is not one host, nor about one whose headers cannot be read.

#include "dataplane/checksum.h"
#include "dataplane/ip6.h"
#include "dataplane/stage.h"

#include <netinet/icmp6.h>
#include <string.h>

enum {
	ICMP_HEADER = 8,
	ICMP_TOTAL = 1280, // bytes of the whole answer at most (RFC 4443 section 2.4 c)
	ICMP_HOPS = 64,
	ICMP_CLASS = 0xc0, // internetwork control, as icmp_error.c
	SOURCE = 8,        // offsets in an IPv6 header
	DESTINATION = 24,
};

static bool is_zero(const uint8_t *p, uint16_t length)
{
	for (uint16_t i = 0; i < length; i++)
		if (p[i])
			return false;
	return true;
}

static bool is_about_error(const uint8_t *ip, const struct ip6_payload *p)
{
	if (p->protocol != IPPROTO_ICMPV6)
		return false;
	// Of a later fragment nobody knows what it is of.
	if (p->fragment_offset || p->at == p->end)
		return true;
	return !(ip[p->at] & ICMP6_INFOMSG_MASK) || ip[p->at] == ND_REDIRECT;
}

static bool is_due(const uint8_t *ip, uint16_t length)
{
	struct ip6_payload p;

	return ip6_payload(ip, length, &p) && !ip6_stays(ip + SOURCE) &&
	       !ip6_stays(ip + DESTINATION) && !is_about_error(ip, &p);
}

static void ip_put(uint8_t *ip, uint16_t payload, const uint8_t *source, const uint8_t *destination)
{
	memset(ip, 0, 8);
	ip[0] = 0x60 | ICMP_CLASS >> 4;
	ip[1] = (uint8_t)(ICMP_CLASS << 4);
	ip[4] = payload >> 8;
	ip[5] = payload & 0xff;
	ip[6] = IPPROTO_ICMPV6;
	ip[7] = ICMP_HOPS;
	memcpy(ip + SOURCE, source, 16);
	memcpy(ip + DESTINATION, destination, 16);
}

// Behind an IPv6 header that is there already, as the quoted bytes are.
static void icmp_put(uint8_t *ip, uint16_t length, uint8_t type, uint8_t code, uint32_t next_mtu)
{
	uint8_t *icmp = ip + IP6_HEADER;
	uint16_t checksum;

	memset(icmp, 0, ICMP_HEADER);
	icmp[0] = type;
	icmp[1] = code;
	icmp[4] = (uint8_t)(next_mtu >> 24);
	icmp[5] = (uint8_t)(next_mtu >> 16);
	icmp[6] = (uint8_t)(next_mtu >> 8);
	icmp[7] = (uint8_t)next_mtu;
	checksum = checksum_upper6(ip + SOURCE, ip + DESTINATION, IPPROTO_ICMPV6, icmp, length);
	memcpy(icmp + 2, &checksum, sizeof(checksum));
}

struct rte_mbuf *icmp6_error(
	struct worker *w, const struct rte_mbuf *m, uint8_t type, uint8_t code, uint32_t next_mtu)
{
	const uint8_t *quoted = rte_pktmbuf_mtod(m, const uint8_t *);
	uint16_t size = m->data_len;
	struct rte_mbuf *e;
	uint8_t *at;

	if (is_zero(w->icmp_source6, 16) || !is_due(quoted, size) || !icmp_error_take(w))
		return NULL;
	e = packet_create(w);
	if (!e)
		return NULL;
	if (size > ICMP_TOTAL - IP6_HEADER - ICMP_HEADER)
		size = ICMP_TOTAL - IP6_HEADER - ICMP_HEADER;
	at = (uint8_t *)rte_pktmbuf_append(e, IP6_HEADER + ICMP_HEADER + size);
	if (!at) {
		packet_drop(w, e, DROP_NO_MEMORY);
		return NULL;
	}
	memcpy(at + IP6_HEADER + ICMP_HEADER, quoted, size);
	ip_put(at, ICMP_HEADER + size, w->icmp_source6, quoted + SOURCE);
	icmp_put(at, ICMP_HEADER + size, type, code, next_mtu);
	meta_of(e)->session = SESSION_NONE;
	return e;
}

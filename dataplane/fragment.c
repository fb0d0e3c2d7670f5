// SPDX-License-Identifier: Apache-2.0

// See fragment.h. Fragments are copies in buffers of their own, made in the same way whatever the
// original was; only what does not fit is ever copied, so the path costs nothing to the rest. The
// first piece stays where it is, but for a large packet's, whose buffer is wanted elsewhere.

#include "dataplane/fragment.h"

#include "dataplane/ip6.h"
#include "dataplane/large.h"

#include <rte_ip.h>
#include <string.h>

enum { IP4_HEADER = 20, OPTIONS_MAX = 40, OPTION_COPIED = 0x80, OPTION_END = 0, OPTION_NOP = 1 };

bool fragment_may(const struct rte_mbuf *m)
{
	const uint8_t *ip = rte_pktmbuf_mtod(m, const uint8_t *);

	return !packet_is_ip6(m) && !(ip[6] & RTE_IPV4_HDR_DF_FLAG >> 8);
}

uint8_t fragment_options(const uint8_t *options, uint8_t length, uint8_t *out)
{
	uint8_t at = 0, n = 0;

	while (at < length && options[at] != OPTION_END) {
		uint8_t size = 1;

		if (options[at] != OPTION_NOP) {
			if (at + 2 > length || options[at + 1] < 2 || options[at + 1] > length - at)
				break;
			size = options[at + 1];
		}
		if (options[at] & OPTION_COPIED) {
			memcpy(out + n, options + at, size);
			n += size;
		}
		at += size;
	}
	while (n % 4)
		out[n++] = OPTION_END;
	return n;
}

static void header_finish(uint8_t *ip, uint8_t header, uint16_t total, uint16_t fragment)
{
	uint16_t checksum;

	ip[0] = 0x40 | header / 4;
	ip[2] = total >> 8;
	ip[3] = total & 0xff;
	ip[6] = fragment >> 8;
	ip[7] = fragment & 0xff;
	ip[10] = ip[11] = 0;
	checksum = (uint16_t)~rte_raw_cksum(ip, header);
	memcpy(ip + 10, &checksum, sizeof(checksum));
}

// How the packet is to be cut; fragment is the field of the original header with its flags.
struct cut {
	uint16_t header;     // bytes of the first fragment's header
	uint16_t payload;    // bytes in all
	uint16_t first;      // bytes of payload in the first fragment, a multiple of 8
	uint16_t each;       // in each further one but the last
	uint16_t fragment;   // of the original: flags and offset in units of 8
	uint8_t next_header; // bytes of the header of the further ones
	uint8_t next_ip[IP4_HEADER + OPTIONS_MAX];
};

static struct cut cut_plan(const struct rte_mbuf *m, uint16_t mtu)
{
	const uint8_t *ip = rte_pktmbuf_mtod(m, const uint8_t *);
	struct cut c = {.header = (uint16_t)((ip[0] & 0xf) * 4)};

	memcpy(c.next_ip, ip, IP4_HEADER);
	c.next_header = (uint8_t)(IP4_HEADER + fragment_options(ip + IP4_HEADER,
						       (uint8_t)(c.header - IP4_HEADER),
						       c.next_ip + IP4_HEADER));
	c.payload = (uint16_t)(m->pkt_len - c.header);
	c.first = (uint16_t)((mtu - c.header) & ~7);
	c.each = (uint16_t)((mtu - c.next_header) & ~7);
	c.fragment = (uint16_t)(ip[6] << 8 | ip[7]);
	return c;
}

// So many bytes of a packet, in however many segments they lie.
static void copy_out(const struct rte_mbuf *m, uint32_t at, uint16_t size, uint8_t *to)
{
	const void *bytes = rte_pktmbuf_read(m, at, size, to);

	if (bytes && bytes != to)
		memcpy(to, bytes, size);
}

// Keeps the first bytes alone, which lie in the first segment.
static void cut_behind(struct rte_mbuf *m, uint16_t length)
{
	rte_pktmbuf_free(m->next);
	m->next = NULL;
	m->nb_segs = 1;
	m->data_len = length;
	m->pkt_len = length;
}

static struct rte_mbuf *further(
	struct worker *w, const struct rte_mbuf *m, const struct cut *c, uint16_t at)
{
	uint16_t left = c->payload - at, size = left < c->each ? left : c->each;
	uint16_t more = left > size ? RTE_IPV4_HDR_MF_FLAG : c->fragment & RTE_IPV4_HDR_MF_FLAG;
	uint16_t offset = (c->fragment & RTE_IPV4_HDR_OFFSET_MASK) + at / 8;
	struct rte_mbuf *f = packet_create(w);
	uint8_t *to;

	if (!f)
		return NULL;
	to = (uint8_t *)rte_pktmbuf_append(f, c->next_header + size);
	if (!to) {
		packet_drop(w, f, DROP_NO_MEMORY);
		return NULL;
	}
	memcpy(to, c->next_ip, c->next_header);
	copy_out(m, c->header + at, size, to + c->next_header);
	header_finish(to, c->next_header, c->next_header + size, more | offset);
	*meta_of(f) = *meta_of((struct rte_mbuf *)(uintptr_t)m);
	meta_of(f)->flags &= (uint8_t)~META_LARGE;
	return f;
}

// All but the first piece, to out from 1 on. Returns how many with the first, or 0.
static uint16_t cut_all(
	struct worker *w, const struct rte_mbuf *m, const struct cut *c, struct rte_mbuf **out)
{
	uint16_t n = 1;

	for (uint32_t at = c->first; at < c->payload; at += c->each) {
		struct rte_mbuf *f = n < FRAGMENTS_MAX ? further(w, m, c, (uint16_t)at) : NULL;

		if (!f) {
			while (--n)
				packet_drop(w, out[n], DROP_FRAGMENT_FAILED);
			return 0;
		}
		out[n++] = f;
	}
	return n;
}

uint16_t fragment_ip4(struct worker *w, struct rte_mbuf *m, uint16_t mtu, struct rte_mbuf **out)
{
	struct cut c = cut_plan(m, mtu);
	struct rte_mbuf *first = m;
	uint16_t n;

	if (c.first < 8 || c.header + c.first > m->data_len ||
		(c.fragment & RTE_IPV4_HDR_OFFSET_MASK) + c.payload / 8 > 0x1fff)
		return 0;
	if (packet_is_large(m))
		first = large_front(w, m, c.header + c.first);
	n = first ? cut_all(w, m, &c, out) : 0;
	if (first != m)
		rte_pktmbuf_free(n ? m : first);
	if (n == 0)
		return 0;
	header_finish(rte_pktmbuf_mtod(first, uint8_t *), (uint8_t)c.header, c.header + c.first,
		(c.fragment & RTE_IPV4_HDR_OFFSET_MASK) | RTE_IPV4_HDR_MF_FLAG);
	if (first == m)
		cut_behind(m, c.header + c.first);
	out[0] = first;
	return n;
}

// ---- IPv6

enum { LENGTH_AT = 4, NEXT_AT = 6, FRONT6 = IP6_HEADER + IP6_FRAGMENT_HEADER };

// Both headers of a fragment from those of the whole packet; size: bytes of its payload.
static void front6(uint8_t *to, const uint8_t *ip, uint16_t size, uint16_t field, uint32_t id)
{
	uint16_t length = IP6_FRAGMENT_HEADER + size;
	uint8_t *f = to + IP6_HEADER;

	memmove(to, ip, IP6_HEADER); // they may overlap
	f[0] = to[NEXT_AT];
	f[1] = 0;
	f[2] = field >> 8;
	f[3] = field & 0xff;
	memcpy(f + 4, &id, sizeof(id));
	to[LENGTH_AT] = length >> 8;
	to[LENGTH_AT + 1] = length & 0xff;
	to[NEXT_AT] = IPPROTO_FRAGMENT;
}

// The fragment from that byte of the payload on; each: bytes of payload in all but the last.
static struct rte_mbuf *further6(
	struct worker *w, struct rte_mbuf *m, uint16_t at, uint16_t each, uint32_t id)
{
	const uint8_t *ip = rte_pktmbuf_mtod(m, const uint8_t *);
	uint16_t left = m->pkt_len - IP6_HEADER - at, size = left < each ? left : each;
	struct rte_mbuf *f = packet_create(w);
	uint8_t *to;

	if (!f)
		return NULL;
	to = (uint8_t *)rte_pktmbuf_append(f, FRONT6 + size);
	if (!to) {
		packet_drop(w, f, DROP_NO_MEMORY);
		return NULL;
	}
	front6(to, ip, size, at | (left > size), id);
	copy_out(m, IP6_HEADER + at, size, to + FRONT6);
	*meta_of(f) = *meta_of(m);
	return f;
}

uint16_t fragment_ip6(
	struct worker *w, struct rte_mbuf *m, uint16_t mtu, uint32_t id, struct rte_mbuf **out)
{
	uint16_t payload = m->pkt_len - IP6_HEADER, each = (uint16_t)((mtu - FRONT6) & ~7), n = 1;
	uint8_t *to;

	if (rte_pktmbuf_headroom(m) < IP6_FRAGMENT_HEADER || payload <= each ||
		IP6_HEADER + each > m->data_len)
		return 0;
	for (uint32_t at = each; at < payload; at += each) {
		struct rte_mbuf *f = NULL;

		if (n < FRAGMENTS_MAX)
			f = further6(w, m, (uint16_t)at, each, id);
		if (!f) {
			while (--n)
				packet_drop(w, out[n], DROP_FRAGMENT_FAILED);
			return 0;
		}
		out[n++] = f;
	}
	cut_behind(m, IP6_FRAGMENT_HEADER + IP6_HEADER + each);
	m->data_off -= IP6_FRAGMENT_HEADER; // there is the room
	to = rte_pktmbuf_mtod(m, uint8_t *);
	front6(to, to + IP6_FRAGMENT_HEADER, each, 1, id);
	out[0] = m;
	return n;
}

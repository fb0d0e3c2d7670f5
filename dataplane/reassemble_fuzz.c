// SPDX-License-Identifier: Apache-2.0

// Fragments of any place, length and order, of a few datagrams from a few sources, with time going
// by. Whatever is put together is what the fragments said, with a right header, in one segment if
// it is no IKE message; and every fragment is accounted for.

#include "dataplane/reassemble.h"

#include "dataplane/ip6.h"
#include "dataplane/stage.h"
#include "dataplane/test_lab.h"

#include "contract/view.h"

#include <rte_ip.h>
#include <stdlib.h>
#include <string.h>

enum {
	LENGTH_MOST = 1480,
	OPTIONS = 40, // bytes in an IPv4 header
	HEADERS = 3,  // IPv6: destination options of 8 bytes
	LONGEST = LIMIT_IKE_MESSAGE + 100,
	SIX = 1 << 15, // of a fragment's first length: over IPv6
};

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct worker *w;

static void check(bool right)
{
	if (!right)
		abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	check(lab_start(NULL) == 0);
	w = &lab.worker[0];
	w->workers = 1; // every datagram is ours
	return 0;
}

// The port of IKE stands where one looks for it.
static uint8_t byte_at(unsigned position)
{
	if (position == 2 || position == 3)
		return position == 2 ? PORT_IKE >> 8 : PORT_IKE & 0xff;
	return (uint8_t)(position * 7 + position / 256);
}

// What the headers are made of.
struct part {
	uint8_t who; // which datagram, and how long the header is
	uint8_t tos;
	uint16_t field; // flags and offset as in IPv4
	uint16_t length;
};

static uint16_t header_size(const struct part *p, bool six)
{
	if (six)
		return IP6_HEADER + (p->who >> 4) % (HEADERS + 1) * 8 + IP6_FRAGMENT_HEADER;
	return 20 + (p->who >> 4) % (OPTIONS / 4 + 1) * 4;
}

static void header4(uint8_t *bytes, const struct part *p, uint16_t header)
{
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)bytes;

	memset(bytes, 1, header);
	ip->version_ihl = (uint8_t)(0x40 | header / 4);
	ip->type_of_service = p->tos;
	ip->total_length = rte_cpu_to_be_16(header + p->length);
	ip->fragment_offset = rte_cpu_to_be_16(p->field);
	ip->next_proto_id = p->who & 8 ? IPPROTO_UDP : IPPROTO_ESP;
	ip->packet_id = p->who & 3;
	ip->src_addr = p->who & 4;
}

static void header6(uint8_t *bytes, const struct part *p, uint16_t header)
{
	uint16_t offset = (uint16_t)(p->field << 3), length = p->length + header - IP6_HEADER;
	uint8_t *next = bytes + 6;

	memset(bytes, 0, header);
	bytes[0] = (uint8_t)(0x60 | p->tos >> 4);
	bytes[1] = (uint8_t)(p->tos << 4);
	bytes[4] = length >> 8;
	bytes[5] = length & 0xff;
	bytes[8 + 15] = p->who & 4;
	for (uint16_t at = IP6_HEADER; at < header - IP6_FRAGMENT_HEADER; at += 8) {
		*next = IPPROTO_DSTOPTS;
		next = bytes + at;
	}
	*next = IPPROTO_FRAGMENT;
	next = bytes + header - IP6_FRAGMENT_HEADER;
	next[0] = IPPROTO_UDP;
	next[2] = offset >> 8;
	next[3] = (uint8_t)(offset | p->field >> 13);
	next[7] = p->who & 3;
}

static struct rte_mbuf *fragment(struct view *v)
{
	struct part p = {.who = view_u8(v), .tos = view_u8(v), .field = view_u16(v) & 0x3fff};
	uint16_t length = view_u16(v), header;
	struct rte_mbuf *m = rte_pktmbuf_alloc(lab.pool);
	bool six = length & SIX;
	uint8_t *bytes;

	p.length = (length & ~SIX) % (LENGTH_MOST + 1);
	header = header_size(&p, six);
	check(m);
	memset(meta_of(m), 0, META_LINE);
	bytes = (uint8_t *)rte_pktmbuf_append(m, header + p.length);
	check(bytes);
	if (six) {
		meta_of(m)->flags |= META_OUTER6;
		header6(bytes, &p, header);
	} else {
		header4(bytes, &p, header);
	}
	for (unsigned i = 0; i < p.length; i++)
		bytes[header + i] = byte_at((p.field & 0x1fffU) * 8 + i);
	w->stats->received++;
	return m;
}

// What was put together: its headers are right and none is a fragment header.
static uint16_t check_header6(const uint8_t *ip, uint16_t length)
{
	struct ip6_payload l;

	check(ip6_payload(ip, length, &l) && l.fragment == 0 && l.end == length);
	check(l.protocol == IPPROTO_UDP);
	return l.at;
}

static uint16_t check_header4(const uint8_t *bytes, uint16_t length)
{
	const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)bytes;

	check(ip->fragment_offset == 0 && rte_be_to_cpu_16(ip->total_length) == length);
	check(rte_raw_cksum(ip, rte_ipv4_hdr_len(ip)) == 0xffff);
	return rte_ipv4_hdr_len(ip);
}

static void finish(struct rte_mbuf *m)
{
	const uint8_t *ip = rte_pktmbuf_mtod(m, const uint8_t *);
	uint16_t length = (uint16_t)m->pkt_len;
	uint16_t header = ip[0] >> 4 == 6 ? check_header6(ip, length) : check_header4(ip, length);
	bool may_be_ike = ip[0] >> 4 == 6 || ip[9] == IPPROTO_UDP;
	uint8_t copy[UINT16_MAX];

	check(m->nb_segs == 1 ? m->pkt_len == m->data_len : may_be_ike && m->pkt_len < LONGEST);
	check(m->data_len > header && m->pkt_len <= UINT16_MAX);
	ip = rte_pktmbuf_read(m, 0, length, copy);
	check(ip);
	for (unsigned i = header; i < length; i++)
		check(ip[i] == byte_at(i - header));
	w->stats->transmitted++;
	rte_pktmbuf_free(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view v = view_of(data, size);

	w->now = 1000000000;
	while (view_left(&v)) {
		struct rte_mbuf *m;

		if (view_u8(&v) % 16 == 0) {
			w->now += view_u16(&v) * UINT64_C(100000);
			reassemble_expire(w, w->now);
			continue;
		}
		m = fragment(&v);
		if (reassemble(w, &m, 1))
			finish(m);
		check(lab_packets_out() == w->stats->held && lab_balanced());
	}
	reassemble_expire(w, UINT64_MAX);
	check(lab_packets_out() == 0 && w->stats->held == 0 && lab_balanced());
	return 0;
}

// SPDX-License-Identifier: Apache-2.0

// Fragments of any place, length and order, of a few datagrams from a few sources, with time going
// by. Whatever is put together is what the fragments said, in one segment with a right header; and
// every fragment is accounted for.

#include "dataplane/reassemble.h"

#include "dataplane/stage.h"
#include "dataplane/test_lab.h"

#include "contract/view.h"

#include <rte_ip.h>
#include <stdlib.h>
#include <string.h>

enum { LENGTH_MOST = 1480, OPTIONS = 40 };

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

static uint8_t byte_at(unsigned position)
{
	return (uint8_t)(position * 7 + position / 256);
}

static struct rte_mbuf *fragment(struct view *v)
{
	uint8_t who = view_u8(v), tos = view_u8(v);
	uint16_t field = view_u16(v) & 0x3fff, length = view_u16(v) % (LENGTH_MOST + 1);
	uint16_t header = 20 + (who >> 4) % (OPTIONS / 4 + 1) * 4;
	struct rte_mbuf *m = rte_pktmbuf_alloc(lab.pool);
	struct rte_ipv4_hdr *ip;
	uint8_t *bytes;

	check(m);
	memset(meta_of(m), 0, META_LINE);
	bytes = (uint8_t *)rte_pktmbuf_append(m, header + length);
	check(bytes);
	memset(bytes, 1, header);
	ip = (struct rte_ipv4_hdr *)bytes;
	ip->version_ihl = (uint8_t)(0x40 | header / 4);
	ip->type_of_service = tos;
	ip->total_length = rte_cpu_to_be_16(header + length);
	ip->fragment_offset = rte_cpu_to_be_16(field);
	ip->packet_id = who & 3;
	ip->src_addr = who & 4;
	for (unsigned i = 0; i < length; i++)
		bytes[header + i] = byte_at((field & 0x1fffU) * 8 + i);
	w->stats->received++;
	return m;
}

static void finish(struct rte_mbuf *m)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);
	uint16_t header = rte_ipv4_hdr_len(ip);

	check(m->nb_segs == 1 && m->pkt_len == m->data_len && m->data_len > header);
	check(ip->fragment_offset == 0 && rte_be_to_cpu_16(ip->total_length) == m->data_len);
	check(rte_raw_cksum(ip, header) == 0xffff);
	for (unsigned i = header; i < m->data_len; i++)
		check(((const uint8_t *)ip)[i] == byte_at(i - header));
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

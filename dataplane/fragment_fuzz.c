// SPDX-License-Identifier: Apache-2.0

// Any packet cut at any size, IPv4 and IPv6: what comes out fits, has right headers, and is the
// whole packet when it is put together again.

#include "dataplane/fragment.h"
#include "dataplane/ip6.h"
#include "dataplane/test_lab.h"

#include <rte_ip.h>
#include <stdlib.h>
#include <string.h>

enum { MTU_MIN = 68, MTU_MAX = 1500, HEADER_MIN = 20, PACKET_MAX = 1900 };

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool right)
{
	if (!right)
		abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	check(lab_start(NULL) == 0);
	return 0;
}

// Any options, any place in an original packet; version, lengths and DF as fragment_ip4 asks.
static struct rte_mbuf *packet(const uint8_t *data, uint16_t size)
{
	struct rte_mbuf *m = packet_create(&lab.worker[0]);
	uint8_t *ip;

	check(m);
	ip = (uint8_t *)rte_pktmbuf_append(m, size);
	memcpy(ip, data, size);
	if ((ip[0] & 0xf) < 5 || (ip[0] & 0xfU) * 4 > size)
		ip[0] = 5;
	ip[0] = 0x40 | (ip[0] & 0xf);
	ip[2] = (uint8_t)(size >> 8);
	ip[3] = (uint8_t)size;
	ip[6] &= 0x3f;
	return m;
}

struct whole {
	uint8_t bytes[PACKET_MAX];
	uint16_t length;
	uint16_t offset; // of the first byte, in units of 8
	bool more;
};

static void put_together(struct whole *w, const struct rte_mbuf *m, uint16_t mtu)
{
	const uint8_t *ip = rte_pktmbuf_mtod(m, const uint8_t *);
	uint16_t header = (uint16_t)((ip[0] & 0xf) * 4), field = (uint16_t)(ip[6] << 8 | ip[7]);
	uint16_t payload = (uint16_t)(m->data_len - header);

	check(m->data_len <= mtu && m->data_len > header && (ip[2] << 8 | ip[3]) == m->data_len);
	check(rte_raw_cksum(ip, header) == 0xffff);
	check((field & RTE_IPV4_HDR_OFFSET_MASK) == w->offset + w->length / 8);
	check(w->more && w->length % 8 == 0);
	memcpy(w->bytes + w->length, ip + header, payload);
	w->length += payload;
	w->more = field & RTE_IPV4_HDR_MF_FLAG;
}

static void cut(struct rte_mbuf *m, uint16_t mtu)
{
	struct rte_mbuf *pieces[FRAGMENTS_MAX];
	const uint8_t *ip = rte_pktmbuf_mtod(m, const uint8_t *);
	uint16_t header = (uint16_t)((ip[0] & 0xf) * 4), field = (uint16_t)(ip[6] << 8 | ip[7]);
	uint16_t payload = (uint16_t)(m->data_len - header), count;
	struct whole w = {.offset = field & RTE_IPV4_HDR_OFFSET_MASK, .more = true};
	uint8_t before[PACKET_MAX];

	memcpy(before, ip + header, payload);
	count = fragment_ip4(&lab.worker[0], m, mtu, pieces);
	check(count <= FRAGMENTS_MAX);
	if (count == 0)
		packet_drop(&lab.worker[0], m, DROP_FRAGMENT_FAILED);
	for (uint16_t i = 0; i < count; i++) {
		put_together(&w, pieces[i], mtu);
		packet_drop(&lab.worker[0], pieces[i], DROP_FRAGMENT_FAILED);
	}
	if (count)
		check(w.length == payload && memcmp(w.bytes, before, payload) == 0 &&
			w.more == !!(field & RTE_IPV4_HDR_MF_FLAG));
}

// ---- IPv6

static struct rte_mbuf *packet6(const uint8_t *data, uint16_t size)
{
	struct rte_mbuf *m = packet_create(&lab.worker[0]);
	uint8_t *ip;

	check(m);
	ip = (uint8_t *)rte_pktmbuf_append(m, size);
	memcpy(ip, data, size);
	ip[0] = 0x60 | (ip[0] & 0xf);
	ip[4] = (uint8_t)((size - IP6_HEADER) >> 8);
	ip[5] = (uint8_t)(size - IP6_HEADER);
	ip[6] = IPPROTO_UDP;
	return m;
}

static void put_together6(
	struct whole *w, const struct rte_mbuf *m, const uint8_t *before, uint16_t mtu)
{
	const uint8_t *ip = rte_pktmbuf_mtod(m, const uint8_t *);
	struct ip6_payload l;

	check(m->data_len <= mtu && ip6_payload(ip, m->data_len, &l) && l.end == m->data_len);
	check(l.fragment == IP6_HEADER && l.protocol == IPPROTO_UDP && l.at == IP6_HEADER + 8);
	check(memcmp(ip, before, 4) == 0 && memcmp(ip + 7, before + 7, IP6_HEADER - 7) == 0);
	check(l.fragment_offset == w->length && w->more && l.end > l.at);
	memcpy(w->bytes + w->length, ip + l.at, l.end - l.at);
	w->length += l.end - l.at;
	w->more = l.more;
}

static void cut6(struct rte_mbuf *m, uint16_t mtu)
{
	struct rte_mbuf *pieces[FRAGMENTS_MAX];
	struct whole w = {.more = true};
	uint16_t size = m->data_len, count;
	uint8_t before[PACKET_MAX];

	memcpy(before, rte_pktmbuf_mtod(m, uint8_t *), size);
	count = fragment_ip6(&lab.worker[0], m, mtu, 0x01020304, pieces);
	check(count <= FRAGMENTS_MAX);
	if (count == 0)
		packet_drop(&lab.worker[0], m, DROP_FRAGMENT_FAILED);
	for (uint16_t i = 0; i < count; i++) {
		put_together6(&w, pieces[i], before, mtu);
		packet_drop(&lab.worker[0], pieces[i], DROP_FRAGMENT_FAILED);
	}
	if (count)
		check(!w.more && w.length == size - IP6_HEADER &&
			memcmp(w.bytes, before + IP6_HEADER, w.length) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint16_t mtu;

	if (size < 2 + MTU_MIN + 1 || size > 2 + PACKET_MAX)
		return 0;
	mtu = (uint16_t)(MTU_MIN + (data[0] << 8 | data[1]) % (MTU_MAX - MTU_MIN));
	if (size - 2 <= mtu)
		mtu = MTU_MIN;
	if (data[0] & 0x80)
		cut6(packet6(data + 2, (uint16_t)(size - 2)), mtu);
	else
		cut(packet(data + 2, (uint16_t)(size - 2)), mtu);
	check(lab_balanced() && lab_packets_out() == 0);
	return 0;
}

// SPDX-License-Identifier: Apache-2.0

// Neighbour discovery on any bytes, as they are and with a right checksum, without which nothing
// behind it would ever be reached. What was read can be written and read again as the same.

#include "dataplane/nd.h"

#include "dataplane/ip6.h"

#include <netinet/in.h>
#include <rte_ip.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool right)
{
	if (!right)
		abort();
}

static void again(const struct nd *first)
{
	struct nd second;
	uint8_t room[ND_MOST];
	uint16_t length = nd_write(first, room);

	check(length <= ND_MOST);
	check(nd_parse(room, length, &second) == DROP_COUNT);
	check(second.type == first->type && second.has_mac == first->has_mac &&
		second.override == first->override && second.solicited == first->solicited);
	check(memcmp(second.source, first->source, 3 * sizeof(first->source)) == 0);
	check(!first->has_mac || rte_is_same_ether_addr(&second.mac, &first->mac));
}

static void make_right(uint8_t *ip, uint16_t length)
{
	struct ip6_payload p;
	uint16_t sum;

	if (length < IP6_HEADER)
		return;
	ip[0] = 0x60;
	ip[4] = (uint8_t)((length - IP6_HEADER) >> 8);
	ip[5] = (uint8_t)(length - IP6_HEADER);
	ip[7] = 255;
	if (!ip6_payload(ip, length, &p) || p.protocol != IPPROTO_ICMPV6 || p.end - p.at < 4)
		return;
	memset(ip + p.at + 2, 0, 2);
	sum = rte_ipv6_udptcp_cksum(
		&(struct rte_ipv6_hdr){
			.payload_len = rte_cpu_to_be_16(p.end - p.at), .proto = IPPROTO_ICMPV6},
		ip + p.at);
	sum = (uint16_t)~sum;
	sum = __rte_raw_cksum_reduce(__rte_raw_cksum(ip + 8, 32, sum));
	sum = (uint16_t)~sum;
	memcpy(ip + p.at + 2, &sum, sizeof(sum));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *exact;
	struct nd n;

	if (size > UINT16_MAX)
		return 0;
	exact = malloc(size ? size : 1);
	if (!exact)
		return 0;
	memcpy(exact, data, size);
	if (nd_parse(exact, (uint16_t)size, &n) == DROP_COUNT)
		again(&n);
	make_right(exact, (uint16_t)size);
	if (nd_parse(exact, (uint16_t)size, &n) == DROP_COUNT)
		again(&n);
	free(exact);
	return 0;
}

// SPDX-License-Identifier: Apache-2.0

// ICMP echo to an own address (RFC 792, RFC 1122 section 3.2.2.6; for IPv6 RFC 4443 section 4): the
// request becomes its reply in place. Every other ICMP message for us is dropped by name.

#include "dataplane/stage.h"

#include "dataplane/checksum.h"
#include "dataplane/ip6.h"

#include <rte_icmp.h>
#include <rte_ip.h>

enum {
	ECHO_TTL = 64,
	ECHO6_REQUEST = 128, // ICMPv6 types
	ECHO6_REPLY = 129,
	ECHO_HEADER = 8, // bytes
};

static enum drop check(struct rte_mbuf *m, uint16_t header)
{
	const struct rte_icmp_hdr *icmp =
		rte_pktmbuf_mtod_offset(m, const struct rte_icmp_hdr *, header);

	if (m->data_len < header + sizeof(*icmp))
		return DROP_ICMP_INVALID;
	if (rte_raw_cksum(icmp, m->data_len - header) != 0xffff)
		return DROP_ICMP_INVALID;
	if (icmp->icmp_type != RTE_IP_ICMP_ECHO_REQUEST || icmp->icmp_code != 0)
		return DROP_ICMP_TYPE;
	return DROP_COUNT;
}

// Options of the request are not repeated: the reply's header is a plain one.
static void turn(struct rte_mbuf *m, uint16_t header)
{
	const struct rte_ipv4_hdr request = *rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);
	struct rte_icmp_hdr *icmp = rte_pktmbuf_mtod_offset(m, struct rte_icmp_hdr *, header);
	struct rte_ipv4_hdr *ip;

	icmp->icmp_type = RTE_IP_ICMP_ECHO_REPLY;
	icmp->icmp_cksum = 0;
	icmp->icmp_cksum = (uint16_t)~rte_raw_cksum(icmp, m->data_len - header);
	rte_pktmbuf_adj(m, header - sizeof(*ip));
	ip = rte_pktmbuf_mtod(m, struct rte_ipv4_hdr *);
	*ip = (struct rte_ipv4_hdr){
		.version_ihl = RTE_IPV4_VHL_DEF,
		.type_of_service = request.type_of_service,
		.total_length = rte_cpu_to_be_16(m->data_len),
		.packet_id = request.packet_id,
		.time_to_live = ECHO_TTL,
		.next_proto_id = IPPROTO_ICMP,
		.src_addr = request.dst_addr,
		.dst_addr = request.src_addr,
	};
	ip->hdr_checksum = rte_ipv4_cksum(ip);
}

static enum drop answer(struct rte_mbuf *m)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);
	uint16_t header = rte_ipv4_hdr_len(ip);
	enum drop reason;

	if (ip->next_proto_id != IPPROTO_ICMP)
		return DROP_ROUTE_LOCAL;
	if (ip->fragment_offset & rte_cpu_to_be_16(0x3fff))
		return DROP_IP4_FRAGMENT;
	reason = check(m, header);
	if (reason == DROP_COUNT)
		turn(m, header);
	return reason;
}

static enum drop check6(const uint8_t *ip, const struct ip6_payload *l)
{
	uint16_t length = l->end - l->at;

	if (l->protocol != IPPROTO_ICMPV6 || l->authentication)
		return DROP_ROUTE_LOCAL;
	if (l->fragment_offset || l->more)
		return DROP_IP6_FRAGMENT;
	if (length < ECHO_HEADER ||
		!checksum_upper6_ok(ip + 8, ip + 24, IPPROTO_ICMPV6, ip + l->at, length))
		return DROP_ICMP_INVALID;
	return ip[l->at] == ECHO6_REQUEST && ip[l->at + 1] == 0 ? DROP_COUNT : DROP_ICMP_TYPE;
}

// Extension headers of the request are not repeated.
static void turn6(struct rte_mbuf *m, const struct ip6_payload *l)
{
	const struct rte_ipv6_hdr request = *rte_pktmbuf_mtod(m, const struct rte_ipv6_hdr *);
	uint16_t length = l->end - l->at, sum;
	struct rte_ipv6_hdr *ip;
	uint8_t *icmp;

	rte_pktmbuf_trim(m, m->data_len - l->end);
	ip = (struct rte_ipv6_hdr *)rte_pktmbuf_adj(m, l->at - sizeof(*ip));
	*ip = request;
	memcpy(ip->src_addr, request.dst_addr, sizeof(ip->src_addr));
	memcpy(ip->dst_addr, request.src_addr, sizeof(ip->dst_addr));
	ip->payload_len = rte_cpu_to_be_16(length);
	ip->proto = IPPROTO_ICMPV6;
	ip->hop_limits = ECHO_TTL;
	icmp = (uint8_t *)(ip + 1);
	icmp[0] = ECHO6_REPLY;
	icmp[2] = icmp[3] = 0;
	sum = checksum_upper6(ip->src_addr, ip->dst_addr, IPPROTO_ICMPV6, icmp, length);
	memcpy(icmp + 2, &sum, sizeof(sum));
}

static enum drop answer6(struct rte_mbuf *m)
{
	const uint8_t *ip = rte_pktmbuf_mtod(m, const uint8_t *);
	struct ip6_payload l;
	enum drop reason;

	if (!ip6_payload(ip, m->data_len, &l) || l.routing)
		return DROP_IP6_EXTENSION;
	reason = check6(ip, &l);
	if (reason == DROP_COUNT)
		turn6(m, &l);
	return reason;
}

uint16_t icmp_echo(struct worker *w, struct rte_mbuf **m, uint16_t count)
{
	uint16_t kept = 0;

	for (uint16_t i = 0; i < count; i++) {
		enum drop reason = packet_is_ip6(m[i]) ? answer6(m[i]) : answer(m[i]);

		if (reason == DROP_COUNT)
			m[kept++] = m[i];
		else
			packet_drop(w, m[i], reason);
	}
	return kept;
}

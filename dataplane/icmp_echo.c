// SPDX-License-Identifier: Apache-2.0

// ICMP echo to an own address (RFC 792, RFC 1122 section 3.2.2.6): the request becomes its reply in
// place. Every other ICMP message for us is dropped by name.

#include "dataplane/stage.h"

#include <rte_icmp.h>
#include <rte_ip.h>

enum { ECHO_TTL = 64 };

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

uint16_t icmp_echo(struct worker *w, struct rte_mbuf **m, uint16_t count)
{
	uint16_t kept = 0;

	for (uint16_t i = 0; i < count; i++) {
		const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m[i], const struct rte_ipv4_hdr *);
		uint16_t header = rte_ipv4_hdr_len(ip);
		enum drop reason;

		if (ip->next_proto_id != IPPROTO_ICMP)
			reason = DROP_ROUTE_LOCAL;
		else if (ip->fragment_offset & rte_cpu_to_be_16(0x3fff))
			reason = DROP_IP4_FRAGMENT;
		else
			reason = check(m[i], header);
		if (reason != DROP_COUNT) {
			packet_drop(w, m[i], reason);
			continue;
		}
		turn(m[i], header);
		m[kept++] = m[i];
	}
	return kept;
}

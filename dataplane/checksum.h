// SPDX-License-Identifier: Apache-2.0
#pragma once

// Internet checksums (RFC 1071) as the stages need them, on DPDK's.

#include <rte_ip.h>
#include <stdbool.h>
#include <stdint.h>

// Over an IPv4 header of that many bytes with its checksum in it: right when the sum is all ones.
static inline bool checksum_ip4_ok(const struct rte_ipv4_hdr *ip, uint16_t header)
{
	return rte_raw_cksum(ip, header) == 0xffff;
}

// A UDP datagram of length bytes, contiguous, between two IPv4 addresses in network byte order:
// what goes into its checksum field, which must be zero now.
static inline uint16_t checksum_udp4(
	uint32_t source, uint32_t destination, const void *udp, uint16_t length)
{
	uint32_t sum = rte_raw_cksum(udp, length);
	uint16_t folded;

	sum += (source & 0xffff) + (source >> 16);
	sum += (destination & 0xffff) + (destination >> 16);
	sum += rte_cpu_to_be_16(IPPROTO_UDP) + rte_cpu_to_be_16(length);
	sum = (sum & 0xffff) + (sum >> 16);
	folded = (uint16_t)((sum & 0xffff) + (sum >> 16));
	folded = (uint16_t)~folded;
	return folded ? folded : 0xffff; // 0 says that there is none (RFC 768)
}

// The same with the checksum in place: right when the sum is all ones.
static inline bool checksum_udp4_ok(
	uint32_t source, uint32_t destination, const void *udp, uint16_t length)
{
	return checksum_udp4(source, destination, udp, length) == 0xffff;
}

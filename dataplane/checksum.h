// SPDX-License-Identifier: Apache-2.0
#pragma once

// Internet checksums (RFC 1071) as the stages need them, on DPDK's.

#include <rte_ip.h>
#include <rte_mbuf.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

// A sum of words of 32 bits as one of 16 bits.
static inline uint16_t checksum_fold(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

// Over an IPv4 header without options with its checksum in it: right when the sum of its 16-bit
// words is a multiple of 0xffff, which, not being 0, is all ones once it is folded (RFC 1071).
static inline bool checksum_ip4_plain_ok(const void *ip)
{
	const uint8_t *p = (const uint8_t *)ip;
	uint64_t sum = 0;
	uint32_t word;

	for (unsigned i = 0; i < sizeof(struct rte_ipv4_hdr); i += sizeof(word)) {
		memcpy(&word, p + i, sizeof(word));
		sum += word;
	}
	return sum % 0xffff == 0 && sum != 0;
}

// Over an IPv4 header of that many bytes with its checksum in it: right when the sum is all ones.
static inline bool checksum_ip4_ok(const void *ip, uint16_t header)
{
	if (likely(header == sizeof(struct rte_ipv4_hdr)))
		return checksum_ip4_plain_ok(ip);
	return rte_raw_cksum(ip, header) == 0xffff;
}

// The sum of all bytes of a packet, in however many segments they lie.
static inline uint16_t checksum_of_packet(const struct rte_mbuf *m)
{
	uint16_t sum = 0;

	(void)rte_raw_cksum_mbuf(m, 0, m->pkt_len, &sum); // fails beyond the end alone
	return sum;
}

// What goes into the checksum field of a UDP datagram of length bytes between two IPv4 addresses in
// network byte order, when its bytes with a checksum of zero have that sum.
static inline uint16_t checksum_udp4_of(
	uint32_t source, uint32_t destination, uint16_t bytes, uint16_t length)
{
	uint32_t sum = bytes;
	uint16_t folded;

	sum += (source & 0xffff) + (source >> 16);
	sum += (destination & 0xffff) + (destination >> 16);
	sum += rte_cpu_to_be_16(IPPROTO_UDP) + rte_cpu_to_be_16(length);
	sum = (sum & 0xffff) + (sum >> 16);
	folded = (uint16_t)((sum & 0xffff) + (sum >> 16));
	folded = (uint16_t)~folded;
	return folded ? folded : 0xffff; // 0 says that there is none (RFC 768)
}

// The same of contiguous bytes.
static inline uint16_t checksum_udp4(
	uint32_t source, uint32_t destination, const void *udp, uint16_t length)
{
	return checksum_udp4_of(source, destination, rte_raw_cksum(udp, length), length);
}

// The same with the checksum in place: right when the sum is all ones.
static inline bool checksum_udp4_ok(
	uint32_t source, uint32_t destination, const void *udp, uint16_t length)
{
	return checksum_udp4(source, destination, udp, length) == 0xffff;
}

// The sum of two IPv6 addresses, as on the wire.
static inline uint64_t checksum_addresses6(const uint8_t *source, const uint8_t *destination)
{
	uint32_t words[8];
	uint64_t sum = 0;

	memcpy(words, source, 16);
	memcpy(words + 4, destination, 16);
	for (int i = 0; i < 8; i++)
		sum += words[i];
	return sum;
}

// Over the pseudo-header of RFC 8200 section 8.1 and length bytes of that sum: what goes into the
// checksum field of that protocol, which must be zero now; 0 is a value like any other.
static inline uint16_t checksum_upper6_of(const uint8_t *source, const uint8_t *destination,
	uint8_t protocol, uint16_t bytes, uint16_t length)
{
	uint64_t sum = bytes;

	sum += checksum_addresses6(source, destination);
	sum += rte_cpu_to_be_16(protocol);
	sum += rte_cpu_to_be_16(length);
	return (uint16_t)~checksum_fold(sum);
}

// The same of contiguous bytes.
static inline uint16_t checksum_upper6(const uint8_t *source, const uint8_t *destination,
	uint8_t protocol, const void *data, uint16_t length)
{
	return checksum_upper6_of(
		source, destination, protocol, rte_raw_cksum(data, length), length);
}

// The same with the checksum in place: right when nothing is left.
static inline bool checksum_upper6_ok(const uint8_t *source, const uint8_t *destination,
	uint8_t protocol, const void *data, uint16_t length)
{
	return checksum_upper6(source, destination, protocol, data, length) == 0;
}

static inline uint16_t checksum_udp6(
	const uint8_t *source, const uint8_t *destination, const void *udp, uint16_t length)
{
	uint16_t sum = checksum_upper6(source, destination, IPPROTO_UDP, udp, length);

	return sum ? sum : 0xffff;
}

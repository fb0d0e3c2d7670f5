// SPDX-License-Identifier: Apache-2.0

#include "dataplane/test_lab6.h"

#include "contract/address.h"

#include "dataplane/checksum.h"

#include <rte_ether.h>
#include <string.h>

void lab6_address(const char *text, uint8_t out[16])
{
	struct ip_address a;

	address_parse(text, &a);
	memcpy(out, a.bytes, sizeof(a.bytes));
}

void lab6_header(
	struct build *b, uint8_t next, struct lab6_ends ends, uint16_t length, uint8_t hops)
{
	uint8_t address[16];

	build_u32(b, 0x60000000);
	build_u16(b, length);
	build_u8(b, next);
	build_u8(b, hops);
	lab6_address(ends.from, address);
	build_bytes(b, address, sizeof(address));
	lab6_address(ends.to, address);
	build_bytes(b, address, sizeof(address));
}

size_t lab6_frame(uint8_t *frame, uint16_t port, uint8_t next, struct lab6_ends ends,
	const void *data, uint16_t length)
{
	struct build b = build_in(frame, LAB_FRAME);

	lab_ether(&b, port, 9, RTE_ETHER_TYPE_IPV6);
	lab6_header(&b, next, ends, length, 64);
	build_bytes(&b, data, length);
	return build_length(&b);
}

uint16_t lab6_checksum(struct lab6_ends ends, uint8_t protocol, const void *data, uint16_t length)
{
	uint8_t from[16], to[16];

	lab6_address(ends.from, from);
	lab6_address(ends.to, to);
	return checksum_upper6(from, to, protocol, data, length);
}

size_t lab6_udp(uint8_t *out, struct lab6_ends ends, uint16_t source_port,
	uint16_t destination_port, const void *data, uint16_t length)
{
	struct build b = build_in(out, LAB_FRAME);
	uint16_t sum;

	lab_udp(&b, source_port, destination_port, length);
	build_bytes(&b, data, length);
	sum = lab6_checksum(ends, IPPROTO_UDP, out, (uint16_t)build_length(&b));
	memcpy(out + 6, &sum, sizeof(sum));
	return build_length(&b);
}

size_t lab6_echo(uint8_t *out, struct lab6_ends ends, uint16_t length)
{
	struct build b = build_in(out, LAB_FRAME);
	uint16_t sum;

	build_u32(&b, 0x80000000);
	build_u32(&b, 0x00010002);
	build_zero(&b, length);
	sum = lab6_checksum(ends, IPPROTO_ICMPV6, out, (uint16_t)build_length(&b));
	memcpy(out + 2, &sum, sizeof(sum));
	return build_length(&b);
}

void lab6_neighbour(uint16_t port, uint8_t n, const char *address, const char *own)
{
	struct lab6_ends ends = {address, own};
	uint8_t frame[LAB_FRAME], message[32], target[16];
	struct build b = build_in(message, sizeof(message)), f = build_in(frame, sizeof(frame));
	uint16_t sum;

	lab6_address(own, target);
	build_u32(&b, 0x87000000); // neighbour solicitation
	build_u32(&b, 0);
	build_bytes(&b, target, sizeof(target));
	build_u16(&b, 0x0101); // source link-layer address
	build_bytes(&b, (const uint8_t[]){2, 0, 0, 0, 0, n}, RTE_ETHER_ADDR_LEN);
	sum = lab6_checksum(ends, IPPROTO_ICMPV6, message, sizeof(message));
	memcpy(message + 2, &sum, sizeof(sum));
	lab_ether(&f, port, n, RTE_ETHER_TYPE_IPV6);
	lab6_header(&f, IPPROTO_ICMPV6, ends, sizeof(message), 255);
	build_bytes(&f, message, sizeof(message));
	lab_receive(port, 0, frame, build_length(&f));
	lab_run();
	lab_forget();
}

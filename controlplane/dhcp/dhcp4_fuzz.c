// SPDX-License-Identifier: Apache-2.0

// Any bytes as an IP packet with DHCP, or as its payload alone; what can be read is answered, with
// routes as the first byte has it, and the answer must be readable and lie in its bounds.

#include "dhcp4.h"
#include "packet.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool right)
{
	if (!right)
		abort();
}

static void answer(const struct dhcp4_message *m, uint8_t choice)
{
	struct ip_prefix routes[40] = {0};
	struct dhcp4_server server = {.us = address_from_u32(0x64400001),
		.dns = {address_from_u32(0x08080808)},
		.wins = {{0}, address_from_u32(0x0a000001)},
		.domain = choice & 0x40 ? "corp.example" : "",
		.routes = routes,
		.route_count = choice % 41};
	uint8_t packet[DHCP_PACKET];
	struct dhcp_packet back;
	bool left_out;
	size_t n;

	for (int i = 0; i < 40; i++)
		routes[i] = (struct ip_prefix){.address = address_from_u32(0x0a000000),
			.length = (uint8_t)(choice % (i + 1))};
	n = dhcp4_answer(m, &server, packet + DHCP_FRONT4, sizeof(packet) - DHCP_FRONT4, &left_out);
	check(n >= 240 && n <= sizeof(packet) - DHCP_FRONT4 && n <= m->size_most);
	n = dhcp_packet_wrap(packet, n, &server.us, &m->client, 67, 68);
	check(dhcp_packet_parse(packet, n, &back) == 0 && back.from_port == 67 &&
		back.to_port == 68);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dhcp4_message m;
	struct dhcp_packet p;
	uint8_t choice = size ? data[0] : 0;

	if (size == 0)
		return 0;
	if (choice & 0x80 && dhcp_packet_parse(data + 1, size - 1, &p) == 0) {
		check(p.payload.at >= data && p.payload.end <= data + size);
		if (dhcp4_parse(p.payload.at, view_left(&p.payload), &m) == 0)
			answer(&m, choice);
	}
	if (dhcp4_parse(data + 1, size - 1, &m) == 0)
		answer(&m, choice);
	return 0;
}

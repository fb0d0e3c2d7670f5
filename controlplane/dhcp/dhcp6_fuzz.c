// SPDX-License-Identifier: Apache-2.0

// Any bytes as an IP packet with DHCPv6, or as its payload alone; what can be read is answered,
// with what there is to give as the first byte has it, and the answer's options must lie in its
// bounds.

#include "dhcp6.h"
#include "packet.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool right)
{
	if (!right)
		abort();
}

static void check_options(const uint8_t *answer, size_t length)
{
	struct view v = view_of(answer, length);

	if (length == 0)
		return;
	view_skip(&v, 4);
	while (view_left(&v)) {
		view_skip(&v, 2);
		(void)view_sub(&v, view_u16(&v));
	}
	check(!v.failed);
}

static struct ip_prefix prefix(const char *text)
{
	struct ip_prefix p;

	check(prefix_parse(text, &p, NULL) == 0);
	return p;
}

static void answer(const struct dhcp6_message *m, uint8_t choice)
{
	static const uint8_t duid[DHCP6_DUID_UUID] = {0, 4, 1, 2, 3};
	struct dhcp6_server s = {.duid = duid,
		.duid_length = sizeof(duid),
		.domain = choice & 1 ? "corp.example" : "",
		.on_link = prefix("2001:db8:1::/64"),
		.preferred_s = 3600,
		.valid_s = 7200};
	uint8_t out[DHCP_PACKET];
	size_t n, room = choice & 0x40 ? 100 : sizeof(out);
	bool multicast;

	if (choice & 2)
		address_parse("2001:db8::53", &s.dns[0]);
	if (choice & 4)
		s.address.prefix = prefix("2001:db8:1::1/128");
	if (choice & 8)
		s.delegated.prefix = prefix("2001:db8:d0::/56");
	s.address.bound = s.delegated.bound = choice & 16;
	s.address.iaid = s.delegated.iaid = 1;
	// What speaks to us must name us, so that all is reached.
	(void)dhcp6_check(m, duid, sizeof(duid), choice & 32, &multicast);
	n = dhcp6_answer(m, &s, out, room);
	check(n <= room);
	check_options(out, n);
	n = dhcp6_refuse(m, &s, out, room);
	check(n <= room);
	check_options(out, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dhcp6_message m;
	struct dhcp_packet p;
	uint8_t choice = size ? data[0] : 0;

	if (size == 0)
		return 0;
	if (choice & 0x80 && dhcp_packet_parse(data + 1, size - 1, &p) == 0) {
		check(p.payload.at >= data && p.payload.end <= data + size);
		if (dhcp6_parse(p.payload.at, view_left(&p.payload), &m) == 0)
			answer(&m, choice);
	}
	if (dhcp6_parse(data + 1, size - 1, &m) == 0)
		answer(&m, choice);
	return 0;
}

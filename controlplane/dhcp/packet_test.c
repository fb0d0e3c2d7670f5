// SPDX-License-Identifier: Apache-2.0

#include "domain.h"
#include "packet.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct ip_address address(const char *text)
{
	struct ip_address a;

	assert_int_equal(address_parse(text, &a), 0);
	return a;
}

static void there_and_back(const char *from, const char *to, size_t front)
{
	struct ip_address a = address(from), b = address(to);
	uint8_t packet[DHCP_PACKET];
	struct dhcp_packet p;
	size_t n;

	memset(packet, 0x5a, sizeof(packet));
	n = dhcp_packet_wrap(packet, 101, &a, &b, 547, 546);
	assert_int_equal(n, front + 101);
	packet[n] = 1; // padding
	assert_int_equal(dhcp_packet_parse(packet, n + 1, &p), 0);
	assert_true(address_equal(&p.from, &a) && address_equal(&p.to, &b));
	assert_int_equal(p.from_port, 547);
	assert_int_equal(p.to_port, 546);
	assert_ptr_equal(p.payload.at, packet + front);
	assert_int_equal(view_left(&p.payload), 101);
	for (size_t cut = 0; cut < n; cut++)
		assert_int_equal(dhcp_packet_parse(packet, cut, &p), -EINVAL);
	packet[n - 1] ^= 1;
	assert_int_equal(dhcp_packet_parse(packet, n, &p), -EINVAL);
	packet[n - 1] ^= 1;
	packet[front == DHCP_FRONT4 ? 9 : 6] = 6;
	assert_int_equal(dhcp_packet_parse(packet, n, &p), -EINVAL);
}

static void wraps_and_reads(void **state)
{
	there_and_back("192.0.2.1", "255.255.255.255", DHCP_FRONT4);
	there_and_back("fe80::1", "ff02::1:2", DHCP_FRONT6);
}

static void wants_a_checksum_of_ipv6(void **state)
{
	struct ip_address a = address("fe80::1"), b = address("fe80::2");
	struct ip_address c = address("192.0.2.1"), d = address("192.0.2.2");
	uint8_t packet[DHCP_PACKET] = {0};
	struct dhcp_packet p;
	size_t n = dhcp_packet_wrap(packet, 8, &a, &b, 1, 2);

	packet[46] = packet[47] = 0;
	assert_int_equal(dhcp_packet_parse(packet, n, &p), -EINVAL);
	n = dhcp_packet_wrap(packet, 8, &c, &d, 1, 2);
	packet[26] = packet[27] = 0;
	assert_int_equal(dhcp_packet_parse(packet, n, &p), 0);
	// A fragment, and an IP checksum that is wrong.
	packet[6] = 0x20;
	packet[10] -= 0x20;
	assert_int_equal(dhcp_packet_parse(packet, n, &p), -EINVAL);
}

static void writes_domains(void **state)
{
	static const char *const wrong[] = {"", ".", "a..b", ".a",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example"};
	uint8_t out[DOMAIN_BYTES];
	char name[300];

	assert_int_equal(domain_encode("corp.example", out), 14);
	assert_memory_equal(out, "\4corp\7example\0", 14);
	assert_int_equal(domain_encode("a.", out), 3);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(domain_encode(wrong[i], out), 0);
	memset(name, 'a', sizeof(name));
	for (int i = 63; i < 254; i += 64)
		name[i] = '.';
	name[253] = 0;
	assert_int_equal(domain_encode(name, out), 255);
	name[253] = 'a';
	name[254] = 0;
	assert_int_equal(domain_encode(name, out), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wraps_and_reads),
		cmocka_unit_test(wants_a_checksum_of_ipv6),
		cmocka_unit_test(writes_domains),
	};

	return cmocka_run_group_tests_name("dhcp_packet", tests, NULL, NULL);
}

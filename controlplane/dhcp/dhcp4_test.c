// SPDX-License-Identifier: Apache-2.0

#include "dhcp4.h"

#include "contract/build.h"
#include "contract/view.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

// What Windows puts behind the cookie of its Inform on a PPP link.
static const uint8_t windows[] = {53, 1, 8, 61, 7, 8, 0, 83, 0, 0, 0, 0, 60, 8, 'M', 'S', 'F', 'T',
	' ', '5', '.', '0', 55, 6, 6, 44, 43, 1, 249, 15, 255};

static size_t inform(const uint8_t *options, size_t length, uint8_t out[600])
{
	struct build b = build_in(out, 600);

	build_u32(&b, 0x01080600);
	build_u32(&b, 0xcafe1234);
	build_u32(&b, 0x00070000);
	build_u32(&b, 0x64400102); // ciaddr
	build_zero(&b, 12);
	build_bytes(&b, "\0\x53\0\0\0\0", 6);
	build_zero(&b, 10 + 192);
	build_u32(&b, 0x63825363);
	build_bytes(&b, options, length);
	assert_false(b.failed);
	return build_length(&b);
}

static struct ip_prefix routes[40];
static const struct dhcp4_server *server(uint16_t route_count)
{
	static struct dhcp4_server s;

	s = (struct dhcp4_server){.us = address_from_u32(0x64400001),
		.dns = {address_from_u32(0x08080808), address_from_u32(0x08080404)},
		.wins = {address_from_u32(0x0a000009)},
		.domain = "corp.example",
		.routes = routes,
		.route_count = route_count};
	assert_int_equal(prefix_parse("10.0.0.0/8", &routes[0], NULL), 0);
	assert_int_equal(prefix_parse("172.16.0.0/12", &routes[1], NULL), 0);
	assert_int_equal(prefix_parse("192.0.2.128/25", &routes[2], NULL), 0);
	assert_int_equal(prefix_parse("2001:db8::/32", &routes[3], NULL), 0);
	return &s;
}

static size_t answered(const uint8_t *options, size_t length, uint16_t route_count,
	uint8_t out[1000], bool *left_out)
{
	struct dhcp4_message m;
	uint8_t message[600];
	size_t n = inform(options, length, message);

	assert_int_equal(dhcp4_parse(message, n, &m), 0);
	assert_int_equal(m.type, DHCP4_INFORM);
	return dhcp4_answer(&m, server(route_count), out, 1000, left_out);
}

static const uint8_t routes_bytes[] = {
	8, 10, 0, 0, 0, 0, 12, 172, 16, 0, 0, 0, 0, 25, 192, 0, 2, 128, 0, 0, 0, 0};

static void answers_windows(void **state)
{
	static const uint8_t front[] = {53, 1, 5, 54, 4, 100, 64, 0, 1, 1, 4, 255, 255, 255, 255, 6,
		8, 8, 8, 8, 8, 8, 8, 4, 4, 15, 12, 'c', 'o', 'r', 'p', '.', 'e', 'x', 'a', 'm', 'p',
		'l', 'e', 44, 4, 10, 0, 0, 9, 249, sizeof(routes_bytes)};
	uint8_t out[1000];
	bool left_out;
	size_t n = answered(windows, sizeof(windows), 4, out, &left_out);

	assert_int_equal(n, 240 + sizeof(front) + sizeof(routes_bytes) + 1);
	assert_false(left_out);
	assert_memory_equal(out, "\2\x8\6\0\xca\xfe\x12\x34\0\0\0\0\x64\x40\1\2", 16);
	assert_memory_equal(out + 16, "\0\0\0\0\0\0\0\0\0\0\0\0\0\x53", 14); // no yiaddr
	assert_memory_equal(out + 240, front, sizeof(front));
	assert_memory_equal(out + 240 + sizeof(front), routes_bytes, sizeof(routes_bytes));
	assert_int_equal(out[n - 1], 255);
}

static void answers_what_is_asked(void **state)
{
	static const uint8_t both[] = {53, 1, 8, 0, 55, 2, 121, 249, 255};
	static const uint8_t any[] = {53, 1, 8};
	uint8_t out[1000];
	bool left_out;
	size_t n = answered(both, sizeof(both), 3, out, &left_out);

	assert_int_equal(n, 240 + 3 + 6 + 2 * (2 + sizeof(routes_bytes)) + 1);
	assert_int_equal(out[249], 121);
	assert_int_equal(out[249 + 2 + sizeof(routes_bytes)], 249);
	n = answered(any, sizeof(any), 3, out, &left_out);
	assert_int_equal(n, 240 + 3 + 6 + 6 + 10 + 14 + 6 + 2 + sizeof(routes_bytes) + 1);
	n = answered(both, sizeof(both), 0, out, &left_out);
	assert_int_equal(n, 240 + 3 + 6 + 1);
}

// Many routes: an option of more than 255 bytes goes in two, and what has no room is left out.
static void keeps_to_the_size(void **state)
{
	static const uint8_t small[] = {53, 1, 8, 55, 2, 121, 249, 255};
	static const uint8_t large[] = {53, 1, 8, 57, 2, 0x05, 0xdc, 55, 2, 121, 249, 255};
	static const uint8_t tiny[] = {53, 1, 8, 57, 2, 0, 1, 55, 1, 121, 255};
	uint8_t out[1000];
	bool left_out;
	size_t n;

	for (int i = 4; i < 36; i++)
		assert_int_equal(prefix_parse("198.51.100.0/24", &routes[i], NULL), 0);
	n = answered(small, sizeof(small), 36, out, &left_out);
	assert_true(left_out && n <= 548 && out[n - 1] == 255);
	assert_int_equal(out[249], 121);
	assert_int_equal(out[250], 255);
	assert_int_equal(out[251 + 255], 121);
	assert_int_equal(out[252 + 255], 32 * 8 + sizeof(routes_bytes) - 255);
	n = answered(large, sizeof(large), 36, out, &left_out);
	assert_int_equal(n, 249 + 2 * (4 + 32 * 8 + sizeof(routes_bytes)) + 1);
	assert_false(left_out);
	n = answered(tiny, sizeof(tiny), 36, out, &left_out);
	assert_true(n <= 548);
}

static void refuses_malformed(void **state)
{
	static const uint8_t bad[][6] = {{53, 2, 8, 8, 255}, {53, 1, 8, 57, 1, 9},
		{53, 1, 8, 55, 9}, {53, 1, 8, 61}, {53, 1, 8, 0, 0, 12}};
	struct dhcp4_message m;
	uint8_t message[600];
	size_t n = inform(windows, sizeof(windows), message);

	for (size_t cut = 0; cut < 240; cut++)
		assert_int_equal(dhcp4_parse(message, cut, &m), -EINVAL);
	message[0] = 2;
	assert_int_equal(dhcp4_parse(message, n, &m), -EINVAL);
	message[0] = 1;
	message[2] = 17;
	assert_int_equal(dhcp4_parse(message, n, &m), -EINVAL);
	message[2] = 16;
	assert_int_equal(dhcp4_parse(message, n, &m), 0);
	message[236] ^= 1;
	assert_int_equal(dhcp4_parse(message, n, &m), -EINVAL);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		n = inform(bad[i], i == 3 ? 4 : 6, message);
		assert_int_equal(dhcp4_parse(message, n, &m), -EINVAL);
	}
	n = inform(NULL, 0, message);
	assert_int_equal(dhcp4_parse(message, n, &m), 0);
	assert_string_equal(dhcp4_word(m.type), "bootp");
	assert_string_equal(dhcp4_word(8), "inform");
	assert_string_equal(dhcp4_word(9), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_windows),
		cmocka_unit_test(answers_what_is_asked),
		cmocka_unit_test(keeps_to_the_size),
		cmocka_unit_test(refuses_malformed),
	};

	return cmocka_run_group_tests_name("dhcp4", tests, NULL, NULL);
}

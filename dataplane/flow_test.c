// SPDX-License-Identifier: Apache-2.0

#include "dataplane/flow.h"
#include "dataplane/ip6.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

// 2001:db8::1 to 2001:db8::2; payload behind it has that length and is of that kind.
static uint16_t ip6(uint8_t *p, uint8_t next, uint16_t payload)
{
	static const uint8_t from[16] = {0x20, 1, 0xd, 0xb8, [15] = 1};
	static const uint8_t to[16] = {0x20, 1, 0xd, 0xb8, [15] = 2};

	memset(p, 0, IP6_HEADER);
	p[0] = 0x60;
	p[4] = payload >> 8;
	p[5] = payload & 0xff;
	p[6] = next;
	p[7] = 64;
	memcpy(p + 8, from, 16);
	memcpy(p + 24, to, 16);
	return IP6_HEADER + payload;
}

static void reads_ports_behind_extension_headers(void **state)
{
	uint8_t p[128] = {0};
	uint16_t length = ip6(p, IPPROTO_HOPOPTS, 8 + 16 + 8);
	struct ip6_payload payload;
	struct flow f;

	p[40] = IPPROTO_DSTOPTS; // 8 bytes
	p[48] = IPPROTO_UDP;     // 16 bytes
	p[49] = 1;
	p[64] = 0x12, p[65] = 0x34, p[66] = 0x00, p[67] = 0x35;
	assert_true(ip6_payload(p, length, &payload));
	assert_int_equal(payload.at, 64);
	assert_int_equal(payload.end, length);
	assert_int_equal(payload.previous, 48);
	assert_true(flow_read(p, length, &f));
	assert_int_equal(f.protocol, IPPROTO_UDP);
	assert_true(f.has_ports);
	assert_int_equal(f.from_port, 0x1234);
	assert_int_equal(f.to_port, 53);
}

static void refuses_headers_that_do_not_fit(void **state)
{
	uint8_t p[512] = {0};
	uint16_t length = ip6(p, IPPROTO_DSTOPTS, 8);
	struct ip6_payload payload;

	p[40] = IPPROTO_UDP;
	p[41] = 1; // says 16 bytes
	assert_false(ip6_payload(p, length, &payload));
	assert_false(ip6_payload(p, IP6_HEADER - 1, &payload));
	assert_false(ip6_payload(p, length - 1, &payload)); // payload length lies
	length = ip6(p, IPPROTO_DSTOPTS, 400);
	for (int i = 40; i < 400; i += 8)
		p[i] = IPPROTO_DSTOPTS, p[i + 1] = 0;
	assert_false(ip6_payload(p, length, &payload)); // too many
	length = ip6(p, IPPROTO_DSTOPTS, 16);
	p[40] = IPPROTO_HOPOPTS;
	assert_false(ip6_payload(p, length, &payload)); // not the first
}

static void later_fragments_have_no_ports(void **state)
{
	uint8_t p[128] = {0};
	uint16_t length = ip6(p, IPPROTO_FRAGMENT, 16);
	struct flow f;

	p[40] = IPPROTO_TCP;
	p[43] = 1; // first, more follow
	p[48] = 1, p[50] = 2;
	assert_true(flow_read(p, length, &f));
	assert_true(f.fragment && f.has_ports);
	p[43] = 8; // the second
	assert_true(flow_read(p, length, &f));
	assert_true(f.fragment && !f.has_ports);
	assert_int_equal(f.protocol, IPPROTO_TCP);
}

static void hash_keeps_fragments_together(void **state)
{
	static const uint8_t first[] = {0x45, 0, 0, 28, 0, 1, 0x20, 0, 64, 17, 0, 0, 192, 0, 2, 1,
		192, 0, 2, 2, 0, 53, 0, 54, 0, 8, 0, 0};
	uint8_t second[sizeof(first)];
	struct flow a, b;

	memcpy(second, first, sizeof(first));
	second[6] = 0, second[7] = 1;
	assert_true(flow_read(first, sizeof(first), &a));
	assert_true(flow_read(second, sizeof(second), &b));
	assert_int_equal(flow_hash(&a, 7), flow_hash(&b, 7));
	assert_int_not_equal(flow_hash(&a, 7), flow_hash(&a, 8));
	b = a;
	b.to[3]++;
	assert_int_not_equal(flow_hash(&a, 7), flow_hash(&b, 7));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_ports_behind_extension_headers),
		cmocka_unit_test(refuses_headers_that_do_not_fit),
		cmocka_unit_test(later_fragments_have_no_ports),
		cmocka_unit_test(hash_keeps_fragments_together),
	};

	return cmocka_run_group_tests_name("flow", tests, NULL, NULL);
}

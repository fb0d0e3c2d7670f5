// SPDX-License-Identifier: Apache-2.0

// The IPv6 half of the routing tables.

#include "dataplane/test_lab.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct ip_address v6(const char *text)
{
	struct ip_address a;

	assert_int_equal(address_parse(text, &a), 0);
	return a;
}

static struct route_hop look(enum port_side side, const char *to)
{
	struct ip_address a = v6(to);
	struct route_hop hop;

	routes_lookup6(lab.routes, side, (const uint8_t(*)[16])a.bytes, &hop, 1);
	return hop;
}

static struct command_route to_session(const char *prefix, uint32_t session)
{
	struct command_route c = {.kind = NEXT_HOP_SESSION, .session = session};

	assert_int_equal(prefix_parse(prefix, &c.prefix, NULL), 0);
	return c;
}

static struct command_route to_gateway(const char *prefix, const char *gateway)
{
	struct command_route c = {.kind = NEXT_HOP_GATEWAY, .gateway = v6(gateway)};

	assert_int_equal(prefix_parse(prefix, &c.prefix, NULL), 0);
	return c;
}

static int clear(void **state)
{
	routes_clear(lab.routes);
	return 0;
}

static void test_sides(void **state)
{
	struct route_hop hop = look(SIDE_SUBSCRIBER, "2001:db8:ffff::1");

	assert_int_equal(hop.kind, ROUTE_GATEWAY);
	assert_int_equal(hop.port, LAB_SUB);
	assert_memory_equal(hop.gateway6, v6(LAB_SUB6_ROUTER).bytes, 16);
	hop = look(SIDE_NETWORK, "2001:db8:ffff::1");
	assert_int_equal(hop.kind, ROUTE_GATEWAY);
	assert_int_equal(hop.port, LAB_NET);
	assert_memory_equal(hop.gateway6, v6(LAB_NET6_ROUTER).bytes, 16);
	hop = look(SIDE_NETWORK, "2001:db8:0:2::7");
	assert_int_equal(hop.kind, ROUTE_CONNECTED);
	assert_int_equal(hop.port, LAB_NET);
	assert_int_equal(look(SIDE_SUBSCRIBER, LAB_SUB6).kind, ROUTE_LOCAL);
	assert_int_equal(look(SIDE_NETWORK, LAB_SUB6).kind, ROUTE_GATEWAY);
	assert_int_equal(look(SIDE_NETWORK, LAB_NET6).kind, ROUTE_LOCAL);
}

static void test_longest_prefix(void **state)
{
	struct command_route wide = to_session("2001:db8:100::/40", 1);
	struct command_route narrow = to_session("2001:db8:100:1::/64", 2);
	struct command_route host = to_session("2001:db8:100:1::5/128", 3);

	assert_int_equal(route_add(lab.routes, &host), 0);
	assert_int_equal(route_add(lab.routes, &wide), 0);
	assert_int_equal(route_add(lab.routes, &narrow), 0);
	assert_int_equal(route_add(lab.routes, &narrow), -EEXIST);
	assert_int_equal(look(SIDE_NETWORK, "2001:db8:100:1::5").session, 3);
	assert_int_equal(look(SIDE_NETWORK, "2001:db8:100:1::6").session, 2);
	assert_int_equal(look(SIDE_NETWORK, "2001:db8:1ff::").session, 1);
	assert_int_equal(look(SIDE_NETWORK, "2001:db8:200::").kind, ROUTE_GATEWAY);
	assert_int_equal(route_delete(lab.routes, &host), 0);
	assert_int_equal(look(SIDE_NETWORK, "2001:db8:100:1::5").session, 2);
	assert_int_equal(route_delete(lab.routes, &narrow), 0);
	assert_int_equal(look(SIDE_NETWORK, "2001:db8:100:1::5").session, 1);
	assert_int_equal(route_delete(lab.routes, &wide), 0);
	assert_int_equal(look(SIDE_NETWORK, "2001:db8:100:1::5").kind, ROUTE_GATEWAY);
	assert_int_equal(route_delete(lab.routes, &wide), -ENOENT);
}

static void test_refusals(void **state)
{
	struct command_route c = to_session("2001:db8:100::/40", 1);

	c.prefix.address.bytes[6] = 1; // host bits
	assert_int_equal(route_add(lab.routes, &c), -EINVAL);
	c.prefix.address.bytes[6] = 0;
	c.prefix.length = 129;
	assert_int_equal(route_add(lab.routes, &c), -EINVAL);
	assert_int_equal(route_delete(lab.routes, &c), -EINVAL);
	c.prefix.length = 40;
	c.kind = 9;
	assert_int_equal(route_add(lab.routes, &c), -EINVAL);
	c.kind = NEXT_HOP_SESSION;
	c.session = LIMIT_SESSIONS;
	assert_int_equal(route_add(lab.routes, &c), -EINVAL);
	c = to_gateway("2001:db8:100::/40", "2001:db8:3::1"); // not on link
	assert_int_equal(route_add(lab.routes, &c), -EINVAL);
	c = to_gateway("2001:db8:100::/40", "fe80::1"); // on which port?
	assert_int_equal(route_add(lab.routes, &c), -EINVAL);
	c = to_gateway("2001:db8:100::/40", "2001:db8:0:1::7"); // the subscriber side
	assert_int_equal(route_add(lab.routes, &c), -EINVAL);
	c = to_gateway("2001:db8:100::/40", LAB_NET6); // ourselves
	assert_int_equal(route_add(lab.routes, &c), -EINVAL);
	c.gateway = address_from_u32(LAB_IP(198, 51, 100, 7));
	assert_int_equal(route_add(lab.routes, &c), -EINVAL);
	// What the config made stays.
	c = to_gateway("::/0", "2001:db8:0:2::7");
	assert_int_equal(route_add(lab.routes, &c), -EEXIST);
	assert_int_equal(route_delete(lab.routes, &c), -ENOENT);
	c = to_session("2001:db8:0:2::/64", 1);
	assert_int_equal(route_delete(lab.routes, &c), -ENOENT);
}

static void test_clear(void **state)
{
	char prefix[ADDRESS_TEXT], host[ADDRESS_TEXT];

	for (uint32_t i = 0; i < 200; i++) {
		struct command_route c, g;

		snprintf(prefix, sizeof(prefix), "2001:db8:10:%x::/64", i);
		c = to_session(prefix, i);
		snprintf(prefix, sizeof(prefix), "2001:db8:2%02x::/48", i);
		snprintf(host, sizeof(host), "2001:db8:0:2::%x", 16 + i % 3);
		g = to_gateway(prefix, host);
		assert_int_equal(route_add(lab.routes, &c), 0);
		assert_int_equal(route_add(lab.routes, &g), 0);
	}
	assert_memory_equal(
		look(SIDE_NETWORK, "2001:db8:207::1").gateway6, v6("2001:db8:0:2::11").bytes, 16);
	assert_int_equal(look(SIDE_NETWORK, "2001:db8:10:c7::1").session, 199);
	routes_clear(lab.routes);
	for (uint32_t i = 0; i < 200; i++) {
		snprintf(host, sizeof(host), "2001:db8:10:%x::1", i);
		assert_int_equal(look(SIDE_NETWORK, host).kind, ROUTE_GATEWAY);
		snprintf(host, sizeof(host), "2001:db8:2%02x::1", i);
		assert_memory_equal(
			look(SIDE_NETWORK, host).gateway6, v6(LAB_NET6_ROUTER).bytes, 16);
	}
	assert_int_equal(look(SIDE_NETWORK, LAB_NET6).kind, ROUTE_LOCAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_sides, clear),
		cmocka_unit_test_teardown(test_longest_prefix, clear),
		cmocka_unit_test_teardown(test_refusals, clear),
		cmocka_unit_test_teardown(test_clear, clear),
	};

	return cmocka_run_group_tests(tests, lab_start, lab_stop);
}

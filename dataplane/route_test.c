// SPDX-License-Identifier: Apache-2.0

#include "dataplane/test_lab.h"

#include "dataplane/command.h"

#include <errno.h>
#include <rte_byteorder.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct route_hop look(enum port_side side, uint32_t to)
{
	struct route_hop hop;

	routes_lookup(lab.routes, side, &to, &hop, 1);
	return hop;
}

static struct command_route to_session(uint32_t address, uint8_t length, uint32_t session)
{
	struct command_route c = {.kind = NEXT_HOP_SESSION, .session = session};

	c.prefix.address = address_from_u32(address);
	c.prefix.length = length;
	return c;
}

static struct command_route to_gateway(uint32_t address, uint8_t length, uint32_t gateway)
{
	struct command_route c = {.kind = NEXT_HOP_GATEWAY, .gateway = address_from_u32(gateway)};

	c.prefix.address = address_from_u32(address);
	c.prefix.length = length;
	return c;
}

static int clear(void **state)
{
	routes_clear(lab.routes);
	return 0;
}

static void test_sides(void **state)
{
	struct route_hop hop = look(SIDE_SUBSCRIBER, LAB_IP(203, 0, 113, 1));

	assert_int_equal(hop.kind, ROUTE_GATEWAY);
	assert_int_equal(hop.port, LAB_SUB);
	assert_int_equal(hop.gateway, rte_cpu_to_be_32(LAB_IP(192, 0, 2, 254)));
	hop = look(SIDE_NETWORK, LAB_IP(203, 0, 113, 1));
	assert_int_equal(hop.port, LAB_NET);
	assert_int_equal(hop.gateway, rte_cpu_to_be_32(LAB_IP(198, 51, 100, 254)));
	hop = look(SIDE_SUBSCRIBER, LAB_IP(192, 0, 2, 7));
	assert_int_equal(hop.kind, ROUTE_CONNECTED);
	assert_int_equal(hop.port, LAB_SUB);
	assert_int_equal(look(SIDE_SUBSCRIBER, LAB_IP(192, 0, 2, 1)).kind, ROUTE_LOCAL);
	assert_int_equal(look(SIDE_NETWORK, LAB_IP(192, 0, 2, 1)).kind, ROUTE_GATEWAY);
	assert_int_equal(look(SIDE_NETWORK, LAB_IP(100, 64, 0, 1)).kind, ROUTE_LOCAL);
}

static void test_longest_prefix(void **state)
{
	struct command_route wide = to_session(LAB_IP(10, 0, 0, 0), 8, 1);
	struct command_route narrow = to_session(LAB_IP(10, 1, 2, 0), 24, 2);
	struct command_route host = to_session(LAB_IP(10, 1, 2, 3), 32, 3);

	assert_int_equal(route_add(lab.routes, &host), 0);
	assert_int_equal(route_add(lab.routes, &wide), 0);
	assert_int_equal(route_add(lab.routes, &narrow), 0);
	assert_int_equal(route_add(lab.routes, &narrow), -EEXIST);
	assert_int_equal(look(SIDE_NETWORK, LAB_IP(10, 1, 2, 3)).session, 3);
	assert_int_equal(look(SIDE_NETWORK, LAB_IP(10, 1, 2, 4)).session, 2);
	assert_int_equal(look(SIDE_NETWORK, LAB_IP(10, 9, 2, 4)).session, 1);
	assert_int_equal(route_delete(lab.routes, &host), 0);
	assert_int_equal(look(SIDE_NETWORK, LAB_IP(10, 1, 2, 3)).session, 2);
	assert_int_equal(route_delete(lab.routes, &narrow), 0);
	assert_int_equal(look(SIDE_NETWORK, LAB_IP(10, 1, 2, 3)).session, 1);
	assert_int_equal(route_delete(lab.routes, &wide), 0);
	assert_int_equal(look(SIDE_NETWORK, LAB_IP(10, 1, 2, 3)).kind, ROUTE_GATEWAY);
	assert_int_equal(route_delete(lab.routes, &wide), -ENOENT);
}

static void test_refusals(void **state)
{
	struct command_route c = to_session(LAB_IP(10, 1, 2, 3), 24, 1); // host bits

	assert_int_equal(route_add(lab.routes, &c), -EINVAL);
	c.prefix.length = 33;
	assert_int_equal(route_add(lab.routes, &c), -EINVAL);
	c.prefix.length = 32;
	c.kind = 9;
	assert_int_equal(route_add(lab.routes, &c), -EINVAL);
	c.kind = NEXT_HOP_SESSION;
	c.session = LIMIT_SESSIONS;
	assert_int_equal(route_add(lab.routes, &c), -EINVAL);
	c.prefix.address.version = IP_V6;
	assert_int_equal(route_add(lab.routes, &c), -EINVAL);
	c = to_gateway(LAB_IP(10, 0, 0, 0), 8, LAB_IP(203, 0, 113, 1)); // not on link
	assert_int_equal(route_add(lab.routes, &c), -EINVAL);
	c = to_gateway(LAB_IP(10, 0, 0, 0), 8, LAB_IP(192, 0, 2, 7)); // the subscriber side
	assert_int_equal(route_add(lab.routes, &c), -EINVAL);
	c = to_gateway(LAB_IP(10, 0, 0, 0), 8, LAB_IP(198, 51, 100, 1)); // ourselves
	assert_int_equal(route_add(lab.routes, &c), -EINVAL);
	// What the config made stays.
	c = to_gateway(0, 0, LAB_IP(198, 51, 100, 7));
	assert_int_equal(route_add(lab.routes, &c), -EEXIST);
	assert_int_equal(route_delete(lab.routes, &c), -ENOENT);
	c = to_session(LAB_IP(198, 51, 100, 0), 24, 1);
	assert_int_equal(route_delete(lab.routes, &c), -ENOENT);
}

static void test_clear(void **state)
{
	for (uint32_t i = 0; i < 200; i++) {
		struct command_route c = to_session(LAB_IP(10, 0, i, 0) + i, 32, i);
		struct command_route g =
			to_gateway(LAB_IP(20, i, 0, 0), 16, LAB_IP(198, 51, 100, 10 + i % 3));

		assert_int_equal(route_add(lab.routes, &c), 0);
		assert_int_equal(route_add(lab.routes, &g), 0);
	}
	assert_int_equal(look(SIDE_NETWORK, LAB_IP(20, 7, 1, 1)).gateway,
		rte_cpu_to_be_32(LAB_IP(198, 51, 100, 11)));
	routes_clear(lab.routes);
	for (uint32_t i = 0; i < 200; i++) {
		assert_int_equal(look(SIDE_NETWORK, LAB_IP(10, 0, i, 0) + i).kind, ROUTE_GATEWAY);
		assert_int_equal(look(SIDE_NETWORK, LAB_IP(20, i, 1, 1)).gateway,
			rte_cpu_to_be_32(LAB_IP(198, 51, 100, 254)));
	}
	assert_int_equal(look(SIDE_NETWORK, LAB_IP(100, 64, 0, 1)).kind, ROUTE_LOCAL);
}

// Thousands that come and go leave no second-level group or gateway behind.
static void test_churn(void **state)
{
	for (uint32_t i = 0; i < 20000; i++) {
		struct command_route c = to_session(LAB_IP(30, 0, 0, 0) + i * 4099, 32, 1);
		struct command_route g = to_gateway(
			LAB_IP(60, 0, 0, 0) + i * 256, 24, LAB_IP(198, 51, 100, 2 + i % 250));

		assert_int_equal(route_add(lab.routes, &c), 0);
		assert_int_equal(route_add(lab.routes, &g), 0);
		assert_int_equal(route_delete(lab.routes, &c), 0);
		assert_int_equal(route_delete(lab.routes, &g), 0);
	}
}

// Each in a second-level group of its own, until there is none: what is refused is not half there,
// and what was there is as it was.
static void test_full_table(void **state)
{
	uint32_t i = 0, all;
	struct command_route c;
	int error;

	do {
		c = to_session(LAB_IP(30, 0, 0, 7) + i * 256, 32, i % 200);
		error = route_add(lab.routes, &c);
		i++;
	} while (error == 0 && i < 100000);
	assert_int_equal(error, -ENOSPC);
	assert_int_equal(route_add(lab.routes, &c), -ENOSPC);
	assert_int_equal(route_delete(lab.routes, &c), -ENOENT);
	all = i - 1;
	assert_int_equal(look(SIDE_NETWORK, LAB_IP(30, 0, 0, 7) + all * 256).kind, ROUTE_GATEWAY);
	for (i = 0; i < all; i++) {
		struct route_hop hop = look(SIDE_NETWORK, LAB_IP(30, 0, 0, 7) + i * 256);

		assert_int_equal(hop.kind, ROUTE_SESSION);
		assert_int_equal(hop.session, i % 200);
	}
	c = to_session(LAB_IP(30, 0, 0, 7), 32, 0);
	assert_int_equal(route_delete(lab.routes, &c), 0);
	c = to_session(LAB_IP(30, 0, 0, 7) + all * 256, 32, 5);
	assert_int_equal(route_add(lab.routes, &c), 0);
	routes_clear(lab.routes);
	assert_int_equal(look(SIDE_NETWORK, LAB_IP(30, 0, 1, 7)).kind, ROUTE_GATEWAY);
}

static int apply(uint32_t type, const void *body, uint32_t size)
{
	struct message m = {.type = type, .size = size};
	uint32_t value;

	memcpy(m.body, body, size);
	return command_apply(&lab.clerk, &m, &value);
}

static void test_commands(void **state)
{
	struct command_route r = to_session(LAB_IP(10, 1, 1, 1), 32, 3);
	struct command_tunnel_add t = {.tunnel = 9,
		.peer_tunnel = 8,
		.local_port = 1701,
		.remote_port = 1701,
		.local = address_from_u32(LAB_IP(192, 0, 2, 1)),
		.remote = address_from_u32(LAB_IP(192, 0, 2, 10))};
	struct command_session_add s = {
		.session = 3, .tunnel = 9, .session_id = 5, .peer_session = 6};
	struct command_reset reset = {0};

	assert_int_equal(apply(0, &r, sizeof(r)), -ENOSYS);
	assert_int_equal(apply(COMMAND_IKE_ADMIT + 1, &r, sizeof(r)), -ENOSYS);
	assert_int_equal(apply(0xffffffff, &r, sizeof(r)), -ENOSYS);
	assert_int_equal(apply(COMMAND_ROUTE_ADD, &r, sizeof(r) - 1), -EMSGSIZE);
	assert_int_equal(apply(COMMAND_ROUTE_ADD, &r, sizeof(r)), -ENOENT);
	assert_int_equal(apply(COMMAND_SESSION_ADD, &s, sizeof(s)), -ENOENT);
	assert_int_equal(apply(COMMAND_TUNNEL_ADD, &t, sizeof(t)), 0);
	assert_int_equal(apply(COMMAND_SESSION_ADD, &s, sizeof(s)), 0);
	assert_int_equal(apply(COMMAND_ROUTE_ADD, &r, sizeof(r)), 0);
	assert_int_equal(apply(COMMAND_ROUTE_ADD, &r, sizeof(r)), -EEXIST);
	assert_int_equal(apply(COMMAND_RESET, &reset, sizeof(reset)), 0);
	assert_int_equal(look(SIDE_NETWORK, LAB_IP(10, 1, 1, 1)).kind, ROUTE_GATEWAY);
	assert_int_equal(apply(COMMAND_SESSION_ADD, &s, sizeof(s)), -ENOENT);
	assert_int_equal(apply(COMMAND_ROUTE_ADD, &r, sizeof(r)), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_sides, clear),
		cmocka_unit_test_teardown(test_longest_prefix, clear),
		cmocka_unit_test_teardown(test_refusals, clear),
		cmocka_unit_test_teardown(test_clear, clear),
		cmocka_unit_test_teardown(test_churn, clear),
		cmocka_unit_test_teardown(test_full_table, clear),
		cmocka_unit_test_teardown(test_commands, clear),
	};

	return cmocka_run_group_tests(tests, lab_start, lab_stop);
}

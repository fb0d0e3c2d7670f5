// SPDX-License-Identifier: Apache-2.0

// The IPv6 half of the routing tables, by hand and against a plain list of the routes.

#include "dataplane/test_lab.h"

#include <errno.h>
#include <pthread.h>
#include <rte_rcu_qsbr.h>
#include <sched.h>
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

// ---- against a list

enum { LISTED = 400 };

struct listed {
	struct ip_prefix prefix;
	uint32_t session;
	bool there;
};

static bool take_or_give(struct listed *l)
{
	struct command_route c = {
		.kind = NEXT_HOP_SESSION, .session = l->session, .prefix = l->prefix};
	int error = l->there ? route_delete(lab.routes, &c) : route_add(lab.routes, &c);

	if (error == 0)
		l->there = !l->there;
	return error == 0;
}

// Prefixes that lie in each other as often as not.
static void random_prefix(struct ip_prefix *p)
{
	static const uint8_t lengths[] = {20, 24, 25, 32, 40, 47, 48, 56, 60, 64, 65, 96, 127, 128};
	struct ip_address a = v6("2001:db8::");

	*p = (struct ip_prefix){.address = a, .length = lengths[rand() % (int)sizeof(lengths)]};
	for (int i = 3; i < 16; i++)
		p->address.bytes[i] = (uint8_t)(rand() % 2 ? 0 : rand() % 3 << rand() % 7);
	for (int bit = p->length; bit < 128; bit++)
		p->address.bytes[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
}

static const struct listed *list_find(const struct listed *l, const struct ip_address *a)
{
	const struct listed *best = NULL;

	for (int i = 0; i < LISTED; i++)
		if (l[i].there && prefix_contains(&l[i].prefix, a) &&
			(!best || l[i].prefix.length > best->prefix.length))
			best = &l[i];
	return best;
}

static void compare(const struct listed *l)
{
	struct ip_address a = l[rand() % LISTED].prefix.address;
	const struct listed *best;
	struct route_hop hop;

	a.bytes[rand() % 16] ^= (uint8_t)(rand() % 4 ? 0 : 1 << rand() % 8);
	routes_lookup6(lab.routes, SIDE_NETWORK, (const uint8_t(*)[16])a.bytes, &hop, 1);
	best = list_find(l, &a);
	if (!best) {
		assert_int_equal(hop.kind, ROUTE_GATEWAY);
	} else {
		assert_int_equal(hop.kind, ROUTE_SESSION);
		assert_int_equal(hop.session, best->session);
	}
}

static void test_against_a_list(void **state)
{
	struct listed *l = calloc(LISTED, sizeof(*l));
	unsigned changed = 0;

	srand(6);
	for (uint32_t i = 0; i < LISTED; i++) {
		random_prefix(&l[i].prefix);
		l[i].session = i;
	}
	for (int round = 0; round < 20000; round++) {
		changed += take_or_give(&l[rand() % LISTED]);
		compare(l);
	}
	assert_true(changed > 10000);
	free(l);
}

// Thousands that come and go leave no second-level group or gateway behind.
static void test_churn(void **state)
{
	char prefix[ADDRESS_TEXT], gateway[ADDRESS_TEXT];

	for (uint32_t i = 0; i < 5000; i++) {
		struct command_route c, g;

		snprintf(prefix, sizeof(prefix), "2001:%x:1:2:3:4:5:6/128", i);
		c = to_session(prefix, 1);
		snprintf(prefix, sizeof(prefix), "2002:%x:1:2::/64", i);
		snprintf(gateway, sizeof(gateway), "2001:db8:0:2::%x", 16 + i % 2000);
		g = to_gateway(prefix, gateway);
		assert_int_equal(route_add(lab.routes, &c), 0);
		assert_int_equal(route_add(lab.routes, &g), 0);
		assert_int_equal(route_delete(lab.routes, &c), 0);
		assert_int_equal(route_delete(lab.routes, &g), 0);
	}
}

// Each in groups of its own, until there are none: what is refused is not half there, and what was
// there is as it was.
static void test_full_table(void **state)
{
	char text[ADDRESS_TEXT];
	struct command_route c;
	uint32_t i = 0, all;
	int error;

	do {
		snprintf(text, sizeof(text), "2001:%x:1:2::/64", i);
		c = to_session(text, i % 200);
		error = route_add(lab.routes, &c);
		i++;
	} while (error == 0 && i < 60000);
	assert_true(error < 0);
	assert_true(route_add(lab.routes, &c) < 0);
	assert_int_equal(route_delete(lab.routes, &c), -ENOENT);
	all = i - 1;
	snprintf(text, sizeof(text), "2001:%x:1:2::1", all);
	assert_int_equal(look(SIDE_NETWORK, text).kind, ROUTE_GATEWAY);
	for (i = 0; i < all; i++) {
		snprintf(text, sizeof(text), "2001:%x:1:2::1", i);
		assert_int_equal(look(SIDE_NETWORK, text).kind, ROUTE_SESSION);
		assert_int_equal(look(SIDE_NETWORK, text).session, i % 200);
	}
	c = to_session("2001:0:1:2::/64", 0);
	assert_int_equal(route_delete(lab.routes, &c), 0);
	snprintf(text, sizeof(text), "2001:%x:1:2::/64", all);
	c = to_session(text, 5);
	assert_int_equal(route_add(lab.routes, &c), 0);
	routes_clear(lab.routes);
	assert_int_equal(look(SIDE_NETWORK, "2001:1:1:2::1").kind, ROUTE_GATEWAY);
}

// ---- a worker that looks while the clerk writes

struct reader {
	bool stop;    // atomic
	bool ready;   // atomic
	unsigned odd; // answers that no state of the table gives
};

static void *read_on(void *context)
{
	struct ip_address a[3] = {
		v6("2001:db8:30:1::1"), v6("2001:db8:30:2::1"), v6("2001:db8:31::1")};
	struct reader *r = context;
	struct route_hop hops[3];
	uint8_t to[3][16];

	for (int i = 0; i < 3; i++)
		memcpy(to[i], a[i].bytes, sizeof(to[i]));
	rte_rcu_qsbr_thread_online(lab.qsbr, 0);
	while (!__atomic_load_n(&r->stop, __ATOMIC_ACQUIRE)) {
		routes_lookup6(lab.routes, SIDE_NETWORK, (const uint8_t(*)[16])to, hops, 3);
		// One that stays, one that comes and goes inside one that stays, one that is by it.
		r->odd += hops[0].kind != ROUTE_SESSION || hops[0].session != 1;
		r->odd += hops[1].kind != ROUTE_SESSION ||
			  (hops[1].session != 2 && hops[1].session != 3);
		r->odd += hops[2].kind != ROUTE_GATEWAY ||
			  memcmp(hops[2].gateway6, v6(LAB_NET6_ROUTER).bytes, 16) != 0;
		rte_rcu_qsbr_quiescent(lab.qsbr, 0);
		__atomic_store_n(&r->ready, true, __ATOMIC_RELEASE);
	}
	rte_rcu_qsbr_thread_offline(lab.qsbr, 0);
	return NULL;
}

static void churn_beside(uint32_t i)
{
	struct command_route inside = to_session("2001:db8:30:2::/64", 3), beside;
	char prefix[ADDRESS_TEXT];

	snprintf(prefix, sizeof(prefix), "2001:db8:%x:%x::/64", 0x32 + i % 5, i);
	beside = to_session(prefix, 4);
	assert_int_equal(route_add(lab.routes, &inside), 0);
	assert_int_equal(route_add(lab.routes, &beside), 0);
	assert_int_equal(route_delete(lab.routes, &inside), 0);
	assert_int_equal(route_delete(lab.routes, &beside), 0);
}

static void test_reads_while_it_changes(void **state)
{
	struct command_route wide = to_session("2001:db8:30::/48", 2);
	struct command_route stays = to_session("2001:db8:30:1::/64", 1);
	struct reader reader = {0};
	pthread_t thread;

	assert_int_equal(route_add(lab.routes, &wide), 0);
	assert_int_equal(route_add(lab.routes, &stays), 0);
	assert_int_equal(pthread_create(&thread, NULL, read_on, &reader), 0);
	while (!__atomic_load_n(&reader.ready, __ATOMIC_ACQUIRE))
		sched_yield();
	for (uint32_t i = 0; i < 150; i++)
		churn_beside(i);
	__atomic_store_n(&reader.stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	assert_int_equal(reader.odd, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_sides, clear),
		cmocka_unit_test_teardown(test_longest_prefix, clear),
		cmocka_unit_test_teardown(test_refusals, clear),
		cmocka_unit_test_teardown(test_clear, clear),
		cmocka_unit_test_teardown(test_against_a_list, clear),
		cmocka_unit_test_teardown(test_churn, clear),
		cmocka_unit_test_teardown(test_full_table, clear),
		cmocka_unit_test_teardown(test_reads_while_it_changes, clear),
	};

	return cmocka_run_group_tests(tests, lab_start, lab_stop);
}

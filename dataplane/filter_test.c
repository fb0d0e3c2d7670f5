// SPDX-License-Identifier: Apache-2.0

// Compiled filters against a list that is walked rule by rule: thousands of random packets through
// random rules of both versions, drawn from few values so that rules overlap and match.

#include "dataplane/filter.h"
#include "dataplane/test_support.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

// ---- the reference

static bool rule_has_ports(const struct filter_rule *r)
{
	return r->from_port[0] || r->to_port[0] || r->from_port[1] != 65535 ||
	       r->to_port[1] != 65535;
}

static bool in_prefix(const struct ip_prefix *p, uint8_t version, const uint8_t *bytes)
{
	struct ip_address a = version == 4 ? address_v4(bytes) : address_v6(bytes);

	return p->address.version == IP_NONE || prefix_contains(p, &a);
}

static bool matches(const struct filter_rule *r, const struct flow *f)
{
	if (!in_prefix(&r->from, f->version, f->from) || !in_prefix(&r->to, f->version, f->to))
		return false;
	if (r->protocol != FILTER_ANY_PROTOCOL && r->protocol != f->protocol)
		return false;
	if (!rule_has_ports(r))
		return true;
	return f->has_ports && f->from_port >= r->from_port[0] && f->from_port <= r->from_port[1] &&
	       f->to_port >= r->to_port[0] && f->to_port <= r->to_port[1];
}

static bool denied_by_list(
	const struct filter_rule *rules, uint16_t count, uint8_t otherwise, const struct flow *f)
{
	for (uint16_t i = 0; i < count; i++)
		if (matches(&rules[i], f))
			return rules[i].action == FILTER_DENY;
	return otherwise == FILTER_DENY;
}

// ---- random rules and flows

static uint16_t random_port(void)
{
	static const uint16_t ports[] = {0, 1, 22, 53, 255, 256, 443, 1024, 32768, 65534, 65535};

	return random() % 4 ? ports[(size_t)random() % (sizeof(ports) / sizeof(ports[0]))]
			    : (uint16_t)random();
}

static uint8_t random_protocol(void)
{
	static const uint8_t protocols[] = {
		IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP, IPPROTO_ICMP, IPPROTO_ICMPV6, 0, 255};

	return protocols[(size_t)random() % sizeof(protocols)];
}

// Few different ones: all bytes but some are the same.
static void random_address(uint8_t *bytes, int length)
{
	memset(bytes, 0, 16);
	bytes[0] = length == 4 ? 10 : 0x20;
	for (int i = 0; i < 3; i++)
		bytes[random() % length] = (uint8_t)(random() % 3 * 0x7f);
}

static void random_prefix(struct ip_prefix *p, int version)
{
	int bytes = version == 4 ? 4 : 16;
	int length = (int)(random() % (8 * bytes + 1));

	memset(p, 0, sizeof(*p));
	if (random() % 4 == 0)
		return;
	p->address.version = (uint8_t)version;
	random_address(p->address.bytes, bytes);
	p->length = (uint8_t)(random() % 3 ? length : 8 * bytes);
	for (int i = p->length; i < 8 * bytes; i++)
		p->address.bytes[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
}

static void random_ports(uint16_t ports[2])
{
	uint16_t a = random_port(), b = random() % 2 ? random_port() : a;

	ports[0] = 0;
	ports[1] = 65535;
	if (random() % 2)
		return;
	ports[0] = a < b ? a : b;
	ports[1] = a < b ? b : a;
}

static void random_rule(struct filter_rule *r)
{
	int version = random() % 2 ? 4 : 6;

	memset(r, 0, sizeof(*r));
	random_prefix(&r->from, version);
	random_prefix(&r->to, version);
	random_ports(r->from_port);
	random_ports(r->to_port);
	r->protocol = random() % 3 ? random_protocol() : FILTER_ANY_PROTOCOL;
	r->action = random() & 1;
	assert_true(filter_rule_valid(r));
}

static void random_flow(struct flow *f)
{
	memset(f, 0, sizeof(*f));
	f->version = random() % 2 ? 4 : 6;
	f->protocol = random_protocol();
	random_address(f->from, f->version == 4 ? 4 : 16);
	random_address(f->to, f->version == 4 ? 4 : 16);
	if (f->protocol == IPPROTO_TCP || f->protocol == IPPROTO_UDP || f->protocol == IPPROTO_SCTP)
		f->has_ports = random() % 4 != 0;
	if (f->has_ports)
		f->from_port = random_port();
	if (f->has_ports || f->protocol == IPPROTO_ICMP)
		f->to_port = random_port(); // of an ICMP message: its type
}

// Flows that a rule matches, by its corners.
static void flow_of_rule(struct flow *f, const struct filter_rule *r)
{
	if (r->from.address.version == f->version)
		memcpy(f->from, r->from.address.bytes, 16);
	if (r->to.address.version == f->version)
		memcpy(f->to, r->to.address.bytes, 16);
	if (r->protocol != FILTER_ANY_PROTOCOL)
		f->protocol = (uint8_t)r->protocol;
	if (f->has_ports) {
		f->from_port = r->from_port[random() & 1];
		f->to_port = r->to_port[random() & 1];
	}
}

static void compare(
	const struct filter *f, const struct filter_rule *rules, uint16_t count, uint8_t otherwise)
{
	struct flow flows[FILTER_BATCH];
	const struct flow *at[FILTER_BATCH];
	uint16_t n = (uint16_t)(1 + random() % FILTER_BATCH);
	uint32_t got;

	for (uint16_t i = 0; i < n; i++) {
		at[i] = &flows[i];
		random_flow(&flows[i]);
		if (count && random() % 2)
			flow_of_rule(&flows[i], &rules[random() % count]);
	}
	got = filter_denied(f, at, n);
	for (uint16_t i = 0; i < n; i++)
		assert_int_equal(got >> i & 1, denied_by_list(rules, count, otherwise, &flows[i]));
	assert_true(n == 32 || got >> n == 0);
}

static void test_first_match(void **state)
{
	static struct filter_rule rules[200];

	srandom(1);
	for (int round = 0; round < 300; round++) {
		uint16_t count = (uint16_t)(random() % (round % 10 ? 20 : 200));
		uint8_t otherwise = random() & 1;
		struct filter *f;

		for (uint16_t i = 0; i < count; i++)
			random_rule(&rules[i]);
		assert_int_equal(filter_compile(rules, count, otherwise, &f), 0);
		for (int i = 0; i < 20; i++)
			compare(f, rules, count, otherwise);
		filter_free(f);
	}
}

// The most rules there can be, as an operator would write them: a port of a host each, and no two
// alike. Compiled at once, and still right.
static void test_many_rules(void **state)
{
	static struct filter_rule rules[LIMIT_FILTER_RULES];
	struct filter *f;
	clock_t start;

	srandom(2);
	for (uint16_t i = 0; i < LIMIT_FILTER_RULES; i++) {
		uint8_t to[4] = {10, 0, (uint8_t)(i >> 8), (uint8_t)i};

		rules[i] = (struct filter_rule){.to = {.address = address_v4(to), .length = 32},
			.from_port = {0, 65535},
			.to_port = {(uint16_t)(1000 + i % 7), (uint16_t)(1000 + i % 7)},
			.protocol = IPPROTO_TCP,
			.action = i & 1};
	}
	start = clock();
	assert_int_equal(filter_compile(rules, LIMIT_FILTER_RULES, FILTER_DENY, &f), 0);
	assert_true(clock() - start < 5 * CLOCKS_PER_SEC);
	for (int i = 0; i < 100; i++)
		compare(f, rules, LIMIT_FILTER_RULES, FILTER_DENY);
	filter_free(f);
}

static void test_only_one_version(void **state)
{
	struct filter_rule rule = {.from = {.address = {.version = IP_V6}},
		.from_port = {0, 65535},
		.to_port = {0, 65535},
		.protocol = FILTER_ANY_PROTOCOL,
		.action = FILTER_DENY};
	const struct flow four = {.version = 4}, six = {.version = 6};
	const struct flow *flows[] = {&four, &six};
	struct filter *f;

	assert_int_equal(filter_compile(&rule, 1, FILTER_PERMIT, &f), 0);
	assert_int_equal(filter_denied(f, flows, 2), 2);
	filter_free(f);
	assert_int_equal(filter_compile(NULL, 0, FILTER_DENY, &f), 0);
	assert_int_equal(filter_denied(f, flows, 2), 3);
	filter_free(f);
}

static void test_rules_that_are_none(void **state)
{
	const struct filter_rule good = {.from = {.address = {.version = IP_V4, .bytes = {10}}, 8},
		.from_port = {0, 65535},
		.to_port = {5, 5},
		.protocol = 6,
		.action = 1};
	struct filter_rule r = good;

	assert_true(filter_rule_valid(&r));
	r.to.address.version = IP_V6;
	assert_false(filter_rule_valid(&r));
	r = good;
	r.from.address.bytes[3] = 1;
	assert_false(filter_rule_valid(&r));
	r = good;
	r.from.length = 33;
	assert_false(filter_rule_valid(&r));
	r = good;
	r.from.address.version = 5;
	assert_false(filter_rule_valid(&r));
	r = good;
	r.to_port[1] = 4;
	assert_false(filter_rule_valid(&r));
	r = good;
	r.protocol = 257;
	assert_false(filter_rule_valid(&r));
	r = good;
	r.action = 2;
	assert_false(filter_rule_valid(&r));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_match),
		cmocka_unit_test(test_many_rules),
		cmocka_unit_test(test_only_one_version),
		cmocka_unit_test(test_rules_that_are_none),
	};

	return cmocka_run_group_tests(tests, test_start, test_stop);
}

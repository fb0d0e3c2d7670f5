// SPDX-License-Identifier: Apache-2.0

// Groups from frame to frame: what filters deny, what policers drop and who may not reach whom, by
// name and by counter; and the commands that set all that, whole or not at all.

#include "dataplane/test_tunnel.h"

#include "dataplane/command.h"
#include "dataplane/filter.h"
#include "dataplane/group.h"
#include "dataplane/session.h"

#include <errno.h>
#include <netinet/in.h>
#include <rte_ether.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { GROUP = 3, OPEN_GROUP = 4, FILTER = 7 };

static int start(void **state)
{
	if (lab_start(state) < 0 ||
		tunnel_pair(ESP_CIPHER_AES_CBC_128, ESP_INTEGRITY_HMAC_SHA1_96, ESP_PLAIN) ||
		tunnel_sessions() || tunnel_routes())
		return -1;
	lab_neighbour(LAB_SUB, 9, CLIENT);
	lab_neighbour(LAB_NET, 9, HOST);
	return 0;
}

// ---- commands

static int command(uint32_t type, const void *body)
{
	struct message m = {.type = type, .size = command_size(type)};
	uint32_t value;

	memcpy(m.body, body, m.size);
	return command_apply(&lab.clerk, &m, &value);
}

static struct command_session_set session_of(uint32_t session, uint32_t inner, uint16_t group)
{
	return (struct command_session_set){.session = session,
		.flags = SESSION_IP4_OPEN | SESSION_LCP_OPEN,
		.peer_mru = 1400,
		.group = group,
		.ip4 = address_from_u32(inner)};
}

static void put_in(uint32_t session, uint16_t group)
{
	struct command_session_set c =
		session_of(session, session == SESSION ? INNER : OTHER, group);

	assert_int_equal(command(COMMAND_SESSION_SET, &c), 0);
}

static int set_group(uint16_t group, uint16_t up, uint16_t down, uint16_t flags)
{
	return command(COMMAND_GROUP_SET, &(struct command_group_set){group, up, down, flags});
}

static struct filter_rule rule_to(uint32_t to, uint16_t protocol, uint16_t port, uint8_t action)
{
	struct filter_rule r = {.from_port = {0, 65535},
		.to_port = {port, port ? port : 65535},
		.protocol = protocol,
		.action = action};

	if (to)
		r.to = (struct ip_prefix){.address = address_from_u32(to), .length = 32};
	return r;
}

static int begin(uint16_t filter, uint8_t otherwise)
{
	return command(COMMAND_FILTER_BEGIN,
		&(struct command_filter_begin){.filter = filter, .otherwise = otherwise});
}

static int rules(uint16_t filter, const struct filter_rule *rule, uint16_t count)
{
	struct command_filter_rules c = {.filter = filter, .count = count};

	memcpy(c.rules, rule,
		sizeof(*rule) * (count < FILTER_RULES_MESSAGE ? count : FILTER_RULES_MESSAGE));
	return command(COMMAND_FILTER_RULES, &c);
}

static int commit(uint16_t filter)
{
	return command(COMMAND_FILTER_COMMIT, &(struct command_filter){.filter = filter});
}

static int delete (uint16_t filter)
{
	return command(COMMAND_FILTER_DELETE, &(struct command_filter){.filter = filter});
}

static void put_filter(uint16_t filter, uint8_t otherwise, struct filter_rule rule)
{
	assert_int_equal(begin(filter, otherwise), 0);
	assert_int_equal(rules(filter, &rule, 1), 0);
	assert_int_equal(commit(filter), 0);
}

// Both sessions without a group again, no filter left.
static int check(void **state)
{
	lab_forget();
	put_in(SESSION, 0);
	put_in(SESSION_CLEAR, 0);
	groups_clear(lab.tables);
	reclaim_wait(lab.tables);
	lab_expire();
	return lab_balanced() && lab_packets_out() == 0 ? 0 : -1;
}

// ---- packets

// The clear client's UDP; returns whether the network side sent it.
static bool uplink_udp(uint32_t to, uint16_t port, uint16_t fragment)
{
	uint8_t data[LAB_FRAME], frame[LAB_FRAME];
	struct build b = build_in(data, sizeof(data));

	lab_udp(&b, PORT_L2TP, PORT_L2TP, 6 + 4 + 20 + 8 + 100);
	build_u16(&b, 0x0002);
	build_u16(&b, TUNNEL_CLEAR);
	build_u16(&b, SESSION_CLEAR + SESSION_ID);
	build_u32(&b, 0xff030021);
	lab_ip4(&b, IPPROTO_UDP, OTHER, to, 108, 64, fragment);
	lab_udp(&b, 5000, port, 100);
	build_zero(&b, 100);
	b = build_in(frame, sizeof(frame));
	lab_ether(&b, LAB_SUB, 9, RTE_ETHER_TYPE_IPV4);
	lab_ip4(&b, IPPROTO_UDP, CLIENT, US_SUB, 8 + 10 + 20 + 108, 64, 0);
	build_bytes(&b, data, 8 + 10 + 20 + 108);
	lab_receive(LAB_SUB, (uint16_t)(rand() & 1), frame, build_length(&b));
	lab_run();
	return lab_sent(to == HOST ? LAB_NET : LAB_SUB, frame) != 0;
}

static bool downlink_udp_to(uint32_t to, uint16_t port)
{
	uint8_t frame[LAB_FRAME], data[100] = {0};
	size_t n = lab_udp_frame(frame, LAB_NET, HOST, to, 5000, port, data, sizeof(data));

	lab_receive(LAB_NET, (uint16_t)(rand() & 1), frame, n);
	lab_run();
	return lab_sent(LAB_SUB, frame) != 0;
}

static struct stats_group sum_of(uint16_t group)
{
	struct stats_group sum = {0};

	for (uint16_t i = 0; i < lab.workers; i++) {
		const struct stats_group *g = &lab.worker[i].group_stats[group];

		sum.uplink.packets += g->uplink.packets;
		sum.uplink.bytes += g->uplink.bytes;
		sum.uplink.filtered += g->uplink.filtered;
		sum.uplink.policed += g->uplink.policed;
		sum.downlink.packets += g->downlink.packets;
		sum.downlink.bytes += g->downlink.bytes;
		sum.downlink.filtered += g->downlink.filtered;
		sum.downlink.policed += g->downlink.policed;
	}
	return sum;
}

// ---- tests

static void test_filter_uplink(void **state)
{
	struct stats_session before = lab.stats.session[SESSION_CLEAR];
	struct stats_group group = sum_of(GROUP);

	put_filter(FILTER, FILTER_PERMIT, rule_to(0, IPPROTO_UDP, 53, FILTER_DENY));
	assert_int_equal(set_group(GROUP, FILTER, 0, 0), 0);
	assert_true(uplink_udp(HOST, 53, 0)); // not yet in the group
	put_in(SESSION_CLEAR, GROUP);
	assert_false(uplink_udp(HOST, 53, 0));
	assert_true(uplink_udp(HOST, 54, 0));
	assert_true(uplink_udp(HOST, 53, 0x0001)); // a fragment has no port
	assert_true(downlink_udp_to(OTHER, 53));
	assert_int_equal(lab_drops(DROP_FILTER_UPLINK), 1);
	assert_int_equal(
		lab.stats.session[SESSION_CLEAR].uplink.packets, before.uplink.packets + 3);
	assert_int_equal(lab.stats.session[SESSION_CLEAR].uplink.drops, before.uplink.drops + 1);
	assert_int_equal(sum_of(GROUP).uplink.packets, group.uplink.packets + 2);
	assert_int_equal(sum_of(GROUP).uplink.bytes, group.uplink.bytes + 2 * 128);
	assert_int_equal(sum_of(GROUP).uplink.filtered, group.uplink.filtered + 1);
	assert_int_equal(sum_of(0).uplink.packets, 0);
}

static void test_filter_downlink(void **state)
{
	struct stats_group group = sum_of(GROUP);

	put_filter(FILTER, FILTER_DENY, rule_to(OTHER, IPPROTO_UDP, 80, FILTER_PERMIT));
	assert_int_equal(set_group(GROUP, 0, FILTER, 0), 0);
	put_in(SESSION_CLEAR, GROUP);
	put_in(SESSION, GROUP);
	assert_true(downlink_udp_to(OTHER, 80));
	assert_false(downlink_udp_to(OTHER, 81));
	assert_false(downlink_udp_to(INNER, 80));
	assert_true(uplink_udp(HOST, 81, 0));
	assert_int_equal(lab_drops(DROP_FILTER_DOWNLINK), 2);
	assert_int_equal(sum_of(GROUP).downlink.packets, group.downlink.packets + 1);
	assert_int_equal(sum_of(GROUP).downlink.filtered, group.downlink.filtered + 2);
}

// What the gateway says itself gets through a filter that denies everything.
static void test_own_icmp_is_not_filtered(void **state)
{
	uint8_t data[LAB_FRAME], frame[LAB_FRAME];
	struct build b = build_in(data, sizeof(data));

	assert_int_equal(begin(FILTER, FILTER_DENY), 0);
	assert_int_equal(commit(FILTER), 0);
	assert_int_equal(set_group(GROUP, 0, FILTER, 0), 0);
	put_in(SESSION_CLEAR, GROUP);
	lab_udp(&b, PORT_L2TP, PORT_L2TP, 6 + 4 + 20 + 8);
	build_u16(&b, 0x0002);
	build_u16(&b, TUNNEL_CLEAR);
	build_u16(&b, SESSION_CLEAR + SESSION_ID);
	build_u32(&b, 0xff030021);
	lab_ip4(&b, IPPROTO_UDP, OTHER, HOST, 8, 1, 0); // its last hop
	lab_udp(&b, 1, 2, 0);
	b = build_in(frame, sizeof(frame));
	lab_ether(&b, LAB_SUB, 9, RTE_ETHER_TYPE_IPV4);
	lab_ip4(&b, IPPROTO_UDP, CLIENT, US_SUB, 8 + 10 + 28, 64, 0);
	build_bytes(&b, data, 8 + 10 + 28);
	lab_receive(LAB_SUB, 0, frame, build_length(&b));
	lab_run();
	assert_true(lab_sent(LAB_SUB, frame) != 0);
}

// The new list holds at once for sessions that are there; one that cannot be built changes nothing.
static void test_filter_is_replaced_whole(void **state)
{
	struct filter_rule rule = rule_to(0, IPPROTO_UDP, 53, FILTER_DENY);

	put_filter(FILTER, FILTER_PERMIT, rule);
	assert_int_equal(set_group(GROUP, FILTER, 0, 0), 0);
	put_in(SESSION_CLEAR, GROUP);
	assert_false(uplink_udp(HOST, 53, 0));
	assert_int_equal(begin(FILTER, FILTER_DENY), 0);
	assert_true(uplink_udp(HOST, 54, 0)); // not before the commit
	rule.to_port[0] = 54;
	assert_int_equal(rules(FILTER, &rule, 1), -EINVAL);
	assert_int_equal(begin(FILTER, FILTER_PERMIT), 0);
	rule.to_port[1] = 54;
	assert_int_equal(rules(FILTER, &rule, 1), 0);
	assert_int_equal(commit(FILTER), 0);
	assert_true(uplink_udp(HOST, 53, 0));
	assert_false(uplink_udp(HOST, 54, 0));
	assert_int_equal(commit(FILTER), -ENOENT); // nothing was begun
	assert_false(uplink_udp(HOST, 54, 0));
}

static void test_refusals(void **state)
{
	struct filter_rule many[FILTER_RULES_MESSAGE];
	int error = 0, messages = 0;

	for (int i = 0; i < FILTER_RULES_MESSAGE; i++)
		many[i] = rule_to(HOST, IPPROTO_TCP, 80, FILTER_PERMIT);
	assert_int_equal(begin(0, FILTER_DENY), -EINVAL);
	assert_int_equal(begin(LIMIT_FILTERS, FILTER_DENY), -EINVAL);
	assert_int_equal(begin(1, 2), -EINVAL);
	assert_int_equal(rules(FILTER, many, 1), -ENOENT);
	assert_int_equal(begin(FILTER, FILTER_DENY), 0);
	assert_int_equal(rules(FILTER + 1, many, 1), -ENOENT);
	assert_int_equal(rules(FILTER, many, 0), -EINVAL);
	assert_int_equal(rules(FILTER, many, FILTER_RULES_MESSAGE + 1), -EINVAL);
	for (; error == 0; messages++)
		error = rules(FILTER, many, FILTER_RULES_MESSAGE);
	assert_int_equal(error, -ENOSPC);
	assert_int_equal(messages - 1, LIMIT_FILTER_RULES / FILTER_RULES_MESSAGE);
	assert_int_equal(commit(FILTER), 0);
	assert_int_equal(set_group(LIMIT_GROUPS, 0, 0, 0), -EINVAL);
	assert_int_equal(set_group(GROUP, 0, 0, GROUP_FLAGS_ALL + 1), -EINVAL);
	assert_int_equal(set_group(GROUP, FILTER + 1, 0, 0), -ENOENT);
	assert_int_equal(set_group(GROUP, LIMIT_FILTERS, 0, 0), -ENOENT);
	assert_int_equal(set_group(GROUP, 0, FILTER, 0), 0);
	assert_int_equal(delete (FILTER), -EBUSY);
	assert_int_equal(set_group(GROUP, 0, 0, 0), 0);
	assert_int_equal(delete (FILTER), 0);
	assert_int_equal(delete (FILTER), -ENOENT);
	assert_int_equal(delete (0), -ENOENT);
}

static void test_a_session_of_no_group(void **state)
{
	struct command_session_set c = session_of(SESSION_CLEAR, OTHER, LIMIT_GROUPS);

	assert_int_equal(command(COMMAND_SESSION_SET, &c), -EINVAL);
}

// Ten packets of 128 bytes against a burst of 640: 5 and the one that empties the bucket.
static void test_policers(void **state)
{
	struct command_session_set c = session_of(SESSION_CLEAR, OTHER, GROUP);
	struct stats_session before = lab.stats.session[SESSION_CLEAR];
	unsigned up = 0, down = 0;

	c.police_uplink = (struct rate){.kbit = 8, .burst = 640};
	assert_int_equal(set_group(GROUP, 0, 0, 0), 0);
	assert_int_equal(command(COMMAND_SESSION_SET, &c), 0);
	for (int i = 0; i < 10; i++) {
		up += uplink_udp(HOST, 53, 0);
		down += downlink_udp_to(OTHER, 53);
	}
	assert_in_range(up, 5, 6);
	assert_int_equal(down, 10);
	assert_int_equal(lab_drops(DROP_POLICED_UPLINK), 10 - up);
	assert_int_equal(sum_of(GROUP).uplink.policed, 10 - up);
	assert_int_equal(
		lab.stats.session[SESSION_CLEAR].uplink.drops, before.uplink.drops + 10 - up);
	c.police_uplink = (struct rate){0};
	c.police_downlink = (struct rate){.kbit = 8, .burst = 640};
	assert_int_equal(command(COMMAND_SESSION_SET, &c), 0);
	for (int i = 0; i < 10; i++) {
		assert_true(uplink_udp(HOST, 53, 0));
		down += downlink_udp_to(OTHER, 53);
	}
	assert_in_range(down, 15, 16);
	assert_int_equal(lab_drops(DROP_POLICED_DOWNLINK), 20 - down);
}

// What is denied takes nothing from the bucket.
static void test_filter_comes_before_policer(void **state)
{
	struct command_session_set c = session_of(SESSION_CLEAR, OTHER, GROUP);

	put_filter(FILTER, FILTER_PERMIT, rule_to(0, IPPROTO_UDP, 53, FILTER_DENY));
	assert_int_equal(set_group(GROUP, FILTER, 0, 0), 0);
	c.police_uplink = (struct rate){.kbit = 1, .burst = 100};
	assert_int_equal(command(COMMAND_SESSION_SET, &c), 0);
	for (int i = 0; i < 10; i++)
		assert_false(uplink_udp(HOST, 53, 0));
	assert_true(uplink_udp(HOST, 54, 0));
	assert_false(uplink_udp(HOST, 54, 0));
}

static void test_isolation(void **state)
{
	uint64_t before = lab_drops(DROP_SUBSCRIBER_ISOLATED);

	assert_true(uplink_udp(INNER, 53, 0));
	assert_int_equal(set_group(GROUP, 0, 0, GROUP_ISOLATED), 0);
	assert_int_equal(set_group(OPEN_GROUP, 0, 0, 0), 0);
	put_in(SESSION_CLEAR, GROUP); // the sender
	assert_false(uplink_udp(INNER, 53, 0));
	put_in(SESSION_CLEAR, OPEN_GROUP);
	assert_true(uplink_udp(INNER, 53, 0));
	put_in(SESSION, GROUP); // the receiver
	assert_false(uplink_udp(INNER, 53, 0));
	put_in(SESSION, OPEN_GROUP);
	assert_true(uplink_udp(INNER, 53, 0));
	assert_int_equal(lab_drops(DROP_SUBSCRIBER_ISOLATED), before + 2);
	put_in(SESSION_CLEAR, GROUP);
	assert_true(uplink_udp(HOST, 53, 0)); // all else
	assert_true(downlink_udp_to(OTHER, 53));
}

// Packets of many kinds of sessions in one burst, each by its own rules.
static void test_mixed_burst(void **state)
{
	uint64_t before = lab_drops(DROP_FILTER_DOWNLINK);
	uint8_t frame[LAB_FRAME], data[10] = {0};
	unsigned sent = 0;

	put_filter(FILTER, FILTER_PERMIT, rule_to(0, IPPROTO_UDP, 53, FILTER_DENY));
	put_filter(FILTER + 1, FILTER_DENY, rule_to(0, IPPROTO_UDP, 53, FILTER_PERMIT));
	assert_int_equal(set_group(GROUP, 0, FILTER, 0), 0);
	assert_int_equal(set_group(OPEN_GROUP, 0, FILTER + 1, 0), 0);
	put_in(SESSION, GROUP);
	put_in(SESSION_CLEAR, OPEN_GROUP);
	for (int i = 0; i < 32; i++) {
		uint32_t to = i & 1 ? INNER : OTHER;
		size_t n = lab_udp_frame(
			frame, LAB_NET, HOST, to, 1, i & 2 ? 53 : 54, data, sizeof(data));

		lab_receive(LAB_NET, 0, frame, n);
	}
	lab_run();
	while (lab_sent(LAB_SUB, frame))
		sent++;
	assert_int_equal(sent, 16);
	assert_int_equal(lab_drops(DROP_FILTER_DOWNLINK), before + 16);
}

static void test_reset_forgets(void **state)
{
	put_filter(FILTER, FILTER_DENY, rule_to(0, IPPROTO_UDP, 53, FILTER_DENY));
	assert_int_equal(set_group(GROUP, FILTER, FILTER, GROUP_ISOLATED), 0);
	groups_clear(lab.tables);
	assert_int_equal(group_word(lab.tables, GROUP), 0);
	assert_null(lab.tables->groups->filter[FILTER]);
	assert_int_equal(delete (FILTER), -ENOENT);
}

#define TEST(name) cmocka_unit_test_teardown(name, check)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_filter_uplink),
		TEST(test_filter_downlink),
		TEST(test_own_icmp_is_not_filtered),
		TEST(test_filter_is_replaced_whole),
		TEST(test_refusals),
		TEST(test_a_session_of_no_group),
		TEST(test_policers),
		TEST(test_filter_comes_before_policer),
		TEST(test_isolation),
		TEST(test_mixed_burst),
		TEST(test_reset_forgets),
	};

	return cmocka_run_group_tests(tests, start, lab_stop);
}

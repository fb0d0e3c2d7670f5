// SPDX-License-Identifier: Apache-2.0

// IPv4 and IPv6 without each other, the keepalive and the quality of the line. The log writes only
// so many lines in a second: those that look for one come first.

#include "ppp_lab.h"
#include "probe.h"

// ---- one network protocol without the other

static void test_ipv6_alone(void **state)
{
	struct peer_fake *p = *state;

	p->addresses.peer = (struct ip_address){0};
	p->addresses.ip6 = true;
	peer_fake_dial(p);
	assert_int_equal(p->ip6_ups, 1);
	assert_int_equal(p->ip4_ups, 0);
	assert_string_equal(ppp_state(p->ppp), "open");
	assert_int_equal(peer_fake_seen(p, PPP_LCP, CODE_PROTOCOL_REJECT), 2); // CCP, IPCP
	assert_int_equal(peer_fake_seen(p, PPP_IPCP, CODE_CONFIGURE_REQUEST), 0);
	assert_non_null(strstr(lines, "\"protocol\":\"ipcp\",\"number\":\"0x8021\","
				      "\"reason\":\"this subscriber has no IPv4 address\""));
	peer_fake_wait(p, 70000);
	assert_int_equal(p->downs, 0);
}

// The peer does one of them and rejects the other, when it is asked for or when data comes.
static void test_one_is_rejected_by_the_peer(void **state)
{
	static const char *const rejects[] = {
		"\x80\x21\1\1\0\4", "\x80\x57\1\1\0\4", "\0\x21\x45\0\0\4", "\0\x57\x60\0\0\4"};

	for (int i = 0; i < 4; i++) {
		struct peer_fake *p = *state;
		bool v4 = i % 2 == 0;

		dial_dual(p);
		p->no_ipcp = p->no_ipv6cp = true;
		peer_fake_say(p, PPP_LCP, CODE_PROTOCOL_REJECT, 1, rejects[i], 6);
		assert_int_equal(p->ip4_downs, v4);
		assert_int_equal(p->ip6_downs, !v4);
		peer_fake_wait(p, 70000);
		assert_int_equal(p->downs, 0);
		assert_int_equal(p->ip4_downs, v4);
		assert_int_equal(p->ip6_downs, !v4);
		assert_string_equal(ppp_state(p->ppp), "open");
		teardown(state);
		setup(state);
	}
}

static void test_ipcp_trouble_leaves_ipv6_alone(void **state)
{
	struct peer_fake *p = *state;

	p->no_ipcp = true;
	p->addresses.ip6 = true;
	peer_fake_dial(p);
	peer_fake_wait(p, 70000);
	assert_int_equal(p->ip4_ups, 0);
	assert_int_equal(p->ip6_ups, 1);
	assert_int_equal(p->ip6_downs, 0);
	assert_int_equal(p->downs, 0);
	assert_string_equal(ppp_state(p->ppp), "open");
}

// Who begins one of them again and again loses that one.
static void test_one_renegotiates_without_end(void **state)
{
	for (int v4 = 0; v4 < 2; v4++) {
		struct peer_fake *p = *state;

		dial_dual(p);
		for (int i = 0; i < 100; i++) {
			if (v4)
				peer_fake_say(p, PPP_IPCP, CODE_CONFIGURE_REQUEST, (uint8_t)i,
					"\3\6\x0a\0\0\x4d", 6);
			else
				peer_fake_say(p, PPP_IPV6CP, CODE_CONFIGURE_REQUEST, (uint8_t)i,
					p->ipv6cp_options, p->ipv6cp_length);
			peer_fake_run(p);
		}
		peer_fake_wait(p, 70000);
		assert_int_equal(p->downs, 0);
		assert_int_equal(v4 ? p->ip4_ups : p->ip6_ups, 9);
		assert_int_equal(v4 ? p->ip4_downs : p->ip6_downs, 9);
		assert_int_equal(v4 ? p->ip6_downs : p->ip4_downs, 0);
		assert_string_equal(ppp_state(p->ppp), "open");
		teardown(state);
		setup(state);
	}
}

// ---- jumbo frames

enum { JUMBO = 8900 };

static void dial_jumbo(struct peer_fake *p)
{
	static const uint8_t options[] = {1, 4, JUMBO >> 8, JUMBO & 255, 5, 6, 1, 2, 3, 4};

	p->config.mru = JUMBO;
	memcpy(p->lcp_options, options, p->lcp_length = sizeof(options));
	if (p->ip4_ups == 0)
		peer_fake_dial(p);
	assert_int_equal(ppp_link(p->ppp)->mru, JUMBO);
	assert_int_equal(ppp_link(p->ppp)->peer_mru, JUMBO);
	p->path_mtus = p->probes = 0;
	ppp_probe(p->ppp, JUMBO);
	peer_fake_run(p);
}

static void test_large_mru_is_agreed_and_probed(void **state)
{
	struct peer_fake *p = *state;

	dial_jumbo(p);
	assert_int_equal(p->probes, 2);
	assert_int_equal(p->newest.length, JUMBO + 2);
	peer_fake_wait(p, 60000);
	assert_int_equal(p->path_mtus, 0);
}

static void test_large_mru_and_a_smaller_path(void **state)
{
	static const uint16_t paths[] = {1300, 1400, 1480, 1600, 4400, 8000};
	struct peer_fake *p = *state;

	for (int i = 0; i < 6; i++) {
		p->path_down = paths[i] + 2U;
		dial_jumbo(p);
		peer_fake_wait(p, 60000);
		assert_in_range(p->path_mtu, paths[i] - PROBE_STEP, paths[i]);
	}
}

// pppd has room for control packets of 1500 bytes, and says nothing to larger ones.
static void test_large_mru_of_a_peer_without_large_answers(void **state)
{
	struct peer_fake *p = *state;

	for (p->echo_most = 1502; p->echo_most < 1508; p->echo_most++) {
		dial_jumbo(p);
		peer_fake_wait(p, 2 * PROBE_AGAIN_MS);
		assert_int_equal(p->path_mtus, 0);
		assert_int_equal(p->downs, 0);
	}
}

// ---- the line

static void test_echo_is_spared_by_traffic(void **state)
{
	struct peer_fake *p = *state;

	p->config.echo_interval_ms = 10000;
	p->config.echo_adaptive = true;
	peer_fake_dial(p);
	for (int i = 0; i < 20; i++) {
		p->data += 3;
		peer_fake_wait(p, 10000);
	}
	assert_int_equal(peer_fake_seen(p, PPP_LCP, CODE_ECHO_REQUEST), 0);
	peer_fake_wait(p, 30000);
	assert_int_equal(peer_fake_seen(p, PPP_LCP, CODE_ECHO_REQUEST), 3);
	// Who sends data is alive, whatever he does not answer.
	p->no_echo = true;
	for (int i = 0; i < 20; i++) {
		peer_fake_wait(p, 25000);
		p->data++;
	}
	assert_int_equal(p->downs, 0);
	peer_fake_wait(p, 60000);
	assert_down(p, "echo-timeout");
}

static void test_echo_is_not_spared(void **state)
{
	struct peer_fake *p = *state;

	p->config.echo_interval_ms = 10000;
	peer_fake_dial(p);
	for (int i = 0; i < 20; i++) {
		p->data += 3;
		peer_fake_wait(p, 10000);
	}
	assert_int_equal(peer_fake_seen(p, PPP_LCP, CODE_ECHO_REQUEST), 20);
}

static void test_quality_of_the_line(void **state)
{
	struct peer_fake *p = *state;
	const struct ppp_quality *q = ppp_quality(p->ppp);

	p->config.echo_interval_ms = 1000;
	p->config.echo_failures = 10;
	peer_fake_dial(p);
	assert_false(q->measured);
	p->delay = 40;
	peer_fake_wait(p, 20500);
	assert_true(q->measured);
	assert_int_equal(q->echoes, 19);
	assert_int_equal(q->lost, 0);
	assert_int_equal(q->loss, 0);
	assert_int_equal(q->rtt_min_ms, 50);
	assert_int_equal(q->rtt_max_ms, 50);
	assert_int_equal(q->rtt_ms, 50);
	p->delay = 190;
	peer_fake_wait(p, 1000);
	assert_int_equal(q->rtt_min_ms, 50);
	assert_int_equal(q->rtt_max_ms, 200);
	assert_in_range(q->rtt_ms, 68, 70);
	p->loss = 4;
	peer_fake_wait(p, 32000);
	assert_int_equal(q->loss, 25);
	assert_in_range(q->lost, 7, 9);
	p->loss = 0;
	peer_fake_wait(p, 33000);
	assert_int_equal(q->loss, 0);
	assert_in_range(q->lost, 7, 9);
	assert_int_equal(p->downs, 0);
}

static void test_line_becomes_looped(void **state)
{
	struct peer_fake *p = *state;

	p->config.echo_interval_ms = 10000;
	peer_fake_dial(p);
	peer_fake_wait(p, 20000);
	p->loop_echo = true;
	peer_fake_wait(p, 31000);
	assert_int_equal(p->downs, 0);
	peer_fake_wait(p, 10000);
	assert_down(p, "looped");
}

static void test_mppe_is_refused_with_a_reason(void **state)
{
	struct peer_fake *p = *state;

	peer_fake_dial(p);
	assert_non_null(strstr(lines, "\"protocol\":\"ccp\",\"number\":\"0x80fd\","
				      "\"reason\":\"MPPE is not served, "));
	teardown(state);
	setup(state);
	p = *state;
	p->hold_network = true;
	peer_fake_dial(p);
	lines[0] = '\0';
	peer_fake_say(p, PPP_ECP, CODE_CONFIGURE_REQUEST, 1, NULL, 0);
	assert_non_null(strstr(lines, "IPsec does it"));
}

static void test_both_network_protocols(void **state)
{
	struct peer_fake *p = *state;

	dial_dual(p);
	assert_int_equal(p->ip6_ups, 1);
	assert_memory_equal(p->identifier, p->ipv6cp_options + 2, PPP_IDENTIFIER);
	assert_int_equal(peer_fake_seen(p, PPP_LCP, CODE_PROTOCOL_REJECT), 1); // CCP alone
	peer_fake_say(p, PPP_IPV6CP, CODE_TERMINATE_REQUEST, 9, NULL, 0);
	peer_fake_run(p);
	assert_int_equal(p->ip6_downs, 1);
	assert_string_equal(p->ip6_cause, "ipv6cp-terminated");
	assert_int_equal(p->ip4_downs, 0);
	peer_fake_wait(p, 70000); // longer than the set-up may take
	assert_string_equal(ppp_state(p->ppp), "open");
	peer_fake_say(p, PPP_IPCP, CODE_TERMINATE_REQUEST, 10, NULL, 0);
	peer_fake_wait(p, 10000);
	assert_down(p, "ipcp-terminated");
}

static void test_ipv6_alone_is_enough(void **state)
{
	struct peer_fake *p = *state;

	dial_dual(p);
	peer_fake_say(p, PPP_IPCP, CODE_TERMINATE_REQUEST, 9, NULL, 0);
	peer_fake_wait(p, 70000);
	assert_int_equal(p->ip4_downs, 1);
	assert_int_equal(p->downs, 0);
	assert_string_equal(ppp_state(p->ppp), "open");
	ppp_close(p->ppp, "closed");
	peer_fake_run(p);
	assert_int_equal(p->downs, 1);
	assert_int_equal(p->ip6_downs, 1);
	assert_string_equal(p->ip6_cause, "closed");
}

static void test_ipv6cp_trouble_leaves_ipv4_alone(void **state)
{
	struct peer_fake *p = *state;

	p->no_ipv6cp = true;
	dial_dual(p);
	peer_fake_wait(p, 70000);
	assert_int_equal(peer_fake_seen(p, PPP_IPV6CP, CODE_CONFIGURE_REQUEST), 11);
	assert_int_equal(p->ip6_ups, 0);
	assert_int_equal(p->ip4_downs, 0);
	assert_string_equal(ppp_state(p->ppp), "open");
	peer_fake_say(p, PPP_LCP, CODE_PROTOCOL_REJECT, 77, "\x80\x57\1\1\0\4", 6);
	peer_fake_wait(p, 10000);
	assert_string_equal(ppp_state(p->ppp), "open");
}

static void test_interface_identifiers(void **state)
{
	static const uint8_t bad[][PPP_IDENTIFIER] = {{0}, {0, 0, 0, 0, 0, 0, 0, 1}};
	struct peer_fake *p = *state;

	for (int i = 0; i < 2; i++) {
		peer_fake_free(p);
		peer_fake_create(p);
		memcpy(p->ipv6cp_options + 2, bad[i], PPP_IDENTIFIER);
		dial_dual(p);
		assert_int_equal(peer_fake_seen(p, PPP_IPV6CP, CODE_CONFIGURE_NAK), 1);
		assert_int_equal(p->ip6_ups, 1);
		assert_memory_not_equal(p->identifier, bad[0], PPP_IDENTIFIER);
		assert_memory_not_equal(p->identifier, bad[1], PPP_IDENTIFIER);
		assert_int_equal(p->identifier[0] & 2, 0);
	}
	peer_fake_free(p);
	peer_fake_create(p);
	p->ipv6cp_length = 0; // asks for none
	dial_dual(p);
	assert_int_equal(peer_fake_seen(p, PPP_IPV6CP, CODE_CONFIGURE_NAK), 1);
	assert_int_equal(p->ip6_ups, 1);
}

// Whoever grants has one for the peer: it hears so once, and may keep its own.
static void test_suggested_identifier(void **state)
{
	static const uint8_t suggested[PPP_IDENTIFIER] = {2, 0, 0x5e, 1, 2, 3, 4, 5};
	struct peer_fake *p = *state;

	memcpy(p->addresses.identifier, suggested, PPP_IDENTIFIER);
	dial_dual(p);
	assert_int_equal(peer_fake_seen(p, PPP_IPV6CP, CODE_CONFIGURE_NAK), 1);
	assert_int_equal(p->ip6_ups, 1);
	assert_memory_equal(p->identifier, suggested, PPP_IDENTIFIER);
	peer_fake_free(p);
	peer_fake_create(p);
	memcpy(p->addresses.identifier, suggested, PPP_IDENTIFIER);
	memcpy(p->ipv6cp_options + 2, suggested, PPP_IDENTIFIER);
	dial_dual(p);
	assert_int_equal(peer_fake_seen(p, PPP_IPV6CP, CODE_CONFIGURE_NAK), 0);
	assert_memory_equal(p->identifier, suggested, PPP_IDENTIFIER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_mppe_is_refused_with_a_reason),
		CASE(test_ipv6_alone),
		CASE(test_one_is_rejected_by_the_peer),
		CASE(test_ipcp_trouble_leaves_ipv6_alone),
		CASE(test_one_renegotiates_without_end),
		CASE(test_large_mru_is_agreed_and_probed),
		CASE(test_large_mru_and_a_smaller_path),
		CASE(test_large_mru_of_a_peer_without_large_answers),
		CASE(test_echo_is_spared_by_traffic),
		CASE(test_echo_is_not_spared),
		CASE(test_quality_of_the_line),
		CASE(test_line_becomes_looped),
		CASE(test_both_network_protocols),
		CASE(test_ipv6_alone_is_enough),
		CASE(test_ipv6cp_trouble_leaves_ipv4_alone),
		CASE(test_interface_identifiers),
		CASE(test_suggested_identifier),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

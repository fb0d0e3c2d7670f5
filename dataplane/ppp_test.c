// SPDX-License-Identifier: Apache-2.0

// PPP frames in every form and cut at every byte, LCP echo, what is open and what is not, and the
// subscriber's border.

#include "dataplane/test_support.h"

#include "contract/ids.h"

#include "dataplane/ppp_frame.h"
#include "dataplane/session.h"
#include "dataplane/stage.h"

#include <rte_ip.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { TUNNEL = 5, SESSION = 3 };

static struct worker *w0 = &bench.workers[0], *w1 = &bench.workers[1];

static void flags_set(uint32_t flags)
{
	struct command_session_set set = {
		.session = SESSION,
		.flags = flags,
		.magic = 0x11223344,
		.ip4 = address_v4((const uint8_t[]){10, 0, 0, 5}),
		.ip6.address = address_v6((const uint8_t[16]){0x20, 1, 0xd, 0xb8, 0, 1}),
		.ip6.length = 64,
	};

	assert_int_equal(session_set(bench.tables, &set), 0);
}

static struct rte_mbuf *of_session(const void *bytes, size_t length)
{
	struct rte_mbuf *m = test_packet(bytes, length);

	meta_of(m)->session = SESSION;
	return m;
}

// What became of one frame: 'o' goes on, 'a' answered, 'p' punted, 'd' dropped.
static char outcome(const void *bytes, size_t length, struct rte_mbuf **kept)
{
	struct rte_mbuf *m = of_session(bytes, length), *answer = NULL;
	uint16_t answers = 0, on;
	char what;

	test_forget();
	on = ppp_in(w0, &m, 1, &answer, &answers);
	assert_int_equal(on + answers + bench.record.punted + bench.record.dropped, 1);
	what = on ? 'o' : answers ? 'a' : bench.record.punted ? 'p' : 'd';
	if (kept)
		*kept = on ? m : answers ? answer : bench.record.punts[0];
	else if (on || answers)
		rte_pktmbuf_free(on ? m : answer);
	return what;
}

static void reads_every_framing(void **state)
{
	static const struct {
		uint8_t bytes[8];
		size_t length;
		uint16_t front;
		uint16_t protocol;
	} table[] = {
		{{0xff, 0x03, 0x00, 0x21, 'x'}, 5, 4, 0x21},
		{{0xff, 0x03, 0x21, 'x'}, 4, 3, 0x21},
		{{0x00, 0x21, 'x'}, 3, 2, 0x21},
		{{0x21, 'x'}, 2, 1, 0x21},
		{{0x21}, 1, 1, 0x21},
		{{0xff, 0x03, 0xc0, 0x21}, 4, 4, 0xc021},
		{{0xc0, 0x21}, 2, 2, 0xc021},
		{{0x80, 0x57}, 2, 2, 0x8057},
		{{0}, 0, 0, 0},
		{{0xff}, 1, 1, 0xff},
		{{0xff, 0x03}, 2, 0, 0},
		{{0xff, 0x03, 0xc0}, 3, 0, 0},
		{{0xc0}, 1, 0, 0},
		{{0xc0, 0x20}, 2, 0, 0}, // even last byte
		{{0xff, 0x03, 0x00, 0x20}, 4, 0, 0},
	};

	for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		uint8_t *exact = malloc(table[i].length ? table[i].length : 1);
		uint16_t protocol;

		memcpy(exact, table[i].bytes, table[i].length);
		assert_int_equal(
			ppp_frame_parse(exact, table[i].length, &protocol), table[i].front);
		if (table[i].front)
			assert_int_equal(protocol, table[i].protocol);
		free(exact);
	}
}

static void sends_each_protocol_its_way(void **state)
{
	struct rte_mbuf *m;

	test_session(TUNNEL, SESSION, 0, 0);
	assert_int_equal(outcome("\xff\x03\x00\x21IP", 6, &m), 'o');
	assert_int_equal(m->data_len, 2);
	assert_memory_equal(rte_pktmbuf_mtod(m, char *), "IP", 2);
	rte_pktmbuf_free(m);
	assert_int_equal(outcome("\x21IP", 3, NULL), 'o');
	assert_int_equal(outcome("\x57IP", 3, NULL), 'd');
	assert_int_equal(bench.record.drops[DROP_PPP_CLOSED], 1);
	assert_int_equal(outcome("\x00\xfdIP", 4, NULL), 'd');
	assert_int_equal(bench.record.drops[DROP_PPP_CLOSED], 1);
	assert_int_equal(outcome("\xc0", 1, NULL), 'd');
	assert_int_equal(bench.record.drops[DROP_PPP_INVALID], 1);
	// Punted from the protocol field on, whatever was before it.
	assert_int_equal(outcome("\xff\x03\x80\x21\x01\x01\x00\x04", 8, &m), 'p');
	assert_int_equal(bench.record.kinds[0], PACKET_PPP);
	assert_int_equal(m->data_len, 6);
	assert_memory_equal(rte_pktmbuf_mtod(m, uint8_t *), "\x80\x21\x01\x01\x00\x04", 6);
	assert_int_equal(outcome("\x80\x57\x01", 3, &m), 'p');
	assert_int_equal(m->data_len, 3);
	flags_set(SESSION_LCP_OPEN);
	assert_int_equal(outcome("\x21IP", 3, NULL), 'd');
	assert_int_equal(bench.record.drops[DROP_PPP_CLOSED], 1);
	flags_set(SESSION_LCP_OPEN | SESSION_IP6_OPEN);
	assert_int_equal(outcome("\x57IP", 3, NULL), 'd'); // it says version 4
	assert_int_equal(bench.record.drops[DROP_SUBSCRIBER_INVALID], 1);
	assert_int_equal(outcome("\x57\x60", 2, &m), 'o');
	assert_int_equal(m->data_len, 1);
	rte_pktmbuf_free(m);
	assert_int_equal(outcome("\xff\x03\x00\x57\x60", 5, &m), 'o');
	rte_pktmbuf_free(m);
}

static void answers_echo(void **state)
{
	static const uint8_t request[] = {
		0xff, 3, 0xc0, 0x21, 9, 77, 0, 12, 1, 2, 3, 4, 'd', 'a', 't', 'a', 'p', 'a', 'd'};
	static const uint8_t reply[] = {
		0xc0, 0x21, 10, 77, 0, 12, 0x11, 0x22, 0x33, 0x44, 'd', 'a', 't', 'a'};
	uint8_t looped[sizeof(request)];
	struct rte_mbuf *m;

	test_session(TUNNEL, SESSION, 0, 0);
	assert_int_equal(outcome(request, sizeof(request), &m), 'a');
	assert_int_equal(m->data_len, sizeof(reply));
	assert_int_equal(m->pkt_len, sizeof(reply));
	assert_memory_equal(rte_pktmbuf_mtod(m, uint8_t *), reply, sizeof(reply));
	assert_int_equal(ppp_out_control(w0, &m, 1), 1);
	assert_int_equal(m->data_len, sizeof(reply) + 2);
	assert_memory_equal(rte_pktmbuf_mtod(m, uint8_t *), "\xff\x03\xc0\x21", 4);
	rte_pktmbuf_free(m);
	memcpy(looped, request, sizeof(request));
	memcpy(looped + 8, "\x11\x22\x33\x44", 4);
	assert_int_equal(outcome(looped, sizeof(looped), NULL), 'd');
	assert_int_equal(bench.record.drops[DROP_PPP_ECHO], 1);
	for (size_t cut = 6; cut < 16; cut++)
		assert_int_equal(outcome(request, cut, NULL), 'd');
	memcpy(looped, request, sizeof(request));
	looped[7] = 7; // shorter than its magic number
	assert_int_equal(outcome(looped, sizeof(looped), NULL), 'd');
	looped[7] = 12;
	looped[4] = 10; // a reply
	assert_int_equal(outcome(looped, sizeof(looped), NULL), 'p');
	flags_set(0);
	assert_int_equal(outcome(request, sizeof(request), NULL), 'p');
}

static void frames_as_the_peer_asked(void **state)
{
	static const struct {
		uint32_t flags;
		const char *front;
		uint16_t length;
	} table[] = {
		{0, "\xff\x03\x00\x21", 4},
		{SESSION_SEND_ACFC, "\x00\x21", 2},
		{SESSION_SEND_PFC, "\xff\x03\x21", 3},
		{SESSION_SEND_ACFC | SESSION_SEND_PFC, "\x21", 1},
	};
	uint8_t ip[20] = {0x45, 0xb8};

	test_session(TUNNEL, SESSION, 0, 0);
	for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct rte_mbuf *m = of_session(ip, sizeof(ip));

		flags_set(table[i].flags);
		assert_int_equal(ppp_out(w0, &m, 1), 1);
		assert_int_equal(m->data_len, 20 + table[i].length);
		assert_memory_equal(
			rte_pktmbuf_mtod(m, uint8_t *), table[i].front, table[i].length);
		assert_int_equal(meta_of(m)->tos, 0xb8);
		rte_pktmbuf_free(m);
	}
}

// ---- subscriber

static void checksum_set(uint8_t *ip)
{
	uint16_t sum;

	ip[10] = ip[11] = 0;
	sum = (uint16_t)~rte_raw_cksum(ip, (ip[0] & 0xf) * 4U);
	memcpy(ip + 10, &sum, 2);
}

static void ip_make(uint8_t ip[28])
{
	static const uint8_t header[28] = {0x45, 0, 0, 28, 0, 1, 0, 0, 64, 17, 0, 0, 10, 0, 0, 5, 8,
		8, 8, 8, 1, 2, 3, 4, 0, 8, 0, 0};

	memcpy(ip, header, 28);
	checksum_set(ip);
}

static void refuse(const uint8_t *ip, size_t length, enum drop reason)
{
	struct rte_mbuf *m = of_session(ip, length);
	uint64_t before = bench.record.drops[reason];

	assert_int_equal(subscriber_in(w0, &m, 1), 0);
	assert_int_equal(bench.record.drops[reason], before + 1);
}

static void lets_the_subscriber_out(void **state)
{
	uint8_t ip[40] = {0};
	struct rte_mbuf *m;

	test_session(TUNNEL, SESSION, 0, 0);
	ip_make(ip);
	m = of_session(ip, 40);
	assert_int_equal(subscriber_in(w0, &m, 1), 1);
	assert_int_equal(m->data_len, 28); // padding is off
	rte_pktmbuf_free(m);
	assert_int_equal(w0->session_stats[SESSION].uplink.packets, 1);
	assert_int_equal(w0->session_stats[SESSION].uplink.bytes, 28);
	assert_int_equal(w0->session_stats[SESSION].uplink.last, w0->now);
}

static void refuses_malformed_and_foreign(void **state)
{
	static const uint8_t destinations[][4] = {{0, 0, 0, 0}, {127, 0, 0, 1}, {224, 0, 0, 251},
		{239, 255, 255, 250}, {240, 0, 0, 1}, {255, 255, 255, 255}};
	uint8_t ip[28], long_header[24] = {0x4f};

	test_session(TUNNEL, SESSION, 0, 0);
	ip_make(ip);
	for (size_t cut = 0; cut < 28; cut++)
		refuse(ip, cut, DROP_SUBSCRIBER_INVALID);
	ip[8]--;
	refuse(ip, 28, DROP_SUBSCRIBER_INVALID); // checksum
	ip_make(ip);
	ip[0] = 0x65;
	refuse(ip, 28, DROP_PPP_CLOSED);
	ip[0] = 0x55;
	refuse(ip, 28, DROP_SUBSCRIBER_INVALID);
	ip[0] = 0x44;
	refuse(ip, 28, DROP_SUBSCRIBER_INVALID);
	long_header[3] = 24;
	refuse(long_header, 24, DROP_SUBSCRIBER_INVALID);
	ip_make(ip);
	ip[3] = 19;
	checksum_set(ip);
	refuse(ip, 28, DROP_SUBSCRIBER_INVALID);
	ip_make(ip);
	ip[15] = 6;
	checksum_set(ip);
	refuse(ip, 28, DROP_SUBSCRIBER_SOURCE);
	for (unsigned i = 0; i < 6; i++) {
		ip_make(ip);
		memcpy(ip + 16, destinations[i], 4);
		checksum_set(ip);
		refuse(ip, 28, DROP_SUBSCRIBER_DESTINATION);
	}
	assert_int_equal(w0->session_stats[SESSION].uplink.packets, 0);
	assert_int_equal(w0->session_stats[SESSION].uplink.drops, bench.record.dropped);
}

// A packet from source, 10.0.0.5, to that destination and UDP port; true when it is punted.
static bool punted(const uint8_t destination[4], uint8_t protocol, uint16_t port, uint16_t fragment)
{
	unsigned before = bench.record.punted;
	struct rte_mbuf *m;
	uint8_t ip[28];

	ip_make(ip);
	ip[6] = (uint8_t)(fragment >> 8);
	ip[7] = (uint8_t)fragment;
	ip[9] = protocol;
	memcpy(ip + 16, destination, 4);
	ip[22] = (uint8_t)(port >> 8);
	ip[23] = (uint8_t)port;
	checksum_set(ip);
	m = of_session(ip, sizeof(ip));
	if (subscriber_in(w0, &m, 1))
		rte_pktmbuf_free(m);
	if (bench.record.punted == before)
		return false;
	assert_int_equal(bench.record.kinds[before], PACKET_IP4);
	assert_int_equal(bench.record.punts[before]->data_len, sizeof(ip));
	return true;
}

static void punts_dhcp(void **state)
{
	static const uint8_t all[4] = {255, 255, 255, 255}, us[4] = {10, 0, 0, 1};
	static const uint8_t other[4] = {10, 0, 0, 2}, none[4] = {0};
	uint64_t refused;

	test_session(TUNNEL, SESSION, 0, 0);
	assert_true(punted(all, 17, 67, 0));
	assert_true(punted(us, 17, 67, 0));
	assert_true(punted(us, 17, 67, 0x4000)); // DF
	assert_false(punted(us, 17, 68, 0));
	assert_false(punted(us, 6, 67, 0));
	assert_false(punted(us, 17, 67, 0x2000)); // a fragment
	assert_false(punted(other, 17, 67, 0));
	refused = bench.record.drops[DROP_SUBSCRIBER_DESTINATION];
	assert_false(punted(all, 17, 137, 0));
	assert_false(punted(all, 17, 67, 1));
	assert_false(punted(none, 17, 67, 0));
	assert_int_equal(bench.record.drops[DROP_SUBSCRIBER_DESTINATION], refused + 3);
	for (int i = 0; i < 17; i++)
		assert_true(punted(all, 17, 67, 0));
	assert_false(punted(all, 17, 67, 0));
	assert_int_equal(bench.record.drops[DROP_PUNT_RATE], 1);
}

static void takes_what_is_routed_to_it(void **state)
{
	uint8_t ip[28];
	struct rte_mbuf *m;

	test_session(TUNNEL, SESSION, 0, 0);
	bench.behind = address_v4((const uint8_t[]){10, 0, 0, 6});
	bench.behind_session = SESSION;
	ip_make(ip);
	ip[15] = 6;
	checksum_set(ip);
	m = of_session(ip, sizeof(ip));
	assert_int_equal(subscriber_in(w0, &m, 1), 1);
	rte_pktmbuf_free(m);
	bench.behind_session++;
	refuse(ip, 28, DROP_SUBSCRIBER_SOURCE);
}

static void refuses_everyone_before_there_is_an_address(void **state)
{
	struct command_session_set set = {.session = SESSION, .flags = SESSION_LCP_OPEN};
	uint8_t ip[28];

	test_session(TUNNEL, SESSION, 0, 0);
	assert_int_equal(session_set(bench.tables, &set), 0);
	ip_make(ip);
	memset(ip + 12, 0, 4);
	checksum_set(ip);
	refuse(ip, 28, DROP_SUBSCRIBER_SOURCE);
}

static void lets_in_what_is_open(void **state)
{
	uint8_t ip[28];
	struct rte_mbuf *m;

	ip_make(ip);
	m = of_session(ip, 28);
	assert_int_equal(subscriber_out(w0, &m, 1), 0);
	assert_int_equal(bench.record.drops[DROP_L2TP_SESSION], 1);
	test_session(TUNNEL, SESSION, 0, 0);
	m = of_session(ip, 28);
	assert_int_equal(subscriber_out(w0, &m, 1), 1);
	rte_pktmbuf_free(m);
	assert_int_equal(w0->session_stats[SESSION].downlink.packets, 1);
	m = of_session(ip, 28);
	assert_int_equal(subscriber_out(w1, &m, 1), 0);
	assert_int_equal(bench.record.handovers[0].owner, 1);
	assert_int_equal(bench.record.handovers[0].stage, HANDOVER_SUBSCRIBER_OUT);
	flags_set(SESSION_LCP_OPEN);
	m = of_session(ip, 28);
	assert_int_equal(subscriber_out(w0, &m, 1), 0);
	assert_int_equal(bench.record.drops[DROP_PPP_CLOSED], 1);
	assert_int_equal(w0->session_stats[SESSION].downlink.drops, 1);
	m = of_session(ip, 28);
	meta_of(m)->session = SESSION_NONE;
	assert_int_equal(subscriber_out(w0, &m, 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(reads_every_framing),
		TEST(sends_each_protocol_its_way),
		TEST(answers_echo),
		TEST(frames_as_the_peer_asked),
		TEST(lets_the_subscriber_out),
		TEST(refuses_malformed_and_foreign),
		TEST(punts_dhcp),
		TEST(takes_what_is_routed_to_it),
		TEST(refuses_everyone_before_there_is_an_address),
		TEST(lets_in_what_is_open),
	};

	return cmocka_run_group_tests(tests, test_start, test_stop);
}

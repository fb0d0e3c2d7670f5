// SPDX-License-Identifier: Apache-2.0

// What arrives over IPv6 and is not a subscriber's data: refused by name, answered, punted; and
// what the control plane sends. From frame to frame, with the sum of the counters checked after
// each test.

#include "dataplane/checksum.h"
#include "dataplane/test_lab6.h"

#include <rte_ether.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define US     LAB_SUB6
#define CLIENT "2001:db8:0:1::10"

static const struct lab6_ends ours = {CLIENT, US};

static int start(void **state)
{
	if (lab_start(state) < 0)
		return -1;
	lab6_address("fe80::ff:fe00:f0", lab.port[LAB_SUB].link_local);
	lab6_address("fe80::ff:fe00:f1", lab.port[LAB_NET].link_local);
	return 0;
}

static int check_books(void **state)
{
	lab_run();
	lab_expire();
	lab_forget();
	return lab_balanced() && lab_packets_out() == 0 ? 0 : -1;
}

static void receive(const struct lab6_ends ends, uint8_t next, const void *data, size_t length)
{
	uint8_t frame[LAB_FRAME];

	lab_receive(
		LAB_SUB, 0, frame, lab6_frame(frame, LAB_SUB, next, ends, data, (uint16_t)length));
	lab_run();
}

static void refuse(enum drop reason, const struct lab6_ends ends, uint8_t next, const void *data,
	size_t length)
{
	uint64_t before = lab_drops(reason);

	receive(ends, next, data, length);
	if (lab_drops(reason) - before != 1)
		fail_msg("%s to %s, %u: not dropped as %s", ends.from, ends.to, next,
			drop_word(reason));
}

static void test_refuses_addresses(void **state)
{
	static const struct {
		enum drop reason;
		struct lab6_ends ends;
	} cases[] = {
		{DROP_IP6_SOURCE, {"::", US}},
		{DROP_IP6_SOURCE, {"::1", US}},
		{DROP_IP6_SOURCE, {"ff02::1", US}},
		{DROP_IP6_SOURCE, {"::ffff:192.0.2.10", US}},
		{DROP_IP6_SOURCE, {US, US}},
		{DROP_ROUTE_NONE, {CLIENT, "2001:db8:0:1::2"}},
		{DROP_ROUTE_NONE, {CLIENT, LAB_NET6}},
		{DROP_ROUTE_NONE, {CLIENT, "fe80::1"}},
		{DROP_ROUTE_NONE, {CLIENT, "ff02::1"}},
		{DROP_ROUTE_NONE, {CLIENT, "::"}},
	};
	uint8_t data[64] = {0};

	for (size_t i = 0; i < RTE_DIM(cases); i++)
		refuse(cases[i].reason, cases[i].ends, IPPROTO_UDP, data, sizeof(data));
}

static void test_refuses_headers(void **state)
{
	static const struct {
		enum drop reason;
		uint8_t next;
		uint8_t data[24]; // and 40 of zero
	} cases[] = {
		{DROP_IP6_PROTOCOL, IPPROTO_TCP, {0}},
		{DROP_IP6_PROTOCOL, IPPROTO_NONE, {0}},
		{DROP_IP6_PROTOCOL, IPPROTO_IPIP, {0}},
		// Authentication header of 24 bytes in front of ESP.
		{DROP_IP6_PROTOCOL, IPPROTO_AH, {IPPROTO_ESP, 4}},
		// Routing header with a segment left; longer than the packet; no room for it.
		{DROP_IP6_EXTENSION, IPPROTO_ROUTING, {IPPROTO_ESP, 2, 0, 1}},
		{DROP_IP6_EXTENSION, IPPROTO_ROUTING, {IPPROTO_ESP, 200}},
		{DROP_IP6_EXTENSION, IPPROTO_DSTOPTS, {IPPROTO_ESP, 8}},
		// Hop-by-hop options behind others, and more headers than there may be.
		{DROP_IP6_EXTENSION, IPPROTO_DSTOPTS, {IPPROTO_HOPOPTS}},
		{DROP_IP6_FRAGMENT, IPPROTO_FRAGMENT, {IPPROTO_TCP, 0, 0, 1}},
		{DROP_IP6_FRAGMENT, IPPROTO_FRAGMENT,
			{IPPROTO_DSTOPTS, 0, 0, 1, 0, 0, 0, 0, IPPROTO_UDP}},
		{DROP_FRAGMENT_TINY, IPPROTO_FRAGMENT, {IPPROTO_UDP, 0, 0, 8}},
		{DROP_FRAGMENT_INVALID, IPPROTO_FRAGMENT, {IPPROTO_ESP, 0, 0xff, 0xf8}},
		{DROP_ESP_SPI, IPPROTO_ESP, {9, 9, 9, 9}},
		// Alone in its fragment it is none; behind options and a route that is done.
		{DROP_ESP_SPI, IPPROTO_FRAGMENT, {IPPROTO_ESP, 0, 0, 0, 1, 2, 3, 4, 9, 9, 9, 9}},
		{DROP_ESP_SPI, IPPROTO_HOPOPTS,
			{IPPROTO_ROUTING, 0, 1, 4, 0, 0, 0, 0, IPPROTO_ESP, 0, 4, 0, 0, 0, 0, 0,
				9}},
		{DROP_UDP_INVALID, IPPROTO_UDP, {0, 9, 0x06, 0xa5, 0, 200}},
		{DROP_UDP_CHECKSUM, IPPROTO_UDP, {0, 9, 0x06, 0xa5, 0, 64}},
		{DROP_UDP_CHECKSUM, IPPROTO_UDP, {0, 9, 0x01, 0xf4, 0, 64}},
		{DROP_UDP_CHECKSUM, IPPROTO_UDP, {0, 9, 0x01, 0xf4, 0, 64, 1, 2}},
		{DROP_ESP_SPI, IPPROTO_UDP, {0, 9, 0x11, 0x94, 0, 64, 0, 0, 9}},
		{DROP_ICMP_INVALID, IPPROTO_ICMPV6, {128}},
	};

	for (size_t i = 0; i < RTE_DIM(cases); i++) {
		uint8_t data[64] = {0};

		memcpy(data, cases[i].data, sizeof(cases[i].data));
		refuse(cases[i].reason, ours, cases[i].next, data, sizeof(data));
	}
}

static void test_refuses_many_headers(void **state)
{
	uint8_t data[8 * 12] = {0};

	for (size_t i = 0; i < 8; i++)
		data[8 * i] = IPPROTO_DSTOPTS;
	data[8 * 8] = IPPROTO_ESP;
	refuse(DROP_IP6_EXTENSION, ours, IPPROTO_DSTOPTS, data, sizeof(data));
	data[8 * 7] = IPPROTO_ESP;
	data[8 * 8] = 9;
	refuse(DROP_ESP_SPI, ours, IPPROTO_DSTOPTS, data, sizeof(data));
}

// Every length, and fields that lie about it.
static void test_refuses_truncations(void **state)
{
	uint64_t invalid = lab_drops(DROP_IP6_INVALID), hops = lab_drops(DROP_IP6_HOP_LIMIT);
	uint8_t frame[LAB_FRAME], data[64];
	size_t n = lab6_udp(data, ours, PORT_IKE, PORT_IKE, "12345678", 8);

	n = lab6_frame(frame, LAB_SUB, IPPROTO_UDP, ours, data, (uint16_t)n);
	for (size_t i = 14; i < n; i++)
		lab_receive(LAB_SUB, 0, frame, i);
	frame[14] = 0x50;
	lab_receive(LAB_SUB, 0, frame, n);
	frame[14] = 0x60;
	frame[18] = 0xff;
	lab_receive(LAB_SUB, 0, frame, n);
	frame[18] = 0;
	frame[21] = 0;
	lab_receive(LAB_SUB, 0, frame, n);
	lab_run();
	assert_int_equal(lab_drops(DROP_IP6_INVALID) - invalid, n - 14 + 2);
	assert_int_equal(lab_drops(DROP_IP6_HOP_LIMIT) - hops, 1);
}

static const struct packet *punted(void)
{
	for (uint16_t i = 0; i < LAB_WORKERS; i++)
		if (ring_front(&lab.far.punt[i]))
			return ring_front(&lab.far.punt[i]);
	fail_msg("nothing was punted");
	return NULL;
}

static void pop(void)
{
	for (uint16_t i = 0; i < LAB_WORKERS; i++)
		if (ring_front(&lab.far.punt[i])) {
			ring_pop(&lab.far.punt[i]);
			return;
		}
}

static void check_punted(enum packet_kind kind, uint16_t remote_port, const void *data, size_t n)
{
	const struct packet *p = punted();
	struct ip_address us, client;

	address_parse(US, &us);
	address_parse(CLIENT, &client);
	assert_int_equal(p->kind, kind);
	assert_int_equal(p->remote_port, remote_port);
	assert_true(address_equal(&p->local, &us));
	assert_true(address_equal(&p->remote, &client));
	assert_int_equal(p->length, n);
	assert_memory_equal(p->data, data, n);
	pop();
}

static void test_punts(void **state)
{
	static const uint8_t control[20] = {0xc8, 0x02, 0, 12}, options[8] = {IPPROTO_UDP, 0, 1, 4};
	uint8_t ike[64], data[LAB_FRAME], more[LAB_FRAME];
	size_t n;

	memset(ike, 0xaa, sizeof(ike));
	memset(ike, 0, 4);
	lab_connect();
	receive(ours, IPPROTO_UDP, data, lab6_udp(data, ours, 500, 500, ike, sizeof(ike)));
	check_punted(PACKET_IKE, 500, ike, sizeof(ike));
	receive(ours, IPPROTO_UDP, data, lab6_udp(data, ours, 31000, 4500, ike, sizeof(ike)));
	assert_int_equal(punted()->flags, PACKET_NAT_T);
	check_punted(PACKET_IKE, 31000, ike + 4, sizeof(ike) - 4);
	// Without a checksum, which is right on this port alone (RFC 6935 section 5).
	n = lab6_udp(data, ours, 31000, 4500, ike, sizeof(ike));
	memset(data + 6, 0, 2);
	receive(ours, IPPROTO_UDP, data, n);
	check_punted(PACKET_IKE, 31000, ike + 4, sizeof(ike) - 4);
	// Behind destination options.
	n = lab6_udp(data, ours, 1701, 1701, control, 12);
	memcpy(more, options, sizeof(options));
	memcpy(more + sizeof(options), data, n);
	receive(ours, IPPROTO_DSTOPTS, more, sizeof(options) + n);
	check_punted(PACKET_L2TP, 1701, control, 12);
	lab_disconnect();
}

// ---- fragments

// Part of a datagram, as a fragment; the first byte of data is at start.
static void receive_fragment(const struct lab6_ends ends, uint32_t id, uint16_t start, bool more,
	const void *data, size_t length)
{
	uint8_t bytes[LAB_FRAME];
	struct build b = build_in(bytes, sizeof(bytes));

	build_u16(&b, IPPROTO_UDP << 8);
	build_u16(&b, start | more);
	build_u32(&b, id);
	build_bytes(&b, data, length);
	receive(ends, IPPROTO_FRAGMENT, bytes, build_length(&b));
}

static void test_joins_fragments(void **state)
{
	uint8_t ike[1600], data[LAB_FRAME];
	size_t n;

	for (size_t i = 0; i < sizeof(ike); i++)
		ike[i] = (uint8_t)(i * 7 + 1);
	lab_connect();
	n = lab6_udp(data, ours, 500, 500, ike, sizeof(ike));
	receive_fragment(ours, 7, 1000, false, data + 1000, n - 1000);
	receive_fragment(ours, 8, 0, true, data, 1000); // another one
	receive_fragment(ours, 7, 0, true, data, 1000);
	check_punted(PACKET_IKE, 500, ike, sizeof(ike));
	receive_fragment(ours, 8, 1000, true, data + 1000, 400);
	receive_fragment(ours, 8, 1400, false, data + 1400, n - 1400);
	check_punted(PACKET_IKE, 500, ike, sizeof(ike));
	receive_fragment(ours, 9, 0, false, data, 8 + 64); // alone; shorter than it says
	assert_int_equal(lab_drops(DROP_FRAGMENT_TIMEOUT), 0);
	lab_disconnect();
}

// The headers in front of the first fragment stay.
static void test_joins_behind_options(void **state)
{
	uint8_t ike[64] = {1, 2, 3}, data[LAB_FRAME], bytes[LAB_FRAME];
	size_t n = lab6_udp(data, ours, 500, 500, ike, sizeof(ike));

	lab_connect();
	for (uint16_t part = 0; part < 2; part++) {
		struct build b = build_in(bytes, sizeof(bytes));

		build_u16(&b, IPPROTO_FRAGMENT << 8);
		build_u16(&b, 0x0104);
		build_u32(&b, 0);
		build_u16(&b, IPPROTO_UDP << 8);
		build_u16(&b, part ? 32 : 1);
		build_u32(&b, 77);
		build_bytes(&b, data + 32 * part, part ? n - 32 : 32);
		receive(ours, IPPROTO_DSTOPTS, bytes, build_length(&b));
	}
	check_punted(PACKET_IKE, 500, ike, sizeof(ike));
	lab_disconnect();
}

static void test_refuses_overlaps(void **state)
{
	uint64_t overlaps = lab_drops(DROP_FRAGMENT_OVERLAP);
	uint64_t copies = lab_drops(DROP_FRAGMENT_DUPLICATE);
	uint8_t data[600] = {0};

	receive_fragment(ours, 1, 0, true, data, 400);
	receive_fragment(ours, 1, 0, true, data, 400);
	assert_int_equal(lab_drops(DROP_FRAGMENT_DUPLICATE) - copies, 1);
	receive_fragment(ours, 1, 392, true, data, 80);
	receive_fragment(ours, 1, 400, false, data, 80);
	assert_int_equal(lab_drops(DROP_FRAGMENT_OVERLAP) - overlaps, 3);
	assert_int_equal(lab.stats.worker[0].held + lab.stats.worker[1].held, 0);
}

// A source has a /64 and may use another address for each fragment: it has one share all the same.
static void test_bounds_a_source(void **state)
{
	uint64_t full = lab_drops(DROP_FRAGMENT_FULL);
	uint8_t data[64] = {0};
	char from[64];

	for (uint32_t i = 0; i < 2000; i++) {
		const struct lab6_ends ends = {from, US};

		snprintf(from, sizeof(from), "2001:db8:5:6::%x", i + 1);
		receive_fragment(ends, i, 0, true, data, 64);
	}
	assert_in_range(
		lab.stats.worker[0].held + lab.stats.worker[1].held, 10, LAB_POOL / 8 / 4 + 2);
	assert_true(lab_drops(DROP_FRAGMENT_FULL) - full > 1000);
	full = lab_drops(DROP_FRAGMENT_TIMEOUT);
	lab_expire();
	assert_int_equal(lab.stats.worker[0].held + lab.stats.worker[1].held, 0);
	assert_true(lab_drops(DROP_FRAGMENT_TIMEOUT) > full);
}

// Where every byte may be any: nothing breaks and nothing is lost from the books.
static void test_noise(void **state)
{
	uint8_t good[4][LAB_FRAME], frame[LAB_FRAME], data[LAB_FRAME] = {IPPROTO_UDP, 0, 0, 1};
	size_t length[4], n;

	srand(7);
	lab_connect();
	n = lab6_udp(data, ours, 4500, 4500, "aaaabbbbccccddddeeee", 20);
	length[0] = lab6_frame(good[0], LAB_SUB, IPPROTO_UDP, ours, data, (uint16_t)n);
	n = lab6_udp(data, ours, 1701, 1701, "aaaabbbbccccddddeeee", 20);
	length[1] = lab6_frame(good[1], LAB_SUB, IPPROTO_UDP, ours, data, (uint16_t)n);
	length[2] = lab6_frame(
		good[2], LAB_SUB, IPPROTO_ICMPV6, ours, data, (uint16_t)lab6_echo(data, ours, 40));
	length[3] = lab6_frame(good[3], LAB_SUB, IPPROTO_FRAGMENT, ours,
		(const uint8_t[]){IPPROTO_UDP, 0, 0, 1, 0, 0, 0, 1, [79] = 1}, 80);
	for (int i = 0; i < 40000; i++) {
		int which = rand() % 4;

		n = length[which];
		memcpy(frame, good[which], n);
		for (int j = rand() % 4; j > 0; j--)
			frame[14 + (size_t)rand() % (n - 14)] = (uint8_t)rand();
		if (rand() % 8 == 0)
			n = (size_t)rand() % n + 1;
		lab_receive(LAB_SUB, (uint16_t)(rand() % 2), frame, n);
		if (i % 16)
			continue;
		lab_run();
		lab_forget();
		assert_true(lab_balanced());
		while (ring_front(&lab.far.punt[0]))
			ring_pop(&lab.far.punt[0]);
	}
	for (int i = 0; i < 20; i++)
		lab_second();
	lab_disconnect();
}

int main(void)
{
#define BOOKS(test) cmocka_unit_test_teardown(test, check_books)
	const struct CMUnitTest tests[] = {
		BOOKS(test_refuses_addresses),
		BOOKS(test_refuses_headers),
		BOOKS(test_refuses_many_headers),
		BOOKS(test_refuses_truncations),
		BOOKS(test_punts),
		BOOKS(test_joins_fragments),
		BOOKS(test_joins_behind_options),
		BOOKS(test_refuses_overlaps),
		BOOKS(test_bounds_a_source),
		BOOKS(test_noise),
	};

	return cmocka_run_group_tests(tests, start, lab_stop);
}

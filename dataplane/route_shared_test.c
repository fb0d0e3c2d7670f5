// SPDX-License-Identifier: Apache-2.0

// Routes with several next hops: every flow takes one of them, each of them its share, and when one
// dies its flows alone move, and come back.

#include "dataplane/ip6.h"
#include "dataplane/test_lab6.h"
#include "dataplane/test_tunnel.h"

#include <errno.h>
#include <netinet/in.h>
#include <rte_ether.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
	HOPS = 4,
	FLOWS = 400,
	FIRST = 20, // host number of the first next hop
	DEAD = 2,
	GOOD_S = NEIGHBOUR_GOOD_S + NEIGHBOUR_TRIES + 2, // until nobody answers for long enough
};

#define FAR  LAB_IP(203, 0, 113, 0)
#define FAR6 "2001:db8:f::%x"

static struct ip_address v6(const char *text)
{
	struct ip_address a;

	address_parse(text, &a);
	return a;
}

static void hop_name(uint8_t n, char *out)
{
	snprintf(out, ADDRESS_TEXT, "2001:db8:0:2::%x", n);
}

static void answer(uint8_t n)
{
	char name[ADDRESS_TEXT];

	hop_name(n, name);
	lab_neighbour(LAB_NET, n, LAB_IP(198, 51, 100, n));
	lab6_neighbour(LAB_NET, n, name, LAB_NET6);
}

static struct config_route shared4(void)
{
	struct config_route c = {
		.to = {.address = address_from_u32(FAR), .length = 24}, .via_count = HOPS};

	for (uint8_t i = 0; i < HOPS; i++)
		c.via[i] = address_from_u32(LAB_IP(198, 51, 100, FIRST + i));
	return c;
}

static struct config_route shared6(void)
{
	struct config_route c = {
		.to = {.address = v6("2001:db8:f::"), .length = 48}, .via_count = HOPS};
	char name[ADDRESS_TEXT];

	for (uint8_t i = 0; i < HOPS; i++) {
		hop_name(FIRST + i, name);
		c.via[i] = v6(name);
	}
	return c;
}

static int start(void **state)
{
	struct config_route four, six;

	if (lab_start(state) < 0 ||
		tunnel_pair(ESP_CIPHER_AES_GCM_128, ESP_INTEGRITY_NONE, ESP_PLAIN) ||
		tunnel_sessions() || tunnel_routes())
		return -1;
	four = shared4();
	six = shared6();
	return route_add_static(lab.routes, &four) || route_add_static(lab.routes, &six);
}

static int check_books(void **state)
{
	lab_run();
	for (int i = 0; lab_forget(), lab_packets_out() && i < 10; i++)
		lab_second();
	return lab_balanced() && lab_packets_out() == 0 ? 0 : -1;
}

// ---- one packet of a flow

static void receive(uint16_t protocol, const void *ip, uint16_t length)
{
	uint8_t frame[LAB_FRAME];
	struct build b = build_in(frame, sizeof(frame));

	lab_ether(&b, LAB_SUB, 9, RTE_ETHER_TYPE_IPV4);
	lab_ip4(&b, IPPROTO_UDP, CLIENT, US_SUB, 8 + 6 + 4 + length, 64, 0);
	lab_udp(&b, PORT_L2TP, PORT_L2TP, 6 + 4 + length);
	build_u16(&b, 0x0002);
	build_u16(&b, TUNNEL_CLEAR);
	build_u16(&b, SESSION_CLEAR + SESSION_ID);
	build_u32(&b, 0xff030000 | protocol);
	build_bytes(&b, ip, length);
	lab_receive(LAB_SUB, 0, frame, build_length(&b));
}

static void send4(uint32_t flow)
{
	uint8_t ip[64];
	struct build b = build_in(ip, sizeof(ip));

	lab_ip4(&b, IPPROTO_UDP, OTHER, FAR + flow % 200, 8, 64, 0);
	lab_udp(&b, (uint16_t)(1000 + flow), 53, 0);
	receive(0x21, ip, (uint16_t)build_length(&b));
}

static void send6(uint32_t flow)
{
	char to[ADDRESS_TEXT];
	uint8_t ip[64];
	struct build b = build_in(ip, sizeof(ip));

	snprintf(to, sizeof(to), FAR6, flow % 200);
	lab6_header(&b, IPPROTO_UDP, (struct lab6_ends){OTHER6, to}, 8, 64);
	lab_udp(&b, (uint16_t)(1000 + flow), 53, 0);
	receive(0x57, ip, (uint16_t)build_length(&b));
}

// The next hop that it took, 0 = none.
static uint8_t way_of(void (*send)(uint32_t flow), uint32_t flow)
{
	uint8_t frame[LAB_FRAME], way = 0;

	send(flow);
	lab_run();
	while (lab_sent(LAB_NET, frame))
		if (frame[12] == 0x08 ? frame[23] == IPPROTO_UDP : frame[20] == IPPROTO_UDP)
			way = frame[5];
	return way;
}

static void ways(void (*send)(uint32_t flow), uint8_t *out)
{
	for (uint32_t flow = 0; flow < FLOWS; flow++)
		out[flow] = way_of(send, flow);
}

static void all_answer(void)
{
	for (uint8_t i = 0; i < HOPS; i++)
		answer(FIRST + i);
}

// ---- tests

static void check_shares(const uint8_t *way)
{
	unsigned count[HOPS] = {0};

	for (uint32_t flow = 0; flow < FLOWS; flow++) {
		assert_in_range(way[flow], FIRST, FIRST + HOPS - 1);
		count[way[flow] - FIRST]++;
	}
	for (int i = 0; i < HOPS; i++)
		assert_in_range(count[i], FLOWS / HOPS / 2, FLOWS / HOPS * 3 / 2);
}

static void check_one_dies(void (*send)(uint32_t flow))
{
	uint8_t before[FLOWS], without[FLOWS], after[FLOWS];

	all_answer();
	ways(send, before);
	check_shares(before);
	ways(send, after);
	assert_memory_equal(after, before, FLOWS); // each flow keeps its way
	for (int s = 0; s < GOOD_S; s++) {
		for (uint8_t i = 0; i < HOPS; i++)
			if (i != DEAD)
				answer(FIRST + i);
		way_of(send, 0); // the route is in use
		lab_second();
		lab_forget();
	}
	ways(send, without); // one of them may have the clerk ask again
	ways(send, without);
	for (uint32_t flow = 0; flow < FLOWS; flow++) {
		assert_int_not_equal(without[flow], 0);
		assert_int_not_equal(without[flow], FIRST + DEAD);
		if (before[flow] != FIRST + DEAD)
			assert_int_equal(without[flow], before[flow]);
	}
	answer(FIRST + DEAD);
	ways(send, after);
	assert_memory_equal(after, before, FLOWS);
}

static void test_one_dies(void **state)
{
	check_one_dies(send4);
}

static void test_one_dies6(void **state)
{
	check_one_dies(send6);
}

static void test_all_of_a_link_down(void **state)
{
	uint64_t before = lab_drops(DROP_TX_LINK);

	all_answer();
	assert_int_not_equal(way_of(send6, 1), 0);
	lab.port[LAB_NET].up = false;
	assert_int_equal(way_of(send6, 1), 0);
	lab.port[LAB_NET].up = true;
	assert_int_equal(lab_drops(DROP_TX_LINK), before + 1);
	assert_int_not_equal(way_of(send6, 1), 0);
}

// All fragments of a datagram take one way, the one with the ports as well.
static void test_fragments_stay_together(void **state)
{
	all_answer();
	for (uint32_t flow = 0; flow < 50; flow++) {
		uint8_t first = 0;

		for (uint16_t at = 0; at < 3; at++) {
			uint8_t ip[64], frame[LAB_FRAME];
			struct build b = build_in(ip, sizeof(ip));

			lab_ip4(&b, IPPROTO_UDP, OTHER, FAR + flow, 16, 64,
				(uint16_t)(at * 2 | (at < 2 ? 0x2000 : 0)));
			lab_udp(&b, (uint16_t)(flow * 7 + at), 53, 8);
			build_zero(&b, 8);
			receive(0x21, ip, (uint16_t)build_length(&b));
			lab_run();
			assert_true(lab_sent(LAB_NET, frame) > 0);
			first = at ? first : frame[5];
			assert_int_equal(frame[5], first);
		}
	}
}

static void test_refusals(void **state)
{
	struct config_route c = shared6();

	c.to.address = v6("2001:db8:e::");
	c.via[1] = v6("2001:db8:0:1::7"); // the subscriber side
	assert_int_equal(route_add_static(lab.routes, &c), -EINVAL);
	c.via[1] = address_from_u32(HOST);
	assert_int_equal(route_add_static(lab.routes, &c), -EINVAL);
	c.via[1] = v6("2001:db8:9::7");
	assert_int_equal(route_add_static(lab.routes, &c), -ENETUNREACH);
	c.via[1] = v6("fe80::7");
	assert_int_equal(route_add_static(lab.routes, &c), -ENETUNREACH);
	snprintf(c.port, sizeof(c.port), "net");
	assert_int_equal(route_add_static(lab.routes, &c), 0);
	assert_int_equal(route_add_static(lab.routes, &c), -EEXIST);
	c.via_count = CONFIG_HOPS + 1;
	assert_int_equal(route_add_static(lab.routes, &c), -EINVAL);
}

int main(void)
{
#define BOOKS(test) cmocka_unit_test_teardown(test, check_books)
	const struct CMUnitTest tests[] = {
		BOOKS(test_one_dies),
		BOOKS(test_one_dies6),
		BOOKS(test_all_of_a_link_down),
		BOOKS(test_fragments_stay_together),
		BOOKS(test_refusals),
	};

	return cmocka_run_group_tests(tests, start, lab_stop);
}

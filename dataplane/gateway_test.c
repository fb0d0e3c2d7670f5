// SPDX-License-Identifier: Apache-2.0

// The dataplane from frame to frame, without a tunnel: neighbours, ICMP, IKE both ways, routing,
// drops by name, and the sum of the counters under packets without sense.

#include "dataplane/test_lab.h"

#include <rte_ether.h>
#include <rte_ip.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CLIENT  LAB_IP(192, 0, 2, 10)
#define US_SUB  LAB_IP(192, 0, 2, 1)
#define HOST    LAB_IP(198, 51, 100, 10)
#define US_NET  LAB_IP(198, 51, 100, 1)
#define ROUTER  LAB_IP(198, 51, 100, 254)
#define US_PPP  LAB_IP(100, 64, 0, 1)
#define FAR_OFF LAB_IP(203, 0, 113, 5)

static uint32_t u32_at(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

static uint16_t u16_at(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

// Every test leaves the books in order and no packet behind.
static int check_books(void **state)
{
	lab_expire();
	lab_forget();
	lab_disconnect();
	return lab_balanced() && lab_packets_out() == 0 ? 0 : -1;
}

static void test_answers_arp(void **state)
{
	uint8_t frame[LAB_FRAME];

	lab_receive(LAB_SUB, 0, frame, lab_arp_frame(frame, LAB_SUB, 9, 1, CLIENT, US_SUB));
	lab_run();
	assert_int_equal(lab_sent(LAB_SUB, frame), 42);
	assert_memory_equal(frame, ((uint8_t[]){2, 0, 0, 0, 0, 9}), 6);
	assert_memory_equal(frame + 6, &lab.port[LAB_SUB].mac, 6);
	assert_int_equal(u16_at(frame + 20), 2);
	assert_int_equal(u32_at(frame + 28), US_SUB);
	assert_int_equal(u32_at(frame + 38), CLIENT);
	assert_int_equal(neighbours_count(lab.resolver.neighbours, LAB_SUB), 1);
}

static void test_refuses_arp(void **state)
{
	uint8_t frame[LAB_FRAME];
	uint64_t before = lab_drops(DROP_ARP_INVALID);
	size_t n;

	// Not from the network of the port, cut off, and with a group address as the sender.
	lab_receive(LAB_SUB, 0, frame, lab_arp_frame(frame, LAB_SUB, 9, 1, HOST, US_SUB));
	lab_receive(LAB_SUB, 0, frame, lab_arp_frame(frame, LAB_SUB, 9, 1, CLIENT, US_SUB) - 24);
	n = lab_arp_frame(frame, LAB_SUB, 9, 1, CLIENT, US_SUB);
	frame[22] |= 1;
	lab_receive(LAB_SUB, 0, frame, n);
	lab_run();
	assert_int_equal(lab_sent(LAB_SUB, frame), 0);
	assert_int_equal(lab_drops(DROP_ARP_INVALID) - before, 3);
}

static void check_echo(uint16_t port, uint32_t source, uint32_t own, uint16_t length)
{
	uint8_t frame[LAB_FRAME];
	size_t n = lab_echo_frame(frame, port, source, own, length, 3);

	lab_receive(port, 1, frame, n);
	lab_run();
	assert_int_equal(lab_sent(port, frame), n);
	assert_int_equal(frame[22], 64);
	assert_int_equal(u32_at(frame + 26), own);
	assert_int_equal(u32_at(frame + 30), source);
	assert_int_equal(frame[34], 0);
	assert_int_equal(rte_raw_cksum(frame + 14, 20), 0xffff);
	assert_int_equal(rte_raw_cksum(frame + 34, 8 + length), 0xffff);
}

static void test_answers_echo(void **state)
{
	lab_neighbour(LAB_SUB, 9, CLIENT);
	lab_neighbour(LAB_NET, 9, HOST);
	check_echo(LAB_SUB, CLIENT, US_SUB, 56);
	check_echo(LAB_NET, HOST, US_NET, 1472);
	check_echo(LAB_NET, HOST, US_PPP, 1);
}

// The answer to a host behind a router waits for the router's address, not for the host's.
static void test_resolves_the_router(void **state)
{
	uint8_t frame[LAB_FRAME];
	size_t n = lab_echo_frame(frame, LAB_NET, FAR_OFF, US_NET, 56, 64);

	lab_receive(LAB_NET, 0, frame, n);
	lab_run();
	assert_int_equal(lab_sent(LAB_NET, frame), 42);
	assert_true(rte_is_broadcast_ether_addr((const struct rte_ether_addr *)frame));
	assert_int_equal(u32_at(frame + 28), US_NET);
	assert_int_equal(u32_at(frame + 38), ROUTER);
	assert_int_equal(lab_sent(LAB_NET, frame), 0);
	lab_receive(LAB_NET, 0, frame, lab_arp_frame(frame, LAB_NET, 7, 2, ROUTER, US_NET));
	lab_run();
	assert_int_equal(lab_sent(LAB_NET, frame), n);
	assert_memory_equal(frame, ((uint8_t[]){2, 0, 0, 0, 0, 7}), 6);
	assert_int_equal(u32_at(frame + 30), FAR_OFF);
}

// One that never answers: asked three times, then its packets are dropped at once for a while.
static void test_gives_up(void **state)
{
	uint8_t frame[LAB_FRAME];
	uint32_t nobody = LAB_IP(198, 51, 100, 77);
	uint64_t lost = lab_drops(DROP_NEIGHBOUR_LOST), full = lab_drops(DROP_NEIGHBOUR_FULL);
	size_t n = lab_echo_frame(frame, LAB_NET, nobody, US_NET, 8, 64);
	int asked = 0;

	for (int i = 0; i < NEIGHBOUR_WAITING + 4; i++)
		lab_receive(LAB_NET, 0, frame, n);
	lab_run();
	assert_int_equal(lab_drops(DROP_NEIGHBOUR_FULL) - full, 4);
	for (int i = 0; i < 4; i++)
		lab_second();
	while (lab_sent(LAB_NET, frame))
		asked++;
	assert_int_equal(asked, NEIGHBOUR_TRIES);
	assert_int_equal(lab_drops(DROP_NEIGHBOUR_LOST) - lost, NEIGHBOUR_WAITING);
	n = lab_echo_frame(frame, LAB_NET, nobody, US_NET, 8, 64);
	lab_receive(LAB_NET, 0, frame, n);
	lab_run();
	assert_int_equal(lab_drops(DROP_NEIGHBOUR_LOST) - lost, NEIGHBOUR_WAITING + 1);
	assert_int_equal(lab_sent(LAB_NET, frame), 0);
	for (int i = 0; i < NEIGHBOUR_LOST_S; i++)
		lab_second();
	n = lab_echo_frame(frame, LAB_NET, nobody, US_NET, 8, 64);
	lab_receive(LAB_NET, 0, frame, n);
	lab_run();
	assert_int_equal(lab_sent(LAB_NET, frame), 42); // asked anew
	for (int i = 0; i < 10; i++)
		lab_second();
}

// Used ones are asked again by unicast when their time is over; unused ones are forgotten.
static void test_refreshes(void **state)
{
	uint8_t frame[LAB_FRAME];
	uint32_t used = LAB_IP(198, 51, 100, 20);
	uint32_t before;

	for (int i = 0; i < 3 * NEIGHBOUR_GOOD_S; i++)
		lab_second();
	lab_forget();
	before = neighbours_count(lab.resolver.neighbours, LAB_NET);
	assert_int_equal(before, 0);
	lab_neighbour(LAB_NET, 20, used);
	for (int i = 0; i < NEIGHBOUR_GOOD_S; i++)
		lab_second();
	assert_int_equal(lab_sent(LAB_NET, frame), 42);
	assert_memory_equal(frame, ((uint8_t[]){2, 0, 0, 0, 0, 20}), 6);
	lab_receive(LAB_NET, 0, frame, lab_arp_frame(frame, LAB_NET, 20, 2, used, US_NET));
	lab_run();
	assert_int_equal(neighbours_count(lab.resolver.neighbours, LAB_NET), 1);
	for (int i = 0; i < NEIGHBOUR_GOOD_S; i++)
		lab_second();
	assert_int_equal(neighbours_count(lab.resolver.neighbours, LAB_NET), 0);
}

static void test_drops_by_name(void **state)
{
	static const struct {
		enum drop reason;
		uint16_t port;
		uint32_t source, destination;
		uint8_t protocol, ttl;
		uint16_t fragment;
	} cases[] = {
		{DROP_IP4_SOURCE, LAB_SUB, LAB_IP(127, 0, 0, 1), US_SUB, 17, 64, 0},
		{DROP_IP4_SOURCE, LAB_SUB, 0, US_SUB, 17, 64, 0},
		{DROP_IP4_SOURCE, LAB_SUB, LAB_IP(224, 0, 0, 5), US_SUB, 17, 64, 0},
		{DROP_IP4_SOURCE, LAB_SUB, US_SUB, US_SUB, 17, 64, 0},
		{DROP_IP4_TTL, LAB_SUB, CLIENT, US_SUB, 17, 0, 0},
		{DROP_IP4_FRAGMENT, LAB_SUB, CLIENT, US_SUB, 1, 64, 0x2000},
		{DROP_IP4_FRAGMENT, LAB_NET, HOST, US_NET, 17, 64, 0x0010},
		{DROP_FRAGMENT_TINY, LAB_SUB, CLIENT, US_SUB, 17, 64, 0x0001},
		{DROP_FRAGMENT_INVALID, LAB_SUB, CLIENT, US_SUB, 17, 64, 0x1fff},
		{DROP_IP4_PROTOCOL, LAB_SUB, CLIENT, US_SUB, 6, 64, 0},
		{DROP_IP4_PROTOCOL, LAB_NET, HOST, US_NET, 50, 64, 0},
		{DROP_UDP_PORT, LAB_NET, HOST, US_NET, 17, 64, 0},
		{DROP_UDP_INVALID, LAB_SUB, CLIENT, US_SUB, 17, 64, 0},
		{DROP_ROUTE_NONE, LAB_SUB, CLIENT, FAR_OFF, 17, 64, 0},
		{DROP_ROUTE_NONE, LAB_NET, HOST, LAB_IP(239, 1, 2, 3), 17, 64, 0},
		{DROP_ROUTE_LOOP, LAB_NET, HOST, FAR_OFF, 17, 64, 0},
		{DROP_ROUTE_LOOP, LAB_NET, HOST, LAB_IP(198, 51, 100, 99), 17, 64, 0},
		{DROP_ESP_SPI, LAB_SUB, CLIENT, US_SUB, 50, 64, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t before = lab_drops(cases[i].reason);
		uint8_t frame[LAB_FRAME];
		struct build b = build_in(frame, sizeof(frame));

		lab_ether(&b, cases[i].port, 9, RTE_ETHER_TYPE_IPV4);
		lab_ip4(&b, cases[i].protocol, cases[i].source, cases[i].destination, 64,
			cases[i].ttl, cases[i].fragment);
		build_zero(&b, 64);
		memset(frame + 34, 0x11, cases[i].protocol == 50 ? 64 : 0);
		lab_receive(cases[i].port, i % 2, frame, build_length(&b));
		lab_run();
		if (lab_drops(cases[i].reason) - before != 1)
			fail_msg("case %zu: not dropped as %s", i, drop_word(cases[i].reason));
	}
}

static void test_drops_frames(void **state)
{
	uint64_t shorter = lab_drops(DROP_ETHERNET_SHORT), type = lab_drops(DROP_ETHERNET_TYPE);
	uint64_t address = lab_drops(DROP_ETHERNET_ADDRESS), v6 = lab_drops(DROP_IP6_INVALID);
	uint64_t sum = lab_drops(DROP_IP4_CHECKSUM), invalid = lab_drops(DROP_IP4_INVALID);
	uint8_t frame[LAB_FRAME] = {0};
	size_t n = lab_echo_frame(frame, LAB_SUB, CLIENT, US_SUB, 56, 64);

	lab_receive(LAB_SUB, 0, frame, 13);
	lab_receive(LAB_SUB, 0, frame, n - 1); // shorter than it says
	frame[24] ^= 1;
	lab_receive(LAB_SUB, 0, frame, n);
	frame[14] = 0x65;
	lab_receive(LAB_SUB, 0, frame, n);
	frame[12] = 0x86, frame[13] = 0xdd;
	lab_receive(LAB_SUB, 0, frame, n);
	frame[12] = 0x88, frame[13] = 0x63;
	lab_receive(LAB_SUB, 0, frame, n);
	frame[5] ^= 1;
	lab_receive(LAB_SUB, 0, frame, n);
	lab_run();
	assert_int_equal(lab_drops(DROP_ETHERNET_SHORT) - shorter, 1);
	assert_int_equal(lab_drops(DROP_IP4_INVALID) - invalid, 2);
	assert_int_equal(lab_drops(DROP_IP4_CHECKSUM) - sum, 1);
	assert_int_equal(lab_drops(DROP_IP6_INVALID) - v6, 1);
	assert_int_equal(lab_drops(DROP_ETHERNET_TYPE) - type, 1);
	assert_int_equal(lab_drops(DROP_ETHERNET_ADDRESS) - address, 1);
}

// A packet of the network whose time to live ends here: its sender hears of it.
static void test_time_exceeded(void **state)
{
	struct command_route c = {.kind = NEXT_HOP_SESSION, .session = 1};
	uint8_t frame[LAB_FRAME];

	lab_neighbour(LAB_NET, 9, HOST);
	c.prefix.address = address_from_u32(LAB_IP(100, 64, 0, 9));
	c.prefix.length = 32;
	assert_int_equal(route_add(lab.routes, &c), 0);
	lab_receive(LAB_NET, 0, frame,
		lab_echo_frame(frame, LAB_NET, HOST, LAB_IP(100, 64, 0, 9), 56, 1));
	lab_run();
	assert_true(lab_sent(LAB_NET, frame) > 34);
	assert_int_equal(u32_at(frame + 26), US_NET);
	assert_int_equal(u32_at(frame + 30), HOST);
	assert_int_equal(frame[34], 11);
	assert_int_equal(route_delete(lab.routes, &c), 0);
}

static void test_punts_ike(void **state)
{
	uint8_t frame[LAB_FRAME], ike[64] = {0, 0, 0, 0, 0xaa};
	const struct packet *p;
	uint64_t closed = lab_drops(DROP_PUNT_CLOSED);

	memset(ike + 4, 0xaa, sizeof(ike) - 4);
	lab_receive(LAB_SUB, 0, frame,
		lab_udp_frame(frame, LAB_SUB, CLIENT, US_SUB, 500, 500, ike, sizeof(ike)));
	lab_run();
	assert_int_equal(lab_drops(DROP_PUNT_CLOSED) - closed, 1);

	lab_connect();
	lab_receive(LAB_SUB, 1, frame,
		lab_udp_frame(frame, LAB_SUB, CLIENT, US_SUB, 500, 500, ike, sizeof(ike)));
	lab_receive(LAB_SUB, 1, frame,
		lab_udp_frame(frame, LAB_SUB, CLIENT, US_SUB, 31000, 4500, ike, sizeof(ike)));
	lab_run();
	p = ring_front(&lab.far.punt[1]);
	assert_non_null(p);
	assert_int_equal(p->kind, PACKET_IKE);
	assert_int_equal(p->length, sizeof(ike));
	assert_int_equal(p->flags, 0);
	assert_int_equal(p->session, SESSION_NONE);
	assert_int_equal(p->local_port, 500);
	assert_int_equal(address_to_u32(&p->local), US_SUB);
	assert_int_equal(address_to_u32(&p->remote), CLIENT);
	assert_memory_equal(p->data, ike, sizeof(ike));
	ring_pop(&lab.far.punt[1]);
	p = ring_front(&lab.far.punt[1]);
	assert_non_null(p);
	assert_int_equal(p->flags, PACKET_NAT_T);
	assert_int_equal(p->remote_port, 31000);
	assert_int_equal(p->local_port, 4500);
	assert_int_equal(p->length, sizeof(ike) - 4);
	assert_memory_equal(p->data, ike + 4, sizeof(ike) - 4);
	ring_pop(&lab.far.punt[1]);
}

static void test_punt_bounds(void **state)
{
	static uint8_t large[LAB_FRAME];
	uint64_t full = lab_drops(DROP_PUNT_FULL), alive = lab_drops(DROP_NAT_KEEPALIVE);
	uint8_t frame[LAB_FRAME];
	size_t n;

	lab_connect();
	n = lab_udp_frame(frame, LAB_SUB, CLIENT, US_SUB, 4500, 4500, "\xff", 1);
	lab_receive(LAB_SUB, 0, frame, n);
	n = lab_udp_frame(frame, LAB_SUB, CLIENT, US_SUB, 500, 500, large, 100);
	for (int i = 0; i < LIMIT_RING_PACKETS + 10; i++) {
		lab_receive(LAB_SUB, 0, frame, n);
		lab_run();
	}
	assert_int_equal(lab_drops(DROP_NAT_KEEPALIVE) - alive, 1);
	assert_int_equal(lab_drops(DROP_PUNT_FULL) - full, 11);
}

static struct packet *inject_ike(uint16_t length)
{
	struct packet *p = ring_slot(&lab.far.inject[1]);

	assert_non_null(p);
	memset(p, 0, sizeof(*p));
	p->kind = PACKET_IKE;
	p->length = length;
	p->parts = 1;
	p->session = SESSION_NONE;
	p->local = address_from_u32(US_SUB);
	p->remote = address_from_u32(CLIENT);
	p->local_port = 500;
	p->remote_port = 500;
	memset(p->data, 0x5a, sizeof(p->data));
	return p;
}

static void test_injects_ike(void **state)
{
	uint8_t frame[LAB_FRAME];
	struct packet *p;

	lab_connect();
	lab_neighbour(LAB_SUB, 9, CLIENT);
	inject_ike(100);
	ring_push(&lab.far.inject[1]);
	p = inject_ike(100);
	p->local_port = 4500;
	p->remote_port = 31000;
	p->flags = PACKET_NAT_T;
	ring_push(&lab.far.inject[1]);
	p = inject_ike(1);
	p->kind = PACKET_NAT_KEEPALIVE;
	p->local_port = 4500;
	p->data[0] = 0xff;
	ring_push(&lab.far.inject[1]);
	lab_run();
	assert_int_equal(lab_sent(LAB_SUB, frame), 14 + 20 + 8 + 100);
	assert_int_equal(rte_raw_cksum(frame + 14, 20), 0xffff);
	assert_int_equal(u32_at(frame + 26), US_SUB);
	assert_int_equal(u16_at(frame + 34), 500);
	assert_int_not_equal(u16_at(frame + 40), 0);
	assert_int_equal(frame[42], 0x5a);
	assert_int_equal(lab_sent(LAB_SUB, frame), 14 + 20 + 8 + 4 + 100);
	assert_int_equal(u16_at(frame + 36), 31000);
	assert_int_equal(u32_at(frame + 42), 0);
	assert_int_equal(frame[46], 0x5a);
	assert_int_equal(lab_sent(LAB_SUB, frame), 14 + 20 + 8 + 1);
	assert_int_equal(frame[42], 0xff);
}

// What the control plane sends may be larger than the port: it leaves in fragments.
static void test_injects_fragments(void **state)
{
	uint8_t frame[LAB_FRAME];
	size_t first;

	lab_connect();
	lab_neighbour(LAB_SUB, 9, CLIENT);
	inject_ike(PACKET_DATA);
	ring_push(&lab.far.inject[1]);
	lab_run();
	first = lab_sent(LAB_SUB, frame);
	assert_true(first <= 1514 && first > 1400);
	assert_int_equal(u16_at(frame + 20), 0x2000);
	assert_int_equal(first - 34 + lab_sent(LAB_SUB, frame) - 34, PACKET_DATA + 8);
	assert_int_equal(u16_at(frame + 20), (first - 34) / 8);
	assert_int_equal(rte_raw_cksum(frame + 14, 20), 0xffff);
}

static void test_injects_nonsense(void **state)
{
	uint64_t invalid = lab_drops(DROP_INJECT_INVALID), stale = lab_drops(DROP_INJECT_STALE);
	uint8_t frame[LAB_FRAME];

	lab_connect();
	for (int i = 0; i < 12; i++) {
		struct packet *p = inject_ike(100);

		switch (i) {
		case 0:
			p->kind = 0;
			break;
		case 1:
			p->kind = 99;
			break;
		case 2:
			p->length = PACKET_DATA + 1;
			break;
		case 3:
			p->length = 0xffff;
			break;
		case 4:
			p->length = 27;
			break;
		case 5:
			p->local = address_from_u32(HOST);
			break;
		case 6:
			p->remote.version = 0;
			break;
		case 7:
			p->remote = address_from_u32(0);
			break;
		case 8:
			p->local_port = 0;
			break;
		case 9:
			p->kind = PACKET_NAT_KEEPALIVE;
			break;
		case 10:
			p->kind = PACKET_PPP;
			p->session = 7;
			break;
		case 11:
			p->kind = PACKET_L2TP;
			p->sa = 0x12345678;
			break;
		}
		ring_push(&lab.far.inject[1]);
	}
	lab_run();
	assert_int_equal(lab_drops(DROP_INJECT_INVALID) - invalid, 10);
	assert_int_equal(lab_drops(DROP_INJECT_STALE) - stale, 2);
	assert_int_equal(lab_sent(LAB_SUB, frame), 0);
}

// Where every byte may be any: nothing breaks and nothing is lost from the books.
static void test_noise(void **state)
{
	uint8_t good[4][LAB_FRAME], frame[LAB_FRAME], esp[80] = {0};
	size_t length[4];

	srand(7);
	memset(esp, 0x33, sizeof(esp));
	lab_connect();
	length[0] = lab_udp_frame(good[0], LAB_SUB, CLIENT, US_SUB, 4500, 4500, esp, sizeof(esp));
	length[1] = lab_udp_frame(good[1], LAB_SUB, CLIENT, US_SUB, 1701, 1701, esp, sizeof(esp));
	length[2] = lab_echo_frame(good[2], LAB_NET, HOST, US_NET, 40, 64);
	length[3] = lab_arp_frame(good[3], LAB_NET, 9, 1, HOST, US_NET);
	for (int i = 0; i < 40000; i++) {
		int which = rand() % 4;
		size_t n = length[which];

		memcpy(frame, good[which], n);
		for (int j = rand() % 4; j > 0; j--)
			frame[(size_t)rand() % n] = (uint8_t)rand();
		if (rand() % 8 == 0)
			n = (size_t)rand() % n + 1;
		if (rand() % 2 && n >= 34) { // so that what lies behind is reached
			frame[24] = frame[25] = 0;
			uint16_t sum = (uint16_t)~rte_raw_cksum(frame + 14, 20);
			memcpy(frame + 24, &sum, 2);
		}
		lab_receive(which / 2, (uint16_t)(rand() % 2), frame, n);
		if (i % 16 == 0) {
			lab_run();
			lab_forget();
			assert_true(lab_balanced());
		}
		while (ring_front(&lab.far.punt[0]))
			ring_pop(&lab.far.punt[0]);
	}
	for (int i = 0; i < 200; i++) {
		lab_run();
		lab_forget();
		lab_second();
	}
	assert_true(lab_balanced());
}

int main(void)
{
#define BOOKS(test) cmocka_unit_test_teardown(test, check_books)
	const struct CMUnitTest tests[] = {
		BOOKS(test_answers_arp),
		BOOKS(test_refuses_arp),
		BOOKS(test_answers_echo),
		BOOKS(test_resolves_the_router),
		BOOKS(test_gives_up),
		BOOKS(test_refreshes),
		BOOKS(test_drops_by_name),
		BOOKS(test_drops_frames),
		BOOKS(test_time_exceeded),
		BOOKS(test_punts_ike),
		BOOKS(test_punt_bounds),
		BOOKS(test_injects_ike),
		BOOKS(test_injects_fragments),
		BOOKS(test_injects_nonsense),
		BOOKS(test_noise),
	};

	return cmocka_run_group_tests(tests, lab_start, lab_stop);
}

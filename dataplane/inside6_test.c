// SPDX-License-Identifier: Apache-2.0

// Subscribers' IPv6 packets from frame to frame, through a tunnel with ESP and one without, mixed
// with IPv4, with the sum of the counters checked after every test.

#include "dataplane/checksum.h"
#include "dataplane/ip6.h"
#include "dataplane/test_lab6.h"
#include "dataplane/test_tunnel.h"

#include <rte_ether.h>
#include <rte_ip.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { IP_AT = 14, L2TP_FRONT = 14 + 20 + 8 + 6, PROTOCOL = 253 };

static int start(void **state)
{
	if (lab_start(state) < 0 ||
		tunnel_pair(ESP_CIPHER_AES_GCM_128, ESP_INTEGRITY_NONE, ESP_PLAIN) ||
		tunnel_sessions() || tunnel_routes())
		return -1;
	lab_neighbour(LAB_SUB, 9, CLIENT);
	lab_neighbour(LAB_NET, 9, HOST);
	lab6_neighbour(LAB_NET, 9, HOST6, LAB_NET6);
	return 0;
}

static int check_books(void **state)
{
	lab_run();
	lab_forget();
	return lab_balanced() && lab_packets_out() == 0 ? 0 : -1;
}

// ---- what the clients send

// UDP and L2TP in front of a PPP frame with that IPv6 packet; returns the length.
static size_t l2tp_data(
	uint8_t *out, uint16_t tunnel, uint32_t session, const void *ip, uint16_t length)
{
	struct build b = build_in(out, LAB_FRAME);

	lab_udp(&b, PORT_L2TP, PORT_L2TP, 6 + 4 + length);
	build_u16(&b, 0x0002);
	build_u16(&b, tunnel);
	build_u16(&b, (uint16_t)(session + SESSION_ID));
	build_u32(&b, 0xff030057);
	build_bytes(&b, ip, length);
	return build_length(&b);
}

static void receive_outer(uint16_t queue, uint8_t protocol, const void *data, size_t length)
{
	uint8_t frame[LAB_FRAME];
	struct build b = build_in(frame, sizeof(frame));

	lab_ether(&b, LAB_SUB, 9, RTE_ETHER_TYPE_IPV4);
	lab_ip4(&b, protocol, CLIENT, US_SUB, (uint16_t)length, 64, 0);
	build_bytes(&b, data, length);
	lab_receive(LAB_SUB, queue, frame, build_length(&b));
}

static void clear_client_sends(uint16_t queue, const void *ip, size_t length)
{
	uint8_t data[LAB_FRAME];
	size_t n = l2tp_data(data, TUNNEL_CLEAR, SESSION_CLEAR, ip, (uint16_t)length);

	receive_outer(queue, IPPROTO_UDP, data, n);
}

static void client_sends(uint16_t queue, const void *ip, size_t length)
{
	uint8_t data[LAB_FRAME], sealed[LAB_FRAME];
	size_t n = l2tp_data(data, TUNNEL, SESSION, ip, (uint16_t)length);

	n = tunnel_seal(data, n, sealed);
	assert_true(n > 0);
	receive_outer(queue, IPPROTO_ESP, sealed, n);
}

static size_t packet(uint8_t *out, const char *from, const char *to, uint16_t length, uint8_t hops)
{
	struct build b = build_in(out, LAB_FRAME);

	lab6_header(&b, PROTOCOL, (struct lab6_ends){from, to}, length, hops);
	build_zero(&b, length);
	return build_length(&b);
}

static void other_sends(const char *from, const char *to, uint16_t length, uint8_t hops)
{
	uint8_t ip[LAB_FRAME];

	clear_client_sends(0, ip, packet(ip, from, to, length, hops));
}

static void host_sends(uint16_t queue, const char *from, const char *to, uint16_t length)
{
	uint8_t frame[LAB_FRAME], data[LAB_FRAME] = {0};

	lab_receive(LAB_NET, queue, frame,
		lab6_frame(frame, LAB_NET, PROTOCOL, (struct lab6_ends){from, to}, data, length));
}

static void host_sends4(uint16_t queue, uint32_t to, uint16_t length)
{
	uint8_t frame[LAB_FRAME];
	struct build b = build_in(frame, sizeof(frame));

	lab_ether(&b, LAB_NET, 9, RTE_ETHER_TYPE_IPV4);
	lab_ip4(&b, PROTOCOL, HOST, to, length, 64, 0);
	build_zero(&b, length);
	lab_receive(LAB_NET, queue, frame, build_length(&b));
}

// ---- what comes out

static bool address_is(const uint8_t *a, const char *text)
{
	uint8_t other[16];

	lab6_address(text, other);
	return memcmp(a, other, sizeof(other)) == 0;
}

static unsigned count_sent(uint16_t port)
{
	uint8_t frame[LAB_FRAME];
	unsigned count = 0;

	while (lab_sent(port, frame))
		count++;
	return count;
}

// The IPv6 packet in a frame of the clear session that the subscriber port sent, and its length.
static const uint8_t *clear_inner(uint8_t *frame, size_t *length)
{
	size_t n = lab_sent(LAB_SUB, frame);

	assert_true(n > L2TP_FRONT + 4 + IP6_HEADER);
	assert_int_equal(frame[23], IPPROTO_UDP);
	assert_memory_equal(frame + L2TP_FRONT, "\xff\x03\x00\x57", 4);
	*length = n - L2TP_FRONT - 4;
	assert_int_equal(frame[L2TP_FRONT + 8] << 8 | frame[L2TP_FRONT + 9], *length - IP6_HEADER);
	return frame + L2TP_FRONT + 4;
}

// An ICMPv6 error, or an echo reply, into the clear session.
static void check_icmp(const char *from, uint8_t type, uint32_t field)
{
	uint8_t frame[LAB_FRAME];
	size_t n;
	const uint8_t *ip = clear_inner(frame, &n);

	assert_true(address_is(ip + 8, from));
	assert_true(address_is(ip + 24, OTHER6));
	assert_int_equal(ip[6], IPPROTO_ICMPV6);
	assert_int_equal(ip[40], type);
	assert_true(checksum_upper6_ok(
		ip + 8, ip + 24, IPPROTO_ICMPV6, ip + 40, (uint16_t)(n - IP6_HEADER)));
	if (field)
		assert_int_equal(ip[46] << 8 | ip[47], field);
}

static void check_drop(enum drop reason, const char *from, const char *to)
{
	uint64_t before = lab_drops(reason);

	other_sends(from, to, 100, 64);
	lab_run();
	assert_int_equal(lab_drops(reason), before + 1);
	assert_int_equal(count_sent(LAB_NET) + count_sent(LAB_SUB), 0);
}

// ---- tests

static void test_uplink(void **state)
{
	uint8_t frame[LAB_FRAME], ip[LAB_FRAME];
	size_t n = packet(ip, INNER6, HOST6, 100, 64);

	client_sends(0, ip, n);
	lab_run();
	assert_int_equal(lab_sent(LAB_NET, frame), IP_AT + n);
	assert_memory_equal(frame, ((uint8_t[]){2, 0, 0, 0, 0, 9}), 6);
	assert_memory_equal(frame + 12, ((uint8_t[]){0x86, 0xdd}), 2);
	ip[7]--;
	assert_memory_equal(frame + IP_AT, ip, n);
	other_sends(OTHER6, HOST6, 100, 64);
	lab_run();
	assert_int_equal(lab_sent(LAB_NET, frame), IP_AT + n);
}

static void test_downlink(void **state)
{
	uint8_t frame[LAB_FRAME];
	const uint8_t *ip;
	size_t n;

	host_sends(0, HOST6, OTHER6, 100);
	lab_run();
	ip = clear_inner(frame, &n);
	assert_int_equal(n, 140);
	assert_int_equal(ip[7], 63);
	assert_true(address_is(ip + 24, OTHER6));
	host_sends(1, HOST6, INNER6, 100);
	lab_run();
	assert_true(lab_sent(LAB_SUB, frame) > 200);
	assert_int_equal(frame[23], IPPROTO_ESP);
}

static void test_subscriber_to_subscriber(void **state)
{
	uint8_t frame[LAB_FRAME], ip[LAB_FRAME];
	const uint8_t *inner;
	size_t n = packet(ip, INNER6, OTHER6, 100, 64);

	client_sends(1, ip, n);
	lab_run();
	inner = clear_inner(frame, &n);
	assert_int_equal(inner[7], 63);
	other_sends(OTHER6, INNER6, 100, 64);
	lab_run();
	assert_true(lab_sent(LAB_SUB, frame) > 100);
	assert_int_equal(frame[23], IPPROTO_ESP);
}

static void test_spoofed(void **state)
{
	check_drop(DROP_SUBSCRIBER_SOURCE, INNER6, HOST6);
	check_drop(DROP_SUBSCRIBER_SOURCE, HOST6, HOST6);
	check_drop(DROP_SUBSCRIBER_SOURCE, "fe80::1", HOST6);
	check_drop(DROP_SUBSCRIBER_DESTINATION, OTHER6, "ff02::1");
	check_drop(DROP_SUBSCRIBER_DESTINATION, OTHER6, "fe80::1");
	check_drop(DROP_SUBSCRIBER_DESTINATION, OTHER6, "::1");
}

static void test_hop_limit(void **state)
{
	uint64_t before = lab_drops(DROP_IP6_HOP_LIMIT);

	other_sends(OTHER6, HOST6, 100, 1);
	lab_run();
	assert_int_equal(lab_drops(DROP_IP6_HOP_LIMIT), before + 1);
	assert_int_equal(count_sent(LAB_NET), 0);
	check_icmp(LAB_NET6, 3, 0);
	assert_int_equal(count_sent(LAB_SUB), 0);
}

// Into a session: the network's host is told. Out of one: the subscriber.
static void test_too_big(void **state)
{
	uint8_t frame[LAB_FRAME];
	uint16_t was = lab.port[LAB_NET].mtu;
	size_t n;

	host_sends(0, HOST6, OTHER6, 1361);
	lab_run();
	n = lab_sent(LAB_NET, frame);
	assert_int_equal(n, IP_AT + 1280);
	assert_int_equal(frame[IP_AT + 40], 2);
	assert_int_equal(frame[IP_AT + 46] << 8 | frame[IP_AT + 47], 1400);
	assert_true(address_is(frame + IP_AT + 24, HOST6));
	assert_int_equal(count_sent(LAB_SUB), 0);
	host_sends(0, HOST6, OTHER6, 1360);
	lab_run();
	assert_int_equal(count_sent(LAB_SUB), 1);
	lab.port[LAB_NET].mtu = 1300;
	other_sends(OTHER6, HOST6, 1261, 64);
	lab_run();
	lab.port[LAB_NET].mtu = was;
	assert_int_equal(count_sent(LAB_NET), 0);
	check_icmp(LAB_NET6, 2, 1300);
}

static void test_echo_of_an_own_address(void **state)
{
	const struct lab6_ends ends = {OTHER6, LAB_NET6};
	uint8_t ip[LAB_FRAME], echo[LAB_FRAME];
	struct build b = build_in(ip, sizeof(ip));
	uint16_t length = (uint16_t)lab6_echo(echo, ends, 56);

	lab6_header(&b, IPPROTO_ICMPV6, ends, length, 64);
	build_bytes(&b, echo, length);
	clear_client_sends(1, ip, build_length(&b));
	lab_run();
	check_icmp(LAB_NET6, 129, 0);
}

// Link-local and multicast packets of the network are not routed into a session, and none that
// nobody has a route for goes back out.
static void test_refusals_of_the_network(void **state)
{
	uint64_t loop = lab_drops(DROP_ROUTE_LOOP);

	host_sends(0, "fe80::9", OTHER6, 100);
	host_sends(0, "::1", OTHER6, 100);
	host_sends(0, HOST6, "ff0e::1", 100);
	host_sends(0, HOST6, "fe80::1", 100);
	host_sends(0, HOST6, "2001:db8:ffff::1", 100);
	lab_run();
	assert_int_equal(count_sent(LAB_SUB) + count_sent(LAB_NET), 0);
	assert_int_equal(lab_drops(DROP_ROUTE_LOOP), loop + 1);
}

// A prefix that is delegated to the client of the clear tunnel.
static void test_delegated(void **state)
{
	struct command_route r = {.kind = NEXT_HOP_SESSION, .session = SESSION_CLEAR};
	const char *behind = "2001:db8:d0:7::1";

	check_drop(DROP_SUBSCRIBER_SOURCE, behind, HOST6);
	assert_int_equal(prefix_parse("2001:db8:d0::/56", &r.prefix, NULL), 0);
	assert_int_equal(route_add(lab.routes, &r), 0);
	other_sends(behind, HOST6, 100, 64);
	other_sends("2001:db8:d0:ff::1", HOST6, 100, 64);
	lab_run();
	assert_int_equal(count_sent(LAB_NET), 2);
	host_sends(0, HOST6, behind, 100);
	lab_run();
	assert_int_equal(count_sent(LAB_SUB), 1);
	check_drop(DROP_SUBSCRIBER_SOURCE, "2001:db8:d0:100::1", HOST6);
	check_drop(DROP_SUBSCRIBER_DESTINATION, behind, "ff02::1");
	assert_int_equal(route_delete(lab.routes, &r), 0);
	check_drop(DROP_SUBSCRIBER_SOURCE, behind, HOST6);
}

// A router solicitation goes up as it is, with its session; the advertisement comes back into it.
static void test_control(void **state)
{
	static const uint8_t solicitation[8] = {133, 0, 0x12, 0x34};
	uint8_t frame[LAB_FRAME], ip[LAB_FRAME];
	struct build b = build_in(ip, sizeof(ip));
	const struct packet *p;
	struct packet answer = {.kind = PACKET_IP6, .session = SESSION_CLEAR, .parts = 1};
	const uint8_t *inner;
	size_t n;

	lab6_header(&b, IPPROTO_ICMPV6, (struct lab6_ends){"fe80::7", "ff02::2"}, 8, 255);
	build_bytes(&b, solicitation, sizeof(solicitation));
	lab_connect();
	clear_client_sends(0, ip, build_length(&b));
	lab_run();
	p = ring_front(&lab.far.punt[0]);
	p = p ? p : ring_front(&lab.far.punt[1]);
	assert_non_null(p);
	assert_int_equal(p->kind, PACKET_IP6);
	assert_int_equal(p->session, SESSION_CLEAR);
	assert_int_equal(p->length, build_length(&b));
	assert_memory_equal(p->data, ip, p->length);
	answer.length = (uint16_t)packet(answer.data, "fe80::1", "fe80::7", 64, 255);
	memcpy(ring_slot(&lab.far.inject[0]), &answer, sizeof(answer));
	ring_push(&lab.far.inject[0]);
	lab_run();
	inner = clear_inner(frame, &n);
	assert_int_equal(n, answer.length);
	assert_memory_equal(inner, answer.data, n);
	lab_disconnect();
}

static void test_refuses_what_is_injected_wrongly(void **state)
{
	uint64_t invalid = lab_drops(DROP_INJECT_INVALID), stale = lab_drops(DROP_INJECT_STALE);
	struct packet p = {.kind = PACKET_IP6, .session = SESSION_CLEAR, .length = 39, .parts = 1};

	lab_connect();
	for (int i = 0; i < 3; i++) {
		memcpy(ring_slot(&lab.far.inject[0]), &p, sizeof(p));
		ring_push(&lab.far.inject[0]);
		p.length = i ? 40 : PACKET_DATA;
		p.session = i ? 77 : SESSION_CLEAR;
	}
	lab_run();
	assert_int_equal(lab_drops(DROP_INJECT_INVALID), invalid + 2);
	assert_int_equal(lab_drops(DROP_INJECT_STALE), stale + 1);
	assert_int_equal(count_sent(LAB_SUB), 0);
	lab_disconnect();
}

// Both versions in one burst, on any worker.
static void test_mixed(void **state)
{
	unsigned up = 0, down = 0;
	uint8_t ip[LAB_FRAME];

	srand(7);
	for (int round = 0; round < 300; round++) {
		for (int i = rand() % 30; i >= 0; i--) {
			uint16_t queue = (uint16_t)(rand() % LAB_WORKERS);
			uint16_t length = (uint16_t)(rand() % 1200);

			switch (rand() % 4) {
			case 0:
				client_sends(queue, ip, packet(ip, INNER6, HOST6, length, 64));
				up++;
				break;
			case 1:
				host_sends(queue, HOST6, rand() % 2 ? INNER6 : OTHER6, length);
				down++;
				break;
			case 2:
				host_sends4(queue, rand() % 2 ? INNER : OTHER, length);
				down++;
				break;
			case 3:
				other_sends(OTHER6, HOST6, length, 64);
				up++;
				break;
			}
		}
		lab_run();
		assert_int_equal(count_sent(LAB_NET), up);
		assert_int_equal(count_sent(LAB_SUB), down);
		assert_true(lab_balanced());
		up = down = 0;
	}
}

int main(void)
{
#define BOOKS(test) cmocka_unit_test_teardown(test, check_books)
	const struct CMUnitTest tests[] = {
		BOOKS(test_uplink),
		BOOKS(test_downlink),
		BOOKS(test_subscriber_to_subscriber),
		BOOKS(test_spoofed),
		BOOKS(test_hop_limit),
		BOOKS(test_too_big),
		BOOKS(test_echo_of_an_own_address),
		BOOKS(test_refusals_of_the_network),
		BOOKS(test_delegated),
		BOOKS(test_control),
		BOOKS(test_refuses_what_is_injected_wrongly),
		BOOKS(test_mixed),
	};

	return cmocka_run_group_tests(tests, start, lab_stop);
}

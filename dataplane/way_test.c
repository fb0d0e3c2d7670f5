// SPDX-License-Identifier: Apache-2.0

// Subscribers' packets from frame to frame: through an ESP tunnel and a clear one, both ways, on
// whatever worker they arrive, with the sum of the counters checked after every round.

#include "dataplane/test_tunnel.h"

#include "dataplane/session.h"

#include <rte_ether.h>
#include <rte_ip.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

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

static int check_books(void **state)
{
	lab_expire();
	lab_forget();
	return lab_balanced() && lab_packets_out() == 0 ? 0 : -1;
}

// UDP and L2TP in front of a PPP frame with an inner IPv4 packet; returns the length.
static size_t l2tp_data(uint8_t *out, uint16_t tunnel, uint32_t session, uint32_t source,
	uint32_t destination, uint16_t length, uint8_t ttl)
{
	struct build b = build_in(out, LAB_FRAME);

	lab_udp(&b, PORT_L2TP, PORT_L2TP, 6 + 4 + 20 + length);
	build_u16(&b, 0x0002);
	build_u16(&b, tunnel);
	build_u16(&b, (uint16_t)(session + SESSION_ID));
	build_u32(&b, 0xff030021);
	lab_ip4(&b, 253, source, destination, length, ttl, 0);
	build_zero(&b, length);
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

// What the client sends through its ESP tunnel: encrypted by the client's pair.
static void client_sends(uint16_t queue, uint32_t destination, uint16_t length)
{
	uint8_t data[LAB_FRAME];
	size_t n = l2tp_data(data, TUNNEL, SESSION, INNER, destination, length, 64);
	uint8_t sealed[LAB_FRAME];

	n = tunnel_seal(data, n, sealed);
	assert_true(n > 0);
	receive_outer(queue, IPPROTO_ESP, sealed, n);
}

static void clear_client_sends(
	uint16_t queue, uint32_t source, uint32_t destination, uint16_t length, uint8_t ttl)
{
	uint8_t data[LAB_FRAME];
	size_t n = l2tp_data(data, TUNNEL_CLEAR, SESSION_CLEAR, source, destination, length, ttl);

	receive_outer(queue, IPPROTO_UDP, data, n);
}

static void host_sends(uint16_t queue, uint32_t destination, uint16_t length, uint16_t fragment)
{
	uint8_t frame[LAB_FRAME];
	struct build b = build_in(frame, sizeof(frame));

	lab_ether(&b, LAB_NET, 9, RTE_ETHER_TYPE_IPV4);
	lab_ip4(&b, 253, HOST, destination, length, 64, fragment);
	build_zero(&b, length);
	lab_receive(LAB_NET, queue, frame, build_length(&b));
}

static unsigned count_sent(uint16_t port, size_t *bytes)
{
	uint8_t frame[LAB_FRAME];
	unsigned count = 0;
	size_t n;

	*bytes = 0;
	while ((n = lab_sent(port, frame))) {
		*bytes += n;
		count++;
	}
	return count;
}

static void test_uplink(void **state)
{
	uint8_t frame[LAB_FRAME];

	client_sends(0, HOST, 100);
	lab_run();
	assert_int_equal(lab_sent(LAB_NET, frame), 14 + 20 + 100);
	assert_int_equal(frame[22], 63);
	assert_int_equal(rte_raw_cksum(frame + 14, 20), 0xffff);
	clear_client_sends(0, OTHER, HOST, 100, 64);
	lab_run();
	assert_int_equal(lab_sent(LAB_NET, frame), 14 + 20 + 100);
}

// A PPP frame with a front of one byte: from there on the packet lies at odd addresses.
static void test_uplink_at_an_odd_address(void **state)
{
	uint8_t data[LAB_FRAME], frame[LAB_FRAME];
	struct build b = build_in(data, sizeof(data));

	lab_udp(&b, PORT_L2TP, PORT_L2TP, 6 + 1 + 20);
	build_u16(&b, 0x0002);
	build_u16(&b, TUNNEL_CLEAR);
	build_u16(&b, SESSION_CLEAR + SESSION_ID);
	build_u8(&b, 0x21);
	lab_ip4(&b, 253, OTHER, HOST, 0, 64, 0);
	receive_outer(0, IPPROTO_UDP, data, build_length(&b));
	lab_run();
	assert_int_equal(lab_sent(LAB_NET, frame), 14 + 20);
	assert_memory_equal(frame, ((uint8_t[]){2, 0, 0, 0, 0, 9}), 6);
	assert_memory_equal(frame + 6, &lab.port[LAB_NET].mac, 6);
	assert_memory_equal(frame + 12, ((uint8_t[]){8, 0}), 2);
}

static void test_downlink(void **state)
{
	uint8_t frame[LAB_FRAME];
	size_t n;

	host_sends(0, OTHER, 100, 0x4000);
	lab_run();
	n = lab_sent(LAB_SUB, frame);
	assert_true(n >= 14 + 20 + 8 + 6 + 2 + 120);
	assert_int_equal(frame[23], IPPROTO_UDP);
	host_sends(1, INNER, 100, 0x4000);
	lab_run();
	n = lab_sent(LAB_SUB, frame);
	assert_true(n >= 14 + 20 + 8 + 16 + 8 + 6 + 2 + 120 + 12);
	assert_int_equal(frame[23], IPPROTO_ESP);
}

// The fragments of a large packet that the network sent: each goes on, cut again if need be.
static void test_downlink_fragments(void **state)
{
	size_t bytes;

	host_sends(0, INNER, 1480, 0x2000);
	host_sends(0, INNER, 1480, 0x2000 | 185);
	host_sends(0, INNER, 1048, 370);
	lab_run();
	assert_int_equal(count_sent(LAB_SUB, &bytes), 5);
	assert_true(bytes > 1480 + 1480 + 1048);
}

static void test_too_big(void **state)
{
	uint8_t frame[LAB_FRAME];

	host_sends(0, INNER, 1460, 0x4000);
	lab_run();
	assert_int_equal(lab_sent(LAB_SUB, frame), 0);
	assert_true(lab_sent(LAB_NET, frame) > 34);
	assert_int_equal(frame[34], 3);
	assert_int_equal(frame[35], 4);
}

static void test_subscriber_to_subscriber(void **state)
{
	uint8_t frame[LAB_FRAME];

	client_sends(0, OTHER, 40);
	lab_run();
	assert_true(lab_sent(LAB_SUB, frame) > 100);
	assert_int_equal(frame[23], IPPROTO_UDP);
	clear_client_sends(0, OTHER, INNER, 40, 64);
	lab_run();
	assert_true(lab_sent(LAB_SUB, frame) > 100);
	assert_int_equal(frame[23], IPPROTO_ESP);
}

// The other end of the PPP link, which every client pings first.
static void test_echo_of_ppp_address(void **state)
{
	uint8_t data[LAB_FRAME], echo[LAB_FRAME], frame[LAB_FRAME];
	size_t inner = lab_echo_frame(echo, LAB_NET, OTHER, US_PPP, 56, 64) - 14;
	struct build b = build_in(data, sizeof(data));

	lab_udp(&b, PORT_L2TP, PORT_L2TP, (uint16_t)(10 + inner));
	build_u16(&b, 0x0002);
	build_u16(&b, TUNNEL_CLEAR);
	build_u16(&b, SESSION_CLEAR + SESSION_ID);
	build_u32(&b, 0xff030021);
	build_bytes(&b, echo + 14, inner);
	receive_outer(1, IPPROTO_UDP, data, build_length(&b));
	lab_run();
	inner = lab_sent(LAB_SUB, frame) - inner;
	assert_int_equal(frame[23], IPPROTO_UDP);
	assert_memory_equal(frame + inner + 12, ((uint8_t[]){100, 64, 0, 1}), 4);
	assert_int_equal(frame[inner + 20], 0); // echo reply
}

static void test_uplink_refusals(void **state)
{
	uint64_t source = lab_drops(DROP_SUBSCRIBER_SOURCE), ttl = lab_drops(DROP_IP4_TTL);
	uint64_t own = lab_drops(DROP_ROUTE_LOCAL);
	uint8_t frame[LAB_FRAME];

	clear_client_sends(0, INNER, HOST, 40, 64);
	clear_client_sends(0, OTHER, US_PPP, 40, 64);
	lab_run();
	assert_int_equal(lab_drops(DROP_SUBSCRIBER_SOURCE) - source, 1);
	assert_int_equal(lab_drops(DROP_ROUTE_LOCAL) - own, 1);
	assert_int_equal(lab_sent(LAB_SUB, frame), 0);
	clear_client_sends(0, OTHER, HOST, 40, 1);
	lab_run();
	assert_int_equal(lab_drops(DROP_IP4_TTL) - ttl, 1);
	assert_true(lab_sent(LAB_SUB, frame) > 0); // told by ICMP
	assert_int_equal(lab_sent(LAB_NET, frame), 0);
}

// A network behind the client of the clear tunnel: from there to the host and back, and nobody
// else may send from it.
static void test_behind_a_subscriber(void **state)
{
	struct command_route r = {.kind = NEXT_HOP_SESSION, .session = SESSION_CLEAR};
	uint64_t source = lab_drops(DROP_SUBSCRIBER_SOURCE);
	uint8_t frame[LAB_FRAME];
	size_t bytes;

	assert_int_equal(prefix_parse("10.9.0.0/24", &r.prefix, NULL), 0);
	clear_client_sends(0, LAB_IP(10, 9, 0, 7), HOST, 40, 64);
	lab_run();
	assert_int_equal(lab_drops(DROP_SUBSCRIBER_SOURCE) - source, 1);
	assert_int_equal(route_add(lab.routes, &r), 0);
	clear_client_sends(0, LAB_IP(10, 9, 0, 7), HOST, 40, 64);
	clear_client_sends(1, LAB_IP(10, 9, 0, 255), HOST, 40, 64);
	clear_client_sends(0, LAB_IP(10, 9, 1, 0), HOST, 40, 64);
	host_sends(0, LAB_IP(10, 9, 0, 7), 100, 0);
	lab_run();
	assert_int_equal(count_sent(LAB_NET, &bytes), 2);
	assert_true(lab_sent(LAB_SUB, frame) > 100);
	assert_int_equal(lab_drops(DROP_SUBSCRIBER_SOURCE) - source, 2);
	assert_int_equal(route_delete(lab.routes, &r), 0);
	r.session = SESSION;
	assert_int_equal(route_add(lab.routes, &r), 0);
	clear_client_sends(0, LAB_IP(10, 9, 0, 7), HOST, 40, 64);
	lab_run();
	assert_int_equal(lab_drops(DROP_SUBSCRIBER_SOURCE) - source, 3);
	assert_int_equal(route_delete(lab.routes, &r), 0);
}

// DHCP goes up with its session, whatever filter holds, and the answer comes back into it.
static void test_dhcp(void **state)
{
	struct packet answer = {
		.kind = PACKET_IP4, .session = SESSION_CLEAR, .length = 60, .parts = 1};
	uint8_t data[LAB_FRAME], frame[LAB_FRAME];
	size_t n = l2tp_data(
		data, TUNNEL_CLEAR, SESSION_CLEAR, OTHER, LAB_IP(255, 255, 255, 255), 40, 64);
	uint8_t *ip = data + n - 60;
	const struct packet *p;
	uint16_t sum;

	ip[9] = IPPROTO_UDP;
	ip[21] = 68;
	ip[23] = 67;
	ip[10] = ip[11] = 0;
	sum = (uint16_t)~rte_raw_cksum(ip, 20);
	memcpy(ip + 10, &sum, sizeof(sum));
	lab_connect();
	receive_outer(0, IPPROTO_UDP, data, n);
	lab_run();
	p = ring_front(&lab.far.punt[0]);
	p = p ? p : ring_front(&lab.far.punt[1]);
	assert_non_null(p);
	assert_int_equal(p->kind, PACKET_IP4);
	assert_int_equal(p->session, SESSION_CLEAR);
	assert_int_equal(p->length, 60);
	assert_memory_equal(p->data, ip, 60);
	memcpy(answer.data, ip, 60);
	memcpy(ring_slot(&lab.far.inject[0]), &answer, sizeof(answer));
	ring_push(&lab.far.inject[0]);
	lab_run();
	n = lab_sent(LAB_SUB, frame);
	assert_true(n > 64);
	assert_memory_equal(frame + n - 64, "\xff\x03\0\x21", 4);
	assert_memory_equal(frame + n - 60, ip, 60);
	answer.length = 19;
	memcpy(ring_slot(&lab.far.inject[0]), &answer, sizeof(answer));
	ring_push(&lab.far.inject[0]);
	lab_run();
	assert_int_equal(lab_sent(LAB_SUB, frame), 0);
	assert_int_equal(lab_drops(DROP_INJECT_INVALID), 1);
	lab_disconnect();
}

// What a path with a smaller MTU makes of an outer packet, in any order, each fragment on any
// worker.
static void receive_cut(uint8_t protocol, uint16_t id, const uint8_t *data, size_t length)
{
	enum { EACH = 576 };
	size_t last = (length - 1) / EACH;
	bool backwards = rand() % 2;

	for (size_t i = 0; i <= last; i++) {
		size_t part = backwards ? last - i : i, at = part * EACH;
		uint16_t n = (uint16_t)(part == last ? length - at : EACH), sum;
		uint8_t frame[LAB_FRAME];
		struct build b = build_in(frame, sizeof(frame));

		lab_ether(&b, LAB_SUB, 9, RTE_ETHER_TYPE_IPV4);
		lab_ip4(&b, protocol, CLIENT, US_SUB, n, 64,
			(uint16_t)(at / 8 | (part < last ? 0x2000 : 0)));
		build_bytes(&b, data + at, n);
		build_patch_u16(&b, 18, id);
		build_patch_u16(&b, 24, 0);
		sum = (uint16_t)~rte_raw_cksum(frame + 14, 20);
		memcpy(frame + 24, &sum, 2);
		lab_receive(LAB_SUB, (uint16_t)(rand() % LAB_WORKERS), frame, build_length(&b));
	}
}

static void test_uplink_fragments(void **state)
{
	uint8_t data[LAB_FRAME], sealed[LAB_FRAME];
	size_t bytes, n;

	srand(4);
	for (uint16_t id = 0; id < 200; id++) {
		uint16_t length = (uint16_t)(600 + rand() % 870);

		n = l2tp_data(data, TUNNEL, SESSION, INNER, HOST, length, 64);
		receive_cut(IPPROTO_ESP, id, sealed, tunnel_seal(data, n, sealed));
		n = l2tp_data(data, TUNNEL_CLEAR, SESSION_CLEAR, OTHER, HOST, length, 64);
		receive_cut(IPPROTO_UDP, id, data, n);
		lab_run();
		assert_int_equal(count_sent(LAB_NET, &bytes), 2);
		assert_int_equal(bytes, 2U * (14 + 20 + length));
		assert_true(lab_balanced());
	}
	assert_true(lab_drops(DROP_FRAGMENT_JOINED) >= 400);
	assert_int_equal(lab.stats.worker[0].held + lab.stats.worker[1].held, 0);
}

// IKE is punted whole. What is whole is looked at as any other datagram.
static void test_punts_fragmented_ike(void **state)
{
	uint8_t frame[LAB_FRAME], ike[1400] = {1, 2, 3};
	size_t n = lab_udp_frame(frame, LAB_SUB, CLIENT, US_SUB, 500, 500, ike, sizeof(ike));
	unsigned punted = 0;

	lab_connect();
	receive_cut(IPPROTO_UDP, 1000, frame + 34, n - 34);
	lab_run();
	for (uint16_t i = 0; i < LAB_WORKERS; i++) {
		const struct packet *p = ring_front(&lab.far.punt[i]);

		if (!p)
			continue;
		assert_int_equal(p->kind, PACKET_IKE);
		assert_int_equal(p->length, sizeof(ike));
		assert_memory_equal(p->data, ike, sizeof(ike));
		punted++;
		ring_pop(&lab.far.punt[i]);
	}
	assert_int_equal(punted, 1);
	lab_disconnect();
	receive_cut(IPPROTO_UDP, 1001, frame + 34, 576 + 8);
	receive_cut(IPPROTO_UDP, 1002, frame + 34, 2 * 576);
	lab_run();
	assert_int_equal(lab.stats.worker[0].held + lab.stats.worker[1].held, 0);
	assert_int_equal(lab_drops(DROP_UDP_INVALID), 2); // longer than what came
}

// Any distribution over the workers: everything arrives once, and the books are in order.
static void test_spray(void **state)
{
	uint64_t before = lab.stats.session[SESSION].uplink.packets;
	unsigned up = 0, down = 0;
	size_t bytes;

	srand(3);
	for (int round = 0; round < 400; round++) {
		for (int i = rand() % 20; i >= 0; i--) {
			uint16_t queue = (uint16_t)(rand() % LAB_WORKERS);

			switch (rand() % 4) {
			case 0:
				client_sends(queue, HOST, (uint16_t)(rand() % 1200));
				up++;
				break;
			case 1:
				clear_client_sends(queue, OTHER, HOST, 64, 64);
				up++;
				break;
			case 2:
				host_sends(queue, INNER, (uint16_t)(rand() % 1200), 0);
				down++;
				break;
			case 3:
				host_sends(queue, OTHER, 64, 0);
				down++;
				break;
			}
		}
		lab_run();
		assert_int_equal(count_sent(LAB_NET, &bytes), up);
		assert_int_equal(count_sent(LAB_SUB, &bytes), down);
		assert_true(lab_balanced());
		up = down = 0;
	}
	assert_true(lab.stats.session[SESSION].uplink.packets > before);
	assert_true(lab.stats.worker[0].given + lab.stats.worker[1].given > 0);
}

// What is over a subscriber's rate waits, at whichever worker it arrived, and leaves when its time
// has come; what is too big then is cut then. The sum holds all the time.
static void test_shaper(void **state)
{
	size_t bytes;
	unsigned sent, more = 0;

	assert_int_equal(tunnel_shape(SESSION_CLEAR, 8000), 0);
	assert_int_equal(tunnel_shape(SESSION, 8000), 0);
	for (int i = 0; i < 40; i++) {
		host_sends((uint16_t)(i % LAB_WORKERS), OTHER, 980, 0x4000);
		host_sends((uint16_t)(i % LAB_WORKERS), INNER, 1480, 0);
	}
	lab_run();
	sent = count_sent(LAB_SUB, &bytes);
	assert_in_range(sent, 4 + 6, 8 + 12); // the bursts, and what is due by now
	assert_true(lab_held() > 60);
	assert_true(lab_balanced());
	for (int i = 0; i < 120 && lab_held(); i++) {
		lab_later(1000000);
		assert_true(lab_balanced());
		more = count_sent(LAB_SUB, &bytes);
		assert_in_range(more, 0, 6); // 1 ms is a packet for one and two thirds of one
		sent += more;
	}
	assert_int_equal(lab_held(), 0);
	assert_int_equal(sent, 40 + 2 * 40);
	assert_int_equal(tunnel_shape(SESSION_CLEAR, 0), 0);
	assert_int_equal(tunnel_shape(SESSION, 0), 0);
}

static void clear_client_numbers(uint16_t queue, uint16_t ns, uint16_t length)
{
	uint8_t data[LAB_FRAME];
	struct build b = build_in(data, sizeof(data));

	lab_udp(&b, PORT_L2TP, PORT_L2TP, 10 + 4 + 20 + length);
	build_u16(&b, 0x0802);
	build_u16(&b, TUNNEL_CLEAR);
	build_u16(&b, SESSION_CLEAR + SESSION_ID);
	build_u16(&b, ns);
	build_u16(&b, 0);
	build_u32(&b, 0xff030021);
	lab_ip4(&b, 253, OTHER, HOST, length, 64, 0);
	build_zero(&b, length);
	receive_outer(queue, IPPROTO_UDP, data, build_length(&b));
}

// Packets that overtook others on their way go on behind them, at whichever worker each arrived.
static void test_reorder(void **state)
{
	uint8_t frame[LAB_FRAME];
	unsigned sent = 0;
	size_t bytes;

	lab.tables->session[SESSION_CLEAR].downlink.sequencing = 1;
	for (uint16_t ns = 1; ns < 10; ns++)
		clear_client_numbers(ns % LAB_WORKERS, ns, 100 + ns);
	lab_run();
	assert_int_equal(lab_held(), 9);
	assert_true(lab_balanced());
	clear_client_numbers(0, 0, 100);
	lab_run();
	assert_int_equal(lab_held(), 0);
	for (; lab_sent(LAB_NET, frame); sent++)
		assert_int_equal(frame[17], 120 + sent); // total length
	assert_int_equal(sent, 10);
	clear_client_numbers(0, 12, 100);
	lab_run();
	assert_int_equal(lab_sent(LAB_NET, frame), 0);
	lab_later(60000000);
	assert_int_equal(count_sent(LAB_NET, &bytes), 1);
	lab.tables->session[SESSION_CLEAR].downlink.sequencing = 0;
}

// The control plane dies: data goes on, what would be punted is dropped; nothing is cleared.
static void test_without_control_plane(void **state)
{
	uint64_t closed = lab_drops(DROP_PUNT_CLOSED);
	uint8_t frame[LAB_FRAME], control[20] = {0xc8, 0x02, 0, 12, 0, TUNNEL_CLEAR};

	lab_connect();
	client_sends(0, HOST, 100);
	lab_run();
	assert_true(lab_sent(LAB_NET, frame) > 0);
	lab_disconnect();
	client_sends(0, HOST, 100);
	lab_receive(LAB_SUB, 0, frame,
		lab_udp_frame(frame, LAB_SUB, CLIENT, US_SUB, 1701, 1701, control, 12));
	lab_run();
	assert_true(lab_sent(LAB_NET, frame) > 0);
	assert_int_equal(lab_drops(DROP_PUNT_CLOSED) - closed, 1);
}

int main(void)
{
#define BOOKS(test) cmocka_unit_test_teardown(test, check_books)
	const struct CMUnitTest tests[] = {
		BOOKS(test_uplink),
		BOOKS(test_uplink_at_an_odd_address),
		BOOKS(test_downlink),
		BOOKS(test_downlink_fragments),
		BOOKS(test_too_big),
		BOOKS(test_subscriber_to_subscriber),
		BOOKS(test_echo_of_ppp_address),
		BOOKS(test_uplink_refusals),
		BOOKS(test_behind_a_subscriber),
		BOOKS(test_dhcp),
		BOOKS(test_spray),
		BOOKS(test_shaper),
		BOOKS(test_reorder),
		BOOKS(test_uplink_fragments),
		BOOKS(test_punts_fragmented_ike),
		BOOKS(test_without_control_plane),
	};

	return cmocka_run_group_tests(tests, start, lab_stop);
}

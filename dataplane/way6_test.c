// SPDX-License-Identifier: Apache-2.0

// Subscribers' packets from frame to frame through tunnels over IPv6: ESP, ESP in UDP and without
// IPsec, both ways, on whatever worker they arrive, with the sum of the counters checked after
// every test. Echo and the control plane's packets as well, since those leave by the same way.

#include "dataplane/checksum.h"
#include "dataplane/ip6.h"
#include "dataplane/sa.h"
#include "dataplane/session.h"
#include "dataplane/stage.h"
#include "dataplane/test_lab6.h"
#include "dataplane/test_tunnel.h"

#include <rte_ether.h>
#include <rte_ip.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LINK_US     "fe80::ff:fe00:f0"
#define LINK_NET    "fe80::ff:fe00:f1"
#define LINK_CLIENT "fe80::9"

enum { IP_AT = 14, UDP_AT = 14 + 40 };

static const struct lab6_ends client = {CLIENT6, LAB_SUB6};

static int start(void **state)
{
	if (lab_start(state) < 0 || tunnel_routes())
		return -1;
	lab6_address(LINK_US, lab.port[LAB_SUB].link_local);
	lab6_address(LINK_NET, lab.port[LAB_NET].link_local);
	lab6_neighbour(LAB_NET, 9, HOST6, LAB_NET6);
	lab6_neighbour(LAB_NET, 9, LINK_CLIENT, LINK_NET);
	lab_neighbour(LAB_NET, 9, HOST);
	lab6_neighbour(LAB_SUB, 9, CLIENT6, LAB_SUB6);
	lab6_neighbour(LAB_SUB, 9, LINK_CLIENT, LINK_US);
	tunnel_outer6(true);
	return 0;
}

static int plain(void **state)
{
	return tunnel_pair(ESP_CIPHER_AES_CBC_128, ESP_INTEGRITY_HMAC_SHA1_96, ESP_PLAIN) ||
	       tunnel_sessions();
}

static int in_udp(void **state)
{
	return tunnel_pair(ESP_CIPHER_AES_GCM_128, ESP_INTEGRITY_NONE, ESP_UDP) ||
	       tunnel_sessions();
}

static int check_books(void **state)
{
	lab_run();
	lab_expire();
	lab_forget();
	tunnel_clear();
	return lab_balanced() && lab_packets_out() == 0 ? 0 : -1;
}

// ---- what the client sends

// UDP and L2TP in front of a PPP frame with an inner IPv4 packet; returns the length.
static size_t l2tp_data(
	uint8_t *out, uint16_t tunnel, uint32_t session, uint32_t source, uint16_t length)
{
	struct build b = build_in(out, LAB_FRAME);
	uint16_t sum;

	lab_udp(&b, PORT_L2TP, PORT_L2TP, 6 + 4 + 20 + length);
	build_u16(&b, 0x0002);
	build_u16(&b, tunnel);
	build_u16(&b, (uint16_t)(session + SESSION_ID));
	build_u32(&b, 0xff030021);
	lab_ip4(&b, 253, source, HOST, length, 64, 0);
	build_zero(&b, length);
	sum = lab6_checksum(client, IPPROTO_UDP, out, (uint16_t)build_length(&b));
	memcpy(out + 6, &sum, sizeof(sum));
	return build_length(&b);
}

static void receive_outer(
	struct lab6_ends ends, uint16_t queue, uint8_t next, const void *data, size_t length)
{
	uint8_t frame[LAB_FRAME];

	lab_receive(LAB_SUB, queue, frame,
		lab6_frame(frame, LAB_SUB, next, ends, data, (uint16_t)length));
}

static size_t sealed_data(uint8_t *out, uint16_t length)
{
	uint8_t data[LAB_FRAME];
	size_t n = l2tp_data(data, TUNNEL, SESSION, INNER, length);

	n = tunnel_seal(data, n, out);
	assert_true(n > 0);
	return n;
}

static void client_sends(uint16_t queue, uint8_t next, uint16_t length)
{
	uint8_t sealed[LAB_FRAME];
	size_t n = sealed_data(sealed, length);

	receive_outer(client, queue, next, sealed, n);
}

static void clear_client_sends(uint16_t queue, uint16_t length)
{
	uint8_t data[LAB_FRAME];
	size_t n = l2tp_data(data, TUNNEL_CLEAR, SESSION_CLEAR, OTHER, length);

	receive_outer(client, queue, IPPROTO_UDP, data, n);
}

static void host_sends(uint16_t queue, uint32_t destination, uint16_t length)
{
	uint8_t frame[LAB_FRAME];
	struct build b = build_in(frame, sizeof(frame));

	lab_ether(&b, LAB_NET, 9, RTE_ETHER_TYPE_IPV4);
	lab_ip4(&b, 253, HOST, destination, length, 64, 0x4000);
	build_zero(&b, length);
	lab_receive(LAB_NET, queue, frame, build_length(&b));
}

// ---- what the gateway sends

// An IPv6 frame of the subscriber port, with a right UDP checksum if it is UDP. Returns the bytes
// behind the IPv6 header.
static size_t check_frame(uint8_t *frame, const char *to, uint8_t next)
{
	size_t n = lab_sent(LAB_SUB, frame);
	uint8_t address[16];

	assert_true(n > UDP_AT);
	assert_memory_equal(frame, ((uint8_t[]){2, 0, 0, 0, 0, 9}), 6);
	assert_memory_equal(frame + 12, ((uint8_t[]){0x86, 0xdd}), 2);
	assert_int_equal(frame[IP_AT] >> 4, 6);
	assert_int_equal(frame[IP_AT + 4] << 8 | frame[IP_AT + 5], n - UDP_AT);
	assert_int_equal(frame[IP_AT + 6], next);
	assert_int_equal(frame[IP_AT + 7], 64);
	lab6_address(to, address);
	assert_memory_equal(frame + IP_AT + 24, address, sizeof(address));
	if (next == IPPROTO_UDP) {
		assert_true(frame[UDP_AT + 6] || frame[UDP_AT + 7]);
		assert_true(checksum_upper6_ok(frame + IP_AT + 8, frame + IP_AT + 24, next,
			frame + UDP_AT, (uint16_t)(n - UDP_AT)));
	}
	return n - UDP_AT;
}

static uint32_t label(const uint8_t *frame)
{
	return (frame[IP_AT + 1] & 0xfU) << 16 | frame[IP_AT + 2] << 8 | frame[IP_AT + 3];
}

// The client opens it: the inner UDP datagram from its payload on. Returns its length.
static size_t client_opens(const uint8_t *esp, size_t length, uint16_t outer_port, uint8_t *out)
{
	struct rte_mbuf *m = packet_create(&lab.worker[0]);
	struct rte_mbuf *inner[1];
	uint16_t inner_count = 0;
	size_t n = 0;

	memcpy(rte_pktmbuf_append(m, (uint16_t)length), esp, length);
	meta_of(m)->flags = META_OUTER6;
	meta_of(m)->outer_port = outer_port;
	lab6_address(LAB_SUB6, meta_of(m)->remote6);
	lab6_address(CLIENT6, meta_of(m)->local6);
	if (esp_in(&lab.worker[0], &m, 1, inner, &inner_count) == 0)
		return 0;
	n = m->data_len;
	memcpy(out, rte_pktmbuf_mtod(m, void *), n);
	packet_drop(&lab.worker[0], m, DROP_NO_MEMORY);
	return n;
}

// ---- both ways

static void check_uplink(uint16_t length)
{
	uint8_t frame[LAB_FRAME];

	lab_run();
	assert_int_equal(lab_sent(LAB_NET, frame), 14 + 20 + length);
	assert_int_equal(frame[22], 63);
	assert_int_equal(rte_raw_cksum(frame + 14, 20), 0xffff);
}

static void test_esp(void **state)
{
	uint8_t frame[LAB_FRAME], data[LAB_FRAME];
	size_t n;

	client_sends(0, IPPROTO_ESP, 100);
	check_uplink(100);
	host_sends(1, INNER, 100);
	lab_run();
	n = check_frame(frame, CLIENT6, IPPROTO_ESP);
	assert_int_equal(client_opens(frame + UDP_AT, n, 0, data), 6 + 4 + 120);
	assert_int_equal(data[10 + 9], 253);
}

static void test_esp_in_udp(void **state)
{
	uint8_t frame[LAB_FRAME], data[LAB_FRAME];
	size_t n;

	client_sends(1, IPPROTO_UDP, 100);
	check_uplink(100);
	host_sends(0, INNER, 100);
	lab_run();
	n = check_frame(frame, CLIENT6, IPPROTO_UDP);
	assert_int_equal(frame[UDP_AT + 2] << 8 | frame[UDP_AT + 3], NAT_PORT);
	n = client_opens(frame + UDP_AT + 8, n - 8, PORT_NAT_T, data);
	assert_int_equal(n, 6 + 4 + 120);
}

static void test_clear(void **state)
{
	uint8_t frame[LAB_FRAME];
	uint32_t first;

	clear_client_sends(0, 100);
	check_uplink(100);
	host_sends(1, OTHER, 101); // an odd length under the checksum
	lab_run();
	assert_int_equal(check_frame(frame, CLIENT6, IPPROTO_UDP), 8 + 6 + 4 + 121);
	first = label(frame);
	host_sends(1, OTHER, 40);
	host_sends(1, INNER, 40);
	lab_run();
	check_frame(frame, CLIENT6, IPPROTO_UDP);
	assert_int_equal(label(frame), first); // of the session
	check_frame(frame, CLIENT6, IPPROTO_ESP);
	assert_int_not_equal(label(frame), first);
}

// The largest packet of a session just fits the port.
static void test_largest(void **state)
{
	uint16_t protected = lab.tables->session[SESSION].downlink.mtu;
	uint8_t frame[LAB_FRAME];

	assert_in_range(protected, 1300, 1400);
	host_sends(0, INNER, protected - 20);
	host_sends(0, OTHER, 1400 - 20); // what the peer takes
	lab_run();
	assert_in_range(lab_sent(LAB_SUB, frame), 1400, 1514);
	assert_in_range(lab_sent(LAB_SUB, frame), 1400, 1514);
	host_sends(0, INNER, protected - 19);
	lab_run();
	assert_int_equal(lab_sent(LAB_SUB, frame), 0);
	assert_true(lab_sent(LAB_NET, frame) > 34); // told by ICMP
}

// The traffic class is the inner packet's, and what routers mark reaches it.
static void test_traffic_class(void **state)
{
	uint8_t frame[LAB_FRAME], data[LAB_FRAME];
	struct build b = build_in(frame, sizeof(frame));
	size_t n;
	uint16_t sum;

	lab_ether(&b, LAB_NET, 9, RTE_ETHER_TYPE_IPV4);
	lab_ip4(&b, 253, HOST, OTHER, 40, 64, 0x4000);
	build_zero(&b, 40);
	frame[15] = 0xba; // EF, ECT(0)
	frame[24] = frame[25] = 0;
	sum = (uint16_t)~rte_raw_cksum(frame + 14, 20);
	memcpy(frame + 24, &sum, 2);
	lab_receive(LAB_NET, 0, frame, build_length(&b));
	lab_run();
	check_frame(frame, CLIENT6, IPPROTO_UDP);
	assert_int_equal((frame[IP_AT] & 0xf) << 4 | frame[IP_AT + 1] >> 4, 0xb8); // ecn.h
	n = l2tp_data(data, TUNNEL_CLEAR, SESSION_CLEAR, OTHER, 40);
	data[8 + 6 + 4 + 1] = 0x02; // ECT(0)
	memset(data + 8 + 6 + 4 + 10, 0, 2);
	sum = (uint16_t)~rte_raw_cksum(data + 18, 20);
	memcpy(data + 18 + 10, &sum, 2);
	memset(data + 6, 0, 2);
	sum = lab6_checksum(client, IPPROTO_UDP, data, (uint16_t)n);
	memcpy(data + 6, &sum, 2);
	n = lab6_frame(frame, LAB_SUB, IPPROTO_UDP, client, data, (uint16_t)n);
	frame[IP_AT + 1] = 0x30; // congestion experienced
	lab_receive(LAB_SUB, 0, frame, n);
	lab_run();
	assert_true(lab_sent(LAB_NET, frame) > 34);
	assert_int_equal(frame[15], 0x03);
}

// ---- fragments

static void receive_cut(uint8_t next, uint32_t id, const uint8_t *data, size_t length)
{
	enum { EACH = 576 };
	size_t last = (length - 1) / EACH;
	bool backwards = rand() % 2;

	for (size_t i = 0; i <= last; i++) {
		size_t part = backwards ? last - i : i, at = part * EACH;
		uint8_t bytes[LAB_FRAME];
		struct build b = build_in(bytes, sizeof(bytes));

		build_u16(&b, (uint16_t)(next << 8));
		build_u16(&b, (uint16_t)(at | (part < last)));
		build_u32(&b, id);
		build_bytes(&b, data + at, part == last ? length - at : EACH);
		receive_outer(client, (uint16_t)(rand() % LAB_WORKERS), IPPROTO_FRAGMENT, bytes,
			build_length(&b));
	}
}

static void test_uplink_fragments(void **state)
{
	uint8_t data[LAB_FRAME], frame[LAB_FRAME];
	size_t n;

	srand(4);
	for (uint32_t id = 0; id < 200; id++) {
		uint16_t length = (uint16_t)(600 + rand() % 770);

		n = sealed_data(data, length);
		receive_cut(IPPROTO_ESP, id, data, n);
		lab_run();
		assert_int_equal(lab_sent(LAB_NET, frame), 14 + 20 + length);
		n = l2tp_data(data, TUNNEL_CLEAR, SESSION_CLEAR, OTHER, length);
		receive_cut(IPPROTO_UDP, id + 1000, data, n);
		lab_run();
		assert_int_equal(lab_sent(LAB_NET, frame), 14 + 20 + length);
		assert_true(lab_balanced());
	}
	assert_int_equal(lab.stats.worker[0].held + lab.stats.worker[1].held, 0);
}

// Any distribution over the workers: everything arrives once.
static void test_spray(void **state)
{
	unsigned up = 0, down = 0;
	uint8_t frame[LAB_FRAME];

	srand(3);
	for (int round = 0; round < 200; round++) {
		for (int i = rand() % 20; i >= 0; i--) {
			uint16_t queue = (uint16_t)(rand() % LAB_WORKERS);

			switch (rand() % 4) {
			case 0:
				client_sends(queue, IPPROTO_ESP, (uint16_t)(rand() % 1200));
				up++;
				break;
			case 1:
				clear_client_sends(queue, 64);
				up++;
				break;
			case 2:
				host_sends(queue, INNER, (uint16_t)(rand() % 1200));
				down++;
				break;
			case 3:
				host_sends(queue, OTHER, 64);
				down++;
				break;
			}
		}
		lab_run();
		while (lab_sent(LAB_NET, frame))
			up--;
		while (lab_sent(LAB_SUB, frame))
			down--;
		assert_int_equal(up, 0);
		assert_int_equal(down, 0);
		assert_true(lab_balanced());
	}
	assert_true(lab.stats.worker[0].given + lab.stats.worker[1].given > 0);
}

// ---- IPv6 in IPv6

static void host_sends6(uint16_t queue, const char *to, uint16_t length)
{
	uint8_t frame[LAB_FRAME], data[LAB_FRAME] = {0};
	struct lab6_ends ends = {HOST6, to};

	lab_receive(LAB_NET, queue, frame,
		lab6_frame(frame, LAB_NET, IPPROTO_NONE, ends, data, length));
}

static void test_ipv6_inside(void **state)
{
	struct lab6_ends ends = {OTHER6, HOST6};
	uint8_t data[LAB_FRAME], frame[LAB_FRAME];
	struct build b = build_in(data, sizeof(data));
	uint16_t sum;
	size_t n;

	lab_udp(&b, PORT_L2TP, PORT_L2TP, 6 + 4 + 40 + 30);
	build_u32(&b, 0x00020000 | TUNNEL_CLEAR);
	build_u16(&b, SESSION_CLEAR + SESSION_ID);
	build_u32(&b, 0xff030057);
	lab6_header(&b, IPPROTO_NONE, ends, 30, 64);
	build_zero(&b, 30);
	n = build_length(&b);
	sum = lab6_checksum(client, IPPROTO_UDP, data, (uint16_t)n);
	memcpy(data + 6, &sum, sizeof(sum));
	receive_outer(client, 1, IPPROTO_UDP, data, n);
	lab_run();
	assert_int_equal(lab_sent(LAB_NET, frame), 14 + 40 + 30);
	assert_memory_equal(frame + 12, ((uint8_t[]){0x86, 0xdd}), 2);
	assert_int_equal(frame[14 + 7], 63);
	host_sends6(0, OTHER6, 30);
	host_sends6(1, INNER6, 30);
	lab_run();
	assert_int_equal(check_frame(frame, CLIENT6, IPPROTO_UDP), 8 + 6 + 4 + 40 + 30);
	n = check_frame(frame, CLIENT6, IPPROTO_ESP);
	assert_int_equal(client_opens(frame + UDP_AT, n, 0, data), 6 + 4 + 40 + 30);
	assert_int_equal(data[10] >> 4, 6);
	assert_int_equal(data[10 + 7], 63);
}

// ---- the peer moves

static void test_follows_the_nat(void **state)
{
	static const struct lab6_ends elsewhere = {"2001:db8:0:1::11", LAB_SUB6};
	uint8_t sealed[LAB_FRAME], frame[LAB_FRAME];
	size_t n = sealed_data(sealed, 100);

	lab6_neighbour(LAB_SUB, 9, elsewhere.from, LAB_SUB6);
	sealed[1] = 0x77; // source port
	receive_outer(elsewhere, 0, IPPROTO_UDP, sealed, n);
	check_uplink(100);
	sa_moves(lab.tables); // the clerk
	host_sends(0, INNER, 100);
	lab_run();
	check_frame(frame, elsewhere.from, IPPROTO_UDP);
	assert_int_equal(frame[UDP_AT + 3], 0x77);
}

// ---- echo

static void check_echo(struct lab6_ends ends, uint16_t length)
{
	uint8_t data[LAB_FRAME], frame[LAB_FRAME];

	receive_outer(ends, 0, IPPROTO_ICMPV6, data, lab6_echo(data, ends, length));
	lab_run();
	assert_int_equal(check_frame(frame, ends.from, IPPROTO_ICMPV6), 8 + length);
	assert_int_equal(frame[UDP_AT], 129);
	assert_true(checksum_upper6_ok(
		frame + IP_AT + 8, frame + IP_AT + 24, IPPROTO_ICMPV6, frame + UDP_AT, 8 + length));
}

static void test_answers_echo(void **state)
{
	static const struct lab6_ends link = {LINK_CLIENT, LINK_US};

	check_echo(client, 56);
	check_echo(client, 1452);
	check_echo(link, 33);
}

static void test_answers_echo_of_the_network(void **state)
{
	static const struct lab6_ends all[] = {{HOST6, LAB_NET6}, {LINK_CLIENT, LINK_NET}};
	uint8_t data[LAB_FRAME], frame[LAB_FRAME], address[16];

	for (size_t i = 0; i < RTE_DIM(all); i++) {
		size_t n = lab6_echo(data, all[i], 100);

		lab_receive(LAB_NET, 0, frame,
			lab6_frame(frame, LAB_NET, IPPROTO_ICMPV6, all[i], data, (uint16_t)n));
		lab_run();
		assert_int_equal(lab_sent(LAB_NET, frame), UDP_AT + n);
		lab6_address(all[i].from, address);
		assert_memory_equal(frame + IP_AT + 24, address, sizeof(address));
		assert_int_equal(frame[UDP_AT], 129);
	}
}

// ---- what the control plane sends

static struct packet *inject_ike(uint16_t length)
{
	struct packet *p = ring_slot(&lab.far.inject[1]);

	assert_non_null(p);
	memset(p, 0, sizeof(*p));
	p->kind = PACKET_IKE;
	p->length = length;
	p->parts = 1;
	p->session = SESSION_NONE;
	address_parse(LAB_SUB6, &p->local);
	address_parse(CLIENT6, &p->remote);
	p->local_port = p->remote_port = 500;
	memset(p->data, 0x5a, sizeof(p->data));
	return p;
}

static void test_injects(void **state)
{
	uint8_t frame[LAB_FRAME];
	struct packet *p;

	lab_connect();
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
	ring_push(&lab.far.inject[1]);
	p = inject_ike(100);
	p->kind = PACKET_L2TP;
	p->local_port = p->remote_port = PORT_L2TP;
	p->sa = OURS;
	ring_push(&lab.far.inject[1]);
	p = inject_ike(100);
	address_parse(LINK_US, &p->local);
	address_parse(LINK_CLIENT, &p->remote);
	ring_push(&lab.far.inject[1]);
	lab_run();
	assert_int_equal(check_frame(frame, CLIENT6, IPPROTO_UDP), 8 + 100);
	assert_int_equal(frame[UDP_AT + 8], 0x5a);
	assert_int_equal(check_frame(frame, CLIENT6, IPPROTO_UDP), 8 + 4 + 100);
	assert_int_equal(frame[UDP_AT + 8], 0);
	assert_int_equal(check_frame(frame, CLIENT6, IPPROTO_UDP), 8 + 1);
	assert_int_equal(frame[UDP_AT + 8], 0x5a);
	assert_true(check_frame(frame, CLIENT6, IPPROTO_ESP) > 100);
	assert_int_equal(check_frame(frame, LINK_CLIENT, IPPROTO_UDP), 8 + 100);
	lab_disconnect();
}

static void test_injects_nonsense(void **state)
{
	static const char *const remotes[] = {"::", "ff02::1", "192.0.2.10"};
	static const char *const locals[] = {"2001:db8:0:1::2", LAB_NET6, "::", "192.0.2.1"};
	uint64_t invalid = lab_drops(DROP_INJECT_INVALID);
	uint8_t frame[LAB_FRAME];

	lab_connect();
	for (size_t i = 0; i < RTE_DIM(remotes); i++) {
		address_parse(remotes[i], &inject_ike(100)->remote);
		ring_push(&lab.far.inject[1]);
	}
	for (size_t i = 0; i < RTE_DIM(locals); i++) {
		address_parse(locals[i], &inject_ike(100)->local);
		ring_push(&lab.far.inject[1]);
	}
	lab_run();
	assert_int_equal(
		lab_drops(DROP_INJECT_INVALID) - invalid, RTE_DIM(remotes) + RTE_DIM(locals));
	assert_int_equal(lab_sent(LAB_SUB, frame), 0);
	lab_disconnect();
}

// What is larger than the port leaves in fragments; put together it is what it was.
static void test_injects_fragments(void **state)
{
	uint8_t frame[LAB_FRAME], whole[2 * LAB_FRAME];
	struct lab6_ends back = {LAB_SUB6, CLIENT6};
	uint8_t id[2][4];
	size_t at = 0, n;

	lab_connect();
	for (int i = 0; i < 2; i++) {
		inject_ike(PACKET_DATA);
		ring_push(&lab.far.inject[1]);
		lab_run();
		for (at = 0; at < 8 + PACKET_DATA; at += n - 8) {
			const uint8_t *f = frame + UDP_AT;

			n = check_frame(frame, CLIENT6, IPPROTO_FRAGMENT);
			assert_true(n <= 1460);
			assert_int_equal(f[0], IPPROTO_UDP);
			assert_int_equal(f[2] << 8 | f[3], at | (at + n - 8 < 8 + PACKET_DATA));
			assert_true(at == 0 || memcmp(id[i], f + 4, 4) == 0);
			memcpy(id[i], f + 4, 4);
			memcpy(whole + at, f + 8, n - 8);
		}
		assert_int_equal(at, 8 + PACKET_DATA);
		assert_int_equal(lab6_checksum(back, IPPROTO_UDP, whole, (uint16_t)at), 0);
	}
	assert_memory_not_equal(id[0], id[1], 4);
	lab_disconnect();
}

int main(void)
{
#define BOOKS(test, begin) cmocka_unit_test_setup_teardown(test, begin, check_books)
	const struct CMUnitTest tests[] = {
		BOOKS(test_esp, plain),
		BOOKS(test_esp_in_udp, in_udp),
		BOOKS(test_clear, plain),
		BOOKS(test_largest, plain),
		BOOKS(test_traffic_class, plain),
		BOOKS(test_uplink_fragments, plain),
		BOOKS(test_spray, plain),
		BOOKS(test_follows_the_nat, in_udp),
		BOOKS(test_answers_echo, plain),
		BOOKS(test_answers_echo_of_the_network, plain),
		BOOKS(test_ipv6_inside, plain),
		BOOKS(test_injects, plain),
		BOOKS(test_injects_nonsense, plain),
		BOOKS(test_injects_fragments, plain),
	};

	return cmocka_run_group_tests(tests, start, lab_stop);
}

// SPDX-License-Identifier: Apache-2.0

// The link layer from frame to frame: several ports on each side and two workers, one port with a
// single pair of queues, VLANs on one device, jumbo frames through a tunnel, and each fault that
// must be counted by name and end by itself.

#include "dataplane/test_tunnel.h"

#include <rte_ethdev.h>
#include <rte_ether.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HOST_SUB2 LAB_IP(192, 0, 3, 10)
#define HOST_NET2 LAB_IP(198, 51, 101, 10)
#define HOST_VLAN LAB_IP(192, 0, 4, 10)
#define HOST_QINQ LAB_IP(198, 51, 102, 10)

enum {
	JUMBO = 8900, // bytes of an inner packet
	DF = 0x4000,
	HEADER = 14,
};

// What stands between the Ethernet addresses and the EtherType.
struct tags {
	uint8_t bytes[12];
	uint16_t length;
};

static const struct tags untagged = {{0}, 0};
static const struct tags priority = {{0x81, 0, 0xe0, 0}, 4};
static const struct tags vlan = {{0x81, 0, 0, 10}, 4};
static const struct tags qinq = {{0x88, 0xa8, 1, 44, 0x81, 0, 0, 30}, 8};
static const struct tags qinq_old = {{0x81, 0, 1, 44, 0x81, 0, 0, 30}, 8};
static const struct tags stranger = {{0x81, 0, 0, 11}, 4};
static const struct tags reversed = {{0x88, 0xa8, 0, 30, 0x81, 0, 1, 44}, 8};
static const struct tags outer_alone = {{0x88, 0xa8, 1, 44}, 4};
static const struct tags three = {{0x88, 0xa8, 1, 44, 0x81, 0, 0, 30, 0x81, 0, 0, 7}, 12};

static int start(void **state)
{
	if (lab_start_wide(state) < 0)
		return -1;
	lab_neighbour(LAB_SUB, 9, CLIENT);
	lab_neighbour(LAB_NET, 9, HOST);
	lab_neighbour(LAB_SUB2, 9, HOST_SUB2);
	lab_neighbour(LAB_NET2, 9, HOST_NET2);
	return tunnel_routes();
}

static int tunnels(void **state)
{
	struct command_session_set set = {
		.flags = SESSION_IP4_OPEN | SESSION_LCP_OPEN, .peer_mru = LAB_JUMBO};
	int error = tunnel_pair(ESP_CIPHER_AES_CBC_128, ESP_INTEGRITY_HMAC_SHA1_96, ESP_PLAIN) ||
		    tunnel_sessions();

	set.session = SESSION;
	set.ip4 = address_from_u32(INNER);
	error = error || session_set(lab.tables, &set);
	set.session = SESSION_CLEAR;
	set.ip4 = address_from_u32(OTHER);
	return error || session_set(lab.tables, &set) ? -1 : 0;
}

static int check_books(void **state)
{
	lab_expire();
	lab_forget();
	lab_disconnect();
	return lab_balanced() && lab_packets_out() == 0 ? 0 : -1;
}

static int no_tunnels(void **state)
{
	tunnel_clear();
	lab_run();
	return check_books(state);
}

// ---- frames

static size_t with_tags(uint8_t *frame, size_t length, const struct tags *t)
{
	memmove(frame + 12 + t->length, frame + 12, length - 12);
	memcpy(frame + 12, t->bytes, t->length);
	return length + t->length;
}

// An echo request into a device, on the port of which it is meant to be.
static void ask(uint16_t device, uint16_t queue, uint32_t source, uint32_t destination,
	const struct tags *t)
{
	uint8_t frame[LAB_FRAME];
	size_t n = lab_echo_frame(frame, device, source, destination, 56, 64);

	lab_receive(device, queue, frame, with_tags(frame, n, t));
}

// The next frame of a device is an IPv4 packet with these tags, to that destination.
static void expect(uint16_t device, uint32_t destination, const struct tags *t)
{
	uint8_t frame[LAB_FRAME], to[4];
	size_t n = lab_sent(device, frame);

	assert_true(n >= HEADER + 20U + t->length);
	assert_memory_equal(frame, ((uint8_t[]){2, 0, 0, 0, 0, 9}), 6);
	assert_memory_equal(frame + 12, t->bytes, t->length);
	assert_memory_equal(frame + 12 + t->length, ((uint8_t[]){8, 0}), 2);
	destination = rte_cpu_to_be_32(destination);
	memcpy(to, &destination, sizeof(to));
	assert_memory_equal(frame + HEADER + t->length + 16, to, 4);
}

// The neighbour of a tagged port says who it is.
static void introduce(uint16_t port, uint32_t address, const struct tags *t)
{
	uint32_t own = rte_be_to_cpu_32(lab.port[port].address[0]);
	uint8_t frame[LAB_FRAME];
	size_t n = lab_arp_frame(frame, port, 9, 1, address, own);

	lab_receive(LAB_NET2, 1, frame, with_tags(frame, n, t));
	lab_run();
	assert_int_equal(lab_sent(LAB_NET2, frame), 42 + t->length);
	assert_memory_equal(frame + 12, t->bytes, t->length);
}

static void host_sends(
	uint16_t port, uint16_t queue, uint32_t source, uint32_t destination, uint16_t length)
{
	uint8_t frame[LAB_FRAME];
	struct build b = build_in(frame, sizeof(frame));

	lab_ether(&b, port, 9, RTE_ETHER_TYPE_IPV4);
	lab_ip4(&b, 253, source, destination, length, 64, DF);
	build_zero(&b, length);
	lab_receive(port, queue, frame, build_length(&b));
}

// UDP and L2TP in front of a PPP frame with an inner packet of that payload.
static size_t l2tp_data(
	uint8_t *out, uint16_t tunnel, uint32_t session, uint32_t destination, uint16_t length)
{
	struct build b = build_in(out, LAB_FRAME);
	uint32_t source = session == SESSION ? INNER : OTHER;

	lab_udp(&b, PORT_L2TP, PORT_L2TP, 6 + 4 + 20 + length);
	build_u16(&b, 0x0002);
	build_u16(&b, tunnel);
	build_u16(&b, (uint16_t)(session + SESSION_ID));
	build_u32(&b, 0xff030021);
	lab_ip4(&b, 253, source, destination, length, 64, DF);
	build_zero(&b, length);
	return build_length(&b);
}

static void client_sends(uint16_t queue, bool clear, uint32_t destination, uint16_t length)
{
	uint8_t data[LAB_FRAME], sealed[LAB_FRAME], frame[LAB_FRAME];
	struct build b = build_in(frame, sizeof(frame));
	size_t n = clear ? l2tp_data(data, TUNNEL_CLEAR, SESSION_CLEAR, destination, length)
			 : l2tp_data(data, TUNNEL, SESSION, destination, length);

	if (!clear) {
		n = tunnel_seal(data, n, sealed);
		assert_true(n > 0);
	}
	lab_ether(&b, LAB_SUB, 9, RTE_ETHER_TYPE_IPV4);
	lab_ip4(&b, clear ? IPPROTO_UDP : IPPROTO_ESP, CLIENT, US_SUB, (uint16_t)n, 64, 0);
	build_bytes(&b, clear ? data : sealed, n);
	lab_receive(LAB_SUB, queue, frame, build_length(&b));
}

// ---- several ports

// Two ports on each side: in by any of them, on any worker, out by the one of the route. The second
// subscriber port has one pair of queues, so a worker hands its frames over.
static void test_several_ports(void **state)
{
	uint8_t frame[LAB_FRAME];

	assert_int_equal(lab.port[LAB_SUB2].queues, 1);
	assert_int_equal(lab.port[LAB_NET2].queues, 2);
	for (uint16_t queue = 0; queue < LAB_WORKERS; queue++) {
		ask(LAB_SUB, queue, HOST_SUB2, US_SUB, &untagged);
		lab_run();
		expect(LAB_SUB2, HOST_SUB2, &untagged);
		ask(LAB_NET, queue, HOST_NET2, LAB_IP(198, 51, 101, 1), &untagged);
		lab_run();
		expect(LAB_NET2, HOST_NET2, &untagged);
		client_sends(queue, true, HOST_NET2, 100);
		client_sends(queue, false, HOST, 100);
		lab_run();
		expect(LAB_NET2, HOST_NET2, &untagged);
		expect(LAB_NET, HOST, &untagged);
		host_sends(LAB_NET2, queue, HOST_NET2, INNER, 100);
		host_sends(LAB_NET, queue, HOST, OTHER, 100);
		lab_run();
		expect(LAB_SUB, CLIENT, &untagged);
		expect(LAB_SUB, CLIENT, &untagged);
	}
	ask(LAB_SUB2, 0, CLIENT, LAB_IP(192, 0, 3, 1), &untagged);
	lab_run();
	expect(LAB_SUB, CLIENT, &untagged);
	for (uint16_t port = 0; port < lab.ports; port++)
		assert_int_equal(lab_sent(port, frame), 0);
}

// ---- VLANs

static void test_vlans(void **state)
{
	introduce(LAB_SUB_VLAN, HOST_VLAN, &vlan);
	introduce(LAB_NET_QINQ, HOST_QINQ, &qinq);
	for (uint16_t queue = 0; queue < LAB_WORKERS; queue++) {
		ask(LAB_NET2, queue, HOST_VLAN, LAB_IP(192, 0, 4, 1), &vlan);
		lab_run();
		expect(LAB_NET2, HOST_VLAN, &vlan);
		ask(LAB_NET2, queue, HOST_QINQ, LAB_IP(198, 51, 102, 1), &qinq);
		lab_run();
		expect(LAB_NET2, HOST_QINQ, &qinq);
		ask(LAB_NET2, queue, HOST_QINQ, LAB_IP(198, 51, 102, 1), &qinq_old);
		lab_run();
		expect(LAB_NET2, HOST_QINQ, &qinq);
		ask(LAB_NET2, queue, HOST_NET2, LAB_IP(198, 51, 101, 1), &priority);
		lab_run();
		expect(LAB_NET2, HOST_NET2, &untagged);
	}
	// A mere priority counts as no tag on a device without VLANs, too.
	ask(LAB_NET, 0, HOST, LAB_IP(198, 51, 100, 1), &priority);
	lab_run();
	expect(LAB_NET, HOST, &untagged);
}

// A burst of both sides, of all tags and of none: none costs another one its packet.
static void test_vlans_in_one_burst(void **state)
{
	const struct tags *unknown[] = {&stranger, &reversed, &outer_alone, &three};
	uint64_t before = lab_drops(DROP_VLAN_UNKNOWN), sent, received;
	struct port_count *n = lab.worker[0].port_count;

	introduce(LAB_SUB_VLAN, HOST_VLAN, &vlan);
	introduce(LAB_NET_QINQ, HOST_QINQ, &qinq);
	sent = n[LAB_NET_QINQ].tx_packets;
	received = n[LAB_NET_QINQ].rx_packets;
	for (int i = 0; i < 4; i++) {
		ask(LAB_NET2, 0, HOST_QINQ, LAB_IP(198, 51, 102, 1), &qinq);
		ask(LAB_NET2, 0, HOST_NET2, LAB_IP(198, 51, 101, 1), unknown[i]);
		ask(LAB_NET2, 0, HOST_VLAN, LAB_IP(192, 0, 4, 1), &vlan);
		ask(LAB_NET2, 0, HOST_NET2, LAB_IP(198, 51, 101, 1), &untagged);
	}
	lab_receive(LAB_NET2, 0, vlan.bytes, 4); // no header at all
	lab_run();
	assert_int_equal(lab_drops(DROP_VLAN_UNKNOWN) - before, 5);
	assert_int_equal(n[LAB_NET_QINQ].tx_packets - sent, 4);
	assert_int_equal(n[LAB_NET_QINQ].rx_packets - received, 4);
	for (int i = 0; i < 4; i++)
		expect(LAB_NET2, HOST_NET2, &untagged);
	for (int i = 0; i < 4; i++)
		expect(LAB_NET2, HOST_VLAN, &vlan);
	for (int i = 0; i < 4; i++)
		expect(LAB_NET2, HOST_QINQ, &qinq);
	// On a device without VLANs any tag is unknown.
	ask(LAB_NET, 0, HOST, LAB_IP(198, 51, 100, 1), &vlan);
	lab_run();
	assert_int_equal(lab_drops(DROP_VLAN_UNKNOWN) - before, 6);
}

// ---- jumbo frames

static void check_jumbo(bool clear)
{
	uint8_t frame[LAB_FRAME];
	size_t n;

	client_sends(0, clear, HOST, JUMBO - 20);
	lab_run();
	assert_int_equal(lab_sent(LAB_NET, frame), HEADER + JUMBO);
	host_sends(LAB_NET, 1, HOST, clear ? OTHER : INNER, JUMBO - 20);
	lab_run();
	n = lab_sent(LAB_SUB, frame);
	assert_in_range(n, HEADER + JUMBO + 1, HEADER + LAB_JUMBO);
	assert_int_equal(frame[23], clear ? IPPROTO_UDP : IPPROTO_ESP);
	assert_int_equal(lab_sent(LAB_SUB, frame), 0);
	assert_int_equal(lab_sent(LAB_NET, frame), 0);
}

static void test_jumbo(void **state)
{
	check_jumbo(true);
	check_jumbo(false);
}

// As large as a session takes, and one byte more: that is told with the right number.
static void test_jumbo_too_big(void **state)
{
	uint64_t before = lab_drops(DROP_MTU_EXCEEDED);
	uint8_t frame[LAB_FRAME];
	uint16_t most;

	host_sends(LAB_NET, 0, HOST, OTHER, LAB_JUMBO - 20);
	lab_run();
	assert_int_equal(lab_drops(DROP_MTU_EXCEEDED) - before, 1);
	assert_true(lab_sent(LAB_NET, frame) > HEADER + 28);
	assert_int_equal(frame[HEADER + 20], 3);
	assert_int_equal(frame[HEADER + 21], 4);
	most = (uint16_t)(frame[HEADER + 26] << 8 | frame[HEADER + 27]);
	assert_true(most > JUMBO && most < LAB_JUMBO);
	host_sends(LAB_NET, 0, HOST, OTHER, most - 20);
	lab_run();
	assert_true(lab_sent(LAB_SUB, frame) > HEADER + (size_t)most);
	host_sends(LAB_NET, 0, HOST, OTHER, most - 19);
	lab_run();
	assert_int_equal(lab_sent(LAB_SUB, frame), 0);
}

// ---- faults

static void set_link(uint16_t port, bool up)
{
	if (up)
		assert_int_equal(rte_eth_dev_set_link_up(lab.port[port].id), 0);
	else
		assert_int_equal(rte_eth_dev_set_link_down(lab.port[port].id), 0);
	for (uint16_t i = 0; i < lab.ports; i++)
		port_sample(&lab.port[i], &lab.stats.port[i]);
}

// Also of the ports that share the device; all others go on.
static void test_link_down_and_up(void **state)
{
	uint64_t before = lab_drops(DROP_TX_LINK);
	uint8_t frame[LAB_FRAME];

	set_link(LAB_NET2, false);
	assert_false(lab.port[LAB_NET_QINQ].up);
	ask(LAB_NET, 0, HOST_NET2, LAB_IP(198, 51, 101, 1), &untagged);
	ask(LAB_NET, 0, HOST, LAB_IP(198, 51, 100, 1), &untagged);
	lab_run();
	assert_int_equal(lab_drops(DROP_TX_LINK) - before, 1);
	assert_int_equal(lab_sent(LAB_NET2, frame), 0);
	expect(LAB_NET, HOST, &untagged);
	set_link(LAB_NET2, true);
	ask(LAB_NET, 0, HOST_NET2, LAB_IP(198, 51, 101, 1), &untagged);
	lab_run();
	expect(LAB_NET2, HOST_NET2, &untagged);
	assert_int_equal(lab_drops(DROP_TX_LINK) - before, 1);
}

// A queue that nobody empties: what it does not take is dropped, and all goes on when it is empty.
static void test_tx_full(void **state)
{
	unsigned room = rte_ring_get_capacity(lab.tx[LAB_NET][0]), sent = 0;
	uint64_t before = lab_drops(DROP_TX_FULL);
	uint8_t frame[LAB_FRAME];

	for (unsigned i = 0; i < room + 10; i++) {
		ask(LAB_NET, 0, HOST, LAB_IP(198, 51, 100, 1), &untagged);
		lab_run();
	}
	assert_int_equal(lab_drops(DROP_TX_FULL) - before, 10);
	while (lab_sent(LAB_NET, frame))
		sent++;
	assert_int_equal(sent, room);
	ask(LAB_NET, 0, HOST, LAB_IP(198, 51, 100, 1), &untagged);
	lab_run();
	expect(LAB_NET, HOST, &untagged);
}

static void inject_ike(void)
{
	struct packet *p = ring_slot(&lab.far.inject[1]);

	assert_non_null(p);
	memset(p, 0, sizeof(*p));
	p->kind = PACKET_IKE;
	p->length = 100;
	p->parts = 1;
	p->session = SESSION_NONE;
	p->local = address_from_u32(US_SUB);
	p->remote = address_from_u32(CLIENT);
	p->local_port = 500;
	p->remote_port = 500;
	ring_push(&lab.far.inject[1]);
}

// A probe for a large MTU lies in several slots and leaves in one piece, or not at all.
static void inject_probe(size_t length)
{
	uint16_t parts = (uint16_t)((length + PACKET_DATA - 1) / PACKET_DATA);

	for (uint16_t i = 0; i < parts; i++) {
		struct packet *p = ring_slot(&lab.far.inject[1]);
		size_t left = length - (size_t)i * PACKET_DATA;

		memset(p, 0, sizeof(*p));
		p->kind = PACKET_PPP;
		p->flags = PACKET_DF;
		p->length = (uint16_t)RTE_MIN(left, (size_t)PACKET_DATA);
		p->part = i;
		p->parts = parts;
		p->session = SESSION_CLEAR;
		memset(p->data, i + 1, p->length);
		memcpy(p->data, "\xc0\x21\x09", i == 0 ? 3 : 0);
		ring_push(&lab.far.inject[1]);
	}
}

static void test_large_probe(void **state)
{
	enum { FRONT = 14 + 20 + 8 + 8 }; // Ethernet to L2TP, and the two bytes of PPP's frame
	uint64_t before = lab_drops(DROP_INJECT_INVALID);
	uint8_t frame[LAB_FRAME];
	size_t n;

	lab_connect();
	for (size_t length = 1500; length < 8900; length += 1000) {
		inject_probe(length);
		lab_run();
		n = lab_sent(LAB_SUB, frame);
		assert_int_equal(n, FRONT + length);
		assert_int_equal(frame[20], 0x40);
		assert_memory_equal(frame + FRONT, "\xc0\x21\x09\1", 4);
		assert_int_equal(frame[n - 1], (length - 1) / PACKET_DATA + 1);
		assert_int_equal(lab_sent(LAB_SUB, frame), 0);
	}
	assert_int_equal(lab_drops(DROP_INJECT_INVALID), before);
	inject_probe(2 + LIMIT_MTU_MAX + 1);
	lab_run();
	assert_int_equal(lab_sent(LAB_SUB, frame), 0);
	assert_int_equal(lab_drops(DROP_INJECT_INVALID), before + 1);
}

// No packet buffer is left: what needs one is dropped by that name, what has one goes on; and when
// they come back, so does all the rest.
static void test_no_memory(void **state)
{
	static struct rte_mbuf *taken[LAB_POOL];
	uint64_t before = lab_drops(DROP_NO_MEMORY);
	uint8_t frame[LAB_FRAME];
	unsigned count = 0;

	lab_connect();
	ask(LAB_NET, 0, HOST, LAB_IP(198, 51, 100, 1), &untagged);
	while ((taken[count] = rte_pktmbuf_alloc(lab.pool)))
		count++;
	inject_ike();
	lab_run();
	assert_int_equal(lab_drops(DROP_NO_MEMORY) - before, 1);
	assert_int_equal(lab_sent(LAB_SUB, frame), 0);
	expect(LAB_NET, HOST, &untagged);
	rte_pktmbuf_free_bulk(taken, count);
	inject_ike();
	ask(LAB_NET, 0, HOST, LAB_IP(198, 51, 100, 1), &untagged);
	lab_run();
	expect(LAB_SUB, CLIENT, &untagged);
	expect(LAB_NET, HOST, &untagged);
	assert_int_equal(lab_drops(DROP_NO_MEMORY) - before, 1);
}

// The router goes: asked three times by unicast, then its packets are dropped; it comes back with
// another Ethernet address, and all goes on.
static void test_neighbour_lost_and_back(void **state)
{
	uint32_t host = LAB_IP(198, 51, 101, 20);
	uint64_t before = lab_drops(DROP_NEIGHBOUR_LOST);
	uint8_t frame[LAB_FRAME];

	lab_neighbour(LAB_NET2, 9, host);
	ask(LAB_NET2, 0, host, LAB_IP(198, 51, 101, 1), &untagged);
	lab_run();
	expect(LAB_NET2, host, &untagged);
	for (int i = 0; i < NEIGHBOUR_GOOD_S + NEIGHBOUR_TRIES; i++)
		lab_second();
	lab_forget();
	ask(LAB_NET2, 0, host, LAB_IP(198, 51, 101, 1), &untagged);
	lab_run();
	assert_int_equal(lab_sent(LAB_NET2, frame), 0);
	assert_int_equal(lab_drops(DROP_NEIGHBOUR_LOST) - before, 1);
	lab_neighbour(LAB_NET2, 8, host);
	ask(LAB_NET2, 0, host, LAB_IP(198, 51, 101, 1), &untagged);
	lab_run();
	assert_true(lab_sent(LAB_NET2, frame) > 0);
	assert_memory_equal(frame, ((uint8_t[]){2, 0, 0, 0, 0, 8}), 6);
	assert_int_equal(lab_drops(DROP_NEIGHBOUR_LOST) - before, 1);
}

// No worker takes what the clerk has for it: counted for the port.
static void test_clerk_lost(void **state)
{
	unsigned room = 0, announced = lab.port[LAB_NET].address_count +
				       lab.port[LAB_NET].address6_count + 1U;
	uint8_t frame[LAB_FRAME];

	for (uint16_t i = 0; i < lab.workers; i++)
		room += rte_ring_get_capacity(lab.worker[i].from_clerk);
	assert_int_equal(lab.resolver.lost[LAB_NET], 0);
	for (unsigned i = 0; i <= room / announced; i++)
		resolver_announce(&lab.resolver, LAB_NET);
	assert_int_equal(lab.resolver.lost[LAB_NET], (room / announced + 1) * announced - room);
	lab_run();
	lab_forget();
	resolver_announce(&lab.resolver, LAB_NET);
	lab_run();
	for (unsigned i = 0; i < announced; i++)
		assert_true(lab_sent(LAB_NET, frame) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_several_ports, tunnels, no_tunnels),
		cmocka_unit_test_teardown(test_vlans, check_books),
		cmocka_unit_test_teardown(test_vlans_in_one_burst, check_books),
		cmocka_unit_test_setup_teardown(test_jumbo, tunnels, no_tunnels),
		cmocka_unit_test_setup_teardown(test_jumbo_too_big, tunnels, no_tunnels),
		cmocka_unit_test_teardown(test_link_down_and_up, check_books),
		cmocka_unit_test_teardown(test_tx_full, check_books),
		cmocka_unit_test_setup_teardown(test_large_probe, tunnels, no_tunnels),
		cmocka_unit_test_teardown(test_no_memory, check_books),
		cmocka_unit_test_teardown(test_neighbour_lost_and_back, check_books),
		cmocka_unit_test_teardown(test_clerk_lost, check_books),
	};

	return cmocka_run_group_tests(tests, start, lab_stop);
}

// SPDX-License-Identifier: Apache-2.0

// IKE messages longer than a slot of the rings and than a frame (certificates): fragments in and
// parts out of the punt ring, parts into the inject ring and fragments out, over both versions of
// IP; and parts and fragments that make no sense.

#include "dataplane/ip6.h"
#include "dataplane/test_lab6.h"

#include <rte_ether.h>
#include <rte_ip.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CLIENT  LAB_IP(192, 0, 2, 10)
#define US_SUB  LAB_IP(192, 0, 2, 1)
#define CLIENT6 "2001:db8:0:1::10"

enum {
	ETHER = 14,
	IP4 = 20,
	UDP = 8,
	MARKER = 4,
	PIECE = 1424, // bytes of a fragment's payload
	DATAGRAM = UDP + MARKER + LIMIT_IKE_MESSAGE + 8,
	IDENTIFICATION = 0x2a17,
};

static const struct lab6_ends THERE = {CLIENT6, LAB_SUB6}, BACK = {LAB_SUB6, CLIENT6};

// A way that a message can take.
static const struct way {
	bool six;
	uint16_t port;
} ways[] = {{false, 500}, {false, 4500}, {true, 500}, {true, 4500}};

static const uint16_t lengths[] = {PACKET_DATA + 1, 2 * PACKET_DATA, 6000, LIMIT_IKE_MESSAGE};

static uint8_t byte_at(size_t position)
{
	return (uint8_t)(position * 11 + position / 251 + 1);
}

static int check_books(void **state)
{
	lab_expire();
	lab_forget();
	lab_disconnect();
	return lab_balanced() && lab_packets_out() == 0 ? 0 : -1;
}

static int connect_and_meet(void **state)
{
	lab_connect();
	lab_neighbour(LAB_SUB, 9, CLIENT);
	lab6_neighbour(LAB_SUB, 9, CLIENT6, LAB_SUB6);
	return 0;
}

static uint16_t checksum(const struct way *way, bool out, const uint8_t *udp, size_t length)
{
	uint32_t from = rte_cpu_to_be_32(out ? US_SUB : CLIENT);
	uint32_t to = rte_cpu_to_be_32(out ? CLIENT : US_SUB);
	struct rte_ipv4_hdr ip = {.src_addr = from,
		.dst_addr = to,
		.next_proto_id = IPPROTO_UDP,
		.version_ihl = 0x45,
		.total_length = rte_cpu_to_be_16((uint16_t)(IP4 + length))};

	if (way->six)
		return lab6_checksum(out ? BACK : THERE, IPPROTO_UDP, udp, (uint16_t)length);
	return rte_ipv4_udptcp_cksum(&ip, udp);
}

// ---- in

// A UDP datagram with so many bytes of message in it; returns its length.
static size_t datagram(uint8_t *out, const struct way *way, uint16_t port, size_t length)
{
	struct build b = build_in(out, DATAGRAM);
	bool marker = port == 4500;
	uint16_t sum;

	build_u16(&b, 500);
	build_u16(&b, port);
	build_u16(&b, (uint16_t)(UDP + (marker ? MARKER : 0) + length));
	build_u16(&b, 0);
	build_zero(&b, marker ? MARKER : 0);
	for (size_t i = 0; i < length; i++)
		build_u8(&b, byte_at(i));
	assert_false(b.failed);
	sum = checksum(way, false, out, build_length(&b));
	memcpy(out + 6, &sum, sizeof(sum));
	return build_length(&b);
}

static void send_piece(const struct way *way, const uint8_t *datagram, size_t length, size_t at)
{
	uint16_t size = (uint16_t)(length - at < PIECE ? length - at : PIECE);
	bool more = at + size < length;
	uint8_t frame[LAB_FRAME];
	struct build b = build_in(frame, sizeof(frame));

	if (way->six) {
		uint8_t payload[PIECE + IP6_FRAGMENT_HEADER];
		struct build f = build_in(payload, sizeof(payload));

		build_u8(&f, IPPROTO_UDP);
		build_u8(&f, 0);
		build_u16(&f, (uint16_t)at | more);
		build_u32(&f, IDENTIFICATION);
		build_bytes(&f, datagram + at, size);
		lab_receive(LAB_SUB, 1, frame,
			lab6_frame(frame, LAB_SUB, IPPROTO_FRAGMENT, THERE, payload,
				(uint16_t)build_length(&f)));
		return;
	}
	lab_ether(&b, LAB_SUB, 9, RTE_ETHER_TYPE_IPV4);
	lab_ip4(&b, IPPROTO_UDP, CLIENT, US_SUB, size, 64,
		(uint16_t)(at / 8) | (more ? RTE_IPV4_HDR_MF_FLAG : 0));
	build_bytes(&b, datagram + at, size);
	lab_receive(LAB_SUB, 1, frame, build_length(&b));
}

// In fragments, the last one first.
static void send_in(const struct way *way, const uint8_t *datagram, size_t length)
{
	for (size_t at = (length - 1) / PIECE * PIECE;; at -= PIECE) {
		send_piece(way, datagram, length, at);
		lab_run();
		if (at == 0)
			break;
	}
}

// The ring that has something, or NULL.
static struct ring *punted(void)
{
	for (uint16_t i = 0; i < LAB_WORKERS; i++)
		if (ring_count(&lab.far.punt[i]))
			return &lab.far.punt[i];
	return NULL;
}

static void check_punted(const struct way *way, size_t length)
{
	uint16_t parts = (uint16_t)((length + PACKET_DATA - 1) / PACKET_DATA);
	struct ring *ring = punted();
	size_t at = 0;

	assert_non_null(ring);
	assert_int_equal(ring_count(ring), parts);
	for (uint16_t i = 0; i < parts; i++) {
		const struct packet *p = ring_front(ring);

		assert_int_equal(p->kind, PACKET_IKE);
		assert_int_equal(p->part, i);
		assert_int_equal(p->parts, parts);
		assert_int_equal(p->flags, way->port == 4500 ? PACKET_NAT_T : 0);
		assert_int_equal(p->local_port, way->port);
		assert_int_equal(p->remote_port, 500);
		assert_int_equal(p->remote.version, way->six ? IP_V6 : IP_V4);
		assert_true(p->length == PACKET_DATA || i == parts - 1);
		for (size_t k = 0; k < p->length; k++)
			assert_int_equal(p->data[k], byte_at(at++));
		ring_pop(ring);
	}
	assert_int_equal(at, length);
}

static void test_punts_what_was_in_fragments(void **state)
{
	static uint8_t whole[DATAGRAM];

	for (size_t i = 0; i < RTE_DIM(ways); i++)
		for (size_t k = 0; k < RTE_DIM(lengths); k++) {
			send_in(&ways[i], whole,
				datagram(whole, &ways[i], ways[i].port, lengths[k]));
			check_punted(&ways[i], lengths[k]);
		}
}

static void test_drops_what_is_wrong_with_them(void **state)
{
	enum { SHORT_LENGTH, CHECKSUM, NO_PORT, ONE_TOO_LONG, L2TP, ESP, CASES };
	static const enum drop reasons[CASES] = {DROP_UDP_INVALID, DROP_UDP_CHECKSUM,
		DROP_UDP_INVALID, DROP_PUNT_LONG, DROP_L2TP_VERSION, DROP_ESP_SPI};
	static uint8_t whole[DATAGRAM];

	for (size_t i = 0; i < RTE_DIM(ways); i++)
		for (int c = 0; c < CASES; c++) {
			uint64_t before = lab_drops(reasons[c]);
			uint16_t port = c == L2TP ? 1701 : c == ESP ? 4500 : ways[i].port;
			size_t n = datagram(whole, &ways[i], port,
				c == ONE_TOO_LONG ? LIMIT_IKE_MESSAGE + 1 : 6000);

			if (c == CHECKSUM && port == 4500)
				continue; // not looked at (classify.c)
			whole[5] -= c == SHORT_LENGTH;
			whole[3000] ^= c == CHECKSUM;
			if (c == NO_PORT)
				memset(whole, 0, 2);
			if (c == SHORT_LENGTH || c == NO_PORT) {
				uint16_t sum;

				memset(whole + 6, 0, 2);
				sum = checksum(&ways[i], false, whole, n);
				memcpy(whole + 6, &sum, 2);
			}
			whole[UDP] |= c == ESP;
			send_in(&ways[i], whole, n);
			assert_true(lab_drops(reasons[c]) > before);
			assert_null(punted());
			lab_expire(); // a refused datagram is remembered
		}
}

static void test_punts_all_or_nothing(void **state)
{
	static uint8_t whole[DATAGRAM];
	const struct way *way = &ways[0];
	uint64_t full = lab_drops(DROP_PUNT_FULL);
	uint8_t frame[LAB_FRAME];
	struct ring *ring;
	size_t n;

	for (int i = 0; i < LIMIT_RING_PACKETS - 3; i++) // two slots are left
		for (uint16_t queue = 0; queue < LAB_WORKERS; queue++) {
			n = lab_udp_frame(frame, LAB_SUB, CLIENT, US_SUB, 500, 500, whole, 40);
			lab_receive(LAB_SUB, queue, frame, n);
			lab_run();
		}
	n = datagram(whole, way, 500, 3 * PACKET_DATA);
	send_in(way, whole, n);
	assert_int_equal(lab_drops(DROP_PUNT_FULL) - full, 1);
	for (uint16_t i = 0; i < LAB_WORKERS; i++)
		assert_int_equal(ring_count(&lab.far.punt[i]), LIMIT_RING_PACKETS - 3);
	n = datagram(whole, way, 500, 2 * PACKET_DATA);
	send_in(way, whole, n);
	assert_int_equal(lab_drops(DROP_PUNT_FULL) - full, 1);
	for (uint16_t i = 0; i < LAB_WORKERS; i++) {
		ring = &lab.far.punt[i];
		for (int k = 0; k < LIMIT_RING_PACKETS - 3; k++)
			ring_pop(ring);
	}
	check_punted(way, 2 * PACKET_DATA);
}

// ---- out

// One part, ready to be changed and pushed.
static struct packet *part(const struct way *way, size_t length, uint16_t i)
{
	struct packet *p = ring_slot(&lab.far.inject[1]);
	size_t at = (size_t)i * PACKET_DATA;

	assert_non_null(p);
	memset(p, 0, sizeof(*p));
	p->kind = PACKET_IKE;
	p->part = i;
	p->parts = (uint16_t)((length + PACKET_DATA - 1) / PACKET_DATA);
	p->length = (uint16_t)(length - at < PACKET_DATA ? length - at : PACKET_DATA);
	p->session = SESSION_NONE;
	p->flags = way->port == 4500 ? PACKET_NAT_T : 0;
	p->local = address_from_u32(US_SUB);
	p->remote = address_from_u32(CLIENT);
	if (way->six) {
		address_parse(LAB_SUB6, &p->local);
		address_parse(CLIENT6, &p->remote);
	}
	p->local_port = way->port;
	p->remote_port = 500;
	for (size_t k = 0; k < p->length; k++)
		p->data[k] = byte_at(at + k);
	return p;
}

static void push(void)
{
	ring_push(&lab.far.inject[1]);
}

// A fragment that was sent: where its payload lies and what it says. False when there is none.
struct fragment {
	const uint8_t *payload;
	size_t length, at;
	bool more;
};

static bool take_fragment(const struct way *way, uint8_t frame[LAB_FRAME], struct fragment *f)
{
	size_t n = lab_sent(LAB_SUB, frame);
	uint16_t field;

	if (n == 0)
		return false;
	assert_true(n <= ETHER + LAB_MTU);
	if (way->six) {
		const uint8_t *header = frame + ETHER + IP6_HEADER;

		assert_int_equal(frame[ETHER + 6], IPPROTO_FRAGMENT);
		field = (uint16_t)(header[2] << 8 | header[3]);
		*f = (struct fragment){header + IP6_FRAGMENT_HEADER,
			n - ETHER - IP6_HEADER - IP6_FRAGMENT_HEADER, field & 0xfff8, field & 1};
		return true;
	}
	assert_int_equal(rte_raw_cksum(frame + ETHER, IP4), 0xffff);
	field = (uint16_t)(frame[ETHER + 6] << 8 | frame[ETHER + 7]);
	*f = (struct fragment){frame + ETHER + IP4, n - ETHER - IP4,
		(size_t)(field & RTE_IPV4_HDR_OFFSET_MASK) * 8, field & RTE_IPV4_HDR_MF_FLAG};
	return true;
}

static void check_sent(const struct way *way, size_t length)
{
	size_t front = UDP + (way->port == 4500 ? MARKER : 0), at = 0;
	static uint8_t whole[DATAGRAM + LAB_FRAME];
	uint8_t frame[LAB_FRAME];
	struct fragment f = {.more = true};

	while (f.more) {
		assert_true(take_fragment(way, frame, &f));
		assert_int_equal(f.at, at);
		memcpy(whole + at, f.payload, f.length);
		at += f.length;
		assert_true(at <= DATAGRAM);
	}
	assert_int_equal(at, front + length);
	assert_int_equal(whole[4] << 8 | whole[5], at);
	uint16_t sum, zero = 0;

	memcpy(&sum, whole + 6, sizeof(sum));
	memcpy(whole + 6, &zero, sizeof(zero));
	assert_int_equal(sum, checksum(way, true, whole, at));
	for (size_t i = UDP; i < front; i++)
		assert_int_equal(whole[i], 0);
	for (size_t i = 0; i < length; i++)
		assert_int_equal(whole[front + i], byte_at(i));
}

static void test_sends_parts_in_fragments(void **state)
{
	for (size_t i = 0; i < RTE_DIM(ways); i++)
		for (size_t k = 0; k < RTE_DIM(lengths); k++) {
			for (size_t at = 0; at < lengths[k]; at += PACKET_DATA) {
				part(&ways[i], lengths[k], (uint16_t)(at / PACKET_DATA));
				push();
			}
			lab_run();
			check_sent(&ways[i], lengths[k]);
		}
}

// Whatever is wrong with the parts, what follows them is understood again.
static void test_drops_parts_that_do_not_fit(void **state)
{
	enum { PARTS = 3, CASES = 15 };
	const struct way *way = &ways[0];

	for (int c = 0; c < CASES; c++) {
		uint64_t invalid = lab_drops(DROP_INJECT_INVALID);

		for (uint16_t i = 0; i < PARTS; i++) {
			struct packet *p = part(way, PARTS * PACKET_DATA, i);
			bool last = i == PARTS - 1;

			if (c == 0 && last)
				break;
			p->part -= c == 1 && last;
			p->part += c == 2 && last;
			p->parts += c == 3 && last;
			p->length += c == 4 && last;
			p->length -= c == 5 && i == 1;
			p->length = c == 6 && last ? 0 : p->length;
			p->kind = c == 7 && last ? PACKET_L2TP : p->kind;
			p->kind = c == 8 ? PACKET_IP6 : p->kind;
			p->remote_port += c == 9 && last;
			p->remote.bytes[3] ^= c == 10 && i == 1;
			p->parts = c == 11 ? PACKET_PARTS + 1 : p->parts;
			p->parts = c == 12 ? 0 : p->parts;
			p->part = c == 13 ? 1 : p->part;
			p->length = c == 14 ? PACKET_DATA - 1 : p->length;
			push();
		}
		lab_run();
		assert_true(lab_drops(DROP_INJECT_INVALID) > invalid);
		assert_true(lab_balanced());
		for (uint16_t i = 0; i < 2; i++) {
			part(way, PACKET_DATA + 500, i);
			push();
		}
		lab_run();
		check_sent(way, PACKET_DATA + 500);
	}
}

// All parts full: more than an IKE message may have.
static void test_drops_a_message_that_is_too_long(void **state)
{
	uint64_t invalid = lab_drops(DROP_INJECT_INVALID);
	uint8_t frame[LAB_FRAME];

	for (uint16_t i = 0; i < PACKET_PARTS; i++) {
		part(&ways[0], PACKET_PARTS * PACKET_DATA, i);
		push();
	}
	lab_run();
	assert_int_equal(lab_drops(DROP_INJECT_INVALID) - invalid, 1);
	assert_int_equal(lab_sent(LAB_SUB, frame), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, connect_and_meet, check_books)
	const struct CMUnitTest tests[] = {
		TEST(test_punts_what_was_in_fragments),
		TEST(test_drops_what_is_wrong_with_them),
		TEST(test_punts_all_or_nothing),
		TEST(test_sends_parts_in_fragments),
		TEST(test_drops_parts_that_do_not_fit),
		TEST(test_drops_a_message_that_is_too_long),
	};

	return cmocka_run_group_tests(tests, lab_start, lab_stop);
}

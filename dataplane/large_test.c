// SPDX-License-Identifier: Apache-2.0

// Packets longer than a buffer, from frame to frame: a client that encrypts them whole and cuts
// what becomes of them (ESP in tunnel mode), and L2TP with a large MRU, over both IP versions,
// plain and in UDP, on whatever worker the fragments arrive. What comes of them, where each must
// not go on, and that no large buffer is kept. The books are checked after each test.

#include "dataplane/esp_crypto.h"
#include "dataplane/group.h"
#include "dataplane/ip6.h"
#include "dataplane/large.h"
#include "dataplane/sa.h"
#include "dataplane/session.h"
#include "dataplane/test_lab6.h"
#include "dataplane/test_tunnel.h"

#include <netinet/in.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
	IP_AT = 14,
	IP4 = 20,
	UDP = 8,
	DF = 0x4000,
	MF = RTE_IPV4_HDR_MF_FLAG,
	EACH = 1440, // bytes of an outer fragment's payload
	PROTOCOL = 253,
	L2TP_DATA = 0x0002,
	L2TP_NUMBERED = 0x0802,
};

static struct {
	bool six, udp;
} road;
static uint32_t sequence;

static uint8_t byte_at(size_t position)
{
	return (uint8_t)(position * 13 + position / 256);
}

static int start(void **state)
{
	if (lab_start(state) < 0 || tunnel_routes() || tunnel_bare_routes())
		return -1;
	lab_connect();
	lab_neighbour(LAB_NET, 9, HOST);
	lab_neighbour(LAB_SUB, 9, CLIENT);
	lab6_neighbour(LAB_NET, 9, HOST6, LAB_NET6);
	lab6_neighbour(LAB_SUB, 9, CLIENT6, LAB_SUB6);
	return 0;
}

static void begin(bool six, bool udp, uint8_t cipher)
{
	uint8_t integrity = cipher == ESP_CIPHER_AES_GCM_128 ? ESP_INTEGRITY_NONE
							     : ESP_INTEGRITY_HMAC_SHA256_128;
	uint8_t encapsulation = udp ? ESP_UDP : ESP_PLAIN;

	road.six = six;
	road.udp = udp;
	sequence = 0;
	tunnel_outer6(six);
	assert_int_equal(tunnel_pair(cipher, integrity, encapsulation), 0);
	assert_int_equal(tunnel_sessions(), 0);
	assert_int_equal(tunnel_bare(cipher, integrity, encapsulation), 0);
}

static void end(void)
{
	lab_expire();
	lab_forget();
	tunnel_clear();
	assert_true(lab_balanced());
	assert_int_equal(lab_packets_out(), 0);
}

static int setup(void **state)
{
	begin(false, false, ESP_CIPHER_AES_GCM_128);
	return 0;
}

static int check_books(void **state)
{
	end();
	return 0;
}

static void for_each_road(void (*check)(void))
{
	for (int i = 0; i < 8; i++) {
		begin(i & 1, i & 2, i & 4 ? ESP_CIPHER_AES_GCM_128 : ESP_CIPHER_AES_CBC_128);
		check();
		end();
	}
}

// ---- what the client sends

static void send_outer(uint8_t next, const uint8_t *payload, size_t length)
{
	tunnel_fragments(road.six, next, payload, length, EACH);
}

static void seal_and_send(uint32_t spi, uint8_t next, const void *data, size_t length)
{
	static uint8_t out[TUNNEL_LARGE];
	size_t n = tunnel_seal_large(spi, next, data, length, ++sequence, out);

	assert_true(n > 0);
	send_outer(road.udp ? IPPROTO_UDP : IPPROTO_ESP, out, n);
}

// The longest inner packet whose ESP datagram can be said in an IP header, and lies in a buffer.
static size_t most(void)
{
	const struct sa *s = sa_find(lab.tables, THEIRS_BARE);
	size_t front = road.six ? IP6_HEADER + IP6_FRAGMENT_HEADER : IP4;
	size_t text = LARGE_MOST - front - (road.udp ? UDP : 0) - ESP_HEADER - s->shape_out.iv -
		      s->shape_out.icv;

	return (text & ~(s->out_block - 1UL)) - 2;
}

static uint8_t *inner4(uint32_t source, uint32_t destination, uint16_t field, size_t length)
{
	static uint8_t ip[UINT16_MAX];
	struct build b = build_in(ip, sizeof(ip));

	lab_ip4(&b, PROTOCOL, source, destination, (uint16_t)(length - IP4), 64, field);
	for (size_t i = IP4; i < length; i++)
		build_u8(&b, byte_at(i - IP4));
	assert_false(b.failed);
	return ip;
}

static void bare_sends(uint32_t destination, uint16_t field, size_t length)
{
	seal_and_send(THEIRS_BARE, IPPROTO_IPIP, inner4(BARE, destination, field, length), length);
	lab_run();
}

// ---- what comes out

// Takes the fragments of one packet, each of at most that many bytes, from a port where they lie in
// clear. Returns the bytes of its payload, and how many fragments there were in *count.
static size_t pieces_take(uint16_t port, size_t fits, unsigned *count)
{
	uint8_t frame[LAB_FRAME], *ip = frame + IP_AT;
	size_t n, sum = 0, whole = 0;

	for (*count = 0; (n = lab_sent(port, frame)); ++*count) {
		uint16_t field = (uint16_t)(ip[6] << 8 | ip[7]);
		size_t at = (field & RTE_IPV4_HDR_OFFSET_MASK) * 8U, size = n - IP_AT - IP4;

		assert_in_range(n, IP_AT + IP4 + 1, IP_AT + fits);
		assert_int_equal(ip[2] << 8 | ip[3], n - IP_AT);
		assert_int_equal(rte_raw_cksum(ip, IP4), 0xffff);
		assert_int_equal(ip[9], PROTOCOL);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(ip[IP4 + i], byte_at(at + i));
		sum += size;
		if (!(field & MF))
			whole = at + size;
	}
	return sum == whole ? whole : 0;
}

static void check_lengths(void)
{
	const struct stats_direction *counted = &lab.stats.session[SESSION_WITHOUT].uplink;
	const size_t lengths[] = {2100, 4000, 9000, 33000, 60000, most()};
	uint64_t bytes = 0;

	for (size_t i = 0; i < RTE_DIM(lengths); i++) {
		size_t payload = lengths[i] - IP4;
		unsigned count;

		bare_sends(HOST, 0, lengths[i]);
		assert_int_equal(pieces_take(LAB_NET, LAB_MTU, &count), payload);
		assert_int_equal(count, (payload + 1479) / 1480);
		bytes += lengths[i];
		assert_int_equal(counted->packets, i + 1);
		assert_int_equal(counted->bytes, bytes);
	}
	assert_int_equal(lab.stats.sa[id_index(OURS_BARE)].in_packets, RTE_DIM(lengths));
}

static void test_goes_on_in_fragments(void **state)
{
	for_each_road(check_lengths);
}

// One byte more than an mbuf can hold is refused; it cannot be said over IPv4 at all.
static void test_refuses_more_than_a_buffer(void **state)
{
	uint64_t before = lab_drops(DROP_FRAGMENT_LONG);
	unsigned count;

	begin(true, false, ESP_CIPHER_AES_GCM_128);
	bare_sends(HOST, 0, most() + 4);
	assert_int_equal(pieces_take(LAB_NET, LAB_MTU, &count), 0);
	assert_int_equal(lab_drops(DROP_FRAGMENT_LONG) - before, 46);
	end();
}

// Many at once, more than there are buffers for: the rest is dropped by name, and later ones pass.
static void test_says_when_no_buffer_is_free(void **state)
{
	struct rte_mbuf *all[BURST * LAB_WORKERS];
	uint64_t before = lab_drops(DROP_FRAGMENT_MEMORY);
	unsigned count;

	assert_int_equal(rte_pktmbuf_alloc_bulk(lab.large, all, RTE_DIM(all)), 0);
	bare_sends(HOST, 0, 4000);
	assert_int_equal(lab_drops(DROP_FRAGMENT_MEMORY) - before, 3);
	rte_pktmbuf_free_bulk(all, RTE_DIM(all));
	bare_sends(HOST, 0, 4000);
	assert_int_equal(pieces_take(LAB_NET, LAB_MTU, &count), 3980);
}

static void test_many_at_once(void **state)
{
	unsigned count, sum = 0;

	for (int round = 0; round < 10; round++) {
		for (int i = 0; i < 3; i++) // for more this pool is too small
			seal_and_send(
				THEIRS_BARE, IPPROTO_IPIP, inner4(BARE, HOST, 0, 20000), 20000);
		lab_run();
		pieces_take(LAB_NET, LAB_MTU, &count);
		sum += count;
	}
	assert_int_equal(sum, 10 * 3 * 14);
}

// ---- what its sender alone may cut

static size_t client_opens(uint8_t *ip)
{
	uint8_t frame[LAB_FRAME];
	size_t n = lab_sent(LAB_SUB, frame), at = IP_AT + (road.six ? IP6_HEADER : IP4);

	if (n == 0)
		return 0;
	assert_in_range(n, at, IP_AT + LAB_MTU);
	at += road.udp ? UDP : 0;
	return tunnel_open_bare(frame + at, n - at, road.udp ? PORT_NAT_T : 0, ip);
}

static void check_too_big(void)
{
	uint8_t ip[LAB_FRAME], six[8000];
	struct build b = build_in(six, sizeof(six));
	unsigned count;

	lab_later(2000000000); // ICMP is sent at a rate
	bare_sends(HOST, DF, 60000);
	assert_true(client_opens(ip) >= 56);
	assert_int_equal(ip[20], 3);
	assert_int_equal(ip[21], 4);
	assert_int_equal(ip[26] << 8 | ip[27], LAB_MTU);
	assert_int_equal(ip[30] << 8 | ip[31], 60000);
	lab6_header(&b, PROTOCOL, (struct lab6_ends){BARE6, HOST6}, 7000, 64);
	build_zero(&b, 7000);
	seal_and_send(THEIRS_BARE, IPPROTO_IPV6, six, build_length(&b));
	lab_run();
	assert_int_equal(client_opens(ip), 1280);
	assert_int_equal(ip[40], 2);
	assert_int_equal(ip[46] << 8 | ip[47], LAB_MTU);
	assert_int_equal(pieces_take(LAB_NET, LAB_MTU, &count), 0);
	assert_int_equal(count, 0);
}

static void test_tells_the_sender(void **state)
{
	for_each_road(check_too_big);
}

// ---- to the gateway itself

static void check_echo(void)
{
	size_t length = IP4 + 8 + 60000, sum = 0, n;
	uint8_t *ip = inner4(BARE, US_PPP, 0, length), piece[LAB_FRAME];
	uint16_t checksum;

	ip[9] = IPPROTO_ICMP;
	ip[10] = ip[11] = 0;
	checksum = (uint16_t)~rte_raw_cksum(ip, IP4);
	memcpy(ip + 10, &checksum, 2);
	memset(ip + IP4, 0, 8);
	ip[IP4] = 8;
	checksum = (uint16_t)~rte_raw_cksum(ip + IP4, length - IP4);
	memcpy(ip + IP4 + 2, &checksum, 2);
	seal_and_send(THEIRS_BARE, IPPROTO_IPIP, ip, length);
	lab_run();
	while ((n = client_opens(piece))) {
		size_t at = ((piece[6] << 8 | piece[7]) & RTE_IPV4_HDR_OFFSET_MASK) * 8U;

		assert_int_equal(rte_raw_cksum(piece, IP4), 0xffff);
		if (at == 0)
			assert_int_equal(piece[IP4], 0);
		for (size_t i = at ? 0 : 8; i < n - IP4; i++)
			assert_int_equal(piece[IP4 + i], byte_at(at + i));
		sum += n - IP4;
	}
	assert_int_equal(sum, length - IP4);
}

static void test_answers_echo(void **state)
{
	for_each_road(check_echo);
}

// ---- L2TP

static uint8_t *in_l2tp(
	uint16_t tunnel, uint32_t session, int ns, const uint8_t *ppp, size_t length)
{
	static uint8_t udp[UINT16_MAX];
	struct build b = build_in(udp, sizeof(udp));

	lab_udp(&b, PORT_L2TP, PORT_L2TP, (uint16_t)(6 + (ns < 0 ? 0 : 4) + length));
	build_u16(&b, ns < 0 ? L2TP_DATA : L2TP_NUMBERED);
	build_u16(&b, tunnel);
	build_u16(&b, (uint16_t)(session + SESSION_ID));
	if (ns >= 0) {
		build_u16(&b, (uint16_t)ns);
		build_u16(&b, 0);
	}
	build_bytes(&b, ppp, length);
	assert_false(b.failed);
	return udp;
}

static const uint8_t *in_ppp(const uint8_t *ip, size_t length)
{
	static uint8_t ppp[UINT16_MAX] = {0xff, 0x03, 0x00, 0x21};

	memcpy(ppp + 4, ip, length);
	return ppp;
}

static void lac_sends(int ns, uint32_t destination, size_t length)
{
	const uint8_t *ppp = in_ppp(inner4(OTHER, destination, 0, length), length);
	size_t n = UDP + 6 + (ns < 0 ? 0U : 4U) + 4 + length;

	send_outer(IPPROTO_UDP, in_l2tp(TUNNEL_CLEAR, SESSION_CLEAR, ns, ppp, 4 + length), n);
	lab_run();
}

static void check_l2tp(void)
{
	const size_t lengths[] = {2100, 4000, 60000};
	unsigned count;

	for (size_t i = 0; i < RTE_DIM(lengths); i++) {
		const uint8_t *ppp = in_ppp(inner4(INNER, HOST, 0, lengths[i]), lengths[i]);
		const uint8_t *udp = in_l2tp(TUNNEL, SESSION, -1, ppp, 4 + lengths[i]);

		seal_and_send(THEIRS, IPPROTO_UDP, udp, UDP + 6 + 4 + lengths[i]);
		lab_run();
		assert_int_equal(pieces_take(LAB_NET, LAB_MTU, &count), lengths[i] - IP4);
		if (road.six)
			continue; // there must be a checksum in clear
		lac_sends(-1, HOST, lengths[i]);
		assert_int_equal(pieces_take(LAB_NET, LAB_MTU, &count), lengths[i] - IP4);
	}
}

static void test_l2tp(void **state)
{
	for_each_road(check_l2tp);
}

// A large packet that is ahead of its turn does not wait: what is before it is given up.
static void test_does_not_wait_for_its_turn(void **state)
{
	unsigned count;

	lab.tables->session[SESSION_CLEAR].downlink.sequencing = 1;
	lac_sends(0, HOST, 4000);
	assert_int_equal(pieces_take(LAB_NET, LAB_MTU, &count), 3980);
	lac_sends(2, HOST, 1000); // waits for 1
	lac_sends(4, HOST, 1000); // waits for 1 and 3
	assert_int_equal(lab_held(), 2);
	lac_sends(6, HOST, 4000);
	assert_int_equal(lab_held(), 0);
	pieces_take(LAB_NET, LAB_MTU, &count);
	assert_int_equal(count, 1 + 1 + 3);
	lac_sends(5, HOST, 4000); // was given up
	lac_sends(6, HOST, 4000);
	assert_int_equal(lab_drops(DROP_L2TP_SEQUENCE), 2);
	lac_sends(9, HOST, 4000); // nothing waits: it goes on
	assert_int_equal(pieces_take(LAB_NET, LAB_MTU, &count), 3980);
	lac_sends(11, HOST, 1000);
	lac_sends(13, HOST, 1000);
	lac_sends(11, HOST, 4000); // a copy of what waits
	assert_int_equal(lab_drops(DROP_L2TP_SEQUENCE), 3);
	assert_int_equal(lab_held(), 2);
	lac_sends(10, HOST, 1000);
	pieces_take(LAB_NET, LAB_MTU, &count);
	assert_int_equal(count, 2);
}

static void check_punted(const uint8_t *ppp, size_t length)
{
	size_t at = 0;

	for (uint16_t part = 0; at < length; part++) {
		const struct packet *p = ring_front(&lab.far.punt[0]);

		assert_non_null(p);
		assert_int_equal(p->kind, PACKET_PPP);
		assert_int_equal(p->session, SESSION);
		assert_int_equal(p->part, part);
		assert_int_equal(p->parts, (length + PACKET_DATA - 1) / PACKET_DATA);
		assert_memory_equal(p->data, ppp + at, p->length);
		at += p->length;
		ring_pop(&lab.far.punt[0]);
	}
	assert_int_equal(at, length);
	assert_null(ring_front(&lab.far.punt[0]));
}

// What is none of IP goes to the control plane in parts, as the answer to a probe with a large MTU;
// beyond that it ends by name: an answer would not fit anywhere.
static void test_control_is_too_long(void **state)
{
	static uint8_t ppp[LIMIT_MTU_MAX + 5] = {
		0xff, 0x03, 0xc0, 0x21, 9, 1, (LIMIT_MTU_MAX + 1) >> 8, (LIMIT_MTU_MAX + 1) & 0xff};
	const uint8_t *udp;
	uint8_t control[5000] = {0};
	struct build b = build_in(control, sizeof(control));
	uint64_t before = lab_drops(DROP_PUNT_LONG);

	while (ring_front(&lab.far.punt[0]))
		ring_pop(&lab.far.punt[0]);
	for (size_t n = 0; n < sizeof(ppp); n++)
		ppp[n] = n < 8 ? ppp[n] : (uint8_t)(n * 3 + n / 256);
	seal_and_send(THEIRS, IPPROTO_UDP, in_l2tp(TUNNEL, SESSION, -1, ppp, 5000), UDP + 6 + 5000);
	lab_run();
	check_punted(ppp + 2, 4998);
	seal_and_send(THEIRS, IPPROTO_UDP, in_l2tp(TUNNEL, SESSION, -1, ppp, sizeof(ppp) - 1),
		UDP + 6 + sizeof(ppp) - 1);
	lab_run();
	check_punted(ppp + 2, sizeof(ppp) - 3);
	udp = in_l2tp(TUNNEL, SESSION, -1, ppp, sizeof(ppp));
	seal_and_send(THEIRS, IPPROTO_UDP, udp, UDP + 6 + sizeof(ppp));
	lab_run();
	assert_int_equal(lab_drops(DROP_PUNT_LONG) - before, 1);
	lab_udp(&b, PORT_L2TP, PORT_L2TP, sizeof(control) - UDP);
	build_u16(&b, 0xc802);
	build_u16(&b, sizeof(control) - UDP);
	seal_and_send(THEIRS, IPPROTO_UDP, control, sizeof(control));
	lab_run();
	assert_int_equal(lab_drops(DROP_PUNT_LONG) - before, 2);
}

// ---- a large outer packet with little in it

static void check_little(void)
{
	uint8_t ip[30000] = {0};
	unsigned count;

	// RFC 4303 section 2.7: what follows the inner packet hides its length.
	memcpy(ip, inner4(BARE, HOST, DF, 1400), 1400);
	seal_and_send(THEIRS_BARE, IPPROTO_IPIP, ip, sizeof(ip));
	lab_run();
	assert_int_equal(pieces_take(LAB_NET, LAB_MTU, &count), 1380);
	assert_int_equal(count, 1);
	assert_int_equal(rte_mempool_in_use_count(lab.large), 0);
}

static void test_large_with_little_in_it(void **state)
{
	for_each_road(check_little);
}

// ---- to another subscriber

// Session 6's, in clear: what lies in L2TP and PPP.
static size_t lac_gets(size_t fits, unsigned *count)
{
	uint8_t frame[LAB_FRAME];
	const size_t front = IP_AT + IP4 + UDP + 6 + 4;
	size_t n, sum = 0;

	for (*count = 0; (n = lab_sent(LAB_SUB, frame)); ++*count) {
		const uint8_t *ip = frame + front;
		size_t at = ((ip[6] << 8 | ip[7]) & RTE_IPV4_HDR_OFFSET_MASK) * 8U;

		assert_in_range(n - front, IP4 + 1, fits);
		for (size_t i = 0; i < n - front - IP4; i++)
			assert_int_equal(ip[IP4 + i], byte_at(at + i));
		sum += n - front - IP4;
	}
	return sum;
}

static void test_to_another_subscriber(void **state)
{
	uint16_t fits = lab.tables->session[SESSION_CLEAR].downlink.mtu;
	const size_t each = (fits - IP4) & ~7U;
	unsigned count;

	for (size_t length = 4000; length <= 60000; length += 14000) {
		bare_sends(OTHER, 0, length);
		assert_int_equal(lac_gets(fits, &count), length - IP4);
		assert_int_equal(count, (length - IP4 + each - 1) / each);
	}
}

// His rate makes it wait, in pieces; what cannot be cut is answered as ever.
static void test_to_one_with_a_rate(void **state)
{
	uint16_t fits = lab.tables->session[SESSION_CLEAR].downlink.mtu;
	size_t sum = 0;
	unsigned count;

	assert_int_equal(tunnel_shape(SESSION_CLEAR, 8000), 0);
	for (int i = 0; i < 5; i++)
		seal_and_send(THEIRS_BARE, IPPROTO_IPIP, inner4(BARE, OTHER, 0, 9000), 9000);
	lab_run();
	assert_true(lab_held() > 7);
	assert_int_equal(rte_mempool_in_use_count(lab.large), 0);
	for (int i = 0; i < 100; i++) {
		sum += lac_gets(fits, &count);
		lab_later(1000000);
	}
	assert_int_equal(sum, 5 * 8980);
	assert_int_equal(lab_held(), 0);
	bare_sends(OTHER, 0, 9000);
	bare_sends(OTHER, DF, 9000);
	assert_int_equal(lab_drops(DROP_MTU_EXCEEDED) > 0, 1);
}

// ---- rates

// A rate holds for large packets as for others: 60,000 bytes take their time.
static void test_is_policed(void **state)
{
	struct command_session_set set = {.session = SESSION_WITHOUT,
		.flags = SESSION_IP4_OPEN,
		.ip4 = address_from_u32(BARE),
		.police_uplink = {.kbit = 4800, .burst = 6000}};
	uint64_t before = lab_drops(DROP_POLICED_UPLINK);
	unsigned passed = 0;

	assert_int_equal(session_set(lab.tables, &set), 0);
	for (int i = 0; i < 100; i++) { // a second
		unsigned count;

		seal_and_send(THEIRS_BARE, IPPROTO_IPIP, inner4(BARE, HOST, 0, 60000), 60000);
		lab_later(10000000);
		passed += pieces_take(LAB_NET, LAB_MTU, &count) != 0;
	}
	assert_in_range(passed, 10, 11);
	assert_int_equal(lab_drops(DROP_POLICED_UPLINK) - before, 100 - passed);
}

int main(void)
{
#define LARGE(name) cmocka_unit_test_setup_teardown(name, setup, check_books)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_goes_on_in_fragments),
		cmocka_unit_test(test_refuses_more_than_a_buffer),
		LARGE(test_says_when_no_buffer_is_free),
		LARGE(test_many_at_once),
		cmocka_unit_test(test_tells_the_sender),
		cmocka_unit_test(test_answers_echo),
		cmocka_unit_test(test_l2tp),
		LARGE(test_does_not_wait_for_its_turn),
		LARGE(test_control_is_too_long),
		cmocka_unit_test(test_large_with_little_in_it),
		LARGE(test_to_another_subscriber),
		LARGE(test_to_one_with_a_rate),
		LARGE(test_is_policed),
	};

	return cmocka_run_group_tests(tests, start, lab_stop);
}

// SPDX-License-Identifier: Apache-2.0

// Subscribers without L2TP, from frame to frame: IP packets in ESP tunnel mode, both IP versions
// inside and outside, plain and in UDP, both ways, on whatever worker they arrive; what must not
// come through, by name; a peer that goes on from elsewhere. The books are checked after each test.

#include "dataplane/checksum.h"
#include "dataplane/group.h"
#include "dataplane/path_mtu.h"
#include "dataplane/sa.h"
#include "dataplane/session.h"
#include "dataplane/test_lab6.h"
#include "dataplane/test_tunnel.h"

#include <errno.h>
#include <netinet/in.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOMAD  LAB_IP(192, 0, 2, 11) // where the client goes
#define NOMAD6 "2001:db8:0:1::11"

enum { IP_AT = 14, DF = 0x4000 };

// How the client's packets come.
static struct {
	bool six, udp;
	uint32_t from;
	const char *from6;
	uint16_t port;
} road;

static const struct lab6_ends down6 = {HOST6, BARE6}, up6 = {BARE6, HOST6};

static int start(void **state)
{
	if (lab_start(state) < 0 || tunnel_routes() || tunnel_bare_routes())
		return -1;
	lab_neighbour(LAB_NET, 9, HOST);
	lab_neighbour(LAB_SUB, 9, CLIENT);
	lab_neighbour(LAB_SUB, 9, NOMAD);
	lab6_neighbour(LAB_NET, 9, HOST6, LAB_NET6);
	lab6_neighbour(LAB_SUB, 9, CLIENT6, LAB_SUB6);
	lab6_neighbour(LAB_SUB, 9, NOMAD6, LAB_SUB6);
	return 0;
}

static void begin(bool six, bool udp, uint8_t cipher)
{
	uint8_t integrity = cipher == ESP_CIPHER_AES_GCM_128 ? ESP_INTEGRITY_NONE
							     : ESP_INTEGRITY_HMAC_SHA256_128;

	road.six = six;
	road.udp = udp;
	road.from = CLIENT;
	road.from6 = CLIENT6;
	road.port = NAT_PORT;
	tunnel_outer6(six);
	assert_int_equal(tunnel_bare(cipher, integrity, udp ? ESP_UDP : ESP_PLAIN), 0);
}

static void end(void)
{
	lab_run();
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

// ---- what the client sends

static size_t in_udp(uint8_t *out, const void *esp, size_t length)
{
	struct build b = build_in(out, LAB_FRAME);

	if (road.six)
		return lab6_udp(out, (struct lab6_ends){road.from6, LAB_SUB6}, road.port,
			PORT_NAT_T, esp, (uint16_t)length);
	lab_udp(&b, road.port, PORT_NAT_T, (uint16_t)length);
	build_bytes(&b, esp, length);
	return build_length(&b);
}

static void set_tos(uint8_t *frame, uint8_t tos)
{
	uint16_t sum;

	if (road.six) {
		frame[IP_AT] = (uint8_t)(0x60 | tos >> 4);
		frame[IP_AT + 1] = (uint8_t)(tos << 4);
		return;
	}
	frame[IP_AT + 1] = tos;
	frame[IP_AT + 10] = frame[IP_AT + 11] = 0;
	sum = (uint16_t)~rte_raw_cksum(frame + IP_AT, 20);
	memcpy(frame + IP_AT + 10, &sum, sizeof(sum));
}

// An ESP packet on its road.
static void receive_esp(uint16_t queue, uint8_t tos, const void *esp, size_t length)
{
	uint8_t frame[LAB_FRAME], udp[LAB_FRAME];
	struct build b = build_in(frame, sizeof(frame));
	const void *data = road.udp ? udp : esp;
	uint8_t next = road.udp ? IPPROTO_UDP : IPPROTO_ESP;
	size_t n;

	if (road.udp)
		length = in_udp(udp, esp, length);
	if (road.six) {
		n = lab6_frame(frame, LAB_SUB, next, (struct lab6_ends){road.from6, LAB_SUB6}, data,
			(uint16_t)length);
	} else {
		lab_ether(&b, LAB_SUB, 9, RTE_ETHER_TYPE_IPV4);
		lab_ip4(&b, next, road.from, US_SUB, (uint16_t)length, 64, 0);
		build_bytes(&b, data, length);
		n = build_length(&b);
	}
	set_tos(frame, tos);
	lab_receive(LAB_SUB, queue, frame, n);
}

// Any payload with any next header, sealed by that pair of the client's.
static void seal_and_send(
	uint16_t queue, uint32_t spi, uint8_t next, const void *data, size_t length)
{
	uint8_t esp[LAB_FRAME], udp[LAB_FRAME];
	size_t n = tunnel_seal_as(spi, next, data, length, esp);

	assert_true(n > 0);
	// A pair in UDP seals with the UDP header.
	if (road.udp) {
		memcpy(udp, esp, n);
		n -= 8;
		memcpy(esp, udp + 8, n);
	}
	receive_esp(queue, 0, esp, n);
}

static size_t inner4(uint8_t *ip, uint32_t source, uint32_t destination, uint16_t length)
{
	struct build b = build_in(ip, LAB_FRAME);

	lab_ip4(&b, 253, source, destination, length, 64, 0);
	build_zero(&b, length);
	return build_length(&b);
}

static size_t inner6(uint8_t *ip, struct lab6_ends ends, uint16_t length)
{
	struct build b = build_in(ip, LAB_FRAME);

	lab6_header(&b, 253, ends, length, 64);
	build_zero(&b, length);
	return build_length(&b);
}

static void client_sends4(uint16_t queue, uint32_t destination, uint16_t length)
{
	uint8_t ip[LAB_FRAME];

	seal_and_send(queue, THEIRS_BARE, IPPROTO_IPIP, ip, inner4(ip, BARE, destination, length));
}

static void client_sends6(uint16_t queue, uint16_t length)
{
	uint8_t ip[LAB_FRAME];

	seal_and_send(queue, THEIRS_BARE, IPPROTO_IPV6, ip, inner6(ip, up6, length));
}

// ---- what the network sends

static void host_sends4(uint16_t queue, uint16_t length, uint16_t fragment, uint8_t tos)
{
	uint8_t frame[LAB_FRAME];
	struct build b = build_in(frame, sizeof(frame));
	uint16_t sum;

	lab_ether(&b, LAB_NET, 9, RTE_ETHER_TYPE_IPV4);
	lab_ip4(&b, 253, HOST, BARE, length, 64, fragment);
	build_zero(&b, length);
	frame[15] = tos;
	frame[24] = frame[25] = 0;
	sum = (uint16_t)~rte_raw_cksum(frame + 14, 20);
	memcpy(frame + 24, &sum, sizeof(sum));
	lab_receive(LAB_NET, queue, frame, build_length(&b));
}

static void host_sends6(uint16_t queue, uint16_t length)
{
	uint8_t frame[LAB_FRAME], zero[LAB_FRAME] = {0};

	lab_receive(LAB_NET, queue, frame, lab6_frame(frame, LAB_NET, 253, down6, zero, length));
}

// ---- what comes out

// The inner packet of the next frame to the client, as the client opens it. Returns its length.
static size_t client_gets(uint8_t *ip, size_t *outer)
{
	uint8_t frame[LAB_FRAME];
	size_t n = lab_sent(LAB_SUB, frame), at = IP_AT + (road.six ? 40 : 20);
	uint8_t next = frame[road.six ? IP_AT + 6 : IP_AT + 9];
	uint8_t to[16];

	*outer = n;
	if (n == 0)
		return 0;
	assert_int_equal(frame[IP_AT] >> 4, road.six ? 6 : 4);
	assert_int_equal(next, road.udp ? IPPROTO_UDP : IPPROTO_ESP);
	if (road.six) {
		lab6_address(road.from6, to);
		assert_memory_equal(frame + IP_AT + 24, to, 16);
	} else {
		rte_be32_t to4 = rte_cpu_to_be_32(road.from);

		assert_memory_equal(frame + IP_AT + 16, &to4, 4);
	}
	if (road.udp) {
		assert_int_equal(frame[at] << 8 | frame[at + 1], PORT_NAT_T);
		assert_int_equal(frame[at + 2] << 8 | frame[at + 3], road.port);
		at += 8;
	}
	return tunnel_open_bare(frame + at, n - at, road.udp ? PORT_NAT_T : 0, ip);
}

static unsigned count_sent(uint16_t port)
{
	uint8_t frame[LAB_FRAME];
	unsigned count = 0;

	while (lab_sent(port, frame))
		count++;
	return count;
}

static void for_each_road(void (*check)(void))
{
	for (int i = 0; i < 8; i++) {
		begin(i & 1, i & 2, i & 4 ? ESP_CIPHER_AES_GCM_128 : ESP_CIPHER_AES_CBC_128);
		check();
		end();
	}
}

// ---- both ways

static void check_uplink(void)
{
	const struct stats_direction *counted = &lab.stats.session[SESSION_WITHOUT].uplink;
	uint8_t frame[LAB_FRAME];

	client_sends4(0, HOST, 100);
	lab_run();
	assert_int_equal(lab_sent(LAB_NET, frame), 14 + 20 + 100);
	assert_int_equal(frame[22], 63);
	assert_int_equal(rte_raw_cksum(frame + 14, 20), 0xffff);
	client_sends6(0, 100);
	lab_run();
	assert_int_equal(lab_sent(LAB_NET, frame), 14 + 40 + 100);
	assert_int_equal(frame[21], 63);
	assert_int_equal(counted->packets, 2);
	assert_int_equal(counted->bytes, 120 + 140);
	assert_int_equal(lab.stats.sa[id_index(OURS_BARE)].in_packets, 2);
}

static void check_downlink(void)
{
	const struct stats_direction *counted = &lab.stats.session[SESSION_WITHOUT].downlink;
	uint8_t ip[LAB_FRAME];
	size_t outer;

	host_sends4(0, 100, DF, 0);
	lab_run();
	assert_int_equal(client_gets(ip, &outer), 120);
	assert_int_equal(ip[0], 0x45);
	assert_int_equal(ip[8], 63);
	assert_memory_equal(ip + 16, ((uint8_t[]){100, 64, 0, 11}), 4);
	host_sends6(1, 100);
	lab_run();
	assert_int_equal(client_gets(ip, &outer), 140);
	assert_int_equal(ip[0] >> 4, 6);
	assert_int_equal(ip[7], 63);
	assert_int_equal(counted->packets, 2);
	assert_int_equal(counted->bytes, 120 + 140);
}

// The largest packet fills the outer MTU to less than a cipher block and ESP's padding of four;
// one byte more has its sender told.
static void check_mtu(void)
{
	uint16_t mtu = lab.tables->session[SESSION_WITHOUT].downlink.mtu;
	uint8_t ip[LAB_FRAME], frame[LAB_FRAME];
	size_t outer;

	host_sends4(0, mtu - 20, DF, 0);
	lab_run();
	assert_int_equal(client_gets(ip, &outer), mtu);
	assert_in_range(outer, 14 + LAB_MTU - 15, 14 + LAB_MTU);
	host_sends4(0, mtu - 20 + 1, DF, 0);
	lab_run();
	assert_int_equal(count_sent(LAB_SUB), 0);
	assert_true(lab_sent(LAB_NET, frame) > 34);
	assert_int_equal(frame[34], 3);
	assert_int_equal(frame[40] << 8 | frame[41], mtu);
	host_sends6(0, mtu - 40 + 1);
	lab_run();
	assert_true(lab_sent(LAB_NET, frame) > 54);
	assert_int_equal(frame[54], 2);
	assert_int_equal(frame[60] << 8 | frame[61], mtu);
	host_sends4(0, mtu - 20 + 1, 0, 0);
	lab_run();
	assert_int_equal(count_sent(LAB_SUB), 2);
}

static void test_uplink(void **state)
{
	for_each_road(check_uplink);
}

static void test_downlink(void **state)
{
	for_each_road(check_downlink);
}

static void test_mtu(void **state)
{
	for_each_road(check_mtu);
}

static void test_subscriber_to_subscriber(void **state)
{
	uint8_t ip[LAB_FRAME], frame[LAB_FRAME];
	size_t outer, n;

	assert_int_equal(
		tunnel_pair(ESP_CIPHER_AES_CBC_128, ESP_INTEGRITY_HMAC_SHA1_96, ESP_PLAIN), 0);
	assert_int_equal(tunnel_sessions(), 0);
	client_sends4(0, OTHER, 40); // to one with L2TP and without IPsec
	lab_run();
	n = lab_sent(LAB_SUB, frame);
	assert_int_equal(n, 14 + 20 + 8 + 6 + 4 + 60);
	assert_int_equal(frame[23], IPPROTO_UDP);
	client_sends4(0, BARE, 40); // to oneself
	lab_run();
	assert_int_equal(client_gets(ip, &outer), 60);
}

// ---- what may not come through

static void expect_drop(enum drop reason, uint8_t next, const void *data, size_t length)
{
	uint64_t before = lab_drops(reason);

	seal_and_send(0, THEIRS_BARE, next, data, length);
	lab_run();
	if (lab_drops(reason) - before != 1)
		fail_msg("next header %u: not dropped as %s", next, drop_word(reason));
	assert_int_equal(count_sent(LAB_NET), 0);
}

static void test_next_headers(void **state)
{
	static const uint8_t others[] = {0, 1, 6, IPPROTO_UDP, 43, 50, 51, 255};
	uint8_t ip[LAB_FRAME], six[LAB_FRAME];
	size_t n = inner4(ip, BARE, HOST, 60), n6 = inner6(six, up6, 60);

	for (size_t i = 0; i < sizeof(others); i++)
		expect_drop(DROP_ESP_NEXT_HEADER, others[i], ip, n);
	expect_drop(DROP_ESP_DUMMY, 59, ip, n);
	expect_drop(DROP_ESP_DUMMY, 59, "", 0);
	expect_drop(DROP_SUBSCRIBER_INVALID, IPPROTO_IPIP, "", 0);
	expect_drop(DROP_SUBSCRIBER_INVALID, IPPROTO_IPV6, ip, n);
	expect_drop(DROP_SUBSCRIBER_INVALID, IPPROTO_IPIP, six, n6);
	expect_drop(DROP_SUBSCRIBER_INVALID, IPPROTO_IPIP, ip, 19);
	expect_drop(DROP_SUBSCRIBER_INVALID, IPPROTO_IPIP, ip, n - 1);
	expect_drop(DROP_SUBSCRIBER_INVALID, IPPROTO_IPV6, six, n6 - 1);
}

// An SA of L2TP has no use for IP packets, whatever sessions there are.
static void test_transport_takes_udp_alone(void **state)
{
	uint64_t before = lab_drops(DROP_ESP_NEXT_HEADER), dummy = lab_drops(DROP_ESP_DUMMY);
	uint8_t ip[LAB_FRAME];
	size_t n = inner4(ip, INNER, HOST, 60);

	assert_int_equal(tunnel_pair(ESP_CIPHER_AES_GCM_128, ESP_INTEGRITY_NONE, ESP_PLAIN), 0);
	assert_int_equal(tunnel_sessions(), 0);
	seal_and_send(0, THEIRS, IPPROTO_IPIP, ip, n);
	seal_and_send(0, THEIRS, IPPROTO_IPV6, ip, n);
	seal_and_send(0, THEIRS, 59, ip, n);
	lab_run();
	assert_int_equal(count_sent(LAB_NET), 0);
	assert_int_equal(lab_drops(DROP_ESP_NEXT_HEADER) - before, 2);
	assert_int_equal(lab_drops(DROP_ESP_DUMMY) - dummy, 1);
}

// What is behind the inner packet to hide its length goes.
static void test_hidden_length(void **state)
{
	uint8_t data[LAB_FRAME] = {0}, frame[LAB_FRAME];

	inner4(data, BARE, HOST, 10);
	seal_and_send(0, THEIRS_BARE, IPPROTO_IPIP, data, 1000);
	memset(data, 0xa5, sizeof(data));
	inner6(data, up6, 10);
	seal_and_send(0, THEIRS_BARE, IPPROTO_IPV6, data, 1001);
	lab_run();
	assert_int_equal(lab_sent(LAB_NET, frame), 14 + 20 + 10);
	assert_int_equal(lab_sent(LAB_NET, frame), 14 + 40 + 10);
}

static void test_spoofed_source(void **state)
{
	static const struct lab6_ends spoofed6 = {OTHER6, HOST6};
	uint8_t ip[LAB_FRAME];

	expect_drop(DROP_SUBSCRIBER_SOURCE, IPPROTO_IPIP, ip, inner4(ip, INNER, HOST, 60));
	expect_drop(DROP_SUBSCRIBER_SOURCE, IPPROTO_IPV6, ip, inner6(ip, spoofed6, 60));
	assert_int_equal(lab.stats.session[SESSION_WITHOUT].uplink.drops, 2);
}

static void test_closed_version(void **state)
{
	struct command_session_set set = {.session = SESSION_WITHOUT,
		.flags = SESSION_IP4_OPEN,
		.ip4 = address_from_u32(BARE)};
	uint64_t closed = lab_drops(DROP_PPP_CLOSED);
	uint8_t ip[LAB_FRAME];
	size_t outer;

	assert_int_equal(session_set(lab.tables, &set), 0);
	expect_drop(DROP_PPP_CLOSED, IPPROTO_IPV6, ip, inner6(ip, up6, 60));
	host_sends6(0, 100);
	lab_run();
	assert_int_equal(count_sent(LAB_SUB), 0);
	assert_int_equal(lab_drops(DROP_PPP_CLOSED) - closed, 2);
	host_sends4(0, 100, 0, 0);
	lab_run();
	assert_int_equal(client_gets(ip, &outer), 120);
}

// The SA outlives its session; what lives on the index now is not the peer's, or has L2TP.
static void test_foreign_session(void **state)
{
	struct command_tunnel_add t = {.tunnel = TUNNEL_WITHOUT,
		.peer_tunnel = 9,
		.peer = PEER_BARE,
		.local_port = PORT_L2TP,
		.remote_port = PORT_L2TP,
		.local = address_from_u32(US_SUB),
		.remote = address_from_u32(CLIENT)};
	const struct command_session_add s = {.session = SESSION_WITHOUT,
		.tunnel = TUNNEL_WITHOUT,
		.session_id = 1,
		.peer_session = 1};
	const struct command_tunnel_delete gone = {.tunnel = TUNNEL_WITHOUT};
	uint8_t ip[LAB_FRAME];
	size_t n = inner4(ip, BARE, HOST, 60);

	assert_int_equal(tunnel_delete(lab.tables, &gone), 0);
	expect_drop(DROP_ESP_SESSION, IPPROTO_IPIP, ip, n);
	assert_int_equal(tunnel_add(lab.tables, &t), 0);
	assert_int_equal(session_add(lab.tables, &s), 0);
	assert_int_equal(tunnel_shape(SESSION_WITHOUT, 0), 0);
	expect_drop(DROP_ESP_SESSION, IPPROTO_IPIP, ip, n);
	assert_int_equal(tunnel_delete(lab.tables, &gone), 0);
	// The same without L2TP, of another peer.
	assert_int_equal(tunnel_pair(ESP_CIPHER_AES_GCM_128, ESP_INTEGRITY_NONE, ESP_PLAIN), 0);
	sa_find(lab.tables, OURS_BARE)->peer = PEER;
	t = (struct command_tunnel_add){.tunnel = TUNNEL_WITHOUT,
		.kind = TUNNEL_ESP,
		.peer = PEER,
		.sa = OURS_BARE,
		.local = t.local,
		.remote = t.remote};
	assert_int_equal(tunnel_add(lab.tables, &t), 0);
	sa_find(lab.tables, OURS_BARE)->peer = PEER_BARE;
	assert_int_equal(session_add(lab.tables, &s), 0);
	assert_int_equal(tunnel_shape(SESSION_WITHOUT, 0), 0);
	expect_drop(DROP_ESP_SESSION, IPPROTO_IPIP, ip, n);
}

// L2TP to what stands for a tunnel, through an SA of that very peer.
static void test_no_l2tp_into_it(void **state)
{
	uint64_t before = lab_drops(DROP_L2TP_PEER);
	uint8_t udp[LAB_FRAME];
	struct build b = build_in(udp, sizeof(udp));

	assert_int_equal(tunnel_pair(ESP_CIPHER_AES_GCM_128, ESP_INTEGRITY_NONE, ESP_PLAIN), 0);
	sa_find(lab.tables, OURS)->peer = PEER_BARE;
	lab_udp(&b, PORT_L2TP, PORT_L2TP, 6 + 4 + 20);
	build_u16(&b, 0x0002);
	build_u16(&b, TUNNEL_WITHOUT);
	build_u16(&b, 1);
	build_u32(&b, 0xff030021);
	lab_ip4(&b, 253, BARE, HOST, 0, 64, 0);
	seal_and_send(0, THEIRS, IPPROTO_UDP, udp, build_length(&b));
	lab_run();
	assert_int_equal(lab_drops(DROP_L2TP_PEER) - before, 1);
	assert_int_equal(count_sent(LAB_NET), 0);
}

// ---- commands

static void test_refuses_commands(void **state)
{
	struct command_sa_add sa = {.spi_in = 0x00700010,
		.spi_out = 0x1000,
		.peer = PEER_BARE,
		.cipher = ESP_CIPHER_AES_GCM_128,
		.integrity = ESP_INTEGRITY_NONE,
		.window = 64,
		.mode = ESP_TUNNEL,
		.session = SESSION_WITHOUT,
		.local = address_from_u32(US_SUB),
		.remote = address_from_u32(CLIENT)};
	struct command_tunnel_add tunnel = {.tunnel = 50,
					  .kind = TUNNEL_ESP,
					  .peer = PEER_BARE,
					  .sa = OURS_BARE,
					  .local = sa.local,
					  .remote = sa.remote},
				  bad;
	struct command_session_add session = {
		.session = 60, .tunnel = TUNNEL_WITHOUT, .session_id = 2, .peer_session = 2};

	sa.mode = 2;
	assert_int_equal(sa_add(lab.tables, &sa), -EINVAL);
	sa.mode = ESP_TUNNEL;
	sa.session = lab.tables->sessions;
	assert_int_equal(sa_add(lab.tables, &sa), -EINVAL);
	sa.session = SESSION_NONE;
	assert_int_equal(sa_add(lab.tables, &sa), -EINVAL);
	bad = tunnel;
	bad.kind = 2;
	assert_int_equal(tunnel_add(lab.tables, &bad), -EINVAL);
	bad = tunnel;
	bad.peer_tunnel = 1;
	assert_int_equal(tunnel_add(lab.tables, &bad), -EINVAL);
	bad = tunnel;
	bad.remote_port = 1701;
	assert_int_equal(tunnel_add(lab.tables, &bad), -EINVAL);
	bad = tunnel;
	bad.sa = 0;
	assert_int_equal(tunnel_add(lab.tables, &bad), -EINVAL);
	bad = tunnel;
	bad.peer = PEER;
	assert_int_equal(tunnel_add(lab.tables, &bad), -EINVAL);
	bad = tunnel;
	bad.sa = OURS;
	assert_int_equal(tunnel_add(lab.tables, &bad), -ENOENT);
	assert_int_equal(session_add(lab.tables, &session), -EINVAL);
	assert_int_equal(tunnel_add(lab.tables, &tunnel), 0);
	session.tunnel = 50;
	session.sequencing = 1;
	assert_int_equal(session_add(lab.tables, &session), -EINVAL);
	assert_int_equal(
		tunnel_delete(lab.tables, &(struct command_tunnel_delete){.tunnel = 50}), 0);
}

// Each kind of tunnel sends through pairs of its own mode.
static void test_modes_and_kinds(void **state)
{
	struct command_tunnel_set_sa set = {.tunnel = TUNNEL_WITHOUT, .sa = OURS};

	assert_int_equal(tunnel_pair(ESP_CIPHER_AES_GCM_128, ESP_INTEGRITY_NONE, ESP_PLAIN), 0);
	assert_int_equal(tunnel_sessions(), 0);
	sa_find(lab.tables, OURS)->peer = PEER_BARE;
	assert_int_equal(tunnel_set_sa(lab.tables, &set), -EPERM);
	sa_find(lab.tables, OURS)->peer = PEER;
	sa_find(lab.tables, OURS_BARE)->peer = PEER;
	set = (struct command_tunnel_set_sa){.tunnel = TUNNEL, .sa = OURS_BARE};
	assert_int_equal(tunnel_set_sa(lab.tables, &set), -EPERM);
	sa_find(lab.tables, OURS_BARE)->peer = PEER_BARE;
}

// Without a pair nothing leaves; with another one it leaves through that.
static void test_set_sa(void **state)
{
	struct command_tunnel_set_sa set = {.tunnel = TUNNEL_WITHOUT};
	uint64_t before = lab_drops(DROP_ESP_NO_SA);
	uint8_t ip[LAB_FRAME];
	size_t outer;

	assert_int_equal(tunnel_set_sa(lab.tables, &set), 0);
	host_sends4(0, 100, 0, 0);
	lab_run();
	assert_int_equal(lab_drops(DROP_ESP_NO_SA) - before, 1);
	set.sa = OURS_BARE;
	assert_int_equal(tunnel_set_sa(lab.tables, &set), 0);
	host_sends4(0, 100, 0, 0);
	lab_run();
	assert_int_equal(client_gets(ip, &outer), 120);
}

// ---- the control plane's word

static void inject(enum packet_kind kind, const void *data, uint16_t length)
{
	struct packet *p = ring_slot(&lab.far.inject[1]);

	assert_non_null(p);
	memset(p, 0, sizeof(*p));
	p->kind = kind;
	p->length = length;
	p->parts = 1;
	p->session = SESSION_WITHOUT;
	memcpy(p->data, data, length);
	ring_push(&lab.far.inject[1]);
	lab_run();
}

// Router advertisements go in as they are, and what a host asks its router comes out.
static void test_control_plane(void **state)
{
	static const struct lab6_ends ends = {"fe80::1", "ff02::1"}, ask = {"fe80::2", "ff02::2"};
	static const uint8_t lcp[] = {0xc0, 0x21, 9, 1, 0, 8, 1, 2, 3, 4};
	uint64_t invalid = lab_drops(DROP_INJECT_INVALID);
	uint8_t ip[LAB_FRAME], got[LAB_FRAME];
	size_t outer, n = inner6(ip, ends, 56);
	const struct packet *p;

	lab_connect();
	inject(PACKET_IP6, ip, (uint16_t)n);
	assert_int_equal(client_gets(got, &outer), n);
	assert_memory_equal(got, ip, n);
	n = inner4(ip, HOST, BARE, 20);
	inject(PACKET_IP4, ip, (uint16_t)n);
	assert_int_equal(client_gets(got, &outer), n);
	assert_memory_equal(got, ip, n);
	inject(PACKET_PPP, lcp, sizeof(lcp));
	assert_int_equal(lab_drops(DROP_INJECT_INVALID) - invalid, 1);
	n = inner6(ip, ask, 8);
	ip[6] = IPPROTO_ICMPV6;
	ip[7] = 255;
	ip[40] = 133;
	seal_and_send(0, THEIRS_BARE, IPPROTO_IPV6, ip, n);
	lab_run();
	p = ring_front(&lab.far.punt[0]);
	assert_non_null(p);
	assert_int_equal(p->kind, PACKET_IP6);
	assert_int_equal(p->session, SESSION_WITHOUT);
	ring_pop(&lab.far.punt[0]);
	lab_disconnect();
}

// ---- congestion (RFC 6040) and service (RFC 2983)

static void check_marks(void)
{
	uint64_t before = lab_drops(DROP_ECN_CONGESTION);
	uint8_t ip[LAB_FRAME], esp[LAB_FRAME], frame[LAB_FRAME];
	size_t n, at = road.six ? 40 : 20;
	uint16_t sum;

	n = inner4(ip, BARE, HOST, 20);
	n = tunnel_seal_as(THEIRS_BARE, IPPROTO_IPIP, ip, n, esp);
	receive_esp(0, 0xb8 | 3, esp + (road.udp ? 8 : 0), n - (road.udp ? 8 : 0));
	lab_run();
	assert_int_equal(lab_drops(DROP_ECN_CONGESTION) - before, 1);
	n = inner4(ip, BARE, HOST, 20);
	ip[1] = 0x28 | 2;
	ip[10] = ip[11] = 0;
	sum = (uint16_t)~rte_raw_cksum(ip, 20);
	memcpy(ip + 10, &sum, sizeof(sum));
	n = tunnel_seal_as(THEIRS_BARE, IPPROTO_IPIP, ip, n, esp);
	receive_esp(0, 0xb8 | 3, esp + (road.udp ? 8 : 0), n - (road.udp ? 8 : 0));
	lab_run();
	assert_true(lab_sent(LAB_NET, frame) > 0);
	assert_int_equal(frame[15], 0x28 | 3);
	host_sends4(0, 20, 0, 0xb8 | 1); // an IKEv2 peer takes a mark over, so it is offered
	lab_run();
	assert_true(lab_sent(LAB_SUB, frame) > at);
	assert_int_equal(road.six ? (frame[14] << 4 | frame[15] >> 4) & 0xff : frame[15], 0xb8 | 1);
}

static void test_marks(void **state)
{
	for_each_road(check_marks);
}

// ---- any distribution over the workers

static void check_spray(void)
{
	unsigned up = 0, down = 0;
	uint64_t given = lab.stats.worker[0].given + lab.stats.worker[1].given;

	for (int round = 0; round < 100; round++) {
		for (int i = rand() % 20; i >= 0; i--) {
			uint16_t queue = (uint16_t)(rand() % LAB_WORKERS);

			if (rand() % 2) {
				if (rand() % 2)
					client_sends4(queue, HOST, (uint16_t)(rand() % 1200));
				else
					client_sends6(queue, (uint16_t)(rand() % 1200));
				up++;
			} else {
				if (rand() % 2)
					host_sends4(queue, (uint16_t)(rand() % 1200), 0, 0);
				else
					host_sends6(queue, (uint16_t)(rand() % 1200));
				down++;
			}
		}
		lab_run();
		assert_int_equal(count_sent(LAB_NET), up);
		assert_int_equal(count_sent(LAB_SUB), down);
		assert_true(lab_balanced());
		up = down = 0;
	}
	assert_true(lab.stats.worker[0].given + lab.stats.worker[1].given > given);
}

static void test_spray(void **state)
{
	srand(11);
	for_each_road(check_spray);
}

// The session's claim goes where its SA has gone.
static void test_claim_moves(void **state)
{
	const struct session_uplink *s = &lab.tables->session[SESSION_WITHOUT].uplink;

	client_sends4(0, HOST, 10);
	lab_run();
	assert_int_equal(s->owner, 1);
	for (int i = 0; i < 300; i++) {
		client_sends4(1, HOST, 10);
		lab_run();
	}
	assert_int_equal(s->owner, 2);
	assert_int_equal(count_sent(LAB_NET), 301);
}

// ---- groups and rates

static void test_group(void **state)
{
	const struct command_filter_begin begin_filter = {.filter = 3, .otherwise = FILTER_PERMIT};
	struct command_filter_rules rules = {.filter = 3, .count = 1};
	const struct command_group_set group = {.group = 4, .filter_uplink = 3};
	struct command_session_set set = {.session = SESSION_WITHOUT,
		.flags = SESSION_IP4_OPEN,
		.ip4 = address_from_u32(BARE),
		.group = 4};
	uint8_t ip[LAB_FRAME];

	rules.rules[0] = (struct filter_rule){.to_port = {0, 65535},
		.from_port = {0, 65535},
		.protocol = 253,
		.action = FILTER_DENY};
	assert_int_equal(filter_begin(lab.tables, &begin_filter), 0);
	assert_int_equal(filter_rules(lab.tables, &rules), 0);
	assert_int_equal(filter_commit(lab.tables, &(struct command_filter){.filter = 3}), 0);
	assert_int_equal(group_set(lab.tables, &group), 0);
	assert_int_equal(session_set(lab.tables, &set), 0);
	expect_drop(DROP_FILTER_UPLINK, IPPROTO_IPIP, ip, inner4(ip, BARE, HOST, 60));
	set.group = 0;
	set.police_uplink = (struct rate){.kbit = 64, .burst = 200};
	assert_int_equal(session_set(lab.tables, &set), 0);
	for (int i = 0; i < 20; i++)
		client_sends4(0, HOST, 980);
	lab_run();
	assert_in_range(count_sent(LAB_NET), 1, 4);
	expect_drop(DROP_POLICED_UPLINK, IPPROTO_IPIP, ip, inner4(ip, BARE, HOST, 980));
}

static void test_shaper(void **state)
{
	unsigned sent;

	assert_int_equal(tunnel_shape(SESSION_WITHOUT, 8000), 0);
	for (int i = 0; i < 40; i++)
		host_sends4((uint16_t)(i % LAB_WORKERS), 980, DF, 0);
	lab_run();
	sent = count_sent(LAB_SUB);
	assert_in_range(sent, 3, 12);
	assert_true(lab_held() > 20);
	for (int i = 0; i < 120 && lab_held(); i++) {
		lab_later(1000000);
		sent += count_sent(LAB_SUB);
		assert_true(lab_balanced());
	}
	assert_int_equal(sent, 40);
}

// ---- the peer goes on from elsewhere

// Both ends move: ours as the control plane says, the client's by itself.
static void moves(bool six, bool udp, bool nomad, uint16_t port)
{
	struct command_sa_move ours = {.spi_in = OURS_BARE,
				       .encapsulation = udp ? ESP_UDP : ESP_PLAIN,
				       .local_port = udp ? PORT_NAT_T : 0,
				       .remote_port = udp ? port : 0},
			       theirs;

	road.six = six;
	road.udp = udp;
	road.from = nomad ? NOMAD : CLIENT;
	road.from6 = nomad ? NOMAD6 : CLIENT6;
	road.port = port;
	ours.local = address_from_u32(US_SUB);
	ours.remote = address_from_u32(road.from);
	if (six) {
		assert_int_equal(address_parse(LAB_SUB6, &ours.local), 0);
		assert_int_equal(address_parse(road.from6, &ours.remote), 0);
	}
	theirs = ours;
	theirs.spi_in = THEIRS_BARE;
	theirs.local = ours.remote;
	theirs.remote = ours.local;
	theirs.local_port = ours.remote_port;
	theirs.remote_port = ours.local_port;
	assert_int_equal(sa_move(lab.tables, &ours), 0);
	assert_int_equal(sa_move(lab.tables, &theirs), 0);
}

static void check_both_ways(void)
{
	uint8_t ip[LAB_FRAME];
	size_t outer;

	client_sends4(0, HOST, 100);
	client_sends6(1, 100);
	lab_run();
	assert_int_equal(count_sent(LAB_NET), 2);
	host_sends4(0, 100, 0, 0);
	lab_run();
	assert_int_equal(client_gets(ip, &outer), 120);
	host_sends6(0, 100);
	lab_run();
	assert_int_equal(client_gets(ip, &outer), 140);
	assert_true(lab_balanced());
}

// How often the control plane hears that the way is another one.
static unsigned moves_told(void)
{
	struct event_path_mtu body;
	struct message event;
	unsigned told = 0;

	while (path_mtu_event_next(lab.tables, &event)) {
		memcpy(&body, event.body, sizeof(body));
		assert_int_equal(body.tunnel, TUNNEL_WITHOUT);
		assert_int_equal(body.mtu, LAB_MTU);
		told++;
	}
	return told;
}

static void test_moves(void **state)
{
	srand(5);
	check_both_ways();
	for (int i = 0; i < 200; i++) {
		uint16_t before = lab.tables->session[SESSION_WITHOUT].downlink.mtu, after;
		bool six = road.six, udp = road.udp;

		moves(rand() % 2, rand() % 2, rand() % 2, (uint16_t)(4500 + rand() % 3));
		after = lab.tables->session[SESSION_WITHOUT].downlink.mtu;
		assert_int_equal(after, before - 20 * (road.six - six) - 8 * (road.udp - udp));
		assert_int_equal(moves_told(), 1);
		check_both_ways();
	}
}

// What still comes from where the peer was, or as it was wrapped before, is dropped by name.
static void test_moved_away(void **state)
{
	uint64_t selector = lab_drops(DROP_ESP_SELECTOR), wrap = lab_drops(DROP_ESP_ENCAPSULATION);
	uint8_t ip[LAB_FRAME], esp[LAB_FRAME];
	size_t n;

	moves(false, false, true, 0);
	road.from = CLIENT;
	client_sends4(0, HOST, 100);
	lab_run();
	assert_int_equal(lab_drops(DROP_ESP_SELECTOR) - selector, 1);
	moves(false, true, true, 4500);
	road.udp = false;
	n = tunnel_seal_as(THEIRS_BARE, IPPROTO_IPIP, ip, inner4(ip, BARE, HOST, 100), esp);
	receive_esp(0, 0, esp + 8, n - 8);
	lab_run();
	assert_int_equal(lab_drops(DROP_ESP_ENCAPSULATION) - wrap, 1);
	moves(true, false, true, 0);
	road.from6 = CLIENT6;
	client_sends4(0, HOST, 100);
	lab_run();
	assert_int_equal(lab_drops(DROP_ESP_SELECTOR) - selector, 2);
	assert_int_equal(count_sent(LAB_NET), 0);
}

// A NAT that gives another port is followed as before, after a move as well.
static void test_followed_after_a_move(void **state)
{
	uint8_t ip[LAB_FRAME];
	size_t outer;

	for (int six = 0; six < 2; six++) {
		moves(six, true, true, 4500);
		check_both_ways();
		road.port = 6000;
		client_sends4(0, HOST, 100);
		lab_run();
		sa_moves(lab.tables);
		host_sends4(0, 100, 0, 0);
		lab_run();
		assert_int_equal(client_gets(ip, &outer), 120);
		assert_int_equal(count_sent(LAB_NET), 1);
	}
}

static void test_refuses_moves(void **state)
{
	struct command_sa_move c = {.spi_in = OURS_BARE,
				       .encapsulation = ESP_UDP,
				       .local_port = 4500,
				       .remote_port = 4500,
				       .local = address_from_u32(US_SUB),
				       .remote = address_from_u32(NOMAD)},
			       bad = c;

	bad.spi_in = OURS;
	assert_int_equal(sa_move(lab.tables, &bad), -ENOENT);
	bad = c;
	bad.encapsulation = 2;
	assert_int_equal(sa_move(lab.tables, &bad), -EINVAL);
	bad = c;
	bad.remote_port = 0;
	assert_int_equal(sa_move(lab.tables, &bad), -EINVAL);
	bad = c;
	bad.remote.version = IP_V6;
	assert_int_equal(sa_move(lab.tables, &bad), -EINVAL);
	bad = c;
	bad.remote = address_from_u32(0);
	assert_int_equal(sa_move(lab.tables, &bad), -EINVAL);
	check_both_ways(); // nothing has changed
}

int main(void)
{
#define BOOKS(test) cmocka_unit_test_setup_teardown(test, setup, check_books)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_uplink),
		cmocka_unit_test(test_downlink),
		cmocka_unit_test(test_mtu),
		BOOKS(test_subscriber_to_subscriber),
		BOOKS(test_next_headers),
		BOOKS(test_transport_takes_udp_alone),
		BOOKS(test_hidden_length),
		BOOKS(test_spoofed_source),
		BOOKS(test_closed_version),
		BOOKS(test_foreign_session),
		BOOKS(test_no_l2tp_into_it),
		BOOKS(test_refuses_commands),
		BOOKS(test_modes_and_kinds),
		BOOKS(test_set_sa),
		BOOKS(test_control_plane),
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_spray),
		BOOKS(test_claim_moves),
		BOOKS(test_group),
		BOOKS(test_shaper),
		BOOKS(test_moves),
		BOOKS(test_moved_away),
		BOOKS(test_followed_after_a_move),
		BOOKS(test_refuses_moves),
	};

	return cmocka_run_group_tests(tests, start, lab_stop);
}

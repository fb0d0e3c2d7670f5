// SPDX-License-Identifier: Apache-2.0

// What routers say about packets that were too big, from the frame that comes in to the MTU of the
// sessions: believed when it quotes a packet of ours, and by nobody else's word.

#include "dataplane/test_lab6.h"
#include "dataplane/test_tunnel.h"

#include "dataplane/command.h"
#include "dataplane/icmp_quote.h"
#include "dataplane/path_mtu.h"
#include "dataplane/sa.h"
#include "dataplane/scratch.h"
#include "dataplane/session.h"
#include "dataplane/tunnel.h"

#include <errno.h>
#include <rte_ip.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
	SENT = 5000, // sequence numbers that the pair has used
	ROUTER = 77, // the last byte of its address
	PEER_TUNNEL = TUNNEL_CLEAR + 100,
	PEER_SESSION = SESSION_CLEAR + 2000,
};

// ---- what a router says

struct quote {
	uint8_t protocol;
	uint16_t mtu;
	uint32_t source, destination;
	uint16_t length;     // that the quoted packet has had
	uint8_t payload[64]; // behind its IP header
	size_t quoted;       // bytes of it
};

static struct quote esp_quote(uint16_t mtu, uint32_t spi, uint32_t sequence)
{
	struct quote q = {.protocol = IPPROTO_ESP,
		.mtu = mtu,
		.source = US_SUB,
		.destination = CLIENT,
		.length = 1500,
		.quoted = 8};
	struct build b = build_in(q.payload, sizeof(q.payload));

	build_u32(&b, spi);
	build_u32(&b, sequence);
	return q;
}

static struct quote udp_quote(uint16_t mtu, uint16_t source, uint16_t destination)
{
	struct quote q = esp_quote(mtu, 0, 0);
	struct build b = build_in(q.payload, sizeof(q.payload));

	q.protocol = IPPROTO_UDP;
	lab_udp(&b, source, destination, 1472);
	return q;
}

static struct quote nat_quote(uint16_t mtu, uint16_t port, uint32_t spi, uint32_t sequence)
{
	struct quote q = udp_quote(mtu, PORT_NAT_T, port);
	struct build b = build_in(q.payload + 8, sizeof(q.payload) - 8);

	build_u32(&b, spi);
	build_u32(&b, sequence);
	q.quoted = 16;
	return q;
}

static struct quote l2tp_quote(uint16_t mtu, uint16_t flags, uint16_t tunnel, uint16_t session)
{
	struct quote q = udp_quote(mtu, PORT_L2TP, PORT_L2TP);
	struct build b = build_in(q.payload + 8, sizeof(q.payload) - 8);

	build_u16(&b, flags);
	if (flags & 0x4000)
		build_u16(&b, 1400);
	build_u16(&b, tunnel);
	build_u16(&b, session);
	q.quoted = 8 + build_length(&b);
	return q;
}

static size_t icmp_message(const struct quote *q, uint8_t *out)
{
	struct build b = build_in(out, LAB_FRAME);

	build_u16(&b, 0x0304);
	build_u32(&b, 0);
	build_u16(&b, q->mtu);
	lab_ip4(&b, q->protocol, q->source, q->destination, (uint16_t)(q->length - 20), 60, 0);
	build_bytes(&b, q->payload, q->quoted);
	build_patch_u16(&b, 2, rte_be_to_cpu_16((uint16_t)~rte_raw_cksum(out, build_length(&b))));
	return build_length(&b);
}

static void receive_icmp(uint16_t port, const uint8_t *icmp, size_t length)
{
	uint8_t frame[LAB_FRAME];
	struct build b = build_in(frame, sizeof(frame));
	bool sub = port == LAB_SUB;

	lab_ether(&b, port, 9, RTE_ETHER_TYPE_IPV4);
	lab_ip4(&b, IPPROTO_ICMP, LAB_IP(192, 0, 2, ROUTER), sub ? US_SUB : LAB_IP(198, 51, 100, 1),
		(uint16_t)length, 64, 0);
	build_bytes(&b, icmp, length);
	lab_receive(port, 0, frame, build_length(&b));
}

static enum drop counted(const uint64_t *before)
{
	for (int i = 0; i < DROP_COUNT; i++)
		if (lab_drops((enum drop)i) != before[i])
			return (enum drop)i;
	return DROP_COUNT;
}

static void fill_buckets(void)
{
	for (uint16_t i = 0; i < lab.workers; i++)
		scratch_of(&lab.worker[i])->too_big = (struct bucket){0};
}

// Says it, and returns what it was counted as.
static enum drop say(struct quote q)
{
	uint64_t before[DROP_COUNT];
	uint8_t icmp[LAB_FRAME];

	for (int i = 0; i < DROP_COUNT; i++)
		before[i] = lab_drops((enum drop)i);
	fill_buckets();
	receive_icmp(LAB_SUB, icmp, icmp_message(&q, icmp));
	lab_run();
	return counted(before);
}

// ---- what comes of it

static uint16_t mtu_of(uint32_t session)
{
	assert_int_equal(
		lab.tables->session[session].uplink.mtu, lab.tables->session[session].downlink.mtu);
	return lab.tables->session[session].downlink.mtu;
}

static void expect_event(uint16_t tunnel, uint16_t mtu)
{
	struct event_path_mtu body;
	struct message m;

	assert_true(path_mtu_event_next(lab.tables, &m));
	assert_int_equal(m.type, EVENT_PATH_MTU);
	assert_int_equal(m.size, event_size(m.type));
	memcpy(&body, m.body, sizeof(body));
	assert_int_equal(body.tunnel, tunnel);
	assert_int_equal(body.mtu, mtu);
	assert_false(path_mtu_event_next(lab.tables, &m));
}

static void expect_nothing(void)
{
	struct message m;

	assert_false(path_mtu_event_next(lab.tables, &m));
	assert_int_equal(path_mtu_of(lab.tables, TUNNEL), 1500);
	assert_int_equal(path_mtu_of(lab.tables, TUNNEL_CLEAR), 1500);
	assert_int_equal(mtu_of(SESSION), 1400);
	assert_int_equal(mtu_of(SESSION_CLEAR), 1400);
}

static void tunnels(uint8_t encapsulation)
{
	tunnel_clear();
	assert_int_equal(tunnel_pair(ESP_CIPHER_AES_GCM_128, ESP_INTEGRITY_NONE, encapsulation), 0);
	assert_int_equal(tunnel_sessions(), 0);
	sa_find(lab.tables, OURS)->sequence = SENT;
}

static int set_up(void **state)
{
	tunnels(ESP_PLAIN);
	return 0;
}

static int check_books(void **state)
{
	lab_forget();
	tunnel_clear();
	return lab_balanced() && lab_packets_out() == 0 ? 0 : -1;
}

// ---- tests

static void believes_what_quotes_its_esp(void **state)
{
	assert_int_equal(say(esp_quote(1400, THEIRS, SENT)), DROP_ICMP_DONE);
	expect_event(TUNNEL, 1400);
	// 1400 less 20 of IPv4, 32 of ESP and its ICV, 8 of UDP, 6 of L2TP and 4 of PPP.
	assert_int_equal(mtu_of(SESSION), 1328);
	assert_int_equal(mtu_of(SESSION_CLEAR), 1400);
	// Again: nothing new. A larger one: the packet was on its way before.
	assert_int_equal(say(esp_quote(1400, THEIRS, SENT)), DROP_ICMP_DONE);
	assert_int_equal(say(esp_quote(1480, THEIRS, SENT - 1)), DROP_ICMP_DONE);
	assert_int_equal(path_mtu_of(lab.tables, TUNNEL), 1400);
	assert_int_equal(say(esp_quote(1280, THEIRS, 1)), DROP_ICMP_DONE);
	expect_event(TUNNEL, 1280);
}

static void believes_no_foreign_esp(void **state)
{
	struct quote q;

	assert_int_equal(say(esp_quote(1400, THEIRS + 1, SENT)), DROP_ICMP_FOREIGN);
	assert_int_equal(say(esp_quote(1400, OURS, SENT)), DROP_ICMP_FOREIGN);
	assert_int_equal(say(esp_quote(1400, THEIRS, SENT + 1)), DROP_ICMP_FOREIGN);
	assert_int_equal(say(esp_quote(1400, THEIRS, 0)), DROP_ICMP_FOREIGN);
	sa_find(lab.tables, OURS)->sequence = 3 * PATH_MTU_LATELY;
	assert_int_equal(say(esp_quote(1400, THEIRS, SENT)), DROP_ICMP_FOREIGN);
	sa_find(lab.tables, OURS)->sequence = SENT;
	q = esp_quote(1400, THEIRS, SENT);
	q.source = LAB_IP(192, 0, 2, 2);
	assert_int_equal(say(q), DROP_ICMP_FOREIGN);
	q = esp_quote(1400, THEIRS, SENT);
	q.destination = LAB_IP(192, 0, 2, 11);
	assert_int_equal(say(q), DROP_ICMP_FOREIGN);
	q = esp_quote(1400, THEIRS, SENT);
	q.quoted = 7;
	assert_int_equal(say(q), DROP_ICMP_FOREIGN);
	q = esp_quote(1400, THEIRS, SENT);
	q.protocol = IPPROTO_TCP;
	assert_int_equal(say(q), DROP_ICMP_FOREIGN);
	// The pair is plain ESP, so nothing of it is in UDP.
	assert_int_equal(say(nat_quote(1400, NAT_PORT, THEIRS, SENT)), DROP_ICMP_FOREIGN);
	expect_nothing();
}

static void believes_no_senseless_mtu(void **state)
{
	struct quote q = esp_quote(1499, THEIRS, SENT);

	assert_int_equal(say(esp_quote(575, THEIRS, SENT)), DROP_ICMP_FOREIGN);
	assert_int_equal(say(esp_quote(1, THEIRS, SENT)), DROP_ICMP_FOREIGN);
	assert_int_equal(say(esp_quote(1500, THEIRS, SENT)), DROP_ICMP_FOREIGN);
	assert_int_equal(say(esp_quote(65535, THEIRS, SENT)), DROP_ICMP_FOREIGN);
	q.length = 1000;
	assert_int_equal(say(q), DROP_ICMP_FOREIGN);
	expect_nothing();
	assert_int_equal(say(esp_quote(576, THEIRS, SENT)), DROP_ICMP_DONE);
	expect_event(TUNNEL, 576);
	assert_int_equal(mtu_of(SESSION), LIMIT_MTU_MIN);
}

static void guesses_for_an_old_router(void **state)
{
	struct quote q = esp_quote(0, THEIRS, SENT);

	assert_int_equal(say(q), DROP_ICMP_DONE);
	expect_event(TUNNEL, 1492);
	q.length = 1492;
	assert_int_equal(say(q), DROP_ICMP_DONE);
	expect_event(TUNNEL, 1480);
	q.length = 577;
	assert_int_equal(say(q), DROP_ICMP_DONE);
	expect_event(TUNNEL, 576);
	q.length = 576;
	assert_int_equal(say(q), DROP_ICMP_FOREIGN);
}

static void believes_what_quotes_its_udp(void **state)
{
	tunnels(ESP_UDP);
	assert_int_equal(say(udp_quote(1400, PORT_NAT_T, NAT_PORT + 1)), DROP_ICMP_FOREIGN);
	assert_int_equal(say(udp_quote(1400, 4501, NAT_PORT)), DROP_ICMP_FOREIGN);
	assert_int_equal(say(nat_quote(1400, NAT_PORT, THEIRS + 1, SENT)), DROP_ICMP_FOREIGN);
	assert_int_equal(say(nat_quote(1400, NAT_PORT, THEIRS, SENT + 1)), DROP_ICMP_FOREIGN);
	assert_int_equal(say(nat_quote(1400, NAT_PORT + 1, THEIRS, SENT)), DROP_ICMP_FOREIGN);
	assert_int_equal(say(esp_quote(1400, THEIRS, SENT)), DROP_ICMP_FOREIGN);
	// An IKE message on the same ports.
	assert_int_equal(say(nat_quote(1400, NAT_PORT, 0, 0)), DROP_ICMP_FOREIGN);
	expect_nothing();
	assert_int_equal(say(nat_quote(1450, NAT_PORT, THEIRS, SENT)), DROP_ICMP_DONE);
	expect_event(TUNNEL, 1450);
	assert_int_equal(say(udp_quote(1400, PORT_NAT_T, NAT_PORT)), DROP_ICMP_DONE);
	expect_event(TUNNEL, 1400);
	assert_int_equal(mtu_of(SESSION), 1320);
}

static void believes_what_quotes_its_l2tp(void **state)
{
	assert_int_equal(
		say(l2tp_quote(1400, 2, PEER_TUNNEL + 1, PEER_SESSION)), DROP_ICMP_FOREIGN);
	assert_int_equal(
		say(l2tp_quote(1400, 2, PEER_TUNNEL, PEER_SESSION + 1)), DROP_ICMP_FOREIGN);
	assert_int_equal(say(udp_quote(1400, PORT_L2TP, 1702)), DROP_ICMP_FOREIGN);
	assert_int_equal(say(udp_quote(1400, 1702, PORT_L2TP)), DROP_ICMP_FOREIGN);
	expect_nothing();
	assert_int_equal(say(l2tp_quote(1450, 2, PEER_TUNNEL, PEER_SESSION)), DROP_ICMP_DONE);
	expect_event(TUNNEL_CLEAR, 1450);
	assert_int_equal(say(l2tp_quote(1440, 0x4002, PEER_TUNNEL, PEER_SESSION)), DROP_ICMP_DONE);
	expect_event(TUNNEL_CLEAR, 1440);
	assert_int_equal(say(l2tp_quote(1430, 0xc802, PEER_TUNNEL, 0)), DROP_ICMP_DONE);
	expect_event(TUNNEL_CLEAR, 1430);
	assert_int_equal(say(udp_quote(1400, PORT_L2TP, PORT_L2TP)), DROP_ICMP_DONE);
	expect_event(TUNNEL_CLEAR, 1400);
	assert_int_equal(mtu_of(SESSION_CLEAR), 1362);
	assert_int_equal(mtu_of(SESSION), 1400);
}

static void follows_a_peer_that_moves(void **state)
{
	struct message m;
	struct sa *s;

	tunnels(ESP_UDP);
	s = sa_find(lab.tables, OURS);
	sa_follow(lab.tables, s, sa_remote(rte_cpu_to_be_32(CLIENT), NAT_PORT + 9));
	assert_true(sa_event_next(lab.tables, &m));
	assert_int_equal(say(udp_quote(1400, PORT_NAT_T, NAT_PORT)), DROP_ICMP_FOREIGN);
	assert_int_equal(say(udp_quote(1400, PORT_NAT_T, NAT_PORT + 9)), DROP_ICMP_DONE);
	expect_event(TUNNEL, 1400);
}

static void keeps_it_over_a_rekey(void **state)
{
	struct command_tunnel_set_sa c = {.tunnel = TUNNEL, .sa = THEIRS};

	assert_int_equal(say(esp_quote(1400, THEIRS, SENT)), DROP_ICMP_DONE);
	expect_event(TUNNEL, 1400);
	// The other pair of the same peer stands in for the new one.
	assert_int_equal(tunnel_set_sa(lab.tables, &c), 0);
	assert_int_equal(mtu_of(SESSION), 1328);
	assert_int_equal(say(esp_quote(1300, THEIRS, SENT)), DROP_ICMP_FOREIGN);
	c.sa = OURS;
	assert_int_equal(tunnel_set_sa(lab.tables, &c), 0);
	assert_int_equal(say(esp_quote(1300, THEIRS, SENT)), DROP_ICMP_DONE);
	expect_event(TUNNEL, 1300);
}

static void forgets_after_ten_minutes(void **state)
{
	uint64_t began = lab.now;

	assert_int_equal(say(esp_quote(1400, THEIRS, SENT)), DROP_ICMP_DONE);
	expect_event(TUNNEL, 1400);
	lab.now = began + PATH_MTU_KEPT - 1;
	path_mtu_tick(lab.tables, lab.now);
	assert_int_equal(path_mtu_of(lab.tables, TUNNEL), 1400);
	// Said once more: it is held for longer.
	assert_int_equal(say(esp_quote(1400, THEIRS, SENT)), DROP_ICMP_DONE);
	path_mtu_tick(lab.tables, began + PATH_MTU_KEPT);
	assert_int_equal(path_mtu_of(lab.tables, TUNNEL), 1400);
	path_mtu_tick(lab.tables, lab.now + PATH_MTU_KEPT);
	expect_event(TUNNEL, 1500);
	expect_nothing();
	lab.now = began;
}

static void forgets_with_the_tunnel(void **state)
{
	struct message m;

	assert_int_equal(say(esp_quote(1400, THEIRS, SENT)), DROP_ICMP_DONE);
	tunnel_clear();
	assert_false(path_mtu_event_next(lab.tables, &m));
	assert_int_equal(say(esp_quote(1400, THEIRS, SENT)), DROP_ICMP_FOREIGN);
	tunnels(ESP_PLAIN);
	expect_nothing();
}

// What the command's answer says is the session's MTU as it has become.
static void answers_with_the_mtu(void **state)
{
	const struct command_session_set c = {
		.session = SESSION, .flags = SESSION_LCP_OPEN, .peer_mru = 1500};
	struct message m = {.type = COMMAND_SESSION_SET, .size = sizeof(c)};
	uint32_t value = 0;

	memcpy(m.body, &c, sizeof(c));
	assert_int_equal(command_apply(&lab.clerk, &m, &value), 0);
	assert_int_equal(value, 1428);
	assert_int_equal(say(esp_quote(1400, THEIRS, SENT)), DROP_ICMP_DONE);
	assert_int_equal(command_apply(&lab.clerk, &m, &value), 0);
	assert_int_equal(value, 1328);
	m.type = COMMAND_RESET;
	assert_int_equal(command_apply(&lab.clerk, &m, &value), -EMSGSIZE);
	assert_int_equal(value, 0);
}

// Many at once: the clerk gets a few, the others are counted.
static void bounds_a_flood(void **state)
{
	uint64_t done = lab_drops(DROP_ICMP_DONE), rate = lab_drops(DROP_ICMP_RATE);
	struct quote q = esp_quote(1400, THEIRS, SENT);
	uint8_t icmp[LAB_FRAME];
	size_t length = icmp_message(&q, icmp);

	assert_int_equal(say(q), DROP_ICMP_DONE); // with a full bucket
	for (int i = 0; i < 500; i++) {
		receive_icmp(LAB_SUB, icmp, length);
		if (i % 20 == 0)
			lab_run();
	}
	lab_run();
	done = lab_drops(DROP_ICMP_DONE) - done;
	rate = lab_drops(DROP_ICMP_RATE) - rate;
	assert_int_equal(done + rate, 501);
	assert_true(done >= 50 && done < 150);
}

// What is malformed, and what comes where no tunnel is.
static void refuses_the_malformed(void **state)
{
	struct quote q = esp_quote(1400, THEIRS, SENT);
	uint64_t before[DROP_COUNT];
	uint8_t icmp[LAB_FRAME];
	size_t length = icmp_message(&q, icmp);

	for (int i = 0; i < DROP_COUNT; i++)
		before[i] = lab_drops((enum drop)i);
	icmp[30] ^= 1;
	receive_icmp(LAB_SUB, icmp, length);
	lab_run();
	assert_int_equal(counted(before), DROP_ICMP_INVALID);
	icmp[30] ^= 1;
	before[DROP_ICMP_INVALID]++;
	receive_icmp(LAB_NET, icmp, length);
	lab_run();
	assert_int_equal(counted(before), DROP_ICMP_TYPE);
	for (size_t cut = 0; cut < length; cut++) {
		struct icmp_quote out;
		uint8_t *exact = malloc(cut ? cut : 1);

		memcpy(exact, icmp, cut);
		assert_int_not_equal(icmp_quote_parse(IP_V4, exact, cut, &out), 0);
		free(exact);
	}
	icmp[8] = 0x44; // a header of 16 bytes
	assert_int_equal(icmp_quote_parse(IP_V4, icmp, length, &(struct icmp_quote){0}), -EBADMSG);
	icmp[8] = 0x45;
	icmp[15] = 1; // a fragment
	assert_int_equal(icmp_quote_parse(IP_V4, icmp, length, &(struct icmp_quote){0}), -EBADMSG);
	icmp[1] = 3; // another code
	assert_int_equal(icmp_quote_parse(IP_V4, icmp, length, &(struct icmp_quote){0}), -ENOMSG);
	expect_nothing();
}

static void reads_ipv6(void **state)
{
	uint8_t icmp[128] = {2, 0, 0, 0, 0, 0, 0x05, 0x78}; // 1400
	struct build b = build_in(icmp + 8, sizeof(icmp) - 8);
	struct icmp_quote q;

	build_u32(&b, 0x60000000);
	build_u16(&b, 1460);
	build_u8(&b, 44);
	build_u8(&b, 64);
	build_bytes(&b, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16);
	build_bytes(&b, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2", 16);
	build_bytes(&b, "\x32\0\0\1\0\0\0\7", 8); // the first fragment, of ESP
	build_u32(&b, THEIRS);
	build_u32(&b, SENT);
	assert_int_equal(icmp_quote_parse(IP_V6, icmp, 8 + build_length(&b), &q), 0);
	assert_int_equal(q.mtu, 1400);
	assert_int_equal(q.length, 1500);
	assert_int_equal(q.protocol, IPPROTO_ESP);
	assert_int_equal(q.parts, ICMP_QUOTE_ESP);
	assert_int_equal(q.spi, THEIRS);
	assert_int_equal(q.sequence, SENT);
	assert_int_equal(q.remote.bytes[15], 2);
	assert_int_equal(icmp_quote_parse(IP_V6, icmp, 7 + build_length(&b), &q), -EBADMSG);
	icmp[8 + 40 + 2] = 1; // a later fragment
	assert_int_equal(icmp_quote_parse(IP_V6, icmp, 8 + build_length(&b), &q), -EBADMSG);
	icmp[0] = 1;
	assert_int_equal(icmp_quote_parse(IP_V6, icmp, 8 + build_length(&b), &q), -ENOMSG);
}

static size_t too_big6(uint8_t *out, uint32_t mtu, const char *peer, uint32_t sequence)
{
	const struct lab6_ends quoted = {LAB_SUB6, peer}, ends = {"2001:db8:99::1", LAB_SUB6};
	struct build b = build_in(out, LAB_FRAME);
	uint16_t sum;

	build_u32(&b, 0x02000000);
	build_u32(&b, mtu);
	lab6_header(&b, IPPROTO_ESP, quoted, 1460, 60);
	build_u32(&b, THEIRS);
	build_u32(&b, sequence);
	sum = lab6_checksum(ends, IPPROTO_ICMPV6, out, (uint16_t)build_length(&b));
	memcpy(out + 2, &sum, 2);
	return build_length(&b);
}

static enum drop say6(uint32_t mtu, const char *peer, uint32_t sequence)
{
	const struct lab6_ends ends = {"2001:db8:99::1", LAB_SUB6};
	uint8_t icmp[LAB_FRAME], frame[LAB_FRAME];
	uint64_t before[DROP_COUNT];

	for (int i = 0; i < DROP_COUNT; i++)
		before[i] = lab_drops((enum drop)i);
	fill_buckets();
	lab_receive(LAB_SUB, 0, frame,
		lab6_frame(frame, LAB_SUB, IPPROTO_ICMPV6, ends, icmp,
			(uint16_t)too_big6(icmp, mtu, peer, sequence)));
	lab_run();
	return counted(before);
}

static void believes_over_ipv6(void **state)
{
	struct command_sa_add sa = {.spi_in = OURS,
		.spi_out = THEIRS,
		.peer = PEER,
		.cipher = ESP_CIPHER_AES_GCM_128,
		.window = 64};
	struct command_tunnel_add tunnel = {.tunnel = TUNNEL,
		.peer_tunnel = TUNNEL + 100,
		.peer = PEER,
		.sa = OURS,
		.local_port = PORT_L2TP,
		.remote_port = PORT_L2TP};

	tunnel_clear();
	assert_int_equal(address_parse(LAB_SUB6, &sa.local), 0);
	assert_int_equal(address_parse("2001:db8:5::1", &sa.remote), 0);
	tunnel.local = sa.local;
	tunnel.remote = sa.remote;
	assert_int_equal(sa_add(lab.tables, &sa), 0);
	assert_int_equal(tunnel_add(lab.tables, &tunnel), 0);
	sa_find(lab.tables, OURS)->sequence = SENT;
	assert_int_equal(say6(1279, "2001:db8:5::1", SENT), DROP_ICMP_FOREIGN);
	assert_int_equal(say6(0, "2001:db8:5::1", SENT), DROP_ICMP_FOREIGN);
	assert_int_equal(say6(1400, "2001:db8:5::2", SENT), DROP_ICMP_FOREIGN);
	assert_int_equal(say6(1400, "2001:db8:5::1", SENT + 1), DROP_ICMP_FOREIGN);
	assert_int_equal(path_mtu_of(lab.tables, TUNNEL), 1500);
	assert_int_equal(say6(1280, "2001:db8:5::1", SENT), DROP_ICMP_DONE);
	expect_event(TUNNEL, 1280);
}

// A probe of the control plane must not be cut on its way, all else may be.
static void lets_no_router_cut_a_probe(void **state)
{
	uint8_t frame[LAB_FRAME];

	lab_connect();
	lab_neighbour(LAB_SUB, 9, CLIENT);
	for (int df = 0; df < 2; df++) {
		struct packet *slot = ring_slot(&lab.far.inject[0]);

		memset(slot, 0, PACKET_HEADER + 1000);
		slot->kind = PACKET_PPP;
		slot->flags = df ? PACKET_DF : 0;
		slot->length = 1000;
		slot->parts = 1;
		slot->session = SESSION;
		ring_push(&lab.far.inject[0]);
		lab_run();
		assert_true(lab_sent(LAB_SUB, frame) > 1000);
		assert_int_equal(frame[20], df ? 0x40 : 0);
		assert_int_equal(rte_raw_cksum(frame + 14, 20), 0xffff);
	}
	lab_disconnect();
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, check_books)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(believes_what_quotes_its_esp),
		CASE(believes_no_foreign_esp),
		CASE(believes_no_senseless_mtu),
		CASE(guesses_for_an_old_router),
		CASE(believes_what_quotes_its_udp),
		CASE(believes_what_quotes_its_l2tp),
		CASE(follows_a_peer_that_moves),
		CASE(keeps_it_over_a_rekey),
		CASE(forgets_after_ten_minutes),
		CASE(forgets_with_the_tunnel),
		CASE(answers_with_the_mtu),
		CASE(bounds_a_flood),
		CASE(refuses_the_malformed),
		CASE(reads_ipv6),
		CASE(believes_over_ipv6),
		CASE(lets_no_router_cut_a_probe),
	};

	return cmocka_run_group_tests(tests, lab_start, lab_stop);
}

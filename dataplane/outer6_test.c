// SPDX-License-Identifier: Apache-2.0

// Tunnels over IPv6, stage by stage: who may send into an SA and a tunnel, a peer that moves, and
// what the stages put on. Whole packets over IPv6 are in way6_test.c.

#include "dataplane/test_peer.h"
#include "dataplane/test_support.h"

#include "dataplane/checksum.h"
#include "dataplane/session.h"
#include "dataplane/stage.h"
#include "dataplane/tunnel.h"

#include <errno.h>
#include <rte_rcu_qsbr.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

enum { TUNNEL = 5, SESSION = 3, NAT_PORT = 40000 };

static struct worker *const w0 = &bench.workers[0];

static struct ip_address address(const char *text)
{
	struct ip_address a;

	assert_int_equal(address_parse(text, &a), 0);
	return a;
}

static struct command_sa_add pair6(uint8_t encapsulation)
{
	struct command_sa_add c = test_sa(1, ESP_CIPHER_AES_GCM_128, ESP_INTEGRITY_NONE);

	c.encapsulation = encapsulation;
	c.local_port = encapsulation == ESP_UDP ? PORT_NAT_T : 0;
	c.remote_port = encapsulation == ESP_UDP ? NAT_PORT : 0;
	c.local = address("2001:db8::1");
	c.remote = address("2001:db8:1::7");
	return c;
}

static void refuse(struct rte_mbuf *m, enum drop reason)
{
	uint64_t before = bench.record.drops[reason];

	assert_int_equal(test_esp_in(w0, &m, 1), 0);
	assert_int_equal(bench.record.drops[reason], before + 1);
}

static void take(struct rte_mbuf *m, size_t size)
{
	assert_int_equal(test_esp_in(w0, &m, 1), 1);
	peer_payload_check(m, size);
	rte_pktmbuf_free(m);
}

static void refuses_addresses_of_two_versions(void **state)
{
	struct command_sa_add c = pair6(ESP_PLAIN);
	struct command_tunnel_add t = {.tunnel = TUNNEL,
		.peer_tunnel = 1,
		.local_port = PORT_L2TP,
		.remote_port = PORT_L2TP,
		.local = c.local,
		.remote = c.remote};

	c.local = t.local = address("192.0.2.1");
	assert_int_equal(sa_add(bench.tables, &c), -EINVAL);
	assert_int_equal(tunnel_add(bench.tables, &t), -EINVAL);
	c.local = t.local = address("::");
	assert_int_equal(sa_add(bench.tables, &c), -EINVAL);
	assert_int_equal(tunnel_add(bench.tables, &t), -EINVAL);
	c.local = t.local = address("0.0.0.0");
	c.remote = t.remote = address("192.0.2.1");
	assert_int_equal(sa_add(bench.tables, &c), -EINVAL);
	assert_int_equal(tunnel_add(bench.tables, &t), -EINVAL);
}

static void opens_esp_of_its_peer_only(void **state)
{
	struct command_sa_add c = pair6(ESP_PLAIN);
	struct rte_mbuf *m;

	assert_int_equal(sa_add(bench.tables, &c), 0);
	take(peer_packet(&c, 1, 20), 20);
	m = peer_packet(&c, 2, 20);
	meta_of(m)->remote6[15] ^= 1;
	refuse(m, DROP_ESP_SELECTOR);
	m = peer_packet(&c, 2, 20);
	meta_of(m)->local6[0] ^= 1;
	refuse(m, DROP_ESP_SELECTOR);
	m = peer_packet(&c, 2, 20);
	meta_of(m)->outer_port = NAT_PORT;
	refuse(m, DROP_ESP_ENCAPSULATION);
	m = peer_packet(&c, 2, 20);
	meta_of(m)->flags = 0; // over IPv4
	meta_of(m)->remote = meta_of(m)->local = 0x01020304;
	refuse(m, DROP_ESP_SELECTOR);
}

static void opens_no_esp_over_ipv6_for_ipv4(void **state)
{
	struct command_sa_add c = test_sa(1, ESP_CIPHER_AES_GCM_128, ESP_INTEGRITY_NONE), six = c;

	assert_int_equal(sa_add(bench.tables, &c), 0);
	six.local = address("2001:db8::1");
	six.remote = address("2001:db8:1::7");
	refuse(peer_packet(&six, 1, 20), DROP_ESP_SELECTOR);
}

static void names_the_address_of_an_unknown_spi(void **state)
{
	struct command_sa_add c = pair6(ESP_UDP);
	struct event_sa_unknown unknown;
	struct message e;

	refuse(peer_packet(&c, 1, 20), DROP_ESP_SPI);
	assert_true(sa_event_next(bench.tables, &e));
	assert_int_equal(e.type, EVENT_SA_UNKNOWN);
	memcpy(&unknown, e.body, sizeof(unknown));
	assert_true(address_equal(&unknown.local, &c.local));
	assert_true(address_equal(&unknown.remote, &c.remote));
	assert_int_equal(unknown.remote_port, NAT_PORT);
}

// The NAT gives the peer another address: the clerk publishes it, and what is newest counts.
static void follows_an_authenticated_packet_only(void **state)
{
	struct command_sa_add c = pair6(ESP_UDP), elsewhere = c;
	struct event_peer_moved moved;
	struct rte_mbuf *m;
	struct message e;
	struct sa *s;

	assert_int_equal(sa_add(bench.tables, &c), 0);
	s = sa_find(bench.tables, c.spi_in);
	elsewhere.remote = address("2001:db8:2::9");
	elsewhere.remote_port = 50000;
	m = peer_packet(&elsewhere, 10, 20);
	rte_pktmbuf_mtod(m, uint8_t *)[20] ^= 1;
	refuse(m, DROP_ESP_ICV);
	assert_int_equal(s->events, 0);
	for (uint32_t i = 10; i < 20; i++)
		take(peer_packet(&elsewhere, i, 20), 20);
	assert_true(w0->wake_clerk);
	assert_int_equal(s->outer6->remote_port, NAT_PORT);
	sa_moves(bench.tables);
	assert_memory_equal(s->outer6->remote, elsewhere.remote.bytes, 16);
	assert_memory_equal(s->outer6->local, c.local.bytes, 16);
	assert_int_equal(s->outer6->remote_port, 50000);
	take(peer_packet(&c, 9, 20), 20); // was overtaken
	take(peer_packet(&elsewhere, 21, 20), 20);
	sa_moves(bench.tables);
	assert_true(sa_event_next(bench.tables, &e));
	assert_int_equal(e.type, EVENT_PEER_MOVED);
	memcpy(&moved, e.body, sizeof(moved));
	assert_int_equal(moved.spi_in, c.spi_in);
	assert_int_equal(moved.remote_port, 50000);
	assert_true(address_equal(&moved.remote, &elsewhere.remote));
	assert_false(sa_event_next(bench.tables, &e));
	take(peer_packet(&c, 22, 20), 20); // and back again
	sa_moves(bench.tables);
	assert_memory_equal(s->outer6->remote, c.remote.bytes, 16);
	reclaim_wait(bench.tables);
}

static void moves_of_a_pair_that_is_gone_move_nothing(void **state)
{
	struct command_sa_add c = pair6(ESP_UDP), elsewhere = c;

	assert_int_equal(sa_add(bench.tables, &c), 0);
	elsewhere.remote_port = 50000;
	take(peer_packet(&elsewhere, 1, 20), 20);
	assert_int_equal(sa_delete(bench.tables, &(struct command_sa_delete){c.spi_in}), 0);
	sa_moves(bench.tables);
	reclaim_wait(bench.tables);
}

// What the ring has no room for is asked again with the next packet.
static void a_full_ring_loses_no_move(void **state)
{
	struct command_sa_add c = pair6(ESP_UDP), elsewhere = c;
	struct sa *s;
	unsigned i;

	assert_int_equal(sa_add(bench.tables, &c), 0);
	s = sa_find(bench.tables, c.spi_in);
	for (i = 0; sa_follow6(bench.tables, s, c.remote.bytes, NAT_PORT); i++)
		s->events = 0;
	assert_true(i >= 1000);
	elsewhere.remote_port = 50000;
	take(peer_packet(&elsewhere, 1, 20), 20);
	sa_moves(bench.tables);
	assert_int_equal(s->outer6->remote_port, NAT_PORT);
	take(peer_packet(&elsewhere, 2, 20), 20);
	sa_moves(bench.tables);
	assert_int_equal(s->outer6->remote_port, 50000);
	reclaim_wait(bench.tables);
}

// Sealed for the peer and opened again: the UDP header inside has a checksum that holds.
static void seals_with_a_checksum_inside(void **state)
{
	for (uint8_t encapsulation = ESP_PLAIN; encapsulation <= ESP_UDP; encapsulation++) {
		struct command_sa_add c = pair6(encapsulation), peer = test_sa_mirror(&c, 2);
		struct rte_mbuf *m;
		uint8_t *udp;

		peer.spi_in = id_make(2 + encapsulation, 1);
		c.spi_in = id_make(6 + encapsulation, 1);
		c.spi_out = peer.spi_in;
		assert_int_equal(sa_add(bench.tables, &c), 0);
		assert_int_equal(sa_add(bench.tables, &peer), 0);
		m = peer_inner(sa_find(bench.tables, c.spi_in), 33);
		assert_int_equal(esp_out(w0, &m, 1), 1);
		assert_true(meta_of(m)->flags & META_OUTER6);
		assert_memory_equal(meta_of(m)->remote6, c.remote.bytes, 16);
		assert_memory_equal(meta_of(m)->local6, c.local.bytes, 16);
		assert_int_equal(meta_of(m)->protocol, encapsulation == ESP_UDP ? 17 : 50);
		if (encapsulation == ESP_UDP)
			assert_memory_equal(rte_pktmbuf_mtod(m, uint8_t *),
				((uint8_t[]){0x11, 0x94, NAT_PORT >> 8, NAT_PORT & 0xff}), 4);
		if (encapsulation == ESP_UDP)
			rte_pktmbuf_adj(m, 8);
		peer_from(&peer, m);
		meta_of(m)->sa = NULL;
		assert_int_equal(test_esp_in(w0, &m, 1), 1);
		udp = rte_pktmbuf_mtod_offset(m, uint8_t *, -8);
		assert_true(checksum_upper6_ok(c.local.bytes, c.remote.bytes, 17, udp, 8 + 33));
		rte_pktmbuf_free(m);
	}
}

// ---- L2TP without IPsec

static void tunnel6(uint16_t id, const char *remote)
{
	struct command_tunnel_add t = {.tunnel = id,
		.peer_tunnel = 1,
		.local_port = PORT_L2TP,
		.remote_port = PORT_L2TP,
		.local = address("2001:db8::1"),
		.remote = address(remote)};
	struct command_session_add s = {
		.session = SESSION, .tunnel = id, .session_id = 1, .peer_session = 2};

	assert_int_equal(tunnel_add(bench.tables, &t), 0);
	assert_int_equal(session_add(bench.tables, &s), 0);
}

static struct rte_mbuf *data_message(const char *local, const char *remote)
{
	static const uint8_t bytes[] = {0, 2, 0, TUNNEL, 0, 1, 'x'};
	struct command_sa_add c = {.local = address(local), .remote = address(remote)};
	struct rte_mbuf *m = test_packet(bytes, sizeof(bytes));

	peer_from(&c, m);
	meta_of(m)->local_port = meta_of(m)->remote_port = PORT_L2TP;
	return m;
}

static void takes_clear_data_from_its_peer_only(void **state)
{
	static const struct {
		const char *local, *remote;
	} others[] = {{"2001:db8::2", "2001:db8:1::7"}, {"2001:db8::1", "2001:db8:1::8"},
		{"192.0.2.1", "198.51.100.7"}};
	struct rte_mbuf *m = data_message("2001:db8::1", "2001:db8:1::7");

	tunnel6(TUNNEL, "2001:db8:1::7");
	assert_int_equal(l2tp_in(w0, &m, 1), 1);
	rte_pktmbuf_free(m);
	for (unsigned i = 0; i < RTE_DIM(others); i++) {
		m = data_message(others[i].local, others[i].remote);
		assert_int_equal(l2tp_in(w0, &m, 1), 0);
		assert_int_equal(bench.record.drops[DROP_L2TP_PEER], i + 1);
	}
	m = data_message("2001:db8::1", "2001:db8:1::7");
	meta_of(m)->remote_port++;
	assert_int_equal(l2tp_in(w0, &m, 1), 0);
	assert_int_equal(bench.record.drops[DROP_L2TP_PEER], RTE_DIM(others) + 1);
}

static void sends_between_its_addresses(void **state)
{
	struct rte_mbuf *m = test_packet("frame", 5);

	tunnel6(TUNNEL, "2001:db8:1::7");
	meta_of(m)->session = SESSION;
	meta_of(m)->flags = META_NEXT6;
	assert_int_equal(l2tp_out(w0, &m, 1), 1);
	assert_int_equal(meta_of(m)->flags, META_OUTER6);
	assert_memory_equal(meta_of(m)->remote6, address("2001:db8:1::7").bytes, 16);
	assert_memory_equal(meta_of(m)->local6, address("2001:db8::1").bytes, 16);
	rte_pktmbuf_free(m);
}

// What came in over IPv6 goes out over IPv4 again as it should.
static void forgets_how_it_came(void **state)
{
	struct rte_mbuf *m = test_packet("frame", 5);

	test_session(TUNNEL, SESSION, 0, 0);
	meta_of(m)->session = SESSION;
	meta_of(m)->flags = META_OUTER6 | META_NEXT6;
	assert_int_equal(l2tp_out(w0, &m, 1), 1);
	assert_int_equal(meta_of(m)->flags, 0);
	rte_pktmbuf_free(m);
}

// The header is 20 bytes longer than that of IPv4.
static void the_mtu_is_that_of_ipv6(void **state)
{
	struct command_sa_add c = pair6(ESP_PLAIN);
	struct command_tunnel_set_sa set = {.tunnel = TUNNEL, .sa = c.spi_in};
	struct tunnel *t;

	tunnel6(TUNNEL, "2001:db8:1::7");
	assert_int_equal(bench.tables->session[SESSION].downlink.mtu, 1500 - 40 - 8 - 6 - 4);
	assert_int_equal(sa_add(bench.tables, &c), 0);
	t = tunnel_find(bench.tables, TUNNEL);
	t->peer = c.peer;
	assert_int_equal(tunnel_set_sa(bench.tables, &set), 0);
	// ESP header, IV and ICV; then whole words with pad length and next header.
	assert_int_equal(bench.tables->session[SESSION].downlink.mtu,
		(1500 - 40 - 8 - 8 - 16) / 4 * 4 - 2 - 8 - 6 - 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(refuses_addresses_of_two_versions),
		TEST(opens_esp_of_its_peer_only),
		TEST(opens_no_esp_over_ipv6_for_ipv4),
		TEST(names_the_address_of_an_unknown_spi),
		TEST(follows_an_authenticated_packet_only),
		TEST(moves_of_a_pair_that_is_gone_move_nothing),
		TEST(a_full_ring_loses_no_move),
		TEST(seals_with_a_checksum_inside),
		TEST(takes_clear_data_from_its_peer_only),
		TEST(sends_between_its_addresses),
		TEST(forgets_how_it_came),
		TEST(the_mtu_is_that_of_ipv6),
	};

	return cmocka_run_group_tests(tests, test_start, test_stop);
}

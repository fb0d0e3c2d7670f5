// SPDX-License-Identifier: Apache-2.0

// The commands on the tables: what they refuse, what they leave behind, and that nothing is freed
// before the workers have let go of it. And the MTU of a session, as a table.

#include "dataplane/test_support.h"

#include "dataplane/sa.h"
#include "dataplane/session.h"
#include "dataplane/tunnel.h"

#include <errno.h>
#include <rte_rcu_qsbr.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct command_tunnel_add tunnel_command(uint16_t tunnel, uint32_t peer, uint32_t sa)
{
	return (struct command_tunnel_add){
		.tunnel = tunnel,
		.peer_tunnel = 77,
		.peer = peer,
		.sa = sa,
		.local_port = PORT_L2TP,
		.remote_port = PORT_L2TP,
		.local = address_v4((const uint8_t[]){192, 0, 2, 1}),
		.remote = address_v4((const uint8_t[]){198, 51, 100, 7}),
	};
}

static int session_put(uint32_t session, uint16_t tunnel, uint16_t id)
{
	struct command_session_add c = {
		.session = session, .tunnel = tunnel, .session_id = id, .peer_session = 3};

	return session_add(bench.tables, &c);
}

static int session_take(uint32_t session)
{
	return session_delete(bench.tables, &(struct command_session_delete){.session = session});
}

static void refuses_bad_sas(void **state)
{
	struct command_sa_add good = test_sa(1, ESP_CIPHER_AES_CBC_128, ESP_INTEGRITY_HMAC_SHA1_96);
	struct command_sa_add c = good;

	c.spi_in = id_make(TEST_SAS, 1);
	assert_int_equal(sa_add(bench.tables, &c), -ENOSPC);
	c = good;
	c.spi_in = 1;
	assert_int_equal(sa_add(bench.tables, &c), -EINVAL);
	c = good;
	c.spi_out = 255;
	assert_int_equal(sa_add(bench.tables, &c), -EINVAL);
	c = good;
	c.peer = 0;
	assert_int_equal(sa_add(bench.tables, &c), -EINVAL);
	for (unsigned cipher = 0; cipher < 256; cipher++) {
		for (unsigned integrity = 0; integrity < 8; integrity++) {
			bool aead = cipher == 1 || cipher == 2 || cipher == 6;
			bool cbc = (cipher >= 3 && cipher <= 5) || cipher == 7;

			c = good;
			c.spi_in = id_make(1, 3);
			c.cipher = (uint8_t)cipher;
			c.integrity = (uint8_t)integrity;
			if ((aead && integrity == 0) || (cbc && integrity >= 1 && integrity <= 4))
				continue;
			assert_int_equal(sa_add(bench.tables, &c), -EINVAL);
		}
	}
	for (unsigned window = 0; window < 65536; window++) {
		c = good;
		c.window = (uint16_t)window;
		if (window != 0 && (window < 32 || window > 4096))
			assert_int_equal(sa_add(bench.tables, &c), -EINVAL);
	}
	c = good;
	c.esn = 2;
	assert_int_equal(sa_add(bench.tables, &c), -EINVAL);
	c.esn = 1;
	c.window = 0;
	assert_int_equal(sa_add(bench.tables, &c), -EINVAL);
	c = good;
	c.encapsulation = 2;
	assert_int_equal(sa_add(bench.tables, &c), -EINVAL);
	c.encapsulation = ESP_UDP;
	assert_int_equal(sa_add(bench.tables, &c), -EINVAL);
	c = good;
	c.remote.version = 5;
	assert_int_equal(sa_add(bench.tables, &c), -EINVAL);
	assert_int_equal(sa_add(bench.tables, &good), 0);
	assert_int_equal(sa_add(bench.tables, &good), -EEXIST);
	c = good;
	c.spi_in = id_make(1, 6);
	assert_int_equal(sa_add(bench.tables, &c), -EEXIST);
}

static void deletes_an_sa_only_when_no_tunnel_sends_through_it(void **state)
{
	struct command_sa_add a = test_sa(1, ESP_CIPHER_AES_GCM_128, ESP_INTEGRITY_NONE);
	struct command_sa_add b = test_sa(2, ESP_CIPHER_AES_GCM_128, ESP_INTEGRITY_NONE);
	struct command_sa_add other = test_sa(3, ESP_CIPHER_AES_GCM_128, ESP_INTEGRITY_NONE);
	struct command_tunnel_add t = tunnel_command(5, a.peer, a.spi_in);

	b.peer = a.peer;
	assert_int_equal(sa_add(bench.tables, &a), 0);
	assert_int_equal(sa_add(bench.tables, &b), 0);
	assert_int_equal(sa_add(bench.tables, &other), 0);
	assert_int_equal(tunnel_add(bench.tables, &t), 0);
	assert_int_equal(tunnel_add(bench.tables, &t), -EEXIST);
	assert_int_equal(sa_delete(bench.tables, &(struct command_sa_delete){a.spi_in}), -EBUSY);
	assert_int_equal(tunnel_set_sa(bench.tables,
				 &(struct command_tunnel_set_sa){.tunnel = 5, .sa = other.spi_in}),
		-EPERM);
	assert_int_equal(tunnel_set_sa(bench.tables,
				 &(struct command_tunnel_set_sa){.tunnel = 5, .sa = id_make(9, 9)}),
		-ENOENT);
	assert_int_equal(tunnel_set_sa(bench.tables,
				 &(struct command_tunnel_set_sa){.tunnel = 6, .sa = b.spi_in}),
		-ENOENT);
	assert_int_equal(tunnel_set_sa(bench.tables,
				 &(struct command_tunnel_set_sa){.tunnel = 5, .sa = b.spi_in}),
		0);
	assert_int_equal(sa_delete(bench.tables, &(struct command_sa_delete){a.spi_in}), 0);
	assert_int_equal(sa_delete(bench.tables, &(struct command_sa_delete){a.spi_in}), -ENOENT);
	assert_int_equal(sa_delete(bench.tables, &(struct command_sa_delete){b.spi_in}), -EBUSY);
	assert_int_equal(tunnel_delete(bench.tables, &(struct command_tunnel_delete){5, 0}), 0);
	assert_int_equal(
		tunnel_delete(bench.tables, &(struct command_tunnel_delete){5, 0}), -ENOENT);
	assert_int_equal(sa_delete(bench.tables, &(struct command_sa_delete){b.spi_in}), 0);
	assert_null(sa_find(bench.tables, b.spi_in));
}

// A worker that is online and has not passed a quiescent state holds everything back.
static void frees_after_a_quiescent_state_only(void **state)
{
	struct command_sa_add c = test_sa(1, ESP_CIPHER_AES_CBC_256, ESP_INTEGRITY_HMAC_SHA512_256);
	uint8_t key[32];
	struct sa *s;

	assert_int_equal(sa_add(bench.tables, &c), 0);
	s = sa_find(bench.tables, c.spi_in);
	memcpy(key, sa_key_in(s), sizeof(key));
	rte_rcu_qsbr_thread_register(bench.qsbr, 0);
	rte_rcu_qsbr_thread_online(bench.qsbr, 0);
	assert_int_equal(sa_delete(bench.tables, &(struct command_sa_delete){c.spi_in}), 0);
	assert_int_equal(reclaim_poll(bench.tables), 1);
	assert_memory_equal(sa_key_in(s), key, sizeof(key));
	rte_rcu_qsbr_quiescent(bench.qsbr, 0);
	assert_int_equal(reclaim_poll(bench.tables), 0);
	rte_rcu_qsbr_thread_offline(bench.qsbr, 0);
	rte_rcu_qsbr_thread_unregister(bench.qsbr, 0);
}

static void grows_the_map_until_ids_are_distinct(void **state)
{
	struct command_tunnel_add t = tunnel_command(9, 0, 0);
	const struct tunnel *tunnel;

	assert_int_equal(tunnel_add(bench.tables, &t), 0);
	tunnel = tunnel_find(bench.tables, 9);
	assert_int_equal(session_put(0, 9, 0x0001), 0);
	assert_int_equal(tunnel->map->mask, 0);
	assert_int_equal(session_put(1, 9, 0x0001), -EEXIST);
	assert_int_equal(session_put(1, 9, 0x8001), 0);
	assert_int_equal(tunnel->map->mask, 65535);
	assert_int_equal(session_put(2, 9, 0x4001), 0);
	assert_int_equal(tunnel_session(tunnel, 0x0001), 0);
	assert_int_equal(tunnel_session(tunnel, 0x8001), 1);
	assert_int_equal(tunnel_session(tunnel, 0x4001), 2);
	assert_int_equal(tunnel_session(tunnel, 0x2001), SESSION_NONE);
	assert_int_equal(session_take(1), 0);
	assert_int_equal(tunnel_session(tunnel, 0x8001), SESSION_NONE);
	t.tunnel = 10;
	assert_int_equal(tunnel_add(bench.tables, &t), 0);
	tunnel = tunnel_find(bench.tables, 10);
	for (uint32_t i = 0; i < 100; i++)
		assert_int_equal(session_put(10 + i, 10, (uint16_t)(0x700 + i)), 0);
	assert_int_equal(tunnel->map->mask, 127);
	for (uint32_t i = 0; i < 100; i++)
		assert_int_equal(tunnel_session(tunnel, (uint16_t)(0x700 + i)), 10 + i);
}

static void refuses_bad_sessions(void **state)
{
	struct command_tunnel_add t = tunnel_command(9, 0, 0);
	struct command_session_set set = {.session = 4};

	assert_int_equal(session_put(4, 9, 1), -ENOENT);
	assert_int_equal(tunnel_add(bench.tables, &t), 0);
	assert_int_equal(session_put(TEST_SESSIONS, 9, 1), -ENOSPC);
	assert_int_equal(session_put(4, 9, 0), -EINVAL);
	assert_int_equal(session_put(4, 0, 1), -EINVAL);
	assert_int_equal(session_set(bench.tables, &set), -ENOENT);
	assert_int_equal(session_put(4, 9, 1), 0);
	assert_int_equal(session_put(4, 9, 2), -EEXIST);
	assert_int_equal(session_set(bench.tables, &set), 0);
	set.flags = 1U << 31;
	assert_int_equal(session_set(bench.tables, &set), -EINVAL);
	set.flags = SESSION_IP4_OPEN;
	assert_int_equal(session_set(bench.tables, &set), -EINVAL);
	set.ip4 = address_v4((const uint8_t[]){10, 0, 0, 1});
	set.mtu = 500;
	assert_int_equal(session_set(bench.tables, &set), -EINVAL);
	set.mtu = 1400;
	assert_int_equal(session_set(bench.tables, &set), 0);
	assert_int_equal(bench.tables->session[4].downlink.mtu, 1400);
	set.session = TEST_SESSIONS;
	assert_int_equal(session_set(bench.tables, &set), -ENOENT);
	assert_int_equal(session_take(TEST_SESSIONS), -ENOENT);
	assert_int_equal(session_take(4), 0);
	assert_int_equal(session_take(4), -ENOENT);
	assert_int_equal(session_put(4, 9, 1), 0);
}

static void clears_everything(void **state)
{
	for (uint16_t i = 1; i < 20; i++) {
		struct command_sa_add c = test_sa(i, ESP_CIPHER_AES_GCM_128, ESP_INTEGRITY_NONE);

		assert_int_equal(sa_add(bench.tables, &c), 0);
		test_session(i, i, c.peer, c.spi_in);
	}
	tables_clear(bench.tables);
	for (uint16_t i = 1; i < 20; i++) {
		assert_null(bench.tables->sa[i]);
		assert_null(tunnel_find(bench.tables, i));
		assert_false(session_live(bench.tables, i));
	}
	assert_int_equal(reclaim_poll(bench.tables), 0);
	for (uint16_t i = 1; i < 20; i++) {
		struct command_sa_add c = test_sa(i, ESP_CIPHER_AES_GCM_128, ESP_INTEGRITY_NONE);

		assert_int_equal(sa_add(bench.tables, &c), 0);
		test_session(i, i, c.peer, c.spi_in);
	}
}

static void spreads_the_sessions_of_a_lac(void **state)
{
	struct command_tunnel_add t = tunnel_command(9, 0, 0);
	unsigned owned[TEST_WORKERS + 1] = {0};

	bench.tables->workers = TEST_WORKERS;
	assert_int_equal(tunnel_add(bench.tables, &t), 0);
	for (uint32_t i = 0; i < 10; i++) {
		assert_int_equal(session_put(i, 9, (uint16_t)(i + 1)), 0);
		owned[bench.tables->session[i].uplink.owner]++;
	}
	assert_int_equal(owned[0], 0);
	assert_int_equal(owned[1], 5);
	assert_int_equal(owned[2], 5);
	// Where the ports give each session to one worker, that one claims it.
	bench.tables->ports_spread = true;
	assert_int_equal(session_put(10, 9, 11), 0);
	assert_int_equal(bench.tables->session[10].uplink.owner, 0);
}

// Workers say more than the ring holds: nothing is lost.
static void tells_everything_although_the_ring_was_full(void **state)
{
	struct command_sa_add c;
	struct message e;
	unsigned told = 0;

	for (uint32_t i = 0; i < TEST_SAS; i++) {
		c = test_sa(i, ESP_CIPHER_AES_GCM_128, ESP_INTEGRITY_NONE);
		assert_int_equal(sa_add(bench.tables, &c), 0);
	}
	for (unsigned i = 0; i < 2000; i++)
		sa_tell_unknown(bench.tables, &(struct sa_notice){.unknown_spi = 7});
	for (uint32_t i = 0; i < TEST_SAS; i++) {
		sa_tell(bench.tables, bench.tables->sa[i], SA_MOVED);
		sa_tell(bench.tables, bench.tables->sa[i], SA_MOVED | SA_EXHAUSTING);
	}
	while (sa_event_next(bench.tables, &e))
		told += e.type != EVENT_SA_UNKNOWN;
	assert_int_equal(told, 2 * TEST_SAS);
}

static void computes_the_mtu_of_a_session(void **state)
{
	static const struct {
		struct session_mtu m;
		uint16_t mtu;
	} table[] = {
		// port, outer IP, cipher, integrity, encapsulation, sequencing, flags, MRU, config
		{{1500, 4, 0, 0, 0, 0, 0, 0, 0}, 1462},
		{{1500, 4, 0, 0, 0, 1, 0, 0, 0}, 1458},
		{{1500, 6, 0, 0, 0, 0, 0, 0, 0}, 1442},
		{{1500, 4, 0, 0, 0, 0, SESSION_SEND_ACFC, 0, 0}, 1464},
		{{1500, 4, 0, 0, 0, 0, SESSION_SEND_ACFC | SESSION_SEND_PFC, 0, 0}, 1465},
		{{1500, 4, ESP_CIPHER_AES_GCM_128, 0, ESP_PLAIN, 0, 0, 0, 0}, 1428},
		{{1500, 4, ESP_CIPHER_AES_GCM_128, 0, ESP_UDP, 0, 0, 0, 0}, 1420},
		{{1500, 4, ESP_CIPHER_AES_CBC_128, 1, ESP_PLAIN, 0, 0, 0, 0}, 1420},
		{{1500, 4, ESP_CIPHER_AES_CBC_256, 1, ESP_UDP, 0, 0, 0, 0}, 1404},
		{{1500, 4, ESP_CIPHER_AES_CBC_256, 2, ESP_UDP, 0, 0, 0, 0}, 1404},
		{{1500, 4, ESP_CIPHER_AES_CBC_256, 4, ESP_UDP, 0, 0, 0, 0}, 1388},
		{{1500, 4, ESP_CIPHER_AES_CBC_256, 1, ESP_UDP, 0, 0, 1400, 0}, 1400},
		{{1500, 4, ESP_CIPHER_AES_CBC_256, 1, ESP_UDP, 0, 0, 1500, 1300}, 1300},
		{{9000, 4, 0, 0, 0, 0, 0, 1500, 0}, 1500},
		{{576, 4, ESP_CIPHER_AES_CBC_256, 1, ESP_UDP, 0, 0, 0, 0}, LIMIT_MTU_MIN},
	};

	for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		assert_int_equal(session_mtu_compute(&table[i].m), table[i].mtu);
}

static void follows_the_sa_with_the_mtu(void **state)
{
	struct command_sa_add gcm = test_sa(1, ESP_CIPHER_AES_GCM_128, ESP_INTEGRITY_NONE);
	struct command_sa_add cbc = test_sa(2, ESP_CIPHER_AES_CBC_256, ESP_INTEGRITY_HMAC_SHA1_96);

	cbc.peer = gcm.peer;
	assert_int_equal(sa_add(bench.tables, &gcm), 0);
	assert_int_equal(sa_add(bench.tables, &cbc), 0);
	test_session(3, 3, gcm.peer, gcm.spi_in);
	assert_int_equal(bench.tables->session[3].downlink.mtu, 1428);
	assert_int_equal(tunnel_set_sa(bench.tables,
				 &(struct command_tunnel_set_sa){.tunnel = 3, .sa = cbc.spi_in}),
		0);
	assert_int_equal(bench.tables->session[3].downlink.mtu, 1420);
	assert_int_equal(bench.tables->session[3].uplink.mtu, 1420);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(refuses_bad_sas),
		TEST(deletes_an_sa_only_when_no_tunnel_sends_through_it),
		TEST(frees_after_a_quiescent_state_only),
		TEST(grows_the_map_until_ids_are_distinct),
		TEST(refuses_bad_sessions),
		TEST(clears_everything),
		TEST(spreads_the_sessions_of_a_lac),
		TEST(tells_everything_although_the_ring_was_full),
		TEST(computes_the_mtu_of_a_session),
		TEST(follows_the_sa_with_the_mtu),
	};

	return cmocka_run_group_tests(tests, test_start, test_stop);
}

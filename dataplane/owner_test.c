// SPDX-License-Identifier: Apache-2.0

// Two workers, and the packets of some ESP and some plain L2TP sessions sprayed over them at
// random: each packet comes out once, at the worker that owns its session, and the counters are
// exact. Then all flows arrive at one worker only, and the claims move there.

#include "dataplane/test_support.h"

#include "contract/build.h"
#include "contract/ids.h"

#include "dataplane/sa.h"
#include "dataplane/session.h"
#include "dataplane/stage.h"
#include "dataplane/tunnel.h"

#include <rte_ip.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { CLIENTS = 8, ROUNDS = 400, BURST_SIZE = 16 };

static uint32_t random_state = 1;

static uint32_t random_next(void)
{
	random_state = random_state * 1664525 + 1013904223;
	return random_state >> 8;
}

// Half of the clients have IPsec. The other ends of their SAs stand behind ours in the table.
static struct command_sa_add far_end(uint32_t client)
{
	struct command_sa_add c =
		test_sa(client, client % 4 ? ESP_CIPHER_AES_CBC_128 : ESP_CIPHER_AES_GCM_128,
			client % 4 ? ESP_INTEGRITY_HMAC_SHA1_96 : ESP_INTEGRITY_NONE);

	return test_sa_mirror(&c, id_make(100 + client, 5));
}

static void client_add(uint32_t client)
{
	struct command_sa_add c = far_end(client), ours;

	if (client % 2) {
		test_session((uint16_t)(client + 1), client, 0, 0);
		return;
	}
	ours = test_sa_mirror(&c, id_make(client, 5));
	ours.peer = id_make(client, 9);
	ours.window = 4096;
	c.spi_out = ours.spi_in;
	assert_int_equal(sa_add(bench.tables, &ours), 0);
	assert_int_equal(sa_add(bench.tables, &c), 0);
	test_session((uint16_t)(client + 1), client, ours.peer, ours.spi_in);
}

// L2TP data message of the client with an IPv4 packet in it.
static struct rte_mbuf *message(uint32_t client)
{
	uint8_t bytes[64],
		ip[20] = {0x45, 0, 0, 20, 0, 1, 0, 0, 64, 17, 0, 0, 10, 0, 0, 0, 8, 8, 8, 8};
	struct build b = build_in(bytes, sizeof(bytes));
	struct rte_mbuf *m;
	uint16_t sum;

	ip[15] = (uint8_t)(client + 2);
	sum = (uint16_t)~rte_raw_cksum(ip, sizeof(ip));
	memcpy(ip + 10, &sum, 2);
	build_u16(&b, 2);
	build_u16(&b, (uint16_t)(client + 1));
	build_u16(&b, (uint16_t)(client + 1));
	build_u32(&b, 0xff030021);
	build_bytes(&b, ip, sizeof(ip));
	m = test_packet(bytes, build_length(&b));
	memcpy(&meta_of(m)->local, (const uint8_t[]){192, 0, 2, 1}, 4);
	memcpy(&meta_of(m)->remote, (const uint8_t[]){198, 51, 100, 7}, 4);
	meta_of(m)->local_port = PORT_L2TP;
	meta_of(m)->remote_port = PORT_L2TP;
	return m;
}

// The same as it comes in: sealed by the client when it has IPsec.
static struct rte_mbuf *arrival(uint32_t client)
{
	static const uint8_t ports[] = {0x06, 0xa5, 0x06, 0xa5};
	struct rte_mbuf *m = message(client);
	uint32_t local = meta_of(m)->local, remote = meta_of(m)->remote;
	uint8_t *udp;

	if (client % 2)
		return m;
	udp = (uint8_t *)rte_pktmbuf_prepend(m, 8);
	memcpy(udp, ports, 4);
	udp[4] = 0;
	udp[5] = (uint8_t)m->data_len;
	meta_of(m)->sa = bench.tables->sa[100 + client];
	meta_of(m)->protocol = 17;
	assert_int_equal(esp_out(&bench.workers[0], &m, 1), 1);
	memset(meta_of(m), 0, sizeof(struct meta));
	meta_of(m)->local = local;
	meta_of(m)->remote = remote;
	return m;
}

struct outcome {
	uint64_t out[TEST_WORKERS][CLIENTS];
	uint64_t handed;
};

static void inner_run(struct worker *w, struct rte_mbuf **m, uint16_t n, struct outcome *o)
{
	struct rte_mbuf *answers[BURST];
	uint16_t answer_count = 0;

	n = l2tp_in(w, m, n);
	n = ppp_in(w, m, n, answers, &answer_count);
	n = subscriber_in(w, m, n);
	for (uint16_t i = 0; i < n; i++) {
		o->out[w->index][meta_of(m[i])->session]++;
		rte_pktmbuf_free(m[i]);
	}
}

// What was handed over arrives, until nothing is on its way.
static void handovers_run(struct outcome *o)
{
	while (bench.record.handed) {
		struct test_handover list[TEST_RECORDS];
		unsigned n = bench.record.handed;

		assert_true(n <= TEST_RECORDS);
		memcpy(list, bench.record.handovers, sizeof(list));
		memset(bench.record.handovers, 0, sizeof(bench.record.handovers));
		bench.record.handed = 0;
		o->handed += n;
		for (unsigned i = 0; i < n; i++) {
			struct worker *w = &bench.workers[list[i].owner - 1];
			uint16_t left = 1;

			if (list[i].stage == HANDOVER_ESP_IN)
				left = test_esp_in(w, &list[i].m, 1);
			if (left)
				inner_run(w, &list[i].m, 1, o);
		}
	}
}

static void burst_run(struct worker *w, struct outcome *o)
{
	struct rte_mbuf *esp[BURST], *clear[BURST];
	uint16_t esp_count = 0, clear_count = 0;

	for (unsigned i = 0; i < BURST_SIZE; i++) {
		uint32_t client = random_next() % CLIENTS;

		if (client % 2)
			clear[clear_count++] = arrival(client);
		else
			esp[esp_count++] = arrival(client);
	}
	esp_count = test_esp_in(w, esp, esp_count);
	inner_run(w, esp, esp_count, o);
	inner_run(w, clear, clear_count, o);
	handovers_run(o);
}

static void sprays_over_two_workers(void **state)
{
	struct outcome o = {0};
	uint64_t sum = 0;

	bench.tables->workers = TEST_WORKERS;
	for (uint32_t i = 0; i < CLIENTS; i++)
		client_add(i);
	for (unsigned r = 0; r < ROUNDS; r++)
		burst_run(&bench.workers[random_next() % TEST_WORKERS], &o);
	assert_int_equal(bench.record.dropped, 0);
	for (uint32_t i = 0; i < CLIENTS; i++) {
		uint64_t all = o.out[0][i] + o.out[1][i];

		assert_int_equal(bench.workers[0].session_stats[i].uplink.packets, all);
		if (i % 2 == 0)
			assert_int_equal(bench.workers[0].sa_stats[i].in_packets, all);
		else // of a tunnel without IPsec: chosen, at one worker for ever
			assert_true(o.out[i % TEST_WORKERS][i] == all);
		sum += all;
	}
	assert_int_equal(sum, ROUNDS * BURST_SIZE);
	assert_true(o.handed > sum / 4);
}

static void claims_follow_the_flows(void **state)
{
	struct outcome o = {0};

	for (uint32_t i = 0; i < CLIENTS; i++)
		client_add(i);
	for (unsigned r = 0; r < ROUNDS; r++)
		burst_run(&bench.workers[r % TEST_WORKERS], &o);
	for (unsigned r = 0; r < ROUNDS; r++)
		burst_run(&bench.workers[1], &o);
	for (uint32_t i = 0; i < CLIENTS; i += 2) {
		assert_int_equal(bench.tables->sa[i]->owner, 2);
		assert_int_equal(bench.tables->session[i].uplink.owner, 2);
	}
	assert_int_equal(bench.record.dropped, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(sprays_over_two_workers),
		TEST(claims_follow_the_flows),
	};

	return cmocka_run_group_tests(tests, test_start, test_stop);
}

// SPDX-License-Identifier: Apache-2.0

// See test_support.h.

#include "dataplane/test_support.h"

#include "contract/ids.h"

#include "dataplane/large.h"
#include "dataplane/reorder.h"
#include "dataplane/route.h"
#include "dataplane/shaper.h"
#include "dataplane/stage.h"

#include <errno.h>
#include <intel-ipsec-mb.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_malloc.h>
#include <rte_rcu_qsbr.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { POOL = 1023, ROOM = 2048 + RTE_PKTMBUF_HEADROOM };

struct test_bench bench;

static struct stats_sa sa_stats[TEST_SAS];
static struct stats_session session_stats[TEST_SESSIONS];
static struct stats_group group_stats[TEST_WORKERS][LIMIT_GROUPS];
static struct stats_worker worker_stats[TEST_WORKERS];

// ---- what worker.c does, recorded

void packet_lost(struct worker *w, enum drop reason)
{
	assert_true(reason < DROP_COUNT);
	bench.record.drops[reason]++;
	bench.record.dropped++;
	w->stats->drops[reason]++;
}

void packet_drop(struct worker *w, struct rte_mbuf *m, enum drop reason)
{
	assert_true(reason < DROP_COUNT);
	bench.record.drops[reason]++;
	bench.record.dropped++;
	w->stats->drops[reason]++;
	rte_pktmbuf_free(m);
}

void packets_drop(struct worker *w, struct rte_mbuf **m, uint16_t count, enum drop reason)
{
	for (uint16_t i = 0; i < count; i++)
		packet_drop(w, m[i], reason);
}

void packet_punt(struct worker *w, struct rte_mbuf *m, enum packet_kind kind)
{
	unsigned i = bench.record.punted++ % TEST_RECORDS;

	if (bench.record.punts[i])
		rte_pktmbuf_free(bench.record.punts[i]);
	w->stats->punted++;
	bench.record.punts[i] = m;
	bench.record.kinds[i] = kind;
}

struct rte_mbuf *packet_new(struct worker *w)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(w->pool);

	if (m)
		memset(meta_of(m), 0, sizeof(struct meta));
	return m;
}

struct rte_mbuf *packet_create(struct worker *w)
{
	struct rte_mbuf *m = packet_new(w);

	if (!m)
		return NULL;
	bench.record.created++;
	w->stats->created++;
	return m;
}

bool worker_owns(struct worker *w, uint16_t *owner)
{
	uint16_t mine = w->index + 1, none = 0;

	if (__atomic_load_n(owner, __ATOMIC_ACQUIRE) == mine)
		return true;
	return __atomic_compare_exchange_n(
		owner, &none, mine, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

void worker_handover(
	struct worker *w, struct rte_mbuf *m, uint16_t owner, enum handover_stage stage)
{
	unsigned i = bench.record.handed++ % TEST_RECORDS;

	w->stats->given++;
	meta_of(m)->stage = stage;
	if (bench.record.handovers[i].m)
		rte_pktmbuf_free(bench.record.handovers[i].m);
	bench.record.handovers[i] = (struct test_handover){.m = m, .owner = owner, .stage = stage};
}

// Only that one address is routed to anybody, whatever its version.
bool routes_lead_to(const struct routes *r, uint32_t session, const uint8_t *source, bool six)
{
	size_t length = six ? 16 : 4;

	return bench.behind.version == (six ? IP_V6 : IP_V4) && bench.behind_session == session &&
	       memcmp(bench.behind.bytes, source, length) == 0;
}

// ---- the bench

static void workers_create(void)
{
	static struct IMB_MGR *wide, *single;

	if (!wide) {
		wide = alloc_mb_mgr(0);
		single = alloc_mb_mgr(0);
		assert_non_null(wide);
		assert_non_null(single);
		init_mb_mgr_auto(wide, NULL);
		init_mb_mgr_sse(single);
	}
	for (uint16_t i = 0; i < TEST_WORKERS; i++) {
		shaper_destroy(bench.workers[i].shaper);
		reorder_destroy(bench.workers[i].reorder);
		bench.workers[i] = (struct worker){
			.index = i,
			.workers = TEST_WORKERS,
			.icmp_source = 0x010110ac, // 172.16.1.1
			.ppp_local = 0x0100000a,   // 10.0.0.1
			.icmp_source6 = {0x20, 1, 0xd, 0xb8, [15] = 1},
			.stats = &worker_stats[i],
			.session_stats = session_stats,
			.group_stats = group_stats[i],
			.sa_stats = sa_stats,
			.pool = bench.pool,
			.large = bench.large,
			.reorder = reorder_create(bench.pool, 1),
			.shaper = shaper_create(bench.pool, 1, TEST_SESSIONS, 1),
			.mgr = wide,
			.mgr_single = single,
			.now = UINT64_C(1000000000),
		};
	}
}

static void qsbr_create(void)
{
	size_t size = rte_rcu_qsbr_get_memsize(TEST_WORKERS);

	bench.qsbr = aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_ALIGN_CEIL(size, RTE_CACHE_LINE_SIZE));
	assert_non_null(bench.qsbr);
	assert_int_equal(rte_rcu_qsbr_init(bench.qsbr, TEST_WORKERS), 0);
}

int test_start(void **state)
{
	char *arguments[] = {"test", "--no-huge", "--no-pci", "--no-shconf", "-m", "64",
		"--no-telemetry", "-l", "0", "--log-level=error", NULL};

	if (rte_eal_init((int)RTE_DIM(arguments) - 1, arguments) < 0)
		return -1;
	bench.pool = rte_pktmbuf_pool_create("test", POOL, 0, META_SIZE, ROOM, SOCKET_ID_ANY);
	bench.large = large_pool_create(TEST_WORKERS);
	if (!bench.pool || !bench.large)
		return -1;
	qsbr_create();
	return 0;
}

int test_stop(void **state)
{
	test_forget();
	tables_destroy(bench.tables);
	bench.tables = NULL;
	free(bench.qsbr);
	return rte_eal_cleanup();
}

void test_forget(void)
{
	for (unsigned i = 0; i < TEST_RECORDS; i++) {
		rte_pktmbuf_free(bench.record.punts[i]);
		rte_pktmbuf_free(bench.record.handovers[i].m);
	}
	bench.record = (struct test_record){0};
}

int test_reset(void **state)
{
	test_forget();
	memset(&bench.behind, 0, sizeof(bench.behind));
	workers_create();
	tables_destroy(bench.tables);
	memset(session_stats, 0, sizeof(session_stats));
	memset(group_stats, 0, sizeof(group_stats));
	memset(worker_stats, 0, sizeof(worker_stats));
	bench.tables = tables_create(
		TEST_SAS, TEST_SESSIONS, sa_stats, session_stats, bench.workers[0].mgr, bench.qsbr);
	if (!bench.tables)
		return -1;
	for (unsigned i = 0; i < TEST_WORKERS; i++)
		bench.workers[i].tables = bench.tables;
	return 0;
}

int test_check(void **state)
{
	test_forget();
	return test_packets_out() ? -1 : 0;
}

struct rte_mbuf *test_packet(const void *bytes, size_t length)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(bench.pool);
	char *room;

	assert_non_null(m);
	memset(meta_of(m), 0, sizeof(struct meta));
	room = rte_pktmbuf_append(m, (uint16_t)length);
	assert_non_null(room);
	memcpy(room, bytes, length);
	return m;
}

struct rte_mbuf *test_large(const void *bytes, size_t length)
{
	struct rte_mbuf *like = test_packet("", 0), *m = large_get(&bench.workers[0], like);
	char *room = m ? rte_pktmbuf_append(m, (uint16_t)length) : NULL;

	assert_non_null(room);
	memcpy(room, bytes, length);
	rte_pktmbuf_free(like);
	return m;
}

unsigned test_packets_out(void)
{
	return rte_mempool_in_use_count(bench.pool) + rte_mempool_in_use_count(bench.large);
}

uint16_t test_esp_in(struct worker *w, struct rte_mbuf **m, uint16_t count)
{
	struct rte_mbuf *inner[BURST];
	uint16_t inner_count = 0, out = esp_in(w, m, count, inner, &inner_count);

	assert_int_equal(inner_count, 0);
	return out;
}

static void key_fill(uint8_t *key, size_t length, uint8_t seed)
{
	for (size_t i = 0; i < length; i++)
		key[i] = (uint8_t)(seed + 7 * i + (i * i >> 3));
}

struct command_sa_add test_sa(uint32_t index, uint8_t cipher, uint8_t integrity)
{
	struct command_sa_add c = {
		.spi_in = id_make(index, 5),
		.spi_out = 0x1000 + index,
		.peer = id_make(index, 9),
		.cipher = cipher,
		.integrity = integrity,
		.window = 64,
		.local = address_v4((const uint8_t[]){192, 0, 2, 1}),
		.remote = address_v4((const uint8_t[]){198, 51, 100, 7}),
	};

	key_fill(c.cipher_key_in, sizeof(c.cipher_key_in), (uint8_t)(index + 1));
	key_fill(c.cipher_key_out, sizeof(c.cipher_key_out), (uint8_t)(index + 2));
	key_fill(c.integrity_key_in, sizeof(c.integrity_key_in), (uint8_t)(index + 3));
	key_fill(c.integrity_key_out, sizeof(c.integrity_key_out), (uint8_t)(index + 4));
	return c;
}

struct command_sa_add test_sa_mirror(const struct command_sa_add *c, uint32_t spi_in)
{
	struct command_sa_add m = *c;

	m.spi_in = spi_in;
	m.spi_out = c->spi_in;
	m.local = c->remote;
	m.remote = c->local;
	m.local_port = c->remote_port;
	m.remote_port = c->local_port;
	memcpy(m.cipher_key_in, c->cipher_key_out, sizeof(m.cipher_key_in));
	memcpy(m.cipher_key_out, c->cipher_key_in, sizeof(m.cipher_key_out));
	memcpy(m.integrity_key_in, c->integrity_key_out, sizeof(m.integrity_key_in));
	memcpy(m.integrity_key_out, c->integrity_key_in, sizeof(m.integrity_key_out));
	return m;
}

void test_session(uint16_t tunnel, uint32_t session, uint32_t peer, uint32_t spi)
{
	struct command_tunnel_add t = {
		.tunnel = tunnel,
		.peer_tunnel = tunnel + 1000,
		.peer = peer,
		.sa = spi,
		.local_port = PORT_L2TP,
		.remote_port = PORT_L2TP,
		.local = address_v4((const uint8_t[]){192, 0, 2, 1}),
		.remote = address_v4((const uint8_t[]){198, 51, 100, 7}),
	};
	struct command_session_add s = {
		.session = session,
		.tunnel = tunnel,
		.session_id = (uint16_t)(session + 1),
		.peer_session = (uint16_t)(session + 2000),
	};
	struct command_session_set set = {
		.session = session,
		.flags = SESSION_IP4_OPEN | SESSION_LCP_OPEN,
		.magic = 0x11223344,
		.ip4 = address_v4((const uint8_t[]){10, 0, 0, (uint8_t)(session + 2)}),
	};
	int error = tunnel_add(bench.tables, &t);

	assert_true(error == 0 || error == -EEXIST);
	assert_int_equal(session_add(bench.tables, &s), 0);
	assert_int_equal(session_set(bench.tables, &set), 0);
}

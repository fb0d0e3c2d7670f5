// SPDX-License-Identifier: Apache-2.0
#pragma once

// What unit tests of stages stand on: an EAL without hugepages, a pool, fake workers on one set of
// tables, and recording versions of what worker.c does with packets. For tests only.

#include "dataplane/meta.h"
#include "dataplane/table.h"
#include "dataplane/worker.h"

#include <stddef.h>
#include <stdint.h>

enum { TEST_SAS = 256, TEST_SESSIONS = 256, TEST_WORKERS = 2, TEST_RECORDS = 64 };

struct test_handover {
	struct rte_mbuf *m;
	uint16_t owner; // worker index plus 1
	enum handover_stage stage;
};

// What the fakes saw since test_forget.
struct test_record {
	uint64_t drops[DROP_COUNT];
	unsigned dropped;
	unsigned created;
	unsigned punted;
	struct rte_mbuf *punts[TEST_RECORDS]; // kept, so that a test can look at them
	enum packet_kind kinds[TEST_RECORDS];
	unsigned handed;
	struct test_handover handovers[TEST_RECORDS];
};

struct test_bench {
	struct worker workers[TEST_WORKERS];
	struct tables *tables;
	struct rte_mempool *pool;
	struct rte_mempool *large;
	struct rte_rcu_qsbr *qsbr;
	struct test_record record;
	struct ip_address behind; // the only source that routes_lead_to knows, of this session
	uint32_t behind_session;
};

extern struct test_bench bench;

// Group setup and teardown of cmocka.
int test_start(void **state);
int test_stop(void **state);
// Before each test: empty tables, nothing recorded.
int test_reset(void **state);
// After each test: no packet is left anywhere.
int test_check(void **state);
void test_forget(void);

// A test with both around it; for files that include cmocka.h.
#define TEST(name) cmocka_unit_test_setup_teardown(name, test_reset, test_check)

// A packet with these bytes at the default headroom.
struct rte_mbuf *test_packet(const void *bytes, size_t length);
// The same in a large buffer (large.h).
struct rte_mbuf *test_large(const void *bytes, size_t length);
// Packets that are neither free nor recorded as punted or handed over: leaks, when a test is done.
unsigned test_packets_out(void);

// esp_in for packets of which none comes in tunnel mode.
uint16_t test_esp_in(struct worker *w, struct rte_mbuf **m, uint16_t count);

// An SA pair of index with that transform: keys are made of seed, so two pairs with swapped seeds
// can talk to each other. Returns spi_in.
struct command_sa_add test_sa(uint32_t index, uint8_t cipher, uint8_t integrity);
// Swaps directions: what the other side would add. spi_in and spi_out are swapped as they are.
struct command_sa_add test_sa_mirror(const struct command_sa_add *c, uint32_t spi_in);
// A tunnel and one session in it; spi 0 = without IPsec.
void test_session(uint16_t tunnel, uint32_t session, uint32_t peer, uint32_t spi);

// SPDX-License-Identifier: Apache-2.0

// The table of RFC 6040 figure 4, on the function and on packets of a subscriber.

#include "dataplane/ecn.h"

#include "dataplane/stage.h"
#include "dataplane/test_support.h"

#include <rte_ip.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct worker *const w0 = &bench.workers[0];

enum { SESSION = 3, DSCP = 0xb8, OTHER_DSCP = 0x28 };

static const struct {
	enum ecn inner, outer, becomes;
} cases[] = {
	{ECN_NONE, ECN_NONE, ECN_NONE},
	{ECN_NONE, ECN_ECT0, ECN_NONE},
	{ECN_NONE, ECN_ECT1, ECN_NONE},
	{ECN_NONE, ECN_CE, ECN_DROP},
	{ECN_ECT0, ECN_NONE, ECN_ECT0},
	{ECN_ECT0, ECN_ECT0, ECN_ECT0},
	{ECN_ECT0, ECN_ECT1, ECN_ECT1},
	{ECN_ECT0, ECN_CE, ECN_CE},
	{ECN_ECT1, ECN_NONE, ECN_ECT1},
	{ECN_ECT1, ECN_ECT0, ECN_ECT1},
	{ECN_ECT1, ECN_ECT1, ECN_ECT1},
	{ECN_ECT1, ECN_CE, ECN_CE},
	{ECN_CE, ECN_NONE, ECN_CE},
	{ECN_CE, ECN_ECT0, ECN_CE},
	{ECN_CE, ECN_ECT1, ECN_CE},
	{ECN_CE, ECN_CE, ECN_CE},
};

static void table(void **state)
{
	for (unsigned i = 0; i < RTE_DIM(cases); i++)
		assert_int_equal(ecn_decapsulate((uint8_t)(DSCP | cases[i].inner),
					 (uint8_t)(OTHER_DSCP | cases[i].outer)),
			cases[i].becomes);
}

static struct rte_mbuf *inner(uint8_t tos, uint8_t outer)
{
	uint8_t ip[40] = {
		0x45, tos, 0, 40, 0, 1, 0, 0, 64, 17, 0, 0, 10, 0, 0, SESSION + 2, 203, 0, 113, 9};
	uint16_t sum = (uint16_t)~rte_raw_cksum(ip, 20);
	struct rte_mbuf *m;

	memcpy(ip + 10, &sum, 2);
	m = test_packet(ip, sizeof(ip));
	meta_of(m)->session = SESSION;
	meta_of(m)->tos = outer;
	return m;
}

static void inbound(void **state)
{
	test_session(7, SESSION, 0, 0);
	for (unsigned i = 0; i < RTE_DIM(cases); i++) {
		struct rte_mbuf *m = inner(
			(uint8_t)(DSCP | cases[i].inner), (uint8_t)(OTHER_DSCP | cases[i].outer));
		uint16_t n = subscriber_in(w0, &m, 1);
		const uint8_t *ip;

		assert_int_equal(n, cases[i].becomes != ECN_DROP);
		if (n == 0)
			continue;
		ip = rte_pktmbuf_mtod(m, const uint8_t *);
		assert_int_equal(ip[1], DSCP | cases[i].becomes);
		assert_int_equal(rte_raw_cksum(ip, 20), 0xffff);
		rte_pktmbuf_free(m);
	}
	assert_int_equal(bench.record.drops[DROP_ECN_CONGESTION], 1);
	assert_int_equal(bench.record.dropped, 1);
}

static void outbound(void **state)
{
	test_session(7, SESSION, 0, 0);
	for (unsigned ecn = 0; ecn < 4; ecn++) {
		struct rte_mbuf *m = inner((uint8_t)(DSCP | ecn), 0);

		assert_int_equal(ppp_out(w0, &m, 1), 1);
		assert_int_equal(meta_of(m)->tos, DSCP);
		assert_int_equal(rte_pktmbuf_mtod(m, const uint8_t *)[4 + 1], DSCP | ecn);
		rte_pktmbuf_free(m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(table),
		TEST(inbound),
		TEST(outbound),
	};

	return cmocka_run_group_tests(tests, test_start, test_stop);
}

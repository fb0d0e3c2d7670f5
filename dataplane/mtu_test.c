// SPDX-License-Identifier: Apache-2.0

// What becomes of packets that are too big, and that the computed MTU is exactly what the headers
// leave: the largest inner packet fills the outer MTU, the next one does not fit.

#include "dataplane/test_support.h"

#include "contract/ids.h"

#include "dataplane/fragment.h"
#include "dataplane/mss.h"
#include "dataplane/sa.h"
#include "dataplane/session.h"
#include "dataplane/stage.h"

#include <rte_ip.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { TUNNEL = 5, SESSION = 3 };

static struct worker *w0 = &bench.workers[0];

static void checksum_set(uint8_t *ip)
{
	uint16_t sum;

	ip[10] = ip[11] = 0;
	sum = (uint16_t)~rte_raw_cksum(ip, (ip[0] & 0xf) * 4U);
	memcpy(ip + 10, &sum, 2);
}

// UDP from 203.0.113.9 to the subscriber, total bytes, with so many bytes of options.
static struct rte_mbuf *inner(
	size_t total, uint16_t fragment, const uint8_t *options, uint8_t option_length)
{
	uint8_t ip[4096] = {
		0x45, 0, 0, 0, 0x12, 0x34, 0, 0, 64, 17, 0, 0, 203, 0, 113, 9, 10, 0, 0, 5};
	size_t header = 20U + option_length;
	struct rte_mbuf *m;

	ip[0] = (uint8_t)(0x40 | header / 4);
	ip[2] = (uint8_t)(total >> 8);
	ip[3] = (uint8_t)total;
	ip[6] = fragment >> 8;
	ip[7] = fragment & 0xff;
	if (option_length)
		memcpy(ip + 20, options, option_length);
	checksum_set(ip);
	for (size_t i = header; i < total; i++)
		ip[i] = (uint8_t)(i - header);
	m = test_packet(ip, total);
	meta_of(m)->session = SESSION;
	return m;
}

// What came out of the stage is in m then.
static uint16_t fit(
	struct rte_mbuf **m, uint16_t count, struct rte_mbuf **errors, uint16_t *error_count)
{
	struct fitting f;

	assert_int_equal(mtu(w0, m, count, &f, errors, error_count), count);
	assert_in_range(f.count, 0, BURST);
	memcpy(m, f.m, f.count * sizeof(*m));
	return f.count;
}

static void passes_what_fits(void **state)
{
	struct rte_mbuf *m[BURST] = {NULL}, *errors[BURST];
	uint16_t error_count = 0;

	test_session(TUNNEL, SESSION, 0, 0);
	m[0] = inner(1462, RTE_IPV4_HDR_DF_FLAG, NULL, 0);
	m[1] = inner(1462, 0, NULL, 0);
	assert_int_equal(fit(m, 2, errors, &error_count), 2);
	assert_int_equal(error_count, 0);
	rte_pktmbuf_free(m[0]);
	rte_pktmbuf_free(m[1]);
}

static void tells_the_sender(void **state)
{
	struct rte_mbuf *m[BURST] = {NULL}, *errors[BURST];
	uint16_t error_count = 0;
	const uint8_t *ip;

	test_session(TUNNEL, SESSION, 0, 0);
	m[0] = inner(1463, RTE_IPV4_HDR_DF_FLAG, NULL, 0);
	assert_int_equal(fit(m, 1, errors, &error_count), 0);
	assert_int_equal(bench.record.drops[DROP_MTU_EXCEEDED], 1);
	assert_int_equal(error_count, 1);
	ip = rte_pktmbuf_mtod(errors[0], const uint8_t *);
	assert_int_equal(errors[0]->data_len, 576);
	assert_int_equal(rte_raw_cksum(ip, 20), 0xffff);
	assert_int_equal(rte_raw_cksum(ip + 20, 556), 0xffff);
	assert_memory_equal(ip + 12, &w0->icmp_source, 4);
	assert_memory_equal(ip + 16, ((const uint8_t[]){203, 0, 113, 9}), 4);
	assert_int_equal(ip[20], 3);
	assert_int_equal(ip[21], 4);
	assert_int_equal(ip[26] << 8 | ip[27], 1462);
	assert_int_equal(ip[28], 0x45);
	assert_int_equal(meta_of(errors[0])->session, SESSION_NONE);
	rte_pktmbuf_free(errors[0]);
}

static struct rte_mbuf *error_about(struct rte_mbuf *m, uint32_t source)
{
	struct rte_mbuf *e = icmp_error(w0, m, 3, 4, 1400, source);

	rte_pktmbuf_free(m);
	return e;
}

static void keeps_quiet_where_no_error_is_due(void **state)
{
	static const uint8_t sources[][4] = {
		{0, 0, 0, 0}, {127, 0, 0, 1}, {224, 0, 0, 1}, {255, 255, 255, 255}};
	struct rte_mbuf *m;

	for (unsigned i = 0; i < 4; i++) {
		for (unsigned at = 12; at <= 16; at += 4) {
			m = inner(100, 0, NULL, 0);
			memcpy(rte_pktmbuf_mtod(m, uint8_t *) + at, sources[i], 4);
			assert_null(error_about(m, w0->icmp_source));
		}
	}
	assert_null(error_about(inner(100, 5, NULL, 0), w0->icmp_source));
	assert_null(error_about(inner(100, 0, NULL, 0), 0));
	for (unsigned type = 0; type < 256; type++) {
		bool is_error = type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
		struct rte_mbuf *e;

		w0->now += 1000 * 1000 * 1000;
		m = inner(100, 0, NULL, 0);
		rte_pktmbuf_mtod(m, uint8_t *)[9] = 1;
		rte_pktmbuf_mtod(m, uint8_t *)[20] = (uint8_t)type;
		e = error_about(m, w0->icmp_source);
		assert_int_equal(e == NULL, is_error);
		rte_pktmbuf_free(e);
	}
	for (uint16_t cut = 1; cut <= 40; cut++) {
		m = inner(40, 0, NULL, 0);
		rte_pktmbuf_trim(m, cut);
		rte_pktmbuf_free(error_about(m, w0->icmp_source));
	}
}

static void limits_the_rate_of_errors(void **state)
{
	unsigned sent = 0;

	for (unsigned i = 0; i < 500; i++) {
		struct rte_mbuf *e = error_about(inner(100, 0, NULL, 0), w0->icmp_source);

		sent += e != NULL;
		rte_pktmbuf_free(e);
	}
	assert_int_equal(sent, 100);
	w0->now += 10 * 1000 * 1000;
	for (unsigned i = 0; i < 500; i++) {
		struct rte_mbuf *e = error_about(inner(100, 0, NULL, 0), w0->icmp_source);

		sent += e != NULL;
		rte_pktmbuf_free(e);
	}
	assert_int_equal(sent, 110);
}

// Puts fragments together again and compares with what inner() made.
static void reassembled_check(
	struct rte_mbuf **m, uint16_t n, size_t payload, uint16_t offset, bool more, uint16_t most)
{
	size_t at = 0;

	for (uint16_t i = 0; i < n; i++) {
		const uint8_t *ip = rte_pktmbuf_mtod(m[i], const uint8_t *);
		size_t header = (ip[0] & 0xf) * 4U, size = m[i]->data_len - header;
		uint16_t fragment = (uint16_t)(ip[6] << 8 | ip[7]);

		assert_true(m[i]->pkt_len <= most);
		assert_int_equal(ip[2] << 8 | ip[3], m[i]->data_len);
		assert_int_equal(rte_raw_cksum(ip, header), 0xffff);
		assert_int_equal((fragment & 0x1fff) * 8, offset * 8 + at);
		assert_int_equal(!!(fragment & RTE_IPV4_HDR_MF_FLAG), i + 1 < n || more);
		assert_memory_equal(ip + 4, "\x12\x34", 2);
		assert_int_equal(meta_of(m[i])->session, SESSION);
		for (size_t k = 0; k < size; k++)
			assert_int_equal(ip[header + k], (uint8_t)(at + k));
		at += size;
		rte_pktmbuf_free(m[i]);
	}
	assert_int_equal(at, payload);
}

static void cuts_into_fragments(void **state)
{
	static const uint8_t options[12] = {1, 0x83, 7, 4, 1, 2, 3, 4, 0x44, 4, 5, 0};
	struct rte_mbuf *m[BURST] = {NULL}, *errors[BURST];
	uint16_t error_count = 0;

	test_session(TUNNEL, SESSION, 0, 0);
	for (size_t total = 1463; total < 2048; total += 13) {
		uint16_t n;

		m[0] = inner(total, 0, NULL, 0);
		n = fit(m, 1, errors, &error_count);
		assert_int_equal(n, 2);
		reassembled_check(m, n, total - 20, 0, false, 1462);
	}
	// A fragment, with options, is cut again.
	m[0] = inner(1600, RTE_IPV4_HDR_MF_FLAG | 185, options, sizeof(options));
	m[1] = inner(60, 0, NULL, 0);
	assert_int_equal(fit(m, 2, errors, &error_count), 3);
	assert_int_equal(rte_pktmbuf_mtod(m[0], uint8_t *)[0], 0x48);
	assert_int_equal(rte_pktmbuf_mtod(m[1], uint8_t *)[0], 0x47); // only the copied option
	assert_memory_equal(
		rte_pktmbuf_mtod(m[1], uint8_t *) + 20, "\x83\x07\x04\x01\x02\x03\x04\x00", 8);
	rte_pktmbuf_free(m[2]);
	reassembled_check(m, 2, 1600 - 32, 185, true, 1462);
	assert_int_equal(error_count, 0);
}

static void cuts_small_and_many(void **state)
{
	struct rte_mbuf *out[FRAGMENTS_MAX];
	struct rte_mbuf *m = inner(1500, 0, NULL, 0);
	uint16_t n = fragment_ip4(w0, m, 100, out);

	assert_int_equal(n, 19);
	reassembled_check(out, n, 1480, 0, false, 100);
	m = inner(2040, 0, NULL, 0);
	assert_int_equal(fragment_ip4(w0, m, 35, out), 0);
	assert_int_equal(m->data_len, 2040);
	rte_pktmbuf_free(m);
	assert_int_equal(test_packets_out(), 0);
}

static void copies_options_within_their_bounds(void **state)
{
	static const struct {
		uint8_t options[8];
		uint8_t length;
		uint8_t out[8];
		uint8_t out_length;
	} table[] = {
		{{0}, 0, {0}, 0},
		{{1, 1, 1, 0}, 4, {0}, 0},
		{{0x82, 4, 1, 2}, 4, {0x82, 4, 1, 2}, 4},
		{{0x82, 3, 1, 1}, 4, {0x82, 3, 1, 0}, 4},
		{{0x82, 9, 1, 2, 3, 4, 5, 6}, 8, {0}, 0}, // beyond the end
		{{0x82, 1, 1, 2}, 4, {0}, 0},             // too short to be one
		{{0x82, 0, 1, 2}, 4, {0}, 0},
		{{1, 1, 1, 0x82}, 4, {0}, 0}, // no length
		{{7, 4, 1, 2, 0x82, 2, 0x88, 2}, 8, {0x82, 2, 0x88, 2}, 4},
	};

	for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		uint8_t out[40] = {0}, *exact = malloc(table[i].length ? table[i].length : 1);

		memcpy(exact, table[i].options, table[i].length);
		assert_int_equal(
			fragment_options(exact, table[i].length, out), table[i].out_length);
		assert_memory_equal(out, table[i].out, 8);
		free(exact);
	}
}

// ---- the formula against the stages

static uint16_t outer_size(size_t inner_size)
{
	struct rte_mbuf *m = inner(inner_size, 0, NULL, 0);
	uint16_t size;

	assert_int_equal(ppp_out(w0, &m, 1), 1);
	assert_int_equal(l2tp_out(w0, &m, 1), 1);
	assert_int_equal(esp_out(w0, &m, 1), 1);
	size = (uint16_t)(m->pkt_len + 20);
	rte_pktmbuf_free(m);
	return size;
}

// Instead of test_session: one without L2TP.
static void bare_session(const struct command_sa_add *c)
{
	const struct command_tunnel_add t = {.tunnel = TUNNEL,
		.kind = TUNNEL_ESP,
		.peer = c->peer,
		.sa = c->spi_in,
		.local = c->local,
		.remote = c->remote};
	const struct command_session_add s = {
		.session = SESSION, .tunnel = TUNNEL, .session_id = 1, .peer_session = 1};

	assert_int_equal(tunnel_add(bench.tables, &t), 0);
	assert_int_equal(session_add(bench.tables, &s), 0);
}

static void check_exactly(struct command_sa_add *c, bool udp, bool bare)
{
	uint16_t fits;

	c->encapsulation = udp ? ESP_UDP : ESP_PLAIN;
	c->local_port = udp ? PORT_NAT_T : 0;
	c->remote_port = udp ? 40000 : 0;
	c->mode = bare ? ESP_TUNNEL : ESP_TRANSPORT;
	c->session = SESSION;
	assert_int_equal(sa_add(bench.tables, c), 0);
	if (bare)
		bare_session(c);
	else
		test_session(TUNNEL, SESSION, c->peer, c->spi_in);
	fits = bench.tables->session[SESSION].downlink.mtu;
	assert_true(outer_size(fits) <= 1500);
	assert_true(outer_size(fits + 1) > 1500);
	tables_clear(bench.tables);
	reclaim_wait(bench.tables);
}

static void fills_the_outer_mtu_exactly(void **state)
{
	for (uint8_t cipher = 1; cipher < ESP_CIPHER_COUNT; cipher++) {
		for (uint8_t integrity = 0; integrity < ESP_INTEGRITY_COUNT; integrity++) {
			struct command_sa_add c = test_sa(1, cipher, integrity);

			if (sa_is_aead(cipher) != (integrity == 0))
				continue;
			for (unsigned how = 0; how < 4; how++)
				check_exactly(&c, how & 1, how & 2);
		}
	}
	test_session(TUNNEL, SESSION, 0, 0);
	assert_int_equal(outer_size(bench.tables->session[SESSION].downlink.mtu), 1500);
}

// ---- MSS

// TCP with these flags and options from the subscriber; checksum over pseudo header and segment.
static size_t tcp_make(uint8_t *ip, uint8_t flags, const uint8_t *options, uint8_t length)
{
	static const uint8_t start[40] = {0x45, 0, 0, 0, 0, 1, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 5, 8,
		8, 8, 8, 0x12, 0x34, 0, 80, 1, 2, 3, 4, 0, 0, 0, 0, 0x50, 0, 0xff, 0xff};
	size_t total = sizeof(start) + length;
	uint16_t sum;

	memcpy(ip, start, sizeof(start));
	ip[3] = (uint8_t)total;
	ip[32] = (uint8_t)((20 + length) / 4 << 4);
	ip[33] = flags;
	memcpy(ip + 40, options, length);
	checksum_set(ip);
	sum = rte_ipv4_udptcp_cksum((const struct rte_ipv4_hdr *)(const void *)ip, ip + 20);
	memcpy(ip + 36, &sum, 2);
	return total;
}

static bool tcp_checksum_right(const uint8_t *ip)
{
	return rte_ipv4_udptcp_cksum((const struct rte_ipv4_hdr *)(const void *)ip, ip + 20) == 0;
}

static void clamps_what_the_table_says(void **state)
{
	static const struct {
		uint8_t flags;
		uint8_t options[12];
		uint8_t length;
		uint16_t at; // of the value in the options, 0 = unchanged
	} table[] = {
		{0x02, {2, 4, 0x05, 0xb4}, 4, 2},             // SYN
		{0x12, {2, 4, 0x05, 0xb4}, 4, 2},             // SYN-ACK
		{0x10, {2, 4, 0x05, 0xb4}, 4, 0},             // no SYN
		{0x02, {2, 4, 0x05, 0x50}, 4, 0},             // 1360: fits
		{0x02, {2, 4, 0x05, 0x51}, 4, 2},             // 1361
		{0x02, {1, 2, 4, 0xff, 0xff, 0, 0, 0}, 8, 3}, // at an odd place
		{0x02, {3, 3, 7, 2, 4, 0x23, 0x01, 0}, 8, 5}, // behind another
		{0x02, {4, 2, 1, 1, 2, 4, 0x05, 0xb4}, 8, 6}, //
		{0x02, {0, 2, 4, 0x05, 0xb4, 0, 0, 0}, 8, 0}, // behind the end
		{0x02, {2, 3, 0x05, 0xb4}, 4, 0},             // wrong length
		{0x02, {2, 5, 0x05, 0xb4}, 4, 0},             // beyond the end
		{0x02, {3, 0, 2, 4}, 4, 0},                   // no way on
		{0x02, {3, 1, 2, 4, 0x05, 0xb4, 0, 0}, 8, 0}, //
		{0x02, {1, 1, 1, 2}, 4, 0},                   // cut off
		{0x02, {1, 1, 2, 4}, 4, 0},                   //
		{0x02, {0}, 0, 0},                            // none
	};

	for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		uint8_t ip[64], before[64], *exact;
		size_t total = tcp_make(ip, table[i].flags, table[i].options, table[i].length);

		exact = malloc(total);
		memcpy(exact, ip, total);
		memcpy(before, ip, total);
		assert_int_equal(mss_clamp_ip4(exact, total, 1360), table[i].at != 0);
		assert_true(tcp_checksum_right(exact));
		if (table[i].at)
			assert_memory_equal(exact + 40 + table[i].at, "\x05\x50", 2);
		else
			assert_memory_equal(exact, before, total);
		free(exact);
	}
}

static void corrects_the_checksum_for_every_value(void **state)
{
	static const uint8_t options[][8] = {{2, 4, 0, 0, 1, 1, 1, 1}, {1, 2, 4, 0, 0, 1, 1, 1}};

	for (unsigned form = 0; form < 2; form++) {
		for (unsigned said = 0; said < 65536; said += 7) {
			uint8_t ip[64], o[8];

			memcpy(o, options[form], 8);
			o[form + 2] = (uint8_t)(said >> 8);
			o[form + 3] = (uint8_t)said;
			assert_int_equal(
				mss_clamp_ip4(ip, tcp_make(ip, 2, o, 8), 1360), said > 1360);
			assert_true(tcp_checksum_right(ip));
		}
	}
}

static void leaves_what_is_cut_or_no_tcp(void **state)
{
	static const uint8_t options[] = {2, 4, 0x05, 0xb4};
	uint8_t ip[64];
	size_t total = tcp_make(ip, 2, options, 4);

	for (size_t cut = 0; cut < total; cut++) {
		uint8_t *exact = malloc(cut ? cut : 1);

		memcpy(exact, ip, cut);
		assert_false(mss_clamp_ip4(exact, cut, 1360));
		if (cut >= 4) {
			exact[3] = (uint8_t)cut;
			assert_false(mss_clamp_ip4(exact, cut, 1360));
		}
		free(exact);
	}
	ip[9] = 17;
	assert_false(mss_clamp_ip4(ip, total, 1360));
	ip[9] = 6;
	ip[7] = 1;
	assert_false(mss_clamp_ip4(ip, total, 1360));
	ip[7] = 0;
	ip[0] = 0x44;
	assert_false(mss_clamp_ip4(ip, total, 1360));
	ip[0] = 0x4f;
	assert_false(mss_clamp_ip4(ip, total, 1360));
}

static void clamps_to_the_session(void **state)
{
	static const uint8_t options[] = {2, 4, 0x05, 0xb4};
	uint8_t ip[64];
	struct rte_mbuf *m = test_packet(ip, tcp_make(ip, 2, options, 4));

	test_session(TUNNEL, SESSION, 0, 0);
	meta_of(m)->session = SESSION;
	assert_int_equal(mss(w0, &m, 1), 1);
	assert_memory_equal(rte_pktmbuf_mtod(m, uint8_t *) + 42, "\x05\x8e", 2); // 1462 - 40
	rte_pktmbuf_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(passes_what_fits),
		TEST(tells_the_sender),
		TEST(keeps_quiet_where_no_error_is_due),
		TEST(limits_the_rate_of_errors),
		TEST(cuts_into_fragments),
		TEST(cuts_small_and_many),
		TEST(copies_options_within_their_bounds),
		TEST(fills_the_outer_mtu_exactly),
		TEST(clamps_what_the_table_says),
		TEST(corrects_the_checksum_for_every_value),
		TEST(leaves_what_is_cut_or_no_tcp),
		TEST(clamps_to_the_session),
	};

	return cmocka_run_group_tests(tests, test_start, test_stop);
}

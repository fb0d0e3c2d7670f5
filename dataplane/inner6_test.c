// SPDX-License-Identifier: Apache-2.0

// The stages that IPv6 packets of a session go through, one by one: who may send what, what becomes
// of what is too big, which ICMPv6 errors are sent, and the MSS behind extension headers.

#include "dataplane/test_support.h"

#include "contract/ids.h"

#include "dataplane/checksum.h"
#include "dataplane/ip6.h"
#include "dataplane/mss.h"
#include "dataplane/session.h"
#include "dataplane/stage.h"

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { TUNNEL = 5, SESSION = 3, MTU = 1462 };

static struct worker *w0 = &bench.workers[0];

#define OURS    "2001:db8:a:1::7" // in the subscriber's prefix
#define THEIRS  "2001:db8:ffff::9"
#define LINK    "fe80::7"
#define ROUTERS "ff02::2"

static struct ip_address address(const char *text)
{
	struct ip_address a;

	assert_int_equal(address_parse(text, &a), 0);
	return a;
}

static int session_open(uint32_t flags, const char *prefix)
{
	struct command_session_set set = {.session = SESSION,
		.flags = flags,
		.ip4 = address_v4((const uint8_t[]){10, 0, 0, 5})};

	if (prefix)
		assert_int_equal(prefix_parse(prefix, &set.ip6, NULL), 0);
	return session_set(bench.tables, &set);
}

static void start(void)
{
	test_session(TUNNEL, SESSION, 0, 0);
	assert_int_equal(session_open(SESSION_IP4_OPEN | SESSION_IP6_OPEN, "2001:db8:a:1::/64"), 0);
}

// A header and length bytes, which are 0, 1, 2 and so on.
static size_t ip_make(
	uint8_t *ip, uint8_t next, const char *source, const char *destination, size_t length)
{
	memset(ip, 0, IP6_HEADER);
	ip[0] = 0x60;
	ip[4] = (uint8_t)(length >> 8);
	ip[5] = (uint8_t)length;
	ip[6] = next;
	ip[7] = 64;
	memcpy(ip + 8, address(source).bytes, 16);
	memcpy(ip + 24, address(destination).bytes, 16);
	for (size_t i = 0; i < length; i++)
		ip[IP6_HEADER + i] = (uint8_t)i;
	return IP6_HEADER + length;
}

static struct rte_mbuf *of_session(const void *bytes, size_t length)
{
	struct rte_mbuf *m = test_packet(bytes, length);

	meta_of(m)->session = SESSION;
	return m;
}

static struct rte_mbuf *inner(const char *source, const char *destination, size_t length)
{
	uint8_t ip[2048];

	return of_session(ip, ip_make(ip, IPPROTO_UDP, source, destination, length));
}

// ---- the border

static void refuse(const uint8_t *ip, size_t length, enum drop reason)
{
	struct rte_mbuf *m = of_session(ip, length);
	uint64_t before = bench.record.drops[reason];

	assert_int_equal(subscriber_in(w0, &m, 1), 0);
	assert_int_equal(bench.record.drops[reason], before + 1);
}

static bool passes(const char *source, const char *destination)
{
	struct rte_mbuf *m = inner(source, destination, 8);

	if (subscriber_in(w0, &m, 1) == 0)
		return false;
	rte_pktmbuf_free(m);
	return true;
}

static void lets_the_subscriber_out(void **state)
{
	struct rte_mbuf *m;
	uint8_t ip[100];

	start();
	(void)ip_make(ip, IPPROTO_UDP, OURS, THEIRS, 8);
	m = of_session(ip, 60); // with padding
	assert_int_equal(subscriber_in(w0, &m, 1), 1);
	assert_int_equal(m->data_len, 48);
	rte_pktmbuf_free(m);
	assert_int_equal(w0->session_stats[SESSION].uplink.packets, 1);
	assert_int_equal(w0->session_stats[SESSION].uplink.bytes, 48);
}

static void refuses_malformed(void **state)
{
	uint8_t ip[100];
	size_t n;

	start();
	n = ip_make(ip, IPPROTO_UDP, OURS, THEIRS, 8);
	for (size_t cut = 1; cut < n; cut++)
		refuse(ip, cut, DROP_SUBSCRIBER_INVALID);
	ip[4] = 0xff;
	refuse(ip, n, DROP_SUBSCRIBER_INVALID);
}

static void refuses_foreign_sources(void **state)
{
	static const char *const foreign[] = {"2001:db8:a:2::7", "2001:db8:a:0:ffff::", "fe80::7",
		"::", "::1", "ff02::1", "fd00::1", THEIRS};
	uint64_t before = bench.record.drops[DROP_SUBSCRIBER_SOURCE];

	start();
	for (unsigned i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
		assert_false(passes(foreign[i], THEIRS));
		assert_int_equal(bench.record.drops[DROP_SUBSCRIBER_SOURCE], before + i + 1);
	}
}

static void takes_what_is_routed_to_it(void **state)
{
	start();
	bench.behind = address("2001:db8:d::1");
	bench.behind_session = SESSION;
	assert_true(passes("2001:db8:d::1", THEIRS));
	assert_false(passes("2001:db8:d::2", THEIRS));
	assert_false(passes("2001:db8:d::1", "fe80::1"));
	bench.behind_session = SESSION + 1;
	assert_false(passes("2001:db8:d::1", THEIRS));
}

static void knows_every_length_of_prefix(void **state)
{
	static const uint8_t all[16] = {0x2a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

	start();
	for (uint8_t length = 8; length < 128; length++) {
		struct command_session_set set = {.session = SESSION, .flags = SESSION_IP6_OPEN};
		struct ip_address in = address_v6(all), out;
		char source[ADDRESS_TEXT];

		for (int bit = length; bit < 128; bit++)
			in.bytes[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
		set.ip6 = (struct ip_prefix){.address = in, .length = length};
		assert_int_equal(session_set(bench.tables, &set), 0);
		assert_true(passes(address_format(&in, source), THEIRS));
		out = in;
		out.bytes[length / 8] |= (uint8_t)(0x80 >> length % 8);
		assert_true(passes(address_format(&out, source), THEIRS));
		out = in;
		out.bytes[(length - 1) / 8] ^= (uint8_t)(0x80 >> (length - 1) % 8);
		assert_false(passes(address_format(&out, source), THEIRS));
	}
	assert_int_equal(session_open(SESSION_IP6_OPEN, "2001:db8::7/128"), 0);
	assert_true(passes("2001:db8::7", THEIRS));
	assert_false(passes("2001:db8::6", THEIRS));
}

static void refuses_destinations_that_are_no_host(void **state)
{
	static const char *const nowhere[] = {"::", "::1", "::ffff:192.0.2.1", "ff02::1", "ff02::2",
		"ff0e::1", "fe80::1", "febf::1"};
	uint64_t before = bench.record.drops[DROP_SUBSCRIBER_DESTINATION];

	start();
	for (unsigned i = 0; i < sizeof(nowhere) / sizeof(nowhere[0]); i++) {
		assert_false(passes(OURS, nowhere[i]));
		assert_int_equal(bench.record.drops[DROP_SUBSCRIBER_DESTINATION], before + i + 1);
	}
	assert_true(passes(OURS, "64:ff9b::c000:201"));
}

static void refuses_everyone_before_ipv6_is_open(void **state)
{
	uint8_t ip[48];
	size_t n = ip_make(ip, IPPROTO_UDP, OURS, THEIRS, 8);

	start();
	assert_int_equal(session_open(SESSION_IP4_OPEN, "2001:db8:a:1::/64"), 0);
	refuse(ip, n, DROP_PPP_CLOSED);
	assert_int_equal(session_open(SESSION_IP6_OPEN, NULL), -EINVAL);
	assert_int_equal(session_open(SESSION_IP6_OPEN, "::/0"), -EINVAL);
	assert_int_equal(session_open(SESSION_IP6_OPEN, "2001:db8:a:3::/64"), 0);
	refuse(ip, n, DROP_SUBSCRIBER_SOURCE);
}

static void takes_congestion_over(void **state)
{
	uint8_t ip[48];
	size_t n = ip_make(ip, IPPROTO_UDP, OURS, THEIRS, 8);
	struct rte_mbuf *m;

	start();
	ip[0] = 0x6b; // DSCP 46, ECT(0), flow label
	ip[1] = 0xa5;
	m = of_session(ip, n);
	meta_of(m)->tos = 3;
	assert_int_equal(subscriber_in(w0, &m, 1), 1);
	assert_memory_equal(rte_pktmbuf_mtod(m, uint8_t *), "\x6b\xb5", 2);
	rte_pktmbuf_free(m);
	ip[1] = 0x85; // not capable
	m = of_session(ip, n);
	meta_of(m)->tos = 3;
	assert_int_equal(subscriber_in(w0, &m, 1), 0);
	assert_int_equal(bench.record.drops[DROP_ECN_CONGESTION], 1);
}

// ---- what is for the gateway

static bool punted(uint8_t next, const char *source, const char *destination, uint8_t hops,
	const uint8_t upper[4])
{
	unsigned before = bench.record.punted;
	struct rte_mbuf *m;
	uint8_t ip[64];
	size_t n = ip_make(ip, next, source, destination, 16);

	ip[7] = hops;
	memcpy(ip + IP6_HEADER, upper, 4);
	m = of_session(ip, n);
	assert_int_equal(subscriber_in(w0, &m, 1), 0);
	if (bench.record.punted == before)
		return false;
	assert_int_equal(bench.record.kinds[before], PACKET_IP6);
	assert_int_equal(bench.record.punts[before]->data_len, n);
	return true;
}

static void punts_neighbour_discovery_and_dhcp(void **state)
{
	static const uint8_t rs[4] = {133}, ns[4] = {135}, na[4] = {136}, ra[4] = {134};
	static const uint8_t echo[4] = {128}, mld[4] = {143};
	static const uint8_t dhcp[4] = {546 >> 8, 546 & 0xff, 547 >> 8, 547 & 0xff};
	static const uint8_t dns[4] = {546 >> 8, 546 & 0xff, 0, 53};
	static const uint8_t dhcp_from_any[4] = {0xc0, 0, 547 >> 8, 547 & 0xff};

	start();
	assert_true(punted(IPPROTO_ICMPV6, LINK, ROUTERS, 255, rs));
	assert_true(punted(IPPROTO_ICMPV6, "::", ROUTERS, 255, rs));
	assert_true(punted(IPPROTO_ICMPV6, OURS, ROUTERS, 255, rs));
	assert_true(punted(IPPROTO_ICMPV6, LINK, "fe80::1", 255, ns));
	assert_true(punted(IPPROTO_ICMPV6, LINK, "ff02::1", 255, na));
	assert_true(punted(IPPROTO_ICMPV6, LINK, "ff02::1", 255, ra));
	assert_true(punted(IPPROTO_UDP, LINK, "ff02::1:2", 1, dhcp));
	assert_true(punted(IPPROTO_UDP, LINK, "fe80::1", 64, dhcp));
	assert_true(punted(IPPROTO_UDP, LINK, "ff02::1:2", 1, dhcp_from_any));
	assert_false(punted(IPPROTO_ICMPV6, LINK, ROUTERS, 254, rs)); // from afar
	assert_false(punted(IPPROTO_ICMPV6, "::", "ff02::1", 255, ns));
	assert_false(punted(IPPROTO_ICMPV6, THEIRS, ROUTERS, 255, rs));
	assert_false(punted(IPPROTO_ICMPV6, LINK, "fe80::1", 255, echo));
	assert_false(punted(IPPROTO_ICMPV6, LINK, "ff02::16", 1, mld));
	assert_false(punted(IPPROTO_UDP, LINK, "ff02::1:2", 1, dns));
	assert_false(punted(IPPROTO_UDP, LINK, THEIRS, 64, dhcp));
	assert_false(punted(IPPROTO_TCP, LINK, "fe80::1", 64, dhcp));
}

static void limits_what_it_punts(void **state)
{
	static const uint8_t rs[4] = {133};
	unsigned sent = 0;

	start();
	for (int i = 0; i < 1000; i++) {
		sent += punted(IPPROTO_ICMPV6, LINK, ROUTERS, 255, rs);
		if (bench.record.punted == TEST_RECORDS)
			test_forget();
	}
	assert_int_equal(sent, 20);
	w0->now += UINT64_C(1000000000);
	for (int i = 0; i < 1000; i++)
		sent += punted(IPPROTO_ICMPV6, LINK, ROUTERS, 255, rs);
	assert_int_equal(sent, 20 + 10);
}

// ---- into the session

static void lets_in_what_is_open(void **state)
{
	struct rte_mbuf *m;

	start();
	assert_int_equal(session_open(SESSION_IP4_OPEN, "2001:db8:a:1::/64"), 0);
	m = inner(THEIRS, OURS, 8);
	assert_int_equal(subscriber_out(w0, &m, 1), 0);
	assert_int_equal(bench.record.drops[DROP_PPP_CLOSED], 1);
	assert_int_equal(session_open(SESSION_IP6_OPEN, "2001:db8:a:1::/64"), 0);
	m = inner(THEIRS, OURS, 8);
	assert_int_equal(subscriber_out(w0, &m, 1), 1);
	rte_pktmbuf_free(m);
}

static void frames_as_the_peer_asked(void **state)
{
	static const struct {
		uint32_t flags;
		const char *front;
		uint16_t length;
	} table[] = {
		{SESSION_IP6_OPEN, "\xff\x03\x00\x57", 4},
		{SESSION_IP6_OPEN | SESSION_SEND_ACFC, "\x00\x57", 2},
		{SESSION_IP6_OPEN | SESSION_SEND_PFC, "\xff\x03\x57", 3},
		{SESSION_IP6_OPEN | SESSION_SEND_ACFC | SESSION_SEND_PFC, "\x57", 1},
	};

	start();
	for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct rte_mbuf *m = inner(THEIRS, OURS, 8);

		rte_pktmbuf_mtod(m, uint8_t *)[0] = 0x6b;
		rte_pktmbuf_mtod(m, uint8_t *)[1] = 0xb4;
		assert_int_equal(session_open(table[i].flags, "2001:db8:a:1::/64"), 0);
		assert_int_equal(ppp_out(w0, &m, 1), 1);
		assert_int_equal(m->data_len, 48 + table[i].length);
		assert_memory_equal(
			rte_pktmbuf_mtod(m, uint8_t *), table[i].front, table[i].length);
		assert_int_equal(meta_of(m)->tos, 0xb8); // without ECN
		rte_pktmbuf_free(m);
	}
}

// ---- ICMPv6

static void error_check(struct rte_mbuf *e, uint8_t type, uint32_t mtu_said, uint16_t quoted)
{
	const uint8_t *ip = rte_pktmbuf_mtod(e, const uint8_t *);
	uint16_t payload = (uint16_t)(8 + quoted);

	assert_int_equal(e->data_len, IP6_HEADER + payload);
	assert_int_equal(e->pkt_len, e->data_len);
	assert_int_equal(ip[0], 0x6c);
	assert_int_equal(ip[1], 0);
	assert_int_equal(ip[4] << 8 | ip[5], payload);
	assert_int_equal(ip[6], IPPROTO_ICMPV6);
	assert_memory_equal(ip + 8, w0->icmp_source6, 16);
	assert_memory_equal(ip + 24, address(THEIRS).bytes, 16);
	assert_true(checksum_upper6_ok(ip + 8, ip + 24, IPPROTO_ICMPV6, ip + 40, payload));
	assert_int_equal(ip[40], type);
	assert_int_equal(ip[41], 0);
	assert_int_equal(ip[44] << 24 | ip[45] << 16 | ip[46] << 8 | ip[47], mtu_said);
	assert_int_equal(ip[48], 0x60);
	assert_int_equal(meta_of(e)->session, SESSION_NONE);
}

static uint16_t fit(
	struct rte_mbuf **m, uint16_t count, struct rte_mbuf **errors, uint16_t *error_count)
{
	struct fitting f;

	assert_int_equal(mtu(w0, m, count, &f, errors, error_count), count);
	memcpy(m, f.m, f.count * sizeof(*m));
	return f.count;
}

static void tells_the_sender_what_fits(void **state)
{
	struct rte_mbuf *m[BURST] = {NULL}, *errors[BURST];
	uint16_t error_count = 0;

	start();
	assert_int_equal(bench.tables->session[SESSION].downlink.mtu, MTU);
	m[0] = inner(THEIRS, OURS, MTU - 40);
	assert_int_equal(fit(m, 1, errors, &error_count), 1);
	assert_int_equal(error_count, 0);
	rte_pktmbuf_free(m[0]);
	m[0] = inner(THEIRS, OURS, MTU - 39);
	assert_int_equal(fit(m, 1, errors, &error_count), 0);
	assert_int_equal(error_count, 1);
	assert_int_equal(bench.record.drops[DROP_MTU_EXCEEDED], 1);
	error_check(errors[0], 2, MTU, 1280 - 48);
	assert_int_equal(errors[0]->data_len, 1280);
	rte_pktmbuf_free(errors[0]);
}

// RFC 8200 section 5: no link carries less than 1280, and nobody is told so.
static void never_tells_less_than_1280(void **state)
{
	struct rte_mbuf *m[BURST] = {NULL}, *errors[BURST];
	uint16_t error_count = 0;
	struct command_session_set set = {
		.session = SESSION, .flags = SESSION_IP6_OPEN, .mtu = 1000};

	start();
	assert_int_equal(prefix_parse("2001:db8:a:1::/64", &set.ip6, NULL), 0);
	assert_int_equal(session_set(bench.tables, &set), 0);
	m[0] = inner(THEIRS, OURS, 1200 - 40);
	assert_int_equal(fit(m, 1, errors, &error_count), 0);
	assert_int_equal(error_count, 1);
	error_check(errors[0], 2, 1280, 1200);
	rte_pktmbuf_free(errors[0]);
}

static struct rte_mbuf *error_about(struct rte_mbuf *m)
{
	struct rte_mbuf *e = icmp6_error(w0, m, 3, 0, 0);

	rte_pktmbuf_free(m);
	return e;
}

static void keeps_quiet_where_no_error_is_due(void **state)
{
	static const char *const nobody[] = {"::", "::1", "ff02::1", "ff0e::1", "fe80::1"};
	uint8_t ip[100], source[16];
	struct rte_mbuf *e;
	size_t n;

	for (unsigned i = 0; i < sizeof(nobody) / sizeof(nobody[0]); i++) {
		assert_null(error_about(inner(nobody[i], OURS, 8)));
		assert_null(error_about(inner(THEIRS, nobody[i], 8)));
	}
	for (unsigned type = 0; type < 256; type++) {
		w0->now += 1000 * 1000 * 1000;
		n = ip_make(ip, IPPROTO_ICMPV6, THEIRS, OURS, 8);
		ip[40] = (uint8_t)type;
		e = error_about(test_packet(ip, n));
		assert_int_equal(e == NULL, type < 128 || type == 137);
		rte_pktmbuf_free(e);
	}
	// The same behind destination options, and in a later fragment, where nobody knows.
	n = ip_make(ip, IPPROTO_DSTOPTS, THEIRS, OURS, 16);
	memcpy(ip + 40, (const uint8_t[]){IPPROTO_ICMPV6, 0, 1, 4, 0, 0, 0, 0, 1}, 9);
	assert_null(error_about(test_packet(ip, n)));
	n = ip_make(ip, IPPROTO_FRAGMENT, THEIRS, OURS, 16);
	memcpy(ip + 40, (const uint8_t[]){IPPROTO_ICMPV6, 0, 0, 8, 0, 0, 0, 0, 200}, 9);
	assert_null(error_about(test_packet(ip, n)));
	n = ip_make(ip, IPPROTO_UDP, THEIRS, OURS, 8);
	for (size_t cut = 1; cut < n; cut++)
		assert_null(error_about(test_packet(ip, cut)));
	memcpy(source, w0->icmp_source6, 16);
	memset(w0->icmp_source6, 0, 16);
	assert_null(error_about(test_packet(ip, n)));
	memcpy(w0->icmp_source6, source, 16);
}

static void shares_the_limit_of_errors(void **state)
{
	static const uint8_t ip4[20] = {
		0x45, 0, 0, 20, 0, 0, 0, 0, 64, 17, 0, 0, 203, 0, 113, 9, 10, 0, 0, 5};
	unsigned sent = 0;

	w0->now += (uint64_t)10 * 1000 * 1000 * 1000;
	for (unsigned i = 0; i < 500; i++) {
		struct rte_mbuf *m = test_packet(ip4, sizeof(ip4));
		struct rte_mbuf *e = i % 2 ? icmp_error(w0, m, 11, 0, 0, w0->icmp_source)
					   : error_about(inner(THEIRS, OURS, 8));

		rte_pktmbuf_free(m);
		sent += e != NULL;
		rte_pktmbuf_free(e);
	}
	assert_int_equal(sent, 100);
}

// ---- MSS

static const uint8_t hop_by_hop[8] = {IPPROTO_TCP, 0, 5, 2, 0, 0, 1, 0}; // router alert
static const uint8_t options[8] = {IPPROTO_TCP, 0, 1, 4, 0, 0, 0, 0};
static const uint8_t first_fragment[8] = {IPPROTO_TCP, 0, 0, 1, 0, 0, 0, 7};
static const uint8_t later_fragment[8] = {IPPROTO_TCP, 0, 0, 9, 0, 0, 0, 7};

// A TCP segment with an MSS of 1460 behind one extension header, or none.
static size_t tcp_make(uint8_t *ip, uint8_t flags, uint8_t next, const uint8_t *extension)
{
	static const uint8_t tcp[24] = {0x12, 0x34, 0, 80, 1, 2, 3, 4, 0, 0, 0, 0, 0x60, 0, 0xff,
		0xff, 0, 0, 0, 0, 2, 4, 0x05, 0xb4};
	size_t front = extension ? 8 : 0, n;
	uint8_t *at = ip + IP6_HEADER + front;
	uint16_t sum;

	n = ip_make(ip, extension ? next : IPPROTO_TCP, OURS, THEIRS, front + sizeof(tcp));
	if (extension)
		memcpy(ip + IP6_HEADER, extension, 8);
	memcpy(at, tcp, sizeof(tcp));
	at[13] = flags;
	sum = checksum_upper6(ip + 8, ip + 24, IPPROTO_TCP, at, sizeof(tcp));
	memcpy(at + 16, &sum, 2);
	return n;
}

static void clamps_behind_extension_headers(void **state)
{
	static const struct {
		uint8_t flags, next;
		const uint8_t *extension;
		bool clamped;
	} table[] = {
		{0x02, 0, NULL, true},
		{0x12, 0, NULL, true},
		{0x10, 0, NULL, false},
		{0x02, IPPROTO_HOPOPTS, hop_by_hop, true},
		{0x02, IPPROTO_DSTOPTS, options, true},
		{0x02, IPPROTO_FRAGMENT, first_fragment, true},
		{0x02, IPPROTO_FRAGMENT, later_fragment, false},
		{0x10, IPPROTO_HOPOPTS, hop_by_hop, false},
		{0x02, IPPROTO_ESP, options, false},
	};
	uint8_t ip[100];

	start();
	for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		size_t n = tcp_make(ip, table[i].flags, table[i].next, table[i].extension);
		struct rte_mbuf *m = of_session(ip, n);
		uint8_t *at = rte_pktmbuf_mtod(m, uint8_t *), *tcp = at + n - 24;

		assert_int_equal(mss(w0, &m, 1), 1);
		assert_int_equal(tcp[22] << 8 | tcp[23], table[i].clamped ? MTU - 60 : 1460);
		assert_true(checksum_upper6_ok(at + 8, at + 24, IPPROTO_TCP, tcp, 24));
		rte_pktmbuf_free(m);
	}
}

static void leaves_what_is_cut(void **state)
{
	uint8_t ip[100];
	size_t n = tcp_make(ip, 2, IPPROTO_HOPOPTS, hop_by_hop);

	for (size_t cut = 0; cut < n; cut++) {
		uint8_t *exact = malloc(cut ? cut : 1);

		memcpy(exact, ip, cut);
		assert_false(mss_clamp_ip6(exact, cut, 1000));
		if (cut >= IP6_HEADER) {
			exact[5] = (uint8_t)(cut - IP6_HEADER);
			assert_false(mss_clamp_ip6(exact, cut, 1000));
		}
		free(exact);
	}
	assert_false(mss_clamp_ip6(ip, n, 1460));
	assert_true(mss_clamp_ip6(ip, n, 1459));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(lets_the_subscriber_out),
		TEST(refuses_malformed),
		TEST(refuses_foreign_sources),
		TEST(takes_what_is_routed_to_it),
		TEST(knows_every_length_of_prefix),
		TEST(refuses_destinations_that_are_no_host),
		TEST(refuses_everyone_before_ipv6_is_open),
		TEST(takes_congestion_over),
		TEST(punts_neighbour_discovery_and_dhcp),
		TEST(limits_what_it_punts),
		TEST(lets_in_what_is_open),
		TEST(frames_as_the_peer_asked),
		TEST(tells_the_sender_what_fits),
		TEST(never_tells_less_than_1280),
		TEST(keeps_quiet_where_no_error_is_due),
		TEST(shares_the_limit_of_errors),
		TEST(clamps_behind_extension_headers),
		TEST(leaves_what_is_cut),
	};

	return cmocka_run_group_tests(tests, test_start, test_stop);
}

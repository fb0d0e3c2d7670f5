// SPDX-License-Identifier: Apache-2.0

// Neighbour discovery (RFC 4861): the messages, and the gateway among neighbours that speak it.

#include "dataplane/nd.h"
#include "dataplane/stage.h"
#include "dataplane/test_lab.h"

#include <netinet/in.h>
#include <rte_ip.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HOST "2001:db8:0:2::9"
#define FAR  "2001:db8:99::1"

static const uint8_t host_mac[6] = {2, 0, 0, 0, 0, 9};
static const uint8_t link_local[16] = {0xfe, 0x80, [11] = 0xff, 0xfe, [15] = 0xf1};

static void put(uint8_t out[16], const char *text)
{
	struct ip_address a;

	assert_int_equal(address_parse(text, &a), 0);
	memcpy(out, a.bytes, 16);
}

static struct nd message(uint8_t type, const char *source, const char *to, const char *target)
{
	struct nd n = {.type = type, .has_mac = true};

	memcpy(&n.mac, host_mac, sizeof(n.mac));
	put(n.source, source);
	put(n.destination, to);
	put(n.target, target);
	return n;
}

static int check_books(void **state)
{
	for (int i = 0; i < 3 * NEIGHBOUR_GOOD_S; i++)
		lab_second();
	lab_forget();
	return lab_balanced() && lab_packets_out() == 0 ? 0 : -1;
}

// As a host of the network side says it; to NULL = to the group's Ethernet address.
static size_t frame_of(uint8_t *frame, const struct nd *n, const struct rte_ether_addr *to)
{
	struct rte_ether_addr group = nd_group_mac(n->destination);
	struct build b = build_in(frame, LAB_FRAME);

	build_bytes(&b, to ? to : &group, 6);
	build_bytes(&b, host_mac, 6);
	build_u16(&b, RTE_ETHER_TYPE_IPV6);
	return 14 + (size_t)nd_write(n, frame + 14);
}

static void hear(const struct nd *n)
{
	const struct rte_ether_addr *to = n->destination[0] == 0xff ? NULL : &lab.port[LAB_NET].mac;
	uint8_t frame[LAB_FRAME];

	lab_receive(LAB_NET, 1, frame, frame_of(frame, n, to));
	lab_run();
}

// The next message that the gateway sent there; false when it sent nothing.
static bool said(struct nd *n, struct rte_ether_addr *to)
{
	uint8_t frame[LAB_FRAME];
	size_t length = lab_sent(LAB_NET, frame);

	if (length == 0)
		return false;
	memcpy(to, frame, sizeof(*to));
	assert_memory_equal(frame + 6, &lab.port[LAB_NET].mac, 6);
	assert_int_equal(frame[12] << 8 | frame[13], RTE_ETHER_TYPE_IPV6);
	assert_int_equal(nd_parse(frame + 14, (uint16_t)(length - 14), n), DROP_COUNT);
	return true;
}

static enum neighbour_state state_of_host(const char *text, uint8_t mac[6])
{
	uint8_t address[16];
	struct rte_ether_addr is = {0};
	enum neighbour_state state;

	put(address, text);
	state = neighbour_get6(lab.resolver.neighbours, LAB_NET, address, &is);
	memcpy(mac, &is, 6);
	return state;
}

static void test_reads_what_it_writes(void **state)
{
	struct nd n = message(ND_SOLICITATION, HOST, "ff02::1:ff00:1", LAB_NET6), back;
	uint8_t room[ND_MOST];

	assert_int_equal(nd_write(&n, room), ND_MOST);
	assert_int_equal(nd_parse(room, ND_MOST, &back), DROP_COUNT);
	assert_memory_equal(&n, &back, sizeof(n));
	n = message(ND_ADVERTISEMENT, HOST, LAB_NET6, HOST);
	n.has_mac = false;
	memset(&n.mac, 0, sizeof(n.mac));
	n.router = n.solicited = n.override = true;
	assert_int_equal(nd_write(&n, room), ND_MOST - 8);
	assert_int_equal(nd_parse(room, ND_MOST - 8, &back), DROP_COUNT);
	assert_memory_equal(&n, &back, sizeof(n));
}

// RFC 4861 section 7.1, check by check. at and value: a byte that is changed; the checksum is made
// right again unless it is the one that is tested.
static void test_refuses(void **state)
{
	static const struct {
		const char *what;
		uint8_t type, at, value;
		bool sum;
		enum drop reason;
	} cases[] = {
		{"hop limit", ND_SOLICITATION, 7, 254, true, DROP_ND_INVALID},
		{"checksum", ND_SOLICITATION, 42, 0, false, DROP_ND_INVALID},
		{"code", ND_SOLICITATION, 41, 1, true, DROP_ND_INVALID},
		{"multicast target", ND_SOLICITATION, 48, 0xff, true, DROP_ND_INVALID},
		{"multicast source", ND_SOLICITATION, 8, 0xff, true, DROP_ND_INVALID},
		{"empty option", ND_SOLICITATION, 65, 0, true, DROP_ND_INVALID},
		{"option beyond the end", ND_SOLICITATION, 65, 2, true, DROP_ND_INVALID},
		{"group as the sender", ND_SOLICITATION, 66, 3, true, DROP_ND_INVALID},
		{"shorter than it says", ND_SOLICITATION, 5, 33, true, DROP_ND_INVALID},
		{"too short", ND_SOLICITATION, 5, 20, true, DROP_ND_INVALID},
		{"fragment", ND_SOLICITATION, 6, IPPROTO_FRAGMENT, true, DROP_ND_INVALID},
		{"solicited to many", ND_ADVERTISEMENT, 24, 0xff, true, DROP_ND_INVALID},
		{"router solicitation", 133, 0, 0x60, true, DROP_ND_ROUTER},
		{"router advertisement", 134, 0, 0x60, true, DROP_ND_ROUTER},
		{"redirect", 137, 0, 0x60, true, DROP_ND_REDIRECT},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct nd n = message(ND_SOLICITATION, HOST, LAB_NET6, LAB_NET6);
		uint8_t room[ND_MOST];
		uint16_t sum;

		n.type = cases[i].type;
		n.solicited = cases[i].type == ND_ADVERTISEMENT;
		nd_write(&n, room);
		room[cases[i].at] = cases[i].value;
		if (cases[i].sum) {
			memset(room + 42, 0, 2);
			sum = rte_raw_cksum(room + 8, ND_MOST - 8);
			sum = (uint16_t)~__rte_raw_cksum_reduce(
				(uint32_t)sum + rte_cpu_to_be_16(32) + rte_cpu_to_be_16(58));
			memcpy(room + 42, &sum, 2);
		}
		if (nd_parse(room, ND_MOST, &n) != cases[i].reason)
			fail_msg("%s: not %s", cases[i].what, drop_word(cases[i].reason));
	}
}

// A solicitation without a source looks for duplicates: only to the group, without an option.
static void test_refuses_odd_searches(void **state)
{
	struct nd n = message(ND_SOLICITATION, "::", "ff02::1:ff00:1", LAB_NET6), back;
	uint8_t room[ND_MOST];

	assert_int_equal(nd_parse(room, nd_write(&n, room), &back), DROP_ND_INVALID);
	n.has_mac = false;
	assert_int_equal(nd_parse(room, nd_write(&n, room), &back), DROP_COUNT);
	put(n.destination, LAB_NET6);
	assert_int_equal(nd_parse(room, nd_write(&n, room), &back), DROP_ND_INVALID);
}

static void check_answer(const char *target)
{
	struct nd n = message(ND_SOLICITATION, HOST, "ff02::1", target), a;
	struct rte_ether_addr to;

	nd_solicited_node(n.target, n.destination);
	hear(&n);
	assert_true(said(&a, &to));
	assert_memory_equal(&to, host_mac, 6);
	assert_int_equal(a.type, ND_ADVERTISEMENT);
	assert_true(a.solicited && a.override && a.router && a.has_mac);
	assert_memory_equal(&a.mac, &lab.port[LAB_NET].mac, 6);
	assert_memory_equal(a.target, n.target, 16);
	assert_memory_equal(a.source, n.target, 16);
	assert_memory_equal(a.destination, n.source, 16);
	assert_false(said(&a, &to));
}

static void test_answers(void **state)
{
	uint8_t mac[6];

	assert_memory_equal(lab.port[LAB_NET].link_local, link_local, 16);
	check_answer(LAB_NET6);
	check_answer("fe80::ff:fe00:f1");
	assert_int_equal(state_of_host(HOST, mac), NEIGHBOUR_READY);
	assert_memory_equal(mac, host_mac, 6);
}

// Who looks for duplicates of our address is told by all nodes' group.
static void test_defends(void **state)
{
	struct nd n = message(ND_SOLICITATION, "::", "ff02::1:ff00:1", LAB_NET6), a;
	struct rte_ether_addr to;

	n.has_mac = false;
	hear(&n);
	assert_true(said(&a, &to));
	assert_memory_equal(&to, ((uint8_t[]){0x33, 0x33, 0, 0, 0, 1}), 6);
	assert_false(a.solicited);
	assert_memory_equal(a.destination, nd_all_nodes, 16);
}

// Another one says that our address is its own: it is told otherwise at once, and so is the log.
static void test_tells_of_a_conflict(void **state)
{
	struct nd n = message(ND_ADVERTISEMENT, HOST, "ff02::1", LAB_NET6), a;
	struct rte_ether_addr to;
	uint64_t done = lab_drops(DROP_ND_DONE);

	lab.resolver.conflict = 0;
	hear(&n);
	assert_int_equal(lab_sent(LAB_NET, (uint8_t[LAB_FRAME]){0}), 42); // its ARP announcement
	assert_true(said(&a, &to));
	assert_memory_equal(a.target, n.target, 16);
	assert_true(said(&a, &to));
	assert_memory_equal(a.target, link_local, 16);
	assert_int_equal(lab_drops(DROP_ND_DONE) - done, 1);
	hear(&n);
	assert_false(said(&a, &to)); // not more than now and then
}

static void test_ignores(void **state)
{
	struct nd n = message(ND_SOLICITATION, FAR, LAB_NET6, LAB_NET6), a;
	uint64_t invalid = lab_drops(DROP_ND_INVALID), router = lab_drops(DROP_ND_ROUTER);
	uint64_t redirect = lab_drops(DROP_ND_REDIRECT);
	struct rte_ether_addr to;
	uint8_t mac[6];

	hear(&n); // not from this link
	n = message(ND_ADVERTISEMENT, HOST, LAB_NET6, FAR);
	hear(&n);
	assert_int_equal(lab_drops(DROP_ND_INVALID) - invalid, 2);
	n = message(134, "fe80::9", "ff02::1", HOST);
	hear(&n);
	assert_int_equal(lab_drops(DROP_ND_ROUTER) - router, 1);
	n = message(137, "fe80::9", LAB_NET6, HOST);
	hear(&n);
	assert_int_equal(lab_drops(DROP_ND_REDIRECT) - redirect, 1);
	n = message(ND_ADVERTISEMENT, HOST, LAB_NET6, HOST); // nobody asked for it
	hear(&n);
	assert_int_equal(state_of_host(HOST, mac), NEIGHBOUR_UNKNOWN);
	assert_false(said(&a, &to));
}

// A packet of our own for a host of the network side, as a stage leaves it.
static void send_to(const char *next_hop)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(lab.pool);
	char *ip = m ? rte_pktmbuf_append(m, 48) : NULL;

	assert_non_null(ip);
	if (!ip)
		return;
	memset(meta_of(m), 0, META_LINE);
	memset(ip, 0, 48);
	ip[0] = 0x60;
	meta_of(m)->out_port = LAB_NET;
	meta_of(m)->flags = META_NEXT6;
	put(meta_of(m)->next_hop6, next_hop);
	lab.worker[0].stats->created++;
	if (neighbour_out(&lab.worker[0], &m, 1))
		tx(&lab.worker[0], &m, 1);
	lab_run();
}

// What waits leaves when the answer comes; then the next one leaves at once.
static void resolve(const char *host, const char *own)
{
	struct nd n, a = message(ND_ADVERTISEMENT, host, own, host);
	uint8_t frame[LAB_FRAME], group[16];
	struct rte_ether_addr to, want;

	send_to(host);
	assert_true(said(&n, &to));
	assert_int_equal(n.type, ND_SOLICITATION);
	assert_memory_equal(n.target, a.target, 16);
	nd_solicited_node(a.target, group);
	want = nd_group_mac(group);
	assert_memory_equal(&to, &want, 6);
	assert_memory_equal(n.source, a.destination, 16);
	assert_true(n.has_mac);
	assert_int_equal(lab_sent(LAB_NET, frame), 0);
	a.solicited = a.override = true;
	hear(&a);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(lab_sent(LAB_NET, frame), 62);
		assert_memory_equal(frame, host_mac, 6);
		assert_memory_equal(frame + 12, "\x86\xdd", 2);
		send_to(host);
	}
	lab_forget();
}

static void test_resolves(void **state)
{
	resolve(HOST, LAB_NET6);
	resolve("fe80::9", "fe80::ff:fe00:f1");
}

// One in use is asked again by unicast, is lost when it does not answer, and comes back.
static void test_loses_and_finds(void **state)
{
	uint64_t lost = lab_drops(DROP_NEIGHBOUR_LOST);
	struct rte_ether_addr to;
	int asked = 0;
	struct nd n;

	resolve(HOST, LAB_NET6);
	for (int i = 0; i < NEIGHBOUR_GOOD_S + NEIGHBOUR_TRIES; i++)
		lab_second();
	while (said(&n, &to)) {
		assert_memory_equal(&to, host_mac, 6);
		asked++;
	}
	assert_int_equal(asked, NEIGHBOUR_TRIES);
	send_to(HOST);
	assert_int_equal(lab_drops(DROP_NEIGHBOUR_LOST) - lost, 1);
	for (int i = 0; i < NEIGHBOUR_LOST_S; i++)
		lab_second();
	resolve(HOST, LAB_NET6);
}

// RFC 4861 section 7.2.5: without the override flag a known address stays; with it the new one is
// taken and tested soon.
static void test_overrides(void **state)
{
	struct nd n = message(ND_ADVERTISEMENT, HOST, "ff02::1", HOST);
	struct rte_ether_addr to;
	uint8_t mac[6];
	int asked = 0;

	resolve(HOST, LAB_NET6);
	n.mac.addr_bytes[5] = 0x77;
	hear(&n);
	assert_int_equal(state_of_host(HOST, mac), NEIGHBOUR_READY);
	assert_memory_equal(mac, host_mac, 6);
	n.override = true;
	hear(&n);
	assert_int_equal(state_of_host(HOST, mac), NEIGHBOUR_READY);
	assert_memory_equal(mac, &n.mac, 6);
	for (int i = 0; i < NEIGHBOUR_STALE_S; i++)
		lab_second();
	while (said(&n, &to))
		asked += to.addr_bytes[5] == 0x77;
	assert_int_equal(asked, 1);
}

// Its answer needs no option when it was asked by unicast (RFC 4861 section 7.2.4).
static void test_takes_short_answers(void **state)
{
	struct nd n, a = message(ND_ADVERTISEMENT, HOST, LAB_NET6, HOST);
	struct rte_ether_addr to;
	uint8_t mac[6];

	resolve(HOST, LAB_NET6);
	for (int i = 0; i < NEIGHBOUR_GOOD_S; i++)
		lab_second();
	assert_true(said(&n, &to));
	a.has_mac = false;
	a.solicited = true;
	hear(&a);
	for (int i = 0; i < NEIGHBOUR_GOOD_S - 1; i++)
		lab_second();
	assert_int_equal(state_of_host(HOST, mac), NEIGHBOUR_READY);
	assert_memory_equal(mac, host_mac, 6);
}

// One that asks without saying where it is: it is asked in turn, then it gets its answer.
static void test_answers_the_shy(void **state)
{
	struct nd n = message(ND_SOLICITATION, HOST, LAB_NET6, LAB_NET6), a;
	struct rte_ether_addr to;

	n.has_mac = false;
	hear(&n);
	assert_true(said(&a, &to));
	assert_int_equal(a.type, ND_SOLICITATION);
	assert_false(said(&a, &to));
	n = message(ND_ADVERTISEMENT, HOST, LAB_NET6, HOST);
	n.solicited = true;
	hear(&n);
	assert_true(said(&a, &to));
	assert_int_equal(a.type, ND_ADVERTISEMENT);
	assert_memory_equal(&to, host_mac, 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_what_it_writes),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_refuses_odd_searches),
		cmocka_unit_test_teardown(test_answers, check_books),
		cmocka_unit_test_teardown(test_defends, check_books),
		cmocka_unit_test_teardown(test_tells_of_a_conflict, check_books),
		cmocka_unit_test_teardown(test_ignores, check_books),
		cmocka_unit_test_teardown(test_resolves, check_books),
		cmocka_unit_test_teardown(test_loses_and_finds, check_books),
		cmocka_unit_test_teardown(test_overrides, check_books),
		cmocka_unit_test_teardown(test_takes_short_answers, check_books),
		cmocka_unit_test_teardown(test_answers_the_shy, check_books),
	};

	return cmocka_run_group_tests(tests, lab_start, lab_stop);
}

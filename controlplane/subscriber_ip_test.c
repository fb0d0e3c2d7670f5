// SPDX-License-Identifier: Apache-2.0

// What a subscriber asks its gateway: DHCPv6, DHCPINFORM and router advertisements of a record that
// this test makes, with what the dataplane is told and what the client hears.

#include "controlplane/fakes.h"
#include "controlplane/subscriber_record.h"

#include "contract/build.h"
#include "contract/view.h"
#include "controlplane/dhcp/dhcp4.h"
#include "controlplane/dhcp/packet.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

const uint8_t ppp_identifier[PPP_IDENTIFIER] = {[7] = 1};

static unsigned accounted;

void subscriber_account(struct subscriber *s)
{
	accounted++;
}

static const char text[] =
	"ports:\n"
	"  - {name: s, side: subscriber, device: x, addresses: [192.0.2.1/24]}\n"
	"  - {name: n, side: network, device: y, addresses: [198.51.100.1/24]}\n"
	"listeners: [{name: l, address: 192.0.2.1}]\n"
	"ike: {psks: [{peer: any, secret: abcdefgh}]}\n"
	"ppp: {local-address: 100.64.0.1}\n"
	"pools: [{name: p, prefixes: [100.64.0.8/32], ipv6-prefixes: ['2001:db8:64::/60'],\n"
	"         delegated-prefixes: ['2001:db8:d000::/55'], delegated-length: 56}]\n"
	"groups:\n"
	"  - {name: home, domain: corp.example, routes: [10.0.0.0/8, 172.16.0.0/12]}\n"
	"default-group: home\n";

enum { SESSIONS = 4 };

static const struct road road = {.word = "l2tp", .advertises = true};
static struct subscribers all;
static struct subscriber *by_session[SESSIONS];
static struct subscriber who[2];

static struct ip_prefix prefix(const char *t)
{
	struct ip_prefix p;

	assert_int_equal(prefix_parse(t, &p, NULL), 0);
	return p;
}

static void open_subscriber(struct subscriber *s, uint32_t session)
{
	*s = (struct subscriber){.all = &all,
		.id = session,
		.session = session,
		.road = &road,
		.user = "alice",
		.granted = true,
		.state = SUBSCRIBER_UP,
		.next = all.first};
	s->family[V4].opened = s->family[V6].opened = true;
	s->family[V4].route = prefix("100.64.0.8/32");
	s->family[V6].route = prefix("2001:db8:64:5::/64");
	address_parse("2001:db8::53", &s->grant.dns6[0]);
	address_parse("8.8.8.8", &s->grant.dns[0]);
	grant_complete(all.config, &s->grant);
	all.first = by_session[session] = s;
}

static int setup(void **state)
{
	struct config *config;

	fakes_reset();
	assert_int_equal(config_parse(text, sizeof(text) - 1, "test", &config, stderr), 0);
	all = (struct subscribers){.config = config,
		.timers = timers_create(NULL, NULL),
		.pools6 = pools6_create(config),
		.by_session = by_session,
		.sessions = SESSIONS};
	timers_set_now(all.timers, 1000);
	memset(by_session, 0, sizeof(by_session));
	subscriber_lease_duid(config, all.duid);
	open_subscriber(&who[0], 1);
	return 0;
}

static int teardown(void **state)
{
	for (int i = 0; i < SESSIONS; i++)
		if (by_session[i])
			subscriber_lease_end(by_session[i], "test");
	assert_int_equal(pools6_delegated_info(all.pools6, 0).used, 0);
	pools6_free(all.pools6);
	timers_free(all.timers);
	config_free((struct config *)all.config);
	return 0;
}

// ---- the client

static struct build b;
static uint8_t packet[DHCP_PACKET];

static void begin(uint8_t type, uint8_t client)
{
	b = build_in(packet + DHCP_FRONT6, sizeof(packet) - DHCP_FRONT6);
	build_u32(&b, (uint32_t)type << 24 | 0x111111);
	build_bytes(&b, "\0\1\0\4\0\3\0", 7);
	build_u8(&b, client);
	if (type == DHCP6_REQUEST || type == DHCP6_RENEW || type == DHCP6_RELEASE ||
		type == DHCP6_DECLINE) {
		build_u32(&b, 2 << 16 | DHCP6_DUID_UUID);
		build_bytes(&b, all.duid, DHCP6_DUID_UUID);
	}
}

static void ask(uint16_t kind, uint32_t iaid)
{
	build_u16(&b, kind);
	build_u16(&b, 12);
	build_u32(&b, iaid);
	build_u64(&b, 0);
}

static void send_to(uint32_t session, const char *to)
{
	struct ip_address from, all_servers;
	size_t n;

	address_parse("fe80::7", &from);
	address_parse(to, &all_servers);
	n = dhcp_packet_wrap(packet, build_length(&b), &from, &all_servers, 546, 547);
	subscribers_input_ip6(&all, session, packet, n);
}

// The answer's DHCPv6 message, or an empty view.
static struct view heard(void)
{
	static uint8_t copy[DHCP_PACKET];
	const struct fake_packet *f = fake_sent_take();
	struct dhcp_packet p;

	if (!f)
		return view_of(NULL, 0);
	assert_int_equal(f->kind, PACKET_IP6);
	memcpy(copy, f->data, f->length);
	assert_int_equal(dhcp_packet_parse(copy, f->length, &p), 0);
	assert_int_equal(p.to_port, 546);
	assert_int_equal(p.to.bytes[15], 7);
	return p.payload;
}

// The lease of the first association of that kind; IP_NONE: a status instead.
static struct ip_prefix leased(struct view v, uint16_t kind)
{
	struct ip_prefix p = {0};

	view_skip(&v, 4);
	while (view_left(&v)) {
		uint16_t code = view_u16(&v);
		struct view ia = view_sub(&v, view_u16(&v)), o;

		if (code != kind)
			continue;
		view_skip(&ia, 12);
		code = view_u16(&ia);
		o = view_sub(&ia, view_u16(&ia));
		if (code == 5) {
			p = (struct ip_prefix){.address = address_v6(o.at), .length = 128};
		} else if (code == 26) {
			view_skip(&o, 8);
			p.length = view_u8(&o);
			p.address = address_v6(o.at);
		}
		return p;
	}
	return p;
}

static uint8_t type_of(struct view v)
{
	return view_u8(&v);
}

static void request(uint32_t session, uint8_t type, uint8_t client)
{
	begin(type, client);
	ask(DHCP6_NA, 1);
	ask(DHCP6_PD, 2);
	send_to(session, "ff02::1:2");
}

static struct command_route last_route(uint32_t type)
{
	struct command_route r = {0};
	const struct fake_command *c;

	while ((c = fake_command_take()))
		if (c->type == type)
			r = c->route;
	return r;
}

static void leases_from_solicit_to_release(void **state)
{
	struct ip_address address = {0};
	struct ip_prefix delegated = {0}, offered, got;
	struct view v;

	accounted = 0;
	who[0].accounting = (struct accounting_session *)&who[0]; // it is not looked into
	request(1, DHCP6_SOLICIT, 1);
	v = heard();
	assert_int_equal(type_of(v), DHCP6_ADVERTISE);
	assert_int_equal(accounted, 0);
	offered = leased(v, DHCP6_PD);
	assert_int_equal(offered.length, 56);
	assert_int_equal(fake_command_count(), 0); // no route yet
	subscriber_lease_info(&who[0], &address, &delegated);
	assert_int_equal(address.version + delegated.address.version, IP_NONE);
	request(1, DHCP6_REQUEST, 1);
	v = heard();
	assert_int_equal(type_of(v), DHCP6_REPLY);
	got = leased(v, DHCP6_PD);
	assert_memory_equal(&got, &offered, sizeof(got));
	got = leased(v, DHCP6_NA);
	assert_true(prefix_contains(&who[0].family[V6].route, &got.address));
	got = last_route(COMMAND_ROUTE_ADD).prefix;
	assert_memory_equal(&got, &offered, sizeof(got));
	subscriber_lease_info(&who[0], &address, &delegated);
	assert_memory_equal(&delegated, &offered, sizeof(delegated));
	assert_int_equal(address.version, IP_V6);
	request(1, DHCP6_RENEW, 1);
	got = leased(heard(), DHCP6_PD);
	assert_memory_equal(&got, &offered, sizeof(got));
	assert_int_equal(fake_command_count(), 0); // it is there
	request(1, DHCP6_RELEASE, 1);
	assert_int_equal(type_of(heard()), DHCP6_REPLY);
	got = last_route(COMMAND_ROUTE_DELETE).prefix;
	assert_memory_equal(&got, &offered, sizeof(got));
	assert_int_equal(pools6_delegated_info(all.pools6, 0).used, 0);
	timers_run(all.timers, timers_now(all.timers));
	assert_int_equal(accounted, 1); // it has come and gone in no time
	for (int i = 0; i < 5; i++) {
		request(1, DHCP6_REQUEST, 1);
		request(1, DHCP6_RELEASE, 1);
		timers_run(all.timers, timers_now(all.timers) + 1000);
	}
	assert_int_equal(accounted, 1);
	timers_run(all.timers, timers_now(all.timers) + 60000);
	assert_int_equal(accounted, 2);
}

// The client hears of it when the dataplane has the route, and of no prefix when it refuses.
static void waits_for_the_route(void **state)
{
	fake_install_hold(true);
	request(1, DHCP6_REQUEST, 1);
	assert_int_equal(fake_sent_count(), 0);
	request(1, DHCP6_REQUEST, 1); // once more
	assert_int_equal(fake_sent_count(), 0);
	fake_install_release();
	assert_int_equal(fake_sent_count(), 1);
	assert_int_equal(leased(heard(), DHCP6_PD).length, 56);
	fake_install_hold(false);
	request(1, DHCP6_RELEASE, 1);
	(void)heard();
	fake_install_answer(-EEXIST);
	request(1, DHCP6_REQUEST, 1);
	assert_int_equal(leased(heard(), DHCP6_PD).length, 0);
	assert_int_equal(pools6_delegated_info(all.pools6, 0).used, 0);
	fake_install_answer(0);
	fake_install_full(true);
	request(1, DHCP6_REQUEST, 1);
	assert_int_equal(leased(heard(), DHCP6_PD).length, 0);
	fake_install_full(false);
	// Gone before the dataplane has answered.
	fake_install_hold(true);
	request(1, DHCP6_REQUEST, 1);
	subscriber_lease_end(&who[0], "test");
	fake_install_release();
	assert_int_equal(fake_sent_count(), 0);
	assert_int_equal(pools6_delegated_info(all.pools6, 0).used, 0);
}

// IPV6CP goes down and comes up again: the client keeps what it has.
static void outlives_ipv6cp(void **state)
{
	struct ip_prefix got, again;

	request(1, DHCP6_REQUEST, 1);
	got = leased(heard(), DHCP6_PD);
	subscriber_ip6_down(&who[0]);
	again = last_route(COMMAND_ROUTE_DELETE).prefix;
	assert_memory_equal(&again, &got, sizeof(got));
	assert_int_equal(pools6_delegated_info(all.pools6, 0).used, 1);
	subscriber_ip6_up(&who[0]);
	(void)fake_sent_take();
	again = last_route(COMMAND_ROUTE_ADD).prefix;
	assert_memory_equal(&again, &got, sizeof(got));
	// With another prefix of its own, and another one to be delegated.
	subscriber_ip6_down(&who[0]);
	who[0].family[V6].route = prefix("2001:db8:64:6::/64");
	who[0].grant.delegated = prefix("2001:db8:bb00::/48");
	subscriber_ip6_up(&who[0]);
	(void)fake_sent_take();
	assert_int_equal(last_route(COMMAND_ROUTE_ADD).prefix.length, 0);
	assert_int_equal(pools6_delegated_info(all.pools6, 0).used, 0);
	request(1, DHCP6_RENEW, 1);
	got = leased(heard(), DHCP6_PD);
	assert_int_equal(got.length, 48);
}

static void ends_with_time(void **state)
{
	struct ip_address address = {0};
	struct ip_prefix delegated = {0};

	request(1, DHCP6_SOLICIT, 1); // and never asks for it
	assert_int_equal(pools6_delegated_info(all.pools6, 0).used, 1);
	timers_run(all.timers, 1000 + 121 * 1000);
	assert_int_equal(pools6_delegated_info(all.pools6, 0).used, 0);
	request(1, DHCP6_REQUEST, 1);
	timers_run(all.timers, timers_now(all.timers) + 7000 * 1000);
	request(1, DHCP6_RENEW, 1);
	timers_run(all.timers, timers_now(all.timers) + 7000 * 1000);
	assert_int_equal(pools6_delegated_info(all.pools6, 0).used, 1);
	timers_run(all.timers, timers_now(all.timers) + 300 * 1000);
	assert_int_equal(pools6_delegated_info(all.pools6, 0).used, 0);
	assert_int_equal(last_route(COMMAND_ROUTE_DELETE).prefix.length, 56);
	subscriber_lease_info(&who[0], &address, &delegated);
	assert_int_equal(address.version + delegated.address.version, IP_NONE);
}

static void declines_and_other_clients(void **state)
{
	struct ip_prefix first, second;

	request(1, DHCP6_REQUEST, 1);
	first = leased(heard(), DHCP6_NA);
	request(1, DHCP6_DECLINE, 1);
	(void)heard();
	request(1, DHCP6_REQUEST, 1);
	second = leased(heard(), DHCP6_NA);
	assert_memory_not_equal(&first, &second, sizeof(first));
	// Another client on the same link has nothing to release, but may take over.
	request(1, DHCP6_RELEASE, 2);
	(void)heard();
	request(1, DHCP6_REQUEST, 2);
	assert_int_equal(leased(heard(), DHCP6_PD).length, 56);
	assert_int_equal(pools6_delegated_info(all.pools6, 0).used, 1);
}

static void gives_what_is_granted(void **state)
{
	struct ip_prefix got;

	address_parse("2001:db8:aaaa::5", &who[0].grant.address6);
	who[0].grant.delegated = prefix("2001:db8:bb00::/48");
	request(1, DHCP6_REQUEST, 1);
	got = leased(heard(), DHCP6_NA);
	assert_int_equal(got.length, 128);
	assert_true(address_equal(&got.address, &who[0].grant.address6));
	assert_int_equal(fake_command_count(), 2); // a route for each
	// He dials in once more, and his old session lingers.
	open_subscriber(&who[1], 2);
	who[1].grant.delegated = prefix("2001:db8:bb00::/48");
	request(2, DHCP6_REQUEST, 1);
	got = leased(heard(), DHCP6_PD);
	assert_int_equal(got.length, 48);
	request(1, DHCP6_RENEW, 1);
	assert_int_equal(leased(heard(), DHCP6_PD).length, 0);
}

static void keeps_to_the_rules(void **state)
{
	struct view v;

	begin(DHCP6_REQUEST, 1);
	ask(DHCP6_PD, 2);
	send_to(1, "fe80::1");
	v = heard();
	assert_int_equal(type_of(v), DHCP6_REPLY);
	assert_int_equal(leased(v, DHCP6_PD).length, 0);
	assert_int_equal(pools6_delegated_info(all.pools6, 0).used, 0);
	begin(DHCP6_SOLICIT, 1);
	send_to(1, "fe80::1");
	assert_int_equal(fake_sent_count(), 0);
	begin(DHCP6_SOLICIT, 1);
	build_u8(&b, 0);
	send_to(1, "ff02::1:2");
	request(3, DHCP6_SOLICIT, 1); // nobody's session
	who[0].family[V6].opened = false;
	request(1, DHCP6_SOLICIT, 1);
	assert_int_equal(fake_sent_count(), 0);
}

static void advertises_what_there_is(void **state)
{
	const struct fake_packet *f;

	subscriber_ip6_up(&who[0]);
	f = fake_sent_take();
	assert_non_null(f);
	assert_int_equal(f->data[45], 0x80 | 0x40);
	assert_int_equal(f->length, 40 + 16 + 32 + 24 + 24);
	assert_memory_equal(
		f->data + f->length - 24, "\x1f\3\0\0\0\0\x7\x8\4corp\7example\0\0", 24);
	who[0].grant.group = 0;
	strcpy(who[0].grant.pool, "other");
	memset(who[0].grant.dns6, 0, sizeof(who[0].grant.dns6));
	subscriber_ip6_up(&who[0]);
	f = fake_sent_take();
	assert_int_equal(f->data[45], 0);
	assert_int_equal(f->length, 40 + 16 + 32);
}

// ---- DHCPINFORM

static void inform(uint8_t type, const char *from, const char *client)
{
	static const uint8_t rest[] = {55, 3, 249, 6, 15, 255};
	struct ip_address source, ciaddr, all_hosts = address_from_u32(UINT32_MAX);
	size_t n;

	address_parse(from, &source);
	address_parse(client, &ciaddr);
	b = build_in(packet + DHCP_FRONT4, 600);
	build_u32(&b, 0x01080600);
	build_zero(&b, 8);
	build_bytes(&b, ciaddr.bytes, 4);
	build_zero(&b, 220);
	build_u32(&b, 0x63825363);
	build_bytes(&b, (const uint8_t[]){53, 1, type}, 3);
	build_bytes(&b, rest, sizeof(rest));
	n = dhcp_packet_wrap(packet, build_length(&b), &source, &all_hosts, 68, 67);
	subscribers_input_ip4(&all, 1, packet, n);
}

static void tells_routes(void **state)
{
	const struct fake_packet *f;

	inform(DHCP4_INFORM, "100.64.0.8", "100.64.0.8");
	f = fake_sent_take();
	assert_non_null(f);
	assert_int_equal(f->kind, PACKET_IP4);
	assert_memory_equal(f->data + 12, "\x64\x40\0\1\x64\x40\0\x8\0\x43\0\x44", 12);
	assert_memory_equal(f->data + 28 + 240, "\x35\1\5\x36\4\x64\x40\0\1\6\4\x8\x8\x8\x8", 15);
	assert_memory_equal(
		f->data + f->length - 16, "\xf9\xd\x8\xa\0\0\0\0\xc\xac\x10\0\0\0\0\xff", 16);
	inform(DHCP4_INFORM, "100.64.0.8", "0.0.0.0");
	assert_non_null(fake_sent_take());
	inform(DHCP4_REQUEST, "100.64.0.8", "100.64.0.8");
	inform(DHCP4_DISCOVER, "100.64.0.8", "0.0.0.0");
	inform(DHCP4_INFORM, "100.64.0.9", "100.64.0.9");
	inform(DHCP4_INFORM, "100.64.0.8", "100.64.0.9");
	packet[30] ^= 1;
	subscribers_input_ip4(&all, 1, packet, 300);
	who[0].family[V4].opened = false;
	inform(DHCP4_INFORM, "100.64.0.8", "100.64.0.8");
	assert_int_equal(fake_sent_count(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(leases_from_solicit_to_release, setup, teardown),
		cmocka_unit_test_setup_teardown(waits_for_the_route, setup, teardown),
		cmocka_unit_test_setup_teardown(outlives_ipv6cp, setup, teardown),
		cmocka_unit_test_setup_teardown(ends_with_time, setup, teardown),
		cmocka_unit_test_setup_teardown(declines_and_other_clients, setup, teardown),
		cmocka_unit_test_setup_teardown(gives_what_is_granted, setup, teardown),
		cmocka_unit_test_setup_teardown(keeps_to_the_rules, setup, teardown),
		cmocka_unit_test_setup_teardown(advertises_what_there_is, setup, teardown),
		cmocka_unit_test_setup_teardown(tells_routes, setup, teardown),
	};

	return cmocka_run_group_tests_name("subscriber_ip", tests, NULL, NULL);
}

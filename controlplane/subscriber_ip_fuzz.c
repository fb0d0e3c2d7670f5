// SPDX-License-Identifier: Apache-2.0

// Two sessions of one user whose IP stacks say what the bytes say: DHCPv6 messages that make sense
// but for some bytes, DHCP, anything; between them IPv6 goes down and up, time passes and the
// dataplane answers now or later. In the end every prefix is back and every route is gone.

#include "controlplane/fakes.h"
#include "controlplane/subscriber_record.h"

#include "contract/build.h"
#include "contract/view.h"
#include "controlplane/dhcp/packet.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

const uint8_t ppp_identifier[PPP_IDENTIFIER] = {[7] = 1};

void subscriber_account(struct subscriber *s)
{
	(void)s;
}

enum { SESSIONS = 2, STEPS = 60, MOST = 400 };

static const struct road road = {.word = "l2tp", .advertises = true};
static struct config *config;
static struct subscribers all;
static struct subscriber *by_session[SESSIONS];
static struct subscriber who[SESSIONS];
static int routes; // added and not deleted

static void check(bool right)
{
	if (!right)
		abort();
}

static void make_config(void)
{
	static struct config c;

	c.pool_count = 1;
	strcpy(c.pools[0].name, "p");
	check(prefix_parse("2001:db8:64::/60", &c.pools[0].prefixes6[0], NULL) == 0);
	check(prefix_parse("2001:db8:d000::/55", &c.pools[0].delegated[0], NULL) == 0);
	c.pools[0].prefix6_count = c.pools[0].delegated_count = 1;
	c.pools[0].delegated_length = 56;
	address_parse("100.64.0.1", &c.ppp.local);
	c.log_level = LEVEL_ERROR;
	config = &c;
}

static void open_subscriber(uint32_t session, uint8_t choice)
{
	struct subscriber *s = &who[session];

	*s = (struct subscriber){.all = &all,
		.id = session + 1,
		.session = session,
		.road = &road,
		.user = "alice",
		.granted = true,
		.state = SUBSCRIBER_UP,
		.next = all.first};
	s->family[V4].opened = s->family[V6].opened = true;
	check(prefix_parse("100.64.0.8/32", &s->family[V4].route, NULL) == 0);
	check(prefix_parse("2001:db8:64:5::/64", &s->family[V6].route, NULL) == 0);
	if (choice & 1)
		check(prefix_parse("2001:db8:bb00::/48", &s->grant.delegated, NULL) == 0);
	if (choice & 2)
		address_parse("2001:db8:aa::5", &s->grant.address6);
	all.first = by_session[session] = s;
}

static void count_routes(void)
{
	const struct fake_command *c;

	while ((c = fake_command_take()))
		routes += c->type == COMMAND_ROUTE_ADD      ? 1
			  : c->type == COMMAND_ROUTE_DELETE ? -1
							    : 0;
	while (fake_sent_take())
		;
}

// ---- the steps

static void put_ia(struct build *b, struct view *v)
{
	uint8_t choice = view_u8(v);

	build_u16(b, choice & 1 ? DHCP6_PD : DHCP6_NA);
	build_u16(b, choice & 2 ? 12 + 29 : 12);
	build_u32(b, choice >> 2 & 1);
	build_u64(b, 0);
	if (!(choice & 2))
		return;
	build_u16(b, choice & 1 ? 26 : 5);
	build_u16(b, 25);
	for (int i = 0; i < 25; i++)
		build_u8(b, choice & 8 ? view_u8(v) : 0);
}

static void message6(uint32_t session, struct view *v)
{
	uint8_t packet[DHCP_PACKET], type = view_u8(v), how = view_u8(v);
	struct build b = build_in(packet + DHCP_FRONT6, MOST);
	struct ip_address from, to;
	size_t n;

	address_parse("fe80::7", &from);
	address_parse(how & 1 ? "fe80::1" : "ff02::1:2", &to);
	build_u32(&b, (uint32_t)(type % 12) << 24);
	build_bytes(&b, "\0\1\0\4\0\3\0", 7);
	build_u8(&b, how >> 1 & 1);
	if (how & 4) {
		build_u32(&b, 2 << 16 | DHCP6_DUID_UUID);
		build_bytes(&b, all.duid, DHCP6_DUID_UUID);
	}
	if (how & 8)
		build_u32(&b, 14 << 16);
	for (int i = how >> 6; i > 0; i--)
		put_ia(&b, v);
	if (how & 16 && build_length(&b) > 5)
		packet[DHCP_FRONT6 + view_u8(v) % build_length(&b)] ^= view_u8(v);
	n = dhcp_packet_wrap(packet, build_length(&b), &from, &to, 546, 547);
	subscribers_input_ip6(&all, session, packet, n);
}

static void anything(uint32_t session, struct view *v)
{
	uint8_t packet[MOST];
	size_t length = view_u8(v);

	length = length < view_left(v) ? length : view_left(v);
	view_copy(v, packet, length);
	subscribers_input_ip6(&all, session, packet, length);
	subscribers_input_ip4(&all, session, packet, length);
}

static void step(struct view *v)
{
	uint8_t what = view_u8(v);
	uint32_t session = what >> 7;
	struct subscriber *s = &who[session];

	switch (what % 8) {
	case 0:
		subscriber_ip6_down(s);
		s->family[V6].opened = false;
		break;
	case 1:
		s->family[V6].opened = true;
		subscriber_ip6_up(s);
		break;
	case 2:
		timers_run(all.timers, timers_now(all.timers) + view_u8(v) * 60000ULL);
		break;
	case 3:
		fake_install_hold(what & 8);
		if (!(what & 8))
			fake_install_release();
		break;
	case 4:
		anything(session, v);
		break;
	case 5:
		s->grant.delegated.address.version = what & 8 ? IP_V6 : IP_NONE;
		break;
	default:
		message6(session, v);
		break;
	}
	count_routes();
}

static void finish(void)
{
	struct ip_prefix fixed, out;

	fake_install_hold(false);
	fake_install_release();
	count_routes();
	for (uint32_t i = 0; i < SESSIONS; i++) {
		subscriber_ip6_down(&who[i]);
		subscriber_lease_end(&who[i], "the end");
	}
	count_routes();
	check(routes == 0);
	check(pools6_delegated_info(all.pools6, 0).used == 0);
	check(prefix_parse("2001:db8:bb00::/48", &fixed, NULL) == 0);
	check(pools6_delegate(all.pools6, "", "alice", &fixed, NULL, &out) == 0);
	pools6_free(all.pools6);
	timers_free(all.timers);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view v = view_of(data, size);
	uint8_t choice = view_u8(&v);

	if (!config)
		make_config();
	log_set_level(LEVEL_ERROR);
	fakes_reset();
	routes = 0;
	all = (struct subscribers){.config = config,
		.timers = timers_create(NULL, NULL),
		.pools6 = pools6_create(config),
		.by_session = by_session,
		.sessions = SESSIONS};
	check(all.timers && all.pools6);
	timers_set_now(all.timers, 1000);
	subscriber_lease_duid(config, all.duid);
	for (uint32_t i = 0; i < SESSIONS; i++)
		open_subscriber(i, choice >> 2 * i);
	for (int i = 0; view_left(&v) && i < STEPS; i++)
		step(&v);
	finish();
	return 0;
}

// SPDX-License-Identifier: Apache-2.0

#include "dhcp6.h"

#include "contract/build.h"
#include "contract/view.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t ours[DHCP6_DUID_UUID] = {0, 4, 1, 2, 3, 4};
static struct dhcp6_server server;
static struct build b;
static uint8_t message[1500], out[1280];

static struct ip_prefix prefix(const char *text)
{
	struct ip_prefix p;

	assert_int_equal(prefix_parse(text, &p, NULL), 0);
	return p;
}

static int setup(void **state)
{
	server = (struct dhcp6_server){.duid = ours,
		.duid_length = sizeof(ours),
		.domain = "corp.example",
		.address.prefix = prefix("2001:db8:1::1/128"),
		.delegated.prefix = prefix("2001:db8:d0::/56"),
		.on_link = prefix("2001:db8:1::/64"),
		.preferred_s = 3600,
		.valid_s = 7200};
	address_parse("2001:db8::53", &server.dns[0]);
	return 0;
}

// ---- what clients send

static void begin(uint8_t type)
{
	b = build_in(message, sizeof(message));
	build_u32(&b, (uint32_t)type << 24 | 0xabcdef);
	build_bytes(&b, "\0\1\0\4\0\3\0\1", 8); // client: DUID-LL
}

static void name_us(void)
{
	build_u32(&b, 2 << 16 | sizeof(ours));
	build_bytes(&b, ours, sizeof(ours));
}

static void ia(uint16_t kind, uint32_t iaid, const char *lease)
{
	struct ip_prefix p = lease ? prefix(lease) : (struct ip_prefix){0};
	uint16_t body = kind == DHCP6_PD ? 25 : 24;

	build_u16(&b, kind);
	build_u16(&b, 12 + (lease ? 4 + body : 0));
	build_u32(&b, iaid);
	build_u64(&b, 0);
	if (!lease)
		return;
	build_u16(&b, kind == DHCP6_PD ? 26 : 5);
	build_u16(&b, body);
	if (kind == DHCP6_NA)
		build_bytes(&b, p.address.bytes, 16);
	build_u64(&b, 0);
	if (kind == DHCP6_NA)
		return;
	build_u8(&b, p.length);
	build_bytes(&b, p.address.bytes, 16);
}

static void request(void)
{
	build_bytes(&b, "\0\6\0\4\0\x17\0\x18", 8);
}

static struct dhcp6_message parsed(void)
{
	struct dhcp6_message m;

	assert_false(b.failed);
	assert_int_equal(dhcp6_parse(message, build_length(&b), &m), 0);
	return m;
}

// ---- what they are answered

struct seen {
	uint8_t type;
	bool client, server, preference, rapid, dns, domain;
	int status;                                  // -1: none
	int ia_status[4];                            // of each association
	struct ip_prefix lease[4];                   // the first one of it
	uint32_t iaid[4], t1[4], t2[4], valid[4][2]; // and lifetimes of two
	unsigned ias, leases[4];
};

static void see_ia(struct view v, struct seen *s)
{
	unsigned i = s->ias++;

	assert_true(i < 4);
	s->iaid[i] = view_u32(&v);
	s->t1[i] = view_u32(&v);
	s->t2[i] = view_u32(&v);
	s->ia_status[i] = -1;
	while (view_left(&v)) {
		uint16_t code = view_u16(&v);
		struct view o = view_sub(&v, view_u16(&v));
		struct ip_prefix p = {.address.version = IP_V6, .length = 128};

		if (code == 13) {
			s->ia_status[i] = view_u16(&o);
			continue;
		}
		if (code == 5)
			view_copy(&o, p.address.bytes, 16);
		view_skip(&o, 4);
		assert_true(s->leases[i] < 2);
		s->valid[i][s->leases[i]] = view_u32(&o);
		if (code == 26) {
			p.length = view_u8(&o);
			view_copy(&o, p.address.bytes, 16);
		}
		if (s->leases[i]++ == 0)
			s->lease[i] = p;
		assert_false(o.failed);
	}
	assert_false(v.failed);
}

static struct seen answer(void)
{
	const struct dhcp6_message m = parsed();
	size_t n = dhcp6_answer(&m, &server, out, sizeof(out));
	struct view v = view_of(out, n);
	struct seen s = {.status = -1};

	if (n == 0)
		return s;
	s.type = view_u8(&v);
	assert_memory_equal(out + 1, "\xab\xcd\xef", 3);
	view_skip(&v, 3);
	while (view_left(&v)) {
		uint16_t code = view_u16(&v);
		struct view o = view_sub(&v, view_u16(&v));

		s.client |= code == 1 && view_left(&o) == 4;
		s.server |= code == 2 && view_left(&o) == sizeof(ours);
		s.preference |= code == 7 && *o.at == 255;
		s.rapid |= code == 14 && view_left(&o) == 0;
		s.dns |= code == 23 && view_left(&o) == 16;
		s.domain |= code == 24 && view_left(&o) == 14;
		if (code == 13)
			s.status = view_u16(&o);
		if (code == DHCP6_NA || code == DHCP6_PD)
			see_ia(o, &s);
	}
	assert_false(v.failed);
	return s;
}

static void advertises(void **state)
{
	struct seen s;

	begin(DHCP6_SOLICIT);
	ia(DHCP6_NA, 7, NULL);
	ia(DHCP6_PD, 9, "::/56");
	request();
	s = answer();
	assert_int_equal(s.type, DHCP6_ADVERTISE);
	assert_true(s.client && s.server && s.preference && s.dns && s.domain && !s.rapid);
	assert_int_equal(s.ias, 2);
	assert_int_equal(s.iaid[0], 7);
	assert_int_equal(s.iaid[1], 9);
	assert_memory_equal(&s.lease[0], &server.address.prefix, sizeof(s.lease[0]));
	assert_memory_equal(&s.lease[1], &server.delegated.prefix, sizeof(s.lease[1]));
	assert_int_equal(s.t1[1], 1800);
	assert_int_equal(s.t2[1], 2880);
	assert_int_equal(s.valid[1][0], 7200);
	begin(DHCP6_SOLICIT);
	build_u32(&b, 14 << 16);
	ia(DHCP6_PD, 9, NULL);
	s = answer();
	assert_int_equal(s.type, DHCP6_REPLY);
	assert_true(s.rapid && !s.preference && !s.dns && !s.domain);
	assert_int_equal(s.leases[0], 1);
}

static void says_what_is_not_there(void **state)
{
	struct seen s;

	memset(&server.address, 0, sizeof(server.address));
	memset(&server.delegated, 0, sizeof(server.delegated));
	begin(DHCP6_SOLICIT);
	ia(DHCP6_NA, 7, NULL);
	ia(DHCP6_PD, 9, NULL);
	s = answer();
	assert_int_equal(s.ia_status[0], 2);
	assert_int_equal(s.ia_status[1], 6);
	assert_int_equal(s.t1[0], 0);
	begin(DHCP6_RENEW);
	name_us();
	ia(DHCP6_NA, 7, "2001:db8:1::1/128");
	ia(DHCP6_PD, 9, "2001:db8:d0::/56");
	s = answer();
	assert_int_equal(s.type, DHCP6_REPLY);
	assert_int_equal(s.ia_status[0], 3);
	assert_int_equal(s.ia_status[1], 3);
}

// One association of each kind: the one that is bound, or the first.
static void gives_to_one(void **state)
{
	struct seen s;

	begin(DHCP6_REQUEST);
	name_us();
	ia(DHCP6_PD, 1, NULL);
	ia(DHCP6_PD, 2, NULL);
	ia(DHCP6_NA, 2, NULL);
	s = answer();
	assert_int_equal(s.leases[0], 1);
	assert_int_equal(s.ia_status[1], 6);
	assert_int_equal(s.leases[2], 1);
	server.delegated.bound = true;
	server.delegated.iaid = 2;
	s = answer();
	assert_int_equal(s.ia_status[0], 6);
	assert_int_equal(s.leases[1], 1);
}

static void knows_the_link(void **state)
{
	struct seen s;

	begin(DHCP6_REQUEST);
	name_us();
	ia(DHCP6_NA, 7, "2001:db8:2::1/128");
	s = answer();
	assert_int_equal(s.ia_status[0], 4);
	assert_int_equal(s.leases[0], 0);
	begin(DHCP6_CONFIRM);
	ia(DHCP6_NA, 7, "2001:db8:1::77/128");
	assert_int_equal(answer().status, 0);
	ia(DHCP6_NA, 8, "2001:db8:2::1/128");
	assert_int_equal(answer().status, 4);
	begin(DHCP6_CONFIRM);
	ia(DHCP6_NA, 7, NULL);
	ia(DHCP6_PD, 7, "2001:db8:d0::/56");
	assert_int_equal(answer().type, 0); // no answer
}

static void ends_what_is_old(void **state)
{
	struct seen s;

	begin(DHCP6_REBIND);
	ia(DHCP6_PD, 7, "2001:db8:dd::/56");
	s = answer();
	assert_int_equal(s.leases[0], 2);
	assert_memory_equal(&s.lease[0], &server.delegated.prefix, sizeof(s.lease[0]));
	assert_int_equal(s.valid[0][0], 7200);
	assert_int_equal(s.valid[0][1], 0);
	begin(DHCP6_RENEW);
	name_us();
	ia(DHCP6_PD, 7, "2001:db8:d0::/56");
	assert_int_equal(answer().leases[0], 1);
}

static void releases(void **state)
{
	struct seen s;

	server.address.bound = server.delegated.bound = true;
	server.address.iaid = server.delegated.iaid = 7;
	begin(DHCP6_RELEASE);
	name_us();
	ia(DHCP6_NA, 7, "2001:db8:1::1/128");
	ia(DHCP6_PD, 8, "2001:db8:d0::/56");
	s = answer();
	assert_int_equal(s.status, 0);
	assert_int_equal(s.ias, 1);
	assert_int_equal(s.iaid[0], 8);
	assert_int_equal(s.ia_status[0], 3);
	message[0] = DHCP6_DECLINE;
	assert_int_equal(answer().ias, 1);
	begin(DHCP6_INFORMATION_REQUEST);
	request();
	s = answer();
	assert_int_equal(s.type, DHCP6_REPLY);
	assert_true(s.dns && s.domain && s.client && s.server);
}

static const char *checked(bool to_all, bool *use_multicast)
{
	const struct dhcp6_message m = parsed();

	return dhcp6_check(&m, ours, sizeof(ours), to_all, use_multicast);
}

static void ignores_by_the_rules(void **state)
{
	static const uint8_t to_us[] = {DHCP6_REQUEST, DHCP6_RENEW, DHCP6_RELEASE, DHCP6_DECLINE};
	static const uint8_t to_all[] = {DHCP6_SOLICIT, DHCP6_CONFIRM, DHCP6_REBIND};
	struct dhcp6_message m;
	bool multicast;

	for (size_t i = 0; i < sizeof(to_all); i++) {
		begin(to_all[i]);
		assert_null(checked(true, &multicast));
		assert_non_null(checked(false, &multicast));
		name_us();
		assert_non_null(checked(true, &multicast));
		build_patch_u16(&b, 4, 99); // no client identifier
		b.length = 12;
		assert_string_equal(checked(true, &multicast), "no client identifier");
	}
	for (size_t i = 0; i < sizeof(to_us); i++) {
		begin(to_us[i]);
		assert_string_equal(checked(true, &multicast), "no server identifier");
		name_us();
		assert_null(checked(true, &multicast));
		assert_false(multicast);
		assert_null(checked(false, &multicast));
		assert_true(multicast);
		message[20]++;
		assert_string_equal(checked(true, &multicast), "for another server");
	}
	m = parsed();
	assert_int_equal(dhcp6_refuse(&m, &server, out, sizeof(out)), 4 + 8 + 22 + 4 + 2 + 22);
	begin(DHCP6_INFORMATION_REQUEST);
	assert_null(checked(true, &multicast));
	ia(DHCP6_NA, 1, NULL);
	assert_non_null(checked(true, &multicast));
}

static void refuses_malformed(void **state)
{
	struct dhcp6_message m;
	size_t n;

	for (uint8_t type = 0; type < 255; type++) {
		bool client = type == 1 || (type >= 3 && type <= 6) || type == 8 || type == 9 ||
			      type == 11;

		begin(type);
		assert_int_equal(
			dhcp6_parse(message, build_length(&b), &m), client ? 0 : -EOPNOTSUPP);
	}
	begin(DHCP6_SOLICIT);
	ia(DHCP6_NA, 7, "2001:db8:1::1/128");
	ia(DHCP6_PD, 7, "2001:db8:d0::/56");
	n = build_length(&b);
	for (size_t cut = 0; cut < n; cut++)
		if (cut != 4 && cut != 12 && cut != 12 + 44)
			assert_int_equal(dhcp6_parse(message, cut, &m), -EINVAL);
	message[n - 17] = 129;
	assert_int_equal(dhcp6_parse(message, n, &m), -EINVAL);
	// Twice a client identifier, one that is too short, one that is too long.
	begin(DHCP6_SOLICIT);
	build_bytes(&b, message + 4, 8);
	assert_int_equal(dhcp6_parse(message, build_length(&b), &m), -EINVAL);
	message[7] = 2;
	assert_int_equal(dhcp6_parse(message, 10, &m), -EINVAL);
	memset(message + 4, 0, 140);
	message[5] = 1;
	message[7] = 131;
	assert_int_equal(dhcp6_parse(message, 4 + 4 + 131, &m), -EINVAL);
	message[7] = 130;
	assert_int_equal(dhcp6_parse(message, 4 + 4 + 130, &m), 0);
	// Many associations and leases: the first ones count.
	begin(DHCP6_SOLICIT);
	for (uint32_t i = 0; i < 20; i++)
		ia(DHCP6_NA, i, NULL);
	m = parsed();
	assert_int_equal(m.ia_count, DHCP6_IAS);
	// Host bits of a hint go.
	begin(DHCP6_SOLICIT);
	ia(DHCP6_PD, 7, "2001:db8:d0::/56");
	message[build_length(&b) - 1] = 1;
	m = parsed();
	assert_int_equal(m.ias[0].leases[0].prefix.address.bytes[15], 0);
}

static void stays_in_its_room(void **state)
{
	struct dhcp6_message m;

	begin(DHCP6_SOLICIT);
	ia(DHCP6_NA, 7, NULL);
	ia(DHCP6_PD, 9, NULL);
	m = parsed();
	for (size_t room = 0; room < 200; room++)
		assert_true(dhcp6_answer(&m, &server, out, room) <= room);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(advertises, setup),
		cmocka_unit_test_setup(says_what_is_not_there, setup),
		cmocka_unit_test_setup(gives_to_one, setup),
		cmocka_unit_test_setup(knows_the_link, setup),
		cmocka_unit_test_setup(ends_what_is_old, setup),
		cmocka_unit_test_setup(releases, setup),
		cmocka_unit_test_setup(ignores_by_the_rules, setup),
		cmocka_unit_test_setup(refuses_malformed, setup),
		cmocka_unit_test_setup(stays_in_its_room, setup),
	};

	return cmocka_run_group_tests_name("dhcp6", tests, NULL, NULL);
}

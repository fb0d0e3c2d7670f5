// SPDX-License-Identifier: Apache-2.0

#include "dictionary.h"
#include "freeradius_fixture.h"
#include "reply.h"
#include "reply_fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CISCO = VENDOR_CISCO, MS = VENDOR_MICROSOFT, WISPR = VENDOR_WISPR, MT = VENDOR_MIKROTIK };
enum { ERX = 4874 };

static const struct radius_secret secret = {"xyzzy5461", 9};
static struct config *config;
static struct radius_build b;
static struct grant grant;
static char complaints[4096], granted[4096];

static int begin_all(void **state)
{
	assert_int_equal(config_parse(reply_config, strlen(reply_config), "f", &config, stderr), 0);
	return 0;
}

static int end_all(void **state)
{
	config_free(config);
	return 0;
}

static void complain(void *context, const struct reply_complaint *c)
{
	size_t n = strlen(complaints);

	snprintf(
		complaints + n, sizeof(complaints) - n, "%s %s %s; ", c->name, c->value, c->reason);
}

static void note(void *context, const char *word, const char *value, const char *from)
{
	size_t n = strlen(granted);

	snprintf(granted + n, sizeof(granted) - n, "%s=%s; ", word, value);
}

static void start(void)
{
	assert_int_equal(radius_begin(&b, RADIUS_ACCOUNTING_RESPONSE, &secret), 0);
}

// "t:text", "n:number", "a:address", "p:prefix6", "x:hexadecimal digits", "z:" so many zeros.
static void put(uint32_t vendor, uint8_t type, const char *spec)
{
	uint8_t bytes[256];
	size_t n = 0;
	const char *v = spec + 2;
	struct ip_address a;
	struct ip_prefix p;
	unsigned byte;
	int used;

	switch (spec[0]) {
	case 't':
		n = strlen(v);
		memcpy(bytes, v, n);
		break;
	case 'n':
		for (int i = 0; i < 4; i++)
			bytes[n++] = (uint8_t)(strtoull(v, NULL, 10) >> (24 - 8 * i));
		break;
	case 'a':
		assert_int_equal(address_parse(v, &a), 0);
		n = a.version == IP_V4 ? 4 : 16;
		memcpy(bytes, a.bytes, n);
		break;
	case 'p':
		assert_int_equal(prefix_parse(v, &p, NULL), 0);
		bytes[0] = 0;
		bytes[1] = p.length;
		memcpy(bytes + 2, p.address.bytes, 16);
		n = 18;
		break;
	case 'z':
		n = strtoul(v, NULL, 10);
		memset(bytes, 0, n);
		break;
	default:
		for (; sscanf(v, "%2x%n", &byte, &used) == 1; v += used)
			bytes[n++] = (uint8_t)byte;
	}
	if (vendor)
		radius_put_vendor(&b, vendor, type, bytes, n);
	else
		radius_put(&b, type, bytes, n);
}

static void read_as(enum grant_from from)
{
	struct radius_packet p;
	int lacks;

	grant_free(&grant);
	complaints[0] = granted[0] = '\0';
	assert_true(radius_finish(&b, 1, NULL) > 0);
	assert_int_equal(radius_parse(b.bytes, b.length, &p), 0);
	lacks = reply_grant(config, &p, from, &grant, complain, NULL);
	// Who is to be held back by what is not there must not come in; nothing else is so grave.
	assert_int_equal(
		lacks, strstr(complaints, "is no filter of the configuration") ||
				       strstr(complaints, "is no group of the configuration")
			       ? -ENOENT
			       : 0);
	grant_each(config, &grant, note, NULL);
}

static void is(const char *what, const char *want, const char *got)
{
	if (strcmp(want, got) != 0)
		fail_msg("%s: wanted \"%s\", is \"%s\"", what, want, got);
}

struct one {
	uint32_t vendor;
	uint8_t type;
	const char *value;
	const char *granted;   // all of it, or "" for none
	const char *complaint; // its reason, NULL for none
};

static void check(const struct one *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char want[600];

		start();
		put(cases[i].vendor, cases[i].type, cases[i].value);
		// The rest of the reply counts whatever becomes of it.
		put(0, 25, "t:c");
		read_as(FROM_RADIUS);
		snprintf(want, sizeof(want), "%sclass=63; ", cases[i].granted);
		is(cases[i].value, want, granted);
		if (!cases[i].complaint)
			is(cases[i].value, "", complaints);
		else if (!strstr(complaints, cases[i].complaint))
			fail_msg("%s: wanted a complaint \"%s\", is \"%s\"", cases[i].value,
				cases[i].complaint, complaints);
	}
}
#define CHECK(cases) check(cases, sizeof(cases) / sizeof(cases[0]))

static void test_address(void **state)
{
	static const struct one cases[] = {
		{0, 8, "a:203.0.113.7", "address=203.0.113.7; ", NULL},
		{0, 8, "a:100.64.0.9", "address=100.64.0.9; ", NULL},
		{0, 8, "a:255.255.255.254", "address=; ", NULL},
		{0, 8, "a:255.255.255.255", "", "choose"},
		{0, 8, "a:0.0.0.0", "", "no address of a host"},
		{0, 8, "a:0.0.0.1", "", "no address of a host"},
		{0, 8, "a:127.0.0.1", "", "loopback"},
		{0, 8, "a:224.0.0.1", "", "multicast"},
		{0, 8, "a:239.255.255.255", "", "multicast"},
		{0, 8, "a:240.0.0.1", "", "no address of a host"},
		{0, 8, "a:255.255.255.253", "", "no address of a host"},
		{0, 8, "a:169.254.0.1", "", "link-local"},
		{0, 8, "a:192.0.2.1", "", "gateway's own"},
		{0, 8, "a:100.64.0.1", "", "gateway's own"},
		{0, 8, "a:192.0.2.77", "", "network of a port"},
		{0, 8, "x:", "", "length"},
		{0, 8, "x:01", "", "length"},
		{0, 8, "x:cb007107 00", "", "length"},
	};

	CHECK(cases);
}

static void test_addresses_of_ipv6(void **state)
{
	static const struct one cases[] = {
		{0, 97, "p:2001:db8:5::/64", "ipv6-prefix=2001:db8:5::/64; ", NULL},
		{0, 97, "x:00 40 20010db800050000", "ipv6-prefix=2001:db8:5::/64; ", NULL},
		{0, 97, "p:2001:db8:5::/56", "", "/64"},
		{0, 97, "p:2001:db8:5::1/128", "", "/64"},
		{0, 97, "x:00 40 20010db8000500", "", "no prefix"},
		{0, 97, "x:00 40 20010db800050000 01", "", "behind its length"},
		{0, 97, "x:00 81 20010db8000500000000000000000000", "", "no prefix"},
		{0, 97, "x:00 00", "", "/64"},
		{0, 97, "x:00", "", "no prefix"},
		{0, 97, "x:", "", "no prefix"},
		{0, 97, "p:fe80::/64", "", "link-local"},
		{0, 97, "p:ff02::/64", "", "multicast"},
		{0, 97, "p:2001:db8:1::/64", "", "gateway's own"},
		{0, 97, "p:::/64", "", "no address of a host"},
		{0, 97, "p:4000::/64", "", "no global unicast"},
		{0, 97, "p:fd00:1::/64", "ipv6-prefix=fd00:1::/64; ", NULL},
		{0, 168, "a:2001:db8:5::7", "ipv6-address=2001:db8:5::7; ", NULL},
		{0, 168, "a:2001:db8:1::7", "", "network of a port"},
		{0, 168, "a:::", "", "no address of a host"},
		{0, 168, "a:::1", "", "no address of a host"},
		{0, 168, "a:ff02::1", "", "multicast"},
		{0, 168, "a:1.2.3.4", "", "length"},
		{0, 96, "x:0200 00ff fe00 0001", "interface-id=020000fffe000001; ", NULL},
		{0, 96, "z:8", "", "is 0"},
		{0, 96, "z:7", "", "length"},
		{0, 123, "p:2001:db8:ff00::/56", "delegated-prefix=2001:db8:ff00::/56; ", NULL},
		{0, 123, "p:2001:db8:b000::/48", "delegated-prefix=2001:db8:b000::/48; ", NULL},
		{0, 123, "p:2001:db8::/65", "", "longer than /64"},
		{0, 123, "p:::/0", "", "default route"},
		{0, 123, "p:2000::/3", "", "wider than /16"},
		{0, 123, "p:2001:db8::/32", "", "gateway's own"},
		{0, 123, "z:1", "", "no prefix"},
	};

	CHECK(cases);
}

static void test_routes(void **state)
{
	static const struct one cases[] = {
		{0, 22, "t:203.0.113.0/24 0.0.0.0 1", "routes-behind=203.0.113.0/24; ", NULL},
		{0, 22, "t:203.0.113.0/24", "routes-behind=203.0.113.0/24; ", NULL},
		{0, 22, "t:203.0.113.0", "routes-behind=203.0.113.0/24; ", NULL},
		{0, 22, "t:10.0.0.0", "routes-behind=10.0.0.0/8; ", NULL},
		{0, 22, "t:172.16.0.0 0.0.0.0 1 2 -1", "", "does not read"},
		{0, 22, "t:203.0.113.9/32 0.0.0.0", "routes-behind=203.0.113.9/32; ", NULL},
		{0, 22, "t:0.0.0.0/0 0.0.0.0 1", "", "default route"},
		{0, 22, "t:128.0.0.0/1 0.0.0.0 1", "", "wider than /8"},
		{0, 22, "t:203.0.113.1/24", "", "bits behind"},
		{0, 22, "t:203.0.113.1", "", "bits behind"},
		{0, 22, "t:203.0.113.0/24 198.51.100.7 1", "", "gateway"},
		{0, 22, "t:203.0.113.0/24 nowhere", "", "gateway"},
		{0, 22, "t:198.51.100.128/25", "", "network of a port"},
		{0, 22, "t:198.51.100.0/24", "", "gateway's own"},
		{0, 22, "t:100.65.4.0/24", "", "pool"},
		{0, 22, "t:100.0.0.0/8", "", "gateway's own"},
		{0, 22, "t:224.0.0.0/8", "", "multicast"},
		{0, 22, "t:2001:db8:7::/48", "", "other version"},
		{0, 22, "t:a b c d e f g h i", "", "does not read"},
		{0, 22, "t: ", "", "does not read"},
		{0, 22, "t:\n\x1b[2J\xff", "", "\\x0a\\x1b[2J\\xff has no network"},
		{0, 22, "z:5", "", "no text"},
		{0, 22, "x:", "", "no text"},
		{0, 99, "t:2001:db8:7::/48 :: 1", "routes-behind=2001:db8:7::/48; ", NULL},
		{0, 99, "t:2001:db8:7::", "", "no network"},
		{0, 99, "t:::/0 :: 1", "", "default route"},
		{0, 99, "t:fe80::/64", "", "link-local"},
		{0, 99, "t:203.0.113.0/24", "", "other version"},
	};

	CHECK(cases);
}

static void test_netmask(void **state)
{
	static const struct {
		const char *address, *mask, *granted, *complaint;
	} cases[] = {
		{"a:203.0.113.7", "a:255.255.255.255", "address=203.0.113.7; ", ""},
		{"a:203.0.113.7", "a:255.255.255.248",
			"address=203.0.113.7; routes-behind=203.0.113.0/29; ", ""},
		{"a:203.0.113.7", "a:0.0.0.0", "address=203.0.113.7; ", "default route"},
		{"a:203.0.113.7", "a:255.0.255.0", "address=203.0.113.7; ", "no netmask"},
		{"a:203.0.113.7", "a:128.0.0.0", "address=203.0.113.7; ", "wider"},
		{"a:100.64.9.9", "a:255.255.255.0", "address=100.64.9.9; ", "pool"},
		{"a:255.255.255.254", "a:255.255.255.0", "address=; ",
			"without a Framed-IP-Address"},
		{"a:127.0.0.1", "a:255.255.255.0", "", "without a Framed-IP-Address"},
		{"a:203.0.113.7", "x:ffffff", "address=203.0.113.7; ", "length"},
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		start();
		put(0, 9, cases[i].mask); // before what it goes with
		put(0, 8, cases[i].address);
		read_as(FROM_RADIUS);
		is(cases[i].mask, cases[i].granted, granted);
		if (*cases[i].complaint ? !strstr(complaints, cases[i].complaint) : *complaints)
			fail_msg("%s: %s", cases[i].mask, complaints);
	}
}

static void test_pools_and_servers(void **state)
{
	static const struct one cases[] = {
		{0, 88, "t:four", "pool=four; ", NULL},
		{0, 88, "t:none", "", "no pool"},
		{0, 88, "t:", "", "no text"},
		{0, 88, "t:a-name-that-is-longer-than-any-name-in-a-configuration", "", "no pool"},
		{0, 100, "t:six", "ipv6-pool=six; ", NULL},
		{0, 100, "t:four", "", "without such"},
		{0, 172, "t:six", "ipv6-pool=six; ", NULL},
		{0, 171, "t:default", "delegated-pool=default; ", NULL},
		{0, 171, "t:six", "", "without such"},
		{MS, 28, "a:203.0.113.53", "dns=203.0.113.53; ", NULL},
		{MS, 29, "a:203.0.113.53", "dns=203.0.113.53; ", NULL},
		{MS, 28, "a:0.0.0.0", "", "no address of a host"},
		{MS, 28, "a:255.255.255.255", "", "no address of a host"},
		{MS, 28, "a:127.0.0.53", "", "loopback"},
		{MS, 28, "z:3", "", "length"},
		{MS, 30, "a:203.0.113.53", "wins=203.0.113.53; ", NULL},
		{MS, 31, "a:224.0.0.1", "", "multicast"},
		{0, 169, "a:2001:db8::53", "ipv6-dns=2001:db8::53; ", NULL},
		{0, 169, "a:ff02::53", "", "multicast"},
		{0, 169, "a:1.2.3.4", "", "length"},
	};

	CHECK(cases);
}

static void test_filters_and_groups(void **state)
{
	static const struct one filter[] = {
		{0, 11, "t:web", "filter-uplink=web; filter-downlink=web; ", NULL},
		{0, 11, "t:web.in", "filter-uplink=web; ", NULL},
		{0, 11, "t:mail.out", "filter-downlink=mail; ", NULL},
		{0, 11, "t:odd.in", "filter-uplink=odd.in; filter-downlink=odd.in; ", NULL},
		{0, 11, "t:none", "", "no filter"},
		{0, 11, "t:.in", "", "no filter"},
		{0, 11, "t:none.out", "", "no filter"},
		{0, 11, "t:", "", "no text"},
		{MT, 3, "t:office", "group=office; ", NULL},
		{MT, 3, "t:none", "", "no group"},
	};
	static const struct one group[] = {
		{0, 11, "t:home", "group=home; ", NULL},
		{0, 11, "t:web", "", "no group"},
	};
	static const struct one rate[] = {
		{0, 11, "t:10M/50M", "police-uplink=10Mbit/s; shape-downlink=50Mbit/s; ", NULL},
		{0, 11, "t:64k.in", "police-uplink=64kbit/s; ", NULL},
		{0, 11, "t:2.5M.out", "shape-downlink=2500kbit/s; ", NULL},
		{0, 11, "t:fast", "", "as a rate"},
		{0, 11, "t:1/2/3", "", "as a rate"},
		{0, 11, "t:/", "", "as a rate"},
		{0, 11, "t:7k.in", "", "below"},
	};

	CHECK(filter);
	config->radius.filter_id = FILTER_ID_GROUP;
	CHECK(group);
	config->radius.filter_id = FILTER_ID_RATE;
	CHECK(rate);
	config->radius.filter_id = FILTER_ID_FILTER;
}

static void test_rates(void **state)
{
	static const struct one cases[] = {
		{WISPR, 7, "n:1000000", "police-uplink=1Mbit/s; ", NULL},
		{WISPR, 8, "n:20000500", "shape-downlink=20001kbit/s; ", NULL},
		{WISPR, 8, "n:4294967295", "shape-downlink=4294968kbit/s; ", NULL},
		{WISPR, 8, "n:0", "shape-downlink=0Mbit/s; ", NULL},
		{WISPR, 8, "n:7999", "", "below"},
		{WISPR, 8, "z:2", "", "length"},
		{MT, 8, "t:1M/2M", "police-uplink=1Mbit/s; shape-downlink=2Mbit/s; ", NULL},
		{MT, 8, "t:512k", "police-uplink=512kbit/s; shape-downlink=512kbit/s; ", NULL},
		{MT, 8, "t:1G/0", "police-uplink=1000Mbit/s; shape-downlink=0Mbit/s; ", NULL},
		// 4M for 1M * 16 s / 4M = 4 s: 3M * 4 s are 12 Mbit above the rate.
		{MT, 8, "t:1M/1M 4M/4M 1M/1M 16/16 8 500k/500k",
			"police-uplink=1Mbit/s, 1500000 bytes at once; "
			"shape-downlink=1Mbit/s, 1500000 bytes at once; ",
			NULL},
		{MT, 8, "t:", "", "no text"},
		{MT, 8, "t:-1M", "", "as a rate"},
		{MT, 8, "t:1M/", "", "as a rate"},
		{MT, 8, "t:1T", "", "as a rate"},
		{MT, 8, "t:99999999999999999999", "", "below"},
		{MT, 8, "t:1M/1M x", "", "as a rate"},
		{CISCO, 1,
			"t:lcp:interface-config#1=rate-limit output 10240000 1920000 3840000 "
			"conform-action transmit exceed-action drop",
			"police-downlink=10240kbit/s, 1920000 bytes at once; ", NULL},
		{CISCO, 1,
			"t:lcp:interface-config=rate-limit input 512000 96000 192000 "
			"conform-action transmit exceed-action drop",
			"police-uplink=512kbit/s, 96000 bytes at once; ", NULL},
		{CISCO, 1,
			"t:lcp:interface-config#1=rate-limit output access-group 101 1 2 3 "
			"conform-action transmit exceed-action drop",
			"", "more than a rate"},
		{CISCO, 1, "t:lcp:interface-config#1=ip unnumbered Loopback0", "", "as a rate"},
		{CISCO, 1, "t:ip:sub-qos-policy-in=5M", "police-uplink=5Mbit/s; ", NULL},
		{CISCO, 1, "t:ip:sub-qos-policy-out=50000000", "shape-downlink=50Mbit/s; ", NULL},
		{CISCO, 1, "t:ip:sub-qos-policy-out=GOLD", "", "as a rate"},
	};
	static const struct one bounded[] = {
		{MT, 8, "t:1M/1M 4G 400G 400000000000",
			"police-uplink=1Mbit/s, 1073741824 bytes at once; "
			"shape-downlink=1Mbit/s, 1073741824 bytes at once; ",
			NULL},
	};

	CHECK(cases);
	CHECK(bounded);
}

static void test_cisco(void **state)
{
	static const struct one cases[] = {
		{CISCO, 1, "t:ip:addr-pool=four", "pool=four; ", NULL},
		{CISCO, 1, "t:ip:addr-pool*four", "pool=four; ", NULL},
		{CISCO, 1, "t:ip:dns-servers=203.0.113.1 203.0.113.2",
			"dns=203.0.113.1, 203.0.113.2; ", NULL},
		{CISCO, 1, "t:ip:dns-servers=", "", "empty"},
		{CISCO, 1, "t:ip:route=203.0.113.0 255.255.255.0", "routes-behind=203.0.113.0/24; ",
			NULL},
		{CISCO, 1, "t:ip:route=203.0.113.0 255.255.255.0 0.0.0.0",
			"routes-behind=203.0.113.0/24; ", NULL},
		{CISCO, 1, "t:ip:route=vrf x 203.0.113.0 255.255.255.0", "", "no network"},
		{CISCO, 1, "t:ip:route=0.0.0.0 0.0.0.0", "", ""},
		{CISCO, 1, "t:ip:inacl=web", "filter-uplink=web; ", NULL},
		{CISCO, 1, "t:ip:outacl=web", "filter-downlink=web; ", NULL},
		{CISCO, 1, "t:ip:nothing=x", "", "none of those"},
		{CISCO, 1, "t:nothing", "", "no value"},
		{CISCO, 1, "t:=", "", "none of those"},
		{CISCO, 1, "z:9", "", "no text"},
		// The config's table goes before.
		{CISCO, 1, "t:qos:down=20", "shape-downlink=20Mbit/s; ", NULL},
		{CISCO, 1, "t:qos:down=20k", "shape-downlink=20kbit/s; ", NULL},
		{CISCO, 1, "t:qos:down=", "", "as a rate"},
	};

	CHECK(cases);
}

static void test_mapped(void **state)
{
	static const struct one cases[] = {
		{ERX, 10, "t:office", "group=office; ", NULL}, {ERX, 10, "t:none", "", "no group"},
		{ERX, 10, "z:2", "", "no group"}, {ERX, 11, "t:four", "pool=four; ", NULL},
		{ERX, 12, "t:web", "filter-uplink=web; ", NULL},
		{ERX, 13, "t:web", "filter-downlink=web; ", NULL},
		{ERX, 14, "n:1000000", "police-uplink=1Mbit/s; ", NULL},
		{ERX, 14, "t:100M", "police-uplink=100Mbit/s; ", NULL},
		{ERX, 14, "t:5M", "police-uplink=5Mbit/s; ", NULL},
		{ERX, 15, "n:5000", "police-downlink=5Mbit/s; ", NULL},
		{ERX, 15, "t:50000", "police-downlink=50Mbit/s; ", NULL},
		{ERX, 15, "n:4294967295", "", "below"}, {ERX, 15, "z:5", "", "as a rate"},
		{ERX, 16, "n:600", "session-timeout=600s; ", NULL},
		{ERX, 16, "t:600", "session-timeout=600s; ", NULL},
		{ERX, 16, "t:99999999999", "", "more than a year"},
		{ERX, 16, "t:soon", "", "more than a year"}, // four bytes
		{ERX, 16, "t:sooner", "", "number of seconds"}, {ERX, 17, "n:0", "", "is 0"},
		{ERX, 18, "a:203.0.113.1", "dns=203.0.113.1; ", NULL},
		{ERX, 18, "t:203.0.113.1,203.0.113.2", "dns=203.0.113.1, 203.0.113.2; ", NULL},
		{ERX, 18, "z:3", "", "as an address"},
		{ERX, 19, "t:2001:db8::1", "ipv6-dns=2001:db8::1; ", NULL},
		{ERX, 19, "a:2001:db8::1", "ipv6-dns=2001:db8::1; ", NULL},
		{ERX, 20, "t:203.0.113.0/24", "routes-behind=203.0.113.0/24; ", NULL},
		{ERX, 20, "t:2001:db8:7::/48", "routes-behind=2001:db8:7::/48; ", NULL},
		{ERX, 20, "t:0.0.0.0/0", "", "default route"}, {ERX, 21, "t:whatever", "", NULL},
		{0, 12, "n:1500", "", NULL}, // Framed-MTU, by the config
	};

	CHECK(cases);
}

static void test_times_and_others(void **state)
{
	static const struct one cases[] = {
		{0, 27, "n:3600", "session-timeout=3600s; ", NULL},
		{0, 27, "n:31536000", "session-timeout=31536000s; ", NULL},
		{0, 27, "n:31536001", "", "Session-Timeout 31536001 is more than a year"},
		{0, 27, "n:4294967295", "", "more than a year"},
		{0, 27, "n:0", "", "is 0"},
		{0, 27, "z:0", "", "length"},
		{0, 27, "z:1", "", "length"},
		{0, 27, "z:5", "", "length"},
		{0, 28, "n:60", "idle-timeout=60s; ", NULL},
		{0, 28, "n:4294967295", "", "more than a year"},
		{0, 85, "n:60", "interim=60s; ", NULL},
		{0, 85, "n:59", "", "less than 60"},
		{0, 85, "n:0", "", "is 0"},
		{0, 1, "t:", "", "no text"},
		{0, 1, "x:61 00 62", "", "no text"},
		{0, 6, "n:2", "", NULL},
		{0, 6, "n:1", "", "another service"},
		{0, 7, "n:1", "", NULL},
		{0, 7, "n:2", "", "another protocol"},
		{0, 10, "n:0", "", NULL},
		{0, 10, "n:3", "", "routing protocol"},
		{0, 13, "n:1", "", "compressed"},
		{0, 18, "t:hi", "", NULL},
		{0, 24, "t:state", "", NULL},
		{0, 29, "n:0", "", NULL},
		{0, 29, "n:1", "", "session's end"},
		{0, 64, "x:00000003", "", "Tunnel-Type 00000003 is of tunnels"},
		{0, 69, "x:0080010102", "", "Tunnel-Password (hidden) is of tunnels"},
		{0, 62, "n:1", "", "not counted"},
		{0, 200, "x:0102", "", "type 200 0102 is not known"},
		{0, 26, "x:0000", "", "broken"},
		{0, 26, "x:00000009 01 00", "", "broken"},
		{MS, 7, "n:1", "", NULL},
		{MS, 7, "n:2", "", "MPPE"},
		{MS, 8, "n:6", "", NULL},
		{MS, 16, "z:50", "", NULL},
		{77, 7, "t:x", "", "vendor 77 type 7 78 is not known"},
	};

	CHECK(cases);
	start();
	put(0, 1, "t:anna@example.org");
	read_as(FROM_RADIUS);
	assert_string_equal(grant.user, "anna@example.org");
}

static void test_the_first_one_holds(void **state)
{
	start();
	put(0, 8, "a:203.0.113.7");
	put(0, 8, "a:203.0.113.8");
	put(0, 27, "n:0");
	put(0, 27, "n:100");
	put(0, 27, "n:200");
	put(MS, 29, "a:203.0.113.2");
	put(MS, 28, "a:203.0.113.1");
	put(MS, 28, "a:203.0.113.3");
	put(0, 169, "a:2001:db8::1");
	put(0, 169, "a:2001:db8::2");
	put(0, 169, "a:2001:db8::3");
	put(0, 172, "t:default");
	put(0, 100, "t:six");
	read_as(FROM_RADIUS);
	is("twice",
		"address=203.0.113.7; ipv6-pool=six; dns=203.0.113.1, 203.0.113.2; "
		"ipv6-dns=2001:db8::1, 2001:db8::2; session-timeout=100s; ",
		granted);
	is("twice",
		"Framed-IP-Address 203.0.113.8 is there twice: the first one holds; "
		"Session-Timeout 0 is 0; "
		"Session-Timeout 200 is there twice: the first one holds; "
		"MS-Primary-DNS-Server 203.0.113.3 is there twice: the first one holds; "
		"DNS-Server-IPv6-Address 2001:db8::3 is one server too many; "
		"Stateful-IPv6-Address-Pool default is another pool than the prefix is of; ",
		complaints);
}

static void test_more_than_there_is_room_for(void **state)
{
	char text[40];

	start();
	for (int i = 0; i < 9; i++)
		put(0, 25, "t:class");
	for (int i = 0; i < 33; i++) {
		snprintf(text, sizeof(text), "t:10.%d.0.0/16", i);
		put(0, 22, text);
		put(0, 22, text); // the same again is one
	}
	read_as(FROM_RADIUS);
	assert_int_equal(grant.more->class_count, GRANT_CLASSES_MOST);
	assert_int_equal(grant.more->route_count, GRANT_ROUTES_MOST);
	assert_non_null(strstr(complaints, "10.32.0.0/16 is one route too many"));
	assert_non_null(strstr(complaints, "one Class too many"));
}

// A reply of 4,096 bytes: some thousand attributes of no value.
static void test_as_long_as_may_be(void **state)
{
	struct radius_packet p;
	static uint8_t bytes[RADIUS_PACKET] = {RADIUS_ACCESS_ACCEPT, 0, 0x10, 0x00};

	for (size_t at = RADIUS_HEADER; at < RADIUS_PACKET; at += 2) {
		bytes[at] = (uint8_t)(at / 2);
		bytes[at + 1] = 2;
	}
	grant_free(&grant);
	complaints[0] = '\0';
	assert_int_equal(radius_parse(bytes, sizeof(bytes), &p), 0);
	assert_int_equal(reply_grant(config, &p, FROM_RADIUS, &grant, complain, NULL), 0);
	for (unsigned i = 0; i < GRANT_ITEMS; i++)
		assert_int_equal(grant.from[i], FROM_NOWHERE);
}

// In a CoA-Request some attributes say which session is meant.
static void test_coa(void **state)
{
	start();
	put(0, 1, "t:anna");
	put(0, 4, "a:192.0.2.1");
	put(0, 8, "a:203.0.113.7");
	put(0, 44, "t:5f1c2a3b-0000012a");
	put(0, 97, "p:2001:db8:5::/64");
	put(0, 27, "n:100");
	put(MT, 8, "t:5M/10M");
	put(0, 11, "t:none");
	read_as(FROM_COA);
	is("coa", "police-uplink=5Mbit/s; shape-downlink=10Mbit/s; session-timeout=100s; ",
		granted);
	is("coa", "Filter-Id none is no filter of the configuration; ", complaints);
	assert_int_equal(grant.from[GRANT_SESSION_TIMEOUT], FROM_COA);
}

static void test_what_was_there_before(void **state)
{
	struct radius_packet p;

	start();
	put(0, 22, "t:203.0.113.0/24");
	put(MS, 28, "a:0.0.0.0");
	assert_true(radius_finish(&b, 1, NULL) > 0);
	assert_int_equal(radius_parse(b.bytes, b.length, &p), 0);
	grant_free(&grant);
	assert_non_null(grant_more(&grant));
	grant.from[GRANT_ROUTES] = grant.from[GRANT_DNS] = FROM_USER;
	assert_int_equal(prefix_parse("10.0.0.0/8", &grant.more->routes[0], NULL), 0);
	grant.more->route_count = 1;
	assert_int_equal(address_parse("203.0.113.53", &grant.dns[0]), 0);
	assert_int_equal(reply_grant(config, &p, FROM_RADIUS, &grant, complain, NULL), 0);
	granted[0] = '\0';
	grant_each(config, &grant, note, NULL);
	// Overridden, and kept where RADIUS said nothing that holds.
	is("before", "routes-behind=203.0.113.0/24; dns=203.0.113.53; ", granted);
	assert_int_equal(grant.from[GRANT_DNS], FROM_USER);
	grant_free(&grant);
}

static void test_freeradius(void **state)
{
	uint8_t bytes[RADIUS_PACKET];
	struct radius_packet p;
	size_t n = 0;
	unsigned byte;

	for (const char *t = freeradius_reply; sscanf(t, "%2x", &byte) == 1; t += 2)
		bytes[n++] = (uint8_t)byte;
	grant_free(&grant);
	complaints[0] = granted[0] = '\0';
	assert_int_equal(radius_parse(bytes, n, &p), 0);
	assert_int_equal(reply_grant(config, &p, FROM_RADIUS, &grant, complain, NULL), 0);
	grant_each(config, &grant, note, NULL);
	is("FreeRADIUS",
		"address=203.0.113.7; pool=four; ipv6-prefix=2001:db8:65:7::/64; "
		"interface-id=000000fffe000007; delegated-prefix=2001:db8:ff00::/56; "
		"routes-behind=10.1.0.0/16; dns=203.0.113.53; police-uplink=1Mbit/s; "
		"shape-downlink=2Mbit/s; session-timeout=3600s; class=676f6c64; ",
		granted);
	is("FreeRADIUS",
		"WISPr-Bandwidth-Max-Up 1000000 is there twice: the first one holds; "
		"Tunnel-Type 01000003 is of tunnels, and sessions end here; ",
		complaints);
	grant_free(&grant);
}

static void test_dictionary(void **state)
{
	char name[DICTIONARY_NAME];

	assert_string_equal(dictionary_name(0, 8, name), "Framed-IP-Address");
	assert_string_equal(dictionary_name(VENDOR_MIKROTIK, 8, name), "Mikrotik-Rate-Limit");
	assert_string_equal(dictionary_name(0, 250, name), "type 250");
	assert_string_equal(dictionary_name(9, 250, name), "vendor 9 type 250");
	assert_null(dictionary_find(9, 8));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_address),
		cmocka_unit_test(test_addresses_of_ipv6),
		cmocka_unit_test(test_routes),
		cmocka_unit_test(test_netmask),
		cmocka_unit_test(test_pools_and_servers),
		cmocka_unit_test(test_filters_and_groups),
		cmocka_unit_test(test_rates),
		cmocka_unit_test(test_cisco),
		cmocka_unit_test(test_mapped),
		cmocka_unit_test(test_times_and_others),
		cmocka_unit_test(test_the_first_one_holds),
		cmocka_unit_test(test_more_than_there_is_room_for),
		cmocka_unit_test(test_as_long_as_may_be),
		cmocka_unit_test(test_coa),
		cmocka_unit_test(test_what_was_there_before),
		cmocka_unit_test(test_freeradius),
		cmocka_unit_test(test_dictionary),
	};

	return cmocka_run_group_tests(tests, begin_all, end_all);
}

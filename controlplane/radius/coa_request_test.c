// SPDX-License-Identifier: Apache-2.0

#include "coa_request.h"
#include "types.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct config config;
static const struct radius_secret secret = {"testing123", 10};

static struct radius_build b;
static struct coa_request r;

static void begin(uint8_t code)
{
	assert_int_equal(radius_begin(&b, code, &secret), 0);
}

static enum error_cause read_it(void)
{
	struct radius_packet p;

	assert_true(radius_finish(&b, 7, NULL) > 0);
	assert_int_equal(radius_parse(b.bytes, b.length, &p), 0);
	assert_int_equal(radius_prove_request(&p, &secret, false), RADIUS_PROVEN);
	coa_request_read(&config, &p, &r);
	return r.error;
}

static void test_who(void **state)
{
	const struct ip_address address = address_v4((const uint8_t[]){100, 64, 0, 9});
	struct ip_prefix prefix = {.length = 64, .address = {.version = IP_V6}};

	prefix.address.bytes[0] = 0x20;
	begin(RADIUS_DISCONNECT_REQUEST);
	assert_int_equal(read_it(), ERROR_MISSING_ATTRIBUTE);
	begin(RADIUS_DISCONNECT_REQUEST);
	radius_put_text(&b, RADIUS_USER_NAME, "alice");
	radius_put_text(&b, RADIUS_ACCT_SESSION_ID, "5f1c2a3b-0000012a");
	radius_put_text(&b, RADIUS_CALLING_STATION_ID, "+4930");
	radius_put_ip4(&b, RADIUS_FRAMED_IP_ADDRESS, &address);
	radius_put_prefix6(&b, RADIUS_FRAMED_IPV6_PREFIX, &prefix);
	radius_put_u32(&b, RADIUS_NAS_PORT, 12);
	radius_put_u32(&b, RADIUS_EVENT_TIMESTAMP, 1700000000);
	radius_put(&b, RADIUS_PROXY_STATE, "x", 1);
	assert_int_equal(read_it(), ERROR_NONE);
	assert_string_equal(r.match.user, "alice");
	assert_string_equal(r.match.session_id, "5f1c2a3b-0000012a");
	assert_string_equal(r.match.calling, "+4930");
	assert_true(address_equal(&r.match.address, &address));
	assert_memory_equal(&r.match.prefix6, &prefix, sizeof(prefix));
	assert_true(r.match.has_port);
	assert_int_equal(r.match.port, 12);
	assert_true(r.has_timestamp);
	assert_int_equal(r.timestamp, 1700000000);
}

static void test_what(void **state)
{
	struct radius_cursor cursor = {0};
	struct radius_attribute a;

	begin(RADIUS_COA_REQUEST);
	radius_put_text(&b, RADIUS_USER_NAME, "alice");
	assert_int_equal(read_it(), ERROR_MISSING_ATTRIBUTE); // nothing is to change
	begin(RADIUS_COA_REQUEST);
	radius_put_text(&b, RADIUS_USER_NAME, "alice");
	radius_put_text(&b, RADIUS_FILTER_ID, "web");
	radius_put_vendor(&b, VENDOR_MIKROTIK, MIKROTIK_RATE_LIMIT, "1M/2M", 5);
	assert_int_equal(read_it(), ERROR_NONE);
	assert_true(radius_next(&r.change, &cursor, &a));
	assert_int_equal(a.type, RADIUS_FILTER_ID);
	assert_true(radius_next(&r.change, &cursor, &a));
	assert_int_equal(a.vendor, VENDOR_MIKROTIK);
	assert_memory_equal(a.value, "1M/2M", 5);
	assert_false(radius_next(&r.change, &cursor, &a));
	begin(RADIUS_DISCONNECT_REQUEST);
	radius_put_text(&b, RADIUS_USER_NAME, "alice");
	radius_put_text(&b, RADIUS_FILTER_ID, "web");
	assert_int_equal(read_it(), ERROR_UNSUPPORTED_ATTRIBUTE);
}

static void test_which_nas(void **state)
{
	const struct ip_address other = address_v4((const uint8_t[]){192, 0, 2, 99});

	begin(RADIUS_DISCONNECT_REQUEST);
	radius_put_text(&b, RADIUS_USER_NAME, "alice");
	radius_put_text(&b, RADIUS_NAS_IDENTIFIER, "other");
	assert_int_equal(read_it(), ERROR_NAS_MISMATCH);
	begin(RADIUS_DISCONNECT_REQUEST);
	radius_put_text(&b, RADIUS_USER_NAME, "alice");
	radius_put_text(&b, RADIUS_NAS_IDENTIFIER, "culvert");
	radius_put_ip4(&b, RADIUS_NAS_IP_ADDRESS, &other); // we do not know which is ours
	assert_int_equal(read_it(), ERROR_NONE);
	config.radius.nas_address = address_v4((const uint8_t[]){192, 0, 2, 1});
	begin(RADIUS_DISCONNECT_REQUEST);
	radius_put_text(&b, RADIUS_USER_NAME, "alice");
	radius_put_ip4(&b, RADIUS_NAS_IP_ADDRESS, &other);
	assert_int_equal(read_it(), ERROR_NAS_MISMATCH);
}

static void test_bad_values(void **state)
{
	static const struct {
		uint8_t type;
		const char *value;
		size_t length;
	} bad[] = {
		{RADIUS_USER_NAME, "a\0b", 3},
		{RADIUS_USER_NAME, "", 0},
		{RADIUS_NAS_PORT, "abc", 3},
		{RADIUS_FRAMED_IP_ADDRESS, "abcde", 5},
		{RADIUS_FRAMED_IPV6_PREFIX, "\0", 1},
		{RADIUS_FRAMED_IPV6_PREFIX, "\0\x81", 2},
		{RADIUS_FRAMED_IPV6_PREFIX, "\0\x40xyz", 5},
		{RADIUS_EVENT_TIMESTAMP, "", 0},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		begin(RADIUS_DISCONNECT_REQUEST);
		radius_put_text(&b, RADIUS_CALLING_STATION_ID, "x");
		radius_put(&b, bad[i].type, bad[i].value, bad[i].length);
		assert_int_equal(read_it(), ERROR_INVALID_VALUE);
	}
	begin(RADIUS_COA_REQUEST);
	radius_put_text(&b, RADIUS_USER_NAME, "alice");
	radius_put_u32(&b, RADIUS_SERVICE_TYPE, 17); // Authorize Only
	assert_int_equal(read_it(), ERROR_UNSUPPORTED_SERVICE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who),
		cmocka_unit_test(test_what),
		cmocka_unit_test(test_which_nas),
		cmocka_unit_test(test_bad_values),
	};

	strcpy(config.l2tp.host_name, "culvert");
	return cmocka_run_group_tests(tests, NULL, NULL);
}

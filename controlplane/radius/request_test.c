// SPDX-License-Identifier: Apache-2.0

#include "request.h"
#include "types.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct radius_secret secret = {"xyzzy5461", 9};
static struct radius_build b;

static int begin(void **state)
{
	return radius_begin(&b, RADIUS_ACCESS_REQUEST, &secret);
}

// The value of an attribute as it was sent; vendor 0 = RADIUS itself.
static struct radius_attribute sent(uint32_t vendor, uint16_t type)
{
	struct radius_cursor cursor = {0};
	struct radius_attribute a;
	struct radius_packet p;

	assert_true(radius_finish(&b, 1, NULL) > 0);
	assert_int_equal(radius_parse(b.bytes, b.length, &p), 0);
	while (radius_next(&p, &cursor, &a))
		if (a.vendor == vendor && a.type == type)
			return a;
	return (struct radius_attribute){0};
}

static void is_text(uint16_t type, const char *want)
{
	struct radius_attribute a = sent(0, type);

	assert_int_equal(a.length, strlen(want));
	assert_memory_equal(a.value, want, a.length);
}

static void is_number(uint16_t type, uint32_t want)
{
	struct radius_attribute a = sent(0, type);
	struct view v = view_of(a.value, a.length);

	assert_int_equal(a.length, 4);
	assert_int_equal(view_u32(&v), want);
}

static struct aaa_subject subject_of(const char *access)
{
	struct aaa_subject s = {.attempt = 0x12a,
		.session = 7,
		.access = access,
		.ipsec = true,
		.calling = "",
		.called = "",
		.lac = ""};

	assert_int_equal(address_parse("192.0.2.1", &s.flow.local), 0);
	assert_int_equal(address_parse("198.51.100.2", &s.flow.remote), 0);
	return s;
}

static void test_subject_of_l2tp(void **state)
{
	static struct config config;
	struct aaa_subject s = subject_of("l2tp");
	char id[ACCT_SESSION_ID], again[ACCT_SESSION_ID];

	s.tx_speed = 100000000;
	s.rx_speed = 20000000;
	s.lac = "lac-1";
	request_put_subject(&b, &config, &s);
	is_number(RADIUS_NAS_PORT, 7);
	is_number(RADIUS_NAS_PORT_TYPE, 5);
	is_text(RADIUS_NAS_PORT_ID, "l2tp-7");
	is_number(RADIUS_SERVICE_TYPE, 2);
	is_number(RADIUS_FRAMED_PROTOCOL, 1);
	is_text(RADIUS_CALLING_STATION_ID, "198.51.100.2");
	is_text(RADIUS_CALLED_STATION_ID, "192.0.2.1");
	is_text(RADIUS_CONNECT_INFO, "100000000/20000000 l2tp/ipsec");
	is_number(RADIUS_TUNNEL_TYPE, 3);
	is_number(RADIUS_TUNNEL_MEDIUM_TYPE, 1);
	is_text(RADIUS_TUNNEL_CLIENT_ENDPOINT, "198.51.100.2");
	is_text(RADIUS_TUNNEL_SERVER_ENDPOINT, "192.0.2.1");
	is_text(RADIUS_TUNNEL_CLIENT_AUTH_ID, "lac-1");
	request_session_id(0x12a, id);
	request_session_id(0x12a, again);
	assert_string_equal(id, again);
	assert_int_equal(strlen(id), 17);
	assert_string_equal(id + 8, "-0000012a");
	is_text(RADIUS_ACCT_SESSION_ID, id);
	request_session_id(UINT64_MAX, id);
	assert_true(strlen(id) < ACCT_SESSION_ID);
	assert_null(sent(0, RADIUS_NAS_IDENTIFIER).value); // the client's
}

static void test_subject_of_ikev2(void **state)
{
	static struct config config;
	struct aaa_subject s = subject_of("ikev2");

	s.calling = "+44 20 7946 0123";
	s.called = "line 9";
	request_put_subject(&b, &config, &s);
	is_text(RADIUS_CALLING_STATION_ID, "+44 20 7946 0123");
	is_text(RADIUS_CALLED_STATION_ID, "line 9");
	is_text(RADIUS_CONNECT_INFO, "ikev2");
	assert_null(sent(0, RADIUS_FRAMED_PROTOCOL).value);
	assert_null(sent(0, RADIUS_TUNNEL_TYPE).value);
}

static struct ppp_credentials credentials_of(uint8_t method)
{
	struct ppp_credentials c = {.method = method, .id = 9, .name = "anna", .name_length = 4};

	for (unsigned i = 0; i < sizeof(c.response); i++)
		c.response[i] = (uint8_t)i;
	memset(c.challenge, 0xcc, sizeof(c.challenge));
	c.challenge_length = 16;
	c.response_length = method == PPP_AUTH_CHAP_MD5 ? 16 : 49;
	memcpy(c.password, "secret", 6);
	c.password_length = 6;
	return c;
}

static void test_pap(void **state)
{
	struct ppp_credentials c = credentials_of(PPP_AUTH_PAP);

	assert_int_equal(request_put_credentials(&b, &c, NULL, 0), 0);
	is_text(RADIUS_USER_NAME, "anna");
	assert_int_equal(sent(0, RADIUS_USER_PASSWORD).length, 16);
	assert_null(sent(0, RADIUS_STATE).value);
}

static void test_chap(void **state)
{
	struct ppp_credentials c = credentials_of(PPP_AUTH_CHAP_MD5);

	assert_int_equal(request_put_credentials(&b, &c, NULL, 0), 0);
	assert_int_equal(sent(0, RADIUS_CHAP_PASSWORD).length, 17);
	assert_memory_equal(sent(0, RADIUS_CHAP_PASSWORD).value, "\x09\x00\x01\x02", 4);
	assert_int_equal(sent(0, RADIUS_CHAP_CHALLENGE).length, 16);
}

static void test_mschap(void **state)
{
	struct ppp_credentials c = credentials_of(PPP_AUTH_MSCHAPV2);
	struct radius_attribute a;

	assert_int_equal(request_put_credentials(&b, &c, NULL, 0), 0);
	a = sent(VENDOR_MICROSOFT, MS_CHAP2_RESPONSE);
	assert_int_equal(a.length, 50);
	assert_memory_equal(a.value, "\x09\x30\x00\x01\x02", 5);
	assert_int_equal(a.value[49], 47);
	assert_int_equal(sent(VENDOR_MICROSOFT, MS_CHAP_CHALLENGE).length, 16);
}

static void test_eap(void **state)
{
	static const uint8_t packet[600] = {2, 1, 2, 88};
	struct ppp_credentials c = credentials_of(PPP_AUTH_EAP);

	c.eap = packet;
	c.eap_length = sizeof(packet);
	assert_int_equal(request_put_credentials(&b, &c, (const uint8_t *)"sta", 3), 0);
	is_text(RADIUS_STATE, "sta");
	is_number(RADIUS_FRAMED_MTU, 1024);
	assert_int_equal(sent(0, RADIUS_EAP_MESSAGE).length, 253);
	assert_memory_equal(sent(0, RADIUS_EAP_MESSAGE).value, packet, 253);
}

static void test_what_is_no_credential(void **state)
{
	struct ppp_credentials c = credentials_of(PPP_AUTH_CHAP_MD5);

	c.response_length = 15;
	assert_int_equal(request_put_credentials(&b, &c, NULL, 0), -EINVAL);
	c = credentials_of(PPP_AUTH_MSCHAPV2);
	c.challenge_length = 8;
	assert_int_equal(request_put_credentials(&b, &c, NULL, 0), -EINVAL);
	c = credentials_of(PPP_AUTH_EAP);
	assert_int_equal(request_put_credentials(&b, &c, NULL, 0), -EINVAL);
	c = credentials_of(99);
	assert_int_equal(request_put_credentials(&b, &c, NULL, 0), -EINVAL);
	// Cut, it would be another user's.
	c = credentials_of(PPP_AUTH_PAP);
	c.name_length = 254;
	assert_int_equal(request_put_credentials(&b, &c, NULL, 0), -EINVAL);
	c = credentials_of(PPP_AUTH_PAP);
	c.password_length = 200;
	assert_int_equal(request_put_credentials(&b, &c, NULL, 0), 0);
	assert_int_equal(radius_finish(&b, 1, NULL), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_subject_of_l2tp, begin),
		cmocka_unit_test_setup(test_subject_of_ikev2, begin),
		cmocka_unit_test_setup(test_pap, begin),
		cmocka_unit_test_setup(test_chap, begin),
		cmocka_unit_test_setup(test_mschap, begin),
		cmocka_unit_test_setup(test_eap, begin),
		cmocka_unit_test_setup(test_what_is_no_credential, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

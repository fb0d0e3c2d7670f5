// SPDX-License-Identifier: Apache-2.0

#include "avp.h"
#include "wire.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// SCCRQ's header with one AVP, Message Type.
static const uint8_t sccrq[] = {0xc8, 0x02, 0x00, 0x14, 0x12, 0x34, 0x56, 0x78, 0x00, 0x05, 0x00,
	0x07, 0x80, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01};

static void test_header(void **state)
{
	struct wire_header h;
	struct wire_avp avp;

	assert_int_equal(wire_header_parse(sccrq, sizeof(sccrq), &h), 0);
	assert_int_equal(h.tunnel, 0x1234);
	assert_int_equal(h.session, 0x5678);
	assert_int_equal(h.ns, 5);
	assert_int_equal(h.nr, 7);
	assert_int_equal(wire_avp_next(&h.avps, &avp), 1);
	assert_true(avp.mandatory);
	assert_false(avp.hidden);
	assert_int_equal(avp.type, AVP_MESSAGE_TYPE);
	assert_int_equal(avp.length, 2);
	assert_int_equal(wire_avp_next(&h.avps, &avp), 0);
}

// No prefix of a message is a message: its length says more.
static void test_truncations(void **state)
{
	struct wire_header h;

	for (size_t n = 0; n < sizeof(sccrq); n++) {
		uint8_t *copy = malloc(n ? n : 1);

		memcpy(copy, sccrq, n);
		assert_int_equal(wire_header_parse(copy, n, &h), -EBADMSG);
		free(copy);
	}
}

struct flags_case {
	uint16_t flags;
	int error;
};

static void test_flags(void **state)
{
	static const struct flags_case cases[] = {
		{0xc802, 0}, {0xfcf2, 0},   // reserved bits are ignored
		{0xc803, -EPROTONOSUPPORT}, // L2TPv3
		{0xc801, -EPROTONOSUPPORT}, // L2F
		{0x4802, -EINVAL},          // data
		{0x8802, -EINVAL},          // no length
		{0xc002, -EINVAL},          // no sequence numbers
		{0xca02, -EINVAL},          // offset
		{0xc902, -EINVAL},          // priority
	};
	struct wire_header h;
	uint8_t copy[sizeof(sccrq)];

	memcpy(copy, sccrq, sizeof(copy));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		copy[0] = cases[i].flags >> 8;
		copy[1] = cases[i].flags & 0xff;
		assert_int_equal(wire_header_parse(copy, sizeof(copy), &h), cases[i].error);
	}
}

static void test_lying_length(void **state)
{
	struct wire_header h;
	uint8_t copy[sizeof(sccrq) + 4] = {0};

	memcpy(copy, sccrq, sizeof(sccrq));
	// What stands behind the length is not the message's.
	assert_int_equal(wire_header_parse(copy, sizeof(copy), &h), 0);
	assert_int_equal(view_left(&h.avps), 8);
	copy[3] = WIRE_HEADER;
	assert_int_equal(wire_header_parse(copy, sizeof(copy), &h), 0);
	assert_int_equal(view_left(&h.avps), 0);
	copy[3] = WIRE_HEADER - 1;
	assert_int_equal(wire_header_parse(copy, sizeof(copy), &h), -EBADMSG);
	copy[3] = sizeof(copy) + 1;
	assert_int_equal(wire_header_parse(copy, sizeof(copy), &h), -EBADMSG);
	copy[2] = 0xff;
	assert_int_equal(wire_header_parse(copy, sizeof(copy), &h), -EBADMSG);
}

static int first_avp(const uint8_t *bytes, size_t length, struct wire_avp *avp)
{
	struct view v = view_of(bytes, length);

	return wire_avp_next(&v, avp);
}

static void test_avp_lengths(void **state)
{
	struct wire_avp avp;

	assert_int_equal(first_avp((const uint8_t *)"\x00\x06\0\0\0\x27", 6, &avp), 1);
	assert_int_equal(avp.length, 0);
	assert_false(avp.mandatory);
	assert_int_equal(first_avp((const uint8_t *)"\x00\x05\0\0\0\x27", 6, &avp), -EBADMSG);
	assert_int_equal(first_avp((const uint8_t *)"\x00\x00\0\0\0\x27", 6, &avp), -EBADMSG);
	assert_int_equal(first_avp((const uint8_t *)"\x00\x07\0\0\0\x27", 6, &avp), -EBADMSG);
	assert_int_equal(first_avp((const uint8_t *)"\x03\xff\0\0\0\x27", 6, &avp), -EBADMSG);
	assert_int_equal(first_avp((const uint8_t *)"\x00\x06\0\0\0", 5, &avp), -EBADMSG);
	assert_int_equal(first_avp((const uint8_t *)"\xc4\x06\0\x09\1\1", 6, &avp), 1);
	assert_true(avp.mandatory && avp.hidden && avp.reserved);
	assert_int_equal(avp.vendor, 9);
	assert_int_equal(avp.type, 0x0101);
}

static void test_build(void **state)
{
	static const uint8_t expected[] = {0xc8, 0x02, 0x00, 0x24, 0x00, 0x07, 0x00, 0x09, 0, 0, 0,
		0, 0x80, 0x08, 0, 0, 0, 0, 0, 0x0e, 0x80, 0x0a, 0, 0, 0, 1, 0, 2, 0, 8, 0x00, 0x06,
		0, 0, 0, 0x27};
	uint8_t buffer[64];
	struct build b = wire_message_begin(buffer, sizeof(buffer), 7, 9, MESSAGE_CDN);

	wire_avp_result(&b, 2, 8, NULL);
	wire_avp_bytes(&b, AVP_SEQUENCING_REQUIRED, false, NULL, 0);
	assert_int_equal(wire_message_end(&b), sizeof(expected));
	assert_memory_equal(buffer, expected, sizeof(expected));
	wire_avp_bytes(&b, AVP_HOST_NAME, true, buffer, 60);
	assert_int_equal(wire_message_end(&b), -EMSGSIZE);
}

// A length that ten bits cannot hold must not spill into the flags.
static void test_build_too_long(void **state)
{
	static uint8_t buffer[4096], value[2048];
	struct build b = wire_message_begin(buffer, sizeof(buffer), 7, 9, MESSAGE_CDN);

	wire_avp_bytes(&b, AVP_HOST_NAME, true, value, WIRE_AVP_MAX - WIRE_AVP_HEADER);
	assert_true(wire_message_end(&b) > 0);
	wire_avp_bytes(&b, AVP_HOST_NAME, true, value, WIRE_AVP_MAX - WIRE_AVP_HEADER + 1);
	assert_int_equal(wire_message_end(&b), -EMSGSIZE);
}

static void test_zlb(void **state)
{
	static const uint8_t expected[] = {0xc8, 0x02, 0, 12, 0, 7, 0, 0, 0, 3, 0, 4};
	uint8_t zlb[WIRE_HEADER];

	wire_zlb(zlb, 7, 3, 4);
	assert_memory_equal(zlb, expected, sizeof(expected));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_truncations),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_lying_length),
		cmocka_unit_test(test_avp_lengths),
		cmocka_unit_test(test_build),
		cmocka_unit_test(test_build_too_long),
		cmocka_unit_test(test_zlb),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0

#include "digest.h"
#include "hidden.h"
#include "message.h"
#include "wire.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// The hidden values were computed from RFC 2661 section 4.3 by another program, with Python's
// hashlib: secret "tunnel secret", Random Vector 00 01 .. 0f.
static const char secret[] = "tunnel secret";
static const uint8_t vector[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
// Calling Number, three blocks, the last five bytes are padding.
static const uint8_t hidden_calling[] = {0xe6, 0xcc, 0xac, 0x95, 0xd2, 0x48, 0x41, 0xc6, 0x61, 0x47,
	0xe7, 0xc1, 0x7a, 0x5c, 0xcc, 0xc1, 0x82, 0xef, 0x72, 0x40, 0x8e, 0x38, 0x10, 0x76, 0xa7,
	0x4b, 0x2b, 0x43, 0xf2, 0x11, 0xcb, 0x4f, 0xb2, 0xb9, 0x35, 0x02, 0xab, 0x8e, 0x8f, 0x98,
	0xea, 0x9b, 0x70, 0x69, 0x71, 0x49, 0x59};
static const char calling[] = "+49 30 901820, extension 17 (front desk)";
static const uint8_t hidden_assigned[] = {0x37, 0x2c, 0xad, 0xd2}; // Assigned Session ID 0x1234
static const uint8_t hidden_lying[] = {0xc8, 0x2c, 0xad, 0xd2};    // says 0xff02 bytes
static const uint8_t hidden_empty[] = {0xe6, 0xe4};                // an empty Calling Number
// Response to the challenge `vector` in an SCCCN.
static const uint8_t response[] = {0xcf, 0x97, 0xf8, 0xa2, 0xd7, 0x82, 0xba, 0x60, 0x41, 0x05, 0x34,
	0x91, 0xd8, 0x97, 0x3e, 0xae};

static uint8_t buffer[2048];
static struct control_message m;

enum { MANDATORY = 0x8000, HIDDEN = 0x4000 };

static struct build begin(uint16_t type)
{
	return wire_message_begin(buffer, sizeof(buffer), 1, 0, type);
}

static void raw(struct build *b, uint16_t flags, uint16_t vendor, uint16_t type, const void *value,
	size_t length)
{
	build_u16(b, flags | (WIRE_AVP_HEADER + length));
	build_u16(b, vendor);
	build_u16(b, type);
	build_bytes(b, value, length);
}

// From a copy of the exact size, so that a read beyond it is seen.
static void parse(const struct build *b, const char *with)
{
	static uint8_t *copy;
	size_t length = build_length(b) - WIRE_HEADER;

	free(copy);
	copy = malloc(length ? length : 1);
	memcpy(copy, buffer + WIRE_HEADER, length);
	message_parse(view_of(copy, length), with, with ? strlen(with) : 0, &m);
}

static void test_reveal(void **state)
{
	const struct hidden_key key = {secret, strlen(secret), vector, sizeof(vector)};
	uint8_t plain[64];
	struct view out;

	assert_int_equal(hidden_reveal(&key, AVP_CALLING_NUMBER, hidden_calling,
				 sizeof(hidden_calling), plain, &out),
		0);
	assert_int_equal(view_left(&out), strlen(calling));
	assert_memory_equal(out.at, calling, strlen(calling));
	assert_int_equal(hidden_reveal(&key, AVP_CALLING_NUMBER, hidden_empty, sizeof(hidden_empty),
				 plain, &out),
		0);
	assert_int_equal(view_left(&out), 0);
	assert_int_equal(hidden_reveal(&key, AVP_ASSIGNED_SESSION, hidden_lying,
				 sizeof(hidden_lying), plain, &out),
		-EBADMSG);
	assert_int_equal(
		hidden_reveal(&key, AVP_CALLING_NUMBER, hidden_empty, 1, plain, &out), -EBADMSG);
	assert_int_equal(hidden_reveal(&key, AVP_CALLING_NUMBER, NULL, 0, plain, &out), -EBADMSG);
}

static void test_response(void **state)
{
	uint8_t out[DIGEST_LENGTH];

	assert_int_equal(
		digest_response(MESSAGE_SCCCN, secret, strlen(secret), vector, sizeof(vector), out),
		0);
	assert_memory_equal(out, response, sizeof(response));
}

static void test_hidden(void **state)
{
	struct build b = begin(MESSAGE_ICRQ);

	wire_avp_bytes(&b, AVP_RANDOM_VECTOR, true, "another vector", 14);
	wire_avp_bytes(&b, AVP_RANDOM_VECTOR, true, vector, sizeof(vector));
	raw(&b, MANDATORY | HIDDEN, 0, AVP_ASSIGNED_SESSION, hidden_assigned, 4);
	raw(&b, MANDATORY | HIDDEN, 0, AVP_CALLING_NUMBER, hidden_calling, sizeof(hidden_calling));
	parse(&b, secret);
	assert_int_equal(m.wrong, 0);
	assert_int_equal(m.assigned_session, 0x1234);
	assert_int_equal(m.calling.length, strlen(calling));
	assert_memory_equal(m.calling.at, calling, strlen(calling));
	// Without a secret, or with another one, a mandatory one ends it.
	parse(&b, NULL);
	assert_int_equal(m.wrong, ERROR_VALUE);
	parse(&b, "another secret");
	assert_int_equal(m.wrong, ERROR_LENGTH);
}

static void test_hidden_lies(void **state)
{
	struct build b = begin(MESSAGE_ICRQ);

	wire_avp_bytes(&b, AVP_RANDOM_VECTOR, true, vector, sizeof(vector));
	raw(&b, HIDDEN, 0, AVP_ASSIGNED_SESSION, hidden_lying, 4);
	parse(&b, secret);
	assert_int_equal(m.wrong, 0);
	assert_false(message_has(&m, AVP_ASSIGNED_SESSION));
	raw(&b, MANDATORY | HIDDEN, 0, AVP_ASSIGNED_SESSION, hidden_lying, 4);
	parse(&b, secret);
	assert_int_equal(m.wrong, ERROR_LENGTH);
	// Without a Random Vector before it.
	b = begin(MESSAGE_ICRQ);
	raw(&b, MANDATORY | HIDDEN, 0, AVP_ASSIGNED_SESSION, hidden_assigned, 4);
	wire_avp_bytes(&b, AVP_RANDOM_VECTOR, true, vector, sizeof(vector));
	parse(&b, secret);
	assert_int_equal(m.wrong, ERROR_VALUE);
}

static void test_numbers(void **state)
{
	struct build b = begin(MESSAGE_SCCRQ);

	wire_avp_u16(&b, AVP_PROTOCOL_VERSION, true, 0x0100);
	wire_avp_u32(&b, AVP_FRAMING_CAPABILITIES, true, 0x80000003);
	wire_avp_u16(&b, AVP_ASSIGNED_TUNNEL, true, 7);
	wire_avp_u16(&b, AVP_ASSIGNED_TUNNEL, true, 8);
	wire_avp_bytes(&b, AVP_VENDOR_NAME, false, NULL, 0);
	parse(&b, NULL);
	assert_int_equal(m.wrong, 0);
	assert_int_equal(m.type, MESSAGE_SCCRQ);
	assert_true(m.type_mandatory);
	assert_int_equal(m.version, 0x0100);
	assert_int_equal(m.framing_capabilities, 0x80000003);
	// The first one counts.
	assert_int_equal(m.assigned_tunnel, 7);
	assert_true(message_has(&m, AVP_VENDOR_NAME));
	assert_false(message_has(&m, AVP_HOST_NAME));
}

static void test_misplaced(void **state)
{
	struct build b = begin(MESSAGE_HELLO);

	wire_avp_u16(&b, AVP_ASSIGNED_TUNNEL, true, 7);
	wire_avp_bytes(&b, AVP_ACCM, true, "x", 1);
	parse(&b, NULL);
	assert_int_equal(m.wrong, 0);
	assert_false(message_has(&m, AVP_ASSIGNED_TUNNEL));
}

static void test_wrong(void **state)
{
	struct build b = begin(MESSAGE_SCCRQ);

	raw(&b, 0, 9, 1, "optional", 8);
	raw(&b, MANDATORY, AVP_VENDOR_DSL, 1, "line", 4);
	raw(&b, 0, 0, AVP_ASSIGNED_TUNNEL, "x", 1);
	parse(&b, NULL);
	assert_int_equal(m.wrong, 0);
	raw(&b, MANDATORY, 9, 1, "vendor", 6);
	raw(&b, MANDATORY, 0, AVP_RECEIVE_WINDOW, "x", 1);
	wire_avp_u16(&b, AVP_ASSIGNED_TUNNEL, true, 7);
	parse(&b, NULL);
	assert_int_equal(m.wrong, ERROR_UNKNOWN_AVP);
	assert_string_equal(m.wrong_text, "unknown mandatory AVP 1 of vendor 9");
	// It went on, so the tunnel that is to be refused is known.
	assert_int_equal(m.assigned_tunnel, 7);
	b = begin(MESSAGE_SCCRQ);
	raw(&b, MANDATORY, 0, AVP_RECEIVE_WINDOW, "x", 1);
	parse(&b, NULL);
	assert_int_equal(m.wrong, ERROR_LENGTH);
	// A reserved bit makes any AVP unknown.
	b = begin(MESSAGE_SCCRQ);
	raw(&b, MANDATORY | 0x0400, 0, AVP_HOST_NAME, "x", 1);
	parse(&b, NULL);
	assert_int_equal(m.wrong, ERROR_UNKNOWN_AVP);
	assert_false(message_has(&m, AVP_HOST_NAME));
}

static void test_no_type(void **state)
{
	struct build b = begin(MESSAGE_SCCRQ);

	message_parse(view_of(buffer, 0), NULL, 0, &m);
	assert_int_equal(m.type, MESSAGE_TYPE_NONE);
	assert_int_equal(m.wrong, ERROR_LENGTH);
	b.length = WIRE_HEADER;
	wire_avp_u16(&b, AVP_ASSIGNED_TUNNEL, true, 7);
	wire_avp_u16(&b, AVP_MESSAGE_TYPE, true, MESSAGE_SCCRQ);
	parse(&b, NULL);
	assert_int_equal(m.type, MESSAGE_TYPE_NONE);
	assert_int_equal(m.wrong, ERROR_VALUE);
}

// Every prefix of a message that carries everything: no read beyond it, and never two truths.
static void test_truncations(void **state)
{
	struct build b = begin(MESSAGE_ICRQ);
	size_t length;

	wire_avp_bytes(&b, AVP_RANDOM_VECTOR, true, vector, sizeof(vector));
	raw(&b, MANDATORY | HIDDEN, 0, AVP_CALLING_NUMBER, hidden_calling, sizeof(hidden_calling));
	wire_avp_u16(&b, AVP_ASSIGNED_SESSION, true, 9);
	length = build_length(&b);
	for (size_t n = WIRE_HEADER; n <= length; n++) {
		b.length = n;
		parse(&b, secret);
		assert_int_equal(message_has(&m, AVP_ASSIGNED_SESSION) && m.assigned_session == 9,
			n == length);
	}
	assert_int_equal(m.wrong, 0);
}

static void test_end(void **state)
{
	struct message_end end;
	struct build b = begin(MESSAGE_CDN);
	static char text[1000];

	wire_avp_result(&b, 2, 6, "out of luck");
	raw(&b, MANDATORY, 0, AVP_CAUSE_CODE, "\0\x10\1gone", 7);
	raw(&b, 0, 0, AVP_DISCONNECT_CAUSE, "\0\x12\x80\x21\2full", 9);
	parse(&b, NULL);
	message_end(&m, &end);
	assert_int_equal(end.result, 2);
	assert_int_equal(end.error, 6);
	assert_string_equal(end.text,
		"CDN with result 2, error 6: out of luck; Q.931 cause 16: gone; "
		"PPP cause 18 of protocol 0x8021 at our end: full");
	memset(text, 'x', sizeof(text));
	b = begin(MESSAGE_STOPCCN);
	raw(&b, MANDATORY, 0, AVP_RESULT_CODE, text, sizeof(text));
	parse(&b, NULL);
	message_end(&m, &end);
	assert_int_equal(strlen(end.text), sizeof(end.text) - 1);
	parse(&(struct build){.start = buffer, .length = WIRE_HEADER + 8}, NULL);
	message_end(&m, &end);
	assert_string_equal(end.text, "StopCCN with result 0, error 0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reveal),
		cmocka_unit_test(test_response),
		cmocka_unit_test(test_hidden),
		cmocka_unit_test(test_hidden_lies),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_misplaced),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_no_type),
		cmocka_unit_test(test_truncations),
		cmocka_unit_test(test_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

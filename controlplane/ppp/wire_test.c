// SPDX-License-Identifier: Apache-2.0

#include "wire.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_control(void **state)
{
	static const uint8_t good[] = {1, 9, 0, 6, 0xaa, 0xbb, 0xff, 0xff};
	struct wire_control c;

	assert_int_equal(wire_control_parse(view_of(good, sizeof(good)), &c), 0);
	assert_int_equal(c.code, 1);
	assert_int_equal(c.id, 9);
	assert_int_equal(view_left(&c.body), 2); // the padding is gone
	assert_int_equal(c.body.at[1], 0xbb);
	for (size_t cut = 0; cut < 6; cut++)
		assert_int_equal(wire_control_parse(view_of(good, cut), &c), -EBADMSG);
	assert_int_equal(wire_control_parse(view_of("\x01\x01\x00\x03", 4), &c), -EBADMSG);
	assert_int_equal(wire_control_parse(view_of("\x01\x01\xff\xff", 4), &c), -EBADMSG);
}

static void test_options(void **state)
{
	static const uint8_t good[] = {1, 4, 5, 0xdc, 7, 2, 8, 2};
	struct view list = view_of(good, sizeof(good));
	struct wire_option o;

	assert_true(wire_options_valid(list));
	assert_int_equal(wire_option_next(&list, &o), 1);
	assert_int_equal(o.type, 1);
	assert_int_equal(view_u16(&o.data), 1500);
	assert_int_equal(wire_option_next(&list, &o), 1);
	assert_int_equal(o.type, 7);
	assert_int_equal(view_left(&o.data), 0);
	assert_int_equal(wire_option_next(&list, &o), 1);
	assert_int_equal(wire_option_next(&list, &o), 0);
	assert_true(wire_options_valid(view_of(good, 0)));
	assert_false(wire_options_valid(view_of(good, 3)));
	assert_false(wire_options_valid(view_of(good, 5)));
	assert_false(wire_options_valid(view_of("\x01\x01", 2)));
	assert_false(wire_options_valid(view_of("\x01\x00", 2)));
	assert_false(wire_options_valid(view_of("\x01\x04\x00", 3)));
}

static void test_pap_and_chap(void **state)
{
	struct wire_pap pap;
	struct wire_chap chap;

	assert_int_equal(wire_pap_parse(view_of("\x02me\x03pwd", 7), &pap), 0);
	assert_int_equal(view_left(&pap.name), 2);
	assert_int_equal(view_left(&pap.password), 3);
	assert_int_equal(wire_pap_parse(view_of("\x00\x00", 2), &pap), 0);
	assert_int_equal(wire_pap_parse(view_of("\x02me\x04pwd", 7), &pap), -EBADMSG);
	assert_int_equal(wire_pap_parse(view_of("\x02me", 3), &pap), -EBADMSG);
	assert_int_equal(wire_pap_parse(view_of("\xffme", 3), &pap), -EBADMSG);
	assert_int_equal(wire_chap_parse(view_of("\x02vvme", 5), &chap), 0);
	assert_int_equal(view_left(&chap.value), 2);
	assert_int_equal(view_left(&chap.name), 2);
	assert_int_equal(wire_chap_parse(view_of("\x02vv", 3), &chap), 0);
	assert_int_equal(wire_chap_parse(view_of("\x00me", 3), &chap), -EBADMSG);
	assert_int_equal(wire_chap_parse(view_of("\x03vv", 3), &chap), -EBADMSG);
	assert_int_equal(wire_chap_parse(view_of("", 0), &chap), -EBADMSG);
}

static void test_build(void **state)
{
	static const uint8_t expected[] = {
		0xc0, 0x21, 1, 7, 0, 18, 1, 4, 5, 0xdc, 5, 6, 1, 2, 3, 4, 7, 2, 'a', 'b'};
	static const struct wire_option pfc = {.type = 7};
	uint8_t packet[64];
	struct build out = build_in(packet, sizeof(packet));

	wire_begin(&out, PPP_LCP, 1, 7);
	wire_option_u16(&out, 1, 1500);
	wire_option_u32(&out, 5, 0x01020304);
	wire_option_copy(&out, &pfc);
	wire_view(&out, view_of("abc", 3), 2);
	assert_int_equal(wire_finish(&out), sizeof(expected));
	assert_memory_equal(packet, expected, sizeof(expected));
	out = build_in(packet, 7);
	wire_begin(&out, PPP_LCP, 1, 7);
	wire_option_u16(&out, 1, 1500);
	assert_int_equal(wire_finish(&out), 0);
	out = build_in(packet, sizeof(packet));
	wire_option_bytes(&out, 1, packet, 254);
	assert_true(out.failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_control),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_pap_and_chap),
		cmocka_unit_test(test_build),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

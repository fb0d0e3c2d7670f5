// SPDX-License-Identifier: Apache-2.0

#include "fragment.h"

#include "contract/limits.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int add(struct fragment_box *box, uint16_t id, uint8_t number, bool last, const char *text)
{
	struct fragment f = {.id = id,
		.number = number,
		.last = last,
		.piece = SPAN((const uint8_t *)text, strlen(text))};

	return fragment_add(box, &f);
}

static void expect(struct fragment_box *box, const char *text)
{
	size_t length;
	uint8_t *bytes;

	assert_true(fragment_complete(box));
	bytes = fragment_take(box, &length);
	assert_int_equal(length, strlen(text));
	assert_memory_equal(bytes, text, length);
	free(bytes);
	assert_int_equal(box->count, 0);
	assert_int_equal(box->bytes, 0);
}

static void puts_a_message_together(void **state)
{
	struct fragment_box box = {0};

	(void)state;
	assert_int_equal(add(&box, 1, 3, true, "ge"), 0);
	assert_int_equal(add(&box, 1, 1, false, "mes"), 0);
	assert_int_equal(add(&box, 1, 1, false, "mes"), 0);
	assert_false(fragment_complete(&box));
	assert_int_equal(add(&box, 1, 2, false, "sa"), 0);
	expect(&box, "message");
	assert_int_equal(add(&box, 1, 1, true, "one"), 0);
	expect(&box, "one");
}

// What came last is right: the older pieces may be of an earlier message.
static void starts_anew_where_pieces_contradict(void **state)
{
	struct fragment_box box = {0};

	(void)state;
	(void)add(&box, 1, 1, false, "old");
	(void)add(&box, 1, 1, false, "new");
	assert_int_equal(box.count, 1);
	(void)add(&box, 1, 2, true, "!");
	expect(&box, "new!");
	(void)add(&box, 1, 1, false, "old");
	(void)add(&box, 2, 2, true, "!");
	assert_int_equal(box.count, 1);
	(void)add(&box, 2, 1, false, "a");
	expect(&box, "a!");
	(void)add(&box, 1, 2, true, "x");
	(void)add(&box, 1, 3, false, "y"); // beyond the last
	assert_int_equal(box.count, 1);
	(void)add(&box, 1, 2, true, "z"); // the last, and there is one beyond it
	assert_int_equal(box.count, 1);
	(void)add(&box, 1, 2, false, "z");
	(void)add(&box, 1, 3, true, "z");
	(void)add(&box, 1, 1, true, "z"); // another last one
	expect(&box, "z");
	fragment_box_empty(&box);
}

static void is_bounded(void **state)
{
	static char text[LIMIT_IKE_MESSAGE];
	struct fragment_box box = {0};

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	assert_int_equal(add(&box, 1, 1, false, text), 0);
	assert_int_equal(add(&box, 1, 2, false, "y"), 0);
	assert_int_equal(add(&box, 1, 3, false, "z"), -EMSGSIZE);
	assert_int_equal(box.count, 0);
	assert_int_equal(box.bytes, 0);
}

static void refuses_nonsense(void **state)
{
	static const uint8_t good[] = {0, 1, 64, 1, 0xaa};
	uint8_t bad[sizeof(good)];
	struct fragment f;

	(void)state;
	assert_int_equal(fragment_parse(SPAN(good, sizeof(good)), &f), 0);
	assert_int_equal(f.number, 64);
	assert_true(f.last);
	assert_int_equal(f.piece.length, 1);
	for (size_t n = 0; n < sizeof(good); n++)
		assert_int_equal(fragment_parse(SPAN(good, n), &f), -EBADMSG);
	memcpy(bad, good, sizeof(bad));
	bad[2] = 65;
	assert_int_equal(fragment_parse(SPAN(bad, sizeof(bad)), &f), -EBADMSG);
	bad[2] = 0;
	assert_int_equal(fragment_parse(SPAN(bad, sizeof(bad)), &f), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(puts_a_message_together),
		cmocka_unit_test(starts_anew_where_pieces_contradict),
		cmocka_unit_test(is_bounded),
		cmocka_unit_test(refuses_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

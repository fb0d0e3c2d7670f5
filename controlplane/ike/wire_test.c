// SPDX-License-Identifier: Apache-2.0

#include "wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

// A first message of main mode: two transforms, one vendor id; lifetimes in both forms.
static const uint8_t first[] = {1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0,      // cookies
	1, 0x10, 2, 0, 0, 0, 0, 0, 0, 0, 0, 140,                                     // header
	13, 0, 0, 92, 0, 0, 0, 1, 0, 0, 0, 1,                                        // SA
	0, 0, 0, 80, 1, 1, 0, 2,                                                     // proposal
	3, 0, 0, 36, 1, 1, 0, 0,                                                     // transform 1
	0x80, 1, 0, 7, 0x80, 14, 1, 0, 0x80, 2, 0, 2, 0x80, 3, 0, 1, 0x80, 4, 0, 14, //
	0x80, 11, 0, 1, 0x80, 12, 0x70, 0x80,                                        //
	0, 0, 0, 36, 2, 1, 0, 0,                                                     // transform 2
	0x80, 1, 0, 5, 0x80, 2, 0, 2, 0x80, 3, 0, 1, 0x80, 4, 0, 2,                  //
	0x80, 11, 0, 1, 0, 12, 0, 4, 0, 0, 0x70, 0x80,                               //
	0, 0, 0, 20, 0x4a, 0x13, 0x1c, 0x81, 7, 3, 0x58, 0x45, 0x5c, 0x57, 0x28, 0xf2, 0x0e, 0x95,
	0x45, 0x2f};

static void reads_a_first_message(void **state)
{
	struct isakmp_header h;
	struct isakmp_chain chain;
	struct isakmp_sa sa;
	struct isakmp_attribute a;
	struct span rest;
	uint64_t life = 0;

	assert_int_equal(isakmp_header_parse(first, sizeof(first), &h), 0);
	assert_int_equal(h.exchange, ISAKMP_MAIN);
	assert_int_equal(h.length, sizeof(first));
	assert_int_equal(isakmp_chain_parse(h.next, first + 28, sizeof(first) - 28, &chain), 0);
	assert_int_equal(chain.count, 2);
	assert_ptr_equal(chain.end, first + sizeof(first));
	assert_non_null(isakmp_chain_find(&chain, ISAKMP_VENDOR, 0));
	assert_null(isakmp_chain_find(&chain, ISAKMP_VENDOR, 1));
	assert_int_equal(isakmp_sa_parse(chain.parts[0].body, &sa), 0);
	assert_int_equal(sa.proposal_count, 1);
	assert_int_equal(sa.transform_count, 2);
	assert_int_equal(sa.proposals[0].count, 2);
	for (int i = 0; i < 2; i++) {
		rest = sa.transforms[i].attributes;
		while (isakmp_attribute_next(&rest, &a))
			if (a.type == 12)
				life = a.value;
		assert_int_equal(life, 28800);
		assert_int_equal(rest.length, 0);
		life = 0;
	}
}

// Every prefix, and every message with one byte changed, in memory of exactly its size.
static void survives_truncation_and_change(void **state)
{
	for (size_t n = 0; n <= sizeof(first); n++) {
		uint8_t *copy = malloc(n ? n : 1);
		struct isakmp_header h;
		struct isakmp_chain chain;
		struct isakmp_sa sa;

		memcpy(copy, first, n);
		if (n < sizeof(first))
			assert_int_not_equal(isakmp_header_parse(copy, n, &h), 0);
		if (n > 28 && n < sizeof(first)) {
			assert_int_not_equal(isakmp_chain_parse(1, copy + 28, n - 28, &chain), 0);
			(void)isakmp_sa_parse(SPAN(copy + 28, n - 28), &sa);
		}
		free(copy);
	}
	for (size_t n = 28; n < sizeof(first); n++) {
		uint8_t copy[sizeof(first)];
		struct isakmp_chain chain;
		struct isakmp_sa sa;

		memcpy(copy, first, sizeof(first));
		copy[n] ^= 0xff;
		if (isakmp_chain_parse(1, copy + 28, sizeof(copy) - 28, &chain) == 0)
			(void)isakmp_sa_parse(chain.parts[0].body, &sa);
	}
}

static void refuses_wrong_sas(void **state)
{
	uint8_t body[88];
	struct isakmp_sa sa;

	memcpy(body, first + 32, sizeof(body));
	body[3] = 2; // DOI
	assert_int_not_equal(isakmp_sa_parse(SPAN(body, sizeof(body)), &sa), 0);
	memcpy(body, first + 32, sizeof(body));
	body[15] = 3; // more transforms than there are
	assert_int_not_equal(isakmp_sa_parse(SPAN(body, sizeof(body)), &sa), 0);
	memcpy(body, first + 32, sizeof(body));
	body[14] = 17; // SPI size
	assert_int_not_equal(isakmp_sa_parse(SPAN(body, sizeof(body)), &sa), 0);
	assert_int_not_equal(isakmp_sa_parse(SPAN(body, 8), &sa), 0);
}

static void bounds_the_payloads(void **state)
{
	uint8_t many[4 * (ISAKMP_PAYLOADS + 1)];
	struct isakmp_chain chain;

	for (size_t i = 0; i <= ISAKMP_PAYLOADS; i++)
		memcpy(many + 4 * i, (const uint8_t[]){i == ISAKMP_PAYLOADS ? 0 : 13, 0, 0, 4}, 4);
	assert_int_not_equal(isakmp_chain_parse(13, many, sizeof(many), &chain), 0);
	many[4 * (ISAKMP_PAYLOADS - 1)] = 0;
	assert_int_equal(isakmp_chain_parse(13, many, sizeof(many), &chain), 0);
	assert_int_equal(chain.count, ISAKMP_PAYLOADS);
}

static void reads_long_attributes(void **state)
{
	const uint8_t bytes[] = {0, 12, 0, 9, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 6, 0, 8, 1};
	struct span rest = SPAN(bytes, sizeof(bytes));
	struct isakmp_attribute a;

	assert_true(isakmp_attribute_next(&rest, &a));
	assert_true(a.value == UINT64_MAX); // does not fit
	assert_true(isakmp_attribute_next(&rest, &a));
	assert_int_equal(a.value, 0);                   // empty
	assert_false(isakmp_attribute_next(&rest, &a)); // passes the end
}

static void reads_nat_oa_with_dirty_reserved_bytes(void **state)
{
	const uint8_t oa[] = {1, 0x30, 0, 0x25, 10, 0, 0, 9}, v6[20] = {5, 0, 0, 0, 0x20, 1};
	struct ip_address address;

	assert_int_equal(isakmp_nat_oa_parse(SPAN(oa, 8), &address), 0);
	assert_int_equal(address.version, IP_V4);
	assert_memory_equal(address.bytes, oa + 4, 4);
	assert_int_not_equal(isakmp_nat_oa_parse(SPAN(oa, 7), &address), 0);
	assert_int_not_equal(isakmp_nat_oa_parse(SPAN(v6, 19), &address), 0);
	assert_int_equal(isakmp_nat_oa_parse(SPAN(v6, 20), &address), 0);
	assert_int_equal(address.version, IP_V6);
	assert_memory_equal(address.bytes, v6 + 4, 16);
}

static void reads_deletes_and_notifications(void **state)
{
	const uint8_t d[] = {0, 0, 0, 1, 3, 4, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8};
	const uint8_t n[] = {0, 0, 0, 1, 1, 2, 0x8d, 0x28, 9, 9, 0, 0, 0, 7};
	struct isakmp_delete_body delete;
	struct isakmp_notify_body notify;

	assert_int_equal(isakmp_delete_parse(SPAN(d, sizeof(d)), &delete), 0);
	assert_int_equal(delete.count, 2);
	assert_int_equal(delete.spis.length, 8);
	assert_int_not_equal(isakmp_delete_parse(SPAN(d, sizeof(d) - 1), &delete), 0);
	assert_int_equal(isakmp_notify_parse(SPAN(n, sizeof(n)), &notify), 0);
	assert_int_equal(notify.type, NOTIFY_R_U_THERE);
	assert_int_equal(notify.data.length, 4);
	assert_int_not_equal(isakmp_notify_parse(SPAN(n, 9), &notify), 0);
}

static void what_is_written_can_be_read(void **state)
{
	struct isakmp_header h = {.version = ISAKMP_VERSION, .exchange = ISAKMP_QUICK}, got;
	const uint8_t spi[4] = {1, 2, 3, 4}, attributes[4] = {0x80, 4, 0, 2};
	struct isakmp_proposal p = {.number = 3, .protocol = 3};
	struct isakmp_transform t = {.number = 5, .id = 12, .attributes = SPAN(attributes, 4)};
	uint8_t buffer[256];
	struct isakmp_out o = isakmp_out_begin(buffer, sizeof(buffer), &h);
	struct isakmp_chain chain;
	struct isakmp_sa sa;
	size_t length;

	isakmp_out_sa(&o, &p, spi, 4, &t);
	isakmp_out_notify(&o, 3, spi, 4, 14, NULL, 0);
	isakmp_out_delete(&o, 3, 4, 1, spi);
	isakmp_out_pad(&o, 16);
	length = isakmp_out_end(&o);
	assert_int_equal((length - ISAKMP_HEADER) % 16, 0);
	assert_int_equal(isakmp_header_parse(buffer, length, &got), 0);
	assert_int_equal(got.length, length);
	assert_int_equal(isakmp_chain_parse(got.next, buffer + 28, length - 28, &chain), 0);
	assert_int_equal(chain.count, 3);
	assert_int_equal(isakmp_sa_parse(chain.parts[0].body, &sa), 0);
	assert_int_equal(sa.proposals[0].number, 3);
	assert_memory_equal(sa.proposals[0].spi.at, spi, 4);
	assert_int_equal(sa.transforms[0].number, 5);
	assert_memory_equal(sa.transforms[0].attributes.at, attributes, 4);
	o = isakmp_out_begin(buffer, 40, &h);
	isakmp_out_sa(&o, &p, spi, 4, &t);
	assert_int_equal(isakmp_out_end(&o), 0); // did not fit
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_first_message),
		cmocka_unit_test(survives_truncation_and_change),
		cmocka_unit_test(refuses_wrong_sas),
		cmocka_unit_test(bounds_the_payloads),
		cmocka_unit_test(reads_long_attributes),
		cmocka_unit_test(reads_nat_oa_with_dirty_reserved_bytes),
		cmocka_unit_test(reads_deletes_and_notifications),
		cmocka_unit_test(what_is_written_can_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0

#include "ike_spi.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t KEY[IKE_SPI_KEY] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

// Of the bytes 0, 1, 2, ...: 15 of them are the example of the paper, the others what libcrypto
// says.
static void is_siphash(void **state)
{
	uint8_t bytes[24];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	assert_true(siphash(KEY, bytes, 15) == 0xa129ca6149be45e5);
	assert_true(siphash(KEY, bytes, 4) == 0xcf2794e0277187b7);
	assert_true(siphash(KEY, bytes, 24) == 0xb8ad50c6f649af94);
}

static void knows_its_own(void **state)
{
	uint8_t spi[IKE_SPI], key[IKE_SPI_KEY];

	for (unsigned i = 0; i < 1000; i++) {
		uint8_t random[IKE_SPI_RANDOM] = {(uint8_t)i, (uint8_t)(i >> 8), 7, 9};

		assert_true(ike_spi_make(KEY, random, spi));
		assert_memory_equal(spi, random, IKE_SPI_RANDOM);
		assert_true(ike_spi_ours(KEY, spi));
		for (unsigned bit = 0; bit < 8 * IKE_SPI; bit++) {
			spi[bit / 8] ^= 1 << bit % 8;
			assert_false(ike_spi_ours(KEY, spi));
			spi[bit / 8] ^= 1 << bit % 8;
		}
		memcpy(key, KEY, sizeof(key));
		key[i % IKE_SPI_KEY] ^= 1;
		assert_false(ike_spi_ours(key, spi));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_siphash),
		cmocka_unit_test(knows_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

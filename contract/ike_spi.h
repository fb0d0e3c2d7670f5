// SPDX-License-Identifier: Apache-2.0
#pragma once

// The SPIs (version 1: cookies) of our IKE SAs: four random bytes, and four that show to whoever
// has the key that the SPI is one of ours. So a worker tells an IKE message of somebody that we
// talk to from any other by its header alone. It is no proof of who sent it: an SPI is not secret,
// and one in 2^32 that is made up passes; the message itself is authenticated by IKE.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	IKE_SPI = 8, // bytes (RFC 2408 section 3.1, RFC 7296 section 3.1)
	IKE_SPI_RANDOM = 4,
	IKE_SPI_KEY = 16,
};

// Writes the SPI that has these random bytes in front. All zeros would be no SPI: whoever is told
// false draws others.
bool ike_spi_make(
	const uint8_t key[IKE_SPI_KEY], const uint8_t random[IKE_SPI_RANDOM], uint8_t spi[IKE_SPI]);
bool ike_spi_ours(const uint8_t key[IKE_SPI_KEY], const uint8_t spi[IKE_SPI]);

// SipHash-2-4 of the bytes, the number that its eight bytes are in little-endian order: a hash that
// nobody without the key can foretell. Pure.
uint64_t siphash(const uint8_t key[IKE_SPI_KEY], const void *bytes, size_t length);

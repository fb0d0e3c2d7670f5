// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "contract/algorithm.h"

#include <stdbool.h>
#include <stdint.h>

// What a pair of ESP SAs is made of.
struct esp_form {
	enum esp_cipher cipher;
	enum esp_integrity integrity;
	uint8_t encapsulation; // enum esp_encapsulation
	bool esn;              // 64-bit sequence numbers (RFC 4304)
	uint32_t spi_out;      // the peer's
};

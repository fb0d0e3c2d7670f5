// SPDX-License-Identifier: Apache-2.0
#pragma once

// Cookies (RFC 7296 section 2.6): a peer that returns ours is where it says. Nothing is kept for
// it: a cookie is the HMAC of its nonce, address, port and SPI by a secret of ours that changes.

#include "v2.h"

// 0, or -EINVAL without random numbers.
int cookie_make(struct v2_cookies *c, uint64_t now_ms, const struct flow *flow,
	const uint8_t *spi_i, struct span nonce, uint8_t out[V2_COOKIE_OURS]);
bool cookie_fits(struct v2_cookies *c, uint64_t now_ms, const struct flow *flow,
	const uint8_t *spi_i, struct span nonce, struct span cookie);

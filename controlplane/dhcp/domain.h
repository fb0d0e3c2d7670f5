// SPDX-License-Identifier: Apache-2.0
#pragma once

// A domain name as DNS writes it (RFC 1035 section 3.1), as DHCPv6 (RFC 3646) and router
// advertisements (RFC 8106) have it. Pure.

#include <stddef.h>
#include <stdint.h>

enum { DOMAIN_BYTES = 255 };

// A name with or without a final dot. Returns its length in out, or 0 when it is empty, too long,
// or has a label that is empty or longer than 63 bytes.
size_t domain_encode(const char *name, uint8_t out[DOMAIN_BYTES]);

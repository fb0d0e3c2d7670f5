// SPDX-License-Identifier: Apache-2.0
#pragma once

// MD4 (RFC 1320), for the NT password hash of MS-CHAPv2 and nothing else: libcrypto keeps it in a
// provider that is not loaded.

#include <stddef.h>
#include <stdint.h>

enum { MD4_DIGEST = 16 };

void md4(const void *bytes, size_t length, uint8_t digest[MD4_DIGEST]);

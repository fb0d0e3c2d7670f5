// SPDX-License-Identifier: Apache-2.0
#pragma once

// The MSS option of TCP SYN segments (RFC 9293 section 3.7.1). Pure but for the bytes it changes.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Lowers the option in an IPv4 packet with TCP to most bytes, if it says more, and corrects the
// checksum (RFC 1624). True when it was changed. Anything that is malformed, is no SYN, is a
// fragment beyond the first or has no such option stays as it is.
bool mss_clamp_ip4(uint8_t *ip, size_t length, uint16_t most);
// The same for IPv6, behind any extension headers.
bool mss_clamp_ip6(uint8_t *ip, size_t length, uint16_t most);

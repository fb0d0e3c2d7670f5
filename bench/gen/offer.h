// SPDX-License-Identifier: Apache-2.0
#pragma once

// The bodies of the SA payloads that the initiator sends: one proposal with the one transform that
// the options name (RFC 2407 section 4, RFC 2409 appendix A). Both return the length, 0 when it
// does not fit.

#include "options.h"

#include <stddef.h>

size_t offer_ike(const struct options *o, uint8_t *out, size_t size);
// number is our SPI; udp: UDP-encapsulated transport mode (RFC 3947 section 5.1).
size_t offer_esp(const struct options *o, bool udp, uint32_t number, uint8_t *out, size_t size);

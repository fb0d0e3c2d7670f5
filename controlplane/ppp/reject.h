// SPDX-License-Identifier: Apache-2.0
#pragma once

// Protocols that we do not speak: CCP, ECP, IPV6CP and whatever comes. The peer gets a
// Protocol-Reject for each (RFC 1661 section 5.7), so many a second and no more, and the log says
// so once for each protocol.

#include "wire.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	REJECT_BURST = 8, // Protocol-Rejects in one period
	REJECT_PERIOD_MS = 1000,
	REJECT_REMEMBERED = 16, // protocols that are logged by name, of one session
};

struct reject {
	uint64_t period; // when it began, milliseconds
	uint8_t sent;    // in this period
	uint8_t count;
	uint16_t protocols[REJECT_REMEMBERED];
};

struct ppp;

void reject_protocol(struct ppp *ppp, uint16_t protocol, struct view information);

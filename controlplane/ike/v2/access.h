// SPDX-License-Identifier: Apache-2.0
#pragma once

// Remote access without L2TP (RFC 7296 sections 2.19 and 3.15): the addresses that a peer asks for
// by a configuration payload, and the traffic selectors of its tunnel.

#include "v2.h"

// Asks what is above; child_go_on or child_refuse follows. The request may be gone when this
// returns.
void access_begin(struct v2_request *r);
// What of its traffic selectors the peer gets, by its addresses and remote-access.routes. NULL, or
// why nothing is left.
const char *access_narrow(
	struct v2_request *r, const struct v2_selectors *i, const struct v2_selectors *r_side);
// CFG_REPLY, where the peer sent CFG_REQUEST.
void access_write(const struct v2_request *r, struct isakmp_out *out);

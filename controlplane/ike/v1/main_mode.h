// SPDX-License-Identifier: Apache-2.0
#pragma once

// Main mode as responder, with pre-shared keys (RFC 2409 section 5.4), NAT discovery on the way.

#include "sealed.h"

// The first message of somebody that we do not know.
void main_mode_first(struct ike *ike, const struct flow *flow, const struct isakmp_header *h,
	const uint8_t *message);
// Any later one.
void main_mode_input(struct ike_sa *sa, const struct flow *flow, const struct isakmp_header *h,
	const uint8_t *message);

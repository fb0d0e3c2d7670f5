// SPDX-License-Identifier: Apache-2.0
#pragma once

// IKE version 1: RFC 2407, 2408, 2409; NAT traversal by RFC 3947; DPD by RFC 3706.

#include "controlplane/ike/state.h"

extern const struct ike_version ike_v1;

// A message without our cookie, from somebody that we do not know.
void v1_first(struct ike *ike, const struct flow *flow, const struct isakmp_header *h,
	const uint8_t *message);

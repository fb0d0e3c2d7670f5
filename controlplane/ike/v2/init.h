// SPDX-License-Identifier: Apache-2.0
#pragma once

// IKE_SA_INIT (RFC 7296 section 1.2), from the first message to the keys.

#include "v2.h"

void init_input(struct ike *ike, const struct flow *flow, const struct isakmp_header *h,
	const uint8_t *message);
// Who is behind a NAT, by the NAT_DETECTION_*_IP notifications in a message with these SPIs
// (section 2.23). false: the peer does not do NAT traversal.
bool init_nat_discover(const struct v2_chain *chain, const uint8_t *spi_i, const uint8_t *spi_r,
	const struct flow *flow, bool *nat_peer, bool *nat_us);
// Ours, for an answer or a request.
void init_nat_write(struct isakmp_out *out, const uint8_t *spi_i, const uint8_t *spi_r,
	const struct flow *flow);

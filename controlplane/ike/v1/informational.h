// SPDX-License-Identifier: Apache-2.0
#pragma once

// Informational exchanges (RFC 2409 section 5.7): Deletes and notifications both ways, DPD
// (RFC 3706). Only what is encrypted and authentic is heeded.

#include "sealed.h"

// A message of an established SA. The SA and its peer may be gone afterwards.
void informational_input(struct ike_sa *sa, const struct flow *flow, const struct isakmp_header *h,
	const uint8_t *message);
// Of a message's notifications, the one of this type is there.
bool informational_has(const struct isakmp_chain *chain, uint16_t type);

// Tells the peer that the SA goes.
void informational_delete_sa(struct ike_sa *sa);
// The same of a pair of ESP SAs, by our SPI.
void informational_delete_spi(struct ike_sa *sa, uint32_t spi);
// R-U-THERE with the peer's sequence number.
void informational_ask(struct ike_peer *peer);
// An error notification about the SA itself, whose first IV of phase 2 follows from iv.
void informational_refuse_sa(
	struct ike_sa *sa, const struct flow *flow, const uint8_t *iv, uint16_t type);
// An error notification about the pair of ESP SAs that the peer asked for.
void informational_refuse(struct ike_sa *sa, const struct flow *flow, uint32_t spi, uint16_t type);

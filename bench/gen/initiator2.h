// SPDX-License-Identifier: Apache-2.0
#pragma once

// The IKEv2 initiator of one peer (RFC 7296): IKE_SA_INIT with cookies and NAT detection, IKE_AUTH
// with a pre-shared key and a pair of ESP SAs in transport mode, rekeys of the pair, answers to
// questions whether it lives, and the Delete at the end. initiator.h calls it.

#include "gen.h"

void initiator2_start(struct peer *p);
void initiator2_input(struct peer *p, const uint8_t *message, size_t length);
bool initiator2_is(const struct peer *p, const uint8_t *spi_i);
void initiator2_delete(struct peer *p);
void initiator2_free(struct peer *p);

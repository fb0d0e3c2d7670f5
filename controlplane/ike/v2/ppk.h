// SPDX-License-Identifier: Apache-2.0
#pragma once

// Post-quantum pre-shared keys (RFC 8784): a key that both sides have mixes into SK_d, SK_pi and
// SK_pr before the peer's AUTH is looked at; with EAP that is the last AUTH, made with the MSK.

#include "v2.h"

// By PPK_IDENTITY of the request, which has to be the one with AUTH, or without one when
// ike.ppk-required does not want it. NULL, or why the peer is refused.
const char *ppk_take(struct v2_request *r);
void ppk_write(const struct ike_sa *sa, struct isakmp_out *out);

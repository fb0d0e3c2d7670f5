// SPDX-License-Identifier: Apache-2.0
#pragma once

// The subscriber's end of a PPP link (RFC 1661): LCP, PAP or CHAP-MD5 or MS-CHAPv2, IPCP.

#include "gen.h"

// Begins LCP; session_up or session_fail follows.
void link_start(struct session *s);
void link_stop(struct session *s);
// A control packet from its protocol field on.
void link_input(struct session *s, const uint8_t *packet, size_t length);

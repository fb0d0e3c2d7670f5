// SPDX-License-Identifier: Apache-2.0
#pragma once

// EAP in IKE_AUTH (RFC 7296 sections 1.2 and 2.16): we prove ourselves by a certificate first, the
// peer by EAP, then both by the key that comes of it.

#include "v2.h"

struct v2_eap;

// The first request of a peer that sent no AUTH; its identities are taken. It is answered, or
// auth_failed is called.
void eap_begin(struct v2_request *r);
// A request of a peer whose SA has begun EAP.
void eap_request(struct v2_request *r);
// Wipes; e may be NULL.
void eap_end(struct v2_eap *e);

// SPDX-License-Identifier: Apache-2.0
#pragma once

// Proof by certificates in IKE_AUTH: RSA, ECDSA and EdDSA signatures (RFC 7296 section 2.15,
// RFC 4754, RFC 7427, RFC 8420), CERT and CERTREQ payloads (sections 3.6 and 3.7).

#include "v2.h"

// The peer's AUTH is a signature: checked, then ours is made, then auth_proven or auth_failed.
void certificate_input(struct v2_request *r, const struct v2_auth *auth);
// Our own proof alone, as for a peer that uses EAP: done, or auth_failed.
void certificate_prove(struct v2_request *r, void (*done)(struct v2_request *r));
// Our CERT payloads, where our proof is a signature.
void certificate_write(const struct ike_sa *sa, struct isakmp_out *out);
// CERTREQ with our authorities, if there are any.
void certificate_request_write(const struct ike *ike, struct isakmp_out *out);
// The request goes away: what it waits for is not reported any more.
void certificate_abandon(struct v2_request *r);

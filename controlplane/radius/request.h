// SPDX-License-Identifier: Apache-2.0
#pragma once

// The attributes of Access-Requests and of what all requests of a session have in common.

#include "controlplane/aaa.h"
#include "wire.h"

// Of all requests (RFC 2865 section 5, RFC 2869): NAS-Port, NAS-Port-Type (Virtual), NAS-Port-Id,
// Service-Type (Framed), Framed-Protocol (PPP, for L2TP), Calling-Station-Id, Called-Station-Id,
// Connect-Info, Acct-Session-Id, and of L2TP Tunnel-Type, Tunnel-Medium-Type,
// Tunnel-Client-Endpoint, Tunnel-Server-Endpoint, Tunnel-Client-Auth-ID (RFC 2868), without a tag.
// NAS-Identifier and NAS-IP-Address are the client's (client.h).
void request_put_subject(
	struct radius_build *b, const struct config *config, const struct aaa_subject *subject);
// User-Name and the proof: User-Password, CHAP-Password and CHAP-Challenge, MS-CHAP-Challenge and
// MS-CHAP2-Response (RFC 2548), EAP-Message with Framed-MTU (RFC 3579); state as the last challenge
// had it, length 0 = none. 0, or -EINVAL for a method that is none, lengths that no such method
// has, and a name that is longer than an attribute.
int request_put_credentials(struct radius_build *b, const struct ppp_credentials *credentials,
	const uint8_t *state, size_t state_length);

enum { ACCT_SESSION_ID = 26 }; // bytes of the text with its NUL
// "5f1c2a3b-0000012a": the control plane's start and the attempt, the same in all requests of a
// session and never again.
void request_session_id(uint64_t attempt, char text[ACCT_SESSION_ID]);
// The attempt that such a text may be of; 0 when it cannot be one.
uint64_t request_session_attempt(const char *text);

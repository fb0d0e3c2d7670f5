// SPDX-License-Identifier: Apache-2.0
#pragma once

// IKE_AUTH (RFC 7296 section 1.2, 2.15): who is it, and who are we.

#include "v2.h"

// The request of a half-open SA whose keys are there.
void auth_input(struct v2_request *r);
// The peer has proven who it is, and our own proof is in the SA's begin (method, auth): it gets
// its peer, and its child. method is a word for the log.
void auth_proven(struct v2_request *r, const char *method);
// Counts and logs a refusal; the answer is left to the caller.
void auth_refused(struct ike_sa *sa, const char *reason);
// It has not; reason for the log. The answer is the same whatever the reason.
void auth_failed(struct v2_request *r, const char *reason);
// The child is there, or refused: the answer leaves.
void auth_answer(struct v2_request *r);

// What the peer's AUTH, or ours, is about (section 2.15), appended to out. id_body as in the ID
// payload.
int auth_octets_peer(const struct ike_sa *sa, struct span id_body, struct build *out);
int auth_octets_ours(const struct ike_sa *sa, struct build *out);
enum { AUTH_OCTETS_MAX = LIMIT_IKE_MESSAGE + V2_NONCE_MAX + IKE_HASH_MAX }; // bytes
// Our ID where a shared key proves us: of the config, else as the peer calls us, else our address.
void auth_identity(struct ike_sa *sa);

// SPDX-License-Identifier: Apache-2.0
#pragma once

// The IKE initiator of one peer. Version 2 is initiator2.h; version 1: main mode with a pre-shared
// key, quick mode for a pair of ESP SAs in transport mode (RFC 2409), NAT discovery (RFC 3947), DPD
// answers (RFC 3706) and Deletes.

#include "gen.h"

// Begins main mode; peer_ike_up or peer_fail follows.
void initiator_start(struct peer *p);
// An ISAKMP message from the gateway that carries this peer's cookie.
void initiator_input(struct peer *p, const uint8_t *message, size_t length);
// The peer whose cookie it is, or NULL.
struct peer *initiator_find(struct gen *g, const uint8_t *message, size_t length);
// Says that the SAs are deleted and forgets them.
void initiator_delete(struct peer *p);
// Forgets all without a word.
void initiator_free(struct peer *p);

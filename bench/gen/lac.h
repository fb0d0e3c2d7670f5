// SPDX-License-Identifier: Apache-2.0
#pragma once

// The LAC's end of an L2TP tunnel (RFC 2661): its control channel with window and retransmission,
// tunnel authentication, incoming calls.

#include "gen.h"

// Begins the tunnel; peer_tunnel_up or peer_fail follows.
void lac_start(struct peer *p);
// Begins a call in a tunnel that is up; session_called or session_fail follows.
void lac_call(struct session *s);
// CDN, if the tunnel is there; nothing follows.
void lac_hangup(struct session *s);
// StopCCN; peer_closed follows.
void lac_stop(struct peer *p);
void lac_free(struct peer *p);

// A control message from the gateway.
void lac_input(struct peer *p, const uint8_t *message, size_t length);
// Sends the acknowledgements that no message took along; call after each burst.
void lac_acknowledge(struct gen *g);

// SPDX-License-Identifier: Apache-2.0
#pragma once

// What comes in at either port, sorted out: ARP, IKE, ESP, L2TP control and data, test packets.

#include "gen.h"

// Each takes a burst; true when there was anything.
bool receive_subscriber_side(struct gen *g);
bool receive_network_side(struct gen *g);

// SPDX-License-Identifier: Apache-2.0
#pragma once

// What subscriber.c asks about IPv6.

#include "contract/drop.h"

#include "dataplane/session.h"

#include <rte_mbuf.h>
#include <stdbool.h>
#include <stdint.h>

enum { SUBSCRIBER_PUNT = DROP_COUNT + 1 }; // for the gateway itself: PACKET_IP6 or PACKET_IP4

struct worker;

// A packet of a session, from its IPv6 header on; what follows its payload is cut off, and the
// outer header's congestion mark (meta.tos) taken over. Returns DROP_COUNT when it goes on,
// SUBSCRIBER_PUNT, or why it is dropped (enum drop).
int subscriber6_check(const struct worker *w, struct rte_mbuf *m, const struct session_uplink *s);

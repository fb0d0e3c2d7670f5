// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the two halves of the first stage (classify.c, classify6.c) have of each other. Each call
// puts the packet into *out, or it is punted, given to the clerk or dropped.

#include "dataplane/port.h"
#include "dataplane/stage.h"

// Where the IPv6 header should be.
void classify_ip6(
	struct worker *w, struct rte_mbuf *m, const struct port *p, struct classified *out);
// IPv6 header, both ends; to an own address.
void classify_local6(
	struct worker *w, struct rte_mbuf *m, const struct port *p, struct classified *out);
// UDP header, or less; of the subscriber side, to an own address, which meta has.
void classify_udp(struct worker *w, struct rte_mbuf *m, struct classified *out);

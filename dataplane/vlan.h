// SPDX-License-Identifier: Apache-2.0
#pragma once

// VLAN tags (IEEE 802.1Q, 802.1ad) of what is received: several ports may have one device, each
// with its own ids. Both EtherTypes are taken for each tag. A tag with id 0 only carries a priority
// and counts as none.

#include "dataplane/worker.h"

#include <rte_mbuf.h>
#include <stdint.h>

// Frames of a device, of which p is the primary port: takes their tags off, says in meta.port whose
// they are, and puts those of one port behind each other, in their order. What no port has is
// dropped. Returns how many are left.
uint16_t vlan_sort(struct worker *w, const struct port *p, struct rte_mbuf **m, uint16_t count);

// Takes off the tags of a frame that has only ones of id 0; returns false when there are others, or
// the frame is too short.
bool vlan_strip_priority(struct rte_mbuf *m);

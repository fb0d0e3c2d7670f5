// SPDX-License-Identifier: Apache-2.0

// The Ethernet header. The neighbour's address comes from the table; a packet whose neighbour is
// not known yet waits at the clerk. Most packets of a burst go to the same router, so the last
// answer is kept for the next packet.

#include "dataplane/clerk.h"
#include "dataplane/ether.h"
#include "dataplane/neighbour.h"
#include "dataplane/port.h"
#include "dataplane/stage.h"

struct answer {
	uint32_t address;
	uint16_t port;
	uint16_t state; // enum neighbour_state
	uint16_t type;  // EtherType: which of the two addresses it is
	struct rte_ether_addr mac;
	uint8_t address6[16];
};

static void look_up6(struct worker *w, const struct meta *meta, struct answer *last)
{
	if (last->type == RTE_ETHER_TYPE_IPV6 && last->port == meta->out_port &&
		memcmp(last->address6, meta->next_hop6, sizeof(last->address6)) == 0)
		return;
	last->type = RTE_ETHER_TYPE_IPV6;
	last->port = meta->out_port;
	memcpy(last->address6, meta->next_hop6, sizeof(last->address6));
	last->state = neighbour_get6(w->neighbours, last->port, last->address6, &last->mac);
}

static inline void look_up(struct worker *w, const struct meta *meta, struct answer *last)
{
	if (meta->flags & META_NEXT6) {
		look_up6(w, meta, last);
		return;
	}
	if (last->type == RTE_ETHER_TYPE_IPV4 && last->address == meta->next_hop &&
		last->port == meta->out_port)
		return;
	last->type = RTE_ETHER_TYPE_IPV4;
	last->address = meta->next_hop;
	last->port = meta->out_port;
	last->state = neighbour_get(w->neighbours, last->port, last->address, &last->mac);
}

uint16_t neighbour_out(struct worker *w, struct rte_mbuf **m, uint16_t count)
{
	struct answer last;
	uint16_t kept = 0;

	last.type = 0; // nothing yet
	for (uint16_t i = 0; i < count; i++) {
		look_up(w, meta_of(m[i]), &last);
		if (unlikely(last.state == NEIGHBOUR_LOST))
			packet_drop(w, m[i], DROP_NEIGHBOUR_LOST);
		else if (unlikely(last.state != NEIGHBOUR_READY))
			clerk_give(w, m[i], CLERK_RESOLVE);
		else if (unlikely(!ether_put(m[i], &last.mac, &w->port[last.port], last.type)))
			packet_drop(w, m[i], DROP_NO_MEMORY);
		else
			m[kept++] = m[i];
	}
	return kept;
}

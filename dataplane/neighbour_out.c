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
	struct rte_ether_addr mac;
};

uint16_t neighbour_out(struct worker *w, struct rte_mbuf **m, uint16_t count)
{
	struct answer last = {0};
	uint16_t kept = 0;

	for (uint16_t i = 0; i < count; i++) {
		const struct meta *meta = meta_of(m[i]);

		if (i == 0 || last.address != meta->next_hop || last.port != meta->out_port) {
			last.address = meta->next_hop;
			last.port = meta->out_port;
			last.state =
				neighbour_get(w->neighbours, last.port, last.address, &last.mac);
		}
		if (unlikely(last.state == NEIGHBOUR_LOST))
			packet_drop(w, m[i], DROP_NEIGHBOUR_LOST);
		else if (unlikely(last.state != NEIGHBOUR_READY))
			clerk_give(w, m[i], CLERK_RESOLVE);
		else if (unlikely(!ether_put_ip4(m[i], &last.mac, &w->port[last.port].mac)))
			packet_drop(w, m[i], DROP_NO_MEMORY);
		else
			m[kept++] = m[i];
	}
	return kept;
}

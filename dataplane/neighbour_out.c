// SPDX-License-Identifier: Apache-2.0

// The Ethernet header. The neighbour's address comes from the table; a packet whose neighbour is
// not known yet waits at the clerk. Most packets of a burst go to the same router, so the last
// answer is kept for the next packet.

#include "dataplane/clerk.h"
#include "dataplane/neighbour.h"
#include "dataplane/port.h"
#include "dataplane/stage.h"

#include <rte_ether.h>

struct answer {
	uint32_t address;
	uint16_t port;
	uint16_t state; // enum neighbour_state
	struct rte_ether_addr mac;
};

static bool put_header(const struct worker *w, struct rte_mbuf *m, const struct rte_ether_addr *to)
{
	struct rte_ether_hdr *eth;

	eth = (struct rte_ether_hdr *)rte_pktmbuf_prepend(m, sizeof(*eth));
	if (!eth)
		return false;
	eth->dst_addr = *to;
	eth->src_addr = w->port[meta_of(m)->out_port].mac;
	eth->ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
	return true;
}

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
		else if (unlikely(!put_header(w, m[i], &last.mac)))
			packet_drop(w, m[i], DROP_NO_MEMORY);
		else
			m[kept++] = m[i];
	}
	return kept;
}

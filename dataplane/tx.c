// SPDX-License-Identifier: Apache-2.0

// The last stage: frames are collected for each device (under its primary port) and go out in
// bursts, when one is full and at the end of each round. Nothing waits for a port: what its queue
// does not take is dropped.

#include "dataplane/port.h"
#include "dataplane/stage.h"

#include <rte_ethdev.h>

// The device counts all of its ports together. sign -1 takes it back.
static void count_sent(struct worker *w, struct rte_mbuf *m, int64_t sign)
{
	struct port_count *n = &w->port_count[meta_of(m)->out_port];

	n->tx_packets += (uint64_t)sign;
	n->tx_bytes += (uint64_t)(sign * (int64_t)m->pkt_len);
}

static void send_burst(struct worker *w, uint16_t index)
{
	const struct port *p = &w->port[index];
	uint16_t count = w->tx_count[index];
	uint16_t queue = (uint16_t)port_queue(p, w->index, w->workers);
	uint16_t sent = rte_eth_tx_burst(p->id, queue, w->tx[index], count);

	w->stats->transmitted += sent;
	if (unlikely(sent < count)) {
		for (uint16_t i = sent; p->shared && i < count; i++)
			count_sent(w, w->tx[index][i], -1);
		packets_drop(w, w->tx[index] + sent, count - sent, DROP_TX_FULL);
	}
	w->tx_count[index] = 0;
}

void tx(struct worker *w, struct rte_mbuf **m, uint16_t count)
{
	for (uint16_t i = 0; i < count; i++) {
		uint8_t index = meta_of(m[i])->out_port;
		const struct port *p = &w->port[index];

		if (unlikely(!p->up)) {
			packet_drop(w, m[i], DROP_TX_LINK);
			continue;
		}
		if (unlikely(port_queue(p, w->index, w->workers) < 0)) {
			worker_handover(w, m[i], port_owner(p, w->workers) + 1, HANDOVER_TX);
			continue;
		}
		if (unlikely(p->shared))
			count_sent(w, m[i], 1);
		index = (uint8_t)p->primary;
		w->tx[index][w->tx_count[index]++] = m[i];
		if (w->tx_count[index] == BURST)
			send_burst(w, index);
	}
}

void tx_flush(struct worker *w)
{
	for (uint16_t i = 0; i < w->ports; i++)
		if (w->tx_count[i])
			send_burst(w, i);
}

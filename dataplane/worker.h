// SPDX-License-Identifier: Apache-2.0
#pragma once

// A worker: one poll-mode thread with its own NIC queues, packet cache, ipsec-mb managers and
// counters. Everything in struct worker is touched by that thread alone, but for the rings and the
// quiescent-state variable, which say so.
//
// A stage is a plain function on a burst: it gets packets, keeps, drops, punts or changes them,
// and returns how many go on, moved to the front in their order. In a stage: no system call, no
// lock, no malloc, no output.

#include "contract/channel.h"
#include "contract/drop.h"
#include "contract/packet.h"
#include "contract/stats.h"

#include "dataplane/meta.h"

#include <rte_mbuf.h>
#include <rte_ring.h>
#include <stdbool.h>
#include <stdint.h>

enum { BURST = 32 }; // packets of a receive burst, and the most that a stage is given

struct IMB_MGR;
struct tables;     // table.h: SAs, tunnels, sessions
struct routes;     // route.h
struct neighbours; // neighbour.h
struct port;       // port.h
struct clerk_bell; // clerk.h
struct reassembly; // reassemble.h
struct admission;  // admit.h
struct shaper;     // shaper.h
struct reorder;    // reorder.h

// What one worker received and sent by a port.
struct port_count {
	uint64_t rx_packets;
	uint64_t rx_bytes; // Ethernet header included, without the tags
	uint64_t tx_packets;
	uint64_t tx_bytes; // with them
};

struct worker {
	uint16_t index;
	uint16_t lcore;
	uint16_t ports;             // of the gateway
	bool adaptive;              // idle: adaptive
	uint16_t workers;           // of the gateway
	uint32_t icmp_source;       // own address for ICMP errors, IPv4 in network byte order
	uint8_t icmp_source6[16];   // the same for IPv6, as on the wire; zero = none
	uint32_t ppp_local;         // our address in IPCP, network byte order; 0 = none
	struct port *port;          // all of them, by index
	struct stats_worker *stats; // in the stats segment
	struct stats_session *session_stats; // all of them; a direction is written by its owner
	struct stats_group *group_stats;     // this worker's
	struct stats_sa *sa_stats;
	struct tables *tables; // shared, read only here
	struct routes *routes;
	struct neighbours *neighbours;
	struct rte_mempool *pool;        // of packets
	struct IMB_MGR *mgr;             // the widest that the CPU has
	struct IMB_MGR *mgr_single;      // the one that is fastest for a few packets
	uint64_t now;                    // nanoseconds, CLOCK_MONOTONIC, of this round
	struct channel *_Atomic channel; // set by the clerk; NULL without a control plane
	struct rte_ring *to_clerk;       // mbufs: ARP and packets that wait for a neighbour
	struct rte_ring *from_clerk;     // mbufs, Ethernet frames ready for tx
	struct rte_ring *handover[LIMIT_WORKERS]; // mbufs from each other worker to this one
	struct clerk_bell *bell;                  // wakes the clerk; clerk.h
	struct rte_mbuf *tx[LIMIT_PORTS][BURST];  // frames collected for each port in this round
	uint16_t tx_count[LIMIT_PORTS];
	struct rte_ring *give_to[LIMIT_WORKERS];     // the handover ring of each other worker
	struct rte_mbuf *give[LIMIT_WORKERS][BURST]; // collected for each of them in this round
	uint16_t give_count[LIMIT_WORKERS];
	struct reassembly *reassembly; // outer fragments that it keeps
	struct rte_mempool *large;     // of packets longer than a buffer of pool: large.h
	struct shaper *shaper;         // packets that wait for their subscriber's rate
	struct admission *admission;   // the sources of IKE messages that it has seen
	struct reorder *reorder;       // packets that wait for those in front of them
	uint16_t ip_id;                // of the next outer packet
	bool wake_control;             // something was punted in this round
	bool wake_clerk;               // something went to the clerk in this round
	bool stop;                     // set by the clerk
	// Of ports that share their device with others; read by the clerk.
	struct port_count port_count[LIMIT_PORTS];
};

// Frees the packet and counts it under its one reason.
void packet_drop(struct worker *w, struct rte_mbuf *m, enum drop reason);
void packets_drop(struct worker *w, struct rte_mbuf **m, uint16_t count, enum drop reason);
// Copies the packet (from its present start) to the control plane with what meta says about it,
// and frees it; or drops it by the name of what prevents that.
void packet_punt(struct worker *w, struct rte_mbuf *m, enum packet_kind kind);
// A new packet with the default headroom and zeroed meta, counted as created; or NULL, and
// nothing is counted.
struct rte_mbuf *packet_create(struct worker *w);

// Inner IP header: which version? There is a byte of it.
static inline bool packet_is_ip6(const struct rte_mbuf *m)
{
	return *rte_pktmbuf_mtod(m, const uint8_t *) >> 4 == 6;
}

// Counts a reason for a packet for which there is no mbuf.
void packet_lost(struct worker *w, enum drop reason);
// Like packet_create for a packet that another counter accounts for: nothing is counted.
struct rte_mbuf *packet_new(struct worker *w);

// The ownership rule: what changes per packet has one owning worker. Claims *owner (worker index
// plus 1, 0 = free) for this worker when it is free. True when it is ours. A packet of something
// that another worker owns goes to worker_handover, which hands it over or drops it.
bool worker_owns(struct worker *w, uint16_t *owner);

// Where a handed-over packet goes on.
enum handover_stage {
	HANDOVER_ESP_IN = 1,
	HANDOVER_L2TP_IN = 2,
	HANDOVER_SUBSCRIBER_OUT = 3,
	HANDOVER_TX = 4,   // an Ethernet frame for meta.out_port, whose queue is the other worker's
	HANDOVER_DROP = 5, // the clerk is done with it: meta.reason
	HANDOVER_REASSEMBLE = 6,
	HANDOVER_INNER_IN = 7,
};
// owner as it stands in *owner: worker index plus 1.
void worker_handover(
	struct worker *w, struct rte_mbuf *m, uint16_t owner, enum handover_stage stage);
// At the end of each round.
void worker_handover_flush(struct worker *w);

// The thread of a worker (rte_eal_remote_launch): runs until stop is set.
int worker_run(void *worker);
// One round of its loop; returns how many packets it found.
uint16_t worker_round(struct worker *w);
// The same at that time, for tests.
uint16_t worker_round_at(struct worker *w, uint64_t now);

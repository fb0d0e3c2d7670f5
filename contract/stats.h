// SPDX-License-Identifier: Apache-2.0
#pragma once

// The stats segment: a memfd of its own that only the dataplane may write (it is sealed against
// further writable mappings). Each counter has one writer; a reader may look at any time without
// asking, and sees each 64-bit counter whole. Counters never go back while an id lives; a new
// SA or session on an index starts at zero and its id field says whose they are.
//
// Layout: struct stats_header, then the arrays at the offsets that it names.
// At all times, for each worker, once its burst is done:
//   received + injected + created + taken =
//       transmitted + punted + sum(drops) + held + given

#include "drop.h"
#include "limits.h"

#include <stdint.h>

struct stats_header {
	uint32_t version; // CONTRACT_VERSION
	uint32_t size;    // bytes of the whole segment
	uint32_t workers; // entries in use of each array
	uint32_t ports;
	uint32_t sas;
	uint32_t sessions;
	uint32_t workers_at; // bytes from the start of the segment to each array
	uint32_t ports_at;
	uint32_t sas_at;
	uint32_t sessions_at;
	uint32_t groups; // of each worker
	uint32_t groups_at;
	uint64_t started; // nanoseconds, CLOCK_REALTIME, when the dataplane came up
	uint64_t boot;    // a random number chosen at each start of the dataplane
	uint64_t tsc_hz;  // cycles a second of the counters named cycles
};

// Written by the worker alone.
struct stats_worker {
	uint64_t received;    // packets from its receive queues
	uint64_t transmitted; // packets that a port took
	uint64_t punted;      // packets that went to the control plane
	uint64_t injected;    // packets from the control plane
	uint64_t created;     // packets made here: fragments beyond the first, ICMP, ARP
	uint64_t taken;       // packets that other workers and the clerk handed to this one
	uint64_t given;       // packets that this one handed to other workers and to the clerk
	uint64_t held;   // packets kept at this moment (fragments, shaper, reorder queue); a gauge
	uint64_t marked; // packets that a shaper marked instead of dropping them (ECN)
	uint64_t loops;  // rounds of the poll loop
	uint64_t cycles_total; // TSC cycles since start
	uint64_t cycles_busy;  // of these, in rounds that found work
	uint64_t lcore;        // the CPU that it runs on
	uint64_t drops[DROP_COUNT];
} __attribute__((aligned(64)));

// Written by the clerk alone, sampled once a second. Packets and bytes are what the device counts,
// unless several ports share it by VLAN: then they are what the workers took and sent, and what the
// device missed is with the first of them.
struct stats_port {
	char name[LIMIT_NAME]; // of the config
	uint8_t mac[6];
	uint8_t side;   // enum port_side
	uint8_t link;   // 1 = up
	uint32_t mtu;   // bytes of an IP packet
	uint64_t speed; // Mbit/s, 0 = unknown
	uint64_t rx_packets;
	uint64_t rx_bytes;
	uint64_t rx_missed; // the queue was full
	uint64_t rx_errors;
	uint64_t rx_no_memory;
	uint64_t tx_packets;
	uint64_t tx_bytes;
	uint64_t tx_errors;
	uint64_t neighbours; // resolved neighbours on this port
	uint64_t clerk_lost; // packets of the clerk (ARP, ND, resolved ones) that no worker took
} __attribute__((aligned(64)));

// One direction of a session, written by its owning worker.
struct stats_direction {
	uint64_t packets; // inner packets that were let through
	uint64_t bytes;   // their IP bytes
	uint64_t drops;   // inner packets of this direction that were dropped, for any reason
	uint64_t last;    // nanoseconds, CLOCK_MONOTONIC, of the newest packet
} __attribute__((aligned(64)));

struct stats_session {
	struct stats_direction uplink;
	struct stats_direction downlink;
};

// One direction of a group of subscribers, as one worker sees it.
struct stats_group_direction {
	uint64_t packets;  // inner packets that filter and policer let through
	uint64_t bytes;    // their IP bytes
	uint64_t filtered; // inner packets that the filter denied
	uint64_t policed;  // inner packets over their session's rate
};

// An array of groups for each worker, one after the other: what a group did is the sum over the
// workers. A group that was never set counts nothing; the numbers of one outlive a RESET.
struct stats_group {
	struct stats_group_direction uplink;
	struct stats_group_direction downlink;
} __attribute__((aligned(64)));

struct stats_sa {
	uint32_t spi_in; // whose counters these are; 0 = free
	uint32_t zero;
	uint64_t in_packets; // authenticated packets; in_*: written by the inbound owner
	uint64_t in_bytes;   // their ESP payload
	uint64_t in_replays;
	uint64_t in_failures; // wrong ICV or padding
	uint64_t in_last;     // nanoseconds, CLOCK_MONOTONIC
	uint64_t zero2[2];
	uint64_t out_packets; // out_*: added atomically, once a burst
	uint64_t out_bytes;
	uint64_t out_last;
	uint64_t zero3[5];
} __attribute__((aligned(64)));

_Static_assert(sizeof(struct stats_session) == 128, "two cache lines");
_Static_assert(sizeof(struct stats_sa) == 128, "two cache lines");
_Static_assert(sizeof(struct stats_group) == 64, "one cache line");

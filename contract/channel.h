// SPDX-License-Identifier: Apache-2.0
#pragma once

// The channel: one shared region with all rings between the dataplane and one control plane.
// The dataplane makes a new one for each control plane that connects, so nothing of an old one is
// left in it, and hands it over on a Unix socket (SOCK_SEQPACKET) in one message: struct
// channel_offer with four descriptors (SCM_RIGHTS), in the order of enum channel_fd.
// Sealed against any change of size, so neither side can make the other fault.
//
// Sizes and offsets follow from the number of workers alone; none is read from the region.

#include "limits.h"
#include "ring.h"

#include <stdbool.h>
#include <stdint.h>

enum channel_fd {
	CHANNEL_FD_REGION,       // memfd with the rings
	CHANNEL_FD_STATS,        // memfd of contract/stats.h; only the dataplane can write it
	CHANNEL_FD_WAKE_CONTROL, // eventfd: something is in a punt ring or the event ring
	CHANNEL_FD_WAKE_CLERK,   // eventfd: something is in the command ring
	CHANNEL_FDS,
};

enum { CHANNEL_MAGIC = 0x43554c56 };

// What the dataplane says to a control plane that connects. A refusal has error set and carries
// no descriptors.
struct channel_offer {
	uint32_t magic;
	uint32_t version; // CONTRACT_VERSION
	int32_t error;    // 0, or -EBUSY: another control plane holds the channel
	uint32_t workers;
	uint32_t sas; // sizes of the dataplane's tables
	uint32_t sessions;
	uint64_t region_size; // bytes of CHANNEL_FD_REGION
	uint64_t stats_size;  // bytes of CHANNEL_FD_STATS
	uint64_t boot;        // as in struct stats_header
};
_Static_assert(sizeof(struct channel_offer) == 48, "part of the contract");

// The first page of the region. A side that is about to sleep says so, looks at its rings once
// more and then waits; the other one, after it has put something in, clears the word and, if it
// was set, writes the eventfd: at most one system call for each sleep.
struct channel_head {
	_Alignas(64) uint32_t control_sleeps;
	_Alignas(64) uint32_t clerk_sleeps;
	_Alignas(64) struct ring_tails command;
	struct ring_tails event;
	struct {
		struct ring_tails punt;
		struct ring_tails inject;
	} workers[LIMIT_WORKERS];
};

enum channel_side {
	CHANNEL_DATAPLANE,
	CHANNEL_CONTROLPLANE,
};

struct channel {
	struct channel_head *head;
	uint64_t head_size; // bytes that are mapped of it
	uint32_t workers;
	enum channel_side side;
	struct ring command;               // struct message, control plane to clerk
	struct ring event;                 // struct message, clerk to control plane
	struct ring punt[LIMIT_WORKERS];   // struct packet, worker to control plane
	struct ring inject[LIMIT_WORKERS]; // struct packet, control plane to worker
	int wake_control;                  // eventfds, -1 = none
	int wake_clerk;
};

// Bytes of the region for so many workers.
uint64_t channel_size(uint32_t workers);

// A new region: a memfd of that size, zeroed and sealed. Returns the descriptor or -errno.
int channel_create_region(uint32_t workers);

// Maps a region for one side; fd may be closed afterwards. The region's real size must be
// channel_size(workers) and it must be sealed against shrinking: -EPROTO otherwise.
// The two eventfds stay the caller's and must outlive it.
int channel_map(struct channel *c, int fd, uint32_t workers, enum channel_side side,
	int wake_control, int wake_clerk);
void channel_unmap(struct channel *c);

// After something was put into a ring towards that side.
void channel_wake_control(struct channel *c);
void channel_wake_clerk(struct channel *c);
// Before a side sleeps: call, look at all rings once more, then wait for the eventfd.
void channel_will_sleep(struct channel *c);

// True when the other side wrote something into any ring that cannot be: give the channel up.
bool channel_broken(const struct channel *c);

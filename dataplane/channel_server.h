// SPDX-License-Identifier: Apache-2.0
#pragma once

// Hands the channel (contract/channel.h) to one control plane at a time, on a Unix socket. Each
// gets a region of its own, so nothing of the one before is left in it. One that hangs up or breaks
// a ring loses it; workers see NULL from then on, and the region is unmapped when none of them can
// still be in it. A second one is told -EBUSY.
//
// Clerk only. The descriptors in the struct are for its epoll.

#include "contract/channel.h"
#include "contract/config.h"

#include "dataplane/stats.h"
#include "dataplane/worker.h"

#include <stdbool.h>
#include <stdint.h>

struct rte_rcu_qsbr;

struct channel_server {
	const char *path;
	int listener;
	int peer;                // connected control plane, -1 = none
	int wake;                // its eventfd for the clerk, -1 = none
	struct channel *channel; // NULL = no control plane
	int wake_control;
	int epoll; // the clerk's, in which it watches peer and wake, -1 = none; set after open
	struct worker *worker;
	uint16_t workers;
	const struct stats *stats;
	struct rte_rcu_qsbr *qsbr;
};

// Listens at path; group owns the socket (mode 0660), empty = ours. Logs what is wrong and what to
// do. Returns 0 or -errno: -EADDRINUSE when another dataplane is there.
int channel_server_open(struct channel_server *s, const char *path, const char *user);
void channel_server_close(struct channel_server *s);
// The listener is readable: hands a channel over, or refuses. True when there is a new one.
bool channel_server_accept(struct channel_server *s);
// True when the peer is gone or has broken a ring: call channel_server_disconnect.
bool channel_server_lost(struct channel_server *s);
void channel_server_disconnect(struct channel_server *s);

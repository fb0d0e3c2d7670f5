// SPDX-License-Identifier: Apache-2.0
#pragma once

// What routers said of the way to the peers of tunnels: the largest outer packet that gets there
// (RFC 1191, RFC 8201). The clerk keeps it by tunnel, so a rekey changes nothing, and forgets it
// after 10 minutes (RFC 1191 section 6.3). It only ever lowers the MTU of a tunnel's sessions.
//
// A stranger can send such messages too (RFC 5927), so one counts only when it quotes a packet
// that the gateway can have sent: from the own address that the message came to, to the tunnel's
// peer, with the SPI of its pair and a sequence number that was used lately, or with the ports of
// its UDP and, where they are quoted, the ids of its L2TP; and when what it says is plausible.
//
// Clerk only, but for path_mtu_hear in stage.h.

#include "contract/drop.h"

#include "dataplane/table.h"

enum {
	PATH_MTU_LEAST4 = 576,     // bytes: no path is believed to be narrower
	PATH_MTU_LEAST6 = 1280,    // RFC 8200 section 5
	PATH_MTU_LATELY = 1 << 20, // packets: how far back a quoted sequence number may be
};

static const uint64_t PATH_MTU_KEPT = 600ULL * 1000 * 1000 * 1000; // nanoseconds

struct path_mtu *path_mtu_create(void); // NULL without memory
void path_mtu_free(struct path_mtu *p);

// A tunnel is there, or sends through another pair: from now on it can be found.
void path_mtu_put(struct tables *t, const struct tunnel *tunnel);
// It goes, and all that was learned.
void path_mtu_take(struct tables *t, uint16_t tunnel);
// The peer of the pair has another address or port.
void path_mtu_moved(struct tables *t, const struct sa *s);
// The same, and the way there is another one: what was learned is forgotten, the MTU of the
// sessions is computed again, and the control plane is told.
void path_mtu_anew(struct tables *t, const struct sa *s);

// Bytes of the largest outer packet to the tunnel's peer.
uint16_t path_mtu_of(const struct tables *t, uint16_t tunnel);

// A message from its ICMP header on, with a right checksum, that came to the address local at that
// time (nanoseconds, CLOCK_MONOTONIC). Returns what it is to be counted as: DROP_ICMP_DONE when it
// was about a packet of ours, else DROP_ICMP_FOREIGN.
enum drop path_mtu_input(struct tables *t, const struct ip_address *local, const void *icmp,
	size_t length, uint64_t now);
// Once a second: forgets what is old.
void path_mtu_tick(struct tables *t, uint64_t now);
// The next EVENT_PATH_MTU. False when there is none.
bool path_mtu_event_next(struct tables *t, struct message *event);

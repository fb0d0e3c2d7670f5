// SPDX-License-Identifier: Apache-2.0
#pragma once

// Sessions, by index, in place. One line for each direction, each with its owner, so that two
// workers never write to one line; what only the clerk needs is in struct session_cold. The clerk
// changes single fields under the workers' eyes with atomic stores.

#include "contract/ids.h"

#include "dataplane/policer.h"
#include "dataplane/shape.h"
#include "dataplane/table.h"

#include <stdint.h>

enum session_state {
	SESSION_FREE = 0,
	SESSION_LIVE = 1,
	SESSION_DYING = 2, // deleted; some worker may still look at it
};

// In session_downlink.flags, beside enum session_flag: of a tunnel of kind TUNNEL_ESP.
enum { SESSION_BARE = 1 << 16 };

struct session_uplink {
	uint16_t owner;      // worker_owns
	uint16_t session_id; // ours, on the wire
	uint16_t tunnel;     // our tunnel id
	uint8_t state;       // enum session_state; atomic
	uint8_t spread;      // 1: of a fat tunnel; the owner was chosen and stays
	uint32_t flags;      // enum session_flag; atomic
	uint32_t magic;      // our LCP magic, host byte order
	uint32_t ip4;        // the subscriber's address in network byte order, or 0
	uint16_t mtu;        // bytes: the largest inner packet
	uint16_t expected;   // the owner: next Ns (RFC 2661 section 5.4)
	uint16_t old;        // the owner: packets in a row that were older than that
	uint8_t strange;     // the owner: packets in a row that another worker handed over
	uint8_t ip6_length;  // bits of ip6, 0 = no IPv6
	uint16_t group;      // atomic
	uint16_t reorder;    // the owner, who stays that while it is not 0: where packets wait
	uint8_t ip6[16];     // the subscriber's prefix, as on the wire
	struct gcra policer;
} __attribute__((aligned(64)));

struct session_downlink {
	uint16_t owner;        // worker_owns
	uint16_t peer_session; // the peer's, on the wire
	uint16_t mtu;          // bytes: the largest inner packet
	uint8_t state;         // enum session_state; atomic
	uint8_t sequencing;    // 1: we put Ns
	uint32_t flags;        // enum session_flag, SESSION_BARE; atomic
	uint16_t ns;           // atomic: next Ns
	uint16_t group;        // atomic
	uint16_t generation;   // of what lives on this index, for what waits in a shaper
	uint16_t shaper;       // the owner, who stays that while it is not 0: where packets wait
	struct tunnel *tunnel;
	struct gcra policer;
	struct gcra shape;
} __attribute__((aligned(64)));

struct session {
	struct session_uplink uplink;
	struct session_downlink downlink;
};
_Static_assert(sizeof(struct session_uplink) == 64, "one line for each direction");
_Static_assert(sizeof(struct session_downlink) == 64, "one line for each direction");
_Static_assert(sizeof(struct session) == 128, "with its counters 256 bytes");

struct session_cold {
	uint16_t peer_mru; // bytes, 0 = not yet known
	uint16_t mtu;      // by config, 0 = what fits
};

enum {
	SESSION_MSS_HEADERS = 40,  // IPv4 and TCP without options (RFC 6691)
	SESSION_MSS_HEADERS6 = 60, // IPv6 the same
};

// What the largest inner packet depends on.
struct session_mtu {
	uint16_t port_mtu;     // bytes of an outer IP packet
	uint8_t ip_version;    // of the outer packet: IP_V4 or IP_V6
	uint8_t cipher;        // enum esp_cipher, ESP_CIPHER_NONE = L2TP without IPsec
	uint8_t integrity;     // enum esp_integrity
	uint8_t encapsulation; // enum esp_encapsulation
	uint8_t sequencing;    // 1: L2TP header with Ns and Nr
	uint32_t flags;        // SESSION_SEND_ACFC, SESSION_SEND_PFC, SESSION_BARE
	uint16_t peer_mru;     // bytes, 0 = unknown
	uint16_t config;       // bytes, 0 = what fits
};

// Pure. The largest inner IP packet that still fits, in bytes; never below LIMIT_MTU_MIN, even
// where that does not fit.
uint16_t session_mtu_compute(const struct session_mtu *m);

// After the tunnel's SA changed: the MTU of each of its sessions again.
void session_mtu_refresh(struct tables *t, const struct tunnel *tunnel);
// For tunnel_delete.
void session_remove(struct tables *t, uint32_t index);

static inline bool session_live(const struct tables *t, uint32_t index)
{
	return index < t->sessions &&
	       __atomic_load_n(&t->session[index].downlink.state, __ATOMIC_ACQUIRE) == SESSION_LIVE;
}

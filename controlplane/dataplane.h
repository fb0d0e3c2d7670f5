// SPDX-License-Identifier: Apache-2.0
#pragma once

// The control plane's end of the channel: packets out to the workers, packets and events in.
// dataplane.c connects and again connects; who links dataplane_fake.c instead (unit tests) sees
// what was sent. Nothing here blocks. A packet that cannot go is lost like any datagram, and the
// protocol above sends it again.

#include "contract/address.h"
#include "contract/messages.h"
#include "contract/packet.h"

#include <stddef.h>
#include <stdint.h>

// Both ends of a UDP conversation, seen from us. Ports in host byte order.
struct flow {
	struct ip_address local;
	struct ip_address remote;
	uint16_t local_port;
	uint16_t remote_port;
};

// All return 0, -ENOTCONN without a dataplane, -ENOBUFS when the ring is full, -EMSGSIZE.

// An IKE message of up to LIMIT_IKE_MESSAGE bytes; the non-ESP marker (RFC 3948 section 2.2) is put
// on when local_port is 4500.
int dataplane_send_ike(const struct flow *flow, const void *message, size_t length);
// An L2TP control message through the pair of SAs (spi_in), or in clear when sa is 0.
int dataplane_send_l2tp(const struct flow *flow, uint32_t sa, const void *message, size_t length);
// A PPP packet of a session, from the two-byte protocol field on.
int dataplane_send_ppp(uint32_t session, const void *packet, size_t length);
// The same, and no router may cut the outer packet into fragments.
int dataplane_send_ppp_whole(uint32_t session, const void *packet, size_t length);
// An IPv6 packet of ours (neighbour discovery, DHCPv6) into a session, from the IPv6 header on.
int dataplane_send_ip6(uint32_t session, const void *packet, size_t length);
// The same for IPv4 (DHCP).
int dataplane_send_ip4(uint32_t session, const void *packet, size_t length);

struct uv_loop_s;
struct channel_offer;
struct stats_header;

struct dataplane_events {
	// A channel is there, and its tables are empty: RESET was the first command on it.
	void (*up)(void *context, const struct channel_offer *offer);
	// It is gone (the dataplane ended, or broke the contract); it is sought again by itself.
	void (*down)(void *context);
	// A punted packet, whose kind, length and addresses were checked: a copy of its header, and
	// private copies of its data, which may have been in several parts.
	void (*packet)(
		void *context, const struct packet *header, const uint8_t *data, size_t length);
	// An event other than REPLY, its size checked; body is a private copy.
	void (*event)(void *context, uint32_t type, const void *body);
};

// Seeks the dataplane on that Unix socket until dataplane_stop. Returns 0 or -errno.
int dataplane_start(struct uv_loop_s *loop, const char *socket,
	const struct dataplane_events *events, void *context);
void dataplane_stop(void);

// The stats segment, checked when it was mapped; NULL without a dataplane. The array functions
// give the first entry; the header copied at mapping says how many there are.
const struct stats_header *dataplane_stats(void);
const struct stats_worker *dataplane_stats_workers(uint32_t *count);
const struct stats_port *dataplane_stats_ports(uint32_t *count);
const struct stats_sa *dataplane_stats_sas(uint32_t *count);
const struct stats_session *dataplane_stats_sessions(uint32_t *count);
// count is of each worker; those of the next worker follow.
const struct stats_group *dataplane_stats_groups(uint32_t *count);

// For install.c alone: puts a command into the ring. -ENOTCONN, or -ENOBUFS when it is full.
int dataplane_post(uint32_t type, const void *body, uint32_t size, uint64_t request);

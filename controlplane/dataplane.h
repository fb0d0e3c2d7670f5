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

// An IKE message; the non-ESP marker (RFC 3948 section 2.2) is put on when local_port is 4500.
int dataplane_send_ike(const struct flow *flow, const void *message, size_t length);
// An L2TP control message through the pair of SAs (spi_in), or in clear when sa is 0.
int dataplane_send_l2tp(const struct flow *flow, uint32_t sa, const void *message, size_t length);
// A PPP packet of a session, from the two-byte protocol field on.
int dataplane_send_ppp(uint32_t session, const void *packet, size_t length);

// SPDX-License-Identifier: Apache-2.0
#pragma once

// The stages, in the order in which uplink.c and downlink.c call them. Each takes a burst and
// returns how many packets go on (see worker.h). The comment says where the packet's data begins
// when a stage gets it and when it lets it go.

#include "dataplane/worker.h"

// ---- uplink: from the subscriber to the network

// ESP header -> L2TP header. Finds the SA, checks owner, window, ICV, padding, next header and the
// inner UDP ports (RFC 3193 section 4), moves the window, lets the NAT port follow. meta: sa,
// remote_port, local_port.
uint16_t esp_in(struct worker *w, struct rte_mbuf **m, uint16_t count);

// L2TP header -> PPP frame. Control messages are punted (from clear ones the tunnel is not yet
// known: the control plane decides). Data must match tunnel, session and SA peer; handed to the
// session's owner. meta: tunnel, session.
uint16_t l2tp_in(struct worker *w, struct rte_mbuf **m, uint16_t count);

// PPP frame -> inner IP header. Takes off FF03 and the protocol field in each of their forms. LCP
// echo requests are answered here through *answers (PPP packets for ppp_out, at most count of
// them); other control protocols are punted; a network protocol that is not open is dropped.
uint16_t ppp_in(struct worker *w, struct rte_mbuf **m, uint16_t count, struct rte_mbuf **answers,
	uint16_t *answer_count);

// Inner IP header, both ends. Header and length checks, source address, counters.
uint16_t subscriber_in(struct worker *w, struct rte_mbuf **m, uint16_t count);

// ---- downlink: from the network to the subscriber; meta.session is set by route

// Inner IP header, both ends. Is the NCP open, counters; handed to the session's owner.
uint16_t subscriber_out(struct worker *w, struct rte_mbuf **m, uint16_t count);

// Inner IP header, both ends. What is too big for the session is fragmented (no DF: more packets
// may come out than went in, m has room for MTU_ROOM of them) or becomes an ICMP fragmentation
// needed (DF) in *errors: inner IP packets back to their sender, for route.
enum { MTU_ROOM = BURST * 20 };
uint16_t mtu(struct worker *w, struct rte_mbuf **m, uint16_t count, struct rte_mbuf **errors,
	uint16_t *error_count);

// Inner IP header, both ends, uplink and downlink: TCP SYN and SYN-ACK of a session.
uint16_t mss(struct worker *w, struct rte_mbuf **m, uint16_t count);

// Inner IP header -> PPP frame; ppp_out_control: two-byte protocol field -> PPP frame.
uint16_t ppp_out(struct worker *w, struct rte_mbuf **m, uint16_t count);
uint16_t ppp_out_control(struct worker *w, struct rte_mbuf **m, uint16_t count);

// PPP frame -> UDP header (source and destination port and length set, checksum 0).
// meta: tunnel, sa (NULL = clear), local, remote, protocol 17.
uint16_t l2tp_out(struct worker *w, struct rte_mbuf **m, uint16_t count);

// Packets with meta.sa: UDP header -> ESP header, or the UDP header of port 4500 before it;
// meta.protocol 50 or 17. Packets without: as they are. A block of sequence numbers is taken with
// one atomic add for each run of packets of one SA.
uint16_t esp_out(struct worker *w, struct rte_mbuf **m, uint16_t count);

// ---- both

// Inner IP header. An ICMP error about packet m (which stays the caller's) from the gateway's own
// address, or NULL: rate limited, or none is due (RFC 1122 section 3.2.2). mtu in bytes for
// fragmentation needed, else 0. source in network byte order.
struct rte_mbuf *icmp_error(struct worker *w, const struct rte_mbuf *m, uint8_t type, uint8_t code,
	uint16_t next_mtu, uint32_t source);

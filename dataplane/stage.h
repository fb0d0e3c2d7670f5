// SPDX-License-Identifier: Apache-2.0
#pragma once

// The stages, in the order in which uplink.c and downlink.c call them. Each takes a burst and
// returns how many packets go on (see worker.h). The comment says where the packet's data begins
// when a stage gets it and when it lets it go.

#include "dataplane/fragment.h"
#include "dataplane/worker.h"

// ---- where packets come in

// What classify made of a burst. What it did not put anywhere has been punted or dropped.
struct classified {
	struct rte_mbuf *esp[BURST];      // ESP header; meta: remote, local, outer_port
	struct rte_mbuf *l2tp[BURST];     // L2TP header, clear; meta: remote, local and both ports
	struct rte_mbuf *forward[BURST];  // IP header, both ends: network side, not for us
	struct rte_mbuf *answer[BURST];   // IP header, both ends: ICMP echo replies of ours
	struct rte_mbuf *fragment[BURST]; // IP header, both ends: for reassemble
	uint16_t esp_count, l2tp_count, forward_count, answer_count, fragment_count;
};

// Ethernet frames of one port. ARP goes to the clerk, IKE is punted.
void classify(struct worker *w, struct rte_mbuf **m, uint16_t count, struct classified *out);
// IP header: the same for what reassemble made.
void classify_whole(struct worker *w, struct rte_mbuf **m, uint16_t count, struct classified *out);

// IP header, both ends; to an own address. Keeps the fragments of ESP and UDP until their datagram
// is whole and can go on, in one segment; handed to the worker that collects that datagram's.
uint16_t reassemble(struct worker *w, struct rte_mbuf **m, uint16_t count);

// IP header, both ends; to an own address. Turns echo requests into their replies (RFC 792,
// RFC 4443).
uint16_t icmp_echo(struct worker *w, struct rte_mbuf **m, uint16_t count);

// IPv4 header, both ends; ICMP to an own address of the subscriber side. When it says that a packet
// was too big for a router, it goes to the clerk or is dropped: true, and it is gone.
bool path_mtu_hear4(struct worker *w, struct rte_mbuf *m);
// The same for IPv6, with the ICMPv6 message from at to end.
bool path_mtu_hear6(struct worker *w, struct rte_mbuf *m, uint16_t at, uint16_t end);

// The control plane's packets, of every kind, on their way out. Returns how many there were.
uint16_t inject(struct worker *w);

// ---- uplink: from the subscriber to the network

// The whole way: Ethernet frames of a subscriber port, and the entries for what was handed over in
// between. uplink.c is the table of contents.
void uplink(struct worker *w, struct rte_mbuf **m, uint16_t count);
void uplink_fragments(struct worker *w, struct rte_mbuf **m, uint16_t count);
void uplink_esp(struct worker *w, struct rte_mbuf **m, uint16_t count);
void uplink_l2tp(struct worker *w, struct rte_mbuf **m, uint16_t count);
void uplink_inner(struct worker *w, struct rte_mbuf **m, uint16_t count);
// What waited for packets in front of it that did not come.
void uplink_waited(struct worker *w);

// ESP header -> L2TP header, or the inner IP header in *inner, which had room for count of them
// more. Finds the SA, checks owner, window, ICV, padding, next header and the inner UDP ports (RFC
// 3193 section 4), moves the window, lets the NAT port follow. meta: sa, remote_port, local_port;
// of inner packets session, as the SA says.
uint16_t esp_in(struct worker *w, struct rte_mbuf **m, uint16_t count, struct rte_mbuf **inner,
	uint16_t *inner_count);

// L2TP header -> PPP frame. Control messages are punted (from clear ones the tunnel is not yet
// known: the control plane decides). Data must match tunnel, session and SA peer; handed to the
// session's owner. meta: tunnel, session. What came before its turn comes out of reorder_ready.
uint16_t l2tp_in(struct worker *w, struct rte_mbuf **m, uint16_t count);

// Inner IP header, both ends. The session that the SA names must be there and of the same peer, and
// its IP version open; handed to the session's owner. meta: tunnel.
uint16_t inner_in(struct worker *w, struct rte_mbuf **m, uint16_t count);

// PPP frame -> inner IP header. Takes off FF03 and the protocol field in each of their forms. LCP
// echo requests are answered here through *answers (PPP packets for ppp_out, at most count of
// them); other control protocols are punted; a network protocol that is not open is dropped.
uint16_t ppp_in(struct worker *w, struct rte_mbuf **m, uint16_t count, struct rte_mbuf **answers,
	uint16_t *answer_count);

// Inner IP header, both ends. Header and length checks, source address, congestion marks of the
// outer header, counters. Neighbour discovery, DHCPv6 and DHCP are punted.
uint16_t subscriber_in(struct worker *w, struct rte_mbuf **m, uint16_t count);

// ---- downlink: from the network to the subscriber; meta.session is set by route

// The whole way: Ethernet frames of a network port, and the entries in between. downlink.c is the
// table of contents.
void downlink(struct worker *w, struct rte_mbuf **m, uint16_t count);
// Inner IP packets that have a session.
void downlink_session(struct worker *w, struct rte_mbuf **m, uint16_t count);
// Packets that waited for a session's rate, whose time has come. Returns how many there were.
uint16_t downlink_waited(struct worker *w);
// PPP packets of the control plane or of ppp_in, from the two-byte protocol field on.
void downlink_control(struct worker *w, struct rte_mbuf **m, uint16_t count);
// UDP headers: protected if meta.sa says so, and out.
void downlink_udp(struct worker *w, struct rte_mbuf **m, uint16_t count);
// Inner IP packets of our own (ICMP), to wherever they are routed.
void downlink_own(struct worker *w, struct rte_mbuf **m, uint16_t count);

// Inner IP header, both ends. Is the NCP open, rates, counters; handed to the session's owner. What
// is over a rate that packets wait for is kept (shaper.c).
uint16_t subscriber_out(struct worker *w, struct rte_mbuf **m, uint16_t count);
// The same place, later: what was kept and whose time has come, up to BURST packets; 0 = no more.
uint16_t subscriber_waited(struct worker *w, struct rte_mbuf **m);

// What came out of mtu: more packets perhaps than went in.
enum { MTU_ROOM = BURST + FRAGMENTS_MAX };
struct fitting {
	struct rte_mbuf *m[MTU_ROOM];
	uint16_t count;
};
// Inner IP header, both ends. What is too big for the session is fragmented (IPv4 without DF) or
// becomes an ICMP fragmentation needed (DF) or packet too big (IPv6) in *errors: inner IP packets
// back to their sender, for route. Returns how many of m it has seen to: as many as out has room
// for, whatever becomes of them; all of a burst in which nothing is cut.
uint16_t mtu(struct worker *w, struct rte_mbuf **m, uint16_t count, struct fitting *out,
	struct rte_mbuf **errors, uint16_t *error_count);

// Inner IP header, both ends, uplink and downlink: TCP SYN and SYN-ACK of a session.
uint16_t mss(struct worker *w, struct rte_mbuf **m, uint16_t count);

// Inner IP header -> PPP frame; ppp_out_control: two-byte protocol field -> PPP frame. In a session
// without PPP (SESSION_BARE) it stays, or becomes, the inner IP header. meta: tos, and protocol
// where there is no PPP.
uint16_t ppp_out(struct worker *w, struct rte_mbuf **m, uint16_t count);
uint16_t ppp_out_control(struct worker *w, struct rte_mbuf **m, uint16_t count);

// PPP frame -> UDP header (source and destination port and length set, checksum 0); in a tunnel
// without L2TP it stays an inner IP header. meta: tunnel, sa (NULL = clear), local, remote,
// protocol 17 or that of the inner packet.
uint16_t l2tp_out(struct worker *w, struct rte_mbuf **m, uint16_t count);

// Packets with meta.sa: what meta.protocol says -> ESP header, or the UDP header of port 4500
// before it; meta.protocol 50 or 17. Packets without: as they are. A block of sequence numbers is
// taken with one atomic add for each run of packets of one SA.
uint16_t esp_out(struct worker *w, struct rte_mbuf **m, uint16_t count);

// Behind the outer IP header -> IP header: puts it on and routes it. meta: local, remote, protocol,
// tos. What is larger than the port takes is sent in fragments if the control plane made it.
uint16_t ip_out(struct worker *w, struct rte_mbuf **m, uint16_t count);
// IP header, outer, of our own (ICMP echo replies), network side: those to a link-local address
// (IPv6) leave by the port that the request came in by. Returns the others.
uint16_t link_answer(struct worker *w, struct rte_mbuf **m, uint16_t count);
// IP header, outer, of our own (ICMP echo replies): routes it.
uint16_t ip_route(struct worker *w, struct rte_mbuf **m, uint16_t count);

// ---- both

// Where the inner packets of a burst go. What has no route has been dropped.
struct routed {
	struct rte_mbuf *session[BURST]; // meta.session
	struct rte_mbuf *network[BURST]; // meta.out_port, meta.next_hop or next_hop6
	struct rte_mbuf *local[BURST];   // to an own address
	uint16_t session_count, network_count, local_count;
};
void route(struct worker *w, struct rte_mbuf **m, uint16_t count, struct routed *out);

// Inner IP header. Takes one off the time to live or hop limit. What has none left becomes an ICMP
// time exceeded in *errors, inner IP packets back to their sender.
uint16_t forward(struct worker *w, struct rte_mbuf **m, uint16_t count, struct rte_mbuf **errors,
	uint16_t *error_count);

// Inner IP header, both ends, meta.out_port known. What is larger than the port takes leaves in
// fragments (IPv4 without DF) or becomes an ICMP fragmentation needed or packet too big in *errors.
uint16_t network_fit(struct worker *w, struct rte_mbuf **m, uint16_t count,
	struct rte_mbuf **errors, uint16_t *error_count);

// IP header -> Ethernet frame for meta.next_hop on meta.out_port; what must wait goes to the clerk.
uint16_t neighbour_out(struct worker *w, struct rte_mbuf **m, uint16_t count);

// Ethernet frames for meta.out_port: collected, and sent at the end of the round at the latest.
void tx(struct worker *w, struct rte_mbuf **m, uint16_t count);
void tx_flush(struct worker *w);

// Inner IP header. An ICMP error about packet m (which stays the caller's) from the gateway's own
// address, or NULL: rate limited, or none is due (RFC 1122 section 3.2.2). mtu in bytes for
// fragmentation needed, else 0. source in network byte order.
struct rte_mbuf *icmp_error(struct worker *w, const struct rte_mbuf *m, uint8_t type, uint8_t code,
	uint16_t next_mtu, uint32_t source);
// The same for IPv6 (RFC 4443 section 2.4), from w->icmp_source6; next_mtu for packet too big.
struct rte_mbuf *icmp6_error(
	struct worker *w, const struct rte_mbuf *m, uint8_t type, uint8_t code, uint32_t next_mtu);
// One of the errors that this worker may send, of both kinds together. False: not now.
bool icmp_error_take(struct worker *w);
// Inner IP header. A packet that its sender alone may cut and that is too big: an ICMP
// fragmentation needed or packet too big (never below 1280 for IPv6) with what fits, in bytes, if
// one is due, goes to *errors; the packet is dropped.
void icmp_too_big(struct worker *w, struct rte_mbuf *m, uint16_t fits, struct rte_mbuf **errors,
	uint16_t *error_count);

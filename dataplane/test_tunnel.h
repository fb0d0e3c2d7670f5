// SPDX-License-Identifier: Apache-2.0
#pragma once

// Tunnels for tests on the lab: a client with an ESP tunnel and one with a clear one, each with a
// session, and one with ESP in tunnel mode, without L2TP. The client's end of the ESP tunnel is a
// second SA pair of the same tables, with the keys the other way round, so that the dataplane
// itself seals what the client sends.

#include "dataplane/test_lab.h"

#define CLIENT6 "2001:db8:0:1::10"

#define INNER6      "2001:db8:a:1::9" // in the session's prefix, a /64
#define OTHER6      "2001:db8:a:2::9" // the same, of the clear one
#define INNER6_PLAN "2001:db8:a:1::/64"
#define OTHER6_PLAN "2001:db8:a:2::/64"
#define BARE6       "2001:db8:a:3::9" // the same, of the one without L2TP
#define BARE6_PLAN  "2001:db8:a:3::/64"
#define HOST6       "2001:db8:0:2::10"

#define CLIENT LAB_IP(192, 0, 2, 10)
#define US_SUB LAB_IP(192, 0, 2, 1)
#define HOST   LAB_IP(198, 51, 100, 10)
#define US_PPP LAB_IP(100, 64, 0, 1)
#define INNER  LAB_IP(100, 64, 0, 9)  // behind the ESP tunnel
#define OTHER  LAB_IP(100, 64, 0, 10) // behind the clear one
#define BARE   LAB_IP(100, 64, 0, 11) // without L2TP

enum {
	SESSION = 5,
	SESSION_CLEAR = 6,
	SESSION_WITHOUT = 7,
	TUNNEL = 21,
	TUNNEL_CLEAR = 22,
	TUNNEL_WITHOUT = 23,
	SESSION_ID = 1000, // added to the index: our session id on the wire
	NAT_PORT = 4501,   // of the client, when it is behind a NAT
	PEER = 0x00500007,
	OURS = 0x00700001,   // SPI of the gateway's pair: index 1
	THEIRS = 0x00700002, // of the client's: index 2
	PEER_BARE = 0x00500008,
	OURS_BARE = 0x00700003, // the same in tunnel mode
	THEIRS_BARE = 0x00700004,
};

// Pairs and tunnels that are made from now on run over IPv6, between LAB_SUB6 and CLIENT6, or over
// IPv4 as at first.
void tunnel_outer6(bool six);
// Both pairs, with that transform, plain or in UDP. Returns 0 or an error.
int tunnel_pair(uint8_t cipher, uint8_t integrity, uint8_t encapsulation);
// Both tunnels, both sessions, open for IPv4, IPv6 and LCP. Returns 0 or an error.
int tunnel_sessions(void);
// One of them gets that rate on the downlink and a burst of two packets; 0 = none. Returns 0 or an
// error.
int tunnel_shape(uint32_t session, uint32_t kbit);
// The routes to both sessions, of both IP versions, once. Returns 0 or an error.
int tunnel_routes(void);
// The pairs, the tunnel and the session of the client without L2TP, open for both IP versions, and
// once the routes to it. Return 0 or an error.
int tunnel_bare(uint8_t cipher, uint8_t integrity, uint8_t encapsulation);
int tunnel_bare_routes(void);
// All but the routes goes again.
void tunnel_clear(void);

// A UDP packet as the client's SA pair seals it: from the ESP header, or from the UDP header before
// it, to the ICV. Returns its length; 0 = it cannot be sealed. The packet counts as made and
// dropped by worker 0.
size_t tunnel_seal(const void *udp, size_t length, uint8_t out[LAB_FRAME]);
// The same by any pair, of any payload.
size_t tunnel_seal_as(
	uint32_t spi, uint8_t next, const void *data, size_t length, uint8_t out[LAB_FRAME]);
// A payload of any length, with that sequence number, likewise; nothing is counted.
enum { TUNNEL_LARGE = UINT16_MAX + 8 };
size_t tunnel_seal_large(uint32_t spi, uint8_t next, const void *data, size_t length,
	uint32_t sequence, uint8_t out[TUNNEL_LARGE]);
// The payload of an outer packet from the client, in fragments of each bytes, one to this worker
// and one to that; whatever fits into one is no fragment over IPv4.
void tunnel_fragments(bool over6, uint8_t next, const uint8_t *payload, size_t length, size_t each);
// An ESP packet, from the ESP header on, as the client without L2TP opens it: the inner packet.
// outer_port: what it came from in UDP, else 0. Returns its length; 0 = it cannot be opened.
size_t tunnel_open_bare(
	const void *esp, size_t length, uint16_t outer_port, uint8_t out[LAB_FRAME]);

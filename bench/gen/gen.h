// SPDX-License-Identifier: Apache-2.0
#pragma once

// What all parts of the load generator share: who plays whom, and what is counted.
//
// A *peer* is what a gateway sees as one: an outer address, an IKE SA with a pair of ESP SAs
// (unless the load is plain L2TP), and one L2TP tunnel. A *session* is a subscriber: a call in its
// peer's tunnel, a PPP link, an inner address. A client has one session, a LAC has thousands. One
// thread does everything, so nothing here is locked.
//
// Addresses are numbers in host byte order unless a name says otherwise; times are TSC cycles,
// those of timers milliseconds.

#include "esp.h"
#include "histogram.h"
#include "options.h"

#include "controlplane/timer.h"

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	GEN_BURST = 32,
	GEN_MESSAGE = 1500, // bytes of a control message of any protocol, without outer headers
	GEN_FRONT = 176,    // bytes of all headers in front of a subscriber's data, at most
};

// Parts of a set-up whose times are kept. The first three belong to the peer.
#define PHASES(X) \
	X(MAIN_MODE, "ike-main") \
	X(INIT, "ike-sa-init") \
	X(AUTH_IKE, "ike-auth") \
	X(QUICK_MODE, "ike-quick") \
	X(TUNNEL, "l2tp-tunnel") \
	X(CALL, "l2tp-session") \
	X(LCP, "ppp-lcp") \
	X(AUTH, "ppp-auth") \
	X(IPCP, "ppp-ipcp") \
	X(ALL, "all") \
	X(REKEY, "ike-rekey")
#define PHASE_ENUM(name, word) PHASE_##name,
enum phase { PHASES(PHASE_ENUM) PHASE_COUNT };
#undef PHASE_ENUM

// Why a subscriber did not come up or went away without being told to.
#define FAILURES(X) \
	X(MAIN_TIMEOUT, "ike-main-timeout") \
	X(MAIN_REFUSED, "ike-main-refused") \
	X(MAIN_INVALID, "ike-main-invalid") \
	X(INIT_TIMEOUT, "ike-sa-init-timeout") \
	X(INIT_REFUSED, "ike-sa-init-refused") \
	X(INIT_INVALID, "ike-sa-init-invalid") \
	X(AUTH_IKE_TIMEOUT, "ike-auth-timeout") \
	X(AUTH_IKE_REFUSED, "ike-auth-refused") \
	X(AUTH_IKE_INVALID, "ike-auth-invalid") \
	X(QUICK_TIMEOUT, "ike-quick-timeout") \
	X(QUICK_REFUSED, "ike-quick-refused") \
	X(QUICK_INVALID, "ike-quick-invalid") \
	X(IKE_DELETED, "ike-deleted") \
	X(TUNNEL_TIMEOUT, "l2tp-tunnel-timeout") \
	X(TUNNEL_STOPPED, "l2tp-stopccn") \
	X(TUNNEL_INVALID, "l2tp-tunnel-invalid") \
	X(CALL_TIMEOUT, "l2tp-session-timeout") \
	X(CALL_ENDED, "l2tp-cdn") \
	X(LCP_TIMEOUT, "ppp-lcp-timeout") \
	X(LCP_REFUSED, "ppp-lcp-refused") \
	X(AUTH_TIMEOUT, "ppp-auth-timeout") \
	X(AUTH_REFUSED, "ppp-auth-refused") \
	X(IPCP_TIMEOUT, "ppp-ipcp-timeout") \
	X(PPP_TERMINATED, "ppp-terminated") \
	X(MEMORY, "out-of-memory")
#define FAILURE_ENUM(name, word) FAILURE_##name,
enum failure { FAILURES(FAILURE_ENUM) FAILURE_COUNT };
#undef FAILURE_ENUM

enum direction { UPLINK = 0, DOWNLINK = 1, DIRECTIONS = 2 };

struct gen;
struct initiator;
struct initiator2;
struct flood;
struct message;

// The control channel of an L2TP tunnel (see lac.c).
struct channel {
	struct message *first;  // not yet acknowledged, in order of Ns; then those not yet sent
	struct message *last;   // newest of the list
	struct message *unsent; // first that was not sent
	uint16_t id, peer_id;   // tunnel ids: ours, the gateway's
	uint16_t ns, nr;        // of the next message to queue, of the next one to receive
	uint16_t in_flight, window;
	uint16_t tries; // retransmissions of the first
	bool ack_owed;
	bool established;
	struct timer timer;
};

enum peer_state { PEER_IDLE, PEER_IKE, PEER_TUNNEL, PEER_UP, PEER_CLOSING };

struct peer {
	struct gen *gen;
	uint32_t index;
	uint32_t address;   // outer
	uint16_t port_500;  // source ports that the gateway sees for IKE and,
	uint16_t port_4500; // behind a NAT, for all after it was found
	bool nat;
	uint8_t state;           // enum peer_state
	uint8_t generation;      // of the SPI: a packet of an earlier life is not mine
	struct esp_sa out;       // to the gateway
	struct esp_sa in;        // from the gateway
	struct esp_sa old;       // from the gateway, before the last rekey
	struct initiator *ike;   // version 1, or
	struct initiator2 *ike2; // version 2
	struct channel channel;
	struct session *sessions;
	uint32_t session_count;
	uint32_t sessions_open; // that are neither idle nor failed
	uint64_t began;         // of the phase at work
};

enum session_state {
	SESSION_IDLE,
	SESSION_WAITING, // for the tunnel
	SESSION_CALLING, // ICRQ sent
	SESSION_LCP,
	SESSION_AUTH,
	SESSION_IPCP,
	SESSION_UP,
	SESSION_FAILED,
};

// The PPP of a session (see link.c).
struct link {
	struct timer timer;
	uint32_t magic;
	uint16_t tries;
	uint8_t id;      // of the newest Configure-Request or PAP request
	bool acked;      // our request was taken
	bool peer_acked; // we took theirs
	bool ask_magic, ask_mru;
	uint8_t chap_id;
	uint8_t response_length; // CHAP response, to be sent again
	uint8_t response[96];
};

// One direction of a session's test traffic.
struct flow {
	uint64_t next;   // number of the next packet to send
	uint64_t expect; // number of the next packet to receive
};

// All headers of a packet, with lengths and checksums to be filled in per packet.
struct front {
	uint8_t bytes[GEN_FRONT];
	uint8_t length;
	uint8_t esp;                   // offset of the ESP header; 0 without
	uint8_t udp;                   // offset of the UDP header of L2TP
	uint8_t inner;                 // offset of the inner IP header
	uint32_t outer_sum, inner_sum; // of the IP headers without length and checksum
};

struct session {
	struct peer *peer;
	uint32_t index;  // of all
	uint32_t number; // place among its peer's
	uint16_t id, peer_id;
	uint8_t state;    // enum session_state
	uint32_t address; // inner; 0 = none yet
	uint64_t began;   // of all, and
	uint64_t phase_began;
	struct link link;
	struct flow flows[DIRECTIONS];
	struct front up;
};

// Counters of the set-up and of all control traffic.
struct control_counters {
	uint64_t started, up, ended; // sessions
	uint64_t failures[FAILURE_COUNT];
	uint64_t ike_retransmissions, l2tp_retransmissions, ppp_retransmissions;
	uint64_t frames_sent, frames_received;
	uint64_t no_room;        // control frames that the port did not take
	uint64_t dh_ns;          // CPU time spent in Diffie-Hellman
	uint64_t dh_exchanges;   // two operations each
	double dh_alone;         // exchanges per CPU second that libcrypto alone does
	uint64_t cookies;        // that the gateway asked for (IKEv2)
	uint64_t rekeys;         // quick modes that replaced a pair
	uint64_t rekeys_refused; // quick modes that the gateway began
};

struct drop_counters {
	uint64_t unknown; // frames that are nobody's
	uint64_t icv;     // ESP packets that do not decrypt
	uint64_t malformed;
};

struct gen_port {
	uint16_t id;
	struct rte_ether_addr mac, gateway_mac;
	uint32_t address, gateway; // ours for ARP, and the gateway's
	bool resolved;
	uint64_t next_arp;
};

struct gen {
	struct options options;
	struct gen_port subscriber_side, network_side;
	struct rte_mempool *pool;
	struct esp *esp;
	struct timers *timers;
	uint64_t hz;
	uint64_t start; // of the clock of the timers
	uint64_t next_tick;

	struct peer *peers;
	uint32_t peer_count;
	struct session *sessions;
	uint32_t session_count;
	uint32_t sessions_up;
	uint32_t in_setup;
	uint32_t failed;                   // sessions
	uint32_t closing;                  // peers whose StopCCN is not acknowledged
	uint32_t ended;                    // sessions hung up at the end of the run
	struct peer *owing[4 * GEN_BURST]; // an acknowledgement
	unsigned owing_count;

	struct control_counters counters;
	struct drop_counters drops;
	struct histogram phases[PHASE_COUNT]; // nanoseconds
	struct traffic *traffic;
	struct flood *flood;
	uint64_t idle_cycles, busy_cycles; // of the turns without and with work
	volatile bool *stop;
};

static inline uint64_t gen_ns(const struct gen *g, uint64_t cycles)
{
	return (uint64_t)((double)cycles * 1e9 / (double)g->hz);
}

// CPU time of this thread, which others on the same core do not add to.
uint64_t gen_cpu_ns(void);
const char *phase_word(unsigned phase);
const char *failure_word(unsigned failure);
// Ends a phase that began at *began and begins the next.
void gen_phase(struct gen *g, enum phase phase, uint64_t *began);

// One turn of everything: receives, fires timers, sends what traffic is due.
void gen_turn(struct gen *g);

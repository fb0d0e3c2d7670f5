// SPDX-License-Identifier: Apache-2.0
#pragma once

// The messages of the command ring (control plane to clerk) and of the event ring (clerk to
// control plane). A message is a number, a struct and a size, declared on one line below; the
// receiver checks the size against the number before it looks at the body, then checks every
// field. All numbers are in host byte order.
//
// Permitted senders: commands, the one control plane that holds the channel; events, the clerk.
// Every command is answered by one EVENT_REPLY with its request id, in the order of the commands.
// A command is applied whole or not at all.

#include "address.h"
#include "algorithm.h"
#include "limits.h"

#include <stdint.h>

//      number, name, struct
#define COMMAND_LIST(X) \
	X(1, RESET, command_reset) \
	X(2, SA_ADD, command_sa_add) \
	X(3, SA_DELETE, command_sa_delete) \
	X(4, TUNNEL_ADD, command_tunnel_add) \
	X(5, TUNNEL_SET_SA, command_tunnel_set_sa) \
	X(6, TUNNEL_DELETE, command_tunnel_delete) \
	X(7, SESSION_ADD, command_session_add) \
	X(8, SESSION_SET, command_session_set) \
	X(9, SESSION_DELETE, command_session_delete) \
	X(10, ROUTE_ADD, command_route) \
	X(11, ROUTE_DELETE, command_route) \
	X(12, FILTER_BEGIN, command_filter_begin) \
	X(13, FILTER_RULES, command_filter_rules) \
	X(14, FILTER_COMMIT, command_filter) \
	X(15, FILTER_DELETE, command_filter) \
	X(16, GROUP_SET, command_group_set) \
	X(17, SA_MOVE, command_sa_move) \
	X(18, IKE_ADMIT, command_ike_admit)

#define EVENT_LIST(X) \
	X(1, REPLY, event_reply) \
	X(2, PEER_MOVED, event_peer_moved) \
	X(3, SA_EXHAUSTING, event_sa_exhausting) \
	X(4, PORT_LINK, event_port_link) \
	X(5, SA_UNKNOWN, event_sa_unknown) \
	X(6, PATH_MTU, event_path_mtu)

// Forget all SAs, tunnels, sessions, filters, groups and the routes that ROUTE_ADD made. What a new
// control plane says first, so that nothing is left in the tables that it does not know.
struct command_reset {
	uint32_t zero;
};

enum esp_encapsulation {
	ESP_PLAIN = 0, // IP protocol 50
	ESP_UDP = 1,   // RFC 3948, remote_port and local_port say where
};

enum esp_mode {
	ESP_TRANSPORT = 0, // L2TP in UDP inside
	ESP_TUNNEL = 1,    // IP packets of a session inside (RFC 4303 section 3.1.2)
};

// A pair of SAs. Inbound works at once; outbound is used by the tunnels whose
// sa names it and by injected packets. Refused: -EEXIST the index is in use, -ENOSPC index beyond
// the table, -EINVAL anything that is no transform, address, port or window.
struct command_sa_add {
	uint32_t spi_in;       // our SPI, see ids.h; the name of the pair
	uint32_t spi_out;      // the peer's SPI
	uint32_t peer;         // the IKE peer that it belongs to
	uint8_t cipher;        // enum esp_cipher
	uint8_t integrity;     // enum esp_integrity
	uint8_t encapsulation; // enum esp_encapsulation
	uint8_t esn;           // 1: 64-bit sequence numbers (RFC 4303 section 2.2.1), else 0
	uint16_t window;       // packets: 0 (no check, for benchmarks; not with esn), or 32 to 4096
	uint16_t local_port;   // ESP_UDP only
	uint16_t remote_port;  // ESP_UDP only; follows an authenticated packet
	uint8_t mode;          // enum esp_mode
	uint8_t zero2;
	uint32_t session; // ESP_TUNNEL: index of the session whose packets come in on it, which
			  // need not be there yet; ESP_TRANSPORT: ignored
	struct ip_address local;
	struct ip_address remote;
	// Keys of the lengths that the transforms have; key_*[esp_cipher_shape.key ...] is the
	// salt.
	uint8_t cipher_key_in[LIMIT_CIPHER_KEY + LIMIT_SALT];
	uint8_t cipher_key_out[LIMIT_CIPHER_KEY + LIMIT_SALT];
	uint8_t integrity_key_in[LIMIT_INTEGRITY_KEY];
	uint8_t integrity_key_out[LIMIT_INTEGRITY_KEY];
};

// The peer has another address, or there is another NAT (RFC 4555 section 3.5): both SAs of the
// pair go on from there with their keys and sequence numbers. -ENOENT, -EINVAL.
struct command_sa_move {
	uint32_t spi_in;
	uint8_t encapsulation; // enum esp_encapsulation, which may change
	uint8_t zero;
	uint16_t local_port; // ESP_UDP only
	uint16_t remote_port;
	uint16_t zero2;
	struct ip_address local;
	struct ip_address remote;
};

// By what the workers tell IKE messages that are worth a place in the punt rings, so that a flood
// of strangers leaves room for who is known. The SPI of ours in an IKE header is made as
// ike_spi_make of contract/ike_spi.h does it with key. -EINVAL.
struct command_ike_admit {
	uint8_t key[16];
	uint32_t firsts_per_second; // messages without an SPI of ours, all workers together
	uint32_t zero;
};

// -ENOENT when there is none of that SPI, -EBUSY while a tunnel sends through it.
struct command_sa_delete {
	uint32_t spi_in;
};

enum tunnel_kind {
	TUNNEL_L2TP = 0,
	TUNNEL_ESP = 1, // no L2TP and no PPP: its one session's packets lie in ESP itself
};

// An L2TP tunnel, or what stands for it in a session without L2TP. With peer != 0 its data must
// arrive on an SA of that peer and leaves through sa; with peer == 0 it is plain L2TP from that
// address and port. Refused: -EEXIST, -ENOENT no such sa, -EINVAL.
struct command_tunnel_add {
	uint16_t tunnel;      // our tunnel id, 1 to 65535
	uint16_t peer_tunnel; // the peer's
	uint32_t peer;        // IKE peer, or 0
	uint32_t sa;          // spi_in of the pair to send through, or 0
	uint16_t local_port;
	uint16_t remote_port;
	struct ip_address local;
	struct ip_address remote;
	uint8_t kind; // enum tunnel_kind; TUNNEL_ESP: peer and sa are not 0, peer_tunnel and ports
		      // are
	uint8_t zero[3];
};

// Moves the tunnel's outbound to another pair of the same peer: -ENOENT, or -EPERM another peer's
// or of a mode that is not the tunnel's.
struct command_tunnel_set_sa {
	uint16_t tunnel;
	uint16_t zero;
	uint32_t sa;
};

// Takes the sessions that are left in it along.
struct command_tunnel_delete {
	uint16_t tunnel;
	uint16_t zero;
};

// A session in which everything is still punted. A tunnel of kind TUNNEL_ESP has one alone, whose
// ids on the wire are not 0 and mean nothing, and which has no sequencing; of PPP's flags, magic
// and MRU it has none. -EEXIST, -ENOENT no such tunnel, -ENOSPC, -EINVAL.
struct command_session_add {
	uint32_t session;      // index, see ids.h
	uint16_t tunnel;       // our tunnel id
	uint16_t session_id;   // ours, on the wire
	uint16_t peer_session; // the peer's, on the wire
	uint8_t sequencing;    // 1: we put Ns on data packets (RFC 2661 section 5.4)
	uint8_t zero;
};

enum session_flag {
	SESSION_IP4_OPEN = 1 << 0,  // IPCP is opened: forward IPv4
	SESSION_IP6_OPEN = 1 << 1,  // IPV6CP is opened: forward IPv6
	SESSION_LCP_OPEN = 1 << 2,  // answer LCP echo requests in the worker
	SESSION_SEND_ACFC = 1 << 3, // the peer takes frames without FF03 (RFC 1661 section 6.6)
	SESSION_SEND_PFC = 1 << 4,  // the peer takes a one-byte protocol field (section 6.5)
	SESSION_FLAGS_ALL = (1 << 5) - 1,
};

// A token bucket.
struct rate {
	uint32_t kbit;  // 1,000 bits a second of inner IP packets; 0 = no limit
	uint32_t burst; // bytes that may come at once; 0 = what 100 ms of the rate are, or 10 ms
			// where what is over it waits
};

// What holds for a session from now on; all of it each time. -ENOENT, -EINVAL. The reply's value
// is the largest inner packet of the session as things are, in bytes.
struct command_session_set {
	uint32_t session;
	uint32_t flags;    // enum session_flag
	uint32_t magic;    // our LCP magic number, for echo replies; 0 when none was negotiated
	uint16_t peer_mru; // bytes: the largest PPP information field that the peer takes
	uint16_t mtu;      // bytes: the largest inner packet by config, 0 = what fits
	struct ip_address
		ip4;          // the subscriber's address, or IP_NONE: the only source that may send
	struct ip_prefix ip6; // the subscriber's prefix, or IP_NONE
	uint16_t group;       // 0 to LIMIT_GROUPS - 1
	uint16_t zero;
	struct rate police_uplink; // what is over the rate is dropped
	struct rate police_downlink;
	struct rate shape_downlink; // what is over the rate waits
};

struct command_session_delete {
	uint32_t session;
};

enum next_hop {
	NEXT_HOP_SESSION = 1,
	NEXT_HOP_GATEWAY = 2,
};

// ROUTE_ADD: -EEXIST, -ENOENT no such session, -EINVAL, -ENOSPC. ROUTE_DELETE
// looks at the prefix, and of NEXT_HOP_SESSION at the session: -ENOENT when it leads elsewhere.
struct command_route {
	struct ip_prefix prefix;
	uint32_t session;          // NEXT_HOP_SESSION
	struct ip_address gateway; // NEXT_HOP_GATEWAY: a neighbour on one of the ports' networks
	uint8_t kind;              // enum next_hop
	uint8_t zero[3];
};

enum filter_action {
	FILTER_DENY = 0,
	FILTER_PERMIT = 1,
};

enum { FILTER_ANY_PROTOCOL = 256 };

// One line of a filter. It matches a packet of the version of its prefixes whose source,
// destination, protocol and, for TCP, UDP and SCTP, ports are in it. A rule that asks for ports
// does not match a fragment that has none.
struct filter_rule {
	struct ip_prefix from; // IP_NONE: any; else both are of one version, or one is IP_NONE
	struct ip_prefix to;
	uint16_t from_port[2]; // first and last; 0 and 65535 = any
	uint16_t to_port[2];
	uint16_t protocol; // as in the IP header, or FILTER_ANY_PROTOCOL
	uint8_t action;    // enum filter_action
	uint8_t zero;
};
_Static_assert(sizeof(struct filter_rule) == 60, "eight fit in a message");

enum { FILTER_RULES_MESSAGE = 8 };

// A filter is described by BEGIN, RULES as often as it takes, in their order, and put in place by
// COMMIT, at once for all sessions; until then, or until the next BEGIN, the one of that number
// that was there before holds. -EINVAL; RULES -ENOENT without BEGIN, -ENOSPC; COMMIT -ENOMEM.
struct command_filter_begin {
	uint16_t filter;   // 1 to LIMIT_FILTERS - 1
	uint8_t otherwise; // enum filter_action: what holds for a packet that no rule matches
	uint8_t zero;
};

struct command_filter_rules {
	uint16_t filter;
	uint16_t count; // 1 to FILTER_RULES_MESSAGE
	struct filter_rule rules[FILTER_RULES_MESSAGE];
};

// DELETE: -EBUSY while a group uses it, -ENOENT.
struct command_filter {
	uint16_t filter;
	uint16_t zero;
};

enum group_flag {
	GROUP_ISOLATED = 1 << 0, // nothing from and to other subscribers
	GROUP_FLAGS_ALL = (1 << 1) - 1,
};

// What holds for the sessions of a group from now on. A group that was never set has no filters
// and no flags. -EINVAL, -ENOENT no such filter.
struct command_group_set {
	uint16_t group;
	uint16_t filter_uplink; // 0 = none
	uint16_t filter_downlink;
	uint16_t flags; // enum group_flag
};

struct event_reply {
	int32_t error;    // 0 or -errno
	uint32_t command; // the number of the command that is answered
	uint32_t value;   // what the command says that it is, else 0
};

// An authenticated packet came from a new address or port (RFC 3948): the pair follows already.
struct event_peer_moved {
	uint32_t spi_in;
	uint16_t remote_port;
	uint16_t zero;
	struct ip_address remote;
};

enum sa_exhausting {
	SA_EXHAUSTING_SEQUENCE = 1, // 3/4 of the sequence numbers are used
	SA_EXHAUSTED_SEQUENCE = 2,  // none is left: the outbound SA drops
};

struct event_sa_exhausting {
	uint32_t spi_in;
	uint32_t why; // enum sa_exhausting
};

struct event_port_link {
	uint16_t port;
	uint16_t up; // 0 or 1
};

// ESP for an SPI that we do not have, at most a few a second: a peer that lost our Delete.
struct event_sa_unknown {
	uint32_t spi;
	struct ip_address local;
	struct ip_address remote;
	uint16_t remote_port; // 0 for plain ESP
	uint16_t zero;
};

// A router on the way to a tunnel's peer takes no larger packets (RFC 1191, RFC 8201): the
// tunnel's sessions have a smaller MTU now. Or, with the port's MTU, that this is forgotten,
// because of its age or because SA_MOVE made it another way.
struct event_path_mtu {
	uint16_t tunnel;
	uint16_t mtu; // bytes of an outer IP packet
};

enum {
	MESSAGE_HEADER = 16,
	MESSAGE_BODY = LIMIT_MESSAGE - MESSAGE_HEADER,
};

struct message {
	uint32_t type;    // enum command or enum event
	uint32_t size;    // bytes of the body that are used
	uint64_t request; // chosen by the sender of the command; 0 in an event that answers nothing
	uint8_t body[MESSAGE_BODY];
};
_Static_assert(sizeof(struct message) == LIMIT_MESSAGE, "a slot of the ring");

#define MESSAGE_ENUM_COMMAND(number, name, type) COMMAND_##name = number,
#define MESSAGE_ENUM_EVENT(number, name, type)   EVENT_##name = number,
enum command { COMMAND_LIST(MESSAGE_ENUM_COMMAND) };
enum event { EVENT_LIST(MESSAGE_ENUM_EVENT) };
#undef MESSAGE_ENUM_COMMAND
#undef MESSAGE_ENUM_EVENT

#define MESSAGE_FITS(number, name, type) \
	_Static_assert(sizeof(struct type) <= MESSAGE_BODY, #type " fits in a message");
COMMAND_LIST(MESSAGE_FITS)
EVENT_LIST(MESSAGE_FITS)
#undef MESSAGE_FITS

// The size that a message of that number must have, or 0 for a number that is none.
uint32_t command_size(uint32_t type);
uint32_t event_size(uint32_t type);
// "SA_ADD"; "unknown" for a number that is none.
const char *command_name(uint32_t type);
const char *event_name(uint32_t type);

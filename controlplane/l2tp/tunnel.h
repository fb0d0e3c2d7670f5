// SPDX-License-Identifier: Apache-2.0
#pragma once

// A tunnel and its control connection (RFC 2661 sections 5.1 and 7.2.1), seen from the LNS, which
// never opens one itself.

#include "channel.h"
#include "endpoint.h"
#include "message.h"
#include "session_map.h"

enum {
	TUNNEL_CHALLENGE = 16,   // bytes of our challenge
	TUNNEL_SETUP_MS = 60000, // for a tunnel or a session to come up
	TUNNEL_PROBE_MS = 4000,  // in which a peer that opens another tunnel proves this one
	TUNNEL_VERSION = 0x0100, // Protocol Version: 1, revision 0
	TUNNEL_FRAMING_BOTH = 3, // synchronous and asynchronous
};

// Result codes of StopCCN (section 4.4.2).
enum {
	STOP_REQUEST = 1,
	STOP_ERROR = 2, // the error code says
	STOP_UNAUTHORIZED = 4,
	STOP_VERSION = 5,
	STOP_SHUTDOWN = 6,
	STOP_FSM = 7,
};

// Result codes of CDN.
enum {
	CDN_ERROR = 2, // the error code says
	CDN_ADMIN = 3,
	CDN_NO_FACILITIES = 5, // permanently
};

enum tunnel_state {
	TUNNEL_INSTALLING, // SCCRQ came, TUNNEL_ADD is not yet answered
	TUNNEL_CONNECTING, // SCCRP is out, SCCCN is awaited
	TUNNEL_ESTABLISHED,
	TUNNEL_STOPPING, // our StopCCN is not yet acknowledged
	TUNNEL_STOPPED,  // the peer's StopCCN came: acknowledges its retransmissions
	TUNNEL_DEAD,     // unlinked, waits for the reaper
};

struct tunnel {
	struct l2tp *l2tp;
	uint16_t id, peer_id;
	uint8_t state;  // enum tunnel_state
	bool installed; // TUNNEL_ADD was posted, and no TUNNEL_DELETE
	bool stale;     // TUNNEL_SET_SA or TUNNEL_DELETE is to be posted again
	bool probing;   // the peer must be heard soon
	bool respond;   // SCCRP must carry `response`
	uint32_t peer;  // IKE peer, 0 = clear
	uint32_t sa;    // outbound leaves through this pair
	struct flow flow;
	struct tunnel *peer_next; // in its bucket
	struct tunnel *dead_next; // in the graveyard
	struct channel channel;
	struct timer timer;   // setup, HELLO or lingering, as the state says
	uint64_t started;     // milliseconds
	uint64_t established; // milliseconds
	uint64_t heard;       // milliseconds: the last message of the peer
	uint64_t sccrq;       // hash of the SCCRQ that opened it
	char host_name[L2TP_TEXT], vendor_name[L2TP_TEXT];
	uint16_t firmware;
	uint8_t challenge[TUNNEL_CHALLENGE]; // ours, when there is a secret
	uint8_t response[TUNNEL_CHALLENGE];  // to the peer's
	struct session_map sessions;
};

// A tunnel for the SCCRQ m, under numbers of its own; not yet installed. NULL when there is no id,
// no memory or no randomness left.
struct tunnel *tunnel_create(
	struct l2tp *l2tp, const struct l2tp_from *from, const struct control_message *m);
// A control message for a tunnel, from its own peer.
void tunnel_input(struct tunnel *t, const struct l2tp_from *from, const struct wire_header *header,
	const uint8_t *message, size_t length);
// Queues a finished message. A tunnel that cannot queue any more is dropped.
void tunnel_send(struct tunnel *t, struct build *b);
// StopCCN; sessions go down, the tunnel is uninstalled. Nothing when it is stopping already.
void tunnel_stop(struct tunnel *t, uint16_t result, uint16_t error, const char *text);
// The tunnel goes at once and without a word.
void tunnel_drop(struct tunnel *t, const char *cause);
// The peer opens another tunnel: either it has several, or it forgot this one, which is found out
// by a HELLO. One that stays unanswered ends the tunnel much sooner than silence would.
void tunnel_probe(struct tunnel *t);
void tunnel_set_sa(struct tunnel *t, uint32_t sa);
// Posts what a stale tunnel still has to; false while the ring is full.
bool tunnel_post(struct tunnel *t);
// Neither stopping nor gone: its sessions live, and the dataplane knows it.
static inline bool tunnel_is_open(const struct tunnel *t)
{
	return t->state < TUNNEL_STOPPING;
}
// As session_reap and session_free.
bool tunnel_reap(struct tunnel *t);
void tunnel_free(struct tunnel *t);
void tunnel_fill_info(const struct tunnel *t, struct l2tp_tunnel_info *out);
struct log_subject tunnel_subject(const struct tunnel *t);

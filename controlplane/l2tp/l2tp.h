// SPDX-License-Identifier: Apache-2.0
#pragma once

// L2TPv2 signalling of an LNS (RFC 2661): tunnels and sessions, reliable control channel. It takes
// the control messages that the workers punt, installs tunnels and sessions by install.h *before*
// it answers (so that the peer's first data finds them), and reports sessions upwards.
//
// A tunnel belongs to the IKE peer that it was opened by (RFC 3193): a message for it that came on
// another peer's SA, or in clear, is dropped and counted. Addresses and ports do not identify it.

#include "contract/config.h"
#include "controlplane/dataplane.h"
#include "controlplane/timer.h"

#include <stdbool.h>
#include <stdint.h>

struct l2tp;
struct numbers;

// Where a control message came from, as punted.
struct l2tp_from {
	struct flow flow;
	uint32_t peer; // IKE peer, 0 = clear
	uint32_t sa;   // the pair that it came in on, 0 = clear
};

enum { L2TP_TEXT = 128, L2TP_PROXY = 256 };

// What the peer said of a session in ICRQ and ICCN. Texts are raw bytes cut to fit, with a NUL.
struct l2tp_session_info {
	uint32_t session; // index in the dataplane
	uint16_t tunnel, peer_tunnel;
	uint16_t session_id, peer_session;
	uint32_t peer; // IKE peer, 0 = clear
	struct flow flow;
	char host_name[L2TP_TEXT]; // of the tunnel's SCCRQ
	char calling[L2TP_TEXT], called[L2TP_TEXT], sub_address[L2TP_TEXT];
	uint32_t serial, bearer_type, framing_type, tx_speed, rx_speed; // bit/s
	uint8_t private_group[L2TP_TEXT];
	uint16_t private_group_length;
	// Proxy LCP and authentication (RFC 2661 section 4.4.5); lengths 0 = not sent.
	uint8_t lcp_first_received[L2TP_PROXY], lcp_last_sent[L2TP_PROXY],
		lcp_last_received[L2TP_PROXY];
	uint16_t lcp_first_received_length, lcp_last_sent_length, lcp_last_received_length;
	uint16_t proxy_auth_type, proxy_auth_id;
	uint8_t proxy_name[L2TP_PROXY], proxy_challenge[L2TP_PROXY], proxy_response[L2TP_PROXY];
	uint16_t proxy_name_length, proxy_challenge_length, proxy_response_length;
	bool sequencing_required;
	const char *state;
	uint64_t age_ms;
};

struct l2tp_tunnel_info {
	uint16_t tunnel, peer_tunnel;
	uint32_t peer, sa;
	struct flow flow;
	const char *state;
	char host_name[L2TP_TEXT], vendor_name[L2TP_TEXT];
	uint16_t firmware;
	uint32_t sessions;
	uint16_t ns, nr, peer_window, congestion_window, queued; // messages
	uint64_t retransmits, age_ms;
};

struct l2tp_events {
	// ICCN arrived and the session is installed: PPP may speak. info is valid during the call.
	void (*session_up)(void *context, const struct l2tp_session_info *info);
	// The session is gone, whoever wanted it; called only after session_up. cause is a sentence
	// for the log.
	void (*session_down)(void *context, uint32_t session, const char *cause);
};

// config, timers and numbers must outlive it.
struct l2tp *l2tp_create(const struct config *config, struct timers *timers,
	struct numbers *numbers, const struct l2tp_events *events, void *context);
// Ends without a word to the peers.
void l2tp_free(struct l2tp *l2tp);

// A control message as punted, from the L2TP header on. Malformed: logged, counted, forgotten.
void l2tp_input(
	struct l2tp *l2tp, const struct l2tp_from *from, const uint8_t *message, size_t length);
// From IKE: outbound of this peer's tunnels moves to that pair; this peer is gone (no CDN or
// StopCCN can be sent; sessions go down, tunnels are uninstalled before this returns).
void l2tp_peer_sa(struct l2tp *l2tp, uint32_t peer, uint32_t sa);
void l2tp_peer_down(struct l2tp *l2tp, uint32_t peer, const char *cause);

// Sends CDN with result code and error message (RFC 2661 section 4.4.2) and forgets the session;
// session_down is not called. -ENOENT.
int l2tp_session_close(struct l2tp *l2tp, uint32_t session, uint16_t result, const char *message);
// Sends StopCCN; the sessions go down. -ENOENT.
int l2tp_tunnel_close(struct l2tp *l2tp, uint16_t tunnel, uint16_t result, const char *message);
// StopCCN to all, when the control plane ends.
void l2tp_close_all(struct l2tp *l2tp, const char *message);

void l2tp_each_tunnel(const struct l2tp *l2tp,
	void (*each)(void *context, const struct l2tp_tunnel_info *info), void *context);
void l2tp_each_session(const struct l2tp *l2tp,
	void (*each)(void *context, const struct l2tp_session_info *info), void *context);
// Fills *out; -ENOENT.
int l2tp_session_info(const struct l2tp *l2tp, uint32_t session, struct l2tp_session_info *out);

struct l2tp_counters {
	uint64_t tunnels, sessions, tunnels_refused, sessions_refused, invalid, foreign,
		clear_refused, retransmits;
};
void l2tp_counters(const struct l2tp *l2tp, struct l2tp_counters *out);

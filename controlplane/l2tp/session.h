// SPDX-License-Identifier: Apache-2.0
#pragma once

// A session: one incoming call of a tunnel (RFC 2661 sections 5.2 and 7.4.2).

#include "l2tp.h"
#include "message.h"

struct tunnel;

enum session_state {
	SESSION_INSTALLING,  // ICRQ came, SESSION_ADD is not yet answered
	SESSION_CONNECTING,  // ICRP is out, ICCN is awaited
	SESSION_SEQUENCING,  // ICCN wants sequence numbers, the new SESSION_ADD is not yet answered
	SESSION_ESTABLISHED, // session_up was called
	SESSION_GONE,        // unlinked, waits for the reaper
};

enum session_text {
	SESSION_CALLING,
	SESSION_CALLED,
	SESSION_SUB_ADDRESS,
	SESSION_PRIVATE_GROUP,
	SESSION_LCP_FIRST_RECEIVED,
	SESSION_LCP_LAST_SENT,
	SESSION_LCP_LAST_RECEIVED,
	SESSION_PROXY_NAME,
	SESSION_PROXY_CHALLENGE,
	SESSION_PROXY_RESPONSE,
	SESSION_TEXTS,
};

// Texts are kept at their own length: there may be a quarter of a million sessions.
struct session {
	struct tunnel *tunnel;
	uint32_t index; // in the dataplane
	uint16_t id, peer_id;
	uint8_t state;             // enum session_state
	bool installed;            // a SESSION_ADD was posted and no SESSION_DELETE since
	bool refused;              // its end is logged already
	bool sequencing;           // ICCN carried Sequencing Required
	struct session *peer_next; // in the tunnel's map
	struct session *dead_next; // in the graveyard
	struct timer setup;
	uint64_t started; // milliseconds
	uint32_t serial, bearer_type, framing_type, tx_speed, rx_speed;
	uint16_t proxy_auth_type, proxy_auth_id;
	struct {
		uint8_t *bytes;
		uint16_t length;
	} texts[SESSION_TEXTS];
};

// A message about a session, in order. session_id is the header's.
void session_input(struct tunnel *t, uint16_t session_id, const struct control_message *m);
// CDN with result, error code and text, and the session goes; notify: session_down is called if
// session_up was.
void session_close(
	struct session *s, uint16_t result, uint16_t error, const char *text, bool notify);
// The session goes without a word to the peer. uninstall false: the tunnel's own delete follows
// and takes it along.
void session_drop(struct session *s, const char *cause, bool notify, bool uninstall);
// Posts what is left to post; false while the ring is full. Frees the session when true.
bool session_reap(struct session *s);
void session_free(struct session *s);
void session_fill_info(const struct session *s, struct l2tp_session_info *out);

// SPDX-License-Identifier: Apache-2.0
#pragma once

// The option negotiation automaton of RFC 1661 section 4, for any control protocol that speaks
// Configure, Terminate and Code-Reject: LCP and IPCP here. It owns the state, the restart timer
// and the counters, the identifiers, and the order of things; what the options mean is the
// protocol's, behind struct fsm_ops.
//
// Two departures. When the peer's first Configure-Request arrives while
// ours is unanswered, ours is sent again (same identifier) ahead of the answer. The first one may
// have gone out before anybody listened. Ahead of it, because the peer opens on our Ack and would
// take a request behind that as a wish to start over. And when we are open and the request that we
// acknowledged last comes once more, with its identifier and every byte, our Ack was lost or late:
// it is sent again, where the RFC would take the link down.

#include "wire.h"
#include "contract/config.h"
#include "controlplane/timer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fsm_state { // numbered as in RFC 1661 section 4.1
	FSM_INITIAL,
	FSM_STARTING,
	FSM_CLOSED,
	FSM_STOPPED,
	FSM_CLOSING,
	FSM_STOPPING,
	FSM_REQ_SENT,
	FSM_ACK_RCVD,
	FSM_ACK_SENT,
	FSM_OPENED,
	FSM_STATES,
};

enum fsm_event { // RFC 1661 section 4.3
	FSM_UP,
	FSM_DOWN,
	FSM_OPEN,
	FSM_CLOSE,
	FSM_TO_MORE,  // TO+: the restart timer fired, and we may try again
	FSM_TO_LAST,  // TO-
	FSM_RCR_GOOD, // RCR+: a Configure-Request that we acknowledge
	FSM_RCR_BAD,
	FSM_RCA,
	FSM_RCN, // Nak or Reject
	FSM_RTR,
	FSM_RTA,
	FSM_RUC,
	FSM_RXJ_GOOD, // a Code- or Protocol-Reject that we can live with
	FSM_RXJ_BAD,
	FSM_RXR, // Echo-Request
	FSM_EVENTS,
};

enum fsm_action { // RFC 1661 section 4.4
	FSM_NONE,
	FSM_TLU,
	FSM_TLD,
	FSM_TLS,
	FSM_TLF,
	FSM_IRC, // the counter becomes max_configure
	FSM_IRT, // the RFC's irc as well: the counter becomes max_terminate
	FSM_ZRC,
	FSM_SCR,
	FSM_SCA,
	FSM_SCN, // Nak or Reject
	FSM_STR,
	FSM_STA,
	FSM_SCJ,
	FSM_SER,
};

enum {
	FSM_ACTIONS = 3,
	FSM_OPTIONS = 64, // bytes of our own options at most
	FSM_ACKED = 128,  // bytes of the peer's options that are remembered
};

struct fsm_step {
	bool defined; // false: the event cannot occur in that state, and is ignored
	uint8_t next; // enum fsm_state
	uint8_t actions[FSM_ACTIONS];
};

// The table of RFC 1661 section 4.1, pure.
const struct fsm_step *fsm_step(enum fsm_state state, enum fsm_event event);
const char *fsm_state_word(enum fsm_state state);

// What a protocol says to one option of the peer's request.
enum fsm_opinion { FSM_ACCEPT, FSM_NAK, FSM_REJECT };

// Each is called with the owner. Any may stop or close the automaton; it notices.
struct fsm_ops {
	uint16_t protocol;
	void (*send)(void *owner, const uint8_t *packet, size_t length);
	// Negotiation begins or begins again: our wishes are what they were first.
	void (*reset)(void *owner);
	// Appends our options.
	void (*request)(void *owner, struct build *out);
	// The peer's request, whole, before its options are judged one by one.
	void (*peer_begin)(void *owner, struct view options);
	// For FSM_NAK, what we would rather have is appended to nak. May be asked about the same
	// option again in the same packet. -EBADMSG discards the whole packet.
	int (*peer_option)(void *owner, const struct wire_option *option, struct build *nak);
	// Appends to nak what the peer ought to have asked for. May be NULL.
	void (*peer_end)(void *owner, struct build *nak);
	// The peer does not want one of ours as it is, or at all.
	void (*naked)(void *owner, const struct wire_option *option);
	void (*rejected)(void *owner, const struct wire_option *option);
	void (*up)(void *owner);   // tlu
	void (*down)(void *owner); // tld
	// tlf: it ended; answered says that the peer had a part in it, false = no answer came.
	void (*finished)(void *owner, bool answered);
	// A code beyond Code-Reject: true when it was dealt with, otherwise it is rejected.
	bool (*extra)(void *owner, const struct wire_control *control);
	// The peer's Terminate-Request was acknowledged. May be NULL.
	void (*terminated)(void *owner);
};

struct fsm {
	const struct fsm_ops *ops;
	void *owner;
	const struct config_ppp *config; // counters and the restart time
	struct timers *timers;
	struct timer restart;
	uint32_t turn;          // counts events: tells an action list that it was overtaken
	uint16_t left;          // the restart counter: transmissions
	uint16_t naks_sent;     // since our last Ack
	uint16_t naks_received; // since we opened
	uint8_t state;          // enum fsm_state
	uint8_t id;             // of our newest Configure-Request
	uint8_t other_id;       // of our newest Terminate-Request or Code-Reject
	bool answered;          // it had a valid answer, so that the next one is a new one
	bool heard;             // the peer sent a Configure-Request in this negotiation
	bool lost;              // the restart counter ran out
	uint8_t request_length;
	uint8_t request[FSM_OPTIONS]; // options of our newest Configure-Request
	uint8_t acked_id;             // of the peer's request that we acknowledged last
	uint8_t acked_length;
	uint8_t acked[FSM_ACKED]; // its options
	// Valid while an event that a packet caused is worked on.
	struct view answer; // a whole packet
	uint8_t answer_id;  // for Terminate-Ack
};

void fsm_init(struct fsm *fsm, const struct fsm_ops *ops, void *owner,
	const struct config_ppp *config, struct timers *timers);
// Back to Initial without a word: no timer runs, and an action list under way ends.
void fsm_stop(struct fsm *fsm);
// The peer has ended it and was told so, in whatever state: waits in Stopping for one restart time
// before finished is called (RFC 1661 section 3.7). False without memory for the timer.
bool fsm_linger(struct fsm *fsm);
// Runs the actions of the table. The state is the new one before the first of them.
void fsm_event(struct fsm *fsm, enum fsm_event event);
// The same, with the packet that an action of it sends (sca, scn, scj, ser).
void fsm_event_answer(struct fsm *fsm, enum fsm_event event, const uint8_t *packet, size_t length);
// A packet from its code field on. Malformed or out of place: discarded silently.
void fsm_input(struct fsm *fsm, struct view packet);

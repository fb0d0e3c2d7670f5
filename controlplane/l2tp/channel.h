// SPDX-License-Identifier: Apache-2.0
#pragma once

// Reliable delivery of control messages over one tunnel (RFC 2661 section 5.8 and appendix A):
// numbers what is sent and sends it again until it is acknowledged, within the peer's window and a
// congestion window; puts what comes in order, once each; acknowledges.
//
// The owner embeds the struct and gives three functions. From inside deliver and dead the owner
// may call channel_close, and must not free the channel's memory before channel_receive or the
// timer has come back.

#include "controlplane/timer.h"
#include "wire.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	CHANNEL_PEER_WINDOW = 4,   // messages: what holds when the peer names none (4.4.3)
	CHANNEL_QUEUE_MAX = 16384, // messages that wait: beyond, the peer is a danger to us
	CHANNEL_WINDOW_MAX = 1024, // messages that we keep out of order
	CHANNEL_ACK_MS = 20,       // how long an acknowledgement waits for a message to ride on
	CHANNEL_ACK_COUNT = 2,     // messages after which it waits no longer
};

struct channel_settings {
	uint32_t retransmit_ms;     // first; doubled each time
	uint32_t retransmit_max_ms; // up to here
	uint16_t retransmit_tries;  // after the first transmission
	uint16_t window;            // ours, messages
};

struct channel_user {
	// A datagram for the peer. May fail like any datagram.
	void (*send)(void *context, const uint8_t *message, size_t length);
	// The next message in order, once. Valid during the call.
	void (*deliver)(void *context, const uint8_t *message, size_t length);
	// The peer did not acknowledge a message after all tries.
	void (*dead)(void *context);
};

struct channel_message;

struct channel {
	const struct channel_settings *settings;
	const struct channel_user *user;
	void *context;
	struct timers *timers;
	struct timer retransmit, ack;
	struct channel_message *first, **last; // to be acknowledged, oldest first
	struct channel_message *waiting;       // of these, the first that is not in flight
	struct channel_message *early;         // arrived out of order, by ns
	uint16_t peer_tunnel;                  // for ZLBs
	uint16_t una;                          // ns of `first`
	uint16_t top;                          // one past the highest ns ever transmitted
	uint16_t nr;                           // the next that we expect
	uint16_t peer_window;                  // messages
	uint16_t congestion, threshold;        // messages: cwnd and ssthresh of appendix A
	uint16_t partial;                      // acknowledgements towards the next step of cwnd
	uint16_t flight;                       // transmitted since the last timeout, from `first`
	uint16_t queued;                       // messages from `first` on
	uint16_t tries;                        // retransmissions of `first`
	uint16_t unacknowledged;               // delivered since our last Nr went out
	bool closed;
	uint64_t retransmits;
};

// settings, user and timers must outlive the channel.
void channel_open(struct channel *c, const struct channel_settings *settings,
	const struct channel_user *user, void *context, struct timers *timers);
// Forgets all messages and stops the timers; nothing is sent or delivered any more.
void channel_close(struct channel *c);

// The peer's tunnel id and Receive Window Size (0 counts as 1).
void channel_set_peer(struct channel *c, uint16_t peer_tunnel, uint16_t window);
// Queues a copy of a finished message; Ns and Nr are filled in when it goes out.
// -ENOMEM, -ENOBUFS (CHANNEL_QUEUE_MAX), -EPIPE closed.
int channel_send(struct channel *c, const uint8_t *message, size_t length);
// A message of the peer whose header was parsed. False: outside of our window, and dropped.
bool channel_receive(
	struct channel *c, const struct wire_header *header, const uint8_t *message, size_t length);
// Sends the acknowledgement that is due without waiting for a message to ride on.
void channel_ack(struct channel *c);
// Drops what was not acknowledged: from now on the channel only acknowledges.
void channel_hush(struct channel *c);
// Nothing waits for an acknowledgement.
bool channel_idle(const struct channel *c);
// How long a message is tried, in milliseconds: a full retransmission cycle (section 5.7).
uint64_t channel_cycle_ms(const struct channel_settings *settings);

// SPDX-License-Identifier: Apache-2.0
#pragma once

// LCP Echo-Requests (RFC 1661 section 5.8) as a keepalive, and what their answers say of the line:
// loss and round-trip time. With ppp.echo-adaptive none is sent while data of the client comes in,
// which proves more. An answer with our own magic number is our own request come back (section
// 6.4): no sign of life.

#include "ppp.h"

struct echo {
	struct timer timer;
	uint16_t unanswered; // in a row
	uint8_t id;          // of the newest one
	bool waiting;        // it is not counted yet
	bool open;           // it has had no answer yet
	bool looped;         // something of our own came back since the last answer
	uint64_t sent;       // milliseconds: when the newest one was
	uint64_t received;   // packets of the client when the timer fired last
	uint32_t history;    // the newest ones, one bit each, the newest lowest: 1 = lost
	uint8_t counted;     // how many of its bits count
	uint32_t rtt_8;      // smoothed (RFC 6298 section 2), in eighths of a millisecond
	struct ppp_quality quality;
};

struct ppp;

// LCP is open.
void echo_start(struct ppp *ppp);
void echo_stop(struct ppp *ppp);
// The peer's answer to one of our Echo-Requests, probe or not.
void echo_answered(struct ppp *ppp, uint8_t id, uint32_t magic);
// So long took a small Echo-Request that is not of here, and its answer.
void echo_measured(struct ppp *ppp, uint64_t rtt_ms);

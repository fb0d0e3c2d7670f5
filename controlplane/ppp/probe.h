// SPDX-License-Identifier: Apache-2.0
#pragma once

// Does the path carry the session's largest packets? Routers that cannot say so, because ICMP is
// filtered, swallow what is too big for them. So LCP Echo-Requests (RFC 1661 section 5.8) as large
// as the largest data packet are sent, which no router may fragment; the answers come back with
// the same data, so one answer proves both ways. It is the search of RFC 8899 with LCP for its
// probes; docs/mtu.md tells it.
//
// A small one goes first: it says that the peer answers at all, and how long that takes. When three
// large ones in a row stay without an answer, 1280 bytes are tried, and then, between the two, the
// largest size that is answered. Where the largest has more than 1500 bytes these are tried before
// that: more than so much a peer need not take of a control packet (RFC 1661 section 6.1), so when
// they are answered and nothing larger is, nothing is known of the path. A peer that answers small
// ones but not even 1280 bytes may be one that does not answer large ones: nothing is changed for
// it. All of it is repeated every 10 minutes.

#include "controlplane/timer.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	PROBE_TRIES = 3,    // of each size
	PROBE_PLAIN = 1500, // bytes: every peer can answer these
	PROBE_FLOOR = 1280, // bytes of an inner packet: nothing below is looked for (RFC 8200)
	PROBE_STEP = 8,     // bytes: the search need not be finer
	PROBE_WAIT_FIRST_MS = 1000, // for the answer to the small one; then by how long that took,
	PROBE_WAIT_LEAST_MS = 500,  // at least this
	PROBE_WAIT_MOST_MS = 3000,  // and at most this
	PROBE_AGAIN_MS = 10 * 60 * 1000,
};

struct probe {
	struct timer timer;
	uint64_t sent;    // milliseconds: when the newest one was
	uint32_t wait_ms; // for each answer
	uint16_t largest; // bytes of an inner packet, by the headers; 0 = off
	uint16_t result;  // what was told last; 0 = largest
	uint16_t before;  // result when this round began
	uint16_t size;    // that is tried now; 0 = as small as can be
	uint16_t low;     // is answered
	uint16_t high;    // is not
	uint8_t step;     // enum step in probe.c
	uint8_t tries;    // of this size
	uint8_t ids[PROBE_TRIES];
	bool told_silent; // that the peer answers nothing large
};

struct ppp;

void probe_stop(struct ppp *ppp);
// An Echo-Reply came, to one of the probes or to any other Echo-Request.
void probe_answer(struct ppp *ppp, uint8_t id);

// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the fuzz targets of whole responders share: one responder over the fakes for each input, and
// the way through its steps. The input is a row of them: an operation, a length in two bytes,
// bytes.

#include "controlplane/fakes.h"
#include "state.h"

extern struct config config;
extern struct ike *ike;
extern struct timers *timers;
extern uint64_t now; // milliseconds of the timers
extern struct flow flow;

// The algorithms of ESP, times, one pre-shared key ("secret"), one listener and one peer at the
// port of NAT traversal: into a config that is empty.
void fuzz_configure(void);
// For struct ike_events: peers that go are closed once more.
void fuzz_on_current(void *context, uint32_t peer, uint32_t sa);
void fuzz_on_down(void *context, uint32_t peer, const char *cause);

// Runs an input: begin makes the peers that are there at first, step does the operation of that
// number below count with at least one byte, which may be written to.
void fuzz_run(const uint8_t *data, size_t size, const struct ike_events *events,
	void (*begin)(void), void (*step)(unsigned what, uint8_t *bytes, size_t length),
	unsigned count);

// Steps: the bytes with both SPIs of the newest SA; payloads in clear behind that header, of which
// the first byte is the type of the first; time, so many seconds as the first byte says.
void fuzz_known(const uint8_t *bytes, size_t length);
void fuzz_clear(const struct isakmp_header *h, const uint8_t *bytes, size_t length);
void fuzz_time(const uint8_t *bytes);

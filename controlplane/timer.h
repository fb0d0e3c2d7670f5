// SPDX-License-Identifier: Apache-2.0
#pragma once

// Timers of the control plane, all monotonic, in one heap that the event loop drives. A protocol
// module embeds struct timer in its objects and never asks for the time of day, so a unit test
// moves time by hand: timers_run(t, now) with any now.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct timer {
	uint64_t due; // milliseconds of the base's clock
	size_t slot;  // place in the heap plus 1; 0 = not running
	void (*fire)(void *context);
	void *context;
};

struct timers; // one per event loop, or per test

// wake may be NULL; it is called when the earliest due time became earlier.
struct timers *timers_create(void (*wake)(void *context, uint64_t due), void *context);
void timers_free(struct timers *t);

// The clock: the now of the last timers_run, or of timers_set_now. Milliseconds, monotonic.
uint64_t timers_now(const struct timers *t);
void timers_set_now(struct timers *t, uint64_t now);

// Fires everything due at or before now, in order of time; a timer may start or stop any timer,
// itself included. Returns the next due time, or UINT64_MAX.
uint64_t timers_run(struct timers *t, uint64_t now);

// (Re)starts a timer: fire(context) after so many milliseconds. -ENOMEM when the heap cannot grow.
int timer_start(struct timers *t, struct timer *timer, uint64_t after_ms,
	void (*fire)(void *context), void *context);
// Does nothing when it is not running. Must be called before the memory of a running timer goes.
void timer_stop(struct timers *t, struct timer *timer);
bool timer_running(const struct timer *timer);

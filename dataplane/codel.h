// SPDX-License-Identifier: Apache-2.0
#pragma once

// Controlled delay (RFC 8289): of one queue, which packets have to go so that what stands in it
// stays short. It looks at nothing but how long each packet waited: once that has not been below
// the target for an interval, a packet goes now and then, the more often the longer that lasts.
// The control law spaces them by interval / sqrt(count), which slows a TCP sender down evenly.
//
// Asked once for each packet that is taken out, in order. That is the RFC's algorithm with its two
// loops turned inside out; the one difference is that the next time is set when a packet goes and
// not when the one behind it is found to have waited too long as well. Pure; times in nanoseconds.

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	CODEL_TARGET = 5000000,     // nanoseconds (RFC 8289 section 4.4)
	CODEL_INTERVAL = 100000000, // (section 4.3)
	CODEL_RECENT = 16,          // intervals in which the last state still tells something
};

struct codel_times {
	uint64_t target;
	uint64_t interval;
};

struct codel {
	uint64_t first_above; // when the delay will have been too long for an interval; 0 = it is
			      // not
	uint64_t drop_next;  // when the next packet goes
	uint32_t count;      // packets that went since it began to drop
	uint32_t last_count; // what count began with
	bool dropping;
};

// What suits a rate at which so many bytes take so many nanoseconds: a packet of that size alone
// must not look like a queue (RFC 8290 section 5.2.1 asks for this at low rates).
static inline struct codel_times codel_times_at(double packet)
{
	struct codel_times t = {.target = CODEL_TARGET, .interval = CODEL_INTERVAL};

	if (packet * 1.5 > CODEL_TARGET)
		t.target = (uint64_t)(packet * 1.5);
	t.interval += t.target - CODEL_TARGET;
	return t;
}

// The control law (RFC 8289 section 3.3).
static inline uint64_t codel_next(const struct codel_times *t, uint64_t from, uint32_t count)
{
	return from + (uint64_t)((double)t->interval / sqrt((double)count));
}

// Has the delay been too long for an interval?
static inline bool codel_above(
	struct codel *c, const struct codel_times *t, uint64_t now, uint64_t waited, bool more)
{
	if (waited < t->target || !more) {
		c->first_above = 0;
		return false;
	}
	if (c->first_above == 0) {
		c->first_above = now + t->interval;
		return false;
	}
	return now >= c->first_above;
}

// A queue that was too long a short time ago goes on with nearly the rate of dropping that it had.
static inline void codel_begin(struct codel *c, const struct codel_times *t, uint64_t now)
{
	uint32_t delta = c->count - c->last_count;
	int64_t since = (int64_t)(now - c->drop_next);

	c->dropping = true;
	c->count = delta > 1 && since < (int64_t)(CODEL_RECENT * t->interval) ? delta : 1;
	c->last_count = c->count;
	c->drop_next = codel_next(t, now, c->count);
}

// A packet comes out now that has waited so long; more: behind it more than one packet of the
// largest size still waits. True: it has to go, or to be marked.
static inline bool codel_judge(
	struct codel *c, const struct codel_times *t, uint64_t now, uint64_t waited, bool more)
{
	bool above = codel_above(c, t, now, waited, more);

	if (!c->dropping) {
		if (above)
			codel_begin(c, t, now);
		return above;
	}
	if (!above) {
		c->dropping = false;
		return false;
	}
	if (now < c->drop_next)
		return false;
	c->count++;
	c->drop_next = codel_next(t, c->drop_next, c->count);
	return true;
}

// The queue has run empty.
static inline void codel_empty(struct codel *c)
{
	c->first_above = 0;
	c->dropping = false;
}

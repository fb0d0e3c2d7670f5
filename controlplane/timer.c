// SPDX-License-Identifier: Apache-2.0

// A binary heap by due time. Each timer knows its slot, so that stopping one is O(log n) too.

#include "timer.h"

#include <errno.h>
#include <stdlib.h>

struct timers {
	struct timer **heap; // heap[0] is unused: parent and children by halving and doubling
	size_t count;
	size_t room;
	uint64_t now; // milliseconds
	void (*wake)(void *context, uint64_t due);
	void *context;
};

struct timers *timers_create(void (*wake)(void *context, uint64_t due), void *context)
{
	struct timers *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->wake = wake;
	t->context = context;
	return t;
}

void timers_free(struct timers *t)
{
	if (!t)
		return;
	free(t->heap);
	free(t);
}

uint64_t timers_now(const struct timers *t)
{
	return t->now;
}

void timers_set_now(struct timers *t, uint64_t now)
{
	if (now > t->now)
		t->now = now;
}

static void put(struct timers *t, size_t slot, struct timer *timer)
{
	t->heap[slot] = timer;
	timer->slot = slot;
}

static void sift_up(struct timers *t, struct timer *timer)
{
	size_t slot = timer->slot;

	while (slot > 1 && t->heap[slot / 2]->due > timer->due) {
		put(t, slot, t->heap[slot / 2]);
		slot /= 2;
	}
	put(t, slot, timer);
}

static void sift_down(struct timers *t, struct timer *timer)
{
	size_t slot = timer->slot;

	for (;;) {
		size_t child = 2 * slot;

		if (child > t->count)
			break;
		if (child < t->count && t->heap[child + 1]->due < t->heap[child]->due)
			child++;
		if (t->heap[child]->due >= timer->due)
			break;
		put(t, slot, t->heap[child]);
		slot = child;
	}
	put(t, slot, timer);
}

static int grow(struct timers *t)
{
	size_t room = t->room ? 2 * t->room : 64;
	struct timer **heap;

	if (t->count + 1 < t->room)
		return 0;
	heap = realloc(t->heap, room * sizeof(struct timer *));
	if (!heap)
		return -ENOMEM;
	t->heap = heap;
	t->room = room;
	return 0;
}

int timer_start(struct timers *t, struct timer *timer, uint64_t after_ms,
	void (*fire)(void *context), void *context)
{
	timer_stop(t, timer);
	if (grow(t) < 0)
		return -ENOMEM;
	timer->due = after_ms > UINT64_MAX - 1 - t->now ? UINT64_MAX - 1 : t->now + after_ms;
	timer->fire = fire;
	timer->context = context;
	put(t, ++t->count, timer);
	sift_up(t, timer);
	if (timer->slot == 1 && t->wake)
		t->wake(t->context, timer->due);
	return 0;
}

void timer_stop(struct timers *t, struct timer *timer)
{
	size_t slot = timer->slot;
	struct timer *last;

	if (slot == 0)
		return;
	timer->slot = 0;
	last = t->heap[t->count--];
	if (last == timer)
		return;
	put(t, slot, last);
	sift_up(t, last);
	sift_down(t, last);
}

bool timer_running(const struct timer *timer)
{
	return timer->slot != 0;
}

uint64_t timers_run(struct timers *t, uint64_t now)
{
	timers_set_now(t, now);
	// What is started while we fire is due later than now unless it was started with 0 ms; then
	// it fires in the next run, so that a timer that restarts itself cannot hold the loop.
	uint64_t limit = t->now;
	size_t left = t->count;

	while (t->count && t->heap[1]->due <= limit && left--) {
		struct timer *timer = t->heap[1];

		timer_stop(t, timer);
		timer->fire(timer->context);
	}
	return t->count ? t->heap[1]->due : UINT64_MAX;
}

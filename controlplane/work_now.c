// SPDX-License-Identifier: Apache-2.0

// work_post for unit tests: at once, on the caller's stack or when the test says so.

#include "work.h"

#include "controlplane/fakes.h"

#include <errno.h>
#include <stddef.h>

enum { QUEUE = 64 };

static struct {
	void (*run)(void *context);
	void (*done)(void *context);
	void *context;
} queue[QUEUE];
static size_t queued;
static bool held;

void work_hold(bool hold)
{
	held = hold;
	if (hold)
		return;
	for (size_t i = 0; i < queued; i++) {
		queue[i].run(queue[i].context);
		queue[i].done(queue[i].context);
	}
	queued = 0;
}

int work_post(void (*run)(void *context), void (*done)(void *context), void *context)
{
	if (!held) {
		run(context);
		done(context);
		return 0;
	}
	if (queued == QUEUE)
		return -EAGAIN;
	queue[queued].run = run;
	queue[queued].done = done;
	queue[queued++].context = context;
	return 0;
}

int work_post_known(void (*run)(void *context), void (*done)(void *context), void *context)
{
	return work_post(run, done, context);
}

int work_post_slow(void (*run)(void *context), void (*done)(void *context), void *context)
{
	return work_post(run, done, context);
}

bool work_is_full(void)
{
	return queued == QUEUE;
}

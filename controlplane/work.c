// SPDX-License-Identifier: Apache-2.0

// work_post on libuv's thread pool, with a bound: beyond it new exchanges have to wait rather than
// queue behind a minute of arithmetic. The pool has one queue, first in, first out; so that what is
// for known peers goes first, it is given no more at a time than keeps its threads busy, and the
// rest waits here in two queues.

#include "work.h"

#include "work_loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <uv.h>

enum {
	WORK_MAX = 1024,     // jobs of each queue that wait
	WORK_FULL = 512,     // jobs of strangers from which nothing new should be begun for them
	WORK_GIVEN_MAX = 16, // to the pool, four for each thread
};

struct job {
	uv_work_t request;
	STAILQ_ENTRY(job) next;
	void (*run)(void *context);
	void (*done)(void *context);
	void *context;
};

struct queue {
	STAILQ_HEAD(, job) jobs;
	unsigned count;
};

static uv_loop_t *loop;
static unsigned given;
static struct queue known = {STAILQ_HEAD_INITIALIZER(known.jobs), 0};
static struct queue strangers = {STAILQ_HEAD_INITIALIZER(strangers.jobs), 0};

static void job_run(uv_work_t *request)
{
	struct job *job = request->data;

	job->run(job->context);
}

static void job_done(uv_work_t *request, int status);

static void give(struct queue *q)
{
	struct job *job = STAILQ_FIRST(&q->jobs);

	STAILQ_REMOVE_HEAD(&q->jobs, next);
	q->count--;
	given++;
	// It fails for want of a function to call alone.
	(void)uv_queue_work(loop, &job->request, job_run, job_done);
}

static void give_more(void)
{
	while (given < WORK_GIVEN_MAX && known.count)
		give(&known);
	while (given < WORK_GIVEN_MAX && strangers.count)
		give(&strangers);
}

static void job_done(uv_work_t *request, int status)
{
	struct job *job = request->data;

	(void)status; // jobs are never cancelled
	given--;
	give_more();
	job->done(job->context);
	free(job);
}

void work_init(uv_loop_t *on)
{
	loop = on;
}

static int post(
	struct queue *q, void (*run)(void *context), void (*done)(void *context), void *context)
{
	struct job *job;

	if (q->count == WORK_MAX)
		return -EAGAIN;
	job = malloc(sizeof(*job));
	if (!job)
		return -EAGAIN;
	*job = (struct job){.run = run, .done = done, .context = context};
	job->request.data = job;
	STAILQ_INSERT_TAIL(&q->jobs, job, next);
	q->count++;
	give_more();
	return 0;
}

int work_post(void (*run)(void *context), void (*done)(void *context), void *context)
{
	return post(&strangers, run, done, context);
}

int work_post_known(void (*run)(void *context), void (*done)(void *context), void *context)
{
	return post(&known, run, done, context);
}

bool work_is_full(void)
{
	return strangers.count >= WORK_FULL;
}

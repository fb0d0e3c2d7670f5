// SPDX-License-Identifier: Apache-2.0

// work_post on libuv's thread pool, with a bound: beyond it new exchanges are refused rather than
// queued behind a minute of arithmetic.

#include "work.h"

#include "work_loop.h"

#include <errno.h>
#include <stdlib.h>
#include <uv.h>

enum { WORK_MAX = 1024 }; // jobs that wait or run

struct job {
	uv_work_t request;
	void (*run)(void *context);
	void (*done)(void *context);
	void *context;
};

static uv_loop_t *loop;
static unsigned jobs;

static void job_run(uv_work_t *request)
{
	struct job *job = request->data;

	job->run(job->context);
}

static void job_done(uv_work_t *request, int status)
{
	struct job *job = request->data;

	(void)status; // jobs are never cancelled
	jobs--;
	job->done(job->context);
	free(job);
}

void work_init(uv_loop_t *on)
{
	loop = on;
}

int work_post(void (*run)(void *context), void (*done)(void *context), void *context)
{
	struct job *job;

	if (jobs == WORK_MAX)
		return -EAGAIN;
	job = malloc(sizeof(*job));
	if (!job)
		return -EAGAIN;
	*job = (struct job){.run = run, .done = done, .context = context};
	job->request.data = job;
	if (uv_queue_work(loop, &job->request, job_run, job_done) < 0) {
		free(job);
		return -EAGAIN;
	}
	jobs++;
	return 0;
}

// SPDX-License-Identifier: Apache-2.0

// Threads for arithmetic, with a bound: beyond it new exchanges have to wait rather than queue
// behind a minute of it. Two queues, so that what is for known peers goes first.
//
// Handing a job over and back costs as much as a small one itself, in system calls and changes of
// thread, so both are done for several at a time: another thread is woken only when some jobs wait
// for each that is at work, and the loop only when some are done or nothing waits any more.
//
// What waits for others rather than computes would keep those threads from their work, and goes to
// libuv's own.

#include "work.h"

#include "work_loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <uv.h>

enum {
	WORK_MAX = 1024,  // jobs of each kind that are posted and not done
	WORK_FULL = 512,  // jobs of strangers from which nothing new should be begun for them
	WORK_THREADS = 4, // at most at work
	WORK_SHARE = 4,   // jobs that may wait for each thread at work
	WORK_BATCH = 4,   // jobs that are done together
};

enum kind { KNOWN, STRANGERS, KINDS };

struct job {
	STAILQ_ENTRY(job) next;
	enum kind kind;
	void (*run)(void *context);
	void (*done)(void *context);
	void *context;
};

STAILQ_HEAD(jobs, job);

// Under the lock.
static struct {
	uv_mutex_t lock;
	uv_cond_t wake;
	struct jobs waiting[KINDS];
	unsigned waiting_count;
	struct jobs done;
	unsigned done_count;
	bool told;       // the loop, that something is done
	unsigned asleep; // threads that nobody has woken
	unsigned woken;  // threads that have not noticed yet
	bool ending;
} w;

// Of the loop alone.
static struct {
	uv_loop_t *loop;
	uv_async_t async;
	uv_thread_t threads[WORK_THREADS];
	unsigned started;
	unsigned posted[KINDS]; // and not done
	bool closed;
} l;

// The job to do next, or NULL.
static struct job *take_job(void)
{
	for (int kind = 0; kind < KINDS; kind++) {
		struct job *job = STAILQ_FIRST(&w.waiting[kind]);

		if (!job)
			continue;
		STAILQ_REMOVE_HEAD(&w.waiting[kind], next);
		w.waiting_count--;
		return job;
	}
	return NULL;
}

static void fall_asleep(void)
{
	w.asleep++;
	while (!w.woken && !w.ending)
		uv_cond_wait(&w.wake, &w.lock);
	if (w.woken)
		w.woken--;
}

// Without the lock while it runs; the loop is told without it too, for that wakes it.
static void do_job(struct job *job)
{
	bool tell;

	uv_mutex_unlock(&w.lock);
	job->run(job->context);
	uv_mutex_lock(&w.lock);
	STAILQ_INSERT_TAIL(&w.done, job, next);
	w.done_count++;
	tell = !w.told && (w.done_count >= WORK_BATCH || w.waiting_count == 0);
	if (!tell)
		return;
	w.told = true;
	uv_mutex_unlock(&w.lock);
	uv_async_send(&l.async);
	uv_mutex_lock(&w.lock);
}

static void work(void *unused)
{
	(void)unused;
	uv_mutex_lock(&w.lock);
	for (;;) {
		struct job *job = take_job();

		if (job)
			do_job(job);
		else if (w.ending)
			break;
		else
			fall_asleep();
	}
	uv_mutex_unlock(&w.lock);
}

static void finish_jobs(uv_async_t *unused)
{
	struct jobs done = STAILQ_HEAD_INITIALIZER(done);
	struct job *job;

	(void)unused;
	uv_mutex_lock(&w.lock);
	STAILQ_CONCAT(&done, &w.done);
	w.done_count = 0;
	w.told = false;
	uv_mutex_unlock(&w.lock);
	while ((job = STAILQ_FIRST(&done))) {
		STAILQ_REMOVE_HEAD(&done, next);
		l.posted[job->kind]--;
		job->done(job->context);
		free(job);
	}
}

void work_init(uv_loop_t *loop)
{
	memset(&w, 0, sizeof(w));
	memset(&l, 0, sizeof(l));
	l.loop = loop;
	for (int kind = 0; kind < KINDS; kind++)
		STAILQ_INIT(&w.waiting[kind]);
	STAILQ_INIT(&w.done);
	uv_mutex_init(&w.lock);
	uv_cond_init(&w.wake);
	uv_async_init(loop, &l.async, finish_jobs);
}

int work_start(void)
{
	for (; l.started < WORK_THREADS; l.started++)
		if (uv_thread_create(&l.threads[l.started], work, NULL) < 0)
			return -EAGAIN;
	return 0;
}

void work_stop(void)
{
	uv_mutex_lock(&w.lock);
	w.ending = true;
	uv_cond_broadcast(&w.wake);
	uv_mutex_unlock(&w.lock);
	for (unsigned i = 0; i < l.started; i++)
		uv_thread_join(&l.threads[i]);
	l.closed = true;
	finish_jobs(NULL);
	uv_close((uv_handle_t *)&l.async, NULL);
	uv_cond_destroy(&w.wake);
	uv_mutex_destroy(&w.lock);
}

// Whether a thread that sleeps is to be woken for what waits now.
static bool wake_one(void)
{
	if (w.asleep == 0 || w.waiting_count <= WORK_SHARE * (l.started - w.asleep))
		return false;
	w.asleep--;
	w.woken++;
	return true;
}

static int post(
	enum kind kind, void (*run)(void *context), void (*done)(void *context), void *context)
{
	struct job *job = l.closed || l.posted[kind] == WORK_MAX ? NULL : malloc(sizeof(*job));
	bool wake;

	if (!job)
		return -EAGAIN;
	*job = (struct job){.kind = kind, .run = run, .done = done, .context = context};
	l.posted[kind]++;
	uv_mutex_lock(&w.lock);
	STAILQ_INSERT_TAIL(&w.waiting[kind], job, next);
	w.waiting_count++;
	wake = wake_one();
	uv_mutex_unlock(&w.lock);
	if (wake)
		uv_cond_signal(&w.wake);
	return 0;
}

int work_post(void (*run)(void *context), void (*done)(void *context), void *context)
{
	return post(STRANGERS, run, done, context);
}

int work_post_known(void (*run)(void *context), void (*done)(void *context), void *context)
{
	return post(KNOWN, run, done, context);
}

bool work_is_full(void)
{
	return l.posted[STRANGERS] >= WORK_FULL;
}

// ---- what waits for others

struct slow_job {
	uv_work_t request;
	void (*run)(void *context);
	void (*done)(void *context);
	void *context;
};

static void slow_run(uv_work_t *request)
{
	struct slow_job *job = request->data;

	job->run(job->context);
}

static void slow_done(uv_work_t *request, int status)
{
	struct slow_job *job = request->data;

	(void)status; // jobs are never cancelled
	job->done(job->context);
	free(job);
}

int work_post_slow(void (*run)(void *context), void (*done)(void *context), void *context)
{
	struct slow_job *job = malloc(sizeof(*job));

	if (!job)
		return -EAGAIN;
	*job = (struct slow_job){.run = run, .done = done, .context = context};
	job->request.data = job;
	// It fails for want of a function to call alone.
	(void)uv_queue_work(l.loop, &job->request, slow_run, slow_done);
	return 0;
}

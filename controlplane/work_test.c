// SPDX-License-Identifier: Apache-2.0

// The real threads behind work_post, on a loop of the test's own.

#include "work.h"

#include "sandbox.h"
#include "work_loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include <cmocka.h>

enum { MOST = 1024 };

static uv_loop_t loop;
static uv_mutex_t lock;
static char order[2 * MOST]; // of those that ran
static size_t ran;           // both under the lock
static size_t done, wanted;
static uv_thread_t here;

static void run(void *context)
{
	uv_thread_t self = uv_thread_self();

	assert_false(uv_thread_equal(&self, &here));
	uv_mutex_lock(&lock);
	order[ran++] = *(const char *)context;
	uv_mutex_unlock(&lock);
}

static void ended(void *context)
{
	uv_thread_t self = uv_thread_self();

	assert_true(uv_thread_equal(&self, &here));
	if (++done == wanted)
		uv_stop(&loop);
}

static void await(size_t n)
{
	wanted = n;
	while (done < wanted)
		uv_run(&loop, UV_RUN_DEFAULT);
}

static int setup(void **state)
{
	here = uv_thread_self();
	ran = done = wanted = 0;
	uv_mutex_init(&lock);
	uv_loop_init(&loop);
	work_init(&loop);
	return 0;
}

static int teardown(void **state)
{
	uv_run(&loop, UV_RUN_DEFAULT);
	uv_mutex_destroy(&lock);
	return uv_loop_close(&loop);
}

static void jobs_run_elsewhere_and_end_here(void **state)
{
	assert_int_equal(work_start(), 0);
	for (size_t n = 1; n <= 200; n++) {
		assert_int_equal(work_post(run, ended, "s"), 0);
		if (n % 7 == 0)
			await(n);
	}
	await(200);
	assert_int_equal(ran, 200);
	work_stop();
}

// One that takes a stranger finds no known one waiting: what the other three threads have taken may
// be noted later.
static void known_peers_go_first(void **state)
{
	for (size_t i = 0; i < 40; i++)
		assert_int_equal(
			i % 2 ? work_post_known(run, ended, "k") : work_post(run, ended, "s"), 0);
	assert_int_equal(work_start(), 0);
	await(40);
	for (size_t i = 0; i < 20 - 3; i++)
		assert_int_equal(order[i], 'k');
	work_stop();
}

static void strangers_are_bounded_and_keep_nobody_out(void **state)
{
	for (size_t i = 0; i < MOST; i++) {
		assert_int_equal(work_is_full(), i >= MOST / 2);
		assert_int_equal(work_post(run, ended, "s"), 0);
	}
	assert_int_not_equal(work_post(run, ended, "s"), 0);
	assert_int_equal(work_post_known(run, ended, "k"), 0);
	assert_int_equal(work_start(), 0);
	await(MOST + 1);
	assert_false(work_is_full());
	assert_int_equal(work_post(run, ended, "s"), 0);
	await(MOST + 2);
	work_stop();
}

static uv_sem_t answer;

static void wait_for_answer(void *context)
{
	uv_sem_wait(&answer);
}

static void slow_jobs_keep_nobody_waiting(void **state)
{
	enum { SLOW = 20 };

	uv_sem_init(&answer, 0);
	assert_int_equal(work_start(), 0);
	for (size_t i = 0; i < SLOW; i++)
		assert_int_equal(work_post_slow(wait_for_answer, ended, NULL), 0);
	for (size_t i = 0; i < 20; i++)
		assert_int_equal(work_post(run, ended, "s"), 0);
	await(20);
	for (size_t i = 0; i < SLOW; i++)
		uv_sem_post(&answer);
	await(20 + SLOW);
	uv_sem_destroy(&answer);
	work_stop();
}

static void what_was_posted_is_done_at_the_end(void **state)
{
	assert_int_equal(work_start(), 0);
	for (size_t i = 0; i < 100; i++)
		assert_int_equal(work_post(run, ended, "s"), 0);
	work_stop();
	assert_int_equal(done, 100);
	assert_int_not_equal(work_post(run, ended, "s"), 0);
}

static void begin_under_the_filter(void)
{
	const struct config config = {0};

	(void)setup(NULL);
	if (sandbox_filter(&config) || work_start() || work_post(run, ended, "s") ||
		work_post_slow(run, ended, "w"))
		_exit(1);
	await(2);
	work_stop();
	_exit(teardown(NULL));
}

// As in the program: a process of its own, for a filter is never taken off.
static void threads_begin_under_the_filter(void **state)
{
	pid_t child = fork();
	int status;

	if (child == 0)
		begin_under_the_filter();
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_begin_under_the_filter),
		TEST(jobs_run_elsewhere_and_end_here),
		TEST(known_peers_go_first),
		TEST(strangers_are_bounded_and_keep_nobody_out),
		TEST(slow_jobs_keep_nobody_waiting),
		TEST(what_was_posted_is_done_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

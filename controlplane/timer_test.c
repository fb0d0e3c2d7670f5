// SPDX-License-Identifier: Apache-2.0

#include "controlplane/timer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct probe {
	struct timer timer;
	struct timers *timers;
	uint64_t fired; // when, or 0
	struct probe *victim;
	int again;
};

static uint64_t last_fired;

static void fire(void *context)
{
	struct probe *p = context;

	p->fired = timers_now(p->timers);
	assert_true(p->timer.due >= last_fired);
	last_fired = p->timer.due;
	if (p->victim)
		timer_stop(p->timers, &p->victim->timer);
	if (p->again-- > 0)
		timer_start(p->timers, &p->timer, 0, fire, p);
}

// A thousand timers in no order come out in order, and those that were stopped not at all.
static void test_order(void **state)
{
	enum { N = 1000 };
	static struct probe probes[N];
	struct timers *t = timers_create(NULL, NULL);

	last_fired = 0;
	srand(1);
	for (int i = 0; i < N; i++) {
		probes[i].timers = t;
		assert_int_equal(
			timer_start(t, &probes[i].timer, 1 + rand() % 500, fire, &probes[i]), 0);
	}
	for (int i = 0; i < N; i += 3)
		timer_stop(t, &probes[i].timer);
	for (uint64_t now = 0; now <= 500; now++)
		timers_run(t, now);
	for (int i = 0; i < N; i++) {
		assert_int_equal(probes[i].fired != 0, i % 3 != 0);
		assert_int_equal(probes[i].fired, i % 3 ? probes[i].timer.due : 0);
	}
	assert_int_equal(timers_run(t, 501), UINT64_MAX);
	timers_free(t);
}

static void test_stops_another(void **state)
{
	struct timers *t = timers_create(NULL, NULL);
	struct probe victim = {.timers = t};
	struct probe killer = {.timers = t, .victim = &victim};

	last_fired = 0;
	timer_start(t, &victim.timer, 10, fire, &victim);
	timer_start(t, &killer.timer, 5, fire, &killer);
	timers_run(t, 100);
	assert_int_equal(killer.fired, 100);
	assert_int_equal(victim.fired, 0);
	assert_false(timer_running(&victim.timer));
	timers_free(t);
}

// A timer of 0 ms that restarts itself does not keep timers_run from coming back.
static void test_restarts_itself(void **state)
{
	struct timers *t = timers_create(NULL, NULL);
	struct probe p = {.timers = t, .again = 1000000};

	last_fired = 0;
	timer_start(t, &p.timer, 0, fire, &p);
	timers_run(t, 1);
	assert_true(p.again > 999990);
	assert_true(timer_running(&p.timer));
	timers_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_stops_another),
		cmocka_unit_test(test_restarts_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

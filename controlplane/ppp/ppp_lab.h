// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the tests of a session have in common: a session with its peer_fake in *state, and the lines
// that the log has had since it began.

#include "peer_fake.h"
#include "controlplane/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static char lines[16384]; // of the log

static inline void log_sink(void *context, enum log_event event, const char *line)
{
	size_t used = strlen(lines);

	snprintf(lines + used, sizeof(lines) - used, "%s\n", line);
}

static inline int setup(void **state)
{
	struct peer_fake *p = malloc(sizeof(*p));

	lines[0] = '\0';
	log_set_sink(log_sink, NULL);
	peer_fake_create(p);
	*state = p;
	return 0;
}

static inline int teardown(void **state)
{
	peer_fake_free(*state);
	free(*state);
	return 0;
}

static inline void assert_up(const struct peer_fake *p)
{
	assert_string_equal(ppp_state(p->ppp), "open");
	assert_int_equal(p->ip4_ups, 1);
	assert_int_equal(p->downs, 0);
	assert_true(p->welcome);
}

static inline void assert_down(const struct peer_fake *p, const char *cause)
{
	assert_int_equal(p->downs, 1);
	assert_string_equal(p->cause, cause);
	assert_int_equal(p->ip4_ups, p->ip4_downs);
}

// Both network protocols.
static inline void dial_dual(struct peer_fake *p)
{
	p->addresses.ip6 = true;
	peer_fake_dial(p);
	assert_up(p);
}

// SPDX-License-Identifier: Apache-2.0
#pragma once

// A living endpoint for unit tests: its config, its clock, what it reported, and what must come out
// of it next.

#include "test_lac.h"

#include "controlplane/fakes.h"

enum { PEER = 0x00100007, SA = 0x00100001, SA_NEW = 0x00200002, OTHER_PEER = 0x00100008 };

extern struct config config;
extern struct l2tp *l2tp;
extern struct l2tp_session_info up; // of the last session_up
extern unsigned up_count, down_count;
extern uint32_t down_session; // of the last session_down
extern char down_cause[256];
extern bool close_when_up; // session_up closes the session

int setup(void **state);
int teardown(void **state);
// Moves the clock, 10 ms at a time.
void pass(uint64_t ms);
struct l2tp_counters counters(void);

// The next command, which must be of that type; or that there is none.
const struct fake_command *command(uint32_t type);
void no_commands(void);
// The next message of the endpoint, which must be that one; or that there is none.
void hear(struct lac *lac, uint16_t type, struct lac_heard *out);
void hear_stop(struct lac *lac, uint16_t result, uint16_t error);
void hear_cdn(struct lac *lac, uint16_t session, uint16_t result, uint16_t error);
void hear_nothing(struct lac *lac);

// The LAC brings a tunnel or a session up; returns the endpoint's session id.
void tunnel_up(struct lac *lac);
uint16_t session_up_on(struct lac *lac, uint16_t session);

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

// SPDX-License-Identifier: Apache-2.0
#pragma once

// A client of RADIUS with fake servers on loopback, all in one thread: sockets are real, and the
// timers' clock is moved by hand.

#include "client.h"
#include "controlplane/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include <cmocka.h>

enum { FIXTURE_SECRET_LENGTH = 6 };

// A fake server's UDP port.
struct fake_server {
	int fd;
	uint16_t port;
};
// A request as it arrived.
struct fake_request {
	uint8_t bytes[RADIUS_PACKET];
	struct radius_packet packet;
	uint32_t from; // IPv4, in host byte order
	uint16_t from_port;
};

// What became of a call; its address is the call's context.
struct outcome {
	bool done;
	enum radius_outcome outcome;
	uint8_t code; // of the reply
	uint16_t server;
	uint32_t ms;
};

extern struct config fixture_config;
extern struct radius *fixture_radius;
extern uv_loop_t fixture_loop;
extern struct timers *fixture_timers;

// A config of so many UDP servers, and their sockets; change the config before fixture_begin.
int fixture_setup(void **state);
int fixture_teardown(void **state);
void fixture_server(struct fake_server *f, unsigned number);
void fixture_begin(void);

// Moves the clock and runs the loop, in steps of what is due.
void fixture_pass(uint64_t ms);
// Runs the loop until nothing happens; no time passes.
void fixture_settle(void);
uint64_t fixture_now(void);

void fixture_send(struct outcome *o, enum radius_kind kind, uint32_t patience_ms);
int fixture_try_send(
	struct outcome *o, enum radius_kind kind, uint32_t patience_ms, uint16_t server);
// false: nothing is there.
bool fake_receive(const struct fake_server *f, struct fake_request *out);
// A proven reply; returns its length.
size_t fake_build(const struct fake_request *request, uint8_t code, uint8_t out[RADIUS_PACKET]);
void fake_send(const struct fake_server *f, uint16_t to_port, const void *bytes, size_t length);
void fake_answer(const struct fake_server *f, const struct fake_request *request, uint8_t code);
// Answers all that is there, Status-Server too; returns how many.
unsigned fake_answer_all(const struct fake_server *f);
void fake_close(struct fake_server *f);
void fake_open_again(struct fake_server *f); // at the same port

struct radius_server_info fixture_info(unsigned server);
unsigned fixture_logged(enum log_event event);

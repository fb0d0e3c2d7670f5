// SPDX-License-Identifier: Apache-2.0
#pragma once

// What a unit test sees of the dataplane and the thread pool when it links the fakes instead:
// everything sent and installed, in order; and a hand on the answers.

#include "controlplane/dataplane.h"
#include "controlplane/install.h"

#include <stdbool.h>

// work_post keeps what is posted until work_hold(false); otherwise it runs at once.
void work_hold(bool hold);

// A packet that the module under test sent.
struct fake_packet {
	unsigned order; // from 1 on, of all packets and commands
	uint16_t kind;  // enum packet_kind
	struct flow flow;
	uint32_t sa;
	uint32_t session;
	uint8_t data[LIMIT_IKE_MESSAGE];
	size_t length;
};
// The oldest packet not yet taken, or NULL.
const struct fake_packet *fake_sent_take(void);
size_t fake_sent_count(void);

// A command that the module under test posted.
struct fake_command {
	unsigned order; // from 1 on, of all packets and commands
	uint32_t type;  // enum command
	union {
		struct command_sa_add sa_add;
		struct command_sa_move sa_move;
		struct command_sa_delete sa_delete;
		struct command_tunnel_add tunnel_add;
		struct command_tunnel_set_sa tunnel_set_sa;
		struct command_tunnel_delete tunnel_delete;
		struct command_session_add session_add;
		struct command_session_set session_set;
		struct command_session_delete session_delete;
		struct command_route route;
	};
};
const struct fake_command *fake_command_take(void);
size_t fake_command_count(void);

// Answers are given at once with this error; with hold they wait for fake_install_release.
void fake_install_answer(int error);
void fake_install_hold(bool hold);
// What a session's MTU is said to be; 0 at first.
void fake_install_mtu(uint16_t mtu);
void fake_install_release(void);
// Posting fails with -ENOBUFS while set.
void fake_install_full(bool full);
// What install_ike_firsts was told last.
uint32_t fake_ike_firsts(void);
// The counters of a session below FAKE_SESSIONS, for the test to write.
enum { FAKE_SESSIONS = 64 };
struct stats_session *fake_stats(uint32_t session);
// For the fakes: the next number.
unsigned fake_order(void);
// Forgets everything, for the next test.
void fakes_reset(void);

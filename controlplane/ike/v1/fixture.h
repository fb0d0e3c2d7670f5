// SPDX-License-Identifier: Apache-2.0
#pragma once

// A responder over the fakes for one test: with the algorithms of the default config, the key
// "secret" for all and "other" for 203.0.113.0/24, and a listener at 192.0.2.1.

#include "initiator.h"

#include "controlplane/log.h"

enum { FIXTURE_PSKS = 24 };

extern struct config config;
extern struct config_psk psks[FIXTURE_PSKS]; // two of them in use
extern struct timers *timers;
extern struct ike *ike;
extern uint64_t now; // milliseconds of the timers

// What the responder reported and logged.
struct seen {
	unsigned currents, downs, refused;
	uint32_t peer, sa;  // of the newest sa_current
	uint32_t down_peer; // of the newest peer_down
	char cause[64];
	char refused_line[8192];
	char up_line[8192];     // of ike-up
	uint32_t close_in_down; // peer to close from within peer_down
	// What is said to have gone through that pair, all others have nothing; and how often it
	// was asked.
	uint32_t count_of;
	struct ike_pair_count count;
	unsigned counted;
	unsigned asked;                  // access_ask
	const struct ike_access *access; // the answer to it
};
extern struct seen seen;

int fixture_setup(void **state);
int fixture_teardown(void **state);
// The same with on_log and the level info.
int fixture_logged_setup(void **state);
int fixture_logged_teardown(void **state);
// A responder of the config as it is now; the old one ends.
void restart(void);
// A sink that keeps refusals and what comes up.
void on_log(void *context, enum log_event event, const char *line);
// Lets time go by.
void pass(uint64_t ms);
// The next command must be this one.
struct command_sa_add take_add(void);
void assert_deleted(uint32_t spi);
// Main mode as a peer that does DPD; port 500 or a port behind NAT.
void connect_as(struct initiator *i, const char *remote, uint16_t port);
// Quick mode; the command is not taken.
void quick_up(struct initiator *i, struct initiator_quick *q, uint32_t spi);
// Main mode and quick mode; the command is taken.
void bring_up(struct initiator *i, struct initiator_quick *q, const char *remote);

// SPDX-License-Identifier: Apache-2.0
#pragma once

// Accounting reports on their way: those of one session one after the other, all others side by
// side, each until a server has taken it. Accounting-On and -Off are walls: what came before them
// is sent before, and what comes after them after.
//
// radius.spool-size is the bound. An interim report that still waits is replaced by the next one of
// its session; beyond the bound the oldest interim report goes, and when there is none the oldest
// of all, which is an event.

#include "contract/config.h"
#include "controlplane/timer.h"
#include "spool.h"

#include <stdbool.h>
#include <stdint.h>

struct radius;
struct report;
struct reports;

// RFC 2866 section 5.1, RFC 2869 section 5.
enum report_kind {
	REPORT_START = 1,
	REPORT_STOP = 2,
	REPORT_INTERIM = 3,
	REPORT_ON = 7,
	REPORT_OFF = 8,
};

// In each session: its newest report that no server has taken; NULL: none.
struct report_chain {
	struct report *last;
};

struct reports_info {
	uint64_t sent, answered, lost;
	uint32_t waiting;
	uint64_t bytes;
	uint32_t oldest_s;
};

// Takes up what the spool has of an earlier run. spool may be NULL. NULL without memory.
struct reports *reports_create(const struct config *config, struct timers *timers,
	struct radius *radius, struct spool *spool);
void reports_free(struct reports *r);

// The attributes of an Accounting-Request, but for Acct-Status-Type and Acct-Delay-Time. chain
// NULL: of no session. -ENOMEM; -E2BIG beyond what a packet holds.
int reports_add(struct reports *r, struct report_chain *chain, enum report_kind kind,
	const uint8_t *attributes, size_t length);
// The same of a session of an earlier run, seconds since 1970: behind what is there of it.
int reports_take_up(struct reports *r, enum report_kind kind, uint64_t created,
	const uint8_t *attributes, size_t length);
// Attributes one after the other, to the end.
bool reports_is_whole(const uint8_t *attributes, size_t length);
// The session is over; its reports are not.
void reports_leave(struct report_chain *chain);
// What has changed goes into the file at the end of this round of the loop; others may say so too.
void reports_changed(struct reports *r);
void reports_info(const struct reports *r, struct reports_info *out);

// SPDX-License-Identifier: Apache-2.0
#pragma once

// Accounting (RFC 2866, RFC 2869): what subscribers used is told to the servers, Start, Interim and
// Stop for each, Accounting-On and -Off for the gateway. Nothing is lost while servers are away: a
// report that no server takes is kept, on disk in radius.spool within radius.spool-size (in memory
// without), and sent in its order when one is back, with its Acct-Delay-Time. When the bound is
// reached, interim reports go first, then the oldest; each loss is an event. A session that was up
// when the control plane died has its Stop from the next one (cause NAS-Reboot, with the counters
// of its last report), so every Start gets its Stop.

#include "controlplane/aaa.h"
#include "contract/address.h"

#include <stdbool.h>
#include <stdint.h>

struct accounting;
struct accounting_session;
struct radius;
struct timers;

// RFC 2866 section 5.10.
enum acct_cause {
	ACCT_USER_REQUEST = 1,
	ACCT_LOST_CARRIER = 2,
	ACCT_LOST_SERVICE = 3,
	ACCT_IDLE_TIMEOUT = 4,
	ACCT_SESSION_TIMEOUT = 5,
	ACCT_ADMIN_RESET = 6,
	ACCT_ADMIN_REBOOT = 7,
	ACCT_PORT_ERROR = 8,
	ACCT_NAS_ERROR = 9,
	ACCT_NAS_REQUEST = 10,
	ACCT_NAS_REBOOT = 11,
	ACCT_USER_ERROR = 17,
};
// From the words of a subscriber's end ("idle-timeout", "ppp: peer-terminated", "admin", ...).
enum acct_cause acct_cause_of(const char *cause);

// Since the session came up. in: from the subscriber.
struct accounting_count {
	uint64_t in_bytes, in_packets, out_bytes, out_packets;
};

// What a subscriber has; copied where it must last.
struct accounting_facts {
	const struct aaa_subject *who;
	const char *user;          // raw, with a NUL; the grant's User-Name goes before it
	const struct grant *grant; // Class, interim
	const char *auth;          // "radius", "users", "none": Acct-Authentic
	struct ip_address address; // IP_NONE where there is none, and so the others
	struct ip_prefix prefix6, delegated;
};
// False when nothing can be known now: the report has what the last one had.
typedef bool (*accounting_counter)(void *context, struct accounting_count *out);

// radius may be NULL, or the config without accounting: then nothing is told and all calls are in
// order. Sends Accounting-On, and the Stops that an earlier control plane owes. NULL without
// memory, or when the spool cannot be opened, which is logged.
struct accounting *accounting_create(
	const struct config *config, struct timers *timers, struct radius *radius);
// Sends Accounting-Off; what is not answered stays in the spool.
void accounting_close(struct accounting *a);
// Sessions that are left go without a word; the spool has them for the next control plane.
void accounting_free(struct accounting *a);

// Start. Interim reports follow every facts->grant->interim_s with jitter; counter is asked then.
// NULL without memory, which is logged.
struct accounting_session *accounting_start(struct accounting *a,
	const struct accounting_facts *facts, accounting_counter counter, void *context);
// Something has changed (addresses, by CoA the class or the interval): an interim report at once.
void accounting_change(struct accounting_session *s, const struct accounting_facts *facts);
// Stop, with the counters as they are. s is gone then; NULL is in order.
void accounting_stop(struct accounting_session *s, enum acct_cause cause);

// What the API shows.
struct accounting_info {
	uint64_t started, stopped, sent, answered, lost;
	uint32_t sessions, waiting; // reports without an answer
	uint64_t spool_bytes;
	uint32_t oldest_s; // age of the oldest of them
};
void accounting_info(const struct accounting *a, struct accounting_info *out);

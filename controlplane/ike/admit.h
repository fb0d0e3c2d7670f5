// SPDX-License-Identifier: Apache-2.0
#pragma once

// Strangers: IKE SAs that are half open, how many of them there may be, and what we do for whom has
// proven nothing. What the workers let through of them is decided by dataplane/admit.c.

#include "controlplane/dataplane.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

struct ike;
struct ike_sa;
struct ike_version;
struct half_source;
struct admit;

// In each IKE SA, as long as it is half open.
struct half_open {
	TAILQ_ENTRY(ike_sa) in_all;
	TAILQ_ENTRY(ike_sa) of_source;
	LIST_ENTRY(ike_sa) by_first;
	struct half_source *source;
	bool answered; // it is in the queue of those that came back to us
	bool waits;    // it is in no queue
	uint64_t waits_since, waited_ms;
};

// NULL without memory. Nothing is half open when it is freed; NULL is allowed.
struct admit *admit_create(struct ike *ike);
void admit_free(struct admit *a);

// Makes room for one more half-open SA: false when every one of them is in good faith. The oldest
// without a sign of it gives way, of the same address when that one has its share.
bool admit_room(struct ike *ike, const struct ip_address *remote);
// The SA is half open from now on, with its flow and its initiator's SPI as they are. -ENOMEM.
int admit_enter(struct ike_sa *sa);
// It is not any more, if it ever was.
void admit_leave(struct ike_sa *sa);
// Somebody else is asked about it, which is not the peer's fault: it does not give way, nor grow
// older, until it goes on. Of all half-open ones, and of those of one address, half may wait so.
void admit_wait(struct ike_sa *sa);
void admit_go_on(struct ike_sa *sa);
// A half-open one by the initiator's SPI and where its first message came from.
struct ike_sa *admit_find(struct ike *ike, const struct ike_version *version,
	const uint8_t *initiator, const struct flow *flow);

// More than half of the half-open SAs that there may be: then strangers get no answers but those
// that an exchange needs, and the workers let fewer of their messages through.
bool admit_is_loaded(const struct ike *ike);
// Whether to begin with a first message now. While as much is to be computed for strangers as can
// be in reasonable time, it is as if it had not come: it comes again.
bool admit_first(const struct ike *ike);
// Whether a version 2 initiator has to return a cookie first (ike.cookies-from).
bool admit_wants_cookie(const struct ike *ike);
// Whether so long an answer may go to somebody who is not authentic: at most three times as much
// as came, so that nobody uses us against a third party.
bool admit_reply_fits(size_t request, size_t reply);

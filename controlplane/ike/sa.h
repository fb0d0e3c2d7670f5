// SPDX-License-Identifier: Apache-2.0
#pragma once

// The table of IKE SAs, and what every exchange does with one.

#include "state.h"

// A half-open SA with fresh cookies, its timeout running. When too many are half open, the oldest
// that has not come back with our cookie gives way; NULL when there is none, or without memory. The
// part of its version is zero.
struct ike_sa *sa_create(struct ike *ike, const struct ike_version *version,
	const struct flow *flow, const uint8_t *cookie_i);
// A fresh SPI of ours, or a cookie, by which the workers know messages of its SA, whichever side
// began it (contract/ike_spi.h): all SPIs that we give come from here. 0 or -EIO without random
// numbers.
int sa_spi(struct ike *ike, uint8_t spi[ISAKMP_COOKIE]);
// An established SA beside old, for the same peer, whose newest it is: what is not of the keys is
// the same. The part of its version is zero, and it is not watched for a rekey yet. NULL without
// memory.
struct ike_sa *sa_renew(const struct ike_sa *old, const uint8_t *cookie_i, const uint8_t *cookie_r);
// An SA that we begin, as initiator, with the peer of old and what was agreed on there; it is no
// peer's yet (peer_renew), and nobody ends it but who begins it. The part of its version is zero.
// NULL without memory or random numbers.
struct ike_sa *sa_begin(const struct ike_sa *old);
// Takes it out of the table and off its peer, ends its exchanges and wipes its keys.
void sa_free(struct ike_sa *sa);
// By both cookies; NULL when there is none.
struct ike_sa *sa_find(struct ike *ike, const uint8_t *cookie_i, const uint8_t *cookie_r);
// A half-open one by the initiator's cookie and where it came from.
struct ike_sa *sa_find_half_open(struct ike *ike, const struct ike_version *version,
	const uint8_t *cookie_i, const struct flow *flow);
// Half open: somebody else is asked about it and has so much time, in which the peer's does not
// run; until sa_go_on. patience_ms 0: it runs.
void sa_wait(struct ike_sa *sa, uint32_t patience_ms);
void sa_go_on(struct ike_sa *sa);
// It is no longer half open: its peer owns it, and its lifetime runs.
void sa_established(struct ike_sa *sa);

struct log_subject sa_subject(const struct ike_sa *sa);
// The peer was heard there for certain, in a message that cannot be a replay.
void sa_follow(struct ike_sa *sa, const struct flow *flow);
void sa_send(struct ike_sa *sa, const struct flow *flow, const void *message, size_t length);
// The header of a message of this SA.
struct isakmp_header sa_header(
	const struct ike_sa *sa, uint8_t exchange, uint8_t flags, uint32_t message_id);

// Remembers message as the answer to the request of that digest. -ENOMEM.
int reply_keep(
	struct reply *r, const uint8_t request[SHA256_SIZE], const void *message, size_t length);
void reply_digest(const void *request, size_t length, uint8_t digest[SHA256_SIZE]);
bool reply_fits(const struct reply *r, const void *request, size_t length);
void reply_free(struct reply *r);
// Sends the answer once more, counted and logged.
void reply_again(struct ike_sa *sa, const struct reply *r, const struct flow *flow);

bool flow_equal(const struct flow *a, const struct flow *b);

// SPDX-License-Identifier: Apache-2.0
#pragma once

// CoA-Request and Disconnect-Request (RFC 5176): from the clients of radius.coa-clients, proven by
// their secret, once (a repeated one gets its answer again), with an Event-Timestamp within
// radius.coa-window where it has one. Whom it means is said by Acct-Session-Id, User-Name,
// Framed-IP-Address, Framed-IPv6-Prefix, Framed-IPv6-Address, NAS-Port, Calling-Station-Id,
// Called-Station-Id: all that are there must fit, and one at least must be. Every other attribute
// of a CoA-Request changes something, or the whole request is refused with Error-Cause.

#include "contract/config.h"
#include "controlplane/grant.h"
#include "controlplane/timer.h"

#include <stdbool.h>
#include <stdint.h>

struct coa;
struct uv_loop_s;

// Who is meant. Texts are raw; empty, IP_NONE and false: not asked for.
struct coa_match {
	const char *session_id, *user, *calling, *called;
	struct ip_address address, address6;
	struct ip_prefix prefix6;
	bool has_port;
	uint32_t port; // NAS-Port: index of the session
};

struct coa_events {
	// Each returns to how many it was done, or -errno with nothing changed.
	int (*disconnect)(void *context, const struct coa_match *match);
	int (*change)(void *context, const struct coa_match *match, const struct grant *change);
};

// NULL without radius.coa, without memory, or when the address cannot be had (logged, and *failed
// is set). Before the sandbox closes.
struct coa *coa_create(const struct config *config, struct timers *timers, struct uv_loop_s *loop,
	const struct coa_events *events, void *context, bool *failed);
void coa_free(struct coa *coa);

struct coa_info {
	uint64_t requests, acks, naks, repeated;
	uint64_t foreign, malformed, wrong_authenticator, wrong_message_authenticator, outdated;
};
void coa_info(const struct coa *coa, struct coa_info *out);

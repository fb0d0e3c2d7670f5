// SPDX-License-Identifier: Apache-2.0
#pragma once

// A subscriber's record, for the files that act on it: subscriber.c with its states, and
// subscriber_path.c, which sees to its MTU. Nobody else includes this.

#include "subscriber.h"

#include "install.h"

enum { V4, V6, FAMILIES };

// One of the two network protocols of a subscriber.
struct family {
	struct subscriber *s;
	bool opened;            // the dataplane was told to forward, and not yet to stop
	struct ip_prefix route; // to it: its address or its prefix; IP_NONE without this protocol
};

struct subscriber {
	struct subscribers *all;
	struct subscriber *next, *previous;
	uint64_t id;
	enum subscriber_state state;
	bool buried; // waits for its timer to be freed
	bool was_up;
	uint32_t session;
	struct l2tp_session_info l2tp;
	struct ppp *ppp;
	struct ppp_link link;
	char user[PPP_NAME];
	const struct config_user *account;
	struct family family[FAMILIES];
	char cause[128]; // why it ends
	struct log_subject subject;
	struct timer burial;
	struct timer advertise; // the next router advertisement
	struct timer ask;       // the dataplane for the MTU, when the path has changed
	uint16_t mtu;      // bytes: the largest inner packet, as the dataplane says; 0 = unknown
	uint16_t path_mtu; // bytes: of that, what probes found to get through; 0 = all
	bool probe_due;    // with the MTU that the dataplane says next
	uint64_t since, up_since; // milliseconds of the timers' clock; up_since 0 = never
	uint32_t setup_ms;
};

struct subscribers {
	const struct config *config;
	struct timers *timers;
	struct pools *pools;
	struct pools6 *pools6;
	const struct users *users;
	struct l2tp *l2tp;
	struct subscriber **by_session;
	uint32_t sessions;
	struct subscriber *first;
	uint64_t next_id;
	struct subscribers_counters counters;
};

// As the session is to be with the protocols that are opened.
struct command_session_set subscriber_form(const struct subscriber *s);

// ---- subscriber_path.c

// The answer to a SESSION_SET: the session's MTU. context is the subscriber.
void subscriber_mtu_known(void *context, int error, uint16_t mtu);
// It is up: does the path carry its largest packets?
void subscriber_probe(struct subscriber *s);
// Probes found that packets of this size get through both ways; 0: the largest.
void subscriber_path_found(struct subscriber *s, uint16_t mtu);

// SPDX-License-Identifier: Apache-2.0
#pragma once

// Who judges who somebody is: the users of the config, RADIUS, or one after the other, as
// radius.auth says. The answer may come at once or after minutes (a push to a phone), and nobody
// else waits meanwhile. With EAP it takes several rounds; the method is the RADIUS server's
// business, or eap/eap.h's for the users of the config.

#include "controlplane/auth/credentials.h"
#include "controlplane/dataplane.h"
#include "controlplane/grant.h"

#include <stdbool.h>
#include <stdint.h>

struct aaa;
struct radius;
struct users;

// Who asks, for the attributes of requests and of accounting. Texts are raw with a NUL, and may be
// empty. They must live until the answer, as the whole struct.
struct aaa_subject {
	uint64_t attempt;   // id of the connection attempt
	struct flow flow;   // from where
	uint32_t session;   // index in the dataplane: NAS-Port
	const char *access; // "l2tp", "ikev2"
	bool ipsec;         // inside IPsec
	const char *calling,
		*called;             // numbers that a LAC told; empty: the addresses stand for them
	const char *lac;             // host name of the L2TP peer; empty without L2TP
	uint32_t tx_speed, rx_speed; // bit/s, 0 = not known
};

struct aaa_answer {
	const struct ppp_verdict *verdict;
	struct grant *grant; // of who is accepted, completed: to be taken over; else NULL
	const char *account; // the user of the config by name, or NULL
	const char *source;  // "users", "radius": who has decided
	const char *reason;  // of a refusal, in words for the log; else NULL
	bool unreachable;    // nobody could be asked
};
typedef void (*aaa_done)(void *context, const struct aaa_answer *answer);

// radius may be NULL. All that is handed in must outlive it. NULL without memory.
struct aaa *aaa_create(
	const struct config *config, const struct users *users, struct radius *radius);
void aaa_free(struct aaa *aaa);

// Asks; done is called once, perhaps before this returns. One question of a context at a time, and
// credentials stay valid until it is answered. In an EAP conversation the verdict says whether it
// goes on (ppp_verdict.turn); the next round is asked with the same context.
void aaa_ask(struct aaa *aaa, const struct aaa_subject *subject,
	const struct ppp_credentials *credentials, aaa_done done, void *context);
// The context goes away: its question is no longer answered, its conversation is over.
void aaa_forget(struct aaa *aaa, const void *context);
// What a user without credentials of ours gets (an IKEv2 peer proven by certificate or pre-shared
// key): of the user of that name, or of remote-access. 0 or -ENOMEM.
int aaa_grant(struct aaa *aaa, const char *name, struct grant *out);

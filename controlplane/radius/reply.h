// SPDX-License-Identifier: Apache-2.0
#pragma once

// What a RADIUS server's answer means: the verdict, and what is granted. Attributes of
// Access-Accept and of CoA-Request are read by the same table (docs/radius.md has it for people).
// Values that no subscriber may have are refused by rule: an address of 0, multicast, loopback, our
// own or of our ports' networks, a route to them or a default route, prefixes longer than their
// kind allows, timeouts beyond a year. What cannot be honoured is told to the caller, who logs it.

#include "client.h"
#include "controlplane/auth/credentials.h"
#include "controlplane/grant.h"

enum { REPLY_STATE = 253, REPLY_EAP = 4096 };

// What is not honoured, and why: name is the attribute ("Framed-IP-Address", "vendor 9 type 1"),
// value it as text, escaped, reason in words.
struct reply_complaint {
	const char *name, *value, *reason;
};
typedef void (*reply_complain)(void *context, const struct reply_complaint *complaint);

// Reads the attributes into grant, which holds nothing before but what is to be overridden; from is
// FROM_RADIUS or FROM_COA. Framed-IP-Address 255.255.255.254 is an address of the pool, ...255 is
// refused. 0, or -ENOMEM; -ENOENT when a filter or a group that it names is not there: who has less
// to hold him back than was meant must not come in.
int reply_grant(const struct config *config, const struct radius_packet *packet,
	enum grant_from from, struct grant *grant, reply_complain complain, void *context);

struct reply_verdict {
	struct ppp_verdict verdict;
	uint8_t eap[REPLY_EAP];     // verdict.eap points here
	uint8_t state[REPLY_STATE]; // of a challenge; length 0 = none
	uint16_t state_length;
	char message[254];  // Reply-Message, cut: for the peer and the log
	const char *reason; // of a refusal, in words for the log
};
// From Access-Accept, Access-Reject or Access-Challenge, for these credentials: MS-CHAP2-Success
// (without it an accepted MS-CHAPv2 is refused), MS-CHAP-Error, EAP-Message, and the keys of
// MS-MPPE-Recv-Key and MS-MPPE-Send-Key as MSK. A challenge to PAP, CHAP or MS-CHAPv2 is a refusal,
// since no such client can answer it. Wipe it after use.
void reply_verdict(const struct radius_result *result, const struct ppp_credentials *credentials,
	struct reply_verdict *out);

// SPDX-License-Identifier: Apache-2.0
#pragma once

// EAP, the authenticator's end (RFC 3748), with the methods Identity and MS-CHAPv2
// (draft-kamath-pppext-eap-mschapv2), and as a pass-through (section 2.3) for the methods of
// whoever judges. It knows nothing of what carries it (IKEv2, PPP) nor of users: it sends packets,
// asks who the peer is, and says how it ended. No timers: whoever carries it repeats what is lost
// (RFC 3748 section 4.3 leaves that to IKEv2; PPP takes eap_last).

#include "controlplane/auth/credentials.h"

#include <stddef.h>
#include <stdint.h>

struct eap;

enum {
	EAP_PACKET = 4096, // bytes of a packet at most, either way; one of our own has 1020 at most
	EAP_ROUNDS = 100,  // questions of one conversation: who asks for more is refused
	EAP_TYPE_IDENTITY = 1,
	EAP_TYPE_MSCHAPV2 = 26,
};

// Which methods there are.
struct eap_ways {
	bool pass; // who is named by the peer's Identity is asked about first, with PPP_AUTH_EAP
	bool ours; // MS-CHAPv2: where the answer to that is EAP_OURS, or without pass at once
	bool want_msk; // accepted without it is a refusal
	uint16_t most; // bytes of a packet that the peer takes; 0: EAP_PACKET
};

struct eap_result {
	bool good;
	bool passed;        // it was not our own method that decided
	bool judged;        // not good, by the judge's word: he knows why
	const char *name;   // who it is, or said to be: raw, with a NUL; valid during the call
	const char *reason; // why not, in words for the log; NULL when good
	const uint8_t *msk; // AUTH_MSK bytes, valid during the call; NULL when there is none
};

struct eap_events {
	// A packet for the peer, as eap_last has it. The final Success or Failure is one too: done
	// follows at once.
	void (*send)(void *context, const uint8_t *packet, size_t length);
	// Who is that? Answered by eap_answer, now or later. The credentials have method
	// PPP_AUTH_MSCHAPV2, or PPP_AUTH_EAP with a packet of the peer: each of its answers, the
	// Identity first, in an order that the judge and the peer settle. Valid until they are
	// answered.
	void (*ask)(void *context, const struct ppp_credentials *credentials);
	// The end; called once. eap_free is due, but not from within.
	void (*done)(void *context, const struct eap_result *result);
};

// *ways and *events are copied. NULL when there is no memory.
struct eap *eap_create(const struct eap_ways *ways, const struct eap_events *events, void *context);
// In any state; an answer that is still to come must not come then. Wipes.
void eap_free(struct eap *eap);

// Sends the Identity request.
void eap_start(struct eap *eap);
// A packet of the peer. 0 when it was taken: send, ask or done were called, or an answer is
// awaited. -EBADMSG for one that makes no sense, -EALREADY for one that answers no request of ours
// that is open; nothing has changed then, and RFC 3748 section 4.1 would have us wait for another
// one.
int eap_input(struct eap *eap, const uint8_t *packet, size_t length);
// -EINVAL when nothing was asked. A packet of the judge that is none, or none that fits the
// verdict, is a refusal.
int eap_answer(struct eap *eap, const struct ppp_verdict *verdict);

// The newest packet to the peer, to be repeated; length 0 when there is none.
const uint8_t *eap_last(const struct eap *eap, size_t *length);
// "identity", "passed" (a request of the judge is open), "mschapv2", "verdict", "success",
// "failure", "over": for the API and the log.
const char *eap_state(const struct eap *eap);

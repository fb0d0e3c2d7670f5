// SPDX-License-Identifier: Apache-2.0
#pragma once

// EAP, the authenticator's end (RFC 3748), with the methods Identity and MS-CHAPv2
// (draft-kamath-pppext-eap-mschapv2). It knows nothing of what carries it (IKEv2, PPP) nor of
// users: it sends packets, asks who the peer is, and says how it ended. No timers: whoever carries
// it repeats what is lost (RFC 3748 section 4.3 leaves that to IKEv2; PPP takes eap_last).

#include "controlplane/auth/credentials.h"

#include <stddef.h>
#include <stdint.h>

struct eap;

enum {
	EAP_PACKET = 1020, // bytes of a packet of ours at most (RFC 3748 section 3.1)
	EAP_TYPE_IDENTITY = 1,
	EAP_TYPE_MSCHAPV2 = 26,
};

struct eap_result {
	bool good;
	const char *name;   // who it is, or said to be: raw, with a NUL; valid during the call
	const char *reason; // why not, in words for the log; NULL when good
	const uint8_t *msk; // AUTH_MSK bytes, valid during the call; NULL when not good
};

struct eap_events {
	// A packet for the peer. The final Success or Failure is one too: done follows at once.
	void (*send)(void *context, const uint8_t *packet, size_t length);
	// Who is that? Answered by eap_answer, now or later. The credentials have method
	// PPP_AUTH_MSCHAPV2 and want the MSK; valid until they are answered.
	void (*ask)(void *context, const struct ppp_credentials *credentials);
	// The end; called once. eap_free is due, but not from within.
	void (*done)(void *context, const struct eap_result *result);
};

// *events is copied. NULL when there is no memory.
struct eap *eap_create(const struct eap_events *events, void *context);
// In any state; an answer that is still to come must not come then. Wipes.
void eap_free(struct eap *eap);

// Sends the Identity request.
void eap_start(struct eap *eap);
// A packet of the peer. 0 when it was taken: send, ask or done were called, or an answer is
// awaited. -EBADMSG for one that makes no sense, -EALREADY for one that answers no request of ours
// that is open; nothing has changed then, and RFC 3748 section 4.1 would have us wait for another
// one.
int eap_input(struct eap *eap, const uint8_t *packet, size_t length);
// -EINVAL when nothing was asked. An accepted verdict without MSK is a refusal.
int eap_answer(struct eap *eap, const struct ppp_verdict *verdict);

// The newest packet of ours, to be repeated; length 0 when there is none.
const uint8_t *eap_last(const struct eap *eap, size_t *length);
// "identity", "mschapv2", "verdict", "success", "failure", "over": for the API and the log.
const char *eap_state(const struct eap *eap);

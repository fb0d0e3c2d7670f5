// SPDX-License-Identifier: Apache-2.0
#pragma once

// The authentication phase (RFC 1661 section 3.5), and what of it is repeated later: what PAP, CHAP
// and EAP have in common. One question at a time is with the caller, who may take minutes for it
// (a push to a phone), and what the peer says meanwhile is no second one. The answer that the peer
// got is kept and repeated whenever the peer, which may not have heard it, says the same again.

#include "ppp.h"
#include "wire.h"

enum {
	AUTH_CHALLENGE = 16, // bytes, for both kinds of CHAP (RFC 2759 section 3)
	AUTH_ANSWER = WIRE_PROTOCOL + WIRE_HEADER + 1 + 255, // bytes of an answer at most
};

struct authenticate {
	struct timer timer; // until the peer says who it is, or has to once more
	uint16_t left;      // how often that may fire
	uint8_t method;     // enum ppp_auth, 0 = not since LCP opened
	uint8_t id;         // of our Challenge, or of the newest PAP request
	bool again;         // the peer, which was accepted, is asked once more
	bool asking;        // the caller has *asked
	bool stale;         // and its answer is of no interest any more
	uint8_t challenge[AUTH_CHALLENGE];
	struct ppp_credentials *asked; // the caller may look at it until it answers
	struct ppp_credentials *next;  // to be asked when a stale answer has come
	uint8_t *answer;               // the whole packet that the peer got, or NULL
	uint16_t answer_length;
	char *name;       // who was accepted by CHAP, as he said it; NULL: nobody is asked again
	struct eap *eap;  // while EAP goes on
	uint8_t eap_busy; // how deep in calls of it we are
	bool eap_end;     // it goes when we are out of them
	bool eap_done, eap_good; // it has ended so, which is acted upon then
};

struct ppp;

void authenticate_start(struct ppp *ppp, unsigned method);
// Forgets all but a question that is with the caller.
void authenticate_stop(struct ppp *ppp);
void authenticate_free(struct ppp *ppp);
void authenticate_verdict(struct ppp *ppp, const struct ppp_verdict *verdict);
// Nobody could say: who is asked again keeps what he has, anybody else is refused.
void authenticate_undecided(struct ppp *ppp);
// The peer is expected to say something now.
bool authenticate_open(const struct ppp *ppp);

// For pap.c, chap.c and eap.c. Takes over the credentials.
void authenticate_ask(struct ppp *ppp, struct ppp_credentials *credentials);
// A request has gone out: it goes out again until the peer says something.
void authenticate_wait(struct ppp *ppp);
// The peer knows that it is accepted, or not.
void authenticate_end(struct ppp *ppp, bool accepted);
// The peer gets that answer, and keeps it.
void authenticate_answer(struct ppp *ppp, const struct ppp_verdict *verdict);
// Fills in method, id and name; NULL when the name is too long or memory is out.
struct ppp_credentials *authenticate_credentials(struct ppp *ppp, uint8_t id, struct view name);
// Sends the answer that the peer got before once more, under this identifier.
void authenticate_repeat(struct ppp *ppp, uint8_t id);

void pap_input(struct ppp *ppp, struct view packet);
void pap_answer(struct ppp *ppp, const struct ppp_verdict *verdict, struct build *out);
// A new challenge; false without random numbers.
bool chap_start(struct ppp *ppp);
void chap_challenge(struct ppp *ppp);
void chap_input(struct ppp *ppp, struct view packet);
void chap_answer(struct ppp *ppp, const struct ppp_verdict *verdict, struct build *out);

// Sends the Identity request; false without memory.
bool ppp_eap_start(struct ppp *ppp);
void ppp_eap_stop(struct ppp *ppp);
// Sends the newest request once more.
void ppp_eap_again(struct ppp *ppp);
void ppp_eap_input(struct ppp *ppp, struct view packet);
void ppp_eap_verdict(struct ppp *ppp, const struct ppp_verdict *verdict);
